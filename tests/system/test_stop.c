/*
 * Stopping: what is in flight is finished, what is idle is closed, and in the
 * end nothing is left.
 */

#include "tests/system/system.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define ANSWER "route = / { return 200 \"x\"; }\n"

enum { BIG = 8 * 1024 * 1024 };

static char *noise;

/* A site with one file that no socket buffer holds. */
static struct daemon *
start_with_big(const char *globals)
{
	noise = scratch_alloc(BIG);
	scratch_noise(noise, BIG, 3);
	scratch_file("site/big", noise, BIG);
	return daemon_start(scratch_printf("%s\nserver { " ANSWER
					   "route / { root @DIR@/site; } "
					   "route /echo { echo; } }\n",
	    globals));
}

/* A client in the middle of the answer. */
static struct client *
begin_big(struct daemon *d)
{
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 4096);

	client_puts(c, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 100);
	return c;
}

static const int graceful[] = { SIGTERM, SIGQUIT, SIGINT };

START_TEST(answer_in_flight_is_finished)
{
	struct daemon *d = start_with_big("");
	struct client *idle = daemon_connect(d), *busy;

	client_expect(idle, GET, 200);
	busy = begin_big(d);
	kill(d->pid, graceful[_i]);
	client_expect_eof(idle);
	reply_wants_content(client_read(busy, "GET"), noise, BIG);
	client_expect_eof(busy);
	client_close_all();
	daemon_ended(d, 0);
}
END_TEST

/* Content that is still on its way in is in flight, too. */
START_TEST(content_in_flight_is_finished)
{
	struct daemon *d = start_with_big("");
	struct client *idle = daemon_connect(d), *busy = daemon_connect(d);
	struct reply *r;

	client_expect(idle, GET, 200);
	client_puts(busy,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "10\r\n\r\n01234");
	client_peek(busy, 15); /* the answer has begun */
	kill(d->pid, SIGTERM);
	client_expect_eof(idle);
	client_puts(busy, "56789");
	r = client_read(busy, "POST");
	reply_wants_text(r, "0123456789");
	client_expect_eof(busy);
	client_close_all();
	daemon_ended(d, 0);
}
END_TEST

/*
 * Of a request whose half had arrived the other half is awaited, and the answer
 * says that it is the last.
 */
START_TEST(half_a_request_may_be_completed)
{
	struct daemon *d = start_with_big("workers 1;");
	struct client *idle = daemon_connect(d), *half = daemon_connect(d);
	struct reply *r;

	client_expect(idle, GET, 200);
	client_puts(half, "GET / HTTP/1.1\r\nHo");
	client_expect(idle, GET, 200); /* by now the half was read */
	kill(d->pid, SIGTERM);
	client_expect_eof(idle);
	client_puts(half, "st: t\r\n\r\n");
	r = client_read(half, "GET");
	ck_assert_msg(r->closes, "no Connection: close in %s", r->head);
	client_expect_eof(half);
	client_close_all();
	daemon_ended(d, 0);
}
END_TEST

/* Who never sends the other half cannot hold the server up for ever. */
START_TEST(half_a_request_for_ever)
{
	struct daemon *d = start_with_big(
	    "workers 1; drain_timeout 300ms; header_timeout 60s;");
	struct client *half = daemon_connect(d), *idle = daemon_connect(d);

	client_expect(half, GET, 200);
	client_expect(idle, GET, 200);
	client_puts(half, "GET / HTTP/1.1\r\nHo");
	client_expect(idle, GET, 200); /* by now the half was read */
	kill(d->pid, SIGTERM);
	client_expect_end(half);
	client_close_all();
	daemon_ended(d, 1); /* a connection had to be cut */
}
END_TEST

/* Nor who does not read. */
START_TEST(reader_for_ever)
{
	struct daemon *d = start_with_big("drain_timeout 300ms;");
	struct client *busy = begin_big(d);

	kill(d->pid, SIGTERM);
	daemon_ended(d, 1);
	client_close(busy);
}
END_TEST

