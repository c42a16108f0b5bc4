/*
 * The books: every step of the line is counted, and the sums agree.  (That the
 * text is in Prometheus' format is checked whenever a test reads it.)
 */

#include "tests/system/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define SERVER \
	"server { route = / { return 200 \"x\"; } route = /none { return " \
	"204; }" \
	" route = /moved { redirect 301 /; } route = /error { return 500; }" \
	" route = /metrics { metrics; } route = /status { status; } }\n"

enum { KEPT = 7, GONE = 30 };

/* The master counts what it has sent: it may be answered before. */
static bool
are_dealt(void *arg)
{
	return metrics_sum(daemon_metrics(arg), "baton_worker_dealt_total") ==
	    KEPT + GONE + 1;
}

START_TEST(ledger)
{
	struct daemon *d = daemon_start("workers 3;\n" SERVER);
	const struct metrics *m;
	struct metrics_ledger l;

	daemon_metrics(d);
	for (int i = 0; i < GONE; i++) {
		struct client *c = daemon_connect(d);

		client_expect(c, GET, 200);
		client_close(c);
	}
	daemon_check_ledger(d);
	for (int i = 0; i < KEPT; i++)
		client_expect(daemon_connect(d), GET, 200);
	wait_until(are_dealt, d, "all connections are counted as dealt");
	m = daemon_metrics(d);
	l = metrics_ledger(m);
	ck_assert_double_eq(l.accepted, KEPT + GONE + 1);
	ck_assert_double_eq(l.dealt, KEPT + GONE + 1);
	ck_assert_double_eq(l.taken, KEPT + GONE + 1);
	ck_assert_double_eq(l.open, KEPT + 1);
	ck_assert_double_eq(l.done, GONE);
	ck_assert_double_eq(l.held + l.refused + l.in_channel + l.lost +
		l.handed_back + l.crashed,
	    0);
	ck_assert_double_eq(
	    metrics_sum(m, "baton_worker_taken_total"), l.taken);
	ck_assert_double_eq(
	    metrics_sum(m, "baton_worker_dealt_total"), l.dealt);
	ck_assert_double_eq(metrics_sum(m, "baton_worker_done_total"), l.done);
	ck_assert_double_eq(
	    metrics_sum(m, "baton_worker_closed_total"), l.done);
	ck_assert_double_eq(metrics_sum(m, "baton_worker_started_total"), 3);
	daemon_stop(d);
}
END_TEST

static double
of_class(const struct metrics *m, const char *class)
{
	return metrics_where(
	    m, "baton_worker_responses_total", "status", class);
}

START_TEST(requests_and_responses)
{
	struct daemon *d = daemon_start("workers 1;\n" SERVER);
	struct client *c = daemon_connect(d);
	const struct metrics *before = daemon_metrics(d), *after;

	client_expect(c, GET, 200);
	client_get(c, "/none", "");
	client_get(c, "/moved", "");
	client_get(c, "/moved", "");
	client_get(c, "/missing", "");
	client_get(c, "/error", "");
	after = daemon_metrics(d);
#define GREW(name) (metrics_sum(after, name) - metrics_sum(before, name))
	ck_assert_double_eq(GREW("baton_worker_requests_total"), 6 + 1);
	ck_assert_double_eq(
	    of_class(after, "3xx") - of_class(before, "3xx"), 2);
	ck_assert_double_eq(
	    of_class(after, "4xx") - of_class(before, "4xx"), 1);
	ck_assert_double_eq(
	    of_class(after, "5xx") - of_class(before, "5xx"), 1);
	ck_assert_double_ge(
	    of_class(after, "2xx") - of_class(before, "2xx"), 2);
	ck_assert_double_gt(GREW("baton_worker_received_bytes_total"), 6 * 30);
	ck_assert_double_gt(GREW("baton_worker_sent_bytes_total"), 6 * 30);
#undef GREW
	daemon_stop(d);
}
END_TEST

/* Every byte of a reply is counted. */
START_TEST(bytes)
{
	struct daemon *d = daemon_start("workers 1;\n" SERVER);
	struct client *c = daemon_connect(d);
	size_t in = 0, out = 0;
	double before_in, before_out;
	const struct metrics *m;

	client_expect(c, GET, 200);
	/* the metrics' own bytes: two answers differ in digits, not in lines */
	m = metrics_parse(
	    client_expect(c, "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n", 200)
		->content);
	out += client_expect(c, "HEAD /none HTTP/1.1\r\nHost: t\r\n\r\n", 204)
		   ->bytes;
	before_in = metrics_sum(m, "baton_worker_received_bytes_total");
	before_out = metrics_sum(m, "baton_worker_sent_bytes_total");
	in += strlen("HEAD /none HTTP/1.1\r\nHost: t\r\n\r\n");
	for (int i = 0; i < 10; i++) {
		out += client_expect(c, GET, 200)->bytes;
		in += strlen(GET);
	}
	in += strlen("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n");
	m = metrics_parse(
	    client_expect(c, "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n", 200)
		->content);
	ck_assert_double_eq(
	    metrics_sum(m, "baton_worker_received_bytes_total") - before_in,
	    (double)in);
	ck_assert_double_ge(
	    metrics_sum(m, "baton_worker_sent_bytes_total") - before_out,
	    (double)out);
	daemon_stop(d);
}
END_TEST

