/*
 * The master's side of the control socket.  Master, on the loop.
 */

#include "master/control.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16
#define CLIENTS_MAX 16
#define VERB_MAX 64
#define PATIENCE_S 10 /* to send the verb, and to read the answer */

enum client_state { CLIENT_FREE, CLIENT_ASKING, CLIENT_WAITING, CLIENT_ENDING };

struct bt_control_client {
	struct bt_control *control;
	enum client_state state;
	enum bt_control_wait waits_for;
	int fd;
	struct event *event; /* EV_READ, but while ENDING: EV_WRITE */
	char verb[VERB_MAX];
	size_t verb_n;
	struct bt_buf out;
	size_t sent;
};

struct bt_control {
	int fd;
	char *path;
	ino_t ino; /* of the socket's file */
	struct event_base *base;
	struct event *acceptable;
	struct event *again; /* when accepting failed */
	const struct bt_control_verb *verbs;
	void *arg;
	struct bt_control_client clients[CLIENTS_MAX];
};

static const struct timeval patience = { .tv_sec = PATIENCE_S };
static const struct timeval breather = { .tv_sec = 1 };

static void
client_close(struct bt_control_client *c)
{
	if (c->event != NULL)
		event_free(c->event);
	c->event = NULL;
	bt_fd_close(&c->fd);
	bt_buf_fini(&c->out);
	c->verb_n = c->sent = 0;
	if (c->state != CLIENT_FREE && c->control->fd != -1)
		event_add(c->control->acceptable, NULL);
	c->state = CLIENT_FREE;
}

/* Sends what the socket takes and closes when that was all of it. */
static void
flush(struct bt_control_client *c)
{
	while (c->sent < c->out.len) {
		ssize_t r = send(c->fd, c->out.data + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1 && errno == EAGAIN) {
			event_add(c->event, &patience);
			return;
		}
		if (r == -1)
			break;
		c->sent += (size_t)r;
	}
	client_close(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct bt_control_client *c = arg;

	if (what & EV_TIMEOUT)
		client_close(c);
	else
		flush(c);
}

__attribute__((format(printf, 2, 0))) static void
end_va(struct bt_control_client *c, const char *fmt, va_list ap)
{
	char line[512];

	vsnprintf(line, sizeof(line), fmt, ap);
	bt_buf_printf(&c->out, "%s\n", line);
	event_free(c->event);
	c->event = event_new(c->control->base, c->fd, EV_WRITE, on_writable, c);
	c->state = CLIENT_ENDING;
	flush(c);
}

void
bt_control_end(struct bt_control_client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_va(c, fmt, ap);
	va_end(ap);
}

void
bt_control_wait(struct bt_control_client *c, enum bt_control_wait what)
{
	c->state = CLIENT_WAITING;
	c->waits_for = what;
	event_remove_timer(c->event); /* but still notice that he leaves */
}

void
bt_control_move_waiting(struct bt_control *control, enum bt_control_wait from,
    enum bt_control_wait to)
{
	for (size_t i = 0; control != NULL && i < CLIENTS_MAX; i++)
		if (control->clients[i].state == CLIENT_WAITING &&
		    control->clients[i].waits_for == from)
			control->clients[i].waits_for = to;
}

void
bt_control_end_waiting(struct bt_control *control, enum bt_control_wait what,
    struct bt_str lines, const char *fmt, ...)
{
	va_list ap;

	for (size_t i = 0; control != NULL && i < CLIENTS_MAX; i++) {
		struct bt_control_client *c = &control->clients[i];

		if (c->state != CLIENT_WAITING || c->waits_for != what)
			continue;
		bt_buf_append(&c->out, lines.p, lines.n);
		va_start(ap, fmt);
		end_va(c, fmt, ap);
		va_end(ap);
	}
}

struct bt_buf *
bt_control_lines(struct bt_control_client *c)
{
	return &c->out;
}

/* A whole line has come. */
static void
answer(struct bt_control_client *c)
{
	const struct bt_control_verb *verb = c->control->verbs;

	for (; verb->name != NULL; verb++) {
		if (strcmp(verb->name, c->verb) == 0) {
			bt_log_debug(NULL, 0, "control: %s", verb->name);
			verb->run(c->control->arg, c);
			return;
		}
	}
	bt_control_end(c, "error there is no verb \"%s\"", c->verb);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct bt_control_client *c = arg;
	char *lf;
	ssize_t r;

	if (what & EV_TIMEOUT) {
		client_close(c);
		return;
	}
	/* one byte is left for the NUL */
	r = recv(
	    fd, c->verb + c->verb_n, VERB_MAX - 1 - c->verb_n, MSG_DONTWAIT);
	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r <= 0 || c->state == CLIENT_WAITING) {
		/* he left, or speaks when he should listen */
		client_close(c);
		return;
	}
	c->verb_n += (size_t)r;
	lf = memchr(c->verb, '\n', c->verb_n);
	if (lf != NULL) {
		*lf = '\0';
		answer(c);
	} else if (c->verb_n == VERB_MAX - 1) {
		bt_control_end(c, "error the verb is too long");
	}
}

