/*
 * The PROXY protocol: `listen ... proxy_protocol` takes the client's address
 * from a header in front of the first request, from trusted proxies alone, and
 * keeps it wherever the connection goes; `send_proxy_protocol` says it to the
 * servers behind.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <signal.h>
#include <string.h>

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define IN4 SIG "\x21\x11\0\x0c\300\0\2\1\300\0\2\2\020\041\0\120"
#define LINE "PROXY TCP4 192.0.2.1 192.0.2.2 4129 80\r\n"
#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"

#define TRUSTING \
	"workers 1; trusted_proxies 127.0.0.0/8;\n" \
	"server { listen 127.0.0.1:@PORT@ proxy_protocol;\n" \
	"  route / { return 200 $remote_addr; deny 198.51.100.0/24; }\n" \
	"}\n"

static const struct {
	const char *bytes;
	size_t n;
	const char *client;
} headers[] = {
	{ LINE, sizeof(LINE) - 1, "192.0.2.1" },
	{ "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", 32, "2001:db8::1" },
	{ "PROXY UNKNOWN\r\n", 15, "127.0.0.1" },
	{ IN4, sizeof(IN4) - 1, "192.0.2.1" },
	{ SIG "\x20\0\0\0", 16, "127.0.0.1" },
	{ SIG "\x21\x11\0\x0f\300\0\2\1\300\0\2\2\020\041\0\120\4\0\0", 31,
	    "192.0.2.1" },
};

static void
expect_client(struct client *c, const char *client)
{
	reply_wants_text(client_expect(c, GET, 200), client);
}

/* With the first request in one piece, byte by byte, and alone. */
START_TEST(names_the_client)
{
	struct daemon *d = daemon_start(TRUSTING);
	struct client *c = daemon_connect(d);
	const char *header = headers[_i].bytes;
	size_t n = headers[_i].n;

	client_send(c, scratch_join(header, n, GET), n + sizeof(GET) - 1);
	reply_wants_text(client_read(c, "GET"), headers[_i].client);
	expect_client(c, headers[_i].client);

	c = daemon_connect(d);
	for (size_t i = 0; i < n; i++)
		client_send(c, header + i, 1);
	for (size_t i = 0; i < sizeof(GET) - 1; i++)
		client_send(c, &GET[i], 1);
	reply_wants_text(client_read(c, "GET"), headers[_i].client);

	c = daemon_connect(d);
	client_send(c, header, n);
	expect_client(c, headers[_i].client);
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *bytes;
	size_t n;
} wrong[] = {
	{ GET, sizeof(GET) - 1 },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 4129 80\n", 39 },
	{ "PROXY TCP4 x 192.0.2.2 4129 80\r\n" GET, 31 + sizeof(GET) },
	{ SIG "\x31\x11\0\x0c", 16 },
	{ SIG "\x21\x11\0\x01", 16 },
	{ SIG "\x21\x11\xff\xff", 16 },
};

/* Not a byte of an answer, and a line in the log. */
START_TEST(refuses_what_is_wrong)
{
	struct daemon *d = daemon_start(TRUSTING);
	struct client *c = daemon_connect(d);

	client_send(c, wrong[_i].bytes, wrong[_i].n);
	client_expect_end(c);
	daemon_stop(d);
	ck_assert_ptr_nonnull(
	    strstr(daemon_stderr(d), "conn 1 from 127.0.0.1"));
	ck_assert_ptr_nonnull(strstr(daemon_stderr(d), "PROXY protocol: "));
}
END_TEST

START_TEST(refuses_who_is_not_trusted)
{
	struct daemon *d =
	    daemon_start("trusted_proxies 10.0.0.0/8 unix:;\n"
			 "server { listen 127.0.0.1:@PORT@ proxy_protocol;\n"
			 "  route / { return 200 $remote_addr; } }\n");
	struct client *c = daemon_connect(d);

	client_puts(c, LINE GET);
	client_expect_end(c);
	daemon_stop(d);
	ck_assert_ptr_nonnull(
	    strstr(daemon_stderr(d), "not from one of trusted_proxies"));
}
END_TEST

START_TEST(is_denied_and_logged)
{
	struct daemon *d = daemon_start(TRUSTING);
	struct client *c = daemon_connect(d);
	const char *log;

	client_puts(c, "PROXY TCP4 198.51.100.9 192.0.2.2 1 2\r\n" GET);
	ck_assert_uint_eq(client_read(c, "GET")->status, 403);
	daemon_stop(d);
	log = scratch_read("access.log", NULL);
	ck_assert_msg(strstr(log, "198.51.100.9 - ") != NULL, "%s", log);
}
END_TEST

/* Half of a header moves, and what was said is not asked again. */
START_TEST(survives_reload)
{
	struct daemon *d = daemon_start(TRUSTING);
	struct client *said = daemon_connect(d), *fresh = daemon_connect(d),
		      *half = daemon_connect(d), *alone = daemon_connect(d);

	client_puts(said, LINE);
	expect_client(said, "192.0.2.1");
	client_puts(alone, LINE);
	client_send(half, IN4, 20);
	for (int i = 0; i < 3; i++) {
		daemon_reload(d);
		expect_client(said, "192.0.2.1");
	}
	client_send(half, &IN4[20], sizeof(IN4) - 1 - 20);
	expect_client(half, "192.0.2.1");
	expect_client(alone, "192.0.2.1");
	client_puts(fresh, LINE);
	expect_client(fresh, "192.0.2.1");
	daemon_stop(d);
}
END_TEST

