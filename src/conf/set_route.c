/*
 * A route: its path, and the handler that answers there.  Runs in the master,
 * or in `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

#include <limits.h>

/* Is the segment behind the slash empty, `.` or `..`?  The last may be empty.
 */
static bool
is_dot_segment(struct bt_str path, size_t slash)
{
	size_t begin = slash + 1, end = begin;

	while (end < path.n && path.p[end] != '/')
		end++;
	for (size_t i = begin; i < end; i++)
		if (path.p[i] != '.')
			return false;
	return end - begin <= 2 && (end > begin || end < path.n);
}

const char *
bt_route_why_not_path(struct bt_str path)
{
	if (path.n == 0 || path.p[0] != '/')
		return "a path begins with /";
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c < 0x20 || c == 0x7f)
			return "a path has no control bytes";
		if (c == '?' || c == '#')
			return "a route is found by the path alone, without "
			       "query and fragment";
		if (bt_value_is_escape(path, i))
			return "write the path decoded, in quotes if needed";
		if (c == '/' && is_dot_segment(path, i))
			return "no request has //, /./ or /../ in its path, "
			       "they are resolved before";
	}
	return NULL;
}

/* Fills path and exactness; the path stays empty when it is wrong. */
static void
set_path(struct bt_build *b, const struct bt_node *n, struct bt_conf_route *r)
{
	unsigned last = (unsigned)n->words_n - 1;
	const char *why;

	if (last < 1 || last > 2)
		return; /* was reported */
	r->exact = last == 2;
	if (r->exact && !bt_str_equal(n->words[1].text, BT_STR("="))) {
		bt_build_error(b, n, 1,
		    "before its path a route may have \"=\", nothing else "
		    "(there are no regular expressions)");
		return;
	}
	why = bt_route_why_not_path(n->words[last].text);
	if (why != NULL)
		bt_build_error(
		    b, n, last, "%s: %s", bt_build_quote(b, n, last), why);
	else
		r->path = bt_build_copy(b, n->words[last].text);
}

void
bt_set_route(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_server *s = b->frame->server;
	struct bt_conf_route *r = &s->routes[s->routes_n];
	struct bt_frame frame = {
		.node = n,
		.where = BT_IN_ROUTE,
		.scope = &r->scope,
		.server = s,
		.route = r,
	};
	unsigned before = bt_report_count(b->report);
	const struct bt_node *index, *tries;

	bt_build_note(b)->routes[s->routes_n++] = n;
	r->scope = s->scope;
	r->file = s->file;
	if (strcmp(r->file, n->source->name) != 0)
		r->file = bt_arena_strdup(&b->conf->arena, n->source->name);
	r->line = n->line;
	set_path(b, n, r);
	bt_build_block(b, &frame);
	if (n->broken || bt_report_count(b->report) != before)
		return; /* perhaps it was the handler that is wrong */
	index = frame.seen[bt_directive_named("index") - bt_directives];
	tries = frame.seen[bt_directive_named("try_files") - bt_directives];
	if (frame.handler == NULL)
		bt_build_error(b, n, 0,
		    "nothing answers on this route: root, return, redirect, "
		    "app, echo, metrics or status is missing");
	else if (index != NULL && r->handler != BT_HANDLER_STATIC)
		bt_build_error(b, index, 0, "index goes with root, not with %s",
		    frame.handler->directive->name);
	else if (tries != NULL && r->handler != BT_HANDLER_STATIC)
		bt_build_error(b, tries, 0,
		    "try_files goes with root, not with %s",
		    frame.handler->directive->name);
}

void
bt_set_root(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_route *r = b->frame->route;

	if (!bt_build_check_path(b, n, 1, PATH_MAX - 1))
		return;
	r->handler = BT_HANDLER_STATIC;
	r->root = bt_build_copy(b, n->words[1].text);
}

static bool
is_file_name(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ||
		    s.p[i] == '/')
			return false;
	return s.n > 0 && s.n <= NAME_MAX && !bt_str_equal(s, BT_STR(".")) &&
	    !bt_str_equal(s, BT_STR(".."));
}

void
bt_set_index(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_route *r = b->frame->route;

	r->index = bt_build_array(b, n->words_n - 1, sizeof(r->index[0]));
	for (unsigned i = 1; i < n->words_n; i++) {
		if (is_file_name(n->words[i].text))
			r->index[r->index_n++] =
			    bt_build_copy(b, n->words[i].text);
		else
			bt_build_error(b, n, i,
			    "%s is not the name of a file in a folder",
			    bt_build_quote(b, n, i));
	}
}

bool
bt_build_status(struct bt_build *b, const struct bt_node *n, unsigned *ret)
{
	uint64_t status;

	if (n->words[1].text.n == 3 &&
	    bt_str_parse_u64(n->words[1].text, &status) == 0 && status >= 200 &&
	    status <= 599) {
		*ret = (unsigned)status;
		return true;
	}
	bt_build_error(b, n, 1, "a status is a number from 200 to 599, not %s",
	    bt_build_quote(b, n, 1));
	return false;
}

static bool
is_redirect(unsigned status)
{
	return status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308;
}

static bool
looks_like_target(struct bt_str s)
{
	return bt_str_has_prefix(s, BT_STR("/")) ||
	    bt_str_has_prefix(s, BT_STR("http://")) ||
	    bt_str_has_prefix(s, BT_STR("https://")) ||
	    bt_str_has_prefix(s, BT_STR("$"));
}

/* May an answer of that status carry the text? */
static bool
check_text(struct bt_build *b, const struct bt_node *n, unsigned status)
{
	if (status == 204 || status == 205 || status == 304)
		bt_build_error(
		    b, n, 2, "an answer of status %u has no content", status);
	else if (is_redirect(status) && looks_like_target(n->words[2].text))
		bt_build_error(b, n, 0,
		    "return sends a text; to send clients elsewhere, write: "
		    "redirect %u %.*s",
		    status, (int)(n->words[2].end - n->words[2].begin),
		    n->source->text.p + n->words[2].begin);
	else
		return true;
	return false;
}

void
bt_set_return(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_route *r = b->frame->route;

	if (!bt_build_status(b, n, &r->status) ||
	    (n->words_n > 2 &&
		(!check_text(b, n, r->status) ||
		    !bt_build_template(b, n, 2, &r->template))))
		return;
	r->handler = BT_HANDLER_RETURN;
	r->has_text = n->words_n > 2;
	r->has_variables = r->has_text && n->words[2].variable;
	r->text = r->template.source;
}

void
bt_set_echo(struct bt_build *b, const struct bt_node *n)
{
	b->frame->route->handler = BT_HANDLER_ECHO;
}

void
bt_set_metrics(struct bt_build *b, const struct bt_node *n)
{
	b->frame->route->handler = BT_HANDLER_METRICS;
}

void
bt_set_status(struct bt_build *b, const struct bt_node *n)
{
	b->frame->route->handler = BT_HANDLER_STATUS;
}
