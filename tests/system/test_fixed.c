/*
 * `return` and `redirect`: fixed answers, right to the byte.
 */

#include "tests/system/system.h"

#include <string.h>

#define SERVER \
	"server {\n" \
	"  route = /text { return 200 \"hello, world\\n\"; }\n" \
	"  route = /empty { return 200 \"\"; }\n" \
	"  route = /status { return 200; }\n" \
	"  route = /none { return 204; }\n" \
	"  route = /teapot { return 418 \"short and stout\"; }\n" \
	"  route = /gone { return 410; }\n" \
	"  route = /moved { redirect 301 /new?x=1; }\n" \
	"  route = /found { redirect 302 https://example.org/a; }\n" \
	"  route = /see { redirect 303 /new; }\n" \
	"  route = /temporary { redirect 307 /new; }\n" \
	"  route = /permanent { redirect 308 /new; }\n" \
	"}\n"

static const struct {
	const char *target;
	unsigned status;
	const char *text, *location;
} rows[] = {
	{ "/text", 200, "hello, world\n", NULL },
	{ "/text?query", 200, "hello, world\n", NULL },
	{ "/empty", 200, "", NULL },
	{ "/status", 200, NULL, NULL },
	{ "/none", 204, "", NULL },
	{ "/teapot", 418, "short and stout", NULL },
	{ "/gone", 410, NULL, NULL },
	{ "/moved", 301, NULL, "/new?x=1" },
	{ "/found", 302, NULL, "https://example.org/a" },
	{ "/see", 303, NULL, "/new" },
	{ "/temporary", 307, NULL, "/new" },
	{ "/permanent", 308, NULL, "/new" },
};

START_TEST(answers)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, rows[_i].target, "");
	size_t length = r->content_n;

	ck_assert_uint_eq(r->status, rows[_i].status);
	if (rows[_i].text != NULL)
		reply_wants_text(r, rows[_i].text);
	reply_wants(r, "Location", rows[_i].location);
	if (r->status != 204)
		ck_assert(r->has_length);
	if (length > 0)
		ck_assert_ptr_nonnull(reply_field(r, "Content-Type"));
	/* HEAD: the same fields, no content */
	r = client_expect(c,
	    scratch_printf(
		"HEAD %s HTTP/1.1\r\nHost: t\r\n\r\n", rows[_i].target),
	    rows[_i].status);
	if (r->status != 204)
		reply_wants(r, "Content-Length", scratch_printf("%zu", length));
	client_get(c, "/text", "");
	daemon_stop(d);
}
END_TEST

/* Any method, with or without content. */
START_TEST(methods)
{
	static const char *const names[] = { "POST", "PUT", "DELETE", "PATCH",
		"PROPFIND" };
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < BT_ROWS(names); i++) {
		client_set_context(names[i]);
		reply_wants_text(
		    client_expect(c,
			scratch_printf("%s /text HTTP/1.1\r\nHost: t\r\n"
				       "Content-Length: 3\r\n\r\nabc",
			    names[i]),
			200),
		    "hello, world\n");
	}
	daemon_stop(d);
}
END_TEST

/* TRACE would send back what a script must not see: it is not there. */
START_TEST(no_trace)
{
	struct daemon *d = daemon_start(SERVER);
	struct reply *r = client_expect(daemon_connect(d),
	    "TRACE /text HTTP/1.1\r\nHost: t\r\nCookie: secret\r\n\r\n", 405);

	ck_assert_ptr_null(strstr(r->content, "secret"));
	ck_assert_ptr_null(strstr(reply_field(r, "Allow"), "TRACE"));
	daemon_stop(d);
}
END_TEST

/* A long text is sent as it is. */
START_TEST(long_text)
{
	enum { N = 100000 };
	char *text = scratch_alloc(N + 1);
	struct daemon *d;
	struct client *c;

	for (int i = 0; i < N; i++)
		text[i] = (char)('a' + i % 26);
	d = daemon_start(scratch_printf(
	    "server { route / { return 200 \"%s\"; } }\n", text));
	c = daemon_connect(d);
	for (int i = 0; i < 50; i++)
		client_puts(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	for (int i = 0; i < 50; i++)
		reply_wants_text(client_read(c, "GET"), text);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(fixed)
{
	TCase *tc = bt_system_case(s, "return");

	tcase_add_loop_test(tc, answers, 0, BT_ROWS(rows));
	tcase_add_test(tc, methods);
	tcase_add_test(tc, no_trace);
	tcase_add_test(tc, long_text);
}
