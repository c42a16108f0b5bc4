/*
 * `echo` streams: what comes in goes out while it comes, in bounded memory.
 */

#include "tests/system/system.h"

#include <string.h>

#define SERVER "server { max_body_size 1g; route / { echo; } }\n"

static const char *const methods[] = { "GET", "POST", "PUT", "DELETE", "PATCH",
	"OPTIONS", "PROPFIND", "PURGE" };

enum { LENGTH, CHUNKED, NONE, FORMS };

/* Every method, in each form of content. */
START_TEST(every_method)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < BT_ROWS(methods); i++) {
		static const char *const forms[FORMS] = {
			[LENGTH] = "Content-Length: 5\r\n\r\nhello",
			[CHUNKED] = ("Transfer-Encoding: chunked\r\n\r\n"
				     "5\r\nhello\r\n0\r\n\r\n"),
			[NONE] = "\r\n"
		};
		struct reply *r;

		client_set_context(methods[i]);
		r = client_expect(c,
		    scratch_printf("%s /x HTTP/1.1\r\nHost: t\r\n"
				   "Content-Type: text/x-test\r\n%s",
			methods[i], forms[_i]),
		    200);
		reply_wants_text(r, _i == NONE ? "" : "hello");
		if (_i != NONE)
			reply_wants(r, "Content-Type", "text/x-test");
		if (_i == LENGTH)
			reply_wants(r, "Content-Length", "5");
		if (_i == CHUNKED)
			ck_assert(r->chunked);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(head)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	client_expect(c,
	    "HEAD / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
	    200);
	reply_wants_text(
	    client_expect(c,
		"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nhi",
		200),
	    "hi");
	daemon_stop(d);
}
END_TEST

START_TEST(http_1_0)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_expect(c,
	    "POST / HTTP/1.0\r\nContent-Length: 5\r\n"
	    "Connection: keep-alive\r\n\r\nhello",
	    200);

	ck_assert(!r->chunked);
	reply_wants_text(r, "hello");
	r = client_expect(
	    c, "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", 200);
	reply_wants_text(r, "hello");
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

/* It does not wait for the end: what has come goes out. */
START_TEST(while_it_comes)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *text;

	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n01234");
	/* an answer that ends in the five bytes */
	for (size_t n = 1; (text = client_peek(c, n)),
		    n < 9 || memcmp(text + n - 5, "01234", 5) != 0;
	     n++)
		;
	client_puts(c, "56789");
	reply_wants_text(client_read(c, "POST"), "0123456789");
	daemon_stop(d);
}
END_TEST

