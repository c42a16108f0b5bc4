/*
 * `error_page`: what the conf names stands for an error, with its status, from
 * wherever the error comes; and where there is no such page, ours does.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <string.h>

#define SERVER \
	"error_page 404 /404.html;\n" \
	"error_page 403 405 413 429 /pages/no.txt;\n" \
	"error_page 400 408 431 414 /pages/bad.txt;\n" \
	"error_page 410 =200 /pages/gone.txt;\n" \
	"error_page 500 502 503 504 /missing.html;\n" \
	"error_page 418 /teapot;\n" \
	"server {\n" \
	"  max_body_size 10;\n" \
	"  add_header X-Page yes always;\n" \
	"  route / { root @DIR@/site; }\n" \
	"  route /closed/ { root @DIR@/site; deny all; }\n" \
	"  route /pages/ { root @DIR@/site/pages; deny all; }\n" \
	"  route = /pages/no.txt { return 200 \"no\"; deny all; }\n" \
	"  route = /pages/bad.txt { return 200 \"bad\"; }\n" \
	"  route = /pages/gone.txt { return 200 \"gone\"; }\n" \
	"  route = /gone { return 410; }\n" \
	"  route = /gone-text { return 410 \"my own\"; }\n" \
	"  route = /broken { return 503; }\n" \
	"  route = /kettle { return 418; }\n" \
	"  route = /teapot { echo; }\n" \
	"  route = /own { return 404; error_page 404 /own; }\n" \
	"}\n"

#define PAGE "<h1>not here</h1>\n"

static struct daemon *
start(void)
{
	scratch_text("site/404.html", PAGE);
	scratch_text("site/x.txt", "0123456789");
	return daemon_start(SERVER);
}

static const struct {
	const char *request;
	unsigned status;
	const char *content; /* NULL: the built-in page */
	const char *field, *value;
} rows[] = {
	{ "GET /none HTTP/1.1\r\nHost: t\r\n\r\n", 404, PAGE, "Content-Type",
	    "text/html; charset=utf-8" },
	{ "GET /none HTTP/1.1\r\nHost: t\r\n\r\n", 404, PAGE, "ETag", NULL },
	{ "GET /none HTTP/1.1\r\nHost: t\r\n\r\n", 404, PAGE, "Accept-Ranges",
	    NULL },
	{ "GET /none HTTP/1.1\r\nHost: t\r\n\r\n", 404, PAGE, "X-Page", "yes" },
	/* the page is whole, whatever the request wanted of another thing */
	{ "GET /none HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n", 404,
	    PAGE, "Content-Range", NULL },
	{ "GET /none HTTP/1.1\r\nHost: t\r\nIf-None-Match: *\r\n\r\n", 404,
	    PAGE, NULL, NULL },
	{ "GET /404.html HTTP/1.1\r\nHost: t\r\nIf-Match: \"x\"\r\n\r\n", 412,
	    NULL, NULL, NULL },
	/* methods that the page's handler does not have */
	{ "POST /x.txt HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nab", 405,
	    "no", "Allow", "GET, HEAD, OPTIONS" },
	{ "PUT /none HTTP/1.1\r\nHost: t\r\nContent-Length: 99\r\n\r\n", 413,
	    "no", "Connection", "close" },
	/* the page may be where nobody may look */
	{ "GET /closed/x HTTP/1.1\r\nHost: t\r\n\r\n", 403, "no", NULL, NULL },
	{ "GET /pages/no.txt HTTP/1.1\r\nHost: t\r\n\r\n", 403, "no", NULL,
	    NULL },
	/* from the parser */
	{ "GET / HTTP/1.1\r\n\r\n", 400, "bad", "Connection", "close" },
	{ "GET / HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n", 400, "bad", NULL,
	    NULL },
	{ "GET /\x01 HTTP/1.1\r\nHost: t\r\n\r\n", 400, "bad", NULL, NULL },
	/* another status; a text of one's own is no error page */
	{ "GET /gone HTTP/1.1\r\nHost: t\r\n\r\n", 200, "gone", NULL, NULL },
	{ "GET /gone-text HTTP/1.1\r\nHost: t\r\n\r\n", 410, "my own", NULL,
	    NULL },
	/* what is missing, or is an error itself, is not looked for twice */
	{ "GET /broken HTTP/1.1\r\nHost: t\r\n\r\n", 503, NULL, NULL, NULL },
	{ "GET /own HTTP/1.1\r\nHost: t\r\n\r\n", 404, NULL, NULL, NULL },
	/* a page has no content to echo */
	{ "POST /kettle HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nab",
	    418, NULL, NULL, NULL },
};

START_TEST(stands_for_the_error)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	struct reply *r = client_expect(c, rows[_i].request, rows[_i].status);

	if (rows[_i].content != NULL)
		reply_wants_text(r, rows[_i].content);
	else
		ck_assert_ptr_nonnull(strstr(r->content, "Request <code>"));
	if (rows[_i].field != NULL)
		reply_wants(r, rows[_i].field, rows[_i].value);
	if (!r->closes)
		reply_wants_text(client_get(c, "/x.txt", ""), "0123456789");
	daemon_stop(d);
}
END_TEST

