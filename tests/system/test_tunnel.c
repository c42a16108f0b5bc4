/*
 * Tunnels: a server that switches protocols has the connection from then on,
 * both ways, and neither end notices what becomes of the workers between them.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 20, BIG = 32 * 1024 * 1024 };

#define ASK \
	"GET /chat HTTP/1.1\r\nHost: t\r\n" \
	"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
	"Sec-WebSocket-Version: 13\r\n\r\n"
#define SWITCH \
	"HTTP/1.1 101 Switching Protocols\r\n" \
	"Upgrade: WebSocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"

static struct origin origin;

struct pair {
	struct client *client, *server;
};

static char *
conf_with(unsigned workers, const char *more, const char *block)
{
	return scratch_printf(
	    "workers %u;\n"
	    "%s\n"
	    "server {\n"
	    "    route / { proxy http://127.0.0.1:%u { %s } }\n"
	    "    route = /fixed { return 200 x; }\n"
	    "}\n",
	    workers, more, origin.port, block);
}

static char *
conf(unsigned workers, const char *block)
{
	return conf_with(workers, "", block);
}

static struct daemon *
start(unsigned workers)
{
	origin_start(&origin);
	return daemon_start(conf(workers, ""));
}

static struct pair
open_tunnel(struct daemon *d)
{
	struct pair p = { .client = daemon_connect(d) };

	client_puts(p.client, ASK);
	p.server = origin_accept(&origin);
	origin_read(p.server);
	client_puts(p.server, SWITCH);
	ck_assert_ptr_nonnull(
	    strstr(origin_read(p.client), "101 Switching Protocols\r\n"));
	return p;
}

static void
wants_bytes(struct client *from, struct client *to, const char *text)
{
	size_t n = strlen(text);

	client_puts(from, text);
	ck_assert_int_eq(memcmp(client_peek(to, n), text, n), 0);
	client_skip(to, n);
}

static void
wants_both_ways(const struct pair *p)
{
	wants_bytes(p->client, p->server, "GET / HTTP/1.1\r\n\r\nping");
	wants_bytes(p->server, p->client, "pong");
}

static double
value(struct daemon *d, const char *name)
{
	return metrics_sum(daemon_metrics(d), name);
}

struct wanted {
	struct daemon *d;
	double n;
};

static bool
are_tunnels(void *arg)
{
	const struct wanted *w = arg;

	return value(w->d, "baton_worker_tunnels") == w->n;
}

static void
await_tunnels(struct daemon *d, unsigned n)
{
	struct wanted w = { d, n };

	wait_until(are_tunnels, &w, scratch_printf("%u tunnels", n));
}

static bool
is_logged(void *arg)
{
	return strstr(scratch_read("access.log", NULL),
		   "\"GET /chat HTTP/1.1\" 101 ") != NULL;
}

/* --- the switch --- */

