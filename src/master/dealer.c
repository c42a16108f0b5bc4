/*
 * Who gets which connection: turn by turn, or whoever has the fewest.  A burst
 * is assigned one connection at a time, which makes the turn exact, but sent as
 * one message for each slot, which makes it cheap.  Master, on the loop.
 */

#include "master/dealer.h"

#include "base/fd.h"
#include "base/mem.h"
#include "master/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH BT_CHANNEL_BATCH_MAX

/* One pass over the front of the queue. */
struct hand {
	size_t n;        /* of the queue that are looked at */
	int next[BATCH]; /* the next one of the same slot; -1: last */
	bool sent[BATCH];
	unsigned slots[BATCH]; /* that get any */
	size_t slots_n;
};

void
bt_dealer_init(struct bt_dealer *d)
{
	d->pending = NULL;
	d->pending_n = d->pending_cap = 0;
	d->next = 0;
	d->turn = 0;
}

/* The bytes of a connection that was handed back. */
static void
forget_bytes(struct bt_handover *h)
{
	free((void *)(uintptr_t)h->bytes);
	h->bytes = NULL;
}

void
bt_dealer_fini(struct bt_dealer *d)
{
	for (size_t i = 0; i < d->pending_n; i++) {
		bt_handover_close(&d->pending[i]);
		forget_bytes(&d->pending[i]);
	}
	bt_score_add(&d->score->refused, d->pending_n);
	bt_score_set(&d->score->held, 0);
	free(d->pending);
	d->pending = NULL;
	d->pending_n = d->pending_cap = 0;
}

struct bt_handover *
bt_dealer_room(struct bt_dealer *d, size_t n)
{
	if (d->pending_cap - d->pending_n < n) {
		d->pending_cap = d->pending_n + n;
		d->pending = bt_mem_resize(
		    d->pending, d->pending_cap, sizeof(*d->pending));
	}
	return d->pending + d->pending_n;
}

void
bt_dealer_take(struct bt_dealer *d, size_t n)
{
	assert(d->pending_cap - d->pending_n >= n);
	d->pending_n += n;
	bt_score_set(&d->score->held, d->pending_n);
}

void
bt_dealer_take_back(struct bt_dealer *d, const struct bt_handover *h, size_t n)
{
	bt_dealer_room(d, n);
	memmove(d->pending + n, d->pending, d->pending_n * sizeof(*h));
	for (size_t i = 0; i < n; i++) {
		d->pending[i] = h[i];
		if (h[i].baton.bytes > 0)
			d->pending[i].bytes =
			    bt_mem_strndup(h[i].bytes, h[i].baton.bytes);
	}
	bt_dealer_take(d, n);
}

/* Reads the slot's load, once in a turn: from then on the dealer counts. */
static bool
can_take(const struct bt_dealer *d, struct bt_slot *s)
{
	if (s->state != BT_SLOT_READY || s->blocked || s->stale ||
	    s->generation != d->generation)
		return false;
	if (s->turn != d->turn) {
		s->turn = d->turn;
		s->load = bt_score_slot_load(s->score);
		s->first = s->last = -1;
	}
	return s->load < d->connections_max;
}

static struct bt_slot *
next_in_turn(struct bt_dealer *d)
{
	for (unsigned i = 0; i < d->slots_n; i++) {
		unsigned at = d->next + i;

		if (at >= d->slots_n)
			at -= d->slots_n;
		if (can_take(d, &d->slots[at])) {
			d->next = at + 1 < d->slots_n ? at + 1 : 0;
			return &d->slots[at];
		}
	}
	return NULL;
}

/* Equal loads take turns: the search begins behind the one found last. */
static struct bt_slot *
least_loaded(struct bt_dealer *d)
{
	struct bt_slot *best = NULL;

	for (unsigned i = 0; i < d->slots_n; i++) {
		struct bt_slot *s = &d->slots[(d->next + i) % d->slots_n];

		if (can_take(d, s) && (best == NULL || s->load < best->load))
			best = s;
	}
	if (best != NULL)
		d->next = (best->index + 1) % d->slots_n;
	return best;
}

static struct bt_slot *
choose(struct bt_dealer *d)
{
	if (d->level)
		return least_loaded(d);
	switch (d->dispatch) {
	case BT_DISPATCH_ROUND_ROBIN:
		return next_in_turn(d);
	case BT_DISPATCH_LEAST_CONNECTIONS:
		return least_loaded(d);
	}
	return NULL;
}

/* Its worker gives up what it has, or is about to be told so. */
static bool
is_old(const struct bt_dealer *d, const struct bt_slot *s)
{
	return s->state == BT_SLOT_LEAVING ||
	    (s->state != BT_SLOT_EMPTY && s->generation != d->generation);
}

/*
 * How many can be dealt so that there is room for what an old generation still
 * has: that will come back, and has had its turn.
 */
