#ifndef BT_WORKER_WORKER_H
#define BT_WORKER_WORKER_H

/*
 * One place: a process with one loop, its connections, and what they borrow.
 */

#include "base/pages.h"
#include "base/pool.h"
#include "channel/heritage.h"
#include "handlers/handler.h"
#include "worker/access_log.h"
#include "worker/conn.h"
#include "worker/guard.h"
#include "worker/outbox.h"
#include "worker/router.h"

#include <event2/event.h>

/* Server and Date lines, the same for all answers of one second. */
struct bt_common_fields {
	int64_t wall_s;
	size_t n;
	char text[80];
};

struct bt_worker {
	struct bt_heritage *heritage;
	const struct bt_conf *conf;
	struct bt_score_slot *slot;
	struct bt_score_worker *score;
	struct bt_score_times *times;
	struct event_base *base;
	struct event *tick, *inbox, *offload;
	struct bt_now now;
	struct bt_services services;
	struct bt_resolver *resolver; /* NULL: no name to look up */
	struct bt_router *router;
	struct bt_access_log *access_log; /* NULL: none */
	struct bt_common_fields common;
	struct bt_pool conns, buffers, exchanges;
	struct bt_arena arena; /* waits for the next exchange */
	size_t buffer_bytes;   /* of one of `buffers` */
	/* connections by phase, the one that is due first in front */
	struct bt_conn_list phases[BT_CONN_PHASES];
	struct bt_conn_list closed; /* freed at the next turn */
	unsigned conns_n;
	unsigned tunnels_n;         /* of these */
	struct bt_outbox *outbox;   /* connections on their way back */
	struct bt_pages_seen pages; /* of files that are sent */
	struct bt_guard guard;
	int memory_fd;         /* bt_memory_open() */
	int64_t memory_due_ms; /* to be read again */
	bool draining;         /* finishes what is open, then ends */
	bool retiring;         /* hands back what is open, then ends */
	bool parking;          /* retires, but finishes every answer */
	int64_t retire_by_ms;  /* what is still open then is cut */
};

/* A worker's life: what bt_heritage.h calls bt_worker_run_fn. */
int bt_worker_run(struct bt_heritage *);

/*
 * Around its loop: everything that the loop needs, but for bt_inbox_start(), in
 * zeroed memory.  What fails is logged, and is for bt_worker_fini() as well.
 *
 * Returns: 0, or less.
 */
int bt_worker_init(struct bt_worker *, struct bt_heritage *);

/* Closes what is open, frees what it has. */
void bt_worker_fini(struct bt_worker *);

/*
 * Begins a turn of the loop: reads the clock, beats the heart, frees what the
 * last turn closed.  Every callback of the loop calls it first.
 */
void bt_worker_turn(struct bt_worker *);

/* Finishes what is open, takes nothing new, and ends the loop. */
void bt_worker_drain(struct bt_worker *, const char *why);

/*
 * Hands back what is open, as soon as its answers are out; ends the loop.  With
 * `parking` there is nobody who could go on with an answer that moved.
 */
void bt_worker_retire(struct bt_worker *, bool parking);

/* Hands back as many idle connections as the slot says, and says so. */
void bt_worker_shed(struct bt_worker *);

/* Ends the loop when it drains and nothing is left. */
void bt_worker_check_done(struct bt_worker *);

/* Starts and stops the reading of the channel. */
void bt_inbox_start(struct bt_worker *);
void bt_inbox_stop(struct bt_worker *);

/*
 * Gives up privileges for good: root becomes `user`, with its groups, unless
 * that is NULL; anybody else gives up capabilities.  0, or negative errno.
 */
int bt_privileges_drop(const char *user);

#endif
