#ifndef BT_SCOREBOARD_EVENTS_H
#define BT_SCOREBOARD_EVENTS_H

/*
 * What happened lately, in shared memory: the last lines of it, for the status.
 * The master writes, anybody reads at any time.  They survive an upgrade.
 */

#include <stddef.h>
#include <stdint.h>

#define BT_EVENTS 32 /* a power of two */
#define BT_EVENT_TEXT 116

struct bt_event {
	uint64_t number; /* from 1; 0: none, or being written */
	uint32_t time_s; /* since 1970 */
	char text[BT_EVENT_TEXT];
};

struct bt_events {
	uint64_t n; /* so far */
	struct bt_event ring[BT_EVENTS];
};

/*
 * Adds a line, cut if it is too long; a control character in it becomes `?`.
 * Context: master.
 */
void bt_events_add(struct bt_events *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Copies those that are there, the latest first; returns how many. */
size_t bt_events_read(
    const struct bt_events *, struct bt_event ret[static BT_EVENTS]);

#endif
