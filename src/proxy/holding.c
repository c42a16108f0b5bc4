/*
 * Contents that are held until there is a server.  Worker, on the loop.
 */

#include "proxy/holding.h"

#include "base/log.h"
#include "proxy/framing.h"
#include "proxy/spool.h"

#include <assert.h>
#include <errno.h>

static bool
is_asking(const struct bt_proxying *p)
{
	return p->step == BT_PROXY_ASK || p->step == BT_PROXY_ANSWER;
}

static bool
is_some(const struct bt_proxying *p)
{
	return p->held.spool != NULL || p->held.over;
}

bool
bt_holding_is_first(const struct bt_proxying *p)
{
	return !is_asking(p) || is_some(p);
}

/* So many bytes more are held, or less. */
static void
count(struct bt_proxying *p, int64_t n)
{
	struct bt_upstream *u = p->upstream;
	struct bt_score_worker *score = u->all->services->score;

	p->held.bytes += (uint64_t)n;
	u->held_bytes += (uint64_t)n;
	bt_score_set(&score->held_bytes, score->held_bytes + (uint64_t)n);
}

size_t
bt_holding_room(struct bt_proxying *p)
{
	struct bt_upstream *u = p->upstream;
	size_t room = u->all->block_bytes; /* any spool begins with as much */
	uint64_t max = u->conf->hold_bytes;

	/* not while it only connects, for the first time: that is soon over */
	if (!p->waits || u->held_bytes >= max)
		return 0;
	if (p->held.spool != NULL &&
	    bt_spool_room(p->held.spool, &room) == NULL)
		return 0;
	return room < max - u->held_bytes ? room
					  : (size_t)(max - u->held_bytes);
}

static void
on_spool(void *arg)
{
	struct bt_proxying *p = arg;
	struct baton_exchange *x = p->x;
	struct bt_log log = { x->services->describe, x };
	int r = bt_spool_take_trouble(p->held.spool);

	if (r < 0)
		bt_log_warn(&log, r,
		    "no file in /var/tmp for its content: the rest waits with "
		    "its client");
	if (p->waits) /* more has come while the file was written */
		bt_spool_spill(p->held.spool);
	bt_holding_send(p);
	x->services->resume(x);
}

void
bt_holding_add(struct bt_proxying *p, struct bt_str piece)
{
	struct bt_upstreams *all = p->upstream->all;

	if (p->held.spool == NULL)
		p->held.spool = bt_spool_new(all->services->offload,
		    &all->blocks, all->block_bytes, on_spool, p);
	count(p, (int64_t)piece.n);
	while (piece.n > 0) {
		size_t n = 0;
		char *at = bt_spool_room(p->held.spool, &n);

		assert(at != NULL);
		n = n < piece.n ? n : piece.n;
		memcpy(at, piece.p, n);
		bt_spool_add(p->held.spool, n);
		piece.p += n;
		piece.n -= n;
	}
	bt_spool_spill(p->held.spool);
}

void
bt_holding_add_end(struct bt_proxying *p)
{
	p->held.over = true;
}

/* All that was held is behind the head: its end follows, or the client's. */
static void
go_over(struct bt_proxying *p)
{
	if (p->held.over)
		bt_framing_put_end(p);
	bt_holding_end(p);
}

/* Room in the block, also when what was in it can only go now. */
static size_t
make_room(struct bt_proxying *p)
{
	size_t room = bt_framing_room(p);

	return room == 0 && bt_proxying_flush(p) ? bt_framing_room(p) : room;
}

/*
 * Puts the next of it into the block for the server.
 *
 * Returns: the bytes; 0: that was all; -EAGAIN: there is no room, or it is on
 *          its way from the file; another negative errno, it is lost.
 */
static ssize_t
fill(struct bt_proxying *p)
{
	size_t room = make_room(p);
	char *at = bt_framing_place(p);
	ssize_t n = 0;

	if (room == 0)
		return -EAGAIN;
	if (p->held.spool != NULL)
		n = bt_spool_take(p->held.spool, at, room);
	if (n > 0) {
		count(p, -n);
		bt_framing_put(p, (struct bt_str){ at, (size_t)n });
	} else if (n == 0) {
		go_over(p);
	}
	return n;
}

void
bt_holding_send(struct bt_proxying *p)
{
	ssize_t n;

	if (!is_asking(p) || !is_some(p) || p->x->refused)
		return;
	do
		n = fill(p);
	while (bt_proxying_flush(p) && n > 0);
	if (n < 0 && n != -EAGAIN)
		bt_proxying_lose(p, (int)n);
}

void
bt_holding_end(struct bt_proxying *p)
{
	count(p, -(int64_t)p->held.bytes);
	bt_spool_free(p->held.spool);
	p->held.spool = NULL;
	p->held.over = false;
}
