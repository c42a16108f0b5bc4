#ifndef BT_MASTER_LATELY_H
#define BT_MASTER_LATELY_H

/*
 * What happened since a moment ago: how much was done in the last second or
 * two, and which counters of trouble have grown, which becomes an event.
 */

#include "scoreboard/scoreboard.h"

#define BT_LATELY_MS 1000 /* between two samples */
/* An event of one kind is said so often; what comes meanwhile is summed. */
#define BT_LATELY_QUIET_MS 60000
enum { BT_LATELY_KINDS = 5 };

struct bt_lately {
	struct bt_sample {
		int64_t ms; /* 0: none */
		uint64_t accepted, requests, bytes_in, bytes_out;
	} last, before;
	struct bt_trouble {
		uint64_t said; /* up to so many */
		int64_t not_before_ms;
	} troubles[BT_LATELY_KINDS];
};

/* For each second. */
struct bt_lately_rates {
	double accepted, requests, bytes_in, bytes_out;
	double over_s; /* the time that they are the mean of; 0: none yet */
};

/* Looks, if it is time again.  Often enough: each BT_LATELY_MS, or so. */
void bt_lately_look(struct bt_lately *, struct bt_scoreboard *, int64_t now_ms);

/* From the sample before the last one until now. */
struct bt_lately_rates bt_lately_read(
    const struct bt_lately *, const struct bt_scoreboard *, int64_t now_ms);

#endif
