/*
 * Limits by client address: connections at a time, new ones in a second, and
 * requests in a second, whichever worker they are at.
 */

#include "tests/system/system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define ANSWER \
	"server { route / { return 200 \"x\"; } route /echo { echo; } }\n"

enum { LIMIT = 6 };

/* Connected from 127.0.0.`last`. */
static int
connect_from(struct daemon *d, int last)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK - 1 + (uint32_t)last) };

	ck_assert_int_eq(bind(fd, (void *)&in, sizeof(in)), 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)d->port);
	ck_assert_int_eq(connect(fd, (void *)&in, sizeof(in)), 0);
	return fd;
}

/* A connection that is let in, or NULL: it was reset, before a byte. */
static struct client *
try_from(struct daemon *d, int last)
{
	int fd = connect_from(d, last);
	struct client *c;
	char byte;
	ssize_t n;

	if (send(fd, GET, strlen(GET), MSG_NOSIGNAL) == (ssize_t)strlen(GET)) {
		ck_assert(wait_for(fd, POLLIN, wait_deadline()));
		n = recv(fd, &byte, 1, MSG_PEEK);
		if (n == 1) {
			c = client_new(&fd);
			reply_wants_text(client_read(c, "GET"), "x");
			return c;
		}
		ck_assert_msg(n == -1, "it was closed, not reset");
	}
	ck_assert_msg(errno == ECONNRESET || errno == EPIPE, "errno %d", errno);
	close(fd);
	return NULL;
}

static double
metric(struct daemon *d, const char *name)
{
	return metrics_sum(daemon_metrics(d), name);
}

/* A connection of that address comes in as soon as one has left. */
static struct client *
come_in(struct daemon *d, int last)
{
	struct client *c;

	/* the worker may not have seen yet that a client closed */
	while ((c = try_from(d, last)) == NULL)
		;
	return c;
}

static void
fill(struct daemon *d, struct client *c[LIMIT], int last)
{
	for (int i = 0; i < LIMIT; i++) {
		c[i] = try_from(d, last);
		ck_assert_ptr_nonnull(c[i]);
	}
	ck_assert_ptr_null(try_from(d, last));
}

/* --- connections at a time --- */

#define CONNECTIONS "limit_connections 6 per_address;\n" ANSWER

START_TEST(connections)
{
	struct daemon *d = daemon_start(CONNECTIONS);
	struct client *one[LIMIT], *two[LIMIT];
	struct metrics_ledger l;
	struct spawn_result r;

	d->refuses = true;
	fill(d, one, 1);
	fill(d, two, 2);
	for (int i = 0; i < LIMIT; i++) {
		client_expect(one[i], GET, 200);
		client_expect(two[i], GET, 200);
	}
	do /* the last close may be under way */
		l = metrics_ledger(daemon_metrics(d));
	while (!metrics_ledger_balances(&l));
	ck_assert(l.refused == 2);
	ck_assert(
	    metric(d, "baton_connections_refused_for_connections_total") == 2);
	r = spawn_run_with("-s", "status", "-c", d->conf);
	ck_assert_ptr_nonnull(
	    strstr(r.out, "refused 2 for limit_connections, 0 for"));
	for (int i = 0; i < 20; i++) {
		client_close(one[i % LIMIT]);
		one[i % LIMIT] = come_in(d, 1);
		ck_assert_ptr_null(try_from(d, 1));
	}
	ck_assert_ptr_null(try_from(d, 2));
	daemon_stop(d);
}
END_TEST

START_TEST(unix_sockets_are_exempt)
{
	struct daemon *d = daemon_start(
	    "limit_connections 1 per_address; limit_rate 1/s per_address;\n"
	    "server { listen unix:@DIR@/s.sock; route / { return 200 \"x\"; } }"
	    "\n" ANSWER);
	struct client *c[10];

	for (int i = 0; i < 10; i++) {
		c[i] = client_unix(scratch_path("s.sock"));
		client_expect(c[i], GET, 200);
		client_expect(c[i], GET, 200);
	}
	daemon_stop(d);
}
END_TEST

/* They count as before when they have moved, and no more when they are cut. */
START_TEST(counted_through_reload_and_crash)
{
	struct daemon *d =
	    daemon_start("workers 1; crash_rescue off;\n" CONNECTIONS);
	struct client *c[LIMIT];
	pid_t workers[PROC_CHILDREN_MAX];

	d->refuses = true;
	fill(d, c, 1);
	for (int round = 0; round < 3; round++) {
		daemon_reload(d);
		ck_assert_ptr_null(try_from(d, 1));
		client_close(c[round]);
		c[round] = come_in(d, 1);
		ck_assert_ptr_null(try_from(d, 1));
	}
	/* the old ones are gone: the one that is left has them all */
	while (daemon_workers(d, workers) > 1)
		;
	kill(workers[0], SIGKILL);
	for (int i = 0; i < LIMIT; i++)
		client_expect_end(c[i]);
	while (metric(d, "baton_connections_crashed_total") < LIMIT)
		;
	fill(d, c, 1);
	daemon_stop(d);
}
END_TEST

