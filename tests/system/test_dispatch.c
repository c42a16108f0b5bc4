/*
 * Dealing: exact round-robin, least_connections, and every kind of listener.
 */

#include "tests/system/system.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define GET_CLOSE "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
#define ANSWER "server { route / { return 200 \"x\"; } }\n"

#define TAKEN "baton_worker_taken_total"
#define DONE "baton_worker_done_total"

/* Each of three workers gets every third connection, to the letter. */
START_TEST(round_robin_one_by_one)
{
	struct daemon *d = daemon_start("workers 3;\n" ANSWER);
	double before[3];
	const struct metrics *m = daemon_metrics(d);

	for (unsigned w = 0; w < 3; w++)
		before[w] = metrics_of(m, TAKEN, w);
	for (int i = 0; i < 3 * 20; i++) {
		struct client *c = daemon_connect(d);

		client_expect(c, GET_CLOSE, 200);
		client_expect_eof(c);
		client_close(c);
	}
	m = daemon_metrics(d);
	for (unsigned w = 0; w < 3; w++)
		ck_assert_double_eq(metrics_of(m, TAKEN, w) - before[w], 20);
	daemon_stop(d);
}
END_TEST

/* And in a burst, where several travel in one message. */
START_TEST(round_robin_in_a_burst)
{
	enum { N = 240 };
	struct daemon *d = daemon_start("workers 3;\n" ANSWER);
	struct client *c[N];
	double before[3];
	const struct metrics *m = daemon_metrics(d);

	for (unsigned w = 0; w < 3; w++)
		before[w] = metrics_of(m, TAKEN, w);
	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
	}
	for (int i = 0; i < N; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	m = daemon_metrics(d);
	for (unsigned w = 0; w < 3; w++)
		ck_assert_double_eq(metrics_of(m, TAKEN, w) - before[w], N / 3);
	daemon_stop(d);
}
END_TEST

static double
open_at(struct daemon *d, unsigned w)
{
	const struct metrics *m = daemon_metrics(d);

	return metrics_of(m, TAKEN, w) - metrics_of(m, DONE, w);
}

/* After each connection the shares differ by one at most. */
START_TEST(least_connections)
{
	struct daemon *d = daemon_start("dispatch least_connections;\n" ANSWER);
	struct client *c[40], *at_one[40];
	int n = 0;

	for (int i = 0; i < 40; i++) {
		double one = open_at(d, 1), difference;

		c[i] = daemon_connect(d);
		client_expect(c[i], GET, 200);
		if (open_at(d, 1) > one)
			at_one[n++] = c[i];
		difference = open_at(d, 0) - open_at(d, 1);
		ck_assert_double_le(difference, 1);
		ck_assert_double_ge(difference, -1);
	}
	/* worker 1 loses most of its own: the next ones are all for it */
	for (int i = 0; i < n - 2; i++)
		client_close(at_one[i]);
	while (open_at(d, 1) > 3)
		poll(NULL, 0, 1);
	for (int i = 0; i < n - 4; i++) {
		double zero = open_at(d, 0);

		client_expect(daemon_connect(d), GET, 200);
		ck_assert_double_eq(open_at(d, 0), zero);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(ipv6)
{
	unsigned port;
	int fd = daemon_listener("::1", &port);
	struct daemon *d = daemon_start_with(
	    scratch_printf("server { listen [::1]:%u; "
			   "route / { return 200 \"six\"; } }\n",
		port),
	    &fd, 1);
	struct client *c = client_tcp("::1", port);

	reply_wants_text(client_expect(c, GET, 200), "six");
	daemon_stop(d);
	close(fd);
}
END_TEST

/* Bound by the daemon itself; its file goes with it. */
START_TEST(unix_socket)
{
	struct daemon *d = daemon_start("server { listen unix:@DIR@/s.sock; "
					"route / { return 200 \"un\"; } }\n");
	struct client *c = client_unix(scratch_path("s.sock"));

	reply_wants_text(client_expect(c, GET, 200), "un");
	daemon_stop(d);
	ck_assert(!scratch_exists("s.sock"));
}
END_TEST

START_TEST(several_listeners)
{
	unsigned port[2];
	int fd[2] = { daemon_listener("127.0.0.1", &port[0]),
		daemon_listener("127.0.0.1", &port[1]) };
	struct daemon *d = daemon_start_with(
	    scratch_printf("server { route / { return 200 \"first\"; } }\n"
			   "server { listen 127.0.0.1:%u; "
			   "listen 127.0.0.1:%u; listen unix:@DIR@/x.sock;\n"
			   "route / { return 200 \"second\"; } }\n",
		port[0], port[1]),
	    fd, 2);

	for (int i = 0; i < 3; i++) {
		reply_wants_text(
		    client_expect(daemon_connect(d), GET, 200), "first");
		reply_wants_text(
		    client_expect(client_tcp("127.0.0.1", port[0]), GET, 200),
		    "second");
		reply_wants_text(
		    client_expect(client_tcp("127.0.0.1", port[1]), GET, 200),
		    "second");
		reply_wants_text(
		    client_expect(
			client_unix(scratch_path("x.sock")), GET, 200),
		    "second");
	}
	daemon_stop(d);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

/*
 * A listener of its own, without LISTEN_FDS: the port was free a moment ago,
 * which is as near to a promise as one gets.
 */
START_TEST(binds_by_itself)
{
	unsigned port;
	int fd = daemon_listener("127.0.0.1", &port);
	struct daemon *d;

	close(fd);
	d = daemon_start(scratch_printf(
	    "server { listen 127.0.0.1:%u; route / { return 200 \"own\"; } }\n",
	    port));
	reply_wants_text(
	    client_expect(client_tcp("127.0.0.1", port), GET, 200), "own");
	daemon_stop(d);
}
END_TEST

/* Workers are somebody else as soon as they serve. */
START_TEST(user)
{
	pid_t workers[PROC_CHILDREN_MAX];
	struct daemon *d;
	size_t n;

	if (getuid() != 0)
		return;
	d = daemon_start("user nobody;\n" ANSWER);
	n = daemon_workers(d, workers);
	client_expect(daemon_connect(d), GET, 200);
	client_expect(daemon_connect(d), GET, 200);
	ck_assert_uint_eq(n, 2);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_ne(proc_user(workers[i]), 0);
	ck_assert_uint_eq(proc_user(d->pid), 0);
	daemon_stop(d);
}
END_TEST

/* A client that is gone before it is dealt costs nothing, and is counted. */
START_TEST(gone_before_it_is_dealt)
{
	struct daemon *d = daemon_start(ANSWER);

	for (int i = 0; i < 200; i++)
		client_reset(daemon_connect(d));
	client_expect(daemon_connect(d), GET, 200);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(dispatch)
{
	TCase *tc = bt_system_case(s, "deal");

	tcase_add_test(tc, round_robin_one_by_one);
	tcase_add_test(tc, round_robin_in_a_burst);
	tcase_add_test(tc, least_connections);
	tcase_add_test(tc, gone_before_it_is_dealt);
	tc = bt_system_case(s, "listen");
	tcase_add_test(tc, ipv6);
	tcase_add_test(tc, unix_socket);
	tcase_add_test(tc, several_listeners);
	tcase_add_test(tc, binds_by_itself);
	tcase_add_test(tc, user);
}
