/*
 * Who answers: virtual hosts by name, routes by the longest prefix at a `/`
 * boundary or exactly; and what stands on a route besides: allow and deny,
 * add_header.
 */

#include "tests/system/system.h"

#include <string.h>

/* Every answer is the name of the route that gave it. */
static const char conf[] = "server {\n"
			   "  name first.example;\n"
			   "  route / { return 200 \"first\"; }\n"
			   "}\n"
			   "server {\n"
			   "  name second.example other.example;\n"
			   "  route / { return 200 \"second\"; }\n"
			   "}\n"
			   "server {\n"
			   "  name *.wild.example;\n"
			   "  route / { return 200 \"wild\"; }\n"
			   "}\n"
			   "server {\n"
			   "  name deep.wild.example;\n"
			   "  route / { return 200 \"deep\"; }\n"
			   "}\n"
			   "server {\n"
			   "  name routes.example;\n"
			   "  route / { return 200 \"root\"; }\n"
			   "  route /a { return 200 \"a\"; }\n"
			   "  route /a/b { return 200 \"ab\"; }\n"
			   "  route = /a/b { return 200 \"exact ab\"; }\n"
			   "  route /slash/ { return 200 \"slash\"; }\n"
			   "  route = /only { return 200 \"only\"; }\n"
			   "  route \"/with space\" { return 200 \"space\"; }\n"
			   "}\n"
			   "server {\n"
			   "  name bare.example;\n"
			   "  route /x { return 200 \"x\"; }\n"
			   "}\n";

static const struct {
	const char *host, *target, *answer; /* NULL: 404 */
} rows[] = {
	/* hosts */
	{ "first.example", "/", "first" },
	{ "second.example", "/", "second" },
	{ "other.example", "/", "second" },
	{ "SECOND.Example", "/", "second" },
	{ "second.example:8080", "/", "second" },
	{ "a.wild.example", "/", "wild" },
	{ "a.b.wild.example", "/", "wild" },
	{ "deep.wild.example", "/", "deep" },
	{ "wild.example", "/", "first" }, /* the first is the default */
	{ "notwild.example", "/", "first" },
	{ "unknown.example", "/", "first" },
	{ "127.0.0.1", "/", "first" },
	{ "unknown.example", "http://second.example/", "second" },
	{ "first.example", "http://OTHER.example:1/x?y", "second" },
	/* the longest prefix, at a boundary */
	{ "routes.example", "/", "root" },
	{ "routes.example", "/b", "root" },
	{ "routes.example", "/a", "a" },
	{ "routes.example", "/a/", "a" },
	{ "routes.example", "/a/x", "a" },
	{ "routes.example", "/ab", "root" },
	{ "routes.example", "/a?b=/a/b", "a" },
	{ "routes.example", "/a/b", "exact ab" },
	{ "routes.example", "/a/b?q", "exact ab" },
	{ "routes.example", "/a/b/", "ab" },
	{ "routes.example", "/a/b/c", "ab" },
	{ "routes.example", "/a/bc", "a" },
	{ "routes.example", "/slash/", "slash" },
	{ "routes.example", "/slash/x", "slash" },
	{ "routes.example", "/slash", "root" },
	{ "routes.example", "/only", "only" },
	{ "routes.example", "/only/", "root" },
	{ "routes.example", "/onlyx", "root" },
	/* the same path written otherwise is the same path */
	{ "routes.example", "/%61/%62", "exact ab" },
	{ "routes.example", "//a//b", "exact ab" },
	{ "routes.example", "/x/../a/./b", "exact ab" },
	{ "routes.example", "/a/b/..", "a" },
	{ "routes.example", "/with%20space", "space" },
	{ "bare.example", "/x/y", "x" },
	{ "bare.example", "/y", NULL },
	{ "bare.example", "/", NULL },
};

/* One daemon for all rows: every row is its own request. */
START_TEST(table)
{
	struct daemon *d = daemon_start(conf);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < BT_ROWS(rows); i++) {
		struct reply *r;

		client_set_context(
		    scratch_printf("%s %s", rows[i].host, rows[i].target));
		r = client_ask(c,
		    scratch_printf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
			rows[i].target, rows[i].host));
		if (rows[i].answer == NULL)
			ck_assert_uint_eq(r->status, 404);
		else
			reply_wants_text(r, rows[i].answer);
	}
	daemon_stop(d);
}
END_TEST

/* HTTP/1.0 without Host is the default server's. */
START_TEST(without_host)
{
	struct daemon *d = daemon_start(conf);

	reply_wants_text(
	    client_expect(daemon_connect(d), "GET / HTTP/1.0\r\n\r\n", 200),
	    "first");
	daemon_stop(d);
}
END_TEST

/* Names belong to the listeners of their server. */
START_TEST(names_per_listener)
{
	struct daemon *d = daemon_start(
	    "server { name a.example; route / { return 200 \"tcp\"; } }\n"
	    "server { listen unix:@DIR@/s.sock; name b.example; "
	    "route / { return 200 \"unix\"; } }\n");
	struct client *tcp = daemon_connect(d);
	struct client *un = client_unix(scratch_path("s.sock"));

	reply_wants_text(client_expect(tcp,
			     "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", 200),
	    "tcp");
	reply_wants_text(
	    client_expect(un, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 200),
	    "unix");
	daemon_stop(d);
}
END_TEST

