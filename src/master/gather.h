#ifndef BT_MASTER_GATHER_H
#define BT_MASTER_GATHER_H

/*
 * Whether to wait a moment for more connections before accepting again, as a
 * network card moderates its interrupts: not when they come one by one, and
 * the longer the faster they come.  A value that its owner keeps between
 * bursts; no clock, no events.
 */

#include <stdbool.h>
#include <stdint.h>

#define BT_GATHER_LEAST_US 200
#define BT_GATHER_MOST_US 500

struct bt_gather {
	unsigned wait_us; /* of the last answer; 0: it did not wait */
	int64_t last_us;  /* when connections came last */
	unsigned streak;  /* singles in a row that came fast */
};

/*
 * `n` connections came and were dealt, at `now_us`; `queued` of all that were
 * dealt lie in channels, since their workers are busy.
 *
 * Returns: us to wait before accepting again; 0: go back to the event loop.
 */
unsigned bt_gather_next(
    struct bt_gather *, unsigned n, uint64_t queued, int64_t now_us);

#endif
