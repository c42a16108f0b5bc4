/*
 * Requests on the wire: however they are cut or joined, they are the same
 * requests, answered in their order.
 *
 * Where a cut matters, the server has one worker, and a question on a second
 * connection, which the worker has already, stands between two writes: its loop
 * has read what came before.
 */

#include "tests/system/system.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SERVER \
	"workers 1;\n" \
	"server { route = /a { return 200 \"first\"; } " \
	"route = /b { return 200 \"second\"; } route /echo { echo; } }\n"

#define PING "GET /a HTTP/1.1\r\nHost: t\r\n\r\n"

struct part {
	const char *request, *method;
	unsigned status;
	const char *content;
};

static const struct part parts[] = {
	{ "GET /a HTTP/1.1\r\nHost: t\r\n\r\n", "GET", 200, "first" },
	{ "\r\nHEAD /b HTTP/1.1\r\nHost: t\r\nX-Long: a b  c\t\r\n\r\n", "HEAD",
	    200, "" },
	{ "POST /echo?x HTTP/1.1\r\nhOST:t\r\nContent-Length: 11\r\n\r\n"
	  "hello\r\n\r\nGE",
	    "POST", 200, "hello\r\n\r\nGE" },
	{ "PUT /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "4\r\nwiki\r\n00c;x=\"y\"\r\nhello world\n\r\n0\r\nX-T: v\r\n"
	  "Host: other\r\n\r\n",
	    "PUT", 200, "wikihello world\n" },
	{ "GET http://t/b?q HTTP/1.1\r\nHost: t\r\n\r\n", "GET", 200,
	    "second" },
	{ "GET /none HTTP/1.1\r\nHost: t\r\n\r\n", "GET", 404, NULL },
	{ "GET /b HTTP/1.1\r\nHost: t\r\n\r\n", "GET", 200, "second" },
};

static char *
all_parts(void)
{
	char *all = scratch_printf("%s", "");

	for (int i = 0; i < BT_ROWS(parts); i++)
		all = scratch_printf("%s%s", all, parts[i].request);
	return all;
}

static void
read_parts(struct client *c)
{
	for (int i = 0; i < BT_ROWS(parts); i++) {
		struct reply *r = client_read(c, parts[i].method);

		ck_assert_msg(r->status == parts[i].status,
		    "part %d: %u, not %u", i, r->status, parts[i].status);
		if (parts[i].content != NULL)
			reply_wants_text(r, parts[i].content);
	}
	ck_assert_uint_eq(client_waiting(c), 0);
}

START_TEST(one_write)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	client_puts(c, all_parts());
	read_parts(c);
	client_puts(c, all_parts());
	read_parts(c);
	daemon_stop(d);
}
END_TEST

/* A connection whose first bytes are all that it will ever send. */
START_TEST(one_write_and_finish)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	client_puts(c, all_parts());
	client_finish_sending(c);
	read_parts(c);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

START_TEST(cut_at_every_byte)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d), *ping = daemon_connect(d);
	const char *all = all_parts();
	size_t n = strlen(all);

	client_expect(c, PING, 200);
	client_expect(ping, PING, 200);
	for (size_t cut = 1; cut < n; cut++) {
		client_set_context(scratch_printf("cut at %zu", cut));
		ck_assert(client_send(c, all, cut));
		client_expect(ping, PING, 200);
		ck_assert(client_send(c, all + cut, n - cut));
		read_parts(c);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(byte_by_byte)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d), *ping = daemon_connect(d);
	const char *all = all_parts();

	client_expect(ping, PING, 200);
	for (size_t i = 0; all[i] != '\0'; i++) {
		ck_assert(client_send(c, all + i, 1));
		client_expect(ping, PING, 200);
	}
	read_parts(c);
	daemon_stop(d);
}
END_TEST

/* More answers than any buffer takes: the client sends all before it reads. */
START_TEST(deep_pipeline)
{
	enum { N = 20000 };
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	char *all = scratch_alloc(N * 64 + 1);
	size_t n = 0;

	for (int i = 0; i < N; i++)
		n += (size_t)sprintf(all + n,
		    "GET /%c HTTP/1.1\r\nHost: t\r\n\r\n", "ab"[i % 2]);
	ck_assert(client_send(c, all, n));
	for (int i = 0; i < N; i++)
		reply_wants_text(
		    client_read(c, "GET"), i % 2 ? "second" : "first");
	daemon_stop(d);
}
END_TEST

/*
 * Content that comes behind its head, where the head ends just at, before or
 * behind a round number of bytes: at the end of somebody's buffer, maybe.  The
 * worker sleeps until all has arrived, so that it reads as much as it can.
 */
START_TEST(head_ends_at_a_boundary)
{
	enum { BODY = 100000 };
	static const size_t boundaries[] = { 4096, 8192, 16384, 32768, 49152,
		65536 };
	static const char fill[] = "GET /a HTTP/1.1\r\nHost: t\r\nX: \r\n\r\n";
	char *body = scratch_alloc(BODY), *pad;
	struct daemon *d = daemon_start(SERVER);
	pid_t worker[PROC_CHILDREN_MAX];
	const char *head;

	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	scratch_noise(body, BODY, 1);
	head = scratch_printf("POST /echo HTTP/1.1\r\nHost: t\r\n"
			      "Content-Length: %d\r\n\r\n",
	    (int)BODY);
	for (int offset = -3; offset <= 3; offset++) {
		size_t left = boundaries[_i] + (size_t)offset - strlen(head);
		struct client *c = daemon_connect(d);
		int n = 0;

		client_set_context(
		    scratch_printf("%zu%+d", boundaries[_i], offset));
		kill(worker[0], SIGSTOP);
		for (; left > 0; n++) { /* one more must fit behind it */
			size_t size = left < 8192 ? left : 4096;

			pad = scratch_alloc(size);
			memset(pad, 'x', size - (sizeof(fill) - 1));
			client_puts(c,
			    scratch_printf("GET /a HTTP/1.1\r\nHost: t\r\n"
					   "X: %s\r\n\r\n",
				pad));
			left -= size;
		}
		client_puts(c, head);
		client_push(c, body, 1000, 0);
		kill(worker[0], SIGCONT);
		for (; n > 0; n--)
			reply_wants_text(client_read(c, "GET"), "first");
		ck_assert(client_send(c, body + 1000, BODY - 1000));
		reply_wants_content(client_read(c, "POST"), body, BODY);
		client_close(c);
	}
	daemon_stop(d);
}
END_TEST

