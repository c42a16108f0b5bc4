/*
 * Connections on their way to another worker, through the master: which of them
 * can go, and what has to go with them.  A worker that retires hands back each
 * as soon as it can; one that has more than its share those that are idle.
 * Worker, on the loop.
 */

#include "worker/handback.h"

#include "base/fd.h"
#include "worker/exchange.h"
#include "worker/tunnel.h"
#include "worker/worker.h"

#include <fcntl.h>

/*
 * An answer of which only file bytes are left goes with its file.  It counts,
 * and is logged, as finished here.
 */
static bool
pack_file(struct bt_conn *c, struct bt_handover *h)
{
	struct baton_exchange *x = c->x;

	h->with_fd = fcntl(x->reply.fd, F_DUPFD_CLOEXEC, 0);
	if (h->with_fd == -1)
		return false;
	h->baton.flags |= BT_BATON_FILE | (c->last ? BT_BATON_LAST : 0);
	h->amid.file.offset = x->reply.offset + x->sent;
	h->amid.file.rest = x->reply.length - x->sent;
	x->sent = x->reply.length;
	bt_exchange_end(c);
	return true;
}

/* All of its request is still in the input, and can begin anew. */
static bool
is_whole(const struct bt_conn *c)
{
	const struct baton_exchange *x = c->x;

	return x->may_move && x->reply.status == 0 && !x->content_begun &&
	    c->in.at == c->in.keep && !c->last && !c->eof &&
	    /* the service manager cannot be told whom a PROXY header named */
	    !(c->worker->parking && (c->baton.flags & BT_BATON_PROXIED));
}

/* One that only waits goes as it came, with its head. */
static void
pack_held(struct bt_conn *c, struct bt_handover *h)
{
	h->baton.flags |= BT_BATON_HELD;
	h->amid.held.begun_us = c->x->begun_us;
	c->in.at -= c->x->asked_bytes;
	c->x->moves = true;
	bt_exchange_end(c);
}

/*
 * Back to the master, with the bytes that wait.  It is sent in a later turn: by
 * then its event is deleted, as epoll keeps a registration for as long as
 * anybody holds the open file.
 *
 * Returns: false when it has to be finished here.
 */
static bool
hand_back(struct bt_conn *c)
{
	struct bt_handover h = { .baton = c->baton };

	h.baton.flags = BT_BATON_TAKEN | (c->baton.flags & BT_BATON_PROXIED);
	if (c->x != NULL && is_whole(c))
		pack_held(c, &h);
	else if (c->x != NULL && !pack_file(c, &h))
		return false;
	h.fd = bt_fd_take(&c->fd);
	h.baton.bytes = (uint32_t)(c->in.end - c->in.at);
	h.bytes = h.baton.bytes ? c->in.data + c->in.at : NULL;
	if (h.baton.bytes == 0 && !(h.baton.flags & BT_BATON_FILE))
		bt_guard_set_idle(&c->worker->guard, h.fd, c->baton.requests);
	bt_outbox_add(c->worker->outbox, &h);
	bt_conn_leave(c);
	return true;
}

/* Another worker could begin its next request. */
static bool
is_movable(const struct bt_conn *c)
{
	return c->x == NULL && !c->last && !c->eof;
}

/* It retires: the next request is for another worker. */
bool
bt_handback_is_due(const struct bt_conn *c)
{
	return c->worker->retiring && is_movable(c);
}

/* What is between requests, waits whole, or is only a file's bytes by now. */
static bool
may_hand_back(const struct bt_conn *c)
{
	if (!c->worker->retiring || c->out.at < c->out.end)
		return false;
	if (c->x == NULL)
		return bt_handback_is_due(c);
	if (is_whole(c))
		return true;
	return !c->worker->parking && bt_exchange_is_file_only(c);
}

bool
bt_handback_try(struct bt_conn *c)
{
	return may_hand_back(c) && hand_back(c);
}

bool
bt_handback_tunnel(struct bt_conn *c)
{
	struct bt_handover h = { .baton = c->baton };

	h.baton.flags = BT_BATON_TAKEN | (c->baton.flags & BT_BATON_PROXIED);
	if (!bt_tunnel_pack(c->tunnel, &h))
		return false;
	h.fd = bt_fd_take(&c->fd);
	bt_outbox_add(c->worker->outbox, &h);
	bt_tunnel_free(c->tunnel);
	bt_conn_leave(c);
	return true;
}

void
bt_handback_all(struct bt_worker *w)
{
	static const enum bt_conn_phase movable[] = { BT_CONN_IDLE,
		BT_CONN_FRESH, BT_CONN_HEAD, BT_CONN_SEND, BT_CONN_CONTENT,
		BT_CONN_HELD };
	struct bt_conn *c, *next;

	for (size_t i = 0; i < sizeof(movable) / sizeof(movable[0]); i++)
		for (c = TAILQ_FIRST(&w->phases[movable[i]]); c; c = next) {
			next = TAILQ_NEXT(c, phase_link);
			bt_handback_try(c);
		}
	bt_tunnels_settle(w);
}

void
bt_handback_shed(struct bt_worker *w, uint64_t n)
{
	static const enum bt_conn_phase idle[] = { BT_CONN_IDLE, BT_CONN_FRESH,
		BT_CONN_TUNNEL };
	struct bt_conn *c, *next;

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		for (c = TAILQ_FIRST(&w->phases[idle[i]]); c && n > 0;
		     c = next) {
			next = TAILQ_NEXT(c, phase_link);
			if (c->phase == BT_CONN_TUNNEL
				? bt_handback_tunnel(c)
				: is_movable(c) && hand_back(c))
				n--;
		}
}
