/*
 * Connections to the servers behind us.  Worker, on the loop.
 */

#include "proxy/link.h"

#include "base/fd.h"
#include "base/mem.h"
#include "proxy/proxying.h"
#include "proxy/upstream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool dials_another(struct bt_link *, short events);

static void
link_close(struct bt_link *l)
{
	event_del(&l->event);
	bt_fd_close(&l->fd);
	free(l);
}

static void
forget_idle(struct bt_link *l)
{
	TAILQ_REMOVE(&l->origin->idle, l, next);
	l->origin->idle_n--;
}

static void
on_event(evutil_socket_t fd, short events, void *arg)
{
	struct bt_link *l = arg;
	const struct bt_services *services = l->origin->upstream->all->services;

	services->turn(services);
	if (l->user != NULL) {
		if (dials_another(l, events))
			return;
		bt_proxying_on_event(l->user, events);
		return;
	}
	/* idle: it was closed, or says what nobody asked for, or is too old */
	forget_idle(l);
	link_close(l);
}

/*
 * Of the events of one turn those of idle ones come first: what was closed, or
 * has something to say that nobody asked for, is not lent in that turn.  To
 * look into each with MSG_PEEK would be a system call for each request.
 */
static void
set_idle(struct bt_link *l, bool idle)
{
	event_priority_set(
	    &l->event, idle ? BT_PRIORITY_FIRST : BT_PRIORITY_USUAL);
}

static void
set_event(struct bt_link *l)
{
	const struct timeval timeout = { l->timeout_ms / 1000,
		l->timeout_ms % 1000 * 1000 };

	event_add(&l->event, &timeout);
}

void
bt_link_watch(struct bt_link *l, short events, int64_t timeout_ms)
{
	if (l->watching == events && l->timeout_ms == timeout_ms && !l->renewed)
		return; /* with EV_PERSIST each event begins it anew */
	l->renewed = false;
	l->timeout_ms = timeout_ms;
	if (l->watching != events) {
		event_del(&l->event);
		l->watching = events;
		event_assign(&l->event,
		    l->origin->upstream->all->services->loop, l->fd,
		    (short)(events | EV_PERSIST), on_event, l);
	}
	if (events == 0)
		return; /* also where it was 0 before */
	set_idle(l, l->user == NULL);
	set_event(l);
}

void
bt_link_renew(struct bt_link *l)
{
	l->renewed = true;
}

/* It leads to what its name no longer means. */
static bool
is_of_old_name(const struct bt_link *l)
{
	return l->origin->name != NULL &&
	    !bt_name_is_current(l->origin->name, l->pick);
}

/*
 * The one used last: others may get too old.  Its event was there all the time,
 * so it still stood when the loop last looked; to ask once more for each
 * request would leave the time until the request is there all the same.  One
 * that is stale costs a silent repetition.
 */
static struct bt_link *
take_idle(struct bt_origin *o)
{
	struct bt_link *l, *next;

	for (l = TAILQ_FIRST(&o->idle); l != NULL; l = next) {
		next = TAILQ_NEXT(l, next);
		forget_idle(l);
		if (!is_of_old_name(l))
			return l;
		link_close(l);
	}
	return NULL;
}

static int
take_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return -errno;
	return -error;
}

