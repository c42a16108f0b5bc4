/*
 * Persistent connections: who keeps, who closes, and when; and the times that
 * a client has for each phase.
 */

#include "tests/system/system.h"

#include <poll.h>
#include <string.h>
#include <strings.h>

#define SERVER \
	"server { route = / { return 200 \"x\"; } route /echo { echo; } }\n"

static const struct {
	const char *label, *request;
	bool keeps;
} rows[] = {
	{ "1.1", "GET / HTTP/1.1\r\nHost: t\r\n\r\n", true },
	{ "1.1 close", "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
	    false },
	{ "1.1 CLOSE", "GET / HTTP/1.1\r\nHost: t\r\nConnection: CLOSE\r\n\r\n",
	    false },
	{ "1.1 close and HTAB",
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\t\r\n\r\n", false },
	{ "1.1 close, HTAB, comma",
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\t, x\r\n\r\n",
	    false },
	{ "1.1 list",
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: x, close\r\n\r\n",
	    false },
	{ "1.1 empty members",
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: ,,close,\r\n\r\n",
	    false },
	{ "1.1 two lines",
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: x\r\n"
	    "Connection: close\r\n\r\n",
	    false },
	{ "1.1 closed",
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: closed\r\n\r\n", true },
	{ "1.1 keep-alive and close",
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: keep-alive, "
	    "close\r\n\r\n",
	    false },
	{ "1.1 Proxy-Connection",
	    "GET / HTTP/1.1\r\nHost: t\r\nProxy-Connection: close\r\n\r\n",
	    true },
	{ "1.1 trailer",
	    "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\nConnection: close\r\n\r\n",
	    true },
	{ "1.1 HEAD", "HEAD / HTTP/1.1\r\nHost: t\r\n\r\n", true },
	{ "1.1 HEAD close",
	    "HEAD / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", false },
	{ "1.0", "GET / HTTP/1.0\r\n\r\n", false },
	{ "1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	    true },
	{ "1.0 keep-alive, close",
	    "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false },
	{ "1.0 one line each",
	    "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: "
	    "close\r\n\r\n",
	    false },
	{ "1.0 Proxy-Connection",
	    "GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", false },
	{ "1.0 keep-alive in a list",
	    "GET / HTTP/1.0\r\nConnection: x , keep-alive\r\n\r\n", true },
};

START_TEST(rules)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *connection;
	struct reply *r;

	client_set_context(rows[_i].label);
	r = client_expect(c, rows[_i].request, 200);
	ck_assert_msg(r->closes != rows[_i].keeps ||
		(strstr(rows[_i].request, "HTTP/1.0") && !rows[_i].keeps),
	    "%s: %s", rows[_i].label, r->head);
	connection = reply_field(r, "Connection");
	if (rows[_i].keeps && strstr(rows[_i].request, "HTTP/1.0") != NULL)
		ck_assert_msg(connection != NULL &&
			strcasecmp(connection, "keep-alive") == 0,
		    "a 1.0 client is not told: %s", r->head);
	if (rows[_i].keeps)
		client_expect(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	else
		client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

/* What is sent behind a close is not served. */
START_TEST(nothing_behind_a_close)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	client_puts(c,
	    "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
	    "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
	    "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	ck_assert(!client_read(c, "GET")->closes);
	ck_assert(client_read(c, "GET")->closes);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

START_TEST(keepalive_requests)
{
	struct daemon *d = daemon_start("keepalive_requests 3;\n" SERVER);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 5; i++)
		client_puts(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
	ck_assert(!client_read(c, "GET")->closes);
	ck_assert(!client_read(c, "GET")->closes);
	ck_assert(client_read(c, "GET")->closes);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

static double
closed_for(struct daemon *d, const char *reason)
{
	return metrics_where(
	    daemon_metrics(d), "baton_worker_closed_total", "reason", reason);
}

struct closes {
	struct daemon *daemon;
	const char *reason;
};

static bool
has_closed(void *arg)
{
	struct closes *c = arg;

	return closed_for(c->daemon, c->reason) >= 1;
}

static void
await_closed(struct daemon *d, const char *reason)
{
	struct closes c = { d, reason };

	wait_until(has_closed, &c, reason);
}

/* An idle connection ends without a byte, and the books know why. */
START_TEST(idle_for_too_long)
{
	struct daemon *d = daemon_start("keepalive_timeout 300ms;\n" SERVER);
	struct client *c = daemon_connect(d);

	client_expect(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	client_expect_eof(c);
	await_closed(d, "idle_timeout");
	daemon_stop(d);
}
END_TEST

/* A head has its time in all: a byte now and then does not prolong it. */
START_TEST(slow_head)
{
	struct daemon *d = daemon_start("header_timeout 500ms;\n" SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_puts(c, "GET / HTTP/1.1\r\nHost: t\r\nX: ");
	while (!wait_for(client_fd(c), POLLIN, wait_deadline_in(50)))
		client_send(c, "x", 1);
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, 408);
	ck_assert(r->closes);
	client_expect_end(c);
	client_close(c);
	await_closed(d, "header_timeout");
	daemon_stop(d);
}
END_TEST

/* Who never sends anything is closed as well, with or without a 408. */
START_TEST(silent)
{
	struct daemon *d = daemon_start("header_timeout 300ms;\n" SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_try_read(c, "GET");

	if (r != NULL)
		ck_assert_uint_eq(r->status, 408);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

START_TEST(slow_content)
{
	struct daemon *d = daemon_start("body_timeout 300ms;\n" SERVER);
	struct client *c = daemon_connect(d);
	size_t n;
	const char *text;

	client_puts(c,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "10\r\n\r\nfive!");
	/* the echo may have begun: then it is cut, else it is a 408 */
	text = client_peek_all(c, &n);
	ck_assert_uint_ge(n, 12);
	if (strncmp(text, "HTTP/1.1 200", 12) == 0)
		ck_assert_ptr_nonnull(memmem(text, n, "five!", 5));
	else
		ck_assert_int_eq(strncmp(text, "HTTP/1.1 408", 12), 0);
	client_skip(c, n);
	client_close(c);
	await_closed(d, "body_timeout");
	daemon_stop(d);
}
END_TEST

/* Who takes nothing of a large answer is not waited for. */
START_TEST(no_reader)
{
	enum { N = 16 * 1024 * 1024 };
	char *noise = scratch_alloc(N);
	struct daemon *d;
	struct client *c;

	scratch_noise(noise, N, 1);
	scratch_file("big", noise, N);
	d = daemon_start("send_timeout 300ms;\n"
			 "server { route / { root @DIR@; } }\n");
	c = client_tcp_narrow("127.0.0.1", d->port, 4096);
	client_puts(c, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
	await_closed(d, "send_timeout");
	daemon_stop(d);
}
END_TEST

/* Timeouts of others do not touch a connection that is at work. */
START_TEST(busy_among_the_idle)
{
	struct daemon *d = daemon_start("keepalive_timeout 400ms;\n" SERVER);
	struct client *idle = daemon_connect(d), *busy = daemon_connect(d);

	client_expect(busy, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	client_expect(idle, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	while (!wait_for(client_fd(idle), POLLIN, wait_deadline_in(20)))
		client_expect(busy, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	client_expect_eof(idle);
	client_expect(busy, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(keepalive)
{
	TCase *tc = bt_system_case(s, "rules");

	tcase_add_loop_test(tc, rules, 0, BT_ROWS(rows));
	tcase_add_test(tc, nothing_behind_a_close);
	tcase_add_test(tc, keepalive_requests);
	tc = bt_system_case(s, "timeouts");
	tcase_add_test(tc, idle_for_too_long);
	tcase_add_test(tc, slow_head);
	tcase_add_test(tc, silent);
	tcase_add_test(tc, slow_content);
	tcase_add_test(tc, no_reader);
	tcase_add_test(tc, busy_among_the_idle);
}
