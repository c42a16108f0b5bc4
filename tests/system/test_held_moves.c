/*
 * Requests that a proxy holds while the workers under them change: each goes to
 * another worker whole, keeps its place, and is answered once.  The test is the
 * server.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BYE \
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

enum { CLIENTS = 12, BIG = 256 * 1024 };

static struct origin origin;
static struct client *clients[CLIENTS];

static char *
conf(unsigned workers, const char *inner, const char *globals)
{
	return scratch_printf(
	    "workers %u;\n%s\n"
	    "drain_timeout 1s;\n"
	    "server {\n"
	    "    max_body_size 1g;\n"
	    "    route / { proxy http://127.0.0.1:%u { %s } }\n"
	    "    route = /fixed { return 200 x; }\n"
	    "}\n",
	    workers, globals, origin.port,
	    inner[0] ? inner : "try_duration 60s; try_interval 5ms;");
}

static struct daemon *
start(unsigned workers)
{
	origin_reserve(&origin);
	return daemon_start(conf(workers, "", ""));
}

static double
metric(struct daemon *d, const char *name)
{
	return metrics_sum(
	    daemon_metrics(d), scratch_printf("baton_worker_%s", name));
}

struct wanted {
	struct daemon *d;
	double n;
};

static bool
are_held(void *arg)
{
	const struct wanted *w = arg;

	return metric(w->d, "proxy_held") == w->n;
}

static void
await_held(struct daemon *d, unsigned n)
{
	struct wanted w = { d, n };

	wait_until(are_held, &w, scratch_printf("%u held", n));
}

static const char *
method_of(int i)
{
	return i % 3 == 0 ? "GET" : "POST";
}

/* Some with content that came with the head, some with more than fits there. */
static void
ask(struct daemon *d, int i)
{
	clients[i] = daemon_connect(d);
	if (i % 3 == 0)
		client_puts(clients[i],
		    scratch_printf("GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i));
	else if (i % 3 == 1)
		client_puts(clients[i],
		    scratch_printf("POST /%d HTTP/1.1\r\nHost: h\r\n"
				   "Content-Length: 5\r\n\r\n%05d",
			i, i));
	else
		client_puts(clients[i],
		    scratch_printf("POST /%d HTTP/1.1\r\nHost: h\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n"
				   "5\r\n%05d\r\n0\r\n\r\n",
			i, i));
}

static void
ask_all(struct daemon *d)
{
	for (int i = 0; i < CLIENTS; i++) {
		ask(d, i);
		await_held(d, (unsigned)i + 1);
	}
}

/* The next one; which it was. */
static int
serve(void)
{
	struct client *o = origin_accept(&origin);
	int i = atoi(strchr(origin_read(o), '/') + 1);
	const char *want = scratch_printf("%05d", i);
	size_t at = i % 3 == 2 ? 3 : 0;

	if (i % 3 != 0)
		ck_assert_int_eq(
		    memcmp(client_peek(o, at + 5) + at, want, 5), 0);
	client_puts(o, BYE);
	reply_wants_text(client_read(clients[i], method_of(i)), "ok");
	client_close(o);
	return i;
}

/* Each once, and those that go alone in their order. */
static void
serve_all(struct daemon *d)
{
	bool served[CLIENTS] = { false };

	origin_listen(&origin);
	for (int n = 0; n < CLIENTS; n++) {
		int i = serve();

		ck_assert(n > 1 || i == n);
		ck_assert(!served[i]);
		served[i] = true;
	}
	await_held(d, 0);
}

static bool
has_left(void *arg)
{
	return kill(*(pid_t *)arg, 0) == -1;
}

/* They leave though they had requests that would wait for a minute. */
static void
await_left(const pid_t *workers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pid_t pid = workers[i];

		wait_until(has_left, &pid, "the old worker's end");
	}
}

static void
wants_balance(struct daemon *d)
{
	const struct metrics *m = daemon_metrics(d);

	ck_assert(metrics_sum(m, "baton_worker_proxy_holds_total") ==
	    metrics_sum(m, "baton_worker_proxy_held_released_total") +
		metrics_sum(m, "baton_worker_proxy_held_given_up_total") +
		metrics_sum(m, "baton_worker_proxy_held_left_total") +
		metrics_sum(m, "baton_worker_proxy_held_moved_total"));
	ck_assert(metrics_sum(m, "baton_worker_proxy_held_left_total") == 0);
	ck_assert(metrics_sum(m, "baton_connections_lost_total") == 0);
}

/* 0: reload, 1: upgrade. */
START_TEST(new_generation)
{
	struct daemon *d = start(2);
	pid_t workers[PROC_CHILDREN_MAX];
	struct spawn_result r;

	ask_all(d);
	for (int round = 0; round < 2; round++) {
		size_t n = daemon_workers(d, workers);

		r = spawn_run_with(
		    "-s", _i ? "upgrade" : "reload", "-c", d->conf);
		ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
		await_left(workers, n);
		await_held(d, CLIENTS);
	}
	ck_assert(metric(d, "proxy_held_moved_total") == 2 * CLIENTS);
	ck_assert_ptr_null(strstr(daemon_stderr(d), "are cut"));
	serve_all(d);
	wants_balance(d);
	daemon_stop(d);
}
END_TEST

/* A worker retires; its requests wait with the others, in one order. */
START_TEST(resize)
{
	struct daemon *d = start(2);
	pid_t workers[PROC_CHILDREN_MAX];

	ask_all(d);
	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	kill(d->pid, SIGTTOU);
	await_left(&workers[1], 1);
	await_held(d, CLIENTS);
	serve_all(d);
	wants_balance(d);
	daemon_stop(d);
}
END_TEST

/* More than a handover can carry has come, and waits where it is. */
START_TEST(large_content)
{
	char *bytes = malloc(BIG);
	struct daemon *d = start(1);
	struct client *c = daemon_connect(d), *o;

	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	client_puts(c,
	    scratch_printf("POST /0 HTTP/1.1\r\nHost: h\r\n"
			   "Content-Length: %u\r\n\r\n",
		BIG));
	client_send(c, bytes, BIG);
	await_held(d, 1);
	daemon_reload(d);
	ck_assert(metric(d, "proxy_held_moved_total") == 1);
	await_held(d, 1);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	ck_assert_int_eq(memcmp(client_peek(o, BIG), bytes, BIG), 0);
	client_puts(o, BYE);
	ck_assert_uint_eq(client_read(c, "POST")->status, 200);
	free(bytes);
	daemon_stop(d);
}
END_TEST

/* The time of its wait does not begin anew, nor is it counted twice. */
START_TEST(its_time_and_its_rate)
{
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	d = daemon_start(conf(1, "try_duration 1500ms; try_interval 5ms;",
	    "limit_rate 1/s per_address burst 1;"));
	c = daemon_connect(d);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	await_held(d, 1);
	for (int i = 0; i < 3; i++)
		daemon_reload(d);
	ck_assert_uint_eq(client_read(c, "GET")->status, 502);
	ck_assert(metric(d, "limited_total") == 0);
	ck_assert(metric(d, "proxy_held_given_up_total") == 1);
	daemon_stop(d);
}
END_TEST

/* The new conf answers it otherwise. */
START_TEST(another_conf)
{
	struct daemon *d = start(1);

	ask(d, 1);
	await_held(d, 1);
	daemon_reload_with(d, "server { route / { echo; } }");
	reply_wants_text(client_read(clients[1], "POST"), "00001");
	client_puts(clients[1], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	ck_assert_uint_eq(client_read(clients[1], "GET")->status, 200);
	daemon_stop(d);
}
END_TEST

/* What follows on its connection stays behind it. */
START_TEST(pipelined)
{
	struct daemon *d = start(1);
	struct client *c = daemon_connect(d), *o;

	client_puts(c,
	    "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n"
	    "GET /0 HTTP/1.1\r\nHost: h\r\n\r\n"
	    "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n");
	reply_wants_text(client_read(c, "GET"), "x");
	await_held(d, 1);
	daemon_reload(d);
	await_held(d, 1);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	client_puts(o, BYE);
	reply_wants_text(client_read(c, "GET"), "ok");
	reply_wants_text(client_read(c, "GET"), "x");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(held_moves)
{
	TCase *tc = bt_system_case(s, "held requests move");

	tcase_add_loop_test(tc, new_generation, 0, 2);
	tcase_add_test(tc, resize);
	tcase_add_test(tc, large_content);
	tcase_add_test(tc, its_time_and_its_rate);
	tcase_add_test(tc, another_conf);
	tcase_add_test(tc, pipelined);
}
