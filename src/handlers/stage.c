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

bool
bt_line_add(struct bt_line *line, const struct baton_stage *stage)
{
	uint32_t bit;

	if (line->n >= BT_STAGES_MAX)
		return false;
	bit = (uint32_t)1 << line->n;
	line->before |= stage->enter != NULL ? bit : 0;
	line->behind |= stage->leave != NULL ? bit : 0;
	line->stages[line->n++] = stage;
	return true;
}

void
bt_line_init(struct bt_line *line, const struct bt_route *route)
{
	*line = (struct bt_line){ 0 };
	for (unsigned i = 0; i < STAGES; i++)
		if (stages[i]->is_on(route))
			bt_line_add(line, &stages[i]->stage);
}

bool
bt_stages_leave(struct baton_exchange *x)
{
	if (!x->leaves) {
		x->leaves = true;
		x->stages = x->behind;
	}
	while (x->stages != 0) {
		unsigned i = 31 - (unsigned)__builtin_clz(x->stages);

		x->stages &= ~((uint32_t)1 << i);
		if (x->line->stages[i]->leave(x) == BATON_WAIT) {
			x->leave_waits = true;
			return false;
		}
	}
	return true;
}

/* The answer to OPTIONS where the handler has none of its own. */
static void
answer_options(struct baton_exchange *x, unsigned methods)
{
	struct bt_str names = bt_methods_format(
	    methods | BT_METHOD_BIT(BT_METHOD_OPTIONS), &x->arena);

	bt_reply_bytes(x, 204,
	    bt_arena_printf(&x->arena, "Allow: %.*s\r\n", BT_STR_ARG(names)),
	    BT_STR_NONE);
}

static void
handle(struct baton_exchange *x)
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
pass(struct baton_exchange *x)
{
	x->stages_wait = false;
	while (x->stages != 0) {
		unsigned i = (unsigned)__builtin_ctz(x->stages);

		x->stages &= x->stages - 1;
		switch (x->line->stages[i]->enter(x)) {
		case BATON_NEXT:
			break;
		case BATON_ANSWERED:
			return;
		case BATON_WAIT:
			x->stages_wait = true;
			return;
		}
	}
	x->then(x);
}

void
bt_stages_take(struct baton_exchange *x)
{
	x->line = &x->route->line;
	x->behind = x->line->behind;
	x->stages = 0;
}

void
bt_stages_run(struct baton_exchange *x)
{
	bt_stages_take(x);
	x->stages = x->line->before;
	x->then = handle;
	pass(x);
}

void
bt_stages_run_more(struct baton_exchange *x, const struct bt_line *line,
    void (*then)(struct baton_exchange *))
{
	uint32_t ours = ((uint32_t)1 << x->line->n) - 1;

	x->line = line;
	x->behind |= line->behind & ~ours;
	x->stages = line->before & ~ours;
	x->then = then;
	pass(x);
}

void
bt_stages_go_on(struct baton_exchange *x)
{
	if (x->leaves)
		x->leave_waits = false;
	else if (x->stages_wait)
		pass(x);
}

void
bt_stages_end(struct baton_exchange *x)
{
	x->stages = 0;
	x->stages_wait = x->leave_waits = false;
}
