/*
 * Crash rescue: what a worker had that died of whatever is dealt again, told
 * 502, or cut; nothing is answered twice.
 */

#include "tests/system/system.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define POST "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"
#define ANSWER \
	"server { route = / { return 200 \"x\"; } route /echo { echo; } " \
	"route /files { root @DIR@/site; } }\n"

static struct daemon *the_daemon;

enum { MANY = 60, BIG = 8 * 1024 * 1024 };

struct sum {
	struct daemon *daemon;
	const char *name;
	double least;
};

static bool
is_reached(void *arg)
{
	struct sum *s = arg;

	return metrics_sum(daemon_metrics(s->daemon), s->name) >= s->least;
}

/* Until the sum of a series is so great; the metrics' own requests count. */
static void
await_sum(struct daemon *d, const char *name, double least)
{
	struct sum s = { d, name, least };

	wait_until(is_reached, &s, name);
}

static void
wants(struct client *c)
{
	struct reply *r = client_expect(c, GET, 200);

	reply_wants_text(r, "x");
	ck_assert(!r->closes);
}

/* Whether nothing is on its way to a worker any more. */
static bool
is_settled(void *arg)
{
	struct metrics_ledger l = metrics_ledger(daemon_metrics(arg));

	return l.held == 0 && l.in_channel == 0 && l.returning == 0 &&
	    l.open > 0;
}

/*
 * The workers that are there now die, at once or one after the other has handed
 * on what it had; returns when each has a successor.
 */
static void
kill_all(struct daemon *d, int number, bool at_once)
{
	pid_t workers[PROC_CHILDREN_MAX];
	size_t n = daemon_workers(d, workers);
	double started =
	    metrics_sum(daemon_metrics(d), "baton_worker_started_total");

	for (size_t i = 0; i < n; i++) {
		kill(workers[i], number);
		if (at_once)
			continue;
		await_sum(d, "baton_worker_started_total", ++started);
		wait_until(is_settled, d, "all to be taken");
	}
	if (at_once)
		await_sum(d, "baton_worker_started_total", started + (double)n);
}

static const int deaths[] = { SIGKILL, SIGSEGV };

/*
 * The one that a worker has in hand when it is killed may be lost with it: then
 * there is a new one.  Returns how many were.
 */
static int
wants_or_was_in_hand(struct daemon *d, struct client **c)
{
	struct reply *r = client_send(*c, GET, strlen(GET))
	    ? client_try_read(*c, "GET")
	    : NULL;

	if (r != NULL) {
		reply_wants_text(r, "x");
		return 0;
	}
	client_close(*c);
	wants(*c = daemon_connect(d));
	return 1;
}

/* Used or fresh, their clients notice nothing. */
START_TEST(idle_connections_are_dealt_again)
{
	const struct rlimit none = { 0, 0 };
	struct client *used[MANY], *fresh[MANY];
	struct metrics_ledger l;
	struct daemon *d;
	int lost = 0;

	if (deaths[_i] == SIGSEGV && wait_is_sanitized())
		return; /* it would be a report */
	setrlimit(RLIMIT_CORE, &none);
	d = daemon_start("workers 2;\n" ANSWER);
	for (int i = 0; i < MANY; i++) {
		wants(used[i] = daemon_connect(d));
		fresh[i] = daemon_connect(d);
	}
	/* also those that were handed around before, and have their number */
	for (int round = 0; round < 2; round++) {
		kill_all(d, deaths[_i], false);
		for (int i = 0; i < MANY; i++) {
			lost += wants_or_was_in_hand(d, &used[i]);
			if (round == 1)
				lost += wants_or_was_in_hand(d, &fresh[i]);
		}
	}
	await_sum(d, "baton_worker_rescued_total", 2 * MANY);
	l = metrics_ledger(daemon_metrics(d));
	/* four deaths */
	ck_assert_int_le(lost, 4);
	ck_assert_double_le(l.crashed, 4);
	daemon_stop(d);
}
END_TEST

/* Its request waits in the kernel while the worker dies. */
START_TEST(asked_while_it_dies)
{
	struct daemon *d = daemon_start("workers 1;\n" ANSWER);
	struct client *c[MANY];
	pid_t worker[PROC_CHILDREN_MAX];

	for (int i = 0; i < MANY; i++)
		wants(c[i] = daemon_connect(d));
	daemon_metrics(d); /* now this is what it has in hand */
	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	kill(worker[0], SIGSTOP);
	for (int i = 0; i < MANY; i++)
		client_puts(c[i], GET);
	kill(worker[0], SIGKILL);
	for (int i = 0; i < MANY; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	daemon_stop(d);
}
END_TEST

/* A request is known, and no byte of its answer is out: that can be said. */
START_TEST(asked_gets_502)
{
	struct daemon *d = daemon_start("workers 2;\n" ANSWER);
	struct client *c = daemon_connect(d), *used = daemon_connect(d);
	struct reply *r;
	double crashed;

	wants(used);
	daemon_metrics(d);
	client_puts(c, POST);
	client_puts(used, POST);
	await_sum(d, "baton_worker_received_bytes_total",
	    metrics_sum(
		daemon_metrics(d), "baton_worker_received_bytes_total") +
		1);
	kill_all(d, SIGKILL, true);
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 502);
	ck_assert(r->closes);
	/* what is still sent does not destroy it */
	client_send(c, "hello", 5);
	client_expect_end(c);
	r = client_read(used, "POST");
	ck_assert_uint_eq(r->status, 502);
	client_close(c);
	client_close(used);
	await_sum(d, "baton_connections_crashed_total", 2);
	crashed =
	    metrics_sum(daemon_metrics(d), "baton_connections_crashed_total");
	ck_assert_double_le(crashed, 4);
	daemon_stop(d);
}
END_TEST

