/*
 * Bytes from one descriptor to another, both ways.  What is read is sent at
 * once; what the other end does not take stays in a buffer, and until that is
 * empty nothing more is read: who is slow slows the other, and not our memory.
 * A tunnel through which nothing passes has no buffer.  Worker, on the loop.
 */

#include "worker/tunnel.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/upstream.h"
#include "worker/handback.h"
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Read at once: what waits both ways fits into one handover. */
#define READ_MAX (BT_BATON_BYTES_MAX / 2)

struct end {
	struct bt_tunnel *tunnel;
	int fd;
	short watching;
	struct event event;
};

/* One way: data[at..end) is what its end has not taken yet. */
struct way {
	int64_t moved_ms; /* it took something, or began to have to */
	char *data;       /* a buffer of the worker; NULL: nothing waits */
	uint32_t at, end;
	bool over; /* no more comes, and who takes it was told so */
	bool eof;  /* no more comes */
};

struct bt_tunnel {
	struct bt_conn *conn;
	struct bt_origin *origin;
	struct end client, server;
	struct way up, down; /* to the server, to the client */
	int64_t idle_ms;
	int64_t moved_ms;            /* something passed, either way */
	bool stalled;                /* the timer is for what waits */
	enum bt_guard_state guarded; /* while nothing waits */
	struct event timer;
};

static struct bt_worker *
worker_of(const struct bt_tunnel *t)
{
	return t->conn->worker;
}

static void
set_timer(struct bt_tunnel *t, int64_t ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(&t->timer, &tv);
}

/* The way on which something has waited for longest; NULL: on none. */
static const struct way *
find_stalled(const struct bt_tunnel *t)
{
	if (t->up.data == NULL)
		return t->down.data != NULL ? &t->down : NULL;
	return t->down.data != NULL && t->down.moved_ms < t->up.moved_ms
	    ? &t->down
	    : &t->up;
}

/* An end takes nothing: what waits for it is memory of ours. */
static void
give_up_stalled(struct bt_tunnel *t, const struct way *way)
{
	struct bt_log log = { bt_conn_describe, t->conn };
	bool up = way == &t->up;

	bt_log_info(&log, 0,
	    "the %s of a tunnel took nothing for send_timeout; closed",
	    up ? "server" : "client");
	bt_conn_close(t->conn, up ? BT_CLOSE_ERROR : BT_CLOSE_SEND_TIMEOUT);
}

/* It is not set anew for each byte: when it is due it looks for the last. */
static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct bt_tunnel *t = arg;
	struct bt_worker *w = worker_of(t);
	struct bt_log log = { bt_conn_describe, t->conn };
	const struct way *way = find_stalled(t);
	int64_t rest_ms, stall_ms = INT64_MAX;

	bt_worker_turn(w);
	t->stalled = way != NULL;
	rest_ms = t->moved_ms + t->idle_ms - w->now.ms;
	if (way != NULL)
		stall_ms = way->moved_ms + w->conf->send_timeout_ms - w->now.ms;
	if (stall_ms <= 0) {
		give_up_stalled(t, way);
	} else if (rest_ms <= 0) {
		bt_log_info(
		    &log, 0, "nothing passed for tunnel_timeout; closed");
		bt_conn_close(t->conn, BT_CLOSE_TUNNEL_TIMEOUT);
	} else {
		set_timer(t, stall_ms < rest_ms ? stall_ms : rest_ms);
	}
}

static void on_client(evutil_socket_t, short events, void *);
static void on_server(evutil_socket_t, short events, void *);

struct bt_tunnel *
bt_tunnel_new(struct bt_conn *c, int *server_fd, struct bt_origin *origin,
    int64_t idle_ms)
{
	struct bt_tunnel *t = bt_mem_zero(1, sizeof(*t));
	struct bt_worker *w = c->worker;

	t->conn = c;
	t->origin = origin;
	t->client = (struct end){ .tunnel = t, .fd = c->fd };
	t->server = (struct end){ .tunnel = t, .fd = bt_fd_take(server_fd) };
	t->idle_ms = idle_ms;
	t->moved_ms = w->now.ms;
	evtimer_assign(&t->timer, w->base, on_timer, t);
	set_timer(t, idle_ms);
	w->tunnels_n++;
	bt_score_set(&w->score->tunnels, w->tunnels_n);
	return t;
}

/* Where a worker finds what no handover can name. */
static struct bt_origin *
find_origin(struct bt_worker *w, uint32_t id)
{
	return w->services.upstreams != NULL
	    ? bt_upstreams_find_origin(w->services.upstreams, id)
	    : NULL;
}

