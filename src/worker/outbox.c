/*
 * Connections on their way back to the master.  What is added in one turn of
 * the loop is sent at its end, many in a message; what the channel does not
 * take waits until it can be written again.  A connection counts as open until
 * it is sent.  Worker, on the loop.
 */

#include "worker/outbox.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define RETRY_MS 10

struct item {
	STAILQ_ENTRY(item) link;
	struct bt_handover h;
	char bytes[];
};

struct bt_outbox {
	struct bt_worker *worker;
	STAILQ_HEAD(item_list, item) items;
	struct event *writable; /* armed while something waits */
	struct event *retry;    /* the channel refuses, though writable */
};

static void
on_writable(evutil_socket_t fd, short events, void *arg)
{
	struct bt_outbox *o = arg;

	bt_worker_turn(o->worker);
	bt_outbox_flush(o);
	bt_worker_check_done(o->worker);
}

struct bt_outbox *
bt_outbox_new(struct bt_worker *w)
{
	struct bt_outbox *o = bt_mem_zero(1, sizeof(*o));

	o->worker = w;
	STAILQ_INIT(&o->items);
	o->writable = event_new(w->base, bt_channel_fd(w->heritage->channel),
	    EV_WRITE, on_writable, o);
	o->retry = evtimer_new(w->base, on_writable, o);
	if (o->writable == NULL || o->retry == NULL)
		abort();
	return o;
}

static void
item_free(struct bt_outbox *o, struct item *item)
{
	STAILQ_REMOVE_HEAD(&o->items, link);
	free(item);
}

/* Ends here what cannot be sent. */
static void
close_all(struct bt_outbox *o, enum bt_close_reason why)
{
	struct bt_worker *w = o->worker;
	struct item *item;

	while ((item = STAILQ_FIRST(&o->items)) != NULL) {
		bt_handover_close(&item->h);
		bt_seats_leave(w->heritage->seats, item->h.baton.seat);
		bt_score_add(&w->score->closed[why], 1);
		bt_score_add(&w->score->done, 1);
		item_free(o, item);
	}
}

void
bt_outbox_free(struct bt_outbox *o)
{
	if (o == NULL)
		return;
	close_all(o, BT_CLOSE_DRAIN);
	event_free(o->writable);
	event_free(o->retry);
	free(o);
}

bool
bt_outbox_is_empty(const struct bt_outbox *o)
{
	return o == NULL || STAILQ_EMPTY(&o->items);
}

void
bt_outbox_add(struct bt_outbox *o, const struct bt_handover *h)
{
	struct item *item = bt_mem_new(sizeof(*item) + h->baton.bytes);

	item->h = *h;
	if (h->baton.bytes > 0) {
		memcpy(item->bytes, h->bytes, h->baton.bytes);
		item->h.bytes = item->bytes;
	}
	STAILQ_INSERT_TAIL(&o->items, item, link);
	/* the loop comes back at once while the channel has room */
	event_add(o->writable, NULL);
}

/* One message; how many connections went with it, or negative errno. */
static int
send_batch(struct bt_outbox *o)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	enum bt_guard_state states[BT_CHANNEL_BATCH_MAX];
	int sent;
	struct item *item;
	size_t n = 0;

	STAILQ_FOREACH(item, &o->items, link)
	{
		if (n == BT_CHANNEL_BATCH_MAX)
			break;
		h[n++] = item->h;
	}
	assert(n > 0);
	n = bt_channel_fit(h, n);
	/* from here on they may be the master's: two must not have one */
	for (size_t i = 0; i < n; i++)
		states[i] =
		    bt_guard_set(&o->worker->guard, h[i].fd, BT_GUARD_NONE);
	sent = bt_channel_send(
	    o->worker->heritage->channel, BT_MESSAGE_HANDOVER, h, n);
	if (sent < 0) {
		for (size_t i = 0; i < n; i++)
			bt_guard_set(&o->worker->guard, h[i].fd, states[i]);
		return sent;
	}
	for (int i = 0; i < sent; i++) {
		bt_handover_close(&STAILQ_FIRST(&o->items)->h);
		item_free(o, STAILQ_FIRST(&o->items));
	}
	bt_score_add(&o->worker->score->handed_back, (uint64_t)sent);
	return sent;
}

void
bt_outbox_flush(struct bt_outbox *o)
{
	const struct timeval pause = { 0, RETRY_MS * 1000 };
	int r = 0;

	while (!STAILQ_EMPTY(&o->items) && r >= 0)
		r = send_batch(o);
	if (r == -EAGAIN) {
		event_add(o->writable, NULL);
	} else if (r == -ETOOMANYREFS || r == -ENOMEM) {
		event_add(o->retry, &pause);
	} else if (r < 0) { /* nobody is there to take them */
		bt_log_warn(NULL, r, "cannot hand connections back");
		close_all(o, BT_CLOSE_ERROR);
	}
}
