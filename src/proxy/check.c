/*
 * Checks of servers: a connection of its own for each, one GET, and the head of
 * the answer.  Who of the workers makes it is who first takes the server's
 * `check_next_us` further; when that one dies, another one makes the next.
 * Worker, on the loop.
 */

#include "proxy/check.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/response.h"
#include "proxy/proxying.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define REQUEST_BYTES_MAX 4096
#define ANSWER_BYTES_MAX 16384

/* One server's; `fd` is -1 while none is under way. */
struct check {
	struct bt_origin *origin;
	const struct bt_checks *checks;
	int fd;
	struct event event;
	size_t sent, got;
	int64_t until_us; /* it has to be over by then */
	char *answer;
};

struct bt_checks {
	struct bt_upstream *upstream;
	struct event *timer;
	struct check *list; /* of each server */
};

static const struct bt_services *
services_of(const struct bt_checks *c)
{
	return c->upstream->all->services;
}

/* The end of one: it is well, or `why` not. */
static void
conclude(struct check *c, int error, const char *why)
{
	const struct bt_conf_upstream *conf = c->checks->upstream->conf;
	struct bt_standing_origin *o = c->origin->standing;
	int64_t now_us = services_of(c->checks)->now->us;
	bool was_down = atomic_load(&o->checked_down), is_down;

	event_del(&c->event);
	bt_fd_close(&c->fd);
	free(c->answer);
	c->answer = NULL;
	bt_standing_origin_checked(o, conf, why == NULL, now_us);
	is_down = atomic_load(&o->checked_down);
	if (is_down && !was_down)
		bt_log_warn(NULL, error,
		    "upstream %.*s: %.*s is down by its check: %s",
		    BT_STR_ARG(conf->name), BT_STR_ARG(c->origin->conf->text),
		    why);
	else if (was_down && !is_down)
		bt_log_info(NULL, 0, "upstream %.*s: %.*s is up by its check",
		    BT_STR_ARG(conf->name), BT_STR_ARG(c->origin->conf->text));
}

/*
 * Looks at what has come: 1: the verdict is in `*ret_why`, NULL when it is
 * well; 0: more is needed.
 */
static int
judge(const struct check *c, char *text, size_t size, const char **ret_why)
{
	struct bt_str bytes = { c->answer, c->got }, head;
	struct bt_response response;
	struct bt_parser parser;

	for (;;) {
		struct bt_head_scan scan = { 0 };

		switch (bt_response_find(
		    &scan, bytes, ANSWER_BYTES_MAX - 1, &head)) {
		case BT_PARSE_MORE:
			return 0;
		case BT_PARSE_REFUSED:
			*ret_why = "its answer is not one of HTTP/1";
			return 1;
		case BT_PARSE_DONE:
			break;
		}
		*ret_why =
		    bt_response_parse(&parser, head, BT_METHOD_GET, &response);
		if (*ret_why != NULL)
			return 1;
		bytes.p += head.n;
		bytes.n -= head.n;
		if (response.status >= 200)
			break;
	}
	if (response.status < 400)
		return 1;
	snprintf(text, size, "it answers %u", response.status);
	*ret_why = text;
	return 1;
}

static void
read_answer(struct check *c)
{
	const char *why = NULL;
	char text[64];
	ssize_t n;

	if (c->answer == NULL)
		c->answer = bt_mem_zero(1, ANSWER_BYTES_MAX);
	n = recv(c->fd, c->answer + c->got, ANSWER_BYTES_MAX - c->got, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		conclude(c, errno, "it breaks off");
		return;
	}
	c->got += (size_t)n;
	if (judge(c, text, sizeof(text), &why) == 1)
		conclude(c, 0, why);
	else if (n == 0)
		conclude(c, 0, "it closes before it has answered");
}

static void on_event(evutil_socket_t, short events, void *arg);

/* What it is asked; the same each time, so that nothing is kept. */
static size_t
write_request(const struct check *c, char out[static REQUEST_BYTES_MAX])
{
	struct bt_str host = c->origin->conf->text;
	int n;

	if (bt_str_has_prefix(host, BT_STR("unix:")))
		host = BT_STR("localhost");
	n = snprintf(out, REQUEST_BYTES_MAX,
	    "GET %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n",
	    c->checks->upstream->conf->check, BT_STR_ARG(host));
	return n < REQUEST_BYTES_MAX ? (size_t)n : 0;
}