static const char access_conf[] =
    "server {\n"
    "  listen 127.0.0.1:@PORT@; listen unix:@DIR@/s.sock;\n"
    "  route = /mine { return 200 \"x\"; allow 127.0.0.1; deny all; }\n"
    "  route = /net { return 200 \"x\"; allow 127.0.0.0/8; deny all; }\n"
    "  route = /not-me { return 200 \"x\"; deny 127.0.0.1; allow all; }\n"
    "  route = /nobody { return 200 \"x\"; deny all; }\n"
    "  route = /order { return 200 \"x\"; deny 127.0.0.0/8; "
    "allow 127.0.0.1; }\n"
    "  route = /others { return 200 \"x\"; allow 192.0.2.0/24; deny all; }\n"
    "  route = /unix { return 200 \"x\"; allow unix:; deny all; }\n"
    "}\n";

static const struct {
	const char *target;
	unsigned tcp, un;
} access_rows[] = {
	{ "/mine", 200, 403 },
	{ "/net", 200, 403 },
	{ "/not-me", 403, 200 },
	{ "/nobody", 403, 403 },
	{ "/others", 403, 403 },
	{ "/unix", 403, 200 },
	{ "/order", 403, 0 },
};

START_TEST(allow_and_deny)
{
	struct daemon *d = daemon_start(access_conf);
	struct client *tcp = daemon_connect(d);
	struct client *un = client_unix(scratch_path("s.sock"));

	for (int i = 0; i < BT_ROWS(access_rows); i++) {
		unsigned a = client_get(tcp, access_rows[i].target, "")->status;
		unsigned b = client_get(un, access_rows[i].target, "")->status;

		ck_assert_msg(a == access_rows[i].tcp, "%s by TCP: %u",
		    access_rows[i].target, a);
		ck_assert_msg(access_rows[i].un == 0 || b == access_rows[i].un,
		    "%s by UNIX socket: %u", access_rows[i].target, b);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(add_header)
{
	struct daemon *d = daemon_start(
	    "server {\n"
	    "  add_header X-Server s; add_header X-Ever e always;\n"
	    "  route = /inherits { return 200 \"x\"; }\n"
	    "  route = /own { return 200 \"x\"; "
	    "add_header X-Route \"a b; c\"; }\n"
	    "  route = /none { return 204; }\n"
	    "  route = /moved { redirect 302 /x; }\n"
	    "  route = /error { return 500; }\n"
	    "  route / { root @DIR@; }\n"
	    "}\n");
	struct client *c = daemon_connect(d);
	struct reply *r;

	scratch_text("file", "content");
	r = client_get(c, "/inherits", "");
	reply_wants(r, "X-Server", "s");
	reply_wants(r, "X-Ever", "e");
	r = client_get(c, "/own", ""); /* whole lists are inherited, or not */
	reply_wants(r, "X-Route", "a b; c");
	reply_wants(r, "X-Server", NULL);
	reply_wants(client_get(c, "/none", ""), "X-Server", "s");
	reply_wants(client_get(c, "/moved", ""), "X-Server", "s");
	reply_wants(client_get(c, "/file", ""), "X-Server", "s");
	r = client_get(c, "/missing", "");
	ck_assert_uint_eq(r->status, 404);
	reply_wants(r, "X-Server", NULL);
	reply_wants(r, "X-Ever", "e");
	r = client_get(c, "/error", "");
	reply_wants(r, "X-Server", NULL);
	reply_wants(r, "X-Ever", "e");
	daemon_stop(d);
}
END_TEST

/* What a server says of all of its routes holds where it has none, too. */
START_TEST(outside_of_the_routes)
{
	struct daemon *d = daemon_start(
	    "server { max_body_size 10; add_header X-All yes always;\n"
	    "route /a { echo; } }\n"
	    "server { listen unix:@DIR@/deny.sock; deny all;\n"
	    "route = /open { return 200; allow all; } }\n");
	struct client *c = daemon_connect(d);

	reply_wants(client_get(c, "/none", ""), "X-All", "yes");
	ck_assert_uint_eq(client_get(c, "/none", "")->status, 404);
	client_expect(c,
	    "POST /none HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n"
	    "0123456789",
	    404);
	/* it was read without end */
	client_expect(c,
	    "POST /none HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n",
	    413);
	client_expect_eof(c);
	c = client_unix(scratch_path("deny.sock"));
	ck_assert_uint_eq(client_get(c, "/none", "")->status, 403);
	ck_assert_uint_eq(client_get(c, "/open", "")->status, 200);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(routes)
{
	TCase *tc = bt_system_case(s, "find");

	tcase_add_test(tc, table);
	tcase_add_test(tc, without_host);
	tcase_add_test(tc, names_per_listener);
	tc = bt_system_case(s, "scope");
	tcase_add_test(tc, allow_and_deny);
	tcase_add_test(tc, add_header);
	tcase_add_test(tc, outside_of_the_routes);
}
