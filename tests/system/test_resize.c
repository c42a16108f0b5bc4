/*
 * Resize: workers come and go while baton runs, no client notices, and those
 * that stay hold equal shares.
 */

#include "tests/system/site.h"
#include "tests/system/system.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 60, TARGET_MAX = 16 };

struct number {
	struct daemon *d;
	size_t n;
};

static bool
are_workers(void *arg)
{
	const struct number *want = arg;
	pid_t workers[PROC_CHILDREN_MAX];
	const struct metrics *m;

	if (daemon_workers(want->d, workers) != want->n)
		return false;
	m = daemon_metrics(want->d);
	return metrics_sum(m, "baton_workers") == (double)want->n;
}

/* Returns when there are `n` workers, and those that left are gone. */
static void
await_workers(struct daemon *d, size_t n)
{
	struct number want = { d, n };

	wait_until(are_workers, &want, scratch_printf("%zu workers", n));
}

static void
resize(struct daemon *d, int signal_number, size_t n)
{
	kill(d->pid, signal_number);
	await_workers(d, n);
}

/* What was told to the service manager since the last look. */
static const char *
notices(struct daemon *d, const char *until)
{
	char *seen = scratch_printf("%s", ""), message[512];

	while (strstr(seen, until) == NULL) {
		ssize_t n;

		ck_assert_msg(wait_for(d->notify_fd, POLLIN, wait_deadline()),
		    "waited for %s: %s", until, seen);
		n = recv(d->notify_fd, message, sizeof(message) - 1, 0);
		message[n > 0 ? n : 0] = '\0';
		seen = scratch_printf("%s%s\n", seen, message);
	}
	return seen;
}

/* --- the number --- */

START_TEST(more_and_fewer)
{
	struct daemon *d = daemon_start(site_conf("workers 2;", "x"));
	struct client *c[MANY];
	struct spawn_result r;

	for (int i = 0; i < MANY; i++) {
		c[i] = daemon_connect(d);
		if (i % 2)
			site_wants(c[i], "x");
	}
	for (size_t n = 3; n <= 6; n++)
		resize(d, SIGTTIN, n);
	notices(d, "STATUS=running, 6 workers");
	r = spawn_run_with("-s", "status", "-c", d->conf);
	ck_assert_ptr_nonnull(strstr(r.out, "6 workers"));
	for (int i = 0; i < MANY; i++)
		site_wants(c[i], "x");
	for (size_t n = 5; n >= 1; n--)
		resize(d, SIGTTOU, n);
	notices(d, "STATUS=running, 1 workers");
	for (int i = 0; i < MANY; i++)
		site_wants(c[i], "x");
	ck_assert_ptr_nonnull(strstr(daemon_stderr(d), "1 workers, were 2"));
	ck_assert(metrics_sum(daemon_metrics(d), "baton_resizes_total") == 9);
	daemon_stop(d);
}
END_TEST

START_TEST(the_last_one_stays)
{
	struct daemon *d = daemon_start(site_conf("workers 1;", "x"));
	pid_t before[PROC_CHILDREN_MAX], after[PROC_CHILDREN_MAX];
	struct client *c = daemon_connect(d);

	site_wants(c, "x");
	ck_assert_uint_eq(daemon_workers(d, before), 1);
	kill(d->pid, SIGTTOU);
	while (strstr(daemon_stderr(d), "workers are from 1") == NULL)
		site_wants(c, "x");
	ck_assert_uint_eq(daemon_workers(d, after), 1);
	ck_assert_int_eq(before[0], after[0]);
	ck_assert(metrics_sum(daemon_metrics(d), "baton_resizes_total") == 0);
	daemon_stop(d);
}
END_TEST

/* Connections in every phase go over to the one that stays. */
START_TEST(busy_ones_follow)
{
	char *big = site_make_big();
	struct daemon *d = daemon_start(site_conf("workers 4;", "x"));
	struct client *download[8], *head[8], *content[8];

	for (int i = 0; i < 8; i++) {
		download[i] = client_tcp_narrow("127.0.0.1", d->port, 4096);
		client_puts(download[i],
		    "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n" GET);
		client_peek(download[i], 1000);
		head[i] = daemon_connect(d);
		client_puts(head[i], "GET / HTTP/1.1\r\nHo");
		content[i] = daemon_connect(d);
		client_puts(content[i],
		    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: "
		    "10\r\n\r\n01234");
		client_peek(content[i], 15);
	}
	for (double n = 3; n >= 1; n--) {
		kill(d->pid, SIGTTOU);
		while (metrics_sum(daemon_metrics(d), "baton_workers") != n)
			;
	}
	for (int i = 0; i < 8; i++) {
		client_puts(head[i], "st: t\r\n\r\n");
		reply_wants_text(client_read(head[i], "GET"), "x");
		client_puts(content[i], "56789" GET);
		reply_wants_text(client_read(content[i], "POST"), "0123456789");
		reply_wants_text(client_read(content[i], "GET"), "x");
		reply_wants_content(
		    client_read(download[i], "GET"), big, SITE_BIG);
		reply_wants_text(client_read(download[i], "GET"), "x");
	}
	await_workers(d, 1);
	for (int i = 0; i < 8; i++) {
		site_wants(head[i], "x");
		site_wants(content[i], "x");
		site_wants(download[i], "x");
	}
	daemon_stop(d);
}
END_TEST

