/*
 * Servers that answer wrongly, slowly, or not to the end.  The client gets 502
 * or 504 where nothing of the answer was sent on, else a cut answer and never a
 * complete one; the log says what the server did; and no byte of such an answer
 * reaches anybody else.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define MINE "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
/* What is not idempotent is never repeated: the first failure is the last. */
#define POST "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"

/* With bytes that C's strings end at. */
#define BYTES(s) (s), sizeof(s) - 1

static struct origin origin;

/* One worker, and / goes to the origin; `block` may be a whole one. */
static struct daemon *
start(const char *block)
{
	origin_start(&origin);
	return daemon_start(
	    scratch_printf("workers 1;\n"
			   "server {\n"
			   "    route / { proxy http://127.0.0.1:%u%s }\n"
			   "}\n",
		origin.port, block[0] ? block : ";"));
}

/* Asks, and returns the connection on which the origin has the request. */
static struct client *
ask(struct client *c, const char *request)
{
	struct client *o;

	client_puts(c, request);
	o = origin_accept(&origin);
	origin_read(o);
	if (request[0] == 'P')
		client_skip(o, 1);
	return o;
}

static void
wants_log(struct daemon *d, const char *text)
{
	const char *log = daemon_stderr(d);

	ck_assert_msg(
	    strstr(log, text) != NULL, "not in the log: %s\n%s", text, log);
}

/* Whoever asks next gets his own answer, on a connection of its own. */
static void
wants_next_to_be_clean(struct daemon *d)
{
	struct client *c = daemon_connect(d);

	client_puts(ask(c, GET), MINE);
	reply_wants_text(client_read(c, "GET"), "mine");
	ck_assert_uint_eq(client_waiting(c), 0);
}

/*
 * No answers.  They are refused when they have come so far; only those with
 * `end` need the origin to stop sending.
 */