/* The worker dies, its idle connections do not. */
START_TEST(survives_a_crash)
{
	struct daemon *d = daemon_start(TRUSTING);
	struct client *a = daemon_connect(d), *b = daemon_connect(d);
	pid_t workers[PROC_CHILDREN_MAX];

	client_puts(a, LINE);
	expect_client(a, "192.0.2.1");
	client_send(b, IN4, sizeof(IN4) - 1);
	expect_client(b, "192.0.2.1");
	daemon_metrics(d); /* now this is what it has in hand */
	ck_assert_uint_eq(daemon_workers(d, workers), 1);
	kill(workers[0], SIGKILL);
	expect_client(a, "192.0.2.1");
	expect_client(b, "192.0.2.1");
	daemon_stop(d);
}
END_TEST

/* Nobody waits for the rest of a header for ever. */
START_TEST(has_a_deadline)
{
	struct daemon *d = daemon_start("header_timeout 200ms;" TRUSTING);
	struct client *none = daemon_connect(d), *half = daemon_connect(d);

	client_send(half, IN4, 13);
	client_expect_end(half);
	client_expect_end(none);
	daemon_stop(d);
}
END_TEST

START_TEST(is_forwarded)
{
	struct origin origin;
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = daemon_start(
	    scratch_printf("trusted_proxies 127.0.0.0/8;\n"
			   "server { listen 127.0.0.1:@PORT@ proxy_protocol;\n"
			   "  route / { proxy http://127.0.0.1:%u; } }\n",
		origin.port));
	c = daemon_connect(d);
	client_puts(c, LINE GET);
	o = origin_accept(&origin);
	ck_assert_ptr_nonnull(
	    strstr(origin_read(o), "\r\nX-Forwarded-For: 192.0.2.1\r\n"));
	client_puts(o, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no");
	reply_wants_text(client_read(c, "GET"), "o");
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *directive;
	bool proxied; /* and does the client come by one, too */
	const char *begin;
	size_t n;
	size_t skip; /* the ports, which are anybody's */
} sent[] = {
	{ "v1", false, "PROXY TCP4 127.0.0.1 127.0.0.1 ", 31, 0 },
	{ "v1", true, "PROXY TCP4 192.0.2.1 127.0.0.1 4129 ", 36, 0 },
	{ "v2", false, SIG "\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1", 24, 4 },
	{ "v2", true, SIG "\x21\x11\0\x0c\300\0\2\1\x7f\0\0\1\020\041", 26, 2 },
};

/* Each request has a connection of its own, which names its client. */
START_TEST(is_sent)
{
	struct origin origin;
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = daemon_start(
	    scratch_printf("workers 1; trusted_proxies 127.0.0.0/8;\n"
			   "server { listen 127.0.0.1:@PORT@%s;\n"
			   "  route / { proxy http://127.0.0.1:%u {\n"
			   "    send_proxy_protocol %s; } }\n"
			   "}\n",
		sent[_i].proxied ? " proxy_protocol" : "", origin.port,
		sent[_i].directive));
	c = daemon_connect(d);
	if (sent[_i].proxied)
		client_puts(c, LINE);
	for (int i = 0; i < 3; i++) {
		client_puts(c, GET);
		o = origin_accept(&origin);
		ck_assert_int_eq(memcmp(client_peek(o, sent[_i].n),
				     sent[_i].begin, sent[_i].n),
		    0);
		client_skip(o, sent[_i].n + sent[_i].skip);
		if (sent[_i].skip == 0) /* to the end of the line */
			while (*client_peek(o, 1) != '\n')
				client_skip(o, 1);
		client_skip(o, sent[_i].skip == 0);
		ck_assert_int_eq(memcmp(origin_read(o), "GET / ", 6), 0);
		client_puts(o, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no");
		reply_wants_text(client_read(c, "GET"), "o");
		client_expect_end(o);
	}
	daemon_stop(d);
}
END_TEST

/* An idle connection of a proxy that names nobody is not for one that does. */
START_TEST(is_sent_over_new_ones)
{
	struct origin origin;
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = daemon_start(
	    scratch_printf("workers 1;\n"
			   "server {\n"
			   "  route / { proxy http://127.0.0.1:%u; }\n"
			   "  route /named/ { proxy http://127.0.0.1:%u {\n"
			   "    send_proxy_protocol v1; } }\n"
			   "}\n",
		origin.port, origin.port));
	c = daemon_connect(d);
	client_puts(c, GET);
	o = origin_accept(&origin);
	origin_answer(o, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no");
	reply_wants_text(client_read(c, "GET"), "o");
	client_puts(c, "GET /named/ HTTP/1.1\r\nHost: t\r\n\r\n");
	o = origin_accept(&origin);
	ck_assert_int_eq(memcmp(origin_read(o), "PROXY TCP4 ", 11), 0);
	client_puts(o, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no");
	reply_wants_text(client_read(c, "GET"), "o");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(proxy_protocol)
{
	TCase *tc = bt_system_case(s, "in");

	tcase_add_loop_test(tc, names_the_client, 0, BT_ROWS(headers));
	tcase_add_loop_test(tc, refuses_what_is_wrong, 0, BT_ROWS(wrong));
	tcase_add_test(tc, refuses_who_is_not_trusted);
	tcase_add_test(tc, is_denied_and_logged);
	tcase_add_test(tc, survives_reload);
	tcase_add_test(tc, survives_a_crash);
	tcase_add_test(tc, has_a_deadline);
	tcase_add_test(tc, is_forwarded);
	tc = bt_system_case(s, "out");
	tcase_add_loop_test(tc, is_sent, 0, BT_ROWS(sent));
	tcase_add_test(tc, is_sent_over_new_ones);
}
