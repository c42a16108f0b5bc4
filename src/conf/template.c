/*
 * Variables: their table, and taking texts apart.  A $ that no name follows is
 * a $.  Runs in the master, or in `baton -t`.
 */

#include "conf/template.h"

#include "conf/directives.h"

#include <errno.h>
#include <stdio.h>

/* By name, as in the manual. */
/* clang-format off */
const struct bt_variable bt_variables[] = {
	{ "arg_", NULL, BT_VAR_ARG, "v", .is_uri = true,
	    .help = "The value of NAME in the query, as it came." },
	{ "body_bytes_sent", NULL, BT_VAR_BODY_BYTES_SENT, "1", .late = true,
	    .help = "Bytes of the answer's content that were sent." },
	{ "bytes_sent", NULL, BT_VAR_BYTES_SENT, "1", .late = true,
	    .help = "The same, with those of its head." },
	{ "connection", NULL, BT_VAR_CONNECTION, "1",
	    .help = "The number of the connection." },
	{ "connection_requests", NULL, BT_VAR_CONNECTION_REQUESTS, "1",
	    .help = "Which request on its connection it is, from 1." },
	{ "host", " http_host ", BT_VAR_HOST, "h", .in_host = true,
	    .help = "The host that is asked for, without port; where there is "
		    "none the server's name." },
	{ "http_", NULL, BT_VAR_HTTP, "v",
	    .help = "The field NAME of the request, in lower case and with _ "
		    "for -." },
	{ "method", " request_method ", BT_VAR_METHOD, "GET",
	    .help = "GET, POST, ..." },
	{ "msec", NULL, BT_VAR_MSEC, "1.000",
	    .help = "Seconds since 1970, with milliseconds." },
	{ "protocol", " server_protocol ", BT_VAR_PROTOCOL, "HTTP/1.1",
	    .help = "HTTP/1.0 or HTTP/1.1." },
	{ "query", " args query_string ", BT_VAR_QUERY, "q", .is_uri = true,
	    .help = "What stands behind the ? of the target." },
	{ "remote_addr", NULL, BT_VAR_REMOTE_ADDR, "192.0.2.1",
	    .help = "The address of the client." },
	{ "remote_port", NULL, BT_VAR_REMOTE_PORT, "1",
	    .help = "The port of the client." },
	{ "remote_user", NULL, BT_VAR_REMOTE_USER, "u",
	    .help = "Who has proved to be that by basic authentication." },
	{ "request", NULL, BT_VAR_REQUEST, "GET",
	    .help = "The request line." },
	{ "request_id", NULL, BT_VAR_REQUEST_ID, "0",
	    .help = "32 hexadecimal digits that no other request has." },
	{ "request_time", NULL, BT_VAR_REQUEST_TIME, "0.000", .late = true,
	    .help = "Seconds, with milliseconds, from the whole head of the "
		    "request to the end of the answer." },
	{ "request_uri", NULL, BT_VAR_REQUEST_URI, "/u", .is_uri = true,
	    .help = "Path and query, as they came." },
	{ "route", NULL, BT_VAR_ROUTE, "/r",
	    .help = "The path of the route that answers." },
	{ "scheme", NULL, BT_VAR_SCHEME, "http", .help = "http." },
	{ "server_addr", NULL, BT_VAR_SERVER_ADDR, "192.0.2.1",
	    .help = "The address of the listen that the client reached." },
	{ "server_name", NULL, BT_VAR_SERVER_NAME, "h", .in_host = true,
	    .help = "The first name of the server." },
	{ "server_port", NULL, BT_VAR_SERVER_PORT, "1", .in_host = true,
	    .help = "The port that the client reached us at." },
	{ "status", NULL, BT_VAR_STATUS, "200", .late = true,
	    .help = "The status of the answer." },
	{ "time_iso8601", NULL, BT_VAR_TIME_ISO8601, "t",
	    .help = "The local time, as in 2026-11-23T16:05:07+00:00." },
	{ "time_local", NULL, BT_VAR_TIME_LOCAL, "t",
	    .help = "The local time, as in 23/Nov/2026:16:05:07 +0000." },
	{ "uri", " document_uri ", BT_VAR_URI, "/u",
	    .help = "The path: decoded, without dot segments, its slashes "
		    "merged." },
	{ "worker", NULL, BT_VAR_WORKER, "0",
	    .help = "The number of the worker that answers." },
};
/* clang-format on */

const unsigned bt_variables_n = sizeof(bt_variables) / sizeof(bt_variables[0]);

const struct bt_variable *
bt_variable_of(enum bt_var var)
{
	for (unsigned i = 0; i < bt_variables_n; i++)
		if (bt_variables[i].var == var)
			return &bt_variables[i];
	return NULL;
}

