/*
 * `proxy`: what becomes of messages on their way: interim answers, fields that
 * the conf sets and hides, what leads back, trailers,
 * and answers that are buffered.  The test is the server.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define HINT "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
/* as it is written anew */
#define HINT_PASSED \
	"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n" \
	"Via: 1.1 baton\r\n\r\n"

static struct origin origin;

/* One worker, and / goes to the origin with that in the proxy's block. */
static struct daemon *
start(const char *inside, const char *scope)
{
	origin_start(&origin);
	return daemon_start(
	    scratch_printf("workers 1;\n"
			   "server {\n"
			   "    %s\n"
			   "    route / { proxy http://127.0.0.1:%u { %s } }\n"
			   "}\n",
		scope, origin.port, inside));
}

static void
expect_bytes(struct client *c, const char *bytes)
{
	size_t n = strlen(bytes);

	ck_assert_msg(memcmp(client_peek(c, n), bytes, n) == 0,
	    "expected:\n%s\ncame:\n%.*s", bytes, (int)n, client_peek(c, n));
	client_skip(c, n);
}

/* Each is there before the server says more. */
START_TEST(hints_come_at_once)
{
	struct daemon *d = start("", "");
	struct client *c = daemon_connect(d), *o;

	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o, HINT);
	expect_bytes(c, HINT_PASSED);
	client_puts(o,
	    "HTTP/1.1 102 Processing\r\nConnection: x\r\nX: 1\r\n"
	    "Content-Length: 5\r\n\r\n");
	expect_bytes(c, "HTTP/1.1 102 Processing\r\nVia: 1.1 baton\r\n\r\n");
	client_puts(o, HINT HINT OK);
	expect_bytes(c, HINT_PASSED HINT_PASSED "HTTP/1.1 200 OK\r\n");
	client_close(c);
	daemon_stop(d);
}
END_TEST

/* Any number of them, more than any buffer has room for. */
START_TEST(hints_without_end)
{
	enum { HINTS = 3000 };
	struct daemon *d = start("", "");
	struct client *c = daemon_connect(d), *o;
	struct reply *r;

	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_read(o);
	for (int i = 0; i < HINTS; i++)
		client_puts(o, HINT);
	client_puts(o, OK);
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, 200);
	ck_assert_uint_gt(r->interim, 0);
	daemon_stop(d);
}
END_TEST

/* They are those of the request that is answered, behind the one before. */
START_TEST(hints_in_a_pipeline)
{
	struct daemon *d = start("", "");
	struct client *c = daemon_connect(d), *o;

	client_puts(c,
	    "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
	    "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o, HINT OK);
	ck_assert_uint_eq(client_read(c, "GET")->interim, 1);
	origin_answer(o, OK);
	ck_assert_uint_eq(client_read(c, "GET")->interim, 0);
	daemon_stop(d);
}
END_TEST

START_TEST(hints_not_for_old_clients)
{
	struct daemon *d = start("", "");
	struct client *c = daemon_connect(d), *o;
	struct reply *r;

	client_puts(c, "GET / HTTP/1.0\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o, HINT OK);
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->interim, 0);
	reply_wants_text(r, "ok");
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

/* The client is asked once for its content, by us or by the server. */
START_TEST(continue_once)
{
	struct daemon *d = start("", "");
	struct client *c = daemon_connect(d), *o;
	struct reply *r;

	client_puts(c,
	    "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
	    "Content-Length: 1\r\n\r\n");
	expect_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n");
	client_puts(c, "x");
	o = origin_accept(&origin);
	origin_read(o);
	client_skip(o, 1);
	client_puts(o, "HTTP/1.1 100 Continue\r\n\r\n" OK);
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->interim, 0);
	reply_wants_text(r, "ok");
	daemon_stop(d);
}
END_TEST

/* It has begun to answer: the request is not sent a second time. */
START_TEST(hint_and_then_nothing)
{
	struct daemon *d = start("", "");
	struct client *c = daemon_connect(d), *o;
	struct reply *r;

	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o, HINT);
	expect_bytes(c, HINT_PASSED);
	client_close(o);
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, 502);
	ck_assert(!origin_is_called(&origin));
	daemon_stop(d);
}
END_TEST