struct bt_tunnel *
bt_tunnel_adopt(struct bt_conn *c, struct bt_handover *h)
{
	struct bt_origin *o = find_origin(c->worker, h->amid.tunnel.origin);
	uint32_t up = h->amid.tunnel.up_bytes, all = h->baton.bytes;
	struct bt_tunnel *t;

	if (o != NULL)
		bt_origin_take(o);
	t = bt_tunnel_new(c, &h->with_fd, o, h->amid.tunnel.idle_ms);
	if (up > 0 && up <= all)
		bt_tunnel_send_up(t, h->bytes, up);
	if (up < all)
		bt_tunnel_send_down(t, h->bytes + up, all - up);
	return t;
}

static void
way_put(struct bt_tunnel *t, struct way *way, const char *bytes, size_t n)
{
	assert(way->data == NULL && n <= worker_of(t)->buffer_bytes);
	way->data = bt_pool_take(&worker_of(t)->buffers);
	memcpy(way->data, bytes, n);
	way->moved_ms = worker_of(t)->now.ms;
	way->at = 0;
	way->end = (uint32_t)n;
}

void
bt_tunnel_send_up(struct bt_tunnel *t, const char *bytes, size_t n)
{
	bt_score_add(&worker_of(t)->score->bytes_in, n);
	way_put(t, &t->up, bytes, n);
}

void
bt_tunnel_send_down(struct bt_tunnel *t, const char *bytes, size_t n)
{
	way_put(t, &t->down, bytes, n);
}

static void
way_give_back(struct bt_tunnel *t, struct way *way)
{
	bt_pool_give(&worker_of(t)->buffers, way->data);
	way->data = NULL;
	way->at = way->end = 0;
}

/* An end broke off: the other one learns of it, too. */
static void
break_off(struct bt_tunnel *t, const struct end *end, int error)
{
	struct bt_log log = { bt_conn_describe, t->conn };

	if (end == &t->server)
		bt_log_info(&log, error, "the server of a tunnel broke off");
	bt_conn_close(
	    t->conn, end == &t->server ? BT_CLOSE_ERROR : BT_CLOSE_RESET);
}

/* Sends what waits.  False: the connection is closed. */
static bool
flush(struct bt_tunnel *t, struct way *way, const struct end *to)
{
	ssize_t n = 0;

	while (way->at < way->end) {
		n = send(to->fd, way->data + way->at, way->end - way->at,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		way->at += (uint32_t)n;
		way->moved_ms = t->moved_ms = worker_of(t)->now.ms;
		if (to == &t->client)
			bt_score_add(
			    &worker_of(t)->score->bytes_out, (uint64_t)n);
	}
	if (n == -1 && errno != EAGAIN) {
		break_off(t, to, errno);
		return false;
	}
	if (way->at == way->end && way->data != NULL)
		way_give_back(t, way);
	return true;
}

/* Reads once, and sends that on.  False: the connection is closed. */
static bool
pass(struct bt_tunnel *t, struct way *way, const struct end *from,
    const struct end *to)
{
	ssize_t n;

	if (way->data != NULL || way->eof)
		return true;
	way->data = bt_pool_take(&worker_of(t)->buffers);
	do
		n = recv(from->fd, way->data, READ_MAX, 0);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		way->end = (uint32_t)n;
		way->moved_ms = worker_of(t)->now.ms;
		if (from == &t->client)
			bt_score_add(
			    &worker_of(t)->score->bytes_in, (uint64_t)n);
		return flush(t, way, to);
	}
	way_give_back(t, way);
	if (n == -1 && errno != EAGAIN) {
		break_off(t, from, errno);
		return false;
	}
	way->eof = n == 0;
	return true;
}

static void
watch(struct end *end, short events, event_callback_fn on)
{
	if (end->watching == events)
		return;
	if (end->watching)
		event_del(&end->event);
	end->watching = events;
	if (events == 0)
		return;
	event_assign(&end->event, worker_of(end->tunnel)->base, end->fd,
	    (short)(events | EV_PERSIST), on, end->tunnel);
	event_add(&end->event, NULL);
}

/* Its last byte is out: who takes it hears that no more comes. */
static void
finish_way(struct way *way, const struct end *to)
{
	if (!way->eof || way->over || way->data != NULL)
		return;
	shutdown(to->fd, SHUT_WR);
	way->over = true;
}

static bool
is_empty(const struct bt_tunnel *t)
{
	return t->up.data == NULL && t->down.data == NULL;
}

/* What an end is to be waited for: to bring, or to take. */
static short
wanted(const struct way *brings, const struct way *takes)
{
	return (short)((brings->data == NULL && !brings->eof ? EV_READ : 0) |
	    (takes->data != NULL ? EV_WRITE : 0));
}

