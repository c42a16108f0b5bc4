/*
 * Variables: in redirects, in texts, and in what try_files looks for.
 */

#include "tests/system/system.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONF \
	"server {\n" \
	"  name example.org www.example.org;\n" \
	"  route /https { redirect 301 https://$host$request_uri; }\n" \
	"  route /uri { redirect 302 $uri/; }\n" \
	"  route /double { redirect 302 $request_uri; }\n" \
	"  route /name { redirect 307 http://$server_name/x?$query; }\n" \
	"  route /agent { redirect 303 /a/$http_user_agent; }\n" \
	"  route /arg { redirect 303 \"/a?to=${arg_next}&x\"; }\n" \
	"  route /say { return 200 '$method $scheme $protocol $route " \
	"$connection_requests $remote_addr $host [$query] [$arg_a] " \
	"[$http_x_y] $request\\n'; }\n" \
	"}\n"

static const struct {
	const char *target, *fields, *location;
} redirects[] = {
	{ "/https/a%20b?c=d", "", "https://t/https/a%20b?c=d" },
	{ "/https", "", "https://t/https" },
	{ "//https//x", "", "https://t//https//x" },
	{ "/uri/a%20b", "", "/uri/a%20b/" },
	/* nothing of the client's ends the line, or the part of the URI */
	{ "/uri/%0d%0aX:y", "", "/uri/%0D%0AX:y/" },
	{ "/uri/%3Fa%23b", "", "/uri/%3Fa%23b/" },
	{ "/uri/%22%3C%C3%A9", "", "/uri/%22%3C%C3%A9/" },
	/* nor names another host */
	{ "//double/evil", "", "/%2Fdouble/evil" },
	{ "//double//evil?x", "", "/%2Fdouble//evil?x" },
	{ "/double/%5Cevil", "", "/double/%5Cevil" },
	{ "/name/y?a=1&b", "", "http://example.org/x?a=1&b" },
	{ "/name/y", "", "http://example.org/x?" },
	{ "/agent", "User-Agent: a/b c\"<>\r\n", "/a/a/b%20c%22%3C%3E" },
	{ "/agent", "User-Agent: \xc3\xa9?#\r\n", "/a/%C3%A9%3F%23" },
	{ "/agent", "", "/a/" },
	{ "/arg?next=%2Fb&x=1", "", "/a?to=%2Fb&x" },
	{ "/arg?nextt=1&next=2&next=3", "", "/a?to=2&x" },
	{ "/arg", "", "/a?to=&x" },
};