static bool
is_name_byte(char c)
{
	return c == '_' || (c >= '0' && c <= '9') ||
	    (bt_lower(c) >= 'a' && bt_lower(c) <= 'z');
}

/* The row, and for `arg_x` what stands behind its _. */
static const struct bt_variable *
find(struct bt_str name, struct bt_str *ret_rest)
{
	char word[66];

	if (name.n > sizeof(word) - 3)
		return NULL;
	snprintf(word, sizeof(word), " %.*s ", BT_STR_ARG(name));
	for (unsigned i = 0; i < bt_variables_n; i++) {
		const struct bt_variable *v = &bt_variables[i];
		struct bt_str own = bt_str_of(v->name);

		*ret_rest = BT_STR_NONE;
		if (bt_str_equal(name, own) && own.p[own.n - 1] != '_')
			return v;
		if (v->nginx != NULL && strstr(v->nginx, word) != NULL)
			return v;
	}
	for (unsigned i = 0; i < bt_variables_n; i++) {
		struct bt_str own = bt_str_of(bt_variables[i].name);

		if (own.p[own.n - 1] != '_' || name.n <= own.n ||
		    !bt_str_has_prefix(name, own))
			continue;
		*ret_rest = (struct bt_str){ name.p + own.n, name.n - own.n };
		return &bt_variables[i];
	}
	return NULL;
}

/* The name at the $ at `*at`, which moves behind it; empty: a mere $. */
static struct bt_str
take_name(struct bt_str s, size_t *at, bool *ret_open)
{
	bool braces = *at + 1 < s.n && s.p[*at + 1] == '{';
	size_t begin = *at + 1 + braces, end = begin;

	while (end < s.n && is_name_byte(s.p[end]))
		end++;
	*ret_open = braces && (end == begin || end >= s.n || s.p[end] != '}');
	*at = end + (braces && !*ret_open);
	return (struct bt_str){ s.p + begin, end - begin };
}

static int
unknown(struct bt_str name, char *why, size_t size)
{
	const char *names[BT_VARS];
	const char *near;
	unsigned n = 0;

	for (; n < bt_variables_n && n < BT_VARS; n++)
		names[n] = bt_variables[n].name;
	near = bt_word_nearest(name, names, n);
	snprintf(why, size, "there is no variable $%.*s%s%s%s",
	    (int)(name.n < 60 ? name.n : 60), name.p,
	    near ? "; did you mean $" : "", near ? near : "",
	    near ? "?" : "; in quotes, \\$ is a dollar sign");
	return -EINVAL;
}

static void
add(struct bt_template *t, enum bt_var var, struct bt_str text)
{
	struct bt_piece *last = t->n > 0 ? &t->pieces[t->n - 1] : NULL;

	if (var == BT_VAR_TEXT && last != NULL && last->var == BT_VAR_TEXT)
		last->text.n += text.n; /* they are neighbours */
	else if (var != BT_VAR_TEXT || text.n > 0)
		t->pieces[t->n++] = (struct bt_piece){ var, text };
}

/* The name of a field: `user_agent` is User-Agent. */
static struct bt_str
field_name(struct bt_str s, struct bt_arena *arena)
{
	struct bt_str copy = bt_arena_copy(arena, s);
	char *p = (char *)(uintptr_t)copy.p;

	for (size_t i = 0; i < copy.n; i++)
		p[i] = p[i] == '_' ? '-' : bt_lower(p[i]);
	return copy;
}

int
bt_template_parse(struct bt_str text, struct bt_arena *arena,
    struct bt_template *ret, char *why, size_t why_size)
{
	struct bt_template t = { .source = bt_arena_copy(arena, text) };
	struct bt_str s = t.source;
	size_t at = 0, begin;

	/* no more than every other byte begins a piece */
	t.pieces = bt_arena_zero(arena, (s.n + 1) * sizeof(t.pieces[0]));
	while (at < s.n) {
		const struct bt_variable *v;
		struct bt_str name, rest;
		bool open;

		for (begin = at; at < s.n && s.p[at] != '$'; at++)
			;
		add(&t, BT_VAR_TEXT,
		    (struct bt_str){ s.p + begin, at - begin });
		if (at == s.n)
			break;
		begin = at;
		name = take_name(s, &at, &open);
		if (open) {
			snprintf(why, why_size, "a } is missing behind ${");
			return -EINVAL;
		}
		if (name.n == 0) {
			add(&t, BT_VAR_TEXT, (struct bt_str){ s.p + begin, 1 });
			continue;
		}
		if ((v = find(name, &rest)) == NULL)
			return unknown(name, why, why_size);
		if (v->var == BT_VAR_HTTP)
			rest = field_name(rest, arena);
		add(&t, v->var, rest);
	}
	*ret = t;
	return 0;
}