int
bt_origin_connect(const struct bt_origin *o, int *ret_fd)
{
	const struct sockaddr *sa = (const void *)&o->addr.ss;
	int one = 1, fd, r;

	if (sa->sa_family == AF_UNSPEC)
		return -EDESTADDRREQ; /* nobody knows it yet */
	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (sa->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	r = connect(fd, sa, o->addr.len) == -1 ? -errno : 0;
	/* on this host a refusal is there by now, and the loop need not turn */
	if (r == -EINPROGRESS)
		r = take_error(fd);
	if (r < 0) {
		bt_fd_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* The same for one of its name's addresses, the next that does not refuse. */
static int
dial_name(struct bt_origin *o, struct bt_link *l, int *ret_fd)
{
	int r = -EDESTADDRREQ;

	while (l->others > 0) {
		l->others--;
		l->pick = bt_name_next(o->name);
		if ((r = bt_origin_connect(o, ret_fd)) == 0)
			return 0;
		bt_name_failed(o->name, l->pick);
	}
	return r;
}

static int
dial(struct bt_origin *o, struct bt_link *l, int *ret_fd)
{
	return o->name == NULL ? bt_origin_connect(o, ret_fd)
			       : dial_name(o, l, ret_fd);
}

static int
link_new(struct bt_origin *o, struct bt_link **ret)
{
	struct bt_link *l, begun = { .origin = o, .fd = -1 };
	int r;

	bt_score_add(&o->upstream->all->services->score->proxy_connects, 1);
	begun.others = o->name != NULL ? bt_name_count(o->name) : 0;
	if ((r = dial(o, &begun, &begun.fd)) < 0)
		return r;
	l = bt_mem_new(sizeof(*l));
	*l = begun;
	l->connected = o->addr.ss.ss_family == AF_UNIX;
	event_assign(&l->event, o->upstream->all->services->loop, l->fd,
	    EV_PERSIST, on_event, l);
	*ret = l;
	return 0;
}

/*
 * One of a name's addresses could not be connected to: there may be another,
 * and nobody has to know.
 *
 * Returns: whether it is being connected to.
 */
static bool
dials_another(struct bt_link *l, short events)
{
	struct bt_origin *o = l->origin;
	int fd = -1, r;

	if (l->connected || o->name == NULL)
		return false;
	r = events & EV_TIMEOUT ? -ETIMEDOUT : bt_link_take_error(l);
	if (r == 0)
		return false;
	l->error = r;
	bt_name_failed(o->name, l->pick);
	if (dial_name(o, l, &fd) < 0)
		return false;
	event_del(&l->event);
	bt_fd_close(&l->fd);
	l->fd = fd;
	l->error = 0;
	event_assign(&l->event, o->upstream->all->services->loop, l->fd,
	    (short)(l->watching | EV_PERSIST), on_event, l);
	set_event(l);
	return true;
}

/* What goes over it begins with the client's address: it is for nobody else. */
static bool
names_client(const struct bt_proxying *user)
{
	return user->conf->send_proxy != 0;
}

int
bt_link_open(struct bt_origin *o, struct bt_proxying *user, bool fresh,
    struct bt_link **ret)
{
	struct bt_link *l = fresh || names_client(user) ? NULL : take_idle(o);
	int r = l == NULL ? link_new(o, &l) : 0;

	if (r < 0 || l == NULL)
		return r;
	l->user = user;
	set_idle(l, false);
	bt_link_renew(l);
	o->busy_n++;
	*ret = l;
	return 0;
}

int
bt_link_take_error(struct bt_link *l)
{
	int r;

	if (l->error != 0)
		return l->error;
	r = take_error(l->fd);
	l->connected = r == 0;
	return r;
}

int
bt_link_take_fd(struct bt_link *l)
{
	int fd;

	event_del(&l->event);
	fd = bt_fd_take(&l->fd);
	free(l);
	return fd;
}

void
bt_link_give(struct bt_link *l, bool good)
{
	struct bt_origin *o = l->origin;
	const struct bt_conf_upstream *conf = o->upstream->conf;

	if (l->user != NULL) {
		o->busy_n--;
		good &= !names_client(l->user);
	}
	l->user = NULL;
	if (!good || o->idle_n >= conf->keepalive) {
		link_close(l);
		return;
	}
	l->used = true;
	TAILQ_INSERT_HEAD(&o->idle, l, next);
	o->idle_n++;
	bt_link_renew(l);
	bt_link_watch(l, EV_READ, conf->keepalive_timeout_ms);
}
