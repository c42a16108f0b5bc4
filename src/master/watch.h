#ifndef BT_MASTER_WATCH_H
#define BT_MASTER_WATCH_H

/*
 * Watches the heartbeats of the workers.  A worker whose loop has not turned
 * for BT_STALE_MS gets no new connection, and what waits in its channel is
 * dealt to the others; at worker_timeout it is ended.  An idle worker turns
 * every 250 ms, so it may be late by as much before it is suspected; and if it
 * was, it has lost nothing but its turn.
 */

#include "master/lately.h"
#include "master/slot.h"

#define BT_STALE_MS 500
/* After SIGABRT a worker has so long to write its stack and its core. */
#define BT_ABORT_MS 5000

struct bt_watch {
	struct bt_slots *slots;
	struct event *look;
	int64_t last_ms; /* of the last look */
	int64_t wait_ms; /* from there to the next one */
	struct bt_lately lately;
};

/* Begins to look.  0, or -ENOMEM. */
int bt_watch_start(struct bt_watch *, struct bt_slots *);
void bt_watch_stop(struct bt_watch *);

/*
 * What is known after a look, `passed_ms` after the one before, at `now_ms`.
 * Only time in which the master itself was awake is passed: a machine that
 * slept, or a container that was frozen, is nobody's hang.
 *
 * Returns: for how long the worker has not turned, in that time.
 */
int64_t bt_pulse_take(
    struct bt_pulse *, uint64_t beat_ms, int64_t now_ms, int64_t passed_ms);

#endif