START_TEST(second_interrupt_stops_at_once)
{
	struct daemon *d = start_with_big("drain_timeout 60s;");
	struct client *idle = daemon_connect(d), *busy;

	client_expect(idle, GET, 200);
	busy = begin_big(d);
	kill(d->pid, SIGINT);
	client_expect_eof(idle);
	kill(d->pid, SIGINT);
	daemon_ended(d, 1);
	client_close(busy);
}
END_TEST

/* `quit` waits for what is in flight, and reports the end of it. */
START_TEST(ask_to_quit_with_something_in_flight)
{
	struct daemon *d = start_with_big("");
	struct client *idle = daemon_connect(d), *busy;
	struct spawn s = { .args = (const char *const[]){ "-s", "quit", "-c",
			       d->conf, NULL },
		.out = "quit.out",
		.err = "quit.err" };
	pid_t asking;

	client_expect(idle, GET, 200);
	busy = begin_big(d);
	asking = spawn_start(&s);
	client_expect_eof(idle);
	ck_assert(proc_is_alive(asking));
	reply_wants_content(client_read(busy, "GET"), noise, BIG);
	client_close_all();
	ck_assert_msg(wait_exit(asking, "baton -s quit") == 0, "%s",
	    scratch_read("quit.err", NULL));
	daemon_ended(d, 0);
}
END_TEST

START_TEST(pid_file)
{
	struct daemon *d = start_with_big("");

	ck_assert_str_eq(scratch_read("baton.pid", NULL),
	    scratch_printf("%d\n", (int)d->pid));
	daemon_stop(d); /* wants that it is gone */
}
END_TEST

/* systemd is told of the end before it comes. */
START_TEST(says_stopping)
{
	struct daemon *d = start_with_big("");
	struct client *busy = begin_big(d);
	char message[1024] = "";

	kill(d->pid, SIGTERM);
	while (strstr(message, "STOPPING=1") == NULL) {
		ssize_t n;

		ck_assert(wait_for(d->notify_fd, POLLIN, wait_deadline()));
		n = recv(d->notify_fd, message, sizeof(message) - 1, 0);
		ck_assert_int_ge(n, 0);
		message[n] = '\0';
	}
	ck_assert(proc_is_alive(d->pid));
	reply_wants_content(client_read(busy, "GET"), noise, BIG);
	client_close_all();
	daemon_ended(d, 0);
}
END_TEST

/* The control socket is nobody else's. */
START_TEST(control_socket_is_private)
{
	struct daemon *d = start_with_big("");
	struct stat st;

	ck_assert_int_eq(stat(scratch_path("baton.sock"), &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 077, 0);
	daemon_stop(d);
}
END_TEST

/* What the client sees as accepted is served, also in the last moment. */
static bool
drains(void *daemon)
{
	return strstr(daemon_stderr(daemon), "drains, asked to") != NULL;
}

/*
 * A request that was still on its way is awaited for half a second: on a busy
 * machine this test may be too late for that, so it has some tries.
 */
START_TEST(connected_before_and_asked_after_the_signal)
{
	bool answered = false;

	for (int i = 0; i < 5 && !answered; i++) {
		struct daemon *d = start_with_big("workers 1;");
		struct client *c = daemon_connect(d),
			      *other = daemon_connect(d);
		struct reply *r = NULL;

		client_expect(other, GET, 200); /* by now the first was taken */
		kill(d->pid, SIGTERM);
		wait_until(drains, d, "the worker to drain");
		if (client_send(c, GET, sizeof(GET) - 1))
			r = client_try_read(c, "GET");
		if (r != NULL) {
			ck_assert_uint_eq(r->status, 200);
			ck_assert(r->closes);
			answered = true;
		}
		client_close_all();
		daemon_ended(d, 0);
		unlink(scratch_path("stderr"));
	}
	ck_assert(answered);
}
END_TEST

/* A signal to all of the group, as a terminal or timeout(1) sends it. */
START_TEST(workers_get_the_signal_too)
{
	struct daemon *d = start_with_big("");
	struct client *busy = begin_big(d);
	pid_t workers[PROC_CHILDREN_MAX];
	size_t n = daemon_workers(d, workers);

	for (size_t i = 0; i < n; i++)
		kill(workers[i], SIGTERM);
	kill(d->pid, SIGTERM);
	for (size_t i = 0; i < n; i++)
		kill(workers[i], SIGTERM);
	reply_wants_content(client_read(busy, "GET"), noise, BIG);
	client_close_all();
	daemon_ended(d, 0);
}
END_TEST

/* A worker that dies with an answer in progress: the exit status says so. */
START_TEST(worker_dies_while_it_drains)
{
	struct daemon *d = start_with_big("workers 1;");
	struct client *busy = begin_big(d);
	pid_t workers[PROC_CHILDREN_MAX];

	ck_assert_uint_eq(daemon_workers(d, workers), 1);
	kill(d->pid, SIGTERM);
	wait_until(drains, d, "the worker to drain");
	kill(workers[0], SIGKILL);
	client_close(busy);
	daemon_ended(d, 1);
}
END_TEST

START_TEST(connected_before_the_signal)
{
	enum { N = 50 };
	struct daemon *d = start_with_big("");
	struct client *c[N];

	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET);
	}
	kill(d->pid, SIGTERM);
	for (int i = 0; i < N; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	client_close_all();
	daemon_ended(d, 0);
}
END_TEST