/* A chunked body in chunks of every size, cut anywhere. */
START_TEST(chunks_of_all_sizes)
{
	enum { BYTES = 100000 };
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	char *noise = scratch_alloc(BYTES);
	size_t at = 0, size = 1;

	scratch_noise(noise, BYTES, 1);
	client_puts(c,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: Chunked\r\n"
	    "\r\n");
	while (at < BYTES) {
		size_t n = size < BYTES - at ? size : BYTES - at;

		client_puts(c, scratch_printf("%zX\r\n", n));
		ck_assert(client_send(c, noise + at, n));
		client_puts(c, "\r\n");
		at += n;
		size = size * 3 / 2 + 1;
	}
	client_puts(c, "0\r\n\r\n");
	reply_wants_content(client_read(c, "POST"), noise, BYTES);
	client_expect(c, PING, 200);
	daemon_stop(d);
}
END_TEST

/* Fields of the trailer change nothing: not this request, not the next. */
START_TEST(trailers_are_ignored)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	r = client_expect(c,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
	    "chunked\r\n\r\n"
	    "1\r\nx\r\n0\r\nConnection: close\r\nHost: other\r\n"
	    "Expect: nonsense\r\n\r\n",
	    200);
	reply_wants_text(r, "x");
	ck_assert(!r->closes);
	client_expect(c, PING, 200);
	daemon_stop(d);
}
END_TEST

/* A half-read request and then the end: nothing is answered for it. */
START_TEST(end_amid_a_request)
{
	static const char *const halves[] = {
		"GET /a HT", "GET /a HTTP/1.1\r\nHost: t\r\n",
		"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf"
	};
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	client_puts(c, PING);
	client_puts(c, halves[_i]);
	client_finish_sending(c);
	reply_wants_text(client_read(c, "GET"), "first");
	/* `return` needs no content: it may have answered the third one */
	if (_i == 2)
		client_try_read(c, "POST");
	client_expect_end(c);
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *label, *fields;
	bool asked; /* wants a 100 before the content */
} expects[] = {
	{ "plain", "HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n", true },
	{ "case", "HTTP/1.1\r\nHost: t\r\nExpect: 100-Continue\r\n", true },
	{ "1.0", "HTTP/1.0\r\nExpect: 100-continue\r\n", false },
	{ "none", "HTTP/1.1\r\nHost: t\r\n", false },
};

/* The 100 comes before the content is sent, and only when it was asked for. */
START_TEST(expect_continue)
{
	static const char wanted[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d), *ping = daemon_connect(d);
	struct reply *r;

	client_set_context(expects[_i].label);
	client_expect(ping, PING, 200);
	client_puts(c,
	    scratch_printf(
		"POST /echo %sContent-Length: 5\r\n\r\n", expects[_i].fields));
	if (expects[_i].asked)
		ck_assert_int_eq(memcmp(client_peek(c, sizeof(wanted) - 1),
				     wanted, sizeof(wanted) - 1),
		    0);
	client_expect(ping, PING, 200);
	if (!expects[_i].asked && client_waiting(c) > 0)
		ck_assert_int_ne(
		    strncmp(client_peek(c, 12), "HTTP/1.1 100", 12), 0);
	client_puts(c, "hello");
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 200);
	ck_assert_uint_eq(r->interim, expects[_i].asked);
	reply_wants_text(r, "hello");
	daemon_stop(d);
}
END_TEST

/* Chunked content may be asked for as well. */
START_TEST(expect_continue_chunked)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	client_puts(c,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	client_peek(c, 25);
	client_puts(c, "2\r\nhi\r\n0\r\n\r\n");
	reply_wants_text(client_read(c, "POST"), "hi");
	client_expect(c, PING, 200);
	daemon_stop(d);
}
END_TEST

/* Who is refused is not asked to go on. */
START_TEST(expect_continue_refused)
{
	struct daemon *d = daemon_start(SERVER "max_body_size 10;\n");
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_puts(c,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
	    "Content-Length: 11\r\n\r\n");
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 413);
	ck_assert_uint_eq(r->interim, 0);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(framing)
{
	TCase *tc = bt_system_case(s, "pipelining");

	tcase_add_test(tc, one_write);
	tcase_add_test(tc, one_write_and_finish);
	tcase_add_test(tc, cut_at_every_byte);
	tcase_add_test(tc, byte_by_byte);
	tcase_add_test(tc, deep_pipeline);
	tcase_add_loop_test(tc, end_amid_a_request, 0, 3);
	tc = bt_system_case(s, "content");
	tcase_add_loop_test(tc, head_ends_at_a_boundary, 0, 6);
	tcase_add_test(tc, chunks_of_all_sizes);
	tcase_add_test(tc, trailers_are_ignored);
	tcase_add_loop_test(tc, expect_continue, 0, BT_ROWS(expects));
	tcase_add_test(tc, expect_continue_chunked);
	tcase_add_test(tc, expect_continue_refused);
}