static const struct {
	const char *bytes;
	size_t n;
	const char *log;
	bool end;
} refused[] = {
	/* other protocols, and other times */
	{ BYTES("SSH-2.0-OpenSSH_9.2\r\n"), "not an HTTP/1 head", false },
	{ BYTES("\x15\x03\x03\x00\x02\x02\x46"), "not an HTTP/1 head", false },
	{ BYTES("<html>hello</html>\r\n"), "not an HTTP/1 head", false },
	{ BYTES("<html>hello</html>"), "closed amid the head", true },
	{ BYTES("HTTP/2.0 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/0.9 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.2 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.12 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/11 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("http/1.1 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("ICY 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), "not an HTTP/1 head",
	    false },
	/* the status line */
	{ BYTES("Content-Length: 0\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("\r\nHTTP/1.1 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES(" HTTP/1.1 200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 000 OK\r\n\r\n"), "refused", false },
	{ BYTES("HTTP/1.1 099 OK\r\n\r\n"), "refused", false },
	{ BYTES("HTTP/1.1 600 OK\r\n\r\n"), "a status that is none", false },
	{ BYTES("HTTP/1.1 999 OK\r\n\r\n"), "a status that is none", false },
	{ BYTES("HTTP/1.1 20 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 2000 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 -20 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 2x0 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1  200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1\t200 OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 200OK\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1\r\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 200 O\0K\r\n\r\n"), "not an HTTP/1 head", false },
	/* lines */
	{ BYTES("HTTP/1.1 200 OK\n\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 200 OK\r\n\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 200 OK\r\nA: b\n\r\n"), "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n"), "not an HTTP/1 head",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), "not an HTTP/1 head",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n"), "not an HTTP/1 head",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\n A: b\r\n\r\n"), "not an HTTP/1 head",
	    false },
	/* fields */
	{ BYTES("HTTP/1.1 200 OK\r\n: b\r\n\r\n"), "not an HTTP/1 head",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nA\r\n\r\n"), "refused", false },
	{ BYTES("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"), "refused", false },
	{ BYTES("HTTP/1.1 200 OK\r\nA B: c\r\n\r\n"), "refused", false },
	{ BYTES("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"), "not an HTTP/1 head",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n"), "not an HTTP/1 head",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n"), "not an HTTP/1 head",
	    false },
	/* lengths */
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "refused",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx"), "refused",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx"), "refused",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\nx"), "refused",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx"), "refused",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: 1.0\r\n\r\nx"), "refused",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n"), "refused",
	    false },
	{ BYTES("HTTP/1.1 200 OK\r\n"
		"Content-Length: 18446744073709551616\r\n\r\n"),
	    "refused", false },
	{ BYTES("HTTP/1.1 200 OK\r\n"
		"Content-Length: 99999999999999999999\r\n\r\n"),
	    "refused", false },
	{ BYTES("HTTP/1.1 200 OK\r\n"
		"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
	    "refused", false },
	{ BYTES("HTTP/1.1 200 OK\r\n"
		"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
	    "refused", false },
	/* codings */
	{ BYTES("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	    "refused", false },
	{ BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"Content-Length: 1\r\n\r\n0\r\n\r\n"),
	    "refused", false },
	{ BYTES("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    "Transfer-Encoding in HTTP/1.0", false },
	{ BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
	    "a Transfer-Encoding other than chunked", false },
	{ BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
	    "a Transfer-Encoding other than chunked", false },
	{ BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"),
	    "a Transfer-Encoding other than chunked", false },
	{ BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n"),
	    "a Transfer-Encoding other than chunked", false },
	{ BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"),
	    "a Transfer-Encoding other than chunked", false },
	{ BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	    "a Transfer-Encoding other than chunked", false },
	/* behind an answer that is only the first of them */
	{ BYTES("HTTP/1.1 100 Continue\r\n\r\nnonsense\r\n"),
	    "not an HTTP/1 head", false },
	{ BYTES("HTTP/1.1 100 Continue\r\n\r\n"), "closed before it answered",
	    true },
	{ BYTES(""), "closed before it answered", true },
};

START_TEST(no_answer)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;

	client_set_context(refused[_i].bytes);
	o = ask(c, POST);
	ck_assert(client_send(o, refused[_i].bytes, refused[_i].n));
	if (refused[_i].end)
		client_finish_sending(o);
	ck_assert_uint_eq(client_read(c, "POST")->status, 502);
	wants_log(d, refused[_i].log);
	client_expect_end(o);
	ck_assert(!origin_is_called(&origin));
	wants_next_to_be_clean(d);
	daemon_stop(d);
}
END_TEST

/* Heads that are longer than we want to keep. */
static const struct {
	const char *before, *piece;
	unsigned times;
	const char *log;
} oversized[] = {
	{ "HTTP/1.1 200 ", "reason ", 10000, "its head is too long" },
	{ "HTTP/1.1 200 OK\r\nA: ", "value ", 10000, "its head is too long" },
	{ "HTTP/1.1 200 OK\r\n", "A: b\r\n", 10000, "its head is too long" },
	{ "HTTP/1.1 200 OK\r\nA", "name", 10000, "its head is too long" },
	{ "HTTP/1.1 200 OK\r\n", "A:b\r\n", 300, "too many fields" },
};

START_TEST(too_much_of_a_head)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;
	char *piece = NULL;
	size_t n = strlen(oversized[_i].piece);

	client_set_context(oversized[_i].log);
	o = ask(c, POST);
	client_puts(o, oversized[_i].before);
	piece = calloc(oversized[_i].times, n);
	ck_assert_ptr_ne(piece, NULL);
	for (unsigned i = 0; i < oversized[_i].times; i++)
		memcpy(piece + i * n, oversized[_i].piece, n);
	/* all of it may not be taken any more */
	client_send(o, piece, oversized[_i].times * n);
	client_send(o, "\r\n\r\n", 4);
	free(piece);
	ck_assert_uint_eq(client_read(c, "POST")->status, 502);
	wants_log(d, oversized[_i].log);
	client_expect_end(o);
	wants_next_to_be_clean(d);
	daemon_stop(d);
}
END_TEST

/* Chunks that are none, behind a good one which the client has already. */
static const struct {
	const char *bytes;
	size_t n;
} chunks[] = {
	{ BYTES("x\r\n") },
	{ BYTES("\r\n") },
	{ BYTES("-1\r\n") },
	{ BYTES("+1\r\nx\r\n") },
	{ BYTES("0x1\r\nx\r\n") },
	{ BYTES(" 1\r\nx\r\n") },
	{ BYTES("1\nx\r\n") },
	{ BYTES("1\rx\r\n") },
	{ BYTES("1\r\nxy\r\n") },
	{ BYTES("1\r\nx\n") },
	{ BYTES("1\r\nx\r1") },
	{ BYTES("1 1\r\nx\r\n") },
	{ BYTES("1;a\0b\r\nx\r\n") },
	{ BYTES("1;a\nb\r\nx\r\n") },
	{ BYTES("fffffffffffffffff\r\n") },
	{ BYTES("10000000000000000\r\n") },
	{ BYTES("0\r\nA\r\n\r\n") },
	{ BYTES("0\r\nA: b\n\r\n") },
	{ BYTES("0\r\nA: b\r\n c\r\n\r\n") },
	{ BYTES("0\r\nContent-Length: 1\r\n\r\n") },
	{ BYTES("0\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ BYTES("0\r\n\n") },
	{ BYTES("0\n\r\n") },
};

START_TEST(chunk_refused)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;
	const char *got;
	size_t n;

	client_set_context(chunks[_i].bytes);
	o = ask(c, GET);
	client_puts(o,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\ngood!\r\n");
	/* until the client has it */
	for (n = 1; memmem(client_peek(c, n), n, "good!\r\n", 7) == NULL; n++)
		;
	ck_assert(client_send(o, chunks[_i].bytes, chunks[_i].n));
	got = client_peek_all(c, &n);
	ck_assert_ptr_eq(memmem(got, n, "\r\n0\r\n", 5), NULL);
	ck_assert_ptr_ne(memmem(got, n, "good!\r\n", 7), NULL);
	wants_log(d, "the chunks of its answer are wrong");
	client_expect_end(o);
	ck_assert(!origin_is_called(&origin));
	wants_next_to_be_clean(d);
	daemon_stop(d);
}
END_TEST

/* Answers that end after each of their bytes, in order or by a reset. */
static const char *const whole[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	"3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n"
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
};

static size_t
head_bytes(const char *answer)
{
	const char *final = strstr(answer, "HTTP/1.1 200");

	return (size_t)(strstr(final, "\r\n\r\n") + 4 - answer);
}

static void
cut_at(struct daemon *d, const char *answer, size_t n, bool reset)
{
	struct client *c = daemon_connect(d), *o = ask(c, POST);
	size_t got_n;
	const char *got;

	client_set_context(scratch_printf(
	    "%s after %zu bytes of %s", reset ? "reset" : "closed", n, answer));
	ck_assert(client_send(o, answer, n));
	if (reset)
		client_reset(o);
	else
		client_close(o);
	if (n < head_bytes(answer)) {
		ck_assert_uint_eq(client_read(c, "POST")->status, 502);
	} else {
		got = client_peek_all(c, &got_n);
		ck_assert_ptr_eq(memmem(got, got_n, "\r\n0\r\n", 5), NULL);
		ck_assert(strstr(answer, "chunked") != NULL ||
		    memmem(got, got_n, "hello", 5) == NULL);
	}
	client_close(c);
	ck_assert(!origin_is_called(&origin));
}

START_TEST(ends_after_each_byte)
{
	const char *answer = whole[_i / 2];
	struct daemon *d = start("");

	for (size_t n = 0; n < strlen(answer); n++)
		cut_at(d, answer, n, _i % 2);
	wants_log(d, "closed amid the head of its answer");
	wants_log(d, "closed amid its answer");
	wants_next_to_be_clean(d);
	daemon_stop(d);
}
END_TEST

/* A length that is known is cut where it was, not filled up. */
START_TEST(close_amid_much)
{
	enum { SAID = 8 * 1024 * 1024, SENT = 3 * 1024 * 1024 };
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o = ask(c, GET);
	char *content = calloc(1, SENT);
	const char *got, *end;
	size_t n;

	ck_assert_ptr_ne(content, NULL);
	client_puts(o,
	    scratch_printf(
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SAID));
	/* both at once, as neither socket has room for all of it */
	for (size_t at = 0; at < SENT; at += SENT / 64) {
		ck_assert(client_send(o, content + at, SENT / 64));
		client_waiting(c);
	}
	client_close(o);
	got = client_peek_all(c, &n);
	end = memmem(got, n, "\r\n\r\n", 4);
	ck_assert_ptr_ne(end, NULL);
	ck_assert_uint_eq(n - (size_t)(end + 4 - got), SENT);
	wants_log(d, "closed amid its answer");
	free(content);
	daemon_stop(d);
}
END_TEST

/* Servers that fall silent: before the head, in it, and behind it. */
static const struct {
	const char *bytes;
	unsigned status; /* 0: a cut answer */
	const char *log;
} silent[] = {
	{ "", 504, "does not answer" },
	{ "HTTP/1.1 200 OK\r\nContent-Le", 504, "does not answer" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", 504, "does not answer" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 0,
	    "is silent amid its answer" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0,
	    "is silent amid its answer" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
	    0, "is silent amid its answer" },
	{ "HTTP/1.1 200 OK\r\n\r\nhel", 0, "is silent amid its answer" },
};

START_TEST(falls_silent)
{
	struct daemon *d = start(" { read_timeout 200ms; }");
	struct client *c = daemon_connect(d), *o;
	const char *got;
	size_t n;

	client_set_context(silent[_i].bytes);
	o = ask(c, GET);
	client_puts(o, silent[_i].bytes);
	if (silent[_i].status != 0) {
		ck_assert_uint_eq(
		    client_read(c, "GET")->status, silent[_i].status);
	} else {
		got = client_peek_all(c, &n);
		ck_assert_ptr_eq(memmem(got, n, "\r\n0\r\n", 5), NULL);
	}
	wants_log(d, silent[_i].log);
	client_expect_end(o);
	ck_assert(!origin_is_called(&origin)); /* what took it may be at it */
	daemon_stop(d);
}
END_TEST

/*
 * Bytes behind the answer: they are nobody's, and the connection is not kept,
 * so the next request does not get them as its answer.
 */
static const struct {
	const char *method, *answer, *content, *junk;
} followed[] = {
	{ "GET", OK, "ok", "x" },
	{ "GET", OK, "ok", "\r\n" },
	{ "GET", OK, "ok", OK },
	{ "GET",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nok\r\n0\r\n\r\n",
	    "ok", OK },
	{ "GET",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    "", "0\r\n\r\n" },
	{ "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", OK },
	{ "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", OK },
	{ "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", "",
	    "ok" },
	{ "GET",
	    "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "", "2\r\nok\r\n0\r\n\r\n" },
	{ "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "", "ok" },
	{ "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "",
	    "2\r\nok\r\n0\r\n\r\n" },
};

START_TEST(bytes_behind_the_answer)
{
	bool later = _i % 2;
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;
	struct reply *r;
	const char *method;

	_i /= 2;
	method = followed[_i].method;
	client_set_context(
	    scratch_printf("%s%s", followed[_i].answer, followed[_i].junk));
	o = ask(c, scratch_printf("%s / HTTP/1.1\r\nHost: h\r\n\r\n", method));
	client_puts(o,
	    scratch_printf(
		"%s%s", followed[_i].answer, later ? "" : followed[_i].junk));
	r = client_read(c, method);
	ck_assert_uint_eq(r->status, (unsigned)atoi(followed[_i].answer + 9));
	reply_wants_text(r, followed[_i].content);
	ck_assert_uint_eq(client_waiting(c), 0);
	if (later) /* when it is kept for the next one already */
		client_puts(o, followed[_i].junk);
	client_expect_end(o);
	client_puts(ask(c, GET), MINE);
	reply_wants_text(client_read(c, "GET"), "mine");
	ck_assert_uint_eq(client_waiting(c), 0);
	daemon_stop(d);
}
END_TEST

/*
 * What comes on a kept connection before a byte of the next request is out does
 * not answer that: many servers say 408 when they close one.
 */
START_TEST(answer_before_the_request)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o = ask(c, GET);
	struct reply *r;

	client_puts(o, OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	client_puts(c,
	    "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
	    "Expect: 100-continue\r\n\r\n");
	client_peek(c, 1); /* asked for: the connection is its own now */
	client_puts(o,
	    "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n");
	client_expect_end(o);
	client_puts(c, "x");
	o = origin_accept(&origin);
	origin_read(o);
	client_skip(o, 1);
	client_puts(o, MINE);
	r = client_read(c, "PUT");
	ck_assert_uint_eq(r->status, 200);
	reply_wants_text(r, "mine");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(proxy_bad)
{
	TCase *tc = bt_system_case(s, "heads");

	tcase_add_loop_test(tc, no_answer, 0, BT_ROWS(refused));
	tcase_add_loop_test(tc, too_much_of_a_head, 0, BT_ROWS(oversized));
	tc = bt_system_case(s, "content");
	tcase_add_loop_test(tc, chunk_refused, 0, BT_ROWS(chunks));
	tcase_add_test(tc, close_amid_much);
	tcase_add_loop_test(
	    tc, bytes_behind_the_answer, 0, 2 * BT_ROWS(followed));
	tcase_add_test(tc, answer_before_the_request);
	tc = bt_system_case(s, "ends");
	tcase_add_loop_test(tc, ends_after_each_byte, 0, 2 * BT_ROWS(whole));
	tcase_add_loop_test(tc, falls_silent, 0, BT_ROWS(silent));
}
