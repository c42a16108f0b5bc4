#ifndef BT_HANDLERS_STATUS_H
#define BT_HANDLERS_STATUS_H

/*
 * What `status` tells, gathered at one moment, and the forms that it has.
 * Context: worker, on the loop.
 */

#include "base/buf.h"
#include "handlers/handler.h"

#define BT_STATUS_NONCE 32 /* hex digits */

/* Requests for servers behind us, over all workers. */
struct bt_status_proxy {
	/* waited = held + released + given_up + left + moved */
	uint64_t waited, held, released, given_up, left, moved;
	uint64_t longest_s; /* of those that are held */
	uint64_t refused, connects, connects_failed;
	uint64_t tunnels, tunnels_begun;
};

/* One kind of durations. */
struct bt_status_times {
	struct bt_histogram all;
	uint64_t n, p50_us, p95_us, p99_us;
};

struct bt_status {
	const struct bt_services *services;
	const struct bt_scoreboard *board;
	int64_t now_us; /* of the clock that goes steadily */
	int64_t wall_s, up_s;
	uint32_t generation;
	struct bt_ledger ledger;
	/* over all workers */
	uint64_t requests, bytes_in, bytes_out, memory_bytes;
	uint64_t responses[6], closed[BT_CLOSE_REASONS];
	struct bt_status_proxy proxy;
	struct bt_status_times times[BT_TIMES];
	struct bt_event events[BT_EVENTS];
	size_t events_n;
};

/* A worker's row. */
struct bt_status_worker {
	unsigned slot;
	int pid; /* 0: none now */
	const char *state;
	uint32_t generation;
	uint64_t open, in_channel, taken, requests, bytes_out, memory_bytes;
	uint64_t started, crashed;
};

extern const char *const bt_status_time_names[BT_TIMES];

/* The next slot at or behind `*slot` that ever had a worker; false: none. */
bool bt_status_worker(
    const struct bt_status *, unsigned *slot, struct bt_status_worker *ret);

/* The answer as a page whose style and script have that nonce. */
void bt_status_put_html(struct bt_buf *, const struct bt_status *,
    const char nonce[static BT_STATUS_NONCE]);

/* The answer as JSON. */
void bt_status_put_json(struct bt_buf *, const struct bt_status *);

/* The page's parts that do not change; see status_page.c. */
extern const char bt_status_style[], bt_status_script[];

#endif
