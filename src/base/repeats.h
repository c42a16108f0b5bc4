#ifndef BT_BASE_REPEATS_H
#define BT_BASE_REPEATS_H

/*
 * What has been said lately, so that a log which is told the same again and
 * again counts it: of one text BT_REPEATS_SAID in BT_REPEATS_MS are said, then
 * how many more there were.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_REPEATS_KEPT 16
#define BT_REPEATS_SAID 5
#define BT_REPEATS_MS 10000

struct bt_repeat {
	unsigned level; /* the log's */
	int err;        /* what was said with it */
	uint32_t hash;  /* of the whole text */
	uint32_t said, more;
	int64_t since_ms;
	char text[160]; /* its begin */
};

struct bt_repeats {
	struct bt_repeat all[BT_REPEATS_KEPT];
	unsigned n;        /* in use, some of them perhaps over */
	unsigned counting; /* of them have `more` */
};

/* Whether it is to be said; it is counted when not. */
bool bt_repeats_take(struct bt_repeats *, unsigned level, int err,
    const char *text, int64_t now_ms);

/*
 * Takes out one whose time is over by `now_ms` (INT64_MAX: all are) and which
 * was counted.
 *
 * Returns: false when there is none.
 */
bool bt_repeats_next(
    struct bt_repeats *, int64_t now_ms, struct bt_repeat *ret);

#endif