static void
settle(struct bt_tunnel *t)
{
	struct bt_conn *c = t->conn;
	struct bt_worker *w = c->worker;

	finish_way(&t->up, &t->server);
	finish_way(&t->down, &t->client);
	if (t->up.over && t->down.over) {
		bt_conn_close(c, BT_CLOSE_DONE);
		return;
	}
	if (is_empty(t) && w->draining) {
		bt_conn_close(c, BT_CLOSE_DRAIN);
		return;
	}
	if (w->retiring && bt_handback_tunnel(c))
		return;
	watch(&t->client, wanted(&t->up, &t->down), on_client);
	watch(&t->server, wanted(&t->down, &t->up), on_server);
	if (is_empty(t)) {
		bt_guard_set(&w->guard, c->fd, t->guarded);
	} else if (!t->stalled) {
		t->stalled = true;
		set_timer(t, w->conf->send_timeout_ms);
	}
}

static void
on_client(evutil_socket_t fd, short events, void *arg)
{
	struct bt_tunnel *t = arg;
	struct bt_worker *w = worker_of(t);

	bt_worker_turn(w);
	bt_guard_set(&w->guard, fd, BT_GUARD_NONE);
	if ((events & EV_WRITE) && !flush(t, &t->down, &t->client))
		return;
	if ((events & EV_READ) && !pass(t, &t->up, &t->client, &t->server))
		return;
	settle(t);
}

static void
on_server(evutil_socket_t fd, short events, void *arg)
{
	struct bt_tunnel *t = arg;
	struct bt_worker *w = worker_of(t);

	bt_worker_turn(w);
	bt_guard_set(&w->guard, t->client.fd, BT_GUARD_NONE);
	if ((events & EV_WRITE) && !flush(t, &t->up, &t->server))
		return;
	if ((events & EV_READ) && !pass(t, &t->down, &t->server, &t->client))
		return;
	settle(t);
}

/* What it is to another worker. */
static union bt_amid
amid(const struct bt_tunnel *t)
{
	union bt_amid a = { .words = { 0, 0 } };

	a.tunnel.idle_ms = t->idle_ms;
	a.tunnel.up_bytes = t->up.end - t->up.at;
	a.tunnel.origin = t->origin != NULL ? bt_origin_id(t->origin) : 0;
	return a;
}

void
bt_tunnel_go(struct bt_tunnel *t)
{
	struct bt_worker *w = worker_of(t);
	union bt_amid a = amid(t);

	a.tunnel.up_bytes = 0; /* while it is guarded, nothing waits */
	t->guarded = bt_guard_learn_tunnel(&w->guard, t->client.fd,
			 t->server.fd, &t->conn->baton, &a)
	    ? BT_GUARD_TUNNEL
	    : BT_GUARD_NONE;
	if (!flush(t, &t->up, &t->server) || !flush(t, &t->down, &t->client))
		return;
	/* usually something is there already */
	if (!pass(t, &t->up, &t->client, &t->server) ||
	    !pass(t, &t->down, &t->server, &t->client))
		return;
	settle(t);
}

void
bt_tunnels_settle(struct bt_worker *w)
{
	struct bt_conn *c, *next;

	for (c = TAILQ_FIRST(&w->phases[BT_CONN_TUNNEL]); c; c = next) {
		next = TAILQ_NEXT(c, phase_link);
		bt_tunnel_go(c->tunnel);
	}
}

bool
bt_tunnel_pack(struct bt_tunnel *t, struct bt_handover *h)
{
	uint32_t up = t->up.end - t->up.at, down = t->down.end - t->down.at;
	struct bt_pool *buffers = &worker_of(t)->buffers;

	if (up + down > BT_BATON_BYTES_MAX)
		return false;
	watch(&t->client, 0, NULL);
	watch(&t->server, 0, NULL);
	if (up + down == 0)
		bt_guard_set(&worker_of(t)->guard, t->client.fd, t->guarded);
	h->amid = amid(t);
	h->with_fd = bt_fd_take(&t->server.fd);
	h->baton.flags |= BT_BATON_TUNNEL;
	h->baton.bytes = up + down;
	if (up > 0 && down > 0) { /* in one piece, in front of each other */
		char *both = bt_pool_take(buffers);

		memcpy(both, t->up.data + t->up.at, up);
		memcpy(both + up, t->down.data + t->down.at, down);
		way_give_back(t, &t->up);
		t->up = (struct way){ .data = both, .end = up + down };
	}
	h->bytes = up > 0 ? t->up.data + t->up.at
	    : down > 0    ? t->down.data + t->down.at
			  : NULL;
	return true;
}

void
bt_tunnel_free(struct bt_tunnel *t)
{
	struct bt_worker *w;

	if (t == NULL)
		return;
	w = worker_of(t);
	watch(&t->client, 0, NULL);
	watch(&t->server, 0, NULL);
	event_del(&t->timer);
	if (t->origin != NULL)
		bt_origin_give(t->origin);
	if (t->server.fd != -1)
		bt_fd_close(&t->server.fd);
	way_give_back(t, &t->up);
	way_give_back(t, &t->down);
	w->tunnels_n--;
	bt_score_set(&w->score->tunnels, w->tunnels_n);
	free(t);
}
