/*
 * Clients that are slow on purpose, and all other limits: who is past one gets
 * its answer, its connection ends, and the books know for which.
 */

#include "tests/system/system.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define SERVER \
	"server { route = / { return 200 \"x\"; } route /echo { echo; } }\n"

#define CLOSED "baton_worker_closed_total"

struct closes {
	struct daemon *daemon;
	const char *reason;
};

static bool
has_closed(void *arg)
{
	struct closes *c = arg;

	return metrics_where(
		   daemon_metrics(c->daemon), CLOSED, "reason", c->reason) >= 1;
}

static void
await_closed(struct daemon *d, const char *reason)
{
	struct closes c = { d, reason };

	wait_until(has_closed, &c, reason);
}

/* A time that is as many times longer as this run is slower. */
static int
ms(int usual)
{
	return (int)(usual * wait_factor());
}

/*
 * A byte now and then is content, and does not buy time: what there is of the
 * answer is cut, and does not look complete.
 */
START_TEST(slow_post)
{
	struct daemon *d =
	    daemon_start("body_timeout 500ms; min_body_rate 10k/s;\n" SERVER);
	struct client *c = daemon_connect(d);
	const char *text;
	size_t n;

	client_puts(c,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "100000\r\n\r\nx");
	for (int i = 0; i < 100000 && client_send(c, "x", 1); i++)
		poll(NULL, 0, 20);
	text = client_peek_all(c, &n);
	ck_assert_uint_gt(n, 12);
	ck_assert_int_eq(strncmp(text, "HTTP/1.1 200", 12), 0);
	ck_assert_uint_lt(n, 100000);
	client_skip(c, n);
	client_close(c);
	await_closed(d, "body_rate");
	daemon_stop(d);
}
END_TEST

/* The same for content that nobody wants. */
START_TEST(slow_post_behind_the_answer)
{
	struct daemon *d =
	    daemon_start("body_timeout 500ms; min_body_rate 10k/s;\n" SERVER);
	struct client *c = daemon_connect(d);

	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n");
	reply_wants_text(client_read(c, "POST"), "x");
	while (client_send(c, "x", 1))
		poll(NULL, 0, 20);
	client_close(c);
	await_closed(d, "body_rate");
	daemon_stop(d);
}
END_TEST

static void
post_slowly(const char *rate)
{
	struct daemon *d = daemon_start(scratch_printf(
	    "body_timeout %dms; min_body_rate %s;\n" SERVER, ms(500), rate));
	struct client *c = daemon_connect(d);
	const int pieces = 3 * 500 / 20; /* three timeouts */
	struct reply *r;

	client_puts(c,
	    scratch_printf("POST /echo HTTP/1.1\r\nHost: t\r\n"
			   "Content-Length: %d\r\n\r\n",
		10 * pieces));
	for (int i = 0; i < pieces; i++) {
		ck_assert(client_send(c, "0123456789", 10));
		poll(NULL, 0, ms(20));
	}
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 200);
	ck_assert_uint_eq(r->content_n, (size_t)(10 * pieces));
	daemon_stop(d);
}

/* Who keeps the pace may take longer than any timeout. */
START_TEST(post_at_the_pace)
{
	post_slowly("10/s");
}
END_TEST

/* Without a least pace a byte is enough. */
START_TEST(post_without_a_pace)
{
	post_slowly("off");
}
END_TEST

enum { BIG = 16 * 1024 * 1024 };

static struct client *
ask_for_big(struct daemon *d)
{
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 4096);

	client_puts(c, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
	return c;
}

static struct daemon *
start_with_big(const char *conf)
{
	char *noise = scratch_alloc(BIG);

	scratch_noise(noise, BIG, 1);
	scratch_file("big", noise, BIG);
	return daemon_start(
	    scratch_printf("%s\nserver { route / { root @DIR@; } }\n", conf));
}

/* Reads `n` bytes each 10 ms, `times` times, until the end; false: that came.
 */
