/*
 * Fields that the conf adds to answers.  Those without variables are lines
 * already.  Worker, on the loop.
 */

#include "worker/fields.h"

#include "handlers/vars.h"

static struct bt_str
without_fresh(const struct bt_route *route)
{
	return (struct bt_str){ route->fields.p + route->fresh_bytes,
		route->fields.n - route->fresh_bytes };
}

/* Of these `add_header` is without `always`, as in nginx. */
static bool
is_good(unsigned status)
{
	switch (status) {
	case 200:
	case 201:
	case 204:
	case 206:
	case 301:
	case 302:
	case 303:
	case 304:
	case 307:
	case 308:
		return true;
	default:
		return false;
	}
}

/* The lines, and those that have variables; one without a value is left out. */
static struct bt_str
with_variables(struct baton_exchange *x, struct bt_str lines, bool good)
{
	const struct bt_conf_scope *scope = &x->route->conf->scope;

	for (size_t i = 0; i < scope->fields_n; i++) {
		const struct bt_conf_field *f = &scope->fields[i];
		struct bt_str value;

		if (f->template == NULL || !(good || f->always))
			continue;
		value = bt_template_field(x, f->template);
		if (value.n > 0)
			lines = bt_arena_printf(&x->arena, "%.*s%.*s: %.*s\r\n",
			    BT_STR_ARG(lines), BT_STR_ARG(f->name),
			    BT_STR_ARG(value));
	}
	return lines;
}

struct bt_str
bt_fields_added(struct baton_exchange *x)
{
	bool good = is_good(x->reply.status);
	struct bt_str lines;

	if (x->route == NULL)
		return BT_STR_NONE;
	lines = !good             ? x->route->fields_always
	    : x->reply.says_fresh ? without_fresh(x->route)
				  : x->route->fields;
	return x->route->varies ? with_variables(x, lines, good) : lines;
}