START_TEST(where_clients_are_sent)
{
	struct daemon *d = daemon_start(CONF);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < BT_ROWS(redirects); i++) {
		struct reply *r;

		client_set_context(redirects[i].target);
		r = client_get(c, redirects[i].target, redirects[i].fields);
		reply_wants(r, "Location", redirects[i].location);
		ck_assert_uint_eq(r->status / 100, 3);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(what_is_said)
{
	struct daemon *d = daemon_start(CONF);
	struct client *c = daemon_connect(d);

	reply_wants_text(client_get(c, "/say/x?a=1&b=2", "X-Y: z\r\n"),
	    "GET http HTTP/1.1 /say 1 127.0.0.1 t [a=1&b=2] [1] [z] "
	    "GET /say/x?a=1&b=2 HTTP/1.1\n");
	reply_wants_text(
	    client_ask(
		c, "GET /say HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
	    "GET http HTTP/1.0 /say 2 127.0.0.1 example.org [] [] [] "
	    "GET /say HTTP/1.0\n");
	daemon_stop(d);
}
END_TEST

/* The path of such a target is / . */
START_TEST(absolute_form_without_a_path)
{
	struct daemon *d = daemon_start(
	    "server { route / { return 200 \"$uri $request_uri\"; } }");

	reply_wants_text(client_ask(daemon_connect(d),
			     "GET http://t?a=7 HTTP/1.1\r\nHost: t\r\n\r\n"),
	    "/ /?a=7");
	daemon_stop(d);
}
END_TEST

#define SPA \
	"server {\n" \
	"  route / { root @DIR@/site; try_files $uri $uri/ /index.html; }\n" \
	"  route /only { root @DIR@/site; try_files $uri =410; }\n" \
	"  route /host { root @DIR@/site; try_files /by/$host$uri; }\n" \
	"}\n"

static const struct {
	const char *target;
	unsigned status;
	const char *content, *location;
} tries[] = {
	{ "/a.txt", 200, "a\n", NULL },
	{ "/", 200, "index\n", NULL },
	{ "/some/where/deep", 200, "index\n", NULL },
	{ "/some/where/deep/", 200, "index\n", NULL },
	{ "/dir/", 200, "dir\n", NULL },
	{ "/dir", 301, NULL, "/dir/" },
	{ "/dir?x=1", 301, NULL, "/dir/?x=1" },
	{ "/bare/", 403, NULL, NULL },
	{ "/only/there.txt", 200, "there\n", NULL },
	{ "/only/none.txt", 410, NULL, NULL },
	{ "/only", 410, NULL, NULL },
	{ "/host/x.txt", 200, "t's\n", NULL },
	{ "/host/y.txt", 404, NULL, NULL },
	{ "/link", 200, "index\n", NULL },
};

START_TEST(which_file_answers)
{
	struct daemon *d;
	struct client *c;

	scratch_text("secret", "SECRET\n");
	scratch_text("site/index.html", "index\n");
	scratch_text("site/a.txt", "a\n");
	scratch_text("site/dir/index.html", "dir\n");
	scratch_text("site/bare/x", "x\n");
	scratch_text("site/only/there.txt", "there\n");
	scratch_text("site/by/t/host/x.txt", "t's\n");
	ck_assert_int_eq(symlink("../secret", scratch_path("site/link")), 0);
	d = daemon_start(SPA);
	c = daemon_connect(d);
	for (int i = 0; i < BT_ROWS(tries); i++) {
		struct reply *r;

		client_set_context(tries[i].target);
		r = client_get(c, tries[i].target, "");
		ck_assert_uint_eq(r->status, tries[i].status);
		reply_wants(r, "Location", tries[i].location);
		if (tries[i].content != NULL)
			reply_wants_text(r, tries[i].content);
	}
	/* a host that climbs stays beneath the root */
	ck_assert_uint_eq(
	    client_ask(c, "GET /host/x HTTP/1.1\r\nHost: ..\r\n\r\n")->status,
	    404);
	daemon_stop(d);
}
END_TEST

#define ADDS \
	"server {\n" \
	"  add_header X-Id $request_id always; add_header X-Uri \"<$uri>\";\n" \
	"  add_header X-Arg $arg_a; add_header X-Fixed fixed;\n" \
	"  route / { return 200 x; } route /none { return 404; } }\n"

/* On good answers all of them, on others those that say so. */
START_TEST(added_fields)
{
	struct daemon *d = daemon_start(ADDS);
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, "/x?a=1", "");
	const char *id = reply_field(r, "X-Id");
	char before[33];

	reply_wants(r, "X-Uri", "</x>");
	reply_wants(r, "X-Arg", "1");
	reply_wants(r, "X-Fixed", "fixed");
	ck_assert_ptr_nonnull(id);
	ck_assert_uint_eq(strlen(id), 32);
	strcpy(before, id);
	/* nothing of the client's ends the line; without a value there is none
	 */
	r = client_get(c, "/%0d%0aX-Evil:%20yes", "");
	reply_wants(r, "X-Uri", "</??X-Evil: yes>");
	reply_wants(r, "X-Evil", NULL);
	reply_wants(r, "X-Arg", NULL);
	ck_assert_str_ne(reply_field(r, "X-Id"), before);
	r = client_get(c, "/none", "Accept: text/plain\r\n");
	ck_assert_uint_eq(r->status, 404);
	reply_wants(r, "X-Uri", NULL);
	reply_wants(r, "X-Fixed", NULL);
	ck_assert_ptr_nonnull(strstr(r->content, reply_field(r, "X-Id")));
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(variables)
{
	TCase *tc = bt_system_case(s, "values");

	tcase_add_test(tc, where_clients_are_sent);
	tcase_add_test(tc, what_is_said);
	tcase_add_test(tc, absolute_form_without_a_path);
	tcase_add_test(tc, which_file_answers);
	tcase_add_test(tc, added_fields);
}