/* What is set, and the lines that the server gets; NULL: has none of that. */
static const struct {
	const char *conf, *has, *has_not;
} set[] = {
	{ "set_header X-Real-IP $remote_addr;", "\r\nX-Real-IP: 127.0.0.1\r\n",
	    "10.9.9.9" },
	{ "set_header x-one new;", "\r\nx-one: new\r\n", "X-One" },
	{ "set_header X-One '';", "\r\nX-Two: 2\r\n", "X-One" },
	{ "set_header X-One $arg_none;", "\r\nX-Two: 2\r\n", "X-One" },
	{ "set_header X-One \"$http_x_two of ${method}\";",
	    "\r\nX-One: 2 of GET\r\n", "X-One: 1" },
	{ "set_header Host inner.example;", "\r\nHost: inner.example\r\n",
	    "\r\nHost: h\r\n" },
	{ "set_header Host inner.example;", "\r\nX-Forwarded-Host: h\r\n",
	    "X-Forwarded-Host: inner" },
	{ "set_header Host $arg_none;", "\r\nHost: h\r\n", "Host: \r\n" },
	{ "set_header X-Forwarded-For '';", "\r\nX-Forwarded-Proto: http\r\n",
	    "X-Forwarded-For" },
	{ "set_header Forwarded ''; set_header Via ''; "
	  "set_header X-Forwarded-Proto https;",
	    "\r\nX-Forwarded-Proto: https\r\n", "\r\nForwarded" },
	{ "set_header Cookie '';", "\r\nX-Two: 2\r\n", "Cookie" },
	{ "set_header X-Query $arg_q;", "\r\nX-Query: a%0d%0ab\r\n", "\nb" },
};

START_TEST(fields_of_requests)
{
	struct daemon *d = start(set[_i].conf, "");
	struct client *c = daemon_connect(d), *o;
	const char *head;

	client_puts(c,
	    "GET /?q=a%0d%0ab HTTP/1.1\r\nHost: h\r\nX-One: 1\r\n"
	    "X-Two: 2\r\nX-Real-IP: 10.9.9.9\r\nCookie: a=b\r\n\r\n");
	o = origin_accept(&origin);
	head = origin_read(o);
	ck_assert_msg(
	    strstr(head, set[_i].has) != NULL, "%s: %s", set[_i].conf, head);
	ck_assert_msg(strstr(head, set[_i].has_not) == NULL, "%s: %s",
	    set[_i].conf, head);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/* What is hidden, and what add_header and cache_control put there. */
static const struct {
	const char *inside, *scope, *field, *value;
} answers[] = {
	{ "", "", "X-Powered-By", "cold fusion" },
	{ "hide_header x-powered-by;", "", "X-Powered-By", NULL },
	{ "hide_header X-Other X-Powered-By;", "", "X-Powered-By", NULL },
	{ "hide_header X-Powered-By;", "", "Server", "origin" },
	{ "hide_header Server;", "", "Server", NULL },
	{ "", "add_header X-New $uri;", "X-New", "/" },
	{ "hide_header X-Powered-By;", "add_header X-Powered-By tea;",
	    "X-Powered-By", "tea" },
	{ "", "cache_control no-store;", "Cache-Control", "max-age=5" },
	{ "hide_header Cache-Control;", "cache_control no-store;",
	    "Cache-Control", "no-store" },
};

START_TEST(fields_of_answers)
{
	struct daemon *d = start(answers[_i].inside, answers[_i].scope);
	struct client *c = daemon_connect(d), *o;
	struct reply *r;

	client_set_context(answers[_i].inside);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o,
	    "HTTP/1.1 200 OK\r\nServer: origin\r\n"
	    "X-Powered-By: cold fusion\r\nCache-Control: max-age=5\r\n"
	    "Content-Length: 2\r\n\r\nok");
	r = client_read(c, "GET");
	reply_wants_text(r, "ok");
	reply_wants(r, answers[_i].field, answers[_i].value);
	daemon_stop(d);
}
END_TEST