/* Those that are rescued count as before. */
START_TEST(counted_through_rescue)
{
	struct daemon *d = daemon_start("workers 2;\n" CONNECTIONS);
	struct client *c[LIMIT];
	pid_t workers[PROC_CHILDREN_MAX];

	d->refuses = true;
	fill(d, c, 1);
	for (int i = 0; i < LIMIT; i++)
		client_expect(c[i], GET, 200);
	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	for (int i = 0; i < 2; i++) {
		double rescued = metric(d, "baton_worker_rescued_total");

		kill(workers[i], SIGKILL);
		while (metric(d, "baton_worker_rescued_total") <
		    rescued + LIMIT / 2)
			;
		ck_assert_ptr_null(try_from(d, 1));
	}
	for (int i = 0; i < LIMIT; i++)
		client_expect(c[i], GET, 200);
	client_close(c[0]);
	c[0] = come_in(d, 1);
	ck_assert_ptr_null(try_from(d, 1));
	daemon_stop(d);
}
END_TEST

/* By a reload; those that are in stay, however many they are. */
START_TEST(turned_on_and_off)
{
	struct daemon *d = daemon_start(ANSWER);
	struct client *c[2 * LIMIT], *more[LIMIT];

	d->refuses = true;
	for (int i = 0; i < 2 * LIMIT; i++)
		c[i] = come_in(d, 1);
	daemon_reload_with(d, CONNECTIONS);
	ck_assert_ptr_null(try_from(d, 1));
	for (int i = 0; i < 2 * LIMIT; i++)
		client_expect(c[i], GET, 200);
	for (int i = 0; i <= LIMIT; i++)
		client_close(c[i]);
	come_in(d, 1);
	ck_assert_ptr_null(try_from(d, 1));
	daemon_reload_with(d, ANSWER);
	for (int i = 0; i < LIMIT; i++)
		ck_assert_ptr_nonnull(more[i] = try_from(d, 1));
	daemon_stop(d);
}
END_TEST

/* --- in a second --- */

START_TEST(new_connections)
{
	struct daemon *d =
	    daemon_start("limit_rate 2/s per_address burst 10;\n" ANSWER);
	int in = 0;

	d->refuses = true;
	for (int i = 0; i < 60; i++) {
		int fd = connect_from(d, 1);
		struct client *c = client_new(&fd);

		/* the requests would have a limit of their own */
		client_finish_sending(c);
		client_close(c);
		in++;
	}
	while (metric(d, "baton_connections_refused_for_rate_total") < 20)
		;
	ck_assert_int_eq(in, 60);
	ck_assert_ptr_nonnull(try_from(d, 2));
	daemon_stop(d);
}
END_TEST

/* How many of the `n` that were asked are let through, to 429 for the rest. */
static int
read_answers(struct client *c, int n)
{
	int through = 0;

	for (int i = 0; i < n; i++) {
		struct reply *r = client_read(c, "GET");

		ck_assert_msg(!r->closes, "the connection is to end");
		if (r->status == 200) {
			through++;
			continue;
		}
		ck_assert_uint_eq(r->status, 429);
		reply_wants(r, "Retry-After", "1");
	}
	return through;
}

START_TEST(requests)
{
	enum { N = 60 };
	struct daemon *d =
	    daemon_start("limit_rate 2/s per_address burst 20;\n" ANSWER);
	struct client *one = daemon_connect(d), *two = daemon_connect(d);
	struct client *other;
	struct reply *r;
	int fd, through;

	for (int i = 0; i < N; i++)
		client_puts(i % 2 ? one : two, GET);
	through = read_answers(one, N / 2) + read_answers(two, N / 2);
	/* two workers have one bucket */
	ck_assert_msg(through >= 20 && through < 40, "%d", through);
	ck_assert(metric(d, "baton_worker_limited_total") == N - through);
	/* others have another one */
	fd = connect_from(d, 2);
	other = client_new(&fd);
	client_expect(other, GET, 200);
	/* content that nobody wants any more is read */
	do
		r = client_ask(one,
		    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
		    "\r\nhello");
	while (r->status == 200);
	ck_assert_uint_eq(r->status, 429);
	/* and who waits is served, on the same connection */
	while (client_ask(one, GET)->status != 200)
		;
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(per_address)
{
	TCase *t = bt_system_case(s, "connections");

	tcase_add_test(t, connections);
	tcase_add_test(t, unix_sockets_are_exempt);
	tcase_add_test(t, counted_through_reload_and_crash);
	tcase_add_test(t, counted_through_rescue);
	tcase_add_test(t, turned_on_and_off);

	t = bt_system_case(s, "rate");
	tcase_add_test(t, new_connections);
	tcase_add_test(t, requests);
}
