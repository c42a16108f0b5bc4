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
	enum bt_step (*enter)(struct bt_exchange *);
};

/* The set of stages, as bits, that the route has. */
unsigned bt_stages_of(const struct bt_route *);

/*
 * Takes a request whose route is known through its stages, to the handler.
 * While one waits, no content is taken: it is for those behind it.
 */
void bt_stages_run(struct bt_exchange *);

/* The stage which said WAIT lets the request pass. */
void bt_stages_go_on(struct bt_exchange *);

/* A stage which said WAIT has described the reply instead. */
void bt_stages_end(struct bt_exchange *);

#endif
