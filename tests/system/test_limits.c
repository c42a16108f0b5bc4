/*
 * Bounds: when workers are full, or descriptors run out, connections wait in
 * the kernel's backlog.  None is dropped, nothing spins, and the metrics say
 * so.
 */

#include "tests/system/system.h"

#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define ANSWER "server { route / { return 200 \"x\"; } }\n"

enum { CLIENTS = 64 };

/* Sends on all; afterwards `open[i]` is what awaits an answer. */
static void
ask_all(struct daemon *d, struct client *open[CLIENTS])
{
	for (int i = 0; i < CLIENTS; i++) {
		open[i] = daemon_connect(d);
		client_puts(open[i], GET);
	}
}

/* Waits until one of them is answered, reads it, and takes it off. */
static struct client *
take_answered(struct client *open[CLIENTS])
{
	struct pollfd p[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		p[i] = (struct pollfd){ open[i] ? client_fd(open[i]) : -1,
			POLLIN, 0 };
	ck_assert_int_gt(poll(p, CLIENTS, (int)(10000 * wait_factor())), 0);
	for (int i = 0; i < CLIENTS; i++)
		if (p[i].revents) {
			struct client *c = open[i];

			open[i] = NULL;
			reply_wants_text(client_read(c, "GET"), "x");
			return c;
		}
	return NULL;
}

static bool
is_any_answered(struct client *const open[CLIENTS])
{
	for (int i = 0; i < CLIENTS; i++)
		if (open[i] != NULL && wait_is_now(client_fd(open[i]), POLLIN))
			return true;
	return false;
}

/*
 * Two workers of 16 connections each hold 32; the others wait until one of
 * these leaves, and then exactly one comes in for it.
 */
START_TEST(full_workers)
{
	enum { ROOM = 2 * 16 - 1 }; /* one is the metrics' */
	struct daemon *d = daemon_start("worker_connections 16;\n" ANSWER);
	struct client *open[CLIENTS], *served[CLIENTS];
	struct metrics_ledger books;
	double paused;
	int n;

	daemon_metrics(d);
	ask_all(d, open);
	for (n = 0; n < ROOM; n++)
		served[n] = take_answered(open);
	/* a question to the full server, answered after all of the above */
	paused = metrics_sum(daemon_metrics(d), "baton_pauses_full_total");
	ck_assert_double_ge(paused, 1);
	ck_assert(!is_any_answered(open));
	books = metrics_ledger(daemon_metrics(d));
	ck_assert(metrics_ledger_balances(&books));
	ck_assert(books.held >= 1 && books.held <= CLIENTS - ROOM);
	ck_assert(books.refused == 0);
	ck_assert_double_eq(
	    metrics_sum(daemon_metrics(d), "baton_connections_open"), ROOM + 1);
	for (; n < CLIENTS; n++) {
		client_close(served[n - ROOM]);
		served[n] = take_answered(open);
		ck_assert(!is_any_answered(open));
	}
	/* as often as it was full again, and no more: it does not spin */
	paused = metrics_sum(daemon_metrics(d), "baton_pauses_full_total");
	ck_assert_double_le(paused, 2 * CLIENTS);
	daemon_stop(d);
}
END_TEST

static void
set_descriptor_limit(struct daemon *d, unsigned long soft)
{
	struct rlimit now;

	ck_assert_int_eq(prlimit(d->pid, RLIMIT_NOFILE, NULL, &now), 0);
	now.rlim_cur = soft;
	ck_assert_int_eq(prlimit(d->pid, RLIMIT_NOFILE, &now, NULL), 0);
}

static bool
has_paused_for_descriptors(void *arg)
{
	return metrics_sum(
		   daemon_metrics(arg), "baton_pauses_descriptors_total") >= 1;
}

/* Not one descriptor is free in the master: the clients wait. */
START_TEST(descriptors_exhausted)
{
	struct daemon *d = daemon_start(ANSWER);
	struct client *open[CLIENTS], *kept = daemon_connect(d);
	struct rlimit limit;
	double paused;

	client_expect(kept, GET, 200);
	daemon_metrics(d);
	ck_assert_int_eq(prlimit(d->pid, RLIMIT_NOFILE, NULL, &limit), 0);
	set_descriptor_limit(d, 3); /* all in use are above, or just below */
	ask_all(d, open);
	wait_until(has_paused_for_descriptors, d, "a pause");
	/* the workers go on; meanwhile the master does not try all the time */
	for (int i = 0; i < 2000; i++)
		client_expect(kept, GET, 200);
	paused =
	    metrics_sum(daemon_metrics(d), "baton_pauses_descriptors_total");
	ck_assert_double_le(paused, 200);
	ck_assert(!is_any_answered(open));
	set_descriptor_limit(d, limit.rlim_cur);
	for (int i = 0; i < CLIENTS; i++)
		take_answered(open);
	daemon_stop(d);
}
END_TEST

/* A handful is free: they are served in small portions, all of them. */
START_TEST(descriptors_scarce)
{
	struct daemon *d = daemon_start(ANSWER);
	struct client *open[CLIENTS];

	daemon_metrics(d);
	set_descriptor_limit(d, (unsigned long)proc_descriptor_max(d->pid) + 3);
	ask_all(d, open);
	for (int i = 0; i < CLIENTS; i++)
		take_answered(open);
	daemon_stop(d);
}
END_TEST

/*
 * The hard limit is far below worker_connections, and nobody may raise it: it
 * is the bound, then, and what does not fit waits.
 */
START_TEST(low_hard_limit)
{
	struct client *open[CLIENTS];
	struct daemon *d;

	spawn_limit_descriptors(24);
	d = daemon_start("worker_connections 10000;\n" ANSWER);
	daemon_metrics(d);
	ask_all(d, open);
	for (int i = 0; i < CLIENTS; i++)
		client_close(take_answered(open));
	daemon_stop(d); /* wants that none was lost or refused */
}
END_TEST

/* The same, when the answers are files, which need descriptors, too. */
START_TEST(low_hard_limit_and_files)
{
	enum { FILES = 60, BYTES = 200000 };
	char *noise = scratch_alloc(BYTES);
	struct client *c[FILES];
	struct daemon *d;

	scratch_noise(noise, BYTES, 1);
	for (int i = 0; i < FILES; i++)
		scratch_file(scratch_printf("site/%d", i), noise, BYTES);
	spawn_limit_descriptors(100);
	d = daemon_start("workers 1; worker_connections 20;\n"
			 "server { route / { root @DIR@/site; } }\n");
	for (int i = 0; i < FILES; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i],
		    scratch_printf("GET /%d HTTP/1.1\r\nHost: t\r\n"
				   "Connection: close\r\n\r\n",
			i));
	}
	for (int i = 0; i < FILES; i++) {
		struct reply *r = client_read(c[i], "GET");

		ck_assert_uint_eq(r->status, 200);
		reply_wants_content(r, noise, BYTES);
	}
	daemon_stop(d);
}
END_TEST

/* Far more connections at once than one message or one turn can take. */
START_TEST(many_connections_at_once)
{
	enum { N = 1500 };
	struct daemon *d = daemon_start(ANSWER);
	struct client **c = scratch_alloc(N * sizeof(struct client *));

	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
	}
	for (int i = 0; i < N; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	for (int i = 0; i < N; i++)
		reply_wants_text(client_expect(c[i], GET, 200), "x");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(limits)
{
	TCase *tc = bt_system_case(s, "limits");
	struct rlimit limit;

	/* the tests themselves need some */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	tcase_add_test(tc, full_workers);
	tcase_add_test(tc, descriptors_exhausted);
	tcase_add_test(tc, descriptors_scarce);
	tcase_add_test(tc, low_hard_limit);
	tcase_add_test(tc, low_hard_limit_and_files);
	tcase_add_test(tc, many_connections_at_once);
}