static struct bt_control_client *
find_free(struct bt_control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].state == CLIENT_FREE)
			return &control->clients[i];
	return NULL;
}

static void
on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct bt_control *control = arg;
	struct bt_control_client *c = find_free(control);

	if (c == NULL) { /* client_close() adds it again */
		event_del(control->acceptable);
		return;
	}
	c->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->fd == -1) {
		if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
			return;
		/* out of descriptors: epoll would call us again at once */
		event_del(control->acceptable);
		event_add(control->again, &breather);
		return;
	}
	c->state = CLIENT_ASKING;
	c->event = event_new(
	    control->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	event_add(c->event, &patience);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct bt_control *control = arg;

	event_add(control->acceptable, NULL);
}

int
bt_control_addr(const char *path, struct bt_addr *ret)
{
	struct sockaddr_un *un = (void *)&ret->ss;
	size_t n = strlen(path);

	if (n >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct bt_addr){ .ss.ss_family = AF_UNIX };
	memcpy(un->sun_path, path, n + 1);
	ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return 0;
}

struct bt_control *
bt_control_adopt(struct event_base *base, int *fd, const char *path, ino_t ino,
    const struct bt_control_verb *verbs, void *arg)
{
	struct bt_control *control = bt_mem_zero(1, sizeof(*control));

	control->fd = bt_fd_take(fd);
	control->path = bt_mem_strdup(path);
	control->ino = ino;
	control->base = base;
	control->verbs = verbs;
	control->arg = arg;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		control->clients[i].control = control;
		control->clients[i].fd = -1;
	}
	control->acceptable = event_new(
	    base, control->fd, EV_READ | EV_PERSIST, on_acceptable, control);
	control->again = evtimer_new(base, on_again, control);
	event_add(control->acceptable, NULL);
	return control;
}

int
bt_control_new(struct event_base *base, const char *path,
    const struct bt_control_verb *verbs, void *arg, struct bt_control **ret)
{
	struct bt_addr addr;
	struct stat st;
	int fd, r;

	if ((r = bt_control_addr(path, &addr)) < 0)
		return r;
	if ((fd = bt_listener_bind(&addr, BACKLOG, 0600)) < 0)
		return fd;
	*ret = bt_control_adopt(
	    base, &fd, path, stat(path, &st) == 0 ? st.st_ino : 0, verbs, arg);
	return 0;
}

void
bt_control_adopt_client(
    struct bt_control *control, int *fd, enum bt_control_wait what)
{
	struct bt_control_client *c = find_free(control);

	if (c == NULL) {
		bt_fd_close(fd);
		return;
	}
	c->fd = bt_fd_take(fd);
	c->event = event_new(
	    control->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->state = CLIENT_ASKING;
	event_add(c->event, &patience);
	if (what != BT_WAIT_NONE)
		bt_control_wait(c, what);
}

int
bt_control_fd(const struct bt_control *control)
{
	return control->fd;
}

const char *
bt_control_path(const struct bt_control *control)
{
	return control->path;
}

ino_t
bt_control_ino(const struct bt_control *control)
{
	return control->ino;
}

int
bt_control_next_waiting(
    const struct bt_control *control, size_t *at, enum bt_control_wait *ret)
{
	while (control != NULL && *at < CLIENTS_MAX) {
		const struct bt_control_client *c = &control->clients[(*at)++];

		if (c->state == CLIENT_WAITING) {
			*ret = c->waits_for;
			return c->fd;
		}
		if (c->state == CLIENT_ASKING && c->verb_n == 0) {
			*ret = BT_WAIT_NONE;
			return c->fd;
		}
	}
	return -1;
}

void
bt_control_close(struct bt_control *control)
{
	struct stat st;

	if (control == NULL || control->fd == -1)
		return;
	event_del(control->acceptable);
	event_del(control->again);
	bt_fd_close(&control->fd);
	if (stat(control->path, &st) == 0 && st.st_ino == control->ino)
		unlink(control->path);
}

void
bt_control_free(struct bt_control *control)
{
	if (control == NULL)
		return;
	bt_control_close(control);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		client_close(&control->clients[i]);
	event_free(control->acceptable);
	event_free(control->again);
	free(control->path);
	free(control);
}
