/*
 * A proxy that holds: requests wait for a server, in their order, through what
 * happens meanwhile, and all of them are counted.  The test is the server.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define BYE \
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

enum { CLIENTS = 10 };

static struct origin origin, other;
static struct client *clients[CLIENTS];

static struct daemon *
start(const char *workers, const char *inner)
{
	return daemon_start(
	    scratch_printf("workers %s;\n"
			   "upstream app { server 127.0.0.1:%u; %s }\n"
			   "server {\n"
			   "    route / { proxy app { try_duration 60s; "
			   "try_interval 5ms; } }\n"
			   "    route = /fixed { return 200 x; }\n"
			   "}\n",
		workers, origin.port, inner));
}

static double
metric(struct daemon *d, const char *name)
{
	return metrics_sum(
	    daemon_metrics(d), scratch_printf("baton_worker_proxy_%s", name));
}

static struct held {
	struct daemon *daemon;
	unsigned n;
} held;

static bool
are_held(void *arg)
{
	const struct held *h = arg;

	return metric(h->daemon, "held") == h->n;
}

static void
wait_held(struct daemon *d, unsigned n)
{
	held = (struct held){ d, n };
	wait_until(are_held, &held, "so many are held");
}

static bool
have_failed(void *arg)
{
	const struct held *h = arg;

	return metric(h->daemon, "connects_failed_total") > h->n;
}

/* One more was refused. */
static void
wait_probe(struct daemon *d)
{
	held = (struct held){ d, (unsigned)metric(d, "connects_failed_total") };
	wait_until(have_failed, &held, "a connection is refused");
}

/* Request `i`: every other one is not to be repeated. */
static const char *
method_of(int i)
{
	return i % 2 ? "POST" : "GET";
}

static void
ask_all(struct daemon *d)
{
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = daemon_connect(d);
		client_puts(clients[i],
		    scratch_printf("%s /%d HTTP/1.1\r\nHost: h\r\n"
				   "Content-Length: 1\r\n\r\nx",
			method_of(i), i));
		wait_held(d, (unsigned)i + 1);
	}
}

/* The origin takes the next request; the number in it. */
static int
serve_one(struct client **ret)
{
	const char *head;

	*ret = origin_accept(&origin);
	head = origin_read(*ret);
	client_skip(*ret, 1);
	return atoi(strchr(head, '/') + 1);
}

/* They come in their order, of whichever worker, and one at a time at first. */
START_TEST(in_order)
{
	struct daemon *d;
	struct client *o;

	origin_reserve(&origin);
	d = start("2", "");
	ask_all(d);
	ck_assert(metric(d, "held_longest_seconds") >= 0);
	origin_listen(&origin);
	for (int i = 0; i < CLIENTS; i++) {
		int n = serve_one(&o);

		if (i < 2) {
			ck_assert_int_eq(n, i);
			ck_assert(!origin_is_called(&origin));
		}
		client_puts(o, BYE);
		client_close(o);
		reply_wants_text(client_read(clients[n], method_of(n)), "ok");
		client_close(clients[n]);
	}
	ck_assert_double_eq(metric(d, "holds_total"), CLIENTS);
	ck_assert_double_eq(metric(d, "held_released_total"), CLIENTS);
	ck_assert_double_eq(metric(d, "held"), 0);
	daemon_stop(d);
}
END_TEST

/*
 * A server that takes one request, closes its listener and is another one then:
 * every request is answered, in its order, and none is lost.
 */
