/*
 * The worker's end of the channel: batons are taken, and what else the master
 * says is done.  All that came is taken before the loop asks epoll again.
 * Worker, on the loop.
 */

#include "base/fd.h"
#include "base/log.h"
#include "worker/times.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdlib.h>

/* Messages in one turn; each may bring BT_CHANNEL_BATCH_MAX connections. */
#define MESSAGES_PER_TURN 16

static void
take(struct bt_worker *w, struct bt_handover *h, size_t n)
{
	/* at once: the master counts who still waits in the channel */
	bt_score_add(&w->score->taken, n);
	/* all of them: the first one's request may be what we die of */
	for (size_t i = 0; i < n; i++) {
		bt_times_taken(w, &h[i].baton);
		h[i].baton.flags |= BT_BATON_TAKEN;
		bt_guard_enter(&w->guard, h[i].fd, &h[i].baton);
	}
	for (size_t i = 0; i < n; i++)
		bt_conn_adopt(w, &h[i]);
}

/* The logs, opened again by the master: those that are ours. */
static void
take_logs(struct bt_worker *w, struct bt_handover *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (h[i].baton.id == 0)
			bt_log_take(&h[i].fd);
		else
			bt_access_log_switch(
			    w->access_log, (uint32_t)h[i].baton.id, &h[i].fd);
		bt_fd_close(&h[i].fd);
	}
}

static void
on_message(struct bt_worker *w, enum bt_message message, struct bt_handover *h,
    size_t n)
{
	switch (message) {
	case BT_MESSAGE_HANDOVER:
		take(w, h, n);
		return;
	case BT_MESSAGE_LOGS:
		take_logs(w, h, n);
		return;
	case BT_MESSAGE_DRAIN:
		bt_worker_drain(w, "asked to");
		return;
	case BT_MESSAGE_RETIRE:
		bt_worker_retire(w, false);
		return;
	case BT_MESSAGE_PARK:
		bt_worker_retire(w, true);
		return;
	case BT_MESSAGE_SHED:
		bt_worker_shed(w);
		return;
	case BT_MESSAGE_ROOM: /* ours to send */
	case BT_MESSAGE_RESCUE:
	case BT_MESSAGE_RETIRING:
	case BT_MESSAGES:
		break;
	}
	bt_log_error(NULL, 0, "the master sent a message of kind %d", message);
}

static void
on_channel(evutil_socket_t fd, short events, void *arg)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	struct bt_worker *w = arg;

	bt_worker_turn(w);
	for (unsigned i = 0; i < MESSAGES_PER_TURN; i++) {
		enum bt_message message;
		unsigned lost;
		int n =
		    bt_channel_recv(w->heritage->channel, h, &message, &lost);

		if (n == -EAGAIN)
			return;
		if (n == -EBADMSG) {
			bt_score_add(&w->score->lost, lost);
			bt_log_error(NULL, 0,
			    "%u connections were lost in the channel", lost);
			continue;
		}
		if (n < 0) {
			bt_inbox_stop(w);
			bt_worker_drain(w,
			    n == -EPIPE ? "the master is gone"
					: "the channel failed");
			return;
		}
		on_message(w, message, h, (size_t)n);
		/* whether more waits can be seen without asking the kernel */
		if (bt_score_get(&w->slot->dealt) <=
		    bt_score_get(&w->score->taken))
			return;
	}
}

void
bt_inbox_start(struct bt_worker *w)
{
	w->inbox = event_new(w->base, bt_channel_fd(w->heritage->channel),
	    EV_READ | EV_PERSIST, on_channel, w);
	if (w->inbox == NULL || event_add(w->inbox, NULL) == -1) {
		bt_log_error(NULL, 0, "cannot watch the channel");
		exit(1);
	}
}

void
bt_inbox_stop(struct bt_worker *w)
{
	if (w->inbox != NULL)
		event_free(w->inbox);
	w->inbox = NULL;
}