START_TEST(heads)
{
	struct daemon *d = start(1);
	struct client *c = daemon_connect(d), *o;

	client_puts(c, ASK);
	o = origin_accept(&origin);
	ck_assert_str_eq(origin_read(o),
	    "GET /chat HTTP/1.1\r\n"
	    "Host: t\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "X-Forwarded-For: 127.0.0.1\r\n"
	    "X-Forwarded-Proto: http\r\n"
	    "X-Forwarded-Host: t\r\n"
	    "Forwarded: for=127.0.0.1;proto=http;host=\"t\"\r\n"
	    "Via: 1.1 baton\r\n"
	    "Connection: upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n");
	client_puts(o,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Date: Tue, 01 Dec 2026 00:00:00 GMT\r\n"
	    "Upgrade: WebSocket\r\nConnection: Upgrade, X-Mine\r\n"
	    "X-Mine: 1\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	    "behind");
	ck_assert_str_eq(origin_read(c),
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Date: Tue, 01 Dec 2026 00:00:00 GMT\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	    "Upgrade: WebSocket\r\n"
	    "Via: 1.1 baton\r\n"
	    "Connection: upgrade\r\n\r\n");
	ck_assert_int_eq(memcmp(client_peek(c, 6), "behind", 6), 0);
	client_skip(c, 6);
	wants_both_ways(&(struct pair){ c, o });
	await_tunnels(d, 1);
	client_close(o);
	client_expect_eof(c);
	client_close(c);
	await_tunnels(d, 0);
	ck_assert(value(d, "baton_worker_tunnels_total") == 1);
	wait_until(is_logged, NULL, "the line of a 101");
	daemon_stop(d);
}
END_TEST

/* Sent before the switch was known: it is for the server all the same. */
START_TEST(client_does_not_wait)
{
	struct daemon *d = start(1);
	struct client *c = daemon_connect(d), *o;

	client_puts(c, ASK "early");
	o = origin_accept(&origin);
	origin_read(o);
	client_puts(o, SWITCH);
	origin_read(c);
	ck_assert_int_eq(memcmp(client_peek(o, 5), "early", 5), 0);
	client_skip(o, 5);
	wants_both_ways(&(struct pair){ c, o });
	daemon_stop(d);
}
END_TEST

/* What is asked for, and what of it the server sees. */
static const struct {
	const char *fields, *seen;
} asked[] = {
	{ "Connection: upgrade\r\nUpgrade: irc/6.9, h2c, websocket\r\n",
	    "irc/6.9, websocket" },
	{ "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b, \r\n", "a, b" },
	{ "Connection: upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n"
	  "Upgrade: h2c\r\n",
	    NULL },
	{ "Connection: upgrade\r\nUpgrade: TLS/1.0, HTTP/2.0\r\n", NULL },
	{ "Connection: upgrade\r\nUpgrade: H2C\r\n", NULL },
	{ "Upgrade: websocket\r\n", NULL },
	{ "Connection: upgrade\r\n", NULL },
	{ "Connection: upgrade\r\nUpgrade: websocket\r\n"
	  "Content-Length: 1\r\n",
	    NULL },
};

START_TEST(protocols)
{
	struct daemon *d = start(1);
	struct client *c = daemon_connect(d), *o;
	const char *head, *line;

	client_set_context(asked[_i].fields);
	client_puts(c,
	    scratch_printf("GET / HTTP/1.1\r\nHost: t\r\n%s\r\n%s",
		asked[_i].fields,
		strstr(asked[_i].fields, "Length") ? "x" : ""));
	o = origin_accept(&origin);
	head = origin_read(o);
	line = strstr(head, "\r\nConnection: upgrade\r\nUpgrade: ");
	if (asked[_i].seen == NULL) {
		ck_assert_ptr_null(strcasestr(head, "upgrade"));
		ck_assert_ptr_null(strstr(head, "HTTP2"));
	} else {
		ck_assert_msg(line != NULL &&
			strncmp(line + 32, asked[_i].seen,
			    strlen(asked[_i].seen)) == 0,
		    "%s", head);
	}
	/* it has a choice, and HTTP goes on */
	client_puts(o, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	reply_wants_text(client_read(c, "GET"), "ok");
	reply_wants_text(client_get(c, "/fixed", ""), "x");
	daemon_stop(d);
}
END_TEST

/* 101 to what was not asked for. */
static const struct {
	const char *fields, *answer;
} wrong[] = {
	{ "", SWITCH },
	{ "Connection: upgrade\r\nUpgrade: h2c\r\n",
	    "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" },
	{ "Connection: upgrade\r\nUpgrade: websocket\r\n",
	    "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: irc\r\n\r\n" },
	{ "Connection: upgrade\r\nUpgrade: websocket\r\n",
	    "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n" },
	{ "Connection: upgrade\r\nUpgrade: websocket\r\n",
	    "HTTP/1.1 101 x\r\nConnection: upgrade\r\n\r\n" },
};

START_TEST(wrong_switch)
{
	struct daemon *d = start(1);
	struct client *c = daemon_connect(d), *o;

	client_puts(c,
	    scratch_printf(
		"GET / HTTP/1.1\r\nHost: t\r\n%s\r\n", wrong[_i].fields));
	o = origin_accept(&origin);
	origin_read(o);
	client_puts(o, wrong[_i].answer);
	ck_assert_uint_eq(client_read(c, "GET")->status, 502);
	client_expect_end(o);
	reply_wants_text(client_get(c, "/fixed", ""), "x");
	ck_assert_ptr_nonnull(strstr(
	    daemon_stderr(d), "101 to what was not asked for by Upgrade"));
	daemon_stop(d);
}
END_TEST

/* --- its end --- */

START_TEST(half_closed)
{
	struct daemon *d = start(1);
	struct pair p = open_tunnel(d);
	size_t n;

	client_finish_sending(p.client);
	client_peek_all(p.server, &n);
	ck_assert_uint_eq(n, 0);
	wants_bytes(p.server, p.client, "still here");
	client_close(p.server);
	client_expect_eof(p.client);
	daemon_stop(d);
}
END_TEST

/* 0: the client resets, 1: the server. */
START_TEST(reset)
{
	struct daemon *d = start(1);
	struct pair p = open_tunnel(d);

	wants_both_ways(&p);
	client_reset(_i ? p.server : p.client);
	client_expect_end(_i ? p.client : p.server);
	await_tunnels(d, 0);
	ck_assert(metrics_where(daemon_metrics(d), "baton_worker_closed_total",
		      "reason", _i ? "error" : "reset") == 1);
	daemon_stop(d);
}
END_TEST

START_TEST(idle)
{
	struct daemon *d;
	struct pair p;

	origin_start(&origin);
	d = daemon_start(conf(1, "tunnel_timeout 50ms;"));
	p = open_tunnel(d);
	client_expect_eof(p.client);
	client_expect_eof(p.server);
	ck_assert(metrics_where(daemon_metrics(d), "baton_worker_closed_total",
		      "reason", "tunnel_timeout") == 1);
	daemon_stop(d);
}
END_TEST

/* It would never end by itself, so nobody waits for it. */
START_TEST(stop)
{
	struct daemon *d = start(2);
	struct pair p = open_tunnel(d);

	wants_both_ways(&p);
	kill(d->pid, SIGTERM);
	client_expect_eof(p.client);
	client_expect_eof(p.server);
	daemon_ended(d, 0);
}
END_TEST

/* --- who is slow --- */

static char *
pattern(void)
{
	char *bytes = malloc(BIG);

	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	return bytes;
}

/* Neither end reads: both are stopped, and all arrives when they do. */
static void
congest(
    const struct pair *p, const char *bytes, size_t *ret_up, size_t *ret_down)
{
	*ret_up = client_push(p->client, bytes, BIG, 300);
	*ret_down = client_push(p->server, bytes, BIG, 300);
}

static void
wants_all(const struct pair *p, const char *bytes, size_t up, size_t down)
{
	ck_assert_int_eq(memcmp(client_peek(p->server, up), bytes, up), 0);
	client_skip(p->server, up);
	ck_assert_int_eq(memcmp(client_peek(p->client, down), bytes, down), 0);
	client_skip(p->client, down);
}

static struct pair
open_narrow_tunnel(struct daemon *d)
{
	struct pair p = { .client =
			      client_tcp_narrow("127.0.0.1", d->port, 4096) };
	int small = 4096;

	ck_assert_int_eq(
	    setsockopt(origin.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
	    0);
	client_puts(p.client, ASK);
	p.server = origin_accept(&origin);
	origin_read(p.server);
	client_puts(p.server, SWITCH);
	origin_read(p.client);
	return p;
}

START_TEST(back_pressure)
{
	struct daemon *d = start(1);
	struct pair p = open_narrow_tunnel(d);
	char *bytes = pattern();
	size_t up, down;

	congest(&p, bytes, &up, &down);
	ck_assert_uint_lt(up, BIG);
	ck_assert_uint_lt(down, BIG);
	wants_all(&p, bytes, up, down);
	wants_both_ways(&p);
	free(bytes);
	daemon_stop(d);
}
END_TEST

/* Who takes nothing for too long does not keep what waits for it. */
START_TEST(stalled)
{
	char *bytes = pattern();
	struct daemon *d;
	struct pair p;
	size_t up, down;

	origin_start(&origin);
	d = daemon_start(scratch_printf("send_timeout 1s;\n%s", conf(1, "")));
	p = open_narrow_tunnel(d);
	wants_both_ways(&p);
	congest(&p, bytes, &up, &down);
	await_tunnels(d, 0);
	ck_assert_ptr_nonnull(
	    strstr(daemon_stderr(d), "took nothing for send_timeout"));
	free(bytes);
	daemon_stop(d);
}
END_TEST

/* --- it moves --- */

static bool
has_left(void *arg)
{
	return kill(*(pid_t *)arg, 0) == -1;
}

static void
reload(struct daemon *d)
{
	pid_t workers[PROC_CHILDREN_MAX];
	size_t n = daemon_workers(d, workers);

	daemon_reload(d);
	for (size_t i = 0; i < n; i++)
		wait_until(has_left, &workers[i], "the old worker's end");
}

START_TEST(reload_moves_tunnels)
{
	struct daemon *d = start(2);
	struct pair p[MANY];

	for (int i = 0; i < MANY; i++)
		p[i] = open_tunnel(d);
	for (int round = 0; round < 3; round++) {
		for (int i = round; i < MANY; i += 2) /* some say nothing */
			wants_both_ways(&p[i]);
		reload(d);
		await_tunnels(d, MANY);
	}
	for (int i = 0; i < MANY; i++)
		wants_both_ways(&p[i]);
	ck_assert(value(d, "baton_connections_lost_total") == 0);
	for (int i = 0; i < MANY; i++) {
		client_close(p[i].client);
		client_expect_eof(p[i].server);
	}
	daemon_stop(d);
}
END_TEST

/* With what an end has not taken yet, and with ends that are closed. */
START_TEST(reload_moves_what_waits)
{
	struct daemon *d = start(1);
	struct pair p = open_narrow_tunnel(d), half = open_tunnel(d);
	char *bytes = pattern();
	size_t up, down, n;

	client_finish_sending(half.client);
	client_peek_all(half.server, &n);
	congest(&p, bytes, &up, &down);
	reload(d);
	wants_all(&p, bytes, up, down);
	wants_both_ways(&p);
	wants_bytes(half.server, half.client, "still here");
	reload(d);
	wants_both_ways(&p);
	client_close(half.server);
	client_expect_eof(half.client);
	free(bytes);
	daemon_stop(d);
}
END_TEST

/* The conf has nothing of its route any more. */
START_TEST(reload_without_the_route)
{
	struct daemon *d = start(1);
	struct pair p = open_tunnel(d);

	daemon_reload_with(d, "server { route / { return 200 new; } }");
	wants_both_ways(&p);
	client_close(p.client);
	client_expect_eof(p.server);
	daemon_stop(d);
}
END_TEST

START_TEST(upgrade_moves_tunnels)
{
	struct daemon *d = start(2);
	struct pair p[MANY];
	struct spawn_result r;

	for (int i = 0; i < MANY; i++)
		p[i] = open_tunnel(d);
	r = spawn_run_with("-s", "upgrade", "-c", d->conf);
	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
	for (int i = 0; i < MANY; i++)
		wants_both_ways(&p[i]);
	for (int i = 0; i < MANY; i++) {
		client_close(p[i].client);
		client_expect_eof(p[i].server);
		client_close(p[i].server);
	}
	await_tunnels(d, 0);
	daemon_stop(d);
}
END_TEST

static bool
is_even(void *arg)
{
	struct daemon *d = arg;
	const struct metrics *m = daemon_metrics(d);

	/* that which asks is one, too */
	return metrics_sum(m, "baton_workers") == 2 &&
	    metrics_of(m, "baton_worker_tunnels", 0) >= MANY / 2 - 1 &&
	    metrics_of(m, "baton_worker_tunnels", 1) >= MANY / 2 - 1;
}

static bool
is_one(void *arg)
{
	pid_t workers[PROC_CHILDREN_MAX];

	return daemon_workers(arg, workers) == 1;
}

/* The worker that comes gets its share, the one that goes leaves its own. */
START_TEST(resize_moves_tunnels)
{
	struct daemon *d = start(1);
	struct pair p[MANY];

	for (int i = 0; i < MANY; i++)
		p[i] = open_tunnel(d);
	kill(d->pid, SIGTTIN);
	wait_until(is_even, d, "as many tunnels here as there");
	for (int i = 0; i < MANY; i++)
		wants_both_ways(&p[i]);
	kill(d->pid, SIGTTOU);
	wait_until(is_one, d, "one worker");
	for (int i = 0; i < MANY; i++)
		wants_both_ways(&p[i]);
	await_tunnels(d, MANY);
	daemon_stop(d);
}
END_TEST

/* Whose ends have taken all that came: nothing of them was the worker's. */
START_TEST(crash_moves_tunnels)
{
	struct daemon *d = start(2);
	struct pair p[MANY], slow = open_narrow_tunnel(d);
	pid_t workers[PROC_CHILDREN_MAX];
	char *bytes = pattern();
	size_t up, down;

	for (int i = 0; i < MANY; i++) {
		p[i] = open_tunnel(d);
		wants_both_ways(&p[i]);
	}
	congest(&slow, bytes, &up, &down);
	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	for (int i = 0; i < 2; i++)
		kill(workers[i], SIGKILL);
	for (int i = 0; i < MANY; i++)
		wants_both_ways(&p[i]);
	ck_assert(value(d, "baton_worker_rescued_total") >= MANY);
	client_peek_all(slow.server, &up);
	free(bytes);
	daemon_stop(d);
}
END_TEST

/* More than a channel takes: heads of that size that have only begun. */
enum { HEADS = 64, HEAD_BYTES = 60000 };

static void
begin_heads(struct daemon *d)
{
	char *head = malloc(HEAD_BYTES);

	memset(head, 'a', HEAD_BYTES);
	memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
	for (int i = 0; i < HEADS; i++)
		client_push(daemon_connect(d), head, HEAD_BYTES, 1000);
	free(head);
}

static bool
are_read(void *arg)
{
	return value(arg, "baton_worker_received_bytes_total") >
	    (double)HEADS * HEAD_BYTES;
}

static bool
is_packed(void *arg)
{
	return metrics_of(daemon_metrics(arg), "baton_worker_tunnels", 0) == 0;
}

/* The master does not take what a worker hands back, and then that dies. */
START_TEST(crash_amid_a_move)
{
	struct daemon *d;
	struct pair p[MANY];
	pid_t workers[PROC_CHILDREN_MAX];

	origin_start(&origin);
	d = daemon_start(conf_with(1, "max_header_size 64k;", ""));
	ck_assert_uint_eq(daemon_workers(d, workers), 1);
	for (int i = 0; i < MANY; i++) {
		p[i] = open_tunnel(d);
		wants_both_ways(&p[i]);
	}
	begin_heads(d);
	wait_until(are_read, d, "heads that have begun");
	client_close(d->admin); /* the new worker shall be asked */
	d->admin = NULL;
	kill(workers[0], SIGSTOP);
	daemon_reload(d);
	daemon_metrics(d);
	kill(d->pid, SIGSTOP);
	kill(workers[0], SIGCONT);
	wait_until(is_packed, d, "all tunnels on their way");
	kill(workers[0], SIGKILL);
	kill(d->pid, SIGCONT);
	for (int i = 0; i < MANY; i++)
		wants_both_ways(&p[i]);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(tunnel)
{
	TCase *tc = bt_system_case(s, "switch");

	tcase_add_test(tc, heads);
	tcase_add_test(tc, client_does_not_wait);
	tcase_add_loop_test(tc, protocols, 0, BT_ROWS(asked));
	tcase_add_loop_test(tc, wrong_switch, 0, BT_ROWS(wrong));
	tc = bt_system_case(s, "end");
	tcase_add_test(tc, half_closed);
	tcase_add_loop_test(tc, reset, 0, 2);
	tcase_add_test(tc, idle);
	tcase_add_test(tc, stop);
	tcase_add_test(tc, back_pressure);
	tcase_add_test(tc, stalled);
	tc = bt_system_case(s, "move");
	tcase_add_test(tc, reload_moves_tunnels);
	tcase_add_test(tc, reload_moves_what_waits);
	tcase_add_test(tc, reload_without_the_route);
	tcase_add_test(tc, upgrade_moves_tunnels);
	tcase_add_test(tc, resize_moves_tunnels);
	tcase_add_test(tc, crash_moves_tunnels);
	tcase_add_test(tc, crash_amid_a_move);
}
