#ifndef BT_HANDLERS_STAGE_H
#define BT_HANDLERS_STAGE_H

/*
 * What stands between a request and what answers: stages (baton/app.h).  Ours
 * are in one table, and which of them a route has is found when the worker
 * starts, so one that is off costs a request nothing.  Behind ours stand those
 * of an application.
 */

#include "handlers/reply.h"

struct bt_stage {
	struct baton_stage stage;
	/* Whether requests of the route pass through it. */
	bool (*is_on)(const struct bt_route *);
};

/* Begins a line with those of ours that the route has. */
void bt_line_init(struct bt_line *, const struct bt_route *);

/* Adds one; false when it is full. */
bool bt_line_add(struct bt_line *, const struct baton_stage *);

/*
 * Takes a request whose route is known through its stages, to the handler.
 * While one waits, no content is taken: it is for those behind it.
 */
void bt_stages_run(struct baton_exchange *);

/*
 * From the handler on: through what `line` has behind the stages of the route,
 * which it begins with, then to `then`.  The answer comes back through all.
 */
void bt_stages_run_more(struct baton_exchange *, const struct bt_line *line,
    void (*then)(struct baton_exchange *));

/* Answers come back through the stages of the route, whatever was before. */
void bt_stages_take(struct baton_exchange *);

/*
 * Takes a reply through the stages of its line, each of them once, the last one
 * first.
 *
 * Returns: true when it can be sent; false while one waits.
 */
bool bt_stages_leave(struct baton_exchange *);

/* The stage which said WAIT lets the request, or the reply, pass. */
void bt_stages_go_on(struct baton_exchange *);

/* A stage which said WAIT has described the reply instead. */
void bt_stages_end(struct baton_exchange *);

#endif
