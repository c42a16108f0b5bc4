/*
 * Workers hang: nobody new waits for one, it is ended when its time is over,
 * and it says where it was.
 */

#include "tests/system/system.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define ANSWER "server { route / { return 200 \"x\"; } }\n"
#define TAKEN "baton_worker_taken_total"
#define STALE "baton_worker_stale"

/* Some of these tests have workers dump their core, which nobody wants. */
static void
no_cores(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

struct wanted {
	struct daemon *daemon;
	const char *text;
	double n;
};

static bool
is_said(void *arg)
{
	struct wanted *w = arg;

	return strstr(daemon_stderr(w->daemon), w->text) != NULL;
}

static void
await_line(struct daemon *d, const char *text)
{
	struct wanted w = { d, text, 0 };

	wait_until(is_said, &w, text);
}

static bool
is_stale_sum(void *arg)
{
	struct wanted *w = arg;

	return metrics_sum(daemon_metrics(w->daemon), STALE) == w->n;
}

/* Asks a worker that turns: a question dealt to another one is dealt again. */
static void
await_stale(struct daemon *d, double n)
{
	struct wanted w = { d, NULL, n };

	wait_until(is_stale_sum, &w, "so many stale workers");
}

static void
serve(struct daemon *d, int n)
{
	for (int i = 0; i < n; i++) {
		struct client *c = daemon_connect(d);

		reply_wants_text(client_expect(c, GET, 200), "x");
		client_close(c);
	}
}

static bool
serves_again(void *arg)
{
	struct wanted *w = arg;

	serve(w->daemon, 4);
	return metrics_of(daemon_metrics(w->daemon), TAKEN, 0) > w->n;
}

/*
 * All are answered while one worker is stopped, also those that were dealt to
 * it before that was noticed; and it takes part again when it goes on.
 */
START_TEST(nobody_waits_for_a_stopped_worker)
{
	enum { N = 40 };
	struct daemon *d = daemon_start("workers 3;\n" ANSWER);
	pid_t workers[PROC_CHILDREN_MAX];
	struct wanted again = { .daemon = d };
	struct client *c[N];

	ck_assert_uint_eq(daemon_workers(d, workers), 3);
	kill(workers[0], SIGSTOP);
	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
	}
	for (int i = 0; i < N; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	await_stale(d, 1);
	again.n = metrics_of(daemon_metrics(d), TAKEN, 0);
	serve(d, 30);
	ck_assert(metrics_of(daemon_metrics(d), TAKEN, 0) == again.n);
	ck_assert(
	    metrics_sum(daemon_metrics(d), "baton_worker_recalled_total") > 0);
	kill(workers[0], SIGCONT);
	wait_until(serves_again, &again, "its share of the work");
	ck_assert(metrics_sum(daemon_metrics(d), STALE) == 0);
	ck_assert(
	    metrics_sum(daemon_metrics(d), "baton_worker_started_total") == 3);
	daemon_stop(d);
}
END_TEST

/* Those that it had are answered when it goes on. */
START_TEST(what_it_had_is_kept)
{
	struct daemon *d = daemon_start("workers 1;\n" ANSWER);
	struct client *c = daemon_connect(d), *waiting;
	pid_t worker[PROC_CHILDREN_MAX];

	client_expect(c, GET, 200);
	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	kill(worker[0], SIGSTOP);
	client_puts(c, GET);
	await_line(d, "its loop has not turned for");
	/* with nobody else there it waits in the master */
	waiting = daemon_connect(d);
	client_puts(waiting, GET);
	while (strstr(spawn_run_with("-s", "status", "-c", d->conf).out,
		   "held 1 ") == NULL)
		;
	ck_assert(!wait_is_now(client_fd(c), POLLIN));
	kill(worker[0], SIGCONT);
	reply_wants_text(client_read(c, "GET"), "x");
	reply_wants_text(client_read(waiting, "GET"), "x");
	daemon_stop(d);
}
END_TEST

START_TEST(all_are_stopped)
{
	enum { N = 20 };
	struct daemon *d = daemon_start("workers 2;\n" ANSWER);
	pid_t workers[PROC_CHILDREN_MAX];
	struct client *c[N];

	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	for (int i = 0; i < 2; i++)
		kill(workers[i], SIGSTOP);
	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
	}
	await_line(d, "its loop has not turned for");
	for (int i = 0; i < 2; i++)
		kill(workers[i], SIGCONT);
	for (int i = 0; i < N; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	daemon_stop(d);
}
END_TEST

static bool
writes_the_new_log(void *arg)
{
	struct stat st;

	serve(arg, 1);
	return stat(scratch_path("access.log"), &st) == 0 && st.st_size > 0;
}

/* What was said to it and taken back out of its channel is said again. */
START_TEST(notices_are_not_forgotten)
{
	struct daemon *d = daemon_start("workers 1;\n" ANSWER);
	pid_t worker[PROC_CHILDREN_MAX];
	struct client *c = daemon_connect(d);

	client_expect(c, GET, 200);
	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	kill(worker[0], SIGSTOP);
	rename(scratch_path("access.log"), scratch_path("old.log"));
	kill(d->pid, SIGUSR1);
	await_line(d, "logs reopened");
	await_line(d, "its loop has not turned for");
	kill(worker[0], SIGCONT);
	wait_until(writes_the_new_log, d, "lines in the new access log");
	/* and the retreat of a reload, during which it is stopped */
	kill(worker[0], SIGSTOP);
	daemon_reload(d);
	await_stale(d, 1);
	kill(worker[0], SIGCONT);
	client_expect(c, GET, 200);
	while (proc_is_alive(worker[0]))
		client_expect(c, GET, 200);
	daemon_stop(d);
}
END_TEST

START_TEST(ended_at_worker_timeout)
{
	struct daemon *d;
	pid_t workers[PROC_CHILDREN_MAX], now[PROC_CHILDREN_MAX];
	const char *text;

	no_cores();
	d = daemon_start("worker_timeout 1s;\n" ANSWER);
	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	kill(workers[1], SIGSTOP);
	await_line(d, "(worker_timeout); it is ended");
	await_line(d, "was ended by SIGABRT");
	do
		serve(d, 1);
	while (proc_is_alive(workers[1]) || daemon_workers(d, now) != 2);
	text = daemon_stderr(d);
	ck_assert_msg(wait_is_sanitized() ||
		(strstr(text, "SIGABRT, its stack:") != NULL &&
		    strstr(text, "baton(+0x") != NULL),
	    "%s", text);
	ck_assert(
	    metrics_sum(daemon_metrics(d), "baton_worker_timeouts_total") == 1);
	daemon_stop(d);
}
END_TEST

/* A fault leaves the stack in the error log, and its signal in the status. */
START_TEST(faults_leave_a_stack)
{
	static const struct {
		int number;
		const char *name;
	} faults[] = { { SIGSEGV, "SEGV" }, { SIGBUS, "BUS" },
		{ SIGFPE, "FPE" }, { SIGILL, "ILL" }, { SIGABRT, "ABRT" } };
	struct daemon *d;
	pid_t worker[PROC_CHILDREN_MAX];

	if (wait_is_sanitized())
		return; /* their runtime has handlers of its own */
	no_cores();
	d = daemon_start("workers 1;\n" ANSWER);
	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	kill(worker[0], faults[_i].number);
	await_line(d,
	    scratch_printf("error worker 0: pid %d, SIG%s, its stack:",
		(int)worker[0], faults[_i].name));
	await_line(d, "baton(+0x");
	await_line(d,
	    scratch_printf("worker 0, pid %d, was ended by SIG%s",
		(int)worker[0], faults[_i].name));
	serve(d, 2);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(hang)
{
	TCase *tc = bt_system_case(s, "stopped");

	tcase_add_test(tc, nobody_waits_for_a_stopped_worker);
	tcase_add_test(tc, what_it_had_is_kept);
	tcase_add_test(tc, all_are_stopped);
	tcase_add_test(tc, notices_are_not_forgotten);
	tc = bt_system_case(s, "ended");
	tcase_add_test(tc, ended_at_worker_timeout);
	tcase_add_loop_test(tc, faults_leave_a_stack, 0, 5);
}
