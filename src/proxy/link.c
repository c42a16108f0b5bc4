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
		bt_proxying_on_event(l->user, events);
		return;
	}
	/* idle: it was closed, or says what nobody asked for, or is too old */
	forget_idle(l);
	link_close(l);
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
	if (l->watching == events && l->timeout_ms == timeout_ms)
		return; /* with EV_PERSIST each event begins it anew */
	l->timeout_ms = timeout_ms;
	if (l->watching != events) {
		event_del(&l->event);
		l->watching = events;
		event_assign(&l->event,
		    l->origin->upstream->all->services->loop, l->fd,
		    (short)(events | EV_PERSIST), on_event, l);
	}
	set_event(l);
}

/* Whether it still stands: nothing to read, no end. */
static bool
is_fresh(const struct bt_link *l)
{
	char byte;

	return recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    errno == EAGAIN;
}

static struct bt_link *
take_idle(struct bt_origin *o)
{
	struct bt_link *l;

	while ((l = TAILQ_FIRST(&o->idle)) != NULL) {
		forget_idle(l);
		if (is_fresh(l))
			return l;
		link_close(l);
	}
	return NULL;
}

static int
link_new(struct bt_origin *o, struct bt_link **ret)
{
	const struct sockaddr *sa = (const void *)&o->addr.ss;
	int one = 1, fd, r = 0;
	struct bt_link *l;

	bt_score_add(&o->upstream->all->services->score->proxy_connects, 1);
	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (sa->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, sa, o->addr.len) == -1 && errno != EINPROGRESS) {
		r = -errno;
		bt_fd_close(&fd);
		return r;
	}
	l = bt_mem_zero(1, sizeof(*l));
	l->origin = o;
	l->fd = fd;
	l->connected = sa->sa_family == AF_UNIX;
	event_assign(&l->event, o->upstream->all->services->loop, fd,
	    EV_PERSIST, on_event, l);
	*ret = l;
	return 0;
}

int
bt_link_open(struct bt_origin *o, struct bt_proxying *user, bool fresh,
    struct bt_link **ret)
{
	struct bt_link *l = fresh ? NULL : take_idle(o);
	int r = l == NULL ? link_new(o, &l) : 0;

	if (r < 0 || l == NULL)
		return r;
	l->user = user;
	o->busy_n++;
	*ret = l;
	return 0;
}

int
bt_link_take_error(struct bt_link *l)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return -errno;
	l->connected = error == 0;
	return -error;
}

void
bt_link_give(struct bt_link *l, bool good)
{
	struct bt_origin *o = l->origin;
	const struct bt_conf_upstream *conf = o->upstream->conf;

	if (l->user != NULL)
		o->busy_n--;
	l->user = NULL;
	if (!good || o->idle_n >= conf->keepalive) {
		link_close(l);
		return;
	}
	l->used = true;
	TAILQ_INSERT_HEAD(&o->idle, l, next);
	o->idle_n++;
	bt_link_watch(l, EV_READ, conf->keepalive_timeout_ms);
}