/* Bytes that were read are lost: another worker would hear half a request. */
START_TEST(amid_a_head_is_closed)
{
	struct daemon *d = daemon_start("workers 1;\n" ANSWER);
	struct client *c = daemon_connect(d), *idle = daemon_connect(d);
	double before;

	wants(idle);
	before =
	    metrics_sum(daemon_metrics(d), "baton_worker_received_bytes_total");
	client_puts(c, "GET / HTTP/1.1\r\nHost: t\r\nX: ");
	/* more than the metrics' own question */
	await_sum(d, "baton_worker_received_bytes_total", before + 60);
	kill_all(d, SIGKILL, true);
	client_expect_end(c);
	wants(idle);
	daemon_stop(d);
}
END_TEST

/* Cut, not ended as if that were all, and not followed by anything. */
START_TEST(amid_an_answer_is_cut)
{
	char *noise = scratch_alloc(BIG);
	struct client *c, *idle;
	struct daemon *d;
	size_t n;

	scratch_noise(noise, BIG, 3);
	scratch_file("site/files/big", noise, BIG);
	d = daemon_start("workers 1;\n" ANSWER);
	idle = daemon_connect(d);
	wants(idle);
	c = client_tcp_narrow("127.0.0.1", d->port, 4096);
	client_puts(c, "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 1000);
	kill_all(d, SIGKILL, true);
	client_peek_all(c, &n);
	ck_assert_uint_lt(n, BIG);
	wants(idle);
	client_close(c);
	await_sum(d, "baton_connections_crashed_total", 1);
	daemon_stop(d);
}
END_TEST

/* One that hangs is ended, and those that were idle there go on elsewhere. */
START_TEST(of_a_worker_that_hangs)
{
	struct daemon *d =
	    daemon_start("workers 1; worker_timeout 1s;\n" ANSWER);
	struct client *c[MANY];
	pid_t workers[PROC_CHILDREN_MAX];
	const struct rlimit none = { 0, 0 };

	for (int i = 0; i < MANY; i++)
		wants(c[i] = daemon_connect(d));
	daemon_metrics(d);
	ck_assert_uint_eq(daemon_workers(d, workers), 1);
	prlimit(workers[0], RLIMIT_CORE, &none, NULL);
	kill(workers[0], SIGSTOP);
	for (int i = 0; i < MANY; i++)
		client_puts(c[i], GET);
	for (int i = 0; i < MANY; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	daemon_stop(d);
}
END_TEST

/* Without its guard a worker goes on; it says so. */
START_TEST(the_guard_is_gone)
{
	struct daemon *d = daemon_start("workers 1;\n" ANSWER);
	struct client *c = daemon_connect(d);
	pid_t all[PROC_CHILDREN_MAX];
	size_t n = proc_children(d->pid, all);

	wants(c);
	ck_assert_uint_eq(n, 2);
	for (size_t i = 0; i < n; i++)
		if (proc_is_named(all[i], "baton: guard"))
			kill(all[i], SIGKILL);
	while (
	    strstr(daemon_stderr(d), "the guard of worker 0 has ended") == NULL)
		wants(c);
	kill_all(d, SIGKILL, true);
	client_expect_end(c);
	wants(daemon_connect(d));
	daemon_stop(d);
}
END_TEST

static bool
is_succeeded(void *arg)
{
	pid_t before = *(pid_t *)arg, now[PROC_CHILDREN_MAX];

	return daemon_workers(the_daemon, now) == 1 && now[0] != before;
}

/*
 * What a crash cost is not what the stop behind it has cut.  1: the master
 * hears of both at once.
 */
START_TEST(stop_amid_a_rescue)
{
	pid_t workers[PROC_CHILDREN_MAX];
	struct client *c;

	the_daemon = daemon_start("workers 1;\n" ANSWER);
	c = daemon_connect(the_daemon);
	client_puts(c, POST);
	await_sum(the_daemon, "baton_worker_requests_total", 2);
	ck_assert_uint_eq(daemon_workers(the_daemon, workers), 1);
	if (_i)
		kill(the_daemon->pid, SIGSTOP);
	kill(workers[0], SIGKILL);
	/* the guard waits for the client's close for 2 s, and counts as open */
	ck_assert_uint_eq(client_read(c, "POST")->status, 502);
	if (_i == 0)
		wait_until(is_succeeded, &workers[0], "another worker");
	kill(the_daemon->pid, SIGTERM);
	kill(the_daemon->pid, SIGCONT);
	daemon_ended(the_daemon, 0);
	/* nor does its successor end with them */
	ck_assert_ptr_null(strstr(daemon_stderr(the_daemon), "exited with 0"));
}
END_TEST

BT_SYSTEM_SUITE(rescue)
{
	TCase *tc = bt_system_case(s, "rescue");

	tcase_add_loop_test(
	    tc, idle_connections_are_dealt_again, 0, BT_ROWS(deaths));
	tcase_add_test(tc, asked_while_it_dies);
	tcase_add_test(tc, asked_gets_502);
	tcase_add_test(tc, amid_a_head_is_closed);
	tcase_add_test(tc, amid_an_answer_is_cut);
	tcase_add_test(tc, of_a_worker_that_hangs);
	tcase_add_test(tc, the_guard_is_gone);
	tcase_add_loop_test(tc, stop_amid_a_rescue, 0, 2);
}
