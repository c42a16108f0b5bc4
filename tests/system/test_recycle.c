/*
 * Recycling: workers that are past a limit give way to others, and nobody
 * notices but who reads the metrics.
 */

#include "tests/system/system.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define ANSWER "server { route / { return 200 \"x\"; } }\n"

enum { CLIENTS = 20 };

static void
wants(struct client *c)
{
	struct reply *r = client_expect(c, GET, 200);

	reply_wants_text(r, "x");
	ck_assert_msg(!r->closes, "the connection is to end: %s", r->head);
}

static double
metric(struct daemon *d, const char *name)
{
	return metrics_sum(daemon_metrics(d), name);
}

static size_t
count_workers(struct daemon *d)
{
	pid_t workers[PROC_CHILDREN_MAX];

	return daemon_workers(d, workers);
}

START_TEST(after_so_many_requests)
{
	struct daemon *d =
	    daemon_start("workers 2; worker_max_requests 500;\n" ANSWER);
	struct client *c[CLIENTS];
	pid_t before[PROC_CHILDREN_MAX], after[PROC_CHILDREN_MAX];
	unsigned long requests = 0;

	for (int i = 0; i < CLIENTS; i++)
		wants(c[i] = daemon_connect(d));
	daemon_workers(d, before);
	while (metric(d, "baton_recycled_for_requests_total") < 4)
		for (int i = 0; i < CLIENTS; i++, requests++)
			wants(c[i]);
	/* no sooner than an eighth before */
	ck_assert_uint_ge(requests, 4 * 437 - 200);
	while (count_workers(d) > 2)
		wants(c[0]);
	daemon_workers(d, after);
	for (int i = 0; i < 2; i++)
		ck_assert(after[i] != before[0] && after[i] != before[1]);
	ck_assert(metric(d, "baton_workers") == 2);
	ck_assert(metric(d, "baton_recycled_for_memory_total") == 0);
	daemon_stop(d);
}
END_TEST

enum { GROWERS = 300, BYTES = 12000 };

/* Heads that do not end take memory. */
static void
grow(struct daemon *d, struct client *c[GROWERS])
{
	char *head = scratch_alloc(BYTES + 1);

	memset(head, 'x', BYTES);
	memcpy(head, "GET / HTTP/1.1\r\nHost: t\r\nX: ", 28);
	for (int i = 0; i < GROWERS; i++) {
		c[i] = daemon_connect(d);
		ck_assert(client_send(c[i], head, BYTES));
	}
}

static void
finish(struct client *c[GROWERS])
{
	for (int i = 0; i < GROWERS; i++) {
		client_puts(c[i], "\r\n\r\n");
		reply_wants_text(client_read(c[i], "GET"), "x");
		client_close(c[i]);
	}
}

START_TEST(after_it_grew)
{
	struct daemon *d =
	    daemon_start("workers 1; worker_max_memory 2m;\n" ANSWER);
	struct client *grower[GROWERS], *c = daemon_connect(d);

	grow(d, grower);
	while (metric(d, "baton_recycled_for_memory_total") < 1)
		wants(c);
	finish(grower);
	wants(c);
	ck_assert(metric(d, "baton_recycled_for_requests_total") == 0);
	daemon_stop(d);
}
END_TEST

/* A limit that every successor reaches at once: said, and no storm. */
START_TEST(too_low)
{
	struct daemon *d =
	    daemon_start("header_timeout 2m; workers 1; worker_max_memory 2m;\n"
			 /* it is asked all the time */
			 "keepalive_requests 10000000;\n" ANSWER);
	struct client *grower[GROWERS], *c = daemon_connect(d);

	grow(d, grower);
	while (strstr(daemon_stderr(d), "it is too low") == NULL)
		wants(c);
	ck_assert(metric(d, "baton_recycled_for_memory_total") == 3);
	finish(grower);
	daemon_stop(d);
}
END_TEST

/* Beside resizes and reloads. */
START_TEST(amid_other_changes)
{
	struct daemon *d =
	    daemon_start("workers 2; worker_max_requests 50;\n" ANSWER);
	struct client *c[CLIENTS];
	int n = wait_is_sanitized() ? 30 : 150;

	for (int i = 0; i < CLIENTS; i++)
		c[i] = daemon_connect(d);
	for (int k = 0; k < n; k++) {
		for (int i = 0; i < CLIENTS; i++)
			client_puts(c[i], GET GET GET);
		if (k % 10 == 3)
			kill(d->pid, SIGTTIN);
		if (k % 10 == 7)
			kill(d->pid, SIGTTOU);
		if (k % 30 == 29)
			kill(d->pid, SIGHUP);
		for (int i = 0; i < CLIENTS; i++)
			for (int g = 0; g < 3; g++)
				reply_wants_text(client_read(c[i], "GET"), "x");
	}
	while (metric(d, "baton_recycled_for_requests_total") < 3)
		for (int i = 0; i < CLIENTS; i++)
			wants(c[i]);
	daemon_reload(d);
	while (count_workers(d) != 2)
		wants(c[0]);
	ck_assert(metric(d, "baton_workers") == 2);
	daemon_stop(d);
}
END_TEST

START_TEST(off)
{
	struct daemon *d =
	    daemon_start("workers 1; worker_max_requests 50;\n" ANSWER);
	struct client *c = daemon_connect(d);
	double n;

	while (metric(d, "baton_recycled_for_requests_total") < 1)
		wants(c);
	daemon_reload_with(d, "workers 1; worker_max_requests off;\n" ANSWER);
	n = metric(d, "baton_recycled_for_requests_total");
	for (int i = 0; i < 200; i++)
		wants(c);
	ck_assert(metric(d, "baton_recycled_for_requests_total") == n);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(recycle)
{
	TCase *t = bt_system_case(s, "recycle");

	tcase_add_test(t, after_so_many_requests);
	tcase_add_test(t, after_it_grew);
	tcase_add_test(t, too_low);
	tcase_add_test(t, amid_other_changes);
	tcase_add_test(t, off);
}