/* The conf's number counts again after a reload. */
START_TEST(reload_says_the_number)
{
	struct daemon *d = daemon_start(site_conf("workers 2;", "1"));
	struct client *c = daemon_connect(d);

	site_wants(c, "1");
	resize(d, SIGTTIN, 3);
	resize(d, SIGTTIN, 4);
	daemon_reload(d);
	await_workers(d, 2);
	resize(d, SIGTTOU, 1);
	daemon_reload_with(d, site_conf("workers 3;", "2"));
	await_workers(d, 3);
	site_wants(c, "2");
	daemon_stop(d);
}
END_TEST

/* What comes during a reload is done behind it, taken or refused. */
START_TEST(during_a_reload)
{
	struct daemon *d = daemon_start(site_conf("workers 2;", "1"));
	struct client *c = daemon_connect(d);

	site_wants(c, "1");
	daemon_rewrite(d, site_conf("workers 3;", "2"));
	kill(d->pid, SIGHUP);
	kill(d->pid, SIGTTIN);
	notices(d, "STATUS=running, 4 workers");
	await_workers(d, 4);
	site_wants(c, "2");
	daemon_rewrite(d, "workerz 5;");
	kill(d->pid, SIGHUP);
	kill(d->pid, SIGTTOU);
	await_workers(d, 3);
	site_wants(c, "2");
	daemon_stop(d);
}
END_TEST

/* It crosses with the rest. */
START_TEST(during_an_upgrade)
{
	struct daemon *d = daemon_start(site_conf("workers 2;", "1"));
	struct client *c = daemon_connect(d);

	site_wants(c, "1");
	kill(d->pid, SIGUSR2);
	kill(d->pid, SIGTTIN);
	while (strstr(daemon_stderr(d), "upgraded to baton") == NULL)
		site_wants(c, "1");
	await_workers(d, 3);
	resize(d, SIGTTIN, 4);
	site_wants(c, "1");
	daemon_stop(d);
}
END_TEST

/* --- shares --- */

/* Connections that worker `w` holds; -1: it never was. */
static double
share_of(const struct metrics *m, unsigned w)
{
	return metrics_of(m, "baton_worker_taken_total", w) -
	    metrics_of(m, "baton_worker_done_total", w) -
	    metrics_of(m, "baton_worker_handed_back_total", w) -
	    metrics_of(m, "baton_worker_crashed_total", w);
}

struct shares {
	struct daemon *d;
	unsigned slots; /* that were used */
	unsigned n;     /* workers that shall have a share each */
	double all;     /* connections, with the one of the metrics */
};

/* The `n` workers that have the most are level, the others have none. */
static bool
are_level(void *arg)
{
	const struct shares *want = arg;
	const struct metrics *m = daemon_metrics(want->d);
	double sum = 0, least = 1e9, most = 0;
	unsigned busy = 0;

	for (unsigned w = 0; w < want->slots; w++) {
		double share = share_of(m, w);

		sum += share;
		if (share > 0) {
			busy++;
			least = share < least ? share : least;
			most = share > most ? share : most;
		}
	}
	return busy == want->n && sum == want->all &&
	    (most - least <= 1 || (most - least) * 100 <= most);
}

static void
await_shares(struct daemon *d, unsigned slots, unsigned n, double all)
{
	struct shares want = { d, slots, n, all };

	wait_until(are_level, &want, scratch_printf("%u equal shares", n));
}

enum { CROWD = 500 };

/* Half of them were never used. */
static void
crowd(struct daemon *d, struct client *c[CROWD])
{
	for (int i = 0; i < CROWD; i++) {
		c[i] = daemon_connect(d);
		if (i % 2)
			site_wants(c[i], "x");
	}
	daemon_metrics(d);
}

START_TEST(idle_ones_move_to_new_workers)
{
	struct daemon *d = daemon_start(site_conf("workers 1;", "x"));
	struct client *c[CROWD];
	double returned;

	crowd(d, c);
	for (unsigned n = 2; n <= 5; n++) {
		resize(d, SIGTTIN, n);
		await_shares(d, n, n, CROWD + 1);
	}
	for (unsigned n = 4; n >= 2; n--) {
		resize(d, SIGTTOU, n);
		await_shares(d, 5, n, CROWD + 1);
	}
	for (int i = 0; i < CROWD; i++)
		site_wants(c[i], "x");
	/* and then nothing moves by itself, though the shares change */
	returned = metrics_ledger(daemon_metrics(d)).returned;
	for (int i = 0; i < CROWD; i += 2)
		client_close(c[i]);
	for (int i = 1; i < CROWD; i += 2)
		site_wants(c[i], "x");
	ck_assert(metrics_ledger(daemon_metrics(d)).returned == returned);
	/* each was moved about as often as there was a share for it */
	ck_assert_msg(returned < 4 * CROWD, "%g were moved", returned);
	daemon_stop(d);
}
END_TEST

