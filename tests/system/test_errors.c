/*
 * Bad input gets a clear answer: each status that a server gives by itself, a
 * closed connection where the message's end is in doubt, and an answer that
 * reaches the client also while it is still sending.
 */

#include "tests/system/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK_GET "GET /t HTTP/1.1\r\nHost: t\r\n\r\n"

#define SERVER \
	"server { max_body_size 1k;\n" \
	"route = /t { return 200 \"x\"; }\n" \
	"route = /c404 { return 404 \"nothing\\n\"; }\n" \
	"route = /c500 { return 500; }\n" \
	"route = /c503 { return 503; }\n" \
	"route /files { root @DIR@; }\n" \
	"route /echo { echo; }\n" \
	"route /large { echo; max_body_size 10m; } }\n"

static const struct {
	const char *label, *request;
	unsigned status;
	bool closes;
} rows[] = {
	{ "no route", "GET /nowhere HTTP/1.1\r\nHost: t\r\n\r\n", 404, false },
	{ "own 404", "GET /c404 HTTP/1.1\r\nHost: t\r\n\r\n", 404, false },
	{ "own 500", "GET /c500 HTTP/1.1\r\nHost: t\r\n\r\n", 500, false },
	{ "own 503", "GET /c503 HTTP/1.1\r\nHost: t\r\n\r\n", 503, false },
	{ "method of files", "DELETE /files/a HTTP/1.1\r\nHost: t\r\n\r\n", 405,
	    false },
	{ "method of files, with content",
	    "POST /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "3\r\n\r\nabc",
	    405, false },
	{ "announced too long",
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1025\r\n\r\n",
	    413, true },
	{ "announced far too long",
	    "POST /echo HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 18446744073709551615\r\n\r\n",
	    413, true },
	{ "length required", "POST /echo HTTP/1.0\r\nHost: t\r\n\r\n", 411,
	    true },
	{ "expectation",
	    "GET /t HTTP/1.1\r\nHost: t\r\nExpect: 200-maybe\r\n\r\n", 417,
	    true },
	{ "unknown method", "BREW /t HTTP/1.1\r\nHost: t\r\n\r\n", 501, true },
	{ "long method", "GETT /t HTTP/1.1\r\nHost: t\r\n\r\n", 501, true },
	{ "coding",
	    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n",
	    0, true },
	{ "CONNECT", "CONNECT t:1 HTTP/1.1\r\nHost: t:1\r\n\r\n", 501, true },
	{ "HTTP/2.0", "GET /t HTTP/2.0\r\nHost: t\r\n\r\n", 505, true },
	{ "HTTP/3.1", "GET /t HTTP/3.1\r\nHost: t\r\n\r\n", 505, true },
	{ "HTTP/0.9 written out", "GET /t HTTP/0.9\r\nHost: t\r\n\r\n", 505,
	    true },
	{ "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true },
	{ "nonsense", "\x16\x03\x01\x02\r\n\r\n", 400, true },
};

/* The answer is whole, its connection goes on or ends as it says. */
START_TEST(answers)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_set_context(rows[_i].label);
	r = client_ask(c, rows[_i].request);
	if (rows[_i].status != 0)
		ck_assert_msg(r->status == rows[_i].status, "%s: %u, not %u",
		    rows[_i].label, r->status, rows[_i].status);
	else
		ck_assert(r->status == 400 || r->status == 501);
	ck_assert_msg(
	    r->closes == rows[_i].closes, "%s: %s", rows[_i].label, r->head);
	ck_assert_uint_gt(r->content_n, 0);
	if (rows[_i].closes)
		client_expect_eof(c);
	else
		client_expect(c, OK_GET, 200);
	daemon_stop(d);
}
END_TEST

START_TEST(allow_says_what_works)
{
	struct daemon *d;
	struct client *c;
	struct reply *r;

	scratch_text("files/a", "a");
	d = daemon_start(SERVER);
	c = daemon_connect(d);
	r = client_expect(c,
	    "PUT /files/a HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n",
	    405);
	reply_wants(r, "Allow", "GET, HEAD, OPTIONS");
	r = client_ask(c, "OPTIONS /files/a HTTP/1.1\r\nHost: t\r\n\r\n");
	ck_assert_uint_eq(r->status / 100, 2);
	reply_wants(r, "Allow", "GET, HEAD, OPTIONS");
	r = client_ask(c, "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n");
	ck_assert_uint_eq(r->status / 100, 2);
	client_expect(c, OK_GET, 200);
	daemon_stop(d);
}
END_TEST

