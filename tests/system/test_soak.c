/*
 * A million requests leave memory and descriptors where they were.
 */

#include "tests/system/system.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SERVER \
	"access_log off; keepalive_requests 10000000;\n" \
	"server { route = / { return 200 \"hello, world\\n\"; } " \
	"route /files { root @DIR@; } route /echo { echo; } }\n"

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"

enum { WORKERS = 2, DEPTH = 64 };

static int
scaled(int n)
{
	return (int)(n / wait_factor());
}

struct state {
	size_t n;
	pid_t worker[PROC_CHILDREN_MAX];
	long memory_kb[PROC_CHILDREN_MAX];
	int descriptors[PROC_CHILDREN_MAX], master_descriptors;
	long master_kb;
};

static struct state
state_of(struct daemon *d)
{
	struct state s = { .n = daemon_workers(d, s.worker) };

	s.master_descriptors = proc_descriptors(d->pid);
	s.master_kb = proc_memory_kb(d->pid);
	for (size_t i = 0; i < s.n; i++) {
		s.memory_kb[i] = proc_memory_kb(s.worker[i]);
		s.descriptors[i] = proc_descriptors(s.worker[i]);
	}
	return s;
}

/* The clients of both moments are gone, or the same. */
static void
wants_same(const struct state *before, struct daemon *d, long bound_kb)
{
	struct state now;

	daemon_check_ledger(d);
	now = state_of(d);
	if (wait_is_sanitized()) /* whose quarantine only grows */
		bound_kb = 256 * 1024;
	ck_assert_uint_eq(now.n, before->n);
	ck_assert_int_eq(now.master_descriptors, before->master_descriptors);
	ck_assert_int_le(now.master_kb, before->master_kb + bound_kb);
	for (size_t i = 0; i < now.n; i++) {
		ck_assert_int_eq(now.worker[i], before->worker[i]);
		ck_assert_int_eq(now.descriptors[i], before->descriptors[i]);
		ck_assert_msg(
		    now.memory_kb[i] <= before->memory_kb[i] + bound_kb,
		    "worker %zu: %ld KiB, and then %ld", i,
		    before->memory_kb[i], now.memory_kb[i]);
	}
}

/* Batches of DEPTH requests; all answers have the same length. */
static void
pipeline(struct daemon *d, int clients, int batches)
{
	char *batch = scratch_alloc(DEPTH * sizeof(GET));
	struct client **c = scratch_alloc((size_t)clients * sizeof(*c));
	size_t n;

	for (int i = 0; i < DEPTH; i++)
		strcat(batch, GET);
	for (int i = 0; i < clients; i++)
		c[i] = daemon_connect(d);
	n = client_expect(c[0], GET, 200)->bytes;
	for (int b = 0; b < batches; b++) {
		for (int i = 0; i < clients; i++)
			client_puts(c[i], batch);
		for (int i = 0; i < clients; i++) {
			const char *answers = client_peek(c[i], DEPTH * n);

			for (size_t j = 0; j < DEPTH; j++)
				ck_assert(memcmp(answers + j * n,
					      "HTTP/1.1 200 ", 13) == 0 &&
				    memcmp(answers + (j + 1) * n - 17,
					"\r\n\r\nhello, world\n", 17) == 0);
			client_skip(c[i], DEPTH * n);
		}
	}
	for (int i = 0; i < clients; i++) {
		ck_assert_uint_eq(client_waiting(c[i]), 0);
		client_close(c[i]);
	}
}

START_TEST(a_million_requests)
{
	enum { CLIENTS = 8 };
	struct daemon *d = daemon_start(SERVER);
	int batches = scaled(1000000 / DEPTH / CLIENTS) + 1;
	double requests;
	struct state before;

	pipeline(d, CLIENTS, 50);
	daemon_check_ledger(d);
	before = state_of(d);
	ck_assert_uint_eq(before.n, WORKERS);
	requests =
	    metrics_sum(daemon_metrics(d), "baton_worker_requests_total");
	pipeline(d, CLIENTS, batches);
	wants_same(&before, d, 256);
	ck_assert_double_ge(
	    metrics_sum(daemon_metrics(d), "baton_worker_requests_total") -
		requests,
	    (double)batches * CLIENTS * DEPTH);
	daemon_stop(d);
}
END_TEST

