/*
 * Pages of the conf for errors.  Whatever has described an error (a handler,
 * a limit, the parser), it comes by here before its head is written; so pages
 * work for all of them, also when the page itself has to be waited for.
 * Worker, on the loop.
 */

#include "worker/error_page.h"

#include "handlers/stage.h"
#include "worker/exchange.h"
#include "worker/worker.h"

/* Of a head that was not understood, the server is the listener's first. */
static const struct bt_route *
route_of(const struct bt_conn *c)
{
	if (c->x->route != NULL)
		return c->x->route;
	return bt_router_find(
	    c->worker->router, c->baton.listen, BT_STR_NONE, BT_STR("*"));
}

static const struct bt_conf_page *
find_page(const struct bt_conn *c)
{
	const struct bt_conf_route *conf = route_of(c)->conf;

	for (size_t i = 0; conf != NULL && i < conf->scope.pages_n; i++)
		if (conf->scope.pages[i].status == c->x->reply.status)
			return &conf->scope.pages[i];
	return NULL;
}

/* All its lines, also for who asks another server for the page. */
static void
drop_field(struct bt_request *r, enum bt_known_field field)
{
	if (r->known[field] == 0)
		return;
	r->known[field] = 0;
	for (unsigned i = 0; i < r->fields_n; i++)
		if (bt_known_field_find(r->fields[i].name) == field)
			r->fields[i].name = BT_STR("");
}

/* The page is asked for without conditions, without content, and whole. */
static void
ask_for(struct baton_exchange *x, struct bt_str path)
{
	static const enum bt_known_field dropped[] = { BT_FIELD_IF_MATCH,
		BT_FIELD_IF_NONE_MATCH, BT_FIELD_IF_MODIFIED_SINCE,
		BT_FIELD_IF_UNMODIFIED_SINCE, BT_FIELD_IF_RANGE, BT_FIELD_RANGE,
		BT_FIELD_EXPECT, BT_FIELD_CONTENT_LENGTH };
	struct bt_request *r = &x->request;

	if (x->route == NULL) { /* what there is of it may be half read */
		memset(r->known, 0, sizeof(r->known));
		r->fields_n = 0;
		r->host = BT_STR_NONE;
	}
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		drop_field(r, dropped[i]);
	/* `chunked` stays: that is how what the client still sends is read */
	if (r->method != BT_METHOD_HEAD) {
		r->method = BT_METHOD_GET;
		r->method_text = BT_STR("GET");
	}
	r->path = r->raw_path = path;
	r->query = BT_STR_NONE;
	r->has_query = false;
}

static void
begin(struct bt_conn *c, const struct bt_conf_page *page)
{
	struct baton_exchange *x = c->x;

	x->error = (struct bt_error){ .status = x->reply.status,
		.answers = page->answers,
		.fields = x->reply.page_fields,
		.close = x->reply.close };
	ask_for(x, page->path);
	x->route = bt_router_find(
	    c->worker->router, c->baton.listen, x->request.host, page->path);
	x->wants_content = false;
	bt_reply_drop(x);
	bt_stages_take(x);
	if (x->route->handler->methods & BT_METHOD_BIT(BT_METHOD_GET))
		x->route->handler->answer(x);
	else
		bt_reply_error(x, 404, BT_STR_NONE);
}

/* Is the line one of a file's that an error does not have? */
static bool
is_validator(struct bt_str line)
{
	return bt_str_has_prefix(line, BT_STR("ETag:")) ||
	    bt_str_has_prefix(line, BT_STR("Last-Modified:")) ||
	    bt_str_has_prefix(line, BT_STR("Accept-Ranges:"));
}

/* The lines of the page, and those of the error. */
static struct bt_str
merge(struct baton_exchange *x)
{
	struct bt_str rest = x->reply.fields, more = x->error.fields;
	char *text = bt_arena_alloc(&x->arena, rest.n + more.n + 1);
	size_t n = 0;

	while (rest.n > 0) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		size_t len = lf ? (size_t)(lf + 1 - rest.p) : rest.n;

		if (!is_validator((struct bt_str){ rest.p, len })) {
			memcpy(text + n, rest.p, len);
			n += len;
		}
		rest.p += len;
		rest.n -= len;
	}
	if (more.n > 0)
		memcpy(text + n, more.p, more.n);
	return (struct bt_str){ text, n + more.n };
}

/* The page is there: it takes the error's status; or ours does after all. */
static void
finish(struct baton_exchange *x)
{
	struct bt_error *e = &x->error;
	bool close = e->close || x->reply.close;

	e->over = true;
	if (x->reply.status == 200 && !x->wants_content) {
		x->reply.status = e->answers ? e->answers : e->status;
		x->reply.fields = merge(x);
	} else {
		x->wants_content = false;
		bt_reply_drop(x);
		bt_reply_error(x, e->status, e->fields);
	}
	x->reply.close = close;
}

bool
bt_error_page_apply(struct bt_conn *c)
{
	struct baton_exchange *x = c->x;
	const struct bt_conf_page *page;

	if (x->error.over)
		return true;
	if (x->error.status == 0) {
		if (!x->reply.is_page || x->reply.status < 400 ||
		    (page = find_page(c)) == NULL)
			return true;
		begin(c, page);
	}
	if (x->reply.status == 0)
		return false;
	finish(x);
	return true;
}