/* 20 MB in and out at once. */
START_TEST(large)
{
	enum { N = 20 * 1024 * 1024, PIECE = 300000 };
	char *noise = scratch_alloc(N);
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	scratch_noise(noise, N, 1);
	if (_i == LENGTH) {
		client_puts(c,
		    scratch_printf("POST / HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: %d\r\n\r\n",
			(int)N));
		ck_assert(client_send(c, noise, N));
	} else {
		client_puts(c,
		    "POST / HTTP/1.1\r\nHost: t\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n");
		for (size_t at = 0; at < N; at += PIECE) {
			size_t n = N - at < PIECE ? N - at : PIECE;

			client_puts(c, scratch_printf("%zx\r\n", n));
			ck_assert(client_send(c, noise + at, n));
			client_puts(c, "\r\n");
		}
		client_puts(c, "0\r\n\r\n");
	}
	reply_wants_content(client_read(c, "POST"), noise, N);
	client_expect(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

/*
 * Ten clients send 32 MB each and read nothing: at some point the server takes
 * no more, and it has not taken the difference into its memory.
 */
START_TEST(client_that_does_not_read)
{
	enum { N = 32 * 1024 * 1024, CLIENTS = 10, BOUND_KB = 8 * 1024 };
	char *noise = scratch_alloc(N);
	struct daemon *d = daemon_start("workers 1;\n" SERVER);
	struct client *c[CLIENTS];
	size_t sent[CLIENTS];
	pid_t worker[PROC_CHILDREN_MAX];
	long before;

	scratch_noise(noise, N, 2);
	client_expect(
	    daemon_connect(d), "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	before = proc_memory_kb(worker[0]);
	for (int i = 0; i < CLIENTS; i++) {
		c[i] = client_tcp_narrow("127.0.0.1", d->port, 64 * 1024);
		client_puts(c[i],
		    scratch_printf("POST / HTTP/1.1\r\nHost: "
				   "t\r\nContent-Length: %d\r\n\r\n",
			(int)N));
		sent[i] = client_push(c[i], noise, N, 200);
		ck_assert_msg(sent[i] < N, "the server took all of it");
	}
	if (!wait_is_sanitized()) /* whose memory is not that of the program */
		ck_assert_int_lt(proc_memory_kb(worker[0]) - before, BOUND_KB);
	/* and now they read: nothing was lost */
	for (int i = 0; i < CLIENTS; i += 3) {
		ck_assert(client_send(c[i], noise + sent[i], N - sent[i]));
		reply_wants_content(client_read(c[i], "POST"), noise, N);
		client_close(c[i]);
	}
	daemon_stop(d);
}
END_TEST

/* A client that goes away in the middle takes nobody along. */
START_TEST(client_that_leaves)
{
	struct daemon *d = daemon_start("workers 1;\n" SERVER);
	char piece[60000] = "";

	for (int i = 0; i < 20; i++) {
		struct client *c = daemon_connect(d);

		client_puts(c,
		    "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n"
		    "\r\n");
		client_send(c, piece, sizeof(piece));
		if (i % 2)
			client_reset(c);
		else
			client_close(c);
	}
	client_expect(
	    daemon_connect(d), "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

/* Pipelined: the second request waits for the first one's content. */
START_TEST(pipelined)
{
	enum { N = 200, BODY = 3000 };
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	char *body = scratch_alloc(BODY);

	for (int i = 0; i < N; i++) {
		scratch_noise(body, BODY, (unsigned)i);
		client_puts(c,
		    scratch_printf("POST / HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: %d\r\n\r\n",
			(int)BODY));
		ck_assert(client_send(c, body, BODY));
	}
	for (int i = 0; i < N; i++) {
		scratch_noise(body, BODY, (unsigned)i);
		reply_wants_content(client_read(c, "POST"), body, BODY);
	}
	daemon_stop(d);
}
END_TEST

/* How a request whose head was good goes wrong. */
static const struct {
	const char *begin, *then; /* NULL: no more is sent */
} broken[] = {
	{ "Content-Length: 10\r\n\r\nabc", NULL },
	{ "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "no chunk" },
};

/*
 * An answer waits for a client that does not read, and what it sent behind its
 * request breaks off: it is sent all the same.  What fills the socket before is
 * the kernel's affair: some of these sizes do, to the byte.
 */
START_TEST(answer_before_a_broken_one)
{
	enum { STEP = 15000, FIRST = 5, N = 25 };
	const char *zeros = scratch_printf("%0*d", STEP * N, 0);
	char *routes = scratch_printf("%s", "");
	struct daemon *d;
	struct client *other;

	for (int i = FIRST; i < N; i++)
		routes = scratch_printf("%s route = /%d { return 200 %.*s; }\n",
		    routes, i, STEP * i, zeros);
	d = daemon_start(
	    scratch_printf("workers 1;\nserver { listen unix:@DIR@/s.sock;\n"
			   "route / { echo; }\n%s}\n" SERVER,
		routes));
	other = daemon_connect(d);
	for (int i = FIRST; i < N; i++) {
		struct client *c = client_unix(scratch_path("s.sock"));

		/* in one piece: behind an output nothing more is read */
		client_puts(c,
		    scratch_printf("GET /%d HTTP/1.1\r\nHost: t\r\n\r\n"
				   "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
				   "POST / HTTP/1.1\r\nHost: t\r\n%s",
			i, broken[_i].begin));
		/* the only worker has seen it when it answers this */
		client_get(other, "/", "");
		if (broken[_i].then != NULL)
			client_push(
			    c, broken[_i].then, strlen(broken[_i].then), 0);
		else
			client_finish_sending(c);
		client_get(other, "/", "");
		reply_wants_content(
		    client_read(c, "GET"), zeros, (size_t)(STEP * i));
		reply_wants_text(client_read(c, "GET"), "");
		client_close(c);
	}
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(echo)
{
	TCase *tc = bt_system_case(s, "echo");

	tcase_add_loop_test(tc, every_method, 0, FORMS);
	tcase_add_test(tc, head);
	tcase_add_test(tc, http_1_0);
	tcase_add_test(tc, while_it_comes);
	tcase_add_loop_test(tc, large, LENGTH, CHUNKED + 1);
	tcase_add_test(tc, client_that_does_not_read);
	tcase_add_test(tc, client_that_leaves);
	tc = bt_system_case(s, "pipelined");
	tcase_add_test(tc, pipelined);
	tcase_add_loop_test(tc, answer_before_a_broken_one, 0, BT_ROWS(broken));
}