START_TEST(head_has_the_page_and_no_content)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	struct reply *r =
	    client_expect(c, "HEAD /none HTTP/1.1\r\nHost: t\r\n\r\n", 404);

	reply_wants(
	    r, "Content-Length", scratch_printf("%zu", sizeof(PAGE) - 1));
	client_get(c, "/x.txt", "");
	daemon_stop(d);
}
END_TEST

/* The log tells what was asked, not what was shown. */
START_TEST(log_has_the_request)
{
	struct daemon *d = start();

	client_expect(daemon_connect(d),
	    "POST /none?q HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n",
	    405);
	client_expect(
	    daemon_connect(d), "GET /none?q HTTP/1.1\r\nHost: t\r\n\r\n", 404);
	daemon_stop(d);
	ck_assert_ptr_nonnull(strstr(scratch_read("access.log", NULL),
	    "\"POST /none?q HTTP/1.1\" 405 2 "));
	ck_assert_ptr_nonnull(strstr(scratch_read("access.log", NULL),
	    "\"GET /none?q HTTP/1.1\" 404 18 "));
}
END_TEST

/* Each answer is in its place, also with pages in between. */
START_TEST(pipelined)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 20; i++)
		client_puts(c,
		    "GET /none HTTP/1.1\r\nHost: t\r\n\r\n"
		    "GET /x.txt HTTP/1.1\r\nHost: t\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		reply_wants_text(client_read(c, "GET"), PAGE);
		reply_wants_text(client_read(c, "GET"), "0123456789");
	}
	daemon_stop(d);
}
END_TEST

/* Content that nobody has read is read away, whoever has the page. */
static const struct {
	const char *fields, *content;
} unread[] = {
	{ "Content-Length: 35\r\n",
	    "GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n" },
	{ "Transfer-Encoding: chunked\r\n",
	    "23\r\nGET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n\r\n"
	    "0\r\n\r\n" },
};

START_TEST(content_is_no_request)
{
	bool proxied = _i % 2;
	struct origin origin;
	struct client *c, *o = NULL;
	struct daemon *d;
	struct reply *r;
	const char *head;

	origin_start(&origin);
	d = daemon_start(
	    scratch_printf("error_page 410 %s;\n"
			   "server { route / { return 410; }\n"
			   "route = /fixed { return 200 x; }\n"
			   "route = /near { return 200 sorry; }\n"
			   "route = /far { proxy http://127.0.0.1:%u; } }\n",
		proxied ? "/far" : "/near", origin.port));
	c = daemon_connect(d);
	client_puts(c,
	    scratch_printf("PUT /none HTTP/1.1\r\nHost: t\r\n%s\r\n",
		unread[_i / 2].fields));
	if (proxied) {
		o = origin_accept(&origin);
		head = origin_read(o);
		ck_assert_ptr_null(strstr(head, "Content-Length"));
		ck_assert_ptr_null(strstr(head, "Transfer-Encoding"));
	} else {
		client_peek(c, 1); /* the page is there before the content */
	}
	client_puts(c, unread[_i / 2].content);
	client_puts(c, "GET /fixed HTTP/1.1\r\nHost: t\r\n\r\n");
	if (proxied)
		client_puts(
		    o, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsorry");
	r = client_read(c, "PUT");
	ck_assert_uint_eq(r->status, 410);
	reply_wants_text(r, "sorry");
	reply_wants_text(client_read(c, "GET"), "x");
	if (proxied)
		ck_assert_uint_eq(client_waiting(o), 0);
	ck_assert_uint_eq(client_waiting(c), 0);
	daemon_stop(d);
}
END_TEST

/* The page is another server's; the request was refused, the page is not. */
START_TEST(page_of_another_server)
{
	struct origin origin;
	struct client *c, *o;
	struct daemon *d;
	struct reply *r;

	origin_start(&origin);
	d = daemon_start(
	    scratch_printf("error_page 413 /page;\n"
			   "server { max_body_size 10; route / { echo; } "
			   "route = /page { proxy http://127.0.0.1:%u; } }\n",
		origin.port));
	c = daemon_connect(d);
	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 99\r\n\r\n");
	o = origin_accept(&origin);
	ck_assert_int_eq(
	    strncmp(origin_read(o), "GET /page HTTP/1.1\r\n", 20), 0);
	client_puts(o, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsorry");
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 413);
	reply_wants_text(r, "sorry");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(error_page)
{
	TCase *tc = bt_system_case(s, "pages");

	tcase_add_loop_test(tc, stands_for_the_error, 0, BT_ROWS(rows));
	tcase_add_test(tc, head_has_the_page_and_no_content);
	tcase_add_test(tc, log_has_the_request);
	tcase_add_test(tc, pipelined);
	tcase_add_test(tc, page_of_another_server);
	tcase_add_loop_test(tc, content_is_no_request, 0, 2 * BT_ROWS(unread));
}