/* An error of HEAD has its fields and no content. */
START_TEST(head_of_an_error)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r =
	    client_expect(c, "HEAD /nowhere HTTP/1.1\r\nHost: t\r\n\r\n", 404);
	const char *length = reply_field(r, "Content-Length");

	ck_assert_ptr_nonnull(length);
	r = client_expect(c, "GET /nowhere HTTP/1.1\r\nHost: t\r\n\r\n", 404);
	ck_assert_uint_eq(r->content_n, strtoul(length, NULL, 10));
	daemon_stop(d);
}
END_TEST

/* The page does not repeat what the client said. */
START_TEST(no_reflection)
{
	struct daemon *d = daemon_start(SERVER);
	struct reply *r =
	    client_get(daemon_connect(d), "/%3Cscript%3Ex", "X: <script>x\r\n");

	ck_assert_uint_eq(r->status, 404);
	ck_assert_ptr_null(strstr(r->content, "script"));
	daemon_stop(d);
}
END_TEST

static char *
repeated(char byte, size_t n)
{
	char *text = scratch_alloc(n + 1);

	memset(text, byte, n);
	return text;
}

enum {
	TARGET,
	ONE_FIELD,
	MANY_FIELDS,
	COUNT_OF_FIELDS,
	NAME,
	EMPTY_LINES,
	METHOD,
	BIGS
};

/* 16k is the preset of max_header_size. */
static char *
big_request(int kind)
{
	char *text;

	switch (kind) {
	case TARGET:
		return scratch_printf("GET /%s HTTP/1.1\r\nHost: t\r\n\r\n",
		    repeated('a', 20000));
	case ONE_FIELD:
		return scratch_printf(
		    "GET / HTTP/1.1\r\nHost: t\r\nX: %s\r\n\r\n",
		    repeated('a', 20000));
	case NAME:
		return scratch_printf(
		    "GET / HTTP/1.1\r\nHost: t\r\n%s: x\r\n\r\n",
		    repeated('a', 20000));
	case EMPTY_LINES:
		text = repeated('\n', 40000);
		for (size_t i = 0; i < 40000; i += 2)
			text[i] = '\r';
		return text;
	case METHOD:
		return repeated('A', 20000);
	default:
		text = scratch_printf("GET / HTTP/1.1\r\nHost: t\r\n");
		for (int i = 0; i < (kind == MANY_FIELDS ? 90 : 300); i++)
			text = scratch_printf("%sX-%d: %s\r\n", text, i,
			    kind == MANY_FIELDS ? repeated('a', 300) : "");
		return scratch_printf("%s\r\n", text);
	}
}

START_TEST(too_big)
{
	static const unsigned wanted[BIGS] = { [TARGET] = 414,
		[ONE_FIELD] = 431,
		[NAME] = 431,
		[MANY_FIELDS] = 431,
		[COUNT_OF_FIELDS] = 431,
		[EMPTY_LINES] = 400 };
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	char *request = big_request(_i);
	struct reply *r;

	client_send(c, request, strlen(request));
	r = client_read(c, "GET");
	if (wanted[_i] != 0)
		ck_assert_uint_eq(r->status, wanted[_i]);
	else
		ck_assert(
		    r->status == 400 || r->status == 414 || r->status == 501);
	ck_assert(r->closes);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

/* What just fits is answered, also when it comes in small pieces. */
START_TEST(just_fits)
{
	struct daemon *d = daemon_start("max_header_size 4k;\n" SERVER);
	struct client *c = daemon_connect(d);
	const char *fixed = "GET /t HTTP/1.1\r\nHost: t\r\nX: \r\n\r\n";
	const char *request =
	    scratch_printf("GET /t HTTP/1.1\r\nHost: t\r\nX: %s\r\n\r\n",
		repeated('a', 4096 - strlen(fixed)));

	ck_assert_uint_eq(strlen(request), 4096);
	client_expect(c, request, 200);
	for (size_t at = 0; at < 4096; at += 64)
		ck_assert(client_send(c, request + at, 64));
	ck_assert_uint_eq(client_read(c, "GET")->status, 200);
	client_send(c, "GET /t?x", 8);
	client_send(c, request + 6, 4096 - 6);
	ck_assert_uint_eq(client_read(c, "GET")->status, 431);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

#define CHUNKED_TO(target) \
	"POST " target " HTTP/1.1\r\nHost: t\r\n" \
	"Transfer-Encoding: chunked\r\n\r\n"

/* Chunks are counted: the bound holds without an announcement. */
START_TEST(chunks_too_long)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	r = client_expect(c,
	    scratch_printf(CHUNKED_TO("/echo") "400\r\n%s\r\n0\r\n\r\n",
		repeated('a', 1024)),
	    200);
	ck_assert_uint_eq(r->content_n, 1024);
	r = client_expect(c,
	    scratch_printf(CHUNKED_TO("/echo") "401\r\n%s\r\n0\r\n\r\n",
		repeated('a', 1025)),
	    413);
	ck_assert(r->closes);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

/* When the answer has begun it can only be cut: it must not look complete. */
START_TEST(chunks_too_long_amid_the_answer)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *text;
	size_t n;

	client_puts(c, CHUNKED_TO("/echo"));
	for (int i = 0; i < 110; i++)
		client_send(c, "a\r\n0123456789\r\n", 15);
	client_send(c, "0\r\n\r\n", 5);
	text = client_peek_all(c, &n);
	ck_assert_uint_ge(n, 12);
	if (strncmp(text, "HTTP/1.1 413", 12) == 0)
		ck_assert_uint_eq(client_read(c, "POST")->status, 413);
	else
		ck_assert_ptr_null(memmem(text, n, "\r\n0\r\n\r\n", 7));
	daemon_stop(d);
}
END_TEST

START_TEST(limit_of_the_route)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	char *body = repeated('b', 5000);

	client_puts(c,
	    "POST /large HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n");
	client_puts(c, body);
	reply_wants_text(client_read(c, "POST"), body);
	client_expect(c,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n",
	    413);
	daemon_stop(d);
}
END_TEST