static uint64_t
room_beside_the_old(const struct bt_dealer *d)
{
	uint64_t room = 0, back = 0, old = 0;
	bool any = false;

	for (unsigned i = 0; i < d->slots_n; i++) {
		const struct bt_score_slot *score = d->slots[i].score;

		if (is_old(d, &d->slots[i])) {
			any = true;
			old += bt_score_slot_load(score);
		}
		/* later than its load: rather twice than not at all */
		back += bt_score_get(&score->worker.handed_back) +
		    bt_score_get(&score->recalled);
	}
	if (!any)
		return UINT64_MAX;
	/*
	 * With those in the channels, on their way to us.  What came and is not
	 * yet counted by its worker is still in its load, and taken off here.
	 */
	old += back;
	old -= old > d->score->returned ? d->score->returned : old;
	if (old == 0)
		return UINT64_MAX;
	for (unsigned i = 0; i < d->slots_n; i++) {
		uint64_t load = bt_score_slot_load(d->slots[i].score);

		if (d->slots[i].state == BT_SLOT_READY &&
		    !is_old(d, &d->slots[i]) && load < d->connections_max)
			room += d->connections_max - load;
	}
	return room > old ? room - old : 0;
}

/* Gives each connection to a slot until nobody can take more. */
static void
assign(struct bt_dealer *d, struct hand *hand)
{
	size_t most = d->pending_n < BATCH ? d->pending_n : BATCH;
	uint64_t room = room_beside_the_old(d);
	struct bt_slot *s;

	if (most > room)
		most = (size_t)room;
	hand->slots_n = 0;
	for (hand->n = 0; hand->n < most; hand->n++) {
		int i = (int)hand->n;

		if ((s = choose(d)) == NULL)
			break;
		if (s->first == -1) {
			hand->slots[hand->slots_n++] = s->index;
			s->first = i;
		} else {
			hand->next[s->last] = i;
		}
		s->last = i;
		s->load++;
		hand->next[i] = -1;
		hand->sent[i] = false;
	}
}

/* Sends the slot its share; what the channel refuses stays unsent. */
static void
send_share(struct bt_dealer *d, struct hand *hand, struct bt_slot *s)
{
	struct bt_handover share[BATCH];
	int index[BATCH];
	size_t n = 0, at = 0;

	for (int i = s->first; i != -1; i = hand->next[i]) {
		index[n] = i;
		share[n++] = d->pending[i];
	}
	while (at < n) {
		int r = bt_channel_send(
		    s->near, BT_MESSAGE_HANDOVER, share + at, n - at);

		if (r < 0) {
			d->on_blocked(s, r);
			return;
		}
		assert((size_t)r <= n - at);
		for (size_t i = at; i < at + (size_t)r; i++) {
			hand->sent[index[i]] = true;
			if (share[i].baton.seat != 0)
				bt_limits_deal(
				    d->limits, &share[i].baton, s->index);
		}
		at += (size_t)r;
		/* in this order, or a reader may count one twice */
		bt_score_set(&d->score->held,
		    bt_score_get(&d->score->held) - (uint64_t)r);
		bt_score_add(&s->score->dealt, (uint64_t)r);
		bt_score_add(&s->score->messages, 1);
		s->refusals = 0;
	}
}

/* Closes our copies of what was sent and closes the queue's ranks. */
static size_t
forget_sent(struct bt_dealer *d, const struct hand *hand)
{
	int fds[2 * BATCH];
	size_t sent = 0, fds_n = 0, kept = 0;

	for (size_t i = 0; i < hand->n; i++) {
		if (hand->sent[i]) {
			fds[fds_n++] = d->pending[i].fd;
			if (bt_baton_is_pair(&d->pending[i].baton))
				fds[fds_n++] = d->pending[i].with_fd;
			forget_bytes(&d->pending[i]);
			sent++;
		} else {
			d->pending[kept++] = d->pending[i];
		}
	}
	if (sent == 0)
		return 0;
	bt_fd_close_all(fds, fds_n);
	if (d->pending_n > hand->n)
		memmove(d->pending + kept, d->pending + hand->n,
		    (d->pending_n - hand->n) * sizeof(*d->pending));
	d->pending_n -= sent;
	bt_score_set(&d->score->held, d->pending_n);
	return sent;
}

/*
 * Asks the full slots to say when they have room, and looks again: a worker
 * that closed a connection before it could see the wish says nothing.  The
 * fence pairs with the worker's, between its counting and its looking.
 *
 * Returns: true when there is room after all.
 */
static bool
want_room(struct bt_dealer *d)
{
	bool room = false;

	for (unsigned i = 0; i < d->slots_n; i++)
		if (d->slots[i].state == BT_SLOT_LEAVING ||
		    (d->slots[i].state == BT_SLOT_READY &&
			!d->slots[i].blocked))
			atomic_store_explicit(&d->slots[i].score->want_room, 1,
			    memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	d->turn++;
	for (unsigned i = 0; i < d->slots_n; i++)
		room |= can_take(d, &d->slots[i]);
	return room && room_beside_the_old(d) > 0;
}

size_t
bt_dealer_deal(struct bt_dealer *d)
{
	struct hand hand;
	size_t dealt = 0;

	while (d->pending_n > 0) {
		d->turn++;
		assign(d, &hand);
		if (hand.n == 0) {
			if (want_room(d))
				continue;
			break;
		}
		for (size_t i = 0; i < hand.slots_n; i++)
			send_share(d, &hand, &d->slots[hand.slots[i]]);
		/* a refusal blocks its slot, so this comes to an end */
		dealt += forget_sent(d, &hand);
	}
	return dealt;
}

uint64_t
bt_dealer_in_channels(const struct bt_dealer *d)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < d->slots_n; i++)
		if (d->slots[i].state == BT_SLOT_READY)
			n += bt_slot_in_channel(&d->slots[i]);
	return n;
}