START_TEST(one_by_one)
{
	struct daemon *d;
	struct client *o;

	origin_reserve(&origin);
	d = start("2", "");
	ask_all(d);
	for (int i = 0; i < CLIENTS; i++) {
		origin_listen(&origin);
		ck_assert_int_eq(serve_one(&o), i);
		origin_restart(&origin);
		client_puts(o, BYE);
		client_close(o);
		reply_wants_text(client_read(clients[i], method_of(i)), "ok");
		if (i < CLIENTS - 1)
			wait_probe(d);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(through_a_reload)
{
	struct daemon *d;
	struct client *o;

	origin_reserve(&origin);
	d = start("2", "");
	ask_all(d);
	daemon_reload(d);
	origin_listen(&origin);
	for (int i = 0; i < CLIENTS; i++) {
		int n = serve_one(&o);

		client_puts(o, BYE);
		client_close(o);
		reply_wants_text(client_read(clients[n], method_of(n)), "ok");
	}
	daemon_stop(d);
}
END_TEST

START_TEST(too_many)
{
	const struct reply *r;
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	d = start("1", "hold_requests 2;");
	for (unsigned i = 0; i < 2; i++) {
		clients[i] = daemon_connect(d);
		client_puts(clients[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
		wait_held(d, i + 1);
	}
	c = daemon_connect(d);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, 503);
	ck_assert_ptr_nonnull(reply_field(r, "Retry-After"));
	ck_assert_double_eq(metric(d, "hold_refused_total"), 1);
	client_close(clients[0]); /* it leaves its place */
	wait_held(d, 1);
	ck_assert_double_eq(metric(d, "held_left_total"), 1);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_held(d, 2);
	daemon_stop(d);
}
END_TEST

/* Lost: 502 and never twice.  Those behind it are not lost with it. */
START_TEST(lost_alone)
{
	struct daemon *d;
	struct client *o;
	int lost = 0;

	origin_start(&origin);
	d = start("2", "");
	for (int i = 1; i < CLIENTS; i += 2) {
		clients[i] = daemon_connect(d);
		client_puts(clients[i],
		    scratch_printf("POST /%d HTTP/1.1\r\nHost: h\r\n"
				   "Content-Length: 1\r\n\r\nx",
			i));
	}
	serve_one(&o);
	origin_restart(&origin);
	client_reset(o);
	origin_listen(&origin);
	for (int i = 3; i < CLIENTS; i += 2) {
		serve_one(&o);
		client_puts(o, BYE);
		client_close(o);
	}
	for (int i = 1; i < CLIENTS; i += 2) {
		unsigned status = client_read(clients[i], "POST")->status;

		ck_assert(status == 200 || (status == 502 && lost++ == 0));
	}
	ck_assert_int_eq(lost, 1);
	daemon_stop(d);
}
END_TEST

/*
 * One that breaks each connection it is sent on is repeated, but not for as
 * long as it could be held: the others wait behind it.
 */
START_TEST(lost_again_and_again)
{
	enum { TIMES = 5 };
	struct daemon *d;
	struct client *c, *o;

	origin_start(&origin);
	d = start("1", "");
	c = daemon_connect(d);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	for (int i = 0; i < TIMES; i++) {
		o = origin_accept(&origin);
		origin_read(o);
		client_reset(o);
	}
	ck_assert_uint_eq(client_read(c, "GET")->status, 502);
	ck_assert_ptr_ne(
	    strstr(daemon_stderr(d), "closed before it answered"), NULL);
	ck_assert(!origin_is_called(&origin));
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	origin_answer(origin_accept(&origin), BYE);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

static struct daemon *
start_two_for(const char *duration, const char *more, const char *first,
    const char *second)
{
	return daemon_start(scratch_printf(
	    "workers 1;\n"
	    "upstream app { server 127.0.0.1:%u%s; server 127.0.0.1:%u%s; %s "
	    "}\n"
	    "server {\n"
	    "    route / { proxy app { try_duration %s; } }\n"
	    "    route /silent { proxy app { read_timeout 100ms; } }\n"
	    "}\n",
	    origin.port, first, other.port, second, more, duration));
}

static struct daemon *
start_two(const char *more, const char *first, const char *second)
{
	return start_two_for("0s", more, first, second);
}

/* Until one of the two is called. */
static void
wait_called(void)
{
	struct pollfd fds[] = { { .fd = other.fd, .events = POLLIN },
		{ .fd = origin.fd, .events = POLLIN } };
	int64_t left_ms = wait_deadline() - wait_deadline_in(0);

	ck_assert_int_gt(
	    poll(fds, origin_is_up(&origin) ? 2 : 1, (int)left_ms), 0);
}

/* Asks, and which of the two has it: 0 or 1; it answers. */
static int
whose(struct daemon *d, const char *path)
{
	struct client *c = daemon_connect(d), *o;
	bool at_other;

	client_puts(
	    c, scratch_printf("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path));
	wait_called();
	at_other = origin_is_called(&other);
	o = origin_accept(at_other ? &other : &origin);
	origin_read(o);
	client_puts(o, BYE);
	client_close(o);
	reply_wants_text(client_read(c, "GET"), "ok");
	client_close(c);
	return at_other;
}

/* Answers to as many as make an upstream trusted. */
static void
earn_trust(struct daemon *d)
{
	enum { TIMES = 12 };

	for (int i = 0; i < TIMES; i++)
		whose(d, "/");
}

/* Its requests go as they come: none waits for the answer to another one. */
static void
wants_trust(struct daemon *d, struct origin *o)
{
	double before = metric(d, "holds_total");

	for (int i = 0; i < CLIENTS; i++)
		client_puts(daemon_connect(d),
		    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
	for (int i = 0; i < CLIENTS; i++)
		origin_read(origin_accept(o));
	ck_assert_double_eq(metric(d, "holds_total"), before);
}

/* What one server loses, while there are others, says nothing of these. */
START_TEST(lost_by_one_of_two)
{
	struct daemon *d;
	struct client *c, *o;

	origin_start(&origin);
	origin_start(&other);
	d = start_two_for("60s", "fail_timeout 1h;", "", " backup");
	earn_trust(d);
	c = daemon_connect(d);
	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
	o = origin_accept(&origin);
	origin_read(o);
	client_reset(o);
	ck_assert_uint_eq(client_read(c, "POST")->status, 502);
	wants_trust(d, &other);
	daemon_stop(d);
}
END_TEST

/* A server that is silent about one request takes the others. */
START_TEST(silent_about_one)
{
	struct daemon *d;
	struct client *c;

	origin_start(&origin);
	origin_start(&other);
	d = start_two_for("60s", "fall 100;", "", " backup");
	earn_trust(d);
	c = daemon_connect(d);
	client_expect(c, "GET /silent HTTP/1.1\r\nHost: h\r\n\r\n", 504);
	origin_accept(&origin);
	wants_trust(d, &origin);
	daemon_stop(d);
}
END_TEST

START_TEST(turns_by_weight)
{
	int of_other = 0;
	struct daemon *d;

	origin_start(&origin);
	origin_start(&other);
	d = start_two("", " weight=3", "");
	for (int i = 0; i < 16; i++)
		of_other += whose(d, "/");
	ck_assert_int_eq(of_other, 4);
	daemon_stop(d);
}
END_TEST

START_TEST(turns_by_hash)
{
	int first, of_other = 0;
	struct daemon *d;

	origin_start(&origin);
	origin_start(&other);
	d = start_two("balance hash_uri;", "", "");
	for (int i = 0; i < 32; i++) {
		const char *path = scratch_printf("/%d", i);

		first = whose(d, path);
		of_other += first;
		ck_assert_int_eq(whose(d, path), first);
	}
	ck_assert_int_gt(of_other, 0);
	ck_assert_int_lt(of_other, 32);
	daemon_stop(d);
	d = start_two("balance hash_address;", "", "");
	first = whose(d, "/a");
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(whose(d, scratch_printf("/%d", i)), first);
	daemon_stop(d);
}
END_TEST

/* The one that has a request under way does not get the next one. */
START_TEST(turns_by_connections)
{
	struct client *c, *o;
	struct daemon *d;
	int busy;

	origin_start(&origin);
	origin_start(&other);
	d = start_two("balance least_connections;", "", "");
	c = daemon_connect(d);
	client_puts(c, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_called();
	busy = origin_is_called(&other);
	o = origin_accept(busy ? &other : &origin);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(whose(d, "/"), !busy);
	origin_answer(o, BYE);
	client_close(o);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

static bool
is_first_again(void *arg)
{
	return whose(arg, "/") == 0;
}

/* One that is down is passed over at once, and taken up again. */
START_TEST(backup)
{
	struct daemon *d;

	origin_start(&origin);
	origin_start(&other);
	d = start_two("fail_timeout 1ms;", "", " backup");
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(whose(d, "/"), 0);
	origin_restart(&origin);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(whose(d, "/"), 1);
	origin_listen(&origin);
	wait_until(is_first_again, d, "the first one is asked again");
	daemon_stop(d);
}
END_TEST

/* The next check: its bytes; it is answered with that status line. */
static void
check(struct origin *o, const char *status)
{
	struct client *c = origin_accept(o);

	ck_assert_str_eq(origin_read(c),
	    scratch_printf("GET /health?a HTTP/1.1\r\n"
			   "Host: 127.0.0.1:%u\r\n"
			   "Connection: close\r\n\r\n",
		o->port));
	client_puts(c,
	    scratch_printf("HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status));
	client_expect_end(c);
	client_close(c);
}

static bool
is_said(void *arg)
{
	return strstr(daemon_stderr(arg), "is up by its check") != NULL;
}

static bool
is_denied(void *arg)
{
	return strstr(daemon_stderr(arg),
		   "is down by its check: it answers 503") != NULL;
}

/*
 * No request goes to a server that is down by its check, though it takes
 * connections.  One of two workers checks for both, and both know.
 */
START_TEST(checked)
{
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = daemon_start(
	    scratch_printf("workers 2;\n"
			   "upstream app {\n"
			   "    server 127.0.0.1:%u;\n"
			   "    server unix:@DIR@/other.sock backup;\n"
			   "    check /health?a every 500ms; rise 2;\n"
			   "    keepalive off;\n"
			   "}\n"
			   "server { route / { proxy app; } }\n"
			   "server { listen unix:@DIR@/other.sock;\n"
			   "    route / { return 200 other; } }\n",
		origin.port));
	check(&origin, "200 OK");
	check(&origin, "503 Sorry");
	wait_until(is_denied, d, "it is down");
	for (int i = 0; i < 4; i++) { /* to both workers */
		c = daemon_connect(d);
		client_puts(c, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
		reply_wants_text(client_read(c, "GET"), "other");
		client_close(c);
	}
	check(&origin, "204 No Content");
	check(&origin, "302 Found");
	wait_until(is_said, d, "it is up");
	c = daemon_connect(d);
	client_puts(c, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
	for (bool asked = false; !asked;) { /* or the next check */
		o = origin_accept(&origin);
		asked = strncmp(origin_read(o), "GET /x ", 7) == 0;
		client_puts(o, BYE);
		client_close(o);
	}
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

static struct dripping {
	struct daemon *daemon;
	struct client *origin;
} dripping;

/* One more byte of the head, as long as it is taken. */
static bool
is_given_up(void *arg)
{
	struct dripping *at = arg;

	client_send(at->origin, "x", 1);
	return strstr(daemon_stderr(at->daemon),
		   "is down by its check: it has not answered in time") != NULL;
}

/* An interval is all that the answer has, whatever comes of it meanwhile. */
START_TEST(checked_slowly)
{
	struct daemon *d;

	origin_start(&origin);
	d = start("1", "check /health every 300ms;");
	dripping = (struct dripping){ d, origin_accept(&origin) };
	origin_answer(dripping.origin, "HTTP/1.1 200 OK\r\nX: ");
	wait_until(is_given_up, &dripping, "it is down");
	daemon_stop(d);
}
END_TEST

/* A conf. */
static const char *
with_backup(const char *more)
{
	return scratch_printf("workers 1;\n"
			      "upstream app {\n"
			      "    server 127.0.0.1:%u;\n"
			      "    server 127.0.0.1:%u backup;\n"
			      "    %s\n"
			      "}\n"
			      "server { route / { proxy app; } }\n",
	    origin.port, other.port, more);
}

/* What a check has found is over when nobody checks any more. */
START_TEST(checked_no_longer)
{
	struct client *c;
	struct daemon *d;

	origin_start(&origin);
	origin_start(&other);
	d = daemon_start(with_backup("check /health?a every 60s;"));
	check(&origin, "503 Sorry");
	wait_until(is_denied, d, "it is down");
	daemon_reload_with(d, with_backup(""));
	c = daemon_connect(d);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	origin_answer(origin_accept(&origin), BYE);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(hold)
{
	TCase *tc = bt_system_case(s, "queue");

	tcase_add_test(tc, in_order);
	tcase_add_test(tc, one_by_one);
	tcase_add_test(tc, through_a_reload);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, lost_alone);
	tcase_add_test(tc, lost_again_and_again);
	tcase_add_test(tc, lost_by_one_of_two);
	tcase_add_test(tc, silent_about_one);
	tc = bt_system_case(s, "servers");
	tcase_add_test(tc, turns_by_weight);
	tcase_add_test(tc, turns_by_hash);
	tcase_add_test(tc, turns_by_connections);
	tcase_add_test(tc, backup);
	tcase_add_test(tc, checked);
	tcase_add_test(tc, checked_slowly);
	tcase_add_test(tc, checked_no_longer);
}
