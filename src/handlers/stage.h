#ifndef BT_HANDLERS_STAGE_H
#define BT_HANDLERS_STAGE_H

/*
 * What stands between a request and its handler: stages, in the order of one
 * table.  Which of them a route has is found when the worker starts, so a stage
 * that is off costs a request nothing.
 */

#include "handlers/reply.h"

enum bt_step {
	BT_STEP_NEXT,     /* the request may go on */
	BT_STEP_ANSWERED, /* its reply is described: it goes no further */
	BT_STEP_WAIT,     /* work for it is under way; see bt_stages_go_on() */
};

struct bt_stage {
	const char *name;
	/* Whether requests of the route pass through it. */
	bool (*is_on)(const struct bt_route *);
	/* Of a request, before the handler; NULL: it has nothing to do there.
	 */
	enum bt_step (*enter)(struct bt_exchange *);
	/*
	 * Of a reply that is described, before its head is written: NEXT or
	 * WAIT, and then its status is 0 until the work is done.  Or NULL.
	 */
	enum bt_step (*leave)(struct bt_exchange *);
};

/* The stages that the route has, as bits: for requests, and for replies. */
unsigned bt_stages_before(const struct bt_route *);
unsigned bt_stages_behind(const struct bt_route *);

/*
 * Takes a request whose route is known through its stages, to the handler.
 * While one waits, no content is taken: it is for those behind it.
 */
void bt_stages_run(struct bt_exchange *);

/*
 * Takes a reply through the stages of its route, each of them once.
 *
 * Returns: true when it can be sent; false while one waits.
 */
bool bt_stages_leave(struct bt_exchange *);

/* The stage which said WAIT lets the request pass. */
void bt_stages_go_on(struct bt_exchange *);

/* A stage which said WAIT has described the reply instead. */
void bt_stages_end(struct bt_exchange *);

#endif
