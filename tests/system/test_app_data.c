/*
 * src/apps/data.c: CPU that is burnt beside the loop does not hold up what the
 * same worker answers; on the loop it does, and is seen.
 */

#include "tests/system/apps.h"
#include "tests/system/system.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define GET_DATA "GET /data HTTP/1.1\r\nHost: t\r\n\r\n"
#define GET_ONCE "GET / HTTP/1.1\r\nHost: t\r\n\r\n"

static struct daemon *
start(const char *globals, const char *settings)
{
	return daemon_start(scratch_printf(
	    "workers 1;\n%s\nserver { route / { app %s { %s } } }\n", globals,
	    apps_path("data"), settings));
}

/* It did what it says: the primes below 65536, for so long. */
static void
wants_work(const struct reply *r, int least_us)
{
	unsigned primes, rounds;
	int us;

	ck_assert_uint_eq(r->status, 200);
	reply_wants(r, "Content-Type", "application/json");
	ck_assert_int_eq(
	    sscanf(r->content, "{\"primes\":%u,\"rounds\":%u,\"cpu_us\":%d}",
		&primes, &rounds, &us),
	    3);
	ck_assert_uint_eq(primes, 6542);
	ck_assert_uint_gt(rounds, 0);
	ck_assert_int_ge(us, least_us);
}

static const char *const places[] = { "offload on;", "offload off;" };

START_TEST(works_on_and_beside_the_loop)
{
	struct daemon *d = start("", places[_i]);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 3; i++) {
		wants_work(client_expect(c, GET_DATA, 200), 4000);
		reply_wants_text(client_expect(c, GET_ONCE, 200), "at once\n");
	}
	client_expect(c, "GET /else HTTP/1.1\r\nHost: t\r\n\r\n", 404);
	client_expect(c,
	    "PUT /data HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 405);
	daemon_stop(d);
}
END_TEST

/* A second of work: others are answered by the same worker meanwhile. */
START_TEST(others_are_answered_meanwhile)
{
	struct daemon *d = start("offload_threads 1;", "cpu 1s;");
	struct client *busy = daemon_connect(d), *c = daemon_connect(d);

	client_puts(busy, GET_DATA);
	for (int i = 0; i < 20; i++)
		client_expect(c, GET_ONCE, 200);
	ck_assert_uint_eq(client_waiting(busy), 0);
	wants_work(client_read(busy, "GET"), 1000000);
	ck_assert_double_eq(
	    metrics_sum(daemon_metrics(d), "baton_worker_slow_callbacks_total"),
	    0);
	daemon_stop(d);
}
END_TEST

/* On the loop it is counted, and said once. */
START_TEST(work_on_the_loop_is_seen)
{
	struct daemon *d =
	    start("slow_callback 2ms;", "offload off; cpu 20ms;");
	struct client *c = daemon_connect(d);
	const char *said;

	for (int i = 0; i < 3; i++)
		wants_work(client_expect(c, GET_DATA, 200), 20000);
	ck_assert_double_eq(
	    metrics_sum(daemon_metrics(d), "baton_worker_slow_callbacks_total"),
	    3);
	said = strstr(daemon_stderr(d), "a function took");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_nonnull(strstr(daemon_stderr(d), "\"GET /data\": a f"));
	ck_assert_ptr_null(strstr(said + 1, "a function took"));
	daemon_stop(d);
}
END_TEST

/*
 * More than the threads and their queue can take: each client gets the work or
 * 503 with Retry-After, and none waits for ever.
 */
START_TEST(too_much_is_refused_clearly)
{
	enum { N = 400 };
	struct daemon *d = start("offload_threads 1;", "cpu 4ms;");
	struct client *c[N];
	unsigned done = 0, refused = 0;

	for (int i = 0; i < N; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET_DATA);
	}
	for (int i = 0; i < N; i++) {
		struct reply *r = client_read(c[i], "GET");

		if (r->status == 503) {
			ck_assert_ptr_nonnull(reply_field(r, "Retry-After"));
			refused++;
		} else {
			wants_work(r, 4000);
			done++;
		}
		client_close(c[i]);
	}
	ck_assert_uint_eq(done + refused, N);
	ck_assert_uint_gt(done, 0);
	client_expect(daemon_connect(d), GET_DATA, 200);
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *settings, *said;
} wrong[] = {
	{ "cpu 0;", "cpu must be from 1ms to 10s" },
	{ "cpu 1h;", "cpu must be from 1ms to 10s" },
	{ "cpu much;", "not \"much\"" },
	{ "offload maybe;", "offload: on or off, not \"maybe\"" },
	{ "ofload on;", "did you mean \"offload\"?" },
};

START_TEST(settings_are_checked)
{
	const char *conf = daemon_write_conf("wrong.conf",
	    scratch_printf("server { route / { app %s { %s } } }\n",
		apps_path("data"), wrong[_i].settings),
	    1);
	struct spawn_result r = spawn_run_with("-t", "-c", conf);

	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.err, wrong[_i].said) != NULL, "%s", r.err);
}
END_TEST

BT_SYSTEM_SUITE(app_data)
{
	TCase *tc = bt_system_case(s, "work");

	tcase_add_loop_test(
	    tc, works_on_and_beside_the_loop, 0, BT_ROWS(places));
	tcase_add_test(tc, others_are_answered_meanwhile);
	tcase_add_test(tc, work_on_the_loop_is_seen);
	tcase_add_test(tc, too_much_is_refused_clearly);
	tcase_add_loop_test(tc, settings_are_checked, 0, BT_ROWS(wrong));
}