static bool
sip(struct client *c, size_t n, int times)
{
	char *bytes = scratch_alloc(n);

	for (int i = 0; i < times; i++) {
		ck_assert(wait_for(client_fd(c), POLLIN, wait_deadline()));
		if (read(client_fd(c), bytes, n) <= 0)
			return false;
		poll(NULL, 0, 10);
	}
	return true;
}

/* Who takes too little of an answer does not hold it for ever. */
START_TEST(slow_read)
{
	struct daemon *d =
	    start_with_big("send_timeout 500ms; min_send_rate 1m/s;");
	struct client *c = ask_for_big(d);

	ck_assert(!sip(c, 2048, BIG / 2048));
	client_close(c);
	await_closed(d, "send_rate");
	daemon_stop(d);
}
END_TEST

/*
 * What counts is what the client takes, not when the kernel asks for more: its
 * buffer holds more than this one takes in a timeout.
 */
START_TEST(read_at_the_pace)
{
	struct daemon *d = start_with_big(
	    scratch_printf("send_timeout %dms; min_send_rate 1k/s;", ms(1000)));
	struct client *c = ask_for_big(d);

	/* much more in a timeout than the steps in which a window opens */
	ck_assert(sip(c, 1024, 300 * (int)(wait_factor() + 0.5)));
	client_close(c);
	daemon_stop(d);
}
END_TEST

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND \
	HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED \
	    HUNDRED HUNDRED

static const struct {
	const char *conf, *request;
	unsigned status; /* 0: the client leaves amid its request */
	const char *reason;
} causes[] = {
	{ "max_header_size 1k;",
	    "GET / HTTP/1.1\r\nHost: t\r\nX: " THOUSAND "\r\n\r\n", 431,
	    "header_size" },
	{ "max_header_size 1k;",
	    "GET /" THOUSAND THOUSAND " HTTP/1.1\r\nHost: t\r\n\r\n", 414,
	    "header_size" },
	{ "max_body_size 5;",
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\n", 413,
	    "body_size" },
	{ "max_body_size 5;",
	    "POST /echo HTTP/1.1\r\nHost: t\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n6\r\n",
	    413, "body_size" },
	{ "keepalive_requests 1;", GET, 200, "keepalive_requests" },
	{ "keepalive_timeout 10ms;", GET, 200, "idle_timeout" },
	{ "header_timeout 10ms;", "GET / HTTP", 408, "header_timeout" },
	{ "body_timeout 10ms;",
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\n", 408,
	    "body_timeout" },
	{ "", "GET / HTTP/1.1\r\n\r\n", 400, "bad_request" },
	{ "",
	    "POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
	    "Content-Length: 6\r\n\r\nfive!",
	    0, "reset" },
	{ "", "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 200,
	    "done" },
};

/* Each limit has its answer, and its count; none is counted as another. */
START_TEST(cause)
{
	struct daemon *d = daemon_start(
	    scratch_printf("%s workers 1;\n" SERVER, causes[_i].conf));
	struct client *c = daemon_connect(d);
	const struct metrics *m;

	client_set_context(causes[_i].conf);
	client_puts(c, causes[_i].request);
	if (causes[_i].status == 0) {
		client_finish_sending(c);
	} else {
		ck_assert_uint_eq(
		    client_read(c, "GET")->status, causes[_i].status);
		client_expect_end(c);
	}
	client_close(c);
	await_closed(d, causes[_i].reason);
	m = daemon_metrics(d); /* the only ones that were closed */
	ck_assert_double_eq(metrics_where(m, CLOSED, "worker", "0"),
	    metrics_where(m, CLOSED, "reason", causes[_i].reason));
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(slow)
{
	TCase *tc = bt_system_case(s, "pace");

	tcase_add_test(tc, slow_post);
	tcase_add_test(tc, slow_post_behind_the_answer);
	tcase_add_test(tc, post_at_the_pace);
	tcase_add_test(tc, post_without_a_pace);
	tcase_add_test(tc, slow_read);
	tcase_add_test(tc, read_at_the_pace);
	tc = bt_system_case(s, "causes");
	tcase_add_loop_test(tc, cause, 0, BT_ROWS(causes));
}