/* The text with the origin's address for @. */
static const char *
with_origin(const char *text)
{
	const char *at = strchr(text, '@');

	return at == NULL ? text
			  : scratch_printf("%.*s127.0.0.1:%u%s",
				(int)(at - text), text, origin.port, at + 1);
}

/* @ is the origin; what the server says, and the client reads. */
static const struct {
	const char *route, *target, *asked, *field, *said, *read;
} mapped[] = {
	{ "/ { proxy http://@; }", "/x", "/x", "Location", "http://@/y", "/y" },
	{ "/v1/ { proxy http://@/api/; }", "/v1/x", "/api/x", "Location",
	    "http://@/api/y?q=1", "/v1/y?q=1" },
	{ "/v1/ { proxy http://@/api/; }", "/v1/x", "/api/x",
	    "Content-Location", "/api/y", "/v1/y" },
	{ "/v1 { proxy http://@/; }", "/v1/x", "/x", "Location", "http://h/y",
	    "http://h/v1/y" },
	{ "'/a b/' { proxy http://@/; }", "/a%20b/x", "/x", "Location", "/y",
	    "/a%20b/y" },
	{ "/v1/ { proxy http://@/api/ { map_back off; } }", "/v1/x", "/api/x",
	    "Location", "/api/y", "/api/y" },
	{ "/v1/ { proxy http://@/api/; }", "/v1/x", "/api/x", "Refresh",
	    "0; url=/api/y", "0; url=/api/y" },
	{ "/v1/ { proxy http://@/api/; }", "/v1/x", "/api/x", "Set-Cookie",
	    "a=b; Path=/api/; Secure", "a=b; Path=/v1/; Secure" },
	{ "/v1/ { proxy http://@/api/ { set_header Host in; } }", "/v1/x",
	    "/api/x", "Location", "http://in/api/y", "/v1/y" },
};

START_TEST(leads_back)
{
	struct client *c, *o;
	struct daemon *d;
	struct reply *r;
	const char *head;

	origin_start(&origin);
	d = daemon_start(scratch_printf(
	    "workers 1; server { route %s }", with_origin(mapped[_i].route)));
	c = daemon_connect(d);
	client_puts(c,
	    scratch_printf(
		"GET %s HTTP/1.1\r\nHost: h\r\n\r\n", mapped[_i].target));
	o = origin_accept(&origin);
	head = origin_read(o);
	ck_assert_msg(
	    strncmp(head + 4, mapped[_i].asked, strlen(mapped[_i].asked)) == 0,
	    "%s", head);
	client_puts(o,
	    scratch_printf("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
			   "%s: %s\r\n\r\n",
		mapped[_i].field, with_origin(mapped[_i].said)));
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, 302);
	reply_wants(r, mapped[_i].field, mapped[_i].read);
	daemon_stop(d);
}
END_TEST

/* A section, and what of it goes on, in both directions. */
static const struct {
	const char *conf, *came, *goes;
} trailers[] = {
	{ "", "", "" },
	{ "", "X-Sum: 1\r\n", "X-Sum: 1\r\n" },
	{ "", "X-Sum:1 \r\nX-Sum: 2\r\nDigest: sha-256=x\r\n",
	    "X-Sum:1 \r\nX-Sum: 2\r\nDigest: sha-256=x\r\n" },
	{ "", "Host: a\r\nX-Sum: 1\r\nAuthorization: b\r\n", "X-Sum: 1\r\n" },
	{ "", "Set-Cookie: a=b\r\nX-Mine: 1\r\ncontent-type: c\r\n", "" },
	{ "set_header X-A ''; hide_header X-A;", "X-A: 1\r\nX-B: 2\r\n",
	    "X-B: 2\r\n" },
};

#define CHUNKS "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n"

