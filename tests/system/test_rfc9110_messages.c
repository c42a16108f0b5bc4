/*
 * RFC 9110, HTTP semantics, chapters 4 to 11: identifiers, fields, messages,
 * routing, representations, methods, context, authentication.  Not ours: what
 * clients and intermediaries have to do (7.6, 7.7, 7.8 but for ignoring it),
 * CONNECT (9.3.6), and 11 without `auth_basic` (test_auth.c).
 */

#include "tests/system/rfc.h"

#include "http/date.h"

#include <string.h>

#define G "GET /t HTTP/1.1\r\nHost: t\r\n"
#define FILE_A "GET /files/a.txt HTTP/1.1\r\nHost: t\r\n"
#define P "POST /echo HTTP/1.1\r\nHost: t\r\n"
#define SHUT .status = 400, .then = RFC_CLOSES
#define STAYS(s) .status = s, .then = RFC_STAYS
#define CLOSES(s) .status = s, .then = RFC_CLOSES
#define HAS(...) .fields = { __VA_ARGS__ }
#define IS(text) .content = text

/* clang-format off: tables */
static const struct rfc_row identifiers[] = {
	{ "4.2.3", "an empty path is /",
	    "GET http://t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    STAYS(404) },
	{ "4.2.3", "what is encoded without need is the same",
	    "GET /%74 HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(200), IS("x") },
	{ "4.2.3", "a host is in any case",
	    "GET /t HTTP/1.1\r\nHost: T\r\n"
	    "\r\n",
	    STAYS(200) },
	{ "4.2.4", "userinfo in a target",
	    "GET http://a:b@t/t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "4.2.1", "an empty host",
	    "GET http:///t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
};
RFC_TEST(rfc9110_4_identifiers, identifiers)

static const struct rfc_row fields[] = {
	{ "5.3", "lines of one name are one list",
	    FILE_A "If-None-Match: \"x\"\r\nIf-None-Match: @ETAG@\r\n\r\n",
	    STAYS(304) },
	{ "5.4", "a head past the bound",
	    G "X: "
	      "0123456789012345678901234567890123456789012345678901234567890123"
	      "\r\n"
	      "\r\n",
	    STAYS(200) },
	{ "5.5", "no NUL in a value", G "X: a\001b\r\n\r\n", SHUT },
	{ "5.5", "bytes past ASCII in a value are opaque",
	    G "X: \xc3\xa9\xff\r\n\r\n", STAYS(200) },
	{ "5.6.1", "empty members of a list are passed over",
	    FILE_A "If-None-Match: , ,\"x\",, @ETAG@ ,\r\n\r\n", STAYS(304) },
	{ "5.6.2", "a name is a token", G "X@: y\r\n\r\n", SHUT },
	{ "5.6.2", "all that a token may have",
	    G "!#$%&'*+-.^_`|~09azAZ: y\r\n\r\n", STAYS(200) },
	{ "5.6.7", "a date of RFC 850",
	    FILE_A "If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT\r\n\r\n",
	    STAYS(304) },
	{ "5.6.7", "a date of asctime()",
	    FILE_A "If-Modified-Since: Tue Nov 14 22:13:20 2023\r\n\r\n",
	    STAYS(304) },
	{ "5.6.7", "a date that is none is none",
	    FILE_A "If-Modified-Since: yesterday\r\n\r\n", STAYS(200) },
};
RFC_TEST(rfc9110_5_fields, fields)

static const struct rfc_row messages[] = {
	{ "6.4.1", "HEAD has no content, and GET's fields",
	    "HEAD /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(200),
	    HAS("Content-Length: 10", "ETag: @ETAG@", "Accept-Ranges: bytes",
		"Content-Type: text/plain; charset=utf-8"),
	    IS("") },
	{ "6.4.1", "304 has no content", FILE_A "If-None-Match: @ETAG@\r\n\r\n",
	    STAYS(304), IS("") },
	{ "6.4.1", "204 has none",
	    "OPTIONS /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(204),
	    IS("") },
	{ "6.5", "a trailer does not close the connection",
	    P "Transfer-Encoding: chunked\r\nTrailer: Connection\r\n\r\n"
	      "1\r\na\r\n0\r\nConnection: close\r\n\r\n",
	    STAYS(200), IS("a") },
};
RFC_TEST(rfc9110_6_messages, messages)

static const struct rfc_row routing[] = {
	{ "7.2", "Host in any place",
	    "GET /t HTTP/1.1\r\nX: y\r\nHost: t\r\n"
	    "\r\n",
	    STAYS(200) },
	{ "7.4", "an unknown host is the first server's",
	    "GET /t HTTP/1.1\r\nHost: nobody.example\r\n\r\n", STAYS(200) },
	{ "7.5", "a request is answered by what its path means",
	    "GET /files/../t HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(200),
	    IS("x") },
	{ "7.6.2", "Max-Forwards is for proxies",
	    "OPTIONS /files/a.txt HTTP/1.1\r\nHost: t\r\nMax-Forwards: "
	    "0\r\n\r\n",
	    STAYS(204) },
	{ "7.8", "an Upgrade may be passed over",
	    G "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n\r\n",
	    STAYS(200), HAS("-Upgrade"), IS("x") },
};
RFC_TEST(rfc9110_7_routing, routing)

static const struct rfc_row representation[] = {
	{ "8.3", "a type, where there is content", FILE_A "\r\n", STAYS(200),
	    HAS("Content-Type: text/plain; charset=utf-8") },
	{ "8.4", "the coding is told",
	    "GET /files/page.html HTTP/1.1\r\nHost: t\r\n"
	    "Accept-Encoding: gzip\r\n\r\n",
	    STAYS(200),
	    HAS("Content-Encoding: gzip", "Vary: Accept-Encoding",
		"Content-Type: text/html; charset=utf-8"),
	    IS("coded") },
	{ "8.4.1.3", "x-gzip is gzip",
	    "GET /files/page.html HTTP/1.1\r\nHost: t\r\n"
	    "Accept-Encoding: x-gzip\r\n\r\n",
	    STAYS(200), HAS("Content-Encoding: gzip"), IS("coded") },
	{ "8.6", "a length of what is known", FILE_A "\r\n", STAYS(200),
	    HAS("Content-Length: 10", "-Transfer-Encoding") },
	{ "8.6", "none in 204",
	    "OPTIONS /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(204),
	    HAS("-Content-Length") },
	{ "8.8.2", "Last-Modified of a file", FILE_A "\r\n", STAYS(200),
	    HAS("Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT") },
};
RFC_TEST(rfc9110_8_representation, representation)

static const struct rfc_row methods[] = {
	{ "9.1", "GET and HEAD are there", G "\r\n", STAYS(200), IS("x") },
	{ "9.1", "a method that nobody knows: 501",
	    "FLY /t HTTP/1.1\r\nHost: t\r\n\r\n", CLOSES(501) },
	{ "9.1", "a method that is not for it: 405",
	    "PUT /files/a.txt HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "1\r\n\r\nx",
	    STAYS(405), HAS("Allow: GET, HEAD, OPTIONS") },
	{ "9.3.1", "content of a GET has no meaning",
	    FILE_A "Content-Length: 3\r\n\r\nabc", STAYS(200),
	    IS("0123456789") },
	{ "9.3.2", "HEAD of an error", "HEAD /none HTTP/1.1\r\nHost: t\r\n\r\n",
	    STAYS(404), IS("") },
	{ "9.3.3", "POST", P "Content-Length: 2\r\n\r\nab", STAYS(200),
	    IS("ab") },
	{ "9.3.5", "DELETE of a file",
	    "DELETE /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(405) },
	{ "9.3.6", "CONNECT", "CONNECT t:1 HTTP/1.1\r\nHost: t:1\r\n\r\n",
	    CLOSES(501) },
	{ "9.3.7", "OPTIONS tells the methods",
	    "OPTIONS /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(204),
	    HAS("Allow: GET, HEAD, OPTIONS") },
	{ "9.3.7", "OPTIONS * is of the server",
	    "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(204) },
	{ "9.3.8", "TRACE is not answered with what came",
	    "TRACE /t HTTP/1.1\r\nHost: t\r\nCookie: a=b\r\n\r\n", STAYS(405) },
};
RFC_TEST(rfc9110_9_methods, methods)

static const struct rfc_row context[] = {
	{ "10.1.1", "Expect is met before the content is read",
	    P "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", STAYS(200) },
	{ "10.1.1", "another expectation: 417", G "Expect: x\r\n\r\n",
	    CLOSES(417) },
	{ "10.1.1", "Expect of 1.0 has no meaning",
	    "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\n"
	    "Content-Length: 2\r\n\r\nab",
	    CLOSES(200), IS("ab") },
	{ "10.2.1", "Allow with a 405",
	    "POST /files/a.txt HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "0\r\n\r\n",
	    STAYS(405), HAS("Allow: GET, HEAD, OPTIONS") },
	{ "10.2.2", "Location with a redirect",
	    "GET /old HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(301),
	    HAS("Location: /t") },
	{ "10.2.2", "a folder's, with its query",
	    "GET /files/dir?a=b HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(301),
	    HAS("Location: /files/dir/?a=b") },
	{ "10.2.4", "Server says no more than a name", G "\r\n", STAYS(200),
	    HAS("Server: baton") },
};
RFC_TEST(rfc9110_10_context, context)
/* clang-format on */

/* 6.6.1: the time of the answer, in the one form that is to be generated. */
START_TEST(rfc9110_6_6_1_date)
{
	struct daemon *d = rfc_start();
	struct reply *r = client_get(daemon_connect(d), "/t", "");
	const char *date = reply_field(r, "Date");
	char again[BT_DATE_BYTES + 1];
	int64_t s;

	ck_assert_int_eq(
	    bt_date_parse(bt_str_of(date), INT64_C(1700000000), &s), 0);
	bt_date_format(s, again);
	ck_assert_str_eq(again, date);
	daemon_stop(d);
}
END_TEST

/* 10.1.1: who waits to be asked is asked, and not before that is known. */
START_TEST(rfc9110_10_1_1_continue)
{
	struct daemon *d = rfc_start();
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_puts(c, P "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
	client_skip(c, strlen("HTTP/1.1 100 Continue\r\n\r\n"));
	client_puts(c, "ab");
	r = client_read(c, "POST");
	reply_wants_text(r, "ab");
	/* nobody is asked for what would be refused */
	client_puts(
	    c, P "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 413);
	ck_assert_uint_eq(r->interim, 0);
	client_expect_end(c);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(rfc9110_messages)
{
	TCase *tc = bt_system_case(s, "RFC 9110, 4 to 11");

	tcase_add_test(tc, rfc9110_4_identifiers);
	tcase_add_test(tc, rfc9110_5_fields);
	tcase_add_test(tc, rfc9110_6_messages);
	tcase_add_test(tc, rfc9110_6_6_1_date);
	tcase_add_test(tc, rfc9110_7_routing);
	tcase_add_test(tc, rfc9110_8_representation);
	tcase_add_test(tc, rfc9110_9_methods);
	tcase_add_test(tc, rfc9110_10_context);
	tcase_add_test(tc, rfc9110_10_1_1_continue);
}