/* Waits for the events, at most for the time of an interval in all. */
static void
watch(struct check *c, short events)
{
	int64_t left_us = c->until_us - services_of(c->checks)->now->us;
	struct timeval tv = { 0 };

	if (left_us > 0) {
		tv.tv_sec = left_us / 1000000;
		tv.tv_usec = left_us % 1000000;
	}
	event_assign(&c->event, services_of(c->checks)->loop, c->fd, events,
	    on_event, c);
	event_add(&c->event, &tv);
}

static void
on_event(evutil_socket_t fd, short events, void *arg)
{
	const struct bt_services *services;
	char request[REQUEST_BYTES_MAX];
	socklen_t len = sizeof(int);
	struct check *c = arg;
	int error = 0;
	ssize_t n;

	services = services_of(c->checks);
	services->turn(services);
	if (events & EV_TIMEOUT) {
		conclude(c, 0, "it has not answered in time");
		return;
	}
	if (!(events & EV_WRITE)) {
		read_answer(c);
		if (c->fd != -1)
			watch(c, EV_READ);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	    error != 0) {
		conclude(c, error, "it cannot be connected to");
		return;
	}
	len = (socklen_t)write_request(c, request);
	n = send(fd, request + c->sent, len - c->sent, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		conclude(c, errno, "it breaks off");
		return;
	}
	c->sent += n > 0 ? (size_t)n : 0;
	watch(c, c->sent < len ? EV_WRITE : EV_READ);
}

static void
begin(struct check *c)
{
	int r = bt_origin_connect(c->origin, &c->fd);

	c->sent = c->got = 0;
	c->until_us = services_of(c->checks)->now->us +
	    c->checks->upstream->conf->check_interval_ms * 1000;
	if (r == 0) {
		watch(c, EV_WRITE);
		return;
	}
	event_assign(
	    &c->event, services_of(c->checks)->loop, -1, 0, on_event, c);
	conclude(c, -r, "it cannot be connected to");
}

/* Whose turn it is to be checked, if no other worker takes that. */
static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	const struct bt_checks *checks = arg;
	const struct bt_services *services = services_of(checks);
	int64_t every_us = checks->upstream->conf->check_interval_ms * 1000;
	int64_t now_us;

	services->turn(services);
	now_us = services->now->us;
	for (size_t i = 0; i < checks->upstream->conf->origins_n; i++) {
		struct check *c = &checks->list[i];
		_Atomic int64_t *next = &c->origin->standing->check_next_us;
		int64_t due = atomic_load(next);

		/* this worker's timer may be a little early for another's */
		if (c->fd == -1 && now_us >= due - every_us / 4 &&
		    atomic_compare_exchange_strong(
			next, &due, now_us + every_us))
			begin(c);
	}
}

struct bt_checks *
bt_checks_new(struct bt_upstream *u)
{
	int64_t ms = u->conf->check_interval_ms;
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct bt_checks *checks;

	if (u->conf->check == NULL)
		return NULL;
	checks = bt_mem_zero(1, sizeof(*checks));
	checks->upstream = u;
	checks->list = bt_mem_zero(u->conf->origins_n, sizeof(struct check));
	for (size_t i = 0; i < u->conf->origins_n; i++)
		checks->list[i] = (struct check){
			.origin = &u->origins[i], .checks = checks, .fd = -1
		};
	checks->timer =
	    event_new(u->all->services->loop, -1, EV_PERSIST, on_timer, checks);
	event_add(checks->timer, &tv);
	event_active(checks->timer, EV_TIMEOUT, 0); /* at once, too */
	return checks;
}

void
bt_checks_free(struct bt_checks *checks)
{
	if (checks == NULL)
		return;
	for (size_t i = 0; i < checks->upstream->conf->origins_n; i++) {
		struct check *c = &checks->list[i];

		if (c->fd == -1)
			continue;
		event_del(&c->event);
		bt_fd_close(&c->fd);
		free(c->answer);
	}
	event_free(checks->timer);
	free(checks->list);
	free(checks);
}