START_TEST(methods_and_status_page)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, "/metrics", "");

	ck_assert_uint_eq(r->status, 200);
	ck_assert_int_eq(strncmp(reply_field(r, "Content-Type"),
			     "text/plain; version=0.0.4", 25),
	    0);
	client_expect(c, "HEAD /metrics HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	client_expect(c,
	    "POST /metrics HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n",
	    405);
	r = client_get(c, "/status", "");
	ck_assert_uint_eq(r->status, 200);
	ck_assert_ptr_nonnull(strstr(r->content, "baton " BT_VERSION));
	daemon_stop(d);
}
END_TEST

static double
counted(const struct metrics *m, const char *what)
{
	return metrics_sum(m, scratch_printf("baton_%s_seconds_count", what));
}

/* The buckets only grow, up to the count. */
static void
expect_buckets(const struct metrics *m, const char *what)
{
	const char *name = scratch_printf("baton_%s_seconds_bucket", what);
	double before = 0;

	for (uint64_t us = 16; us <= 67108864; us *= 2) {
		double n = metrics_where(m, name, "le",
		    scratch_printf("%u.%06u", (unsigned)(us / 1000000),
			(unsigned)(us % 1000000)));

		ck_assert_double_ge(n, before);
		before = n;
	}
	ck_assert_double_ge(metrics_where(m, name, "le", "+Inf"), before);
	ck_assert_double_eq(
	    metrics_where(m, name, "le", "+Inf"), counted(m, what));
	ck_assert_double_ge(
	    metrics_sum(m, scratch_printf("baton_%s_seconds_sum", what)), 0);
}

/* Every connection has a time in the queue, every answer its two. */
START_TEST(times)
{
	enum { CONNECTIONS = 5, PIPELINED = 16 };
	struct daemon *d = daemon_start("workers 2;\n" SERVER);
	const struct metrics *before = daemon_metrics(d), *after;
	const char *batch = "";

	for (int i = 0; i < PIPELINED; i++)
		batch = scratch_printf("%s%s", batch, GET);
	for (int i = 0; i < CONNECTIONS; i++) {
		struct client *c = daemon_connect(d);

		client_puts(c, batch);
		for (int k = 0; k < PIPELINED; k++)
			ck_assert_uint_eq(client_read(c, "GET")->status, 200);
		client_expect(c, "HEAD / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
		client_expect(c, "NONSENSE\r\n\r\n", 400);
		client_close(c);
	}
	after = daemon_metrics(d);
#define GREW(what) (counted(after, what) - counted(before, what))
	/* and the answer that was `before` */
	ck_assert_double_eq(GREW("connection_queue"), CONNECTIONS);
	ck_assert_double_eq(
	    GREW("request_first_byte"), CONNECTIONS * (PIPELINED + 2) + 1);
	ck_assert_double_eq(
	    GREW("request_duration"), CONNECTIONS * (PIPELINED + 2) + 1);
#undef GREW
	expect_buckets(after, "connection_queue");
	expect_buckets(after, "request_first_byte");
	expect_buckets(after, "request_duration");
	daemon_stop(d);
}
END_TEST

/* A connection that moves has waited once, and the counts go on. */
START_TEST(times_over_a_reload)
{
	/* one: an answer is counted when it is sent, which others see later */
	struct daemon *d = daemon_start("workers 1;\n" SERVER);
	struct client *c = daemon_connect(d);
	const struct metrics *before, *after;

	client_expect(c, GET, 200);
	before = daemon_metrics(d);
	daemon_reload(d);
	client_expect(c, GET, 200);
	after = daemon_metrics(d);
	ck_assert_double_eq(counted(after, "connection_queue"),
	    counted(before, "connection_queue"));
	ck_assert_double_eq(counted(after, "request_duration"),
	    counted(before, "request_duration") + 2);
	daemon_stop(d);
}
END_TEST

/* Prometheus' own opinion. */
START_TEST(promtool)
{
	struct daemon *d = daemon_start("workers 2;\n" SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;
	const char *path;

	client_expect(c, GET, 200);
	r = client_get(c, "/metrics", "");
	path = scratch_file("metrics", r->content, r->content_n);
	if (system("command -v promtool > /dev/null") != 0)
		fprintf(stderr, "skipped: there is no promtool\n");
	else
		ck_assert_msg(system(scratch_printf("promtool check metrics "
						    "< %s >&2",
				  path)) == 0,
		    "promtool has something to say");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(metrics)
{
	TCase *tc = bt_system_case(s, "metrics");

	tcase_add_test(tc, ledger);
	tcase_add_test(tc, requests_and_responses);
	tcase_add_test(tc, bytes);
	tcase_add_test(tc, methods_and_status_page);
	tcase_add_test(tc, times);
	tcase_add_test(tc, times_over_a_reload);
	tcase_add_test(tc, promtool);
}