enum { FIVE_MB = 5 * 1024 * 1024 };

/* The whole body, of 100 MB, is sent before the answer is looked at. */
START_TEST(answer_survives_unread_input)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *piece = repeated('a', FIVE_MB);
	struct reply *r;

	client_puts(c,
	    scratch_printf("POST /echo HTTP/1.1\r\nHost: t\r\n"
			   "Content-Length: %d\r\n\r\n",
		20 * (int)FIVE_MB));
	for (int i = 0; i < 20; i++)
		ck_assert_msg(client_send(c, piece, FIVE_MB),
		    "the server reset what the client was sending");
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 413);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

/* The same for a handler that does not care for the content. */
START_TEST(answer_without_reading_the_content)
{
	struct daemon *d =
	    daemon_start("max_body_size 10m;\n"
			 "server { route / { return 200 \"x\"; } }\n");
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 2; i++) {
		client_puts(c,
		    scratch_printf("POST / HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: %d\r\n\r\n",
			(int)FIVE_MB));
		ck_assert(client_send(c, repeated('a', FIVE_MB), FIVE_MB));
		reply_wants_text(client_read(c, "POST"), "x");
	}
	client_get(c, "/", "");
	daemon_stop(d);
}
END_TEST

/* Extensions and trailers are bounded, too. */
START_TEST(endless_chunk_extension)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_puts(c,
	    "POST /t HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "1;");
	client_send(c, repeated('a', 200000), 200000);
	r = client_read(c, "POST");
	if (r->status == 200) /* it was answered before the content was over */
		client_expect_end(c);
	else
		ck_assert_uint_eq(r->status, 400);
	daemon_stop(d);
}
END_TEST

START_TEST(endless_trailer)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_puts(c,
	    "POST /t HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n");
	for (int i = 0; i < 4000 && client_send(c, "X: 0123456789\r\n", 15);
	     i++)
		;
	r = client_read(c, "POST");
	if (r->status == 200)
		client_expect_end(c);
	else
		ck_assert_uint_eq(r->status, 431);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(errors)
{
	TCase *tc = bt_system_case(s, "status");

	tcase_add_loop_test(tc, answers, 0, BT_ROWS(rows));
	tcase_add_test(tc, allow_says_what_works);
	tcase_add_test(tc, head_of_an_error);
	tcase_add_test(tc, no_reflection);
	tc = bt_system_case(s, "size");
	tcase_add_loop_test(tc, too_big, 0, BIGS);
	tcase_add_test(tc, just_fits);
	tcase_add_test(tc, chunks_too_long);
	tcase_add_test(tc, chunks_too_long_amid_the_answer);
	tcase_add_test(tc, limit_of_the_route);
	tcase_add_test(tc, endless_chunk_extension);
	tcase_add_test(tc, endless_trailer);
	tc = bt_system_case(s, "unread");
	tcase_add_test(tc, answer_survives_unread_input);
	tcase_add_test(tc, answer_without_reading_the_content);
}