START_TEST(trailers_of_answers)
{
	struct daemon *d = start(trailers[_i].conf, "");
	struct client *c = daemon_connect(d), *o;
	const char *answer, *came;
	size_t n;

	client_puts(
	    c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	o = origin_accept(&origin);
	origin_read(o);
	answer = scratch_printf("HTTP/1.1 200 OK\r\n" CHUNKS
				"Connection: X-Mine\r\n\r\n"
				"3\r\nabc\r\n0\r\n%s\r\n",
	    trailers[_i].came);
	for (const char *p = answer; *p != '\0'; p++)
		ck_assert(client_send(o, p, 1));
	came = client_peek_all(c, &n);
	ck_assert_ptr_ne(memmem(came, n, "\r\nTrailer: X-Sum\r\n", 18), NULL);
	answer = scratch_printf("\r\n0\r\n%s\r\n", trailers[_i].goes);
	ck_assert_msg(
	    memcmp(came + n - strlen(answer), answer, strlen(answer)) == 0,
	    "%.*s", (int)n, came);
	daemon_stop(d);
}
END_TEST

START_TEST(trailers_not_for_old_clients)
{
	struct daemon *d = start("", "");
	struct client *c = daemon_connect(d), *o;
	struct reply *r;

	client_puts(c, "GET / HTTP/1.0\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o,
	    "HTTP/1.1 200 OK\r\n" CHUNKS "\r\n"
	    "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n");
	r = client_read(c, "GET");
	reply_wants_text(r, "abc");
	ck_assert_uint_eq(r->trailers, 0);
	reply_wants(r, "Trailer", NULL);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

START_TEST(trailers_of_requests)
{
	struct daemon *d = start(trailers[_i].conf, "");
	struct client *c = daemon_connect(d), *o;
	const char *want =
	    scratch_printf("3\r\nabc\r\n0\r\n%s\r\n", trailers[_i].goes);

	client_puts(c,
	    scratch_printf("POST / HTTP/1.1\r\nHost: h\r\n" CHUNKS
			   "Connection: X-Mine\r\n\r\n"
			   "3\r\nabc\r\n0\r\n%s\r\n",
		trailers[_i].came));
	o = origin_accept(&origin);
	ck_assert_ptr_ne(
	    strstr(origin_read(o), "\r\nTrailer: X-Sum\r\n"), NULL);
	expect_bytes(o, want);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "POST"), "ok");
	/* and the connection still knows where messages begin */
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\nTrailer: x\r\n\r\n");
	ck_assert_ptr_eq(strstr(origin_read(o), "Trailer"), NULL);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/* As much as a section may have, behind much content, both ways. */
START_TEST(large_trailers)
{
	enum { BYTES = 16000, CONTENT = 300000 };
	struct daemon *d = start("", "max_body_size 1m;");
	struct client *c = daemon_connect(d), *o;
	const char *end, *came;
	size_t n, want;

	end = scratch_printf("\r\n0\r\nX-Long: %0*d\r\nX: 1\r\n\r\n", BYTES, 7);
	want = strlen(end);
	client_puts(c,
	    scratch_printf("PUT / HTTP/1.1\r\nHost: h\r\n" CHUNKS
			   "Connection: close\r\n\r\n%x\r\n%0*d%s",
		CONTENT, CONTENT, 1, end));
	o = origin_accept(&origin);
	origin_read(o);
	n = CONTENT;
	while (memcmp(client_peek(o, n + want) + n, end, want) != 0)
		n++; /* the frames of chunks are between */
	client_skip(o, n + want);
	ck_assert_uint_eq(client_waiting(o), 0);
	client_puts(o,
	    scratch_printf("HTTP/1.1 200 OK\r\n" CHUNKS "\r\n%x\r\n%0*d%s",
		CONTENT, CONTENT, 1, end));
	came = client_peek_all(c, &n);
	ck_assert_uint_gt(n, CONTENT + want);
	ck_assert_int_eq(memcmp(came + n - want, end, want), 0);
	daemon_stop(d);
}
END_TEST

/* More than sockets and memory have for it, and no two blocks of it alike. */
enum { LARGE = 24 * 1024 * 1024 };

static char *
large_content(void)
{
	char *content = malloc(LARGE);

	ck_assert_ptr_ne(content, NULL);
	for (size_t i = 0; i < LARGE; i++)
		content[i] = (char)('a' + i % 23 + (i >> 16) % 3);
	return content;
}

/* 0: a length, 1: one chunk, 2: to the end. */
static void
give_head(struct client *o, int framing)
{
	origin_answer(o,
	    framing == 0
		? scratch_printf(
		      "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE)
		: framing == 1
		? scratch_printf("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
				 "chunked\r\n\r\n%x\r\n",
		      LARGE)
		: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

/* A client that takes nothing keeps no server; it gets all of it in the end. */
START_TEST(buffered)
{
	struct daemon *d = start("buffering on;", "");
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 65536);
	struct client *o;
	char *content = large_content();
	struct reply *r;

	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	give_head(o, _i);
	ck_assert(client_send(o, content, LARGE));
	if (_i == 1)
		client_puts(o, "\r\n0\r\nX-Sum: 1\r\n\r\n");
	/* its connection is free again, so its end is seen */
	client_finish_sending(o);
	client_expect_end(o);
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, 200);
	ck_assert_uint_eq(r->trailers, _i == 1);
	reply_wants_content(r, content, LARGE);
	free(content);
	daemon_stop(d);
}
END_TEST

/* What came before it broke off is given, and then the cut. */
START_TEST(buffered_and_cut)
{
	struct daemon *d = start("buffering on;", "");
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 65536), *o;
	char *content = large_content();
	const char *got;
	size_t n;

	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	give_head(o, _i);
	ck_assert(client_send(o, content, LARGE - 1));
	client_close(o);
	got = client_peek_all(c, &n);
	if (_i == 0) {
		ck_assert_uint_gt(n, LARGE - 1);
		ck_assert_int_eq(
		    memcmp(got + n - (LARGE - 1), content, LARGE - 1), 0);
	}
	ck_assert_ptr_eq(memmem(got, n, "\r\n0\r\n", 5), NULL);
	ck_assert_ptr_ne(strstr(daemon_stderr(d), "amid its answer"), NULL);
	free(content);
	daemon_stop(d);
}
END_TEST

/* Who leaves takes what was kept for him along, also what threads hold. */
START_TEST(buffered_for_nobody)
{
	enum { CLIENTS = 4 };
	struct daemon *d = start("buffering on;", "");
	char *content = large_content();
	struct client *c, *o;

	for (int i = 0; i < CLIENTS; i++) {
		c = client_tcp_narrow("127.0.0.1", d->port, 65536);
		client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
		o = origin_accept(&origin);
		give_head(o, 0);
		client_push(o, content, LARGE - 1, 20);
		client_reset(c);
		client_expect_end(o);
		client_close(o);
	}
	free(content);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(proxy_messages)
{
	TCase *tc = bt_system_case(s, "interim");

	tcase_add_test(tc, hints_come_at_once);
	tcase_add_test(tc, hints_without_end);
	tcase_add_test(tc, hints_in_a_pipeline);
	tcase_add_test(tc, hints_not_for_old_clients);
	tcase_add_test(tc, continue_once);
	tcase_add_test(tc, hint_and_then_nothing);
	tc = bt_system_case(s, "fields");
	tcase_add_loop_test(tc, fields_of_requests, 0, BT_ROWS(set));
	tcase_add_loop_test(tc, fields_of_answers, 0, BT_ROWS(answers));
	tc = bt_system_case(s, "leading back");
	tcase_add_loop_test(tc, leads_back, 0, BT_ROWS(mapped));
	tc = bt_system_case(s, "trailers");
	tcase_add_loop_test(tc, trailers_of_answers, 0, BT_ROWS(trailers));
	tcase_add_test(tc, trailers_not_for_old_clients);
	tcase_add_loop_test(tc, trailers_of_requests, 0, BT_ROWS(trailers));
	tcase_add_test(tc, large_trailers);
	tc = bt_system_case(s, "buffering");
	tcase_add_loop_test(tc, buffered, 0, 3);
	tcase_add_loop_test(tc, buffered_and_cut, 0, 2);
	tcase_add_test(tc, buffered_for_nobody);
}
