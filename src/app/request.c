/*
 * What an application reads of a request.  Worker, on the loop.
 */

#include "app/call.h"
#include "handlers/request_id.h"
#include "handlers/vars.h"
#include "http/cookie.h"
#include "http/form.h"

#include <baton/request.h>

static const char *
text_of(struct baton_exchange *x, struct bt_str s)
{
	return bt_call_text(bt_call_of(x), s);
}

/* The same where there is always something. */
static const char *
text_or_empty(struct baton_exchange *x, struct bt_str s)
{
	const char *text = text_of(x, s);

	return text ? text : "";
}

static const char *
variable(struct baton_exchange *x, enum bt_var var)
{
	const struct bt_piece piece = { .var = var };
	char out[BT_VAR_BYTES_MAX];

	return text_or_empty(x, bt_var_value(x, &piece, out));
}

const char *
baton_method(struct baton_exchange *x)
{
	return text_or_empty(x, x->request.method_text);
}

const char *
baton_target(struct baton_exchange *x)
{
	return text_or_empty(x, x->request.target);
}

const char *
baton_path(struct baton_exchange *x)
{
	return text_or_empty(x, x->request.path);
}

const char *
baton_rest(struct baton_exchange *x)
{
	return text_or_empty(x, bt_call_of(x)->rest);
}

const char *
baton_param(struct baton_exchange *x, const char *name)
{
	const struct bt_call *c = bt_call_of(x);
	struct bt_str wanted = bt_str_of(name);

	for (unsigned i = 0; i < c->params_n; i++)
		if (bt_str_equal(c->params[i].name, wanted))
			return text_of(x,
			    c->params[i].value.n ? c->params[i].value
						 : BT_STR(""));
	return NULL;
}

const char *
baton_query(struct baton_exchange *x, const char *name)
{
	struct bt_str value;

	if (!bt_query_find(
		x->request.query, bt_str_of(name), &x->arena, &value))
		return NULL;
	return text_of(x, value.n ? value : BT_STR(""));
}

const char *
baton_field(struct baton_exchange *x, const char *name)
{
	unsigned at = 0;

	return baton_field_next(x, name, &at);
}

const char *
baton_field_next(struct baton_exchange *x, const char *name, unsigned *at)
{
	struct bt_str value;

	if (!bt_request_field_next(&x->request, bt_str_of(name), at, &value))
		return NULL;
	return text_of(x, value.n ? value : BT_STR(""));
}

const char *
baton_cookie(struct baton_exchange *x, const char *name)
{
	struct bt_str value;

	if (!bt_cookie_find(&x->request, bt_str_of(name), &value))
		return NULL;
	return text_of(x, value.n ? value : BT_STR(""));
}

const char *
baton_host(struct baton_exchange *x)
{
	return text_or_empty(x, x->request.host);
}

const char *
baton_scheme(struct baton_exchange *x)
{
	return variable(x, BT_VAR_SCHEME);
}

const char *
baton_client(struct baton_exchange *x)
{
	return variable(x, BT_VAR_REMOTE_ADDR);
}

const char *
baton_user(struct baton_exchange *x)
{
	return x->user.n ? text_of(x, x->user) : NULL;
}

const char *
baton_request_id(struct baton_exchange *x)
{
	char id[BT_REQUEST_ID_BYTES];

	bt_request_id_format(x, id);
	return text_or_empty(x, (struct bt_str){ id, sizeof(id) });
}

const char *
baton_content(struct baton_exchange *x, size_t *n)
{
	const struct bt_call *c = bt_call_of(x);

	*n = c->content.len;
	return c->content.len > 0 ? c->content.data : "";
}

void
baton_content_pause(struct baton_exchange *x)
{
	bt_call_of(x)->paused = true;
}

void
baton_content_go_on(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);

	c->paused = false;
	bt_call_set_ready(c);
}
