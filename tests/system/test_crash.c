/*
 * Workers die, and nobody but their own clients notices; the master dies, and
 * nothing stays behind.
 */

#include "tests/system/system.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define ANSWER "server { route / { return 200 \"x\"; } }\n"

struct replaced {
	struct daemon *daemon;
	pid_t dead;
	size_t n; /* workers wanted */
};

static bool
is_replaced(void *arg)
{
	struct replaced *r = arg;
	pid_t now[PROC_CHILDREN_MAX];
	size_t n = daemon_workers(r->daemon, now);

	for (size_t i = 0; i < n; i++)
		if (now[i] == r->dead)
			return false;
	return n == r->n;
}

static void
await_replacement(struct daemon *d, pid_t dead, size_t n)
{
	struct replaced r = { d, dead, n };

	wait_until(is_replaced, &r, "the successor of a worker");
}

/* Every worker in turn; the server answers all the time. */
START_TEST(killed_workers_are_replaced)
{
	struct daemon *d = daemon_start("workers 3;\n" ANSWER);
	pid_t workers[PROC_CHILDREN_MAX];

	ck_assert_uint_eq(daemon_workers(d, workers), 3);
	for (int i = 0; i < 3; i++) {
		kill(workers[i], SIGKILL);
		for (int j = 0; j < 9; j++) {
			struct client *c = daemon_connect(d);

			client_expect(c, GET, 200);
			client_close(c);
		}
		await_replacement(d, workers[i], 3);
	}
	ck_assert_double_eq(
	    metrics_sum(daemon_metrics(d), "baton_worker_started_total"), 6);
	daemon_stop(d);
}
END_TEST

/*
 * A stopped worker takes nothing, so what is dealt to it stays in its channel.
 * When it is killed, others are dealt it.
 */
START_TEST(dealt_and_not_taken_is_served_by_others)
{
	enum { N = 20 };
	struct daemon *d = daemon_start(ANSWER);
	struct client *c[N];
	pid_t workers[PROC_CHILDREN_MAX];

	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	kill(workers[0], SIGSTOP);
	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
	}
	kill(workers[0], SIGKILL);
	for (int i = 0; i < N; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	await_replacement(d, workers[0], 2);
	daemon_stop(d);
}
END_TEST

/* Without rescue its own connections end with a worker, and no others. */
START_TEST(connections_of_other_workers_survive)
{
	struct daemon *d = daemon_start("crash_rescue off;\n" ANSWER);
	struct client *c[4];
	pid_t workers[PROC_CHILDREN_MAX];
	double crashed;
	int gone = 0;

	daemon_metrics(d);
	for (int i = 0; i < 4; i++) {
		c[i] = daemon_connect(d);
		client_expect(c[i], GET, 200);
	}
	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	kill(workers[1], SIGKILL);
	await_replacement(d, workers[1], 2);
	for (int i = 0; i < 4; i++) {
		struct reply *r = client_send(c[i], GET, strlen(GET))
		    ? client_try_read(c[i], "GET")
		    : NULL;

		gone += r == NULL;
		if (r != NULL)
			reply_wants_text(r, "x");
	}
	ck_assert_int_eq(gone, 2);
	/* they are in the books, with the metrics' own if it was there */
	crashed =
	    metrics_sum(daemon_metrics(d), "baton_connections_crashed_total");
	ck_assert_double_ge(crashed, 2);
	ck_assert_double_le(crashed, 3);
	daemon_stop(d);
}
END_TEST

/* Killed in the middle of an answer: the client sees that it was cut. */
START_TEST(killed_amid_an_answer)
{
	enum { N = 8 * 1024 * 1024 };
	char *noise = scratch_alloc(N);
	struct daemon *d;
	struct client *c;
	pid_t worker[PROC_CHILDREN_MAX];

	scratch_noise(noise, N, 1);
	scratch_file("site/big", noise, N);
	d = daemon_start(
	    "workers 1;\nserver { route / { root @DIR@/site; } }\n");
	c = client_tcp_narrow("127.0.0.1", d->port, 4096);
	client_puts(c, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 100);
	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	kill(worker[0], SIGKILL);
	await_replacement(d, worker[0], 1);
	client_close(c);
	client_expect(daemon_connect(d),
	    "GET /big HTTP/1.1\r\nHost: t\r\nRange: bytes=0-9\r\n\r\n", 206);
	daemon_stop(d);
}
END_TEST

/* A worker that dies at once, again and again, does not take the rest along. */
START_TEST(killed_again_and_again)
{
	struct daemon *d = daemon_start(ANSWER);
	pid_t workers[PROC_CHILDREN_MAX];

	for (int i = 0; i < 5; i++) {
		size_t n = daemon_workers(d, workers);

		if (n > 0)
			kill(workers[n - 1], SIGKILL);
		for (int j = 0; j < 4; j++) {
			struct client *c = daemon_connect(d);

			client_puts(c, GET);
			client_read(c, "GET");
			client_close(c);
		}
	}
	await_replacement(d, -1, 2);
	daemon_stop(d);
}
END_TEST

START_TEST(master_killed)
{
	struct daemon *d = daemon_start("workers 3;\n" ANSWER);
	struct client *c[6];

	for (int i = 0; i < 6; i++) {
		c[i] = daemon_connect(d);
		client_expect(c[i], GET, 200);
	}
	daemon_kill(d); /* wants that the workers end */
	for (int i = 0; i < 6; i++)
		client_expect_end(c[i]);
}
END_TEST

/* The answer in flight is finished first. */
START_TEST(master_killed_amid_an_answer)
{
	enum { N = 8 * 1024 * 1024 };
	char *noise = scratch_alloc(N);
	struct daemon *d;
	struct client *c;

	scratch_noise(noise, N, 2);
	scratch_file("site/big", noise, N);
	d = daemon_start("server { route / { root @DIR@/site; } }\n");
	c = client_tcp_narrow("127.0.0.1", d->port, 4096);
	client_puts(c, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 100);
	kill(d->pid, SIGKILL);
	wait_exit(d->pid, "the master");
	reply_wants_content(client_read(c, "GET"), noise, N);
	client_expect_end(c);
}
END_TEST

BT_SYSTEM_SUITE(crash)
{
	TCase *tc = bt_system_case(s, "worker");

	tcase_add_test(tc, killed_workers_are_replaced);
	tcase_add_test(tc, dealt_and_not_taken_is_served_by_others);
	tcase_add_test(tc, connections_of_other_workers_survive);
	tcase_add_test(tc, killed_amid_an_answer);
	tcase_add_test(tc, killed_again_and_again);
	tc = bt_system_case(s, "master");
	tcase_add_test(tc, master_killed);
	tcase_add_test(tc, master_killed_amid_an_answer);
}