START_TEST(successor_of_a_dead_worker_gets_its_share)
{
	struct daemon *d =
	    daemon_start(site_conf("workers 3; crash_rescue off;", "x"));
	struct client *c[CROWD];
	pid_t workers[PROC_CHILDREN_MAX];
	double left;

	crowd(d, c);
	ck_assert_uint_eq(daemon_workers(d, workers), 3);
	kill(workers[1], SIGKILL);
	while (metrics_sum(daemon_metrics(d), "baton_worker_crashed_total") <
	    CROWD / 3)
		;
	left = metrics_sum(daemon_metrics(d), "baton_connections_open");
	await_shares(d, 3, 3, left);
	daemon_stop(d);
}
END_TEST

/* What is busy stays where it is, and it is not tried for ever. */
START_TEST(busy_ones_stay)
{
	char *big = site_make_big();
	struct daemon *d = daemon_start(site_conf("workers 1;", "x"));
	struct client *download[20];
	const struct metrics *m;

	for (int i = 0; i < 20; i++) {
		download[i] = client_tcp_narrow("127.0.0.1", d->port, 4096);
		client_puts(
		    download[i], "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n");
		client_peek(download[i], 1000);
	}
	resize(d, SIGTTIN, 2);
	while (strstr(daemon_stderr(d), "busy ones stay") == NULL)
		m = daemon_metrics(d);
	m = daemon_metrics(d);
	ck_assert(share_of(m, 0) >= 20);
	ck_assert(metrics_sum(m, "baton_rebalances_total") == 1);
	/* new ones are dealt in turn again */
	for (int i = 0; i < 10; i++)
		site_wants(daemon_connect(d), "x");
	m = daemon_metrics(d);
	ck_assert(share_of(m, 1) <= 6 && share_of(m, 0) >= 25);
	for (int i = 0; i < 20; i++)
		reply_wants_content(
		    client_read(download[i], "GET"), big, SITE_BIG);
	daemon_stop(d);
}
END_TEST

START_TEST(level_after_a_reload)
{
	struct daemon *d = daemon_start(site_conf("workers 2;", "x"));
	struct client *c[CROWD];

	crowd(d, c);
	/* only every second one stays, all of the same worker */
	for (int i = 1; i < CROWD; i += 2)
		client_close(c[i]);
	daemon_reload(d);
	await_workers(d, 2);
	await_shares(d, 4, 2, CROWD / 2 + 1);
	daemon_stop(d);
}
END_TEST

/* --- under load --- */

START_TEST(up_and_down_under_load)
{
	struct daemon *d = daemon_start(site_conf("workers 2;", "x"));
	int n = wait_is_sanitized() ? 20 : 100;
	struct client *c[MANY];
	unsigned seed = 1;

	for (int i = 0; i < MANY; i++)
		c[i] = daemon_connect(d);
	for (int k = 0; k < n; k++) {
		seed = seed * 1103515245 + 12345;
		for (int i = 0; i < MANY; i++)
			client_puts(c[i], i % 2 ? GET : GET GET GET);
		kill(d->pid,
		    k % 10 == 9          ? SIGHUP
			: seed >> 16 & 1 ? SIGTTIN
					 : SIGTTOU);
		for (int i = 0; i < MANY; i++)
			for (int g = 0; g < (i % 2 ? 1 : 3); g++)
				reply_wants_text(client_read(c[i], "GET"), "x");
		for (int i = 0; i < 5; i++) {
			struct client *once = daemon_connect(d);

			site_wants(once, "x");
			client_close(once);
		}
	}
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(resize)
{
	TCase *t = bt_system_case(s, "number");

	tcase_add_test(t, more_and_fewer);
	tcase_add_test(t, the_last_one_stays);
	tcase_add_test(t, busy_ones_follow);
	tcase_add_test(t, reload_says_the_number);
	tcase_add_test(t, during_a_reload);
	tcase_add_test(t, during_an_upgrade);

	t = bt_system_case(s, "shares");
	tcase_add_test(t, idle_ones_move_to_new_workers);
	tcase_add_test(t, successor_of_a_dead_worker_gets_its_share);
	tcase_add_test(t, busy_ones_stay);
	tcase_add_test(t, level_after_a_reload);

	t = bt_system_case(s, "load");
	tcase_add_test(t, up_and_down_under_load);
}
