/*
 * The stages before and behind the handlers, and the handler between them.
 * Worker, on the loop.
 */

#include "handlers/stage.h"

#include "handlers/auth.h"
#include "handlers/gate.h"
#include "handlers/gzip.h"

/* In the order in which a request passes them: the cheap ones first. */
static const struct bt_stage *const stages[] = {
	&bt_stage_rate,
	&bt_stage_access,
	&bt_stage_auth,
	&bt_stage_gzip,
};

#define STAGES (sizeof(stages) / sizeof(stages[0]))

unsigned
bt_stages_before(const struct bt_route *route)
{
	unsigned set = 0;

	for (unsigned i = 0; i < STAGES; i++)
		if (stages[i]->enter != NULL && stages[i]->is_on(route))
			set |= 1u << i;
	return set;
}

unsigned
bt_stages_behind(const struct bt_route *route)
{
	unsigned set = 0;

	for (unsigned i = 0; i < STAGES; i++)
		if (stages[i]->leave != NULL && stages[i]->is_on(route))
			set |= 1u << i;
	return set;
}

bool
bt_stages_leave(struct bt_exchange *x)
{
	if (!x->leaves) {
		x->leaves = true;
		x->stages = x->route->behind;
	}
	while (x->stages != 0) {
		unsigned i = (unsigned)__builtin_ctz(x->stages);

		x->stages &= x->stages - 1;
		if (stages[i]->leave(x) == BT_STEP_WAIT)
			return false;
	}
	return true;
}

/* The answer to OPTIONS where the handler has none of its own. */
static void
answer_options(struct bt_exchange *x, unsigned methods)
{
	struct bt_str names = bt_methods_format(
	    methods | BT_METHOD_BIT(BT_METHOD_OPTIONS), &x->arena);

	bt_reply_bytes(x, 204,
	    bt_arena_printf(&x->arena, "Allow: %.*s\r\n", BT_STR_ARG(names)),
	    BT_STR_NONE);
}

static void
handle(struct bt_exchange *x)
{
	const struct bt_request *r = &x->request;
	const struct bt_handler *handler = x->route->handler;

	if (r->path.n == 1 && r->path.p[0] == '*')
		answer_options(x, BT_METHODS_ALL);
	else if (handler->methods & BT_METHOD_BIT(r->method))
		handler->answer(x);
	else if (r->method == BT_METHOD_OPTIONS)
		answer_options(x, handler->methods);
	else
		bt_reply_not_allowed(x, handler->methods);
}

/* Through those that are left in the set, from the lowest bit on. */
static void
pass(struct bt_exchange *x)
{
	x->stages_wait = false;
	while (x->stages != 0) {
		unsigned i = (unsigned)__builtin_ctz(x->stages);

		x->stages &= x->stages - 1;
		switch (stages[i]->enter(x)) {
		case BT_STEP_NEXT:
			break;
		case BT_STEP_ANSWERED:
			return;
		case BT_STEP_WAIT:
			x->stages_wait = true;
			return;
		}
	}
	handle(x);
}

void
bt_stages_run(struct bt_exchange *x)
{
	x->stages = x->route->before;
	pass(x);
}

void
bt_stages_go_on(struct bt_exchange *x)
{
	pass(x);
}

void
bt_stages_end(struct bt_exchange *x)
{
	x->stages = 0;
	x->stages_wait = false;
}