/*
 * The same on kept connections: a request that the kernel has already is in
 * flight.  The worker sleeps while both arrive, its orders and the requests.
 */
START_TEST(sent_on_kept_connections_before_the_signal)
{
	enum { N = 20 };
	struct daemon *d = start_with_big("workers 1;");
	struct client *c[N];
	pid_t worker[PROC_CHILDREN_MAX];

	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_expect(c[i], GET, 200);
	}
	kill(worker[0], SIGSTOP);
	for (int i = 0; i < N; i++)
		client_puts(c[i], GET);
	kill(d->pid, SIGTERM);
	while (strstr(daemon_stderr(d), "draining") == NULL)
		poll(NULL, 0, 1);
	kill(worker[0], SIGCONT);
	for (int i = 0; i < N; i++)
		reply_wants_text(client_read(c[i], "GET"), "x");
	client_close_all();
	daemon_ended(d, 0);
}
END_TEST

/* `stop` does not wait: what is in flight is cut, and the end is reported. */
START_TEST(ask_to_stop_with_something_in_flight)
{
	struct daemon *d = start_with_big("drain_timeout 60s;");
	struct client *busy = begin_big(d);
	struct spawn_result r = spawn_run_with("-s", "stop", "-c", d->conf);

	ck_assert_msg(r.status == 0, "%s", r.err);
	daemon_ended(d, 1);
	client_close(busy);
}
END_TEST

BT_SYSTEM_SUITE(stop)
{
	TCase *tc = bt_system_case(s, "stop");

	tcase_add_loop_test(
	    tc, answer_in_flight_is_finished, 0, BT_ROWS(graceful));
	tcase_add_test(tc, content_in_flight_is_finished);
	tcase_add_test(tc, half_a_request_may_be_completed);
	tcase_add_test(tc, half_a_request_for_ever);
	tcase_add_test(tc, reader_for_ever);
	tcase_add_test(tc, second_interrupt_stops_at_once);
	tcase_add_test(tc, ask_to_quit_with_something_in_flight);
	tcase_add_test(tc, ask_to_stop_with_something_in_flight);
	tcase_add_test(tc, connected_before_the_signal);
	tcase_add_test(tc, workers_get_the_signal_too);
	tcase_add_test(tc, worker_dies_while_it_drains);
	tcase_add_test(tc, connected_before_and_asked_after_the_signal);
	tcase_add_test(tc, sent_on_kept_connections_before_the_signal);
	tc = bt_system_case(s, "files");
	tcase_add_test(tc, pid_file);
	tcase_add_test(tc, says_stopping);
	tcase_add_test(tc, control_socket_is_private);
}