/* Connections come and go: each with one request, some broken off. */
static void
come_and_go(struct daemon *d, int n)
{
	for (int i = 0; i < n; i++) {
		struct client *c = daemon_connect(d);

		switch (i % 4) {
		case 0:
			client_puts(c, GET);
			client_peek(c, 17);
			client_close(c);
			break;
		case 1:
			client_puts(c, "GET / HTTP/1.0\r\n\r\n");
			client_peek(c, 17);
			client_close(c);
			break;
		case 2:
			client_puts(c, "GET / HT");
			client_reset(c);
			break;
		default:
			client_close(c);
		}
	}
}

START_TEST(connections_come_and_go)
{
	struct daemon *d = daemon_start(SERVER);
	struct state before;

	come_and_go(d, 1000);
	daemon_check_ledger(d);
	before = state_of(d);
	come_and_go(d, scaled(12000));
	wants_same(&before, d, 512);
	daemon_stop(d);
}
END_TEST

/* All handlers, good and bad requests, everything that allocates. */
static void
mix(struct daemon *d, int rounds)
{
	static const char *const requests[] = {
		"GET /files/small HTTP/1.1\r\nHost: t\r\n\r\n",
		"GET /files/large HTTP/1.1\r\nHost: t\r\n\r\n",
		"GET /files/none HTTP/1.1\r\nHost: t\r\n\r\n",
		"GET /files/small HTTP/1.1\r\nHost: t\r\nRange: "
		"bytes=1-2\r\n\r\n",
		"GET /files HTTP/1.1\r\nHost: t\r\n\r\n",
		"GET /%66iles/./small?q HTTP/1.1\r\nHost: t\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"
		"hello",
		"POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
		"chunked\r\n"
		"\r\n5\r\nhello\r\n0\r\n\r\n",
		"DELETE /files/small HTTP/1.1\r\nHost: t\r\n\r\n",
	};

	for (int i = 0; i < rounds; i++) {
		struct client *c = daemon_connect(d), *bad;

		for (int j = 0; j < BT_ROWS(requests); j++)
			client_ask(c, requests[j]);
		client_close(c);
		if (i % 2 == 0) /* an odd number: each worker has its turn */
			continue;
		bad = daemon_connect(d);
		client_ask(bad, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
		client_close(bad);
	}
}

START_TEST(everything)
{
	char *noise = scratch_alloc(300000);
	struct daemon *d;
	struct state before;

	scratch_noise(noise, 300000, 1);
	scratch_file("files/small", noise, 1000);
	scratch_file("files/large", noise, 300000);
	d = daemon_start(SERVER);
	mix(d, 100);
	daemon_check_ledger(d);
	before = state_of(d);
	mix(d, scaled(1500));
	wants_same(&before, d, 512);
	daemon_stop(d);
}
END_TEST

/* A crowd comes, idles, and goes; its memory goes into pools, and stays there.
 */
static void
crowd(struct daemon *d, int n)
{
	struct client **c = scratch_alloc((size_t)n * sizeof(*c));

	for (int i = 0; i < n; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
	}
	for (int i = 0; i < n; i++)
		client_peek(c[i], 17);
	for (int i = 0; i < n; i++)
		client_close(c[i]);
}

START_TEST(crowds)
{
	struct daemon *d = daemon_start(SERVER);
	struct state before;

	for (int i = 0; i < 3; i++)
		crowd(d, 1000);
	daemon_check_ledger(d);
	before = state_of(d);
	for (int i = 0; i < scaled(10); i++)
		crowd(d, 1000);
	wants_same(&before, d, 512);
	daemon_stop(d);
}
END_TEST

/* An idle connection has no buffer: its cost is small. */
START_TEST(idle_connections_are_cheap)
{
	enum { N = 2000, BYTES_EACH = 1200 };
	struct daemon *d = daemon_start("workers 1;\n" SERVER);
	struct client *c[N];
	struct state before;
	long grown;

	if (wait_is_sanitized()) {
		daemon_stop(d);
		return;
	}
	pipeline(d, 8, 10);
	before = state_of(d);
	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
		client_peek(c[i], 17);
	}
	grown = proc_memory_kb(before.worker[0]) - before.memory_kb[0];
	ck_assert_msg(grown * 1024 / N < BYTES_EACH,
	    "an idle connection costs %ld bytes", grown * 1024 / N);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(soak)
{
	TCase *tc = bt_system_case(s, "soak");

	tcase_set_timeout(tc, 120 * wait_factor());
	tcase_add_test(tc, a_million_requests);
	tcase_add_test(tc, connections_come_and_go);
	tcase_add_test(tc, everything);
	tcase_add_test(tc, crowds);
	tcase_add_test(tc, idle_connections_are_cheap);
}
