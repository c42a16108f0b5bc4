/*
 * `hold_bytes`: contents of requests that wait are taken from their clients,
 * and arrive whole, whatever becomes of clients, disks and servers.  The test
 * is the server.
 */

#include "tests/system/origin.h"
#include "tests/system/proc.h"
#include "tests/system/slow_disk.h"
#include "tests/system/system.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYE \
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

enum {
	LARGE = 4 * 1024 * 1024 + 3,
	/* more than any socket takes */
	HUGE = 24 * 1024 * 1024,
	CHUNK = 70001,
	MEMORY = 512 * 1024, /* of one, before it has a file */
};

static struct origin origin;

/* A request as it is sent, and its content. */
struct upload {
	char *bytes;
	size_t n, sent;
	char *content;
	size_t content_n;
	bool chunked;
};

static struct daemon *
start(const char *upstream, const char *server)
{
	return daemon_start(scratch_printf(
	    "workers 1;\n"
	    "body_timeout 1s;\n"
	    "upstream app { server 127.0.0.1:%u; %s }\n"
	    "server {\n"
	    "    %s\n"
	    "    route / { proxy app { try_duration 60s; "
	    "try_interval 5ms; } }\n"
	    "    route /hasty/ { proxy app { try_duration 300ms; "
	    "try_interval 5ms; } }\n"
	    "    route = /fixed { return 200 x; }\n"
	    "}\n",
	    origin.port, upstream, server));
}

static double
metric(struct daemon *d, const char *name)
{
	return metrics_sum(
	    daemon_metrics(d), scratch_printf("baton_worker_proxy_%s", name));
}

static struct wanted {
	struct daemon *daemon;
	const char *name;
	double value;
} wanted;

static bool
is_value(void *arg)
{
	const struct wanted *w = arg;

	return metric(w->daemon, w->name) == w->value;
}

static void
wait_metric(struct daemon *d, const char *name, double value)
{
	wanted = (struct wanted){ d, name, value };
	wait_until(is_value, &wanted, scratch_printf("%s is %g", name, value));
}

static void
append(struct upload *u, const void *bytes, size_t n)
{
	memcpy(u->bytes + u->n, bytes, n);
	u->n += n;
}

static void
append_text(struct upload *u, const char *text)
{
	append(u, text, strlen(text));
}

/* `first` begins the head: `POST /x HTTP/1.1`. */
static struct upload *
upload_new(const char *first, size_t n, bool chunked)
{
	struct upload *u = scratch_alloc(sizeof(*u));

	u->bytes = scratch_alloc(n + n / CHUNK * 16 + 1024);
	u->content = scratch_alloc(n);
	u->content_n = n;
	u->chunked = chunked;
	scratch_noise(u->content, n, (unsigned)n);
	append_text(u, first);
	append_text(u, "\r\nHost: h\r\n");
	if (!chunked) {
		append_text(
		    u, scratch_printf("Content-Length: %zu\r\n\r\n", n));
		append(u, u->content, n);
		return u;
	}
	append_text(u, "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t at = 0, part; at < n; at += part) {
		part = n - at < CHUNK ? n - at : CHUNK;
		append_text(u, scratch_printf("%zX;a=b\r\n", part));
		append(u, u->content + at, part);
		append_text(u, "\r\n");
	}
	append_text(u, "0\r\nX-Sum: 1\r\n\r\n");
	return u;
}

/* What the daemon takes now. */
static void
push(struct upload *u, struct client *c)
{
	u->sent += client_push(c, u->bytes + u->sent, u->n - u->sent, 0);
}

/* Sends all of it. */
static void
push_all(struct upload *u, struct client *c)
{
	ck_assert(client_send(c, u->bytes + u->sent, u->n - u->sent));
	u->sent = u->n;
}

/*
 * Undoes chunking, into `out`; NULL: only looks.
 *
 * Returns: the bytes up to the end of the content; 0: they are not all there.
 */
static size_t
dechunk(const char *bytes, size_t n, char *out)
{
	static const char end[] = "X-Sum: 1\r\n\r\n";
	size_t at = 0, part;
	const char *line;

	for (;;) {
		line = memmem(bytes + at, n - at, "\r\n", 2);
		if (line == NULL)
			return 0;
		part = strtoul(bytes + at, NULL, 16);
		at = (size_t)(line + 2 - bytes);
		if (part == 0)
			break;
		if (n - at < part + 2)
			return 0;
		if (out != NULL)
			out = (char *)memcpy(out, bytes + at, part) + part;
		at += part;
		ck_assert_int_eq(memcmp(bytes + at, "\r\n", 2), 0);
		at += 2;
	}
	if (n - at < sizeof(end) - 1)
		return 0;
	ck_assert_int_eq(memcmp(bytes + at, end, sizeof(end) - 1), 0);
	return at + sizeof(end) - 1;
}

/* Until the origin has more, or the client can send more. */
static void
wait_either(const struct upload *u, struct client *c, struct client *o)
{
	struct pollfd fds[] = { { .fd = client_fd(o), .events = POLLIN },
		{ .fd = client_fd(c), .events = POLLOUT } };
	int64_t left_ms = wait_deadline() - wait_deadline_in(0);

	ck_assert_msg(poll(fds, u->sent < u->n ? 2 : 1, (int)left_ms) > 0,
	    "the content does not come: %zu of %zu were sent", u->sent, u->n);
}

/* The content at the origin, while the client sends the rest of it. */
static void
wants_content(struct upload *u, struct client *c, struct client *o)
{
	char *got = scratch_alloc(u->content_n);
	size_t n, whole;

	for (;;) {
		push(u, c);
		n = client_waiting(o);
		whole = u->chunked      ? dechunk(client_peek(o, n), n, NULL)
		    : n >= u->content_n ? u->content_n
					: 0;
		if (whole > 0)
			break;
		wait_either(u, c, o);
	}
	ck_assert_uint_eq(n, whole);
	ck_assert_ptr_nonnull(got);
	if (u->chunked)
		dechunk(client_peek(o, n), n, got);
	else
		memcpy(got, client_peek(o, n), n);
	ck_assert_int_eq(memcmp(got, u->content, u->content_n), 0);
	client_skip(o, whole);
	scratch_free(got);
}

/* The origin is back, and has the request, all of it. */
static void
serve(struct upload *u, struct client *c)
{
	struct client *o = origin_accept(&origin);
	const char *head = origin_read(o);

	ck_assert_ptr_nonnull(strstr(head,
	    u->chunked
		? "Transfer-Encoding: chunked\r\n"
		: scratch_printf("Content-Length: %zu\r\n", u->content_n)));
	wants_content(u, c, o);
	client_puts(o, BYE);
	client_close(o);
	reply_wants_text(client_read(c, "POST"), "ok");
}

static const size_t sizes[] = { 1, 20000, 40000, MEMORY, LARGE };

/* In both framings: the client has sent all while there is no server. */
START_TEST(taken_whole)
{
	struct upload *u =
	    upload_new("POST / HTTP/1.1", sizes[_i / 2], _i % 2 == 1);
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	d = start("hold_bytes 16m;", "max_body_size 1g;");
	c = daemon_connect(d);
	push_all(u, c);
	wait_metric(d, "held_bytes", (double)u->content_n);
	ck_assert_double_eq(metric(d, "held"), 1);
	origin_listen(&origin);
	serve(u, c);
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	client_expect(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

static const char *const bounds[] = { "0", "1", "100000", "1m" };

/* What is past the bound waits with the client, and comes behind it. */
START_TEST(taken_in_part)
{
	struct upload *u = upload_new("POST / HTTP/1.1", HUGE, _i % 2 == 1);
	const char *bound = bounds[_i / 2];
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	d = start(scratch_printf("hold_bytes %s;", bound), "max_body_size 1g;");
	c = daemon_connect(d);
	push(u, c);
	wait_metric(d, "held", 1);
	wait_metric(d, "held_bytes",
	    strcmp(bound, "1m") == 0 ? 1024 * 1024 : atof(bound));
	push(u, c);
	ck_assert_uint_lt(u->sent, u->n);
	origin_listen(&origin);
	serve(u, c);
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	daemon_stop(d);
}
END_TEST

/* The bound is of all that wait; each is whole, in its order. */
START_TEST(many)
{
	enum { CLIENTS = 100, EACH = 50000 };
	struct upload *u[CLIENTS];
	struct client *c[CLIENTS];
	size_t all = 0;
	struct daemon *d;

	origin_reserve(&origin);
	d = start(_i == 0 ? "hold_bytes 32m;" : "hold_bytes 1m;", "");
	for (int i = 0; i < CLIENTS; i++) {
		u[i] =
		    upload_new("POST / HTTP/1.1", EACH + (size_t)i, i % 2 == 1);
		all += u[i]->content_n;
		c[i] = daemon_connect(d);
		push_all(u[i], c[i]);
		wait_metric(d, "held", i + 1);
	}
	wait_metric(d, "held_bytes", _i == 0 ? (double)all : 1024 * 1024);
	origin_listen(&origin);
	for (int i = 0; i < CLIENTS; i++) {
		struct client *o = origin_accept(&origin);

		origin_read(o);
		wants_content(u[i], c[i], o);
		client_puts(o, BYE);
		client_close(o);
		reply_wants_text(client_read(c[i], "POST"), "ok");
	}
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	ck_assert_double_eq(metric(d, "held_released_total"), CLIENTS);
	daemon_stop(d);
}
END_TEST

/* An empty content has an end, too. */
START_TEST(nothing_in_chunks)
{
	struct client *c, *o;
	struct daemon *d;

	origin_reserve(&origin);
	d = start("hold_bytes 1m;", "");
	c = daemon_connect(d);
	client_puts(c,
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n\r\n"
	    "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_metric(d, "held", 1);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	ck_assert_int_eq(memcmp(client_peek(o, 5), "0\r\n\r\n", 5), 0);
	client_puts(o, BYE);
	reply_wants_text(client_read(c, "POST"), "ok");
	reply_wants_text(client_read(c, "GET"), "x");
	daemon_stop(d);
}
END_TEST

/*
 * What has begun to be taken stays with the worker that has it, and that stays
 * until it is served.
 */
static const struct {
	const char *bound, *content, *rest;
} begun[] = {
	{ "1m", "5\r\nhello\r\n0\r\n\r\n", "" },
	{ "1m", "5\r\nhel", "lo\r\n0\r\n\r\n" },
	{ "1m", "5\r\n", "hello\r\n0\r\n\r\n" },
	{ "0", "5\r\nhello\r\n0\r\n\r\n", "" },
	{ "0", "5\r\n", "hello\r\n0\r\n\r\n" },
};

START_TEST(through_a_reload)
{
	const char *chunks = "5\r\nhello\r\n0\r\n\r\n", *got;
	struct client *c, *o;
	struct daemon *d;

	client_set_context(begun[_i].content);
	origin_reserve(&origin);
	d = start(scratch_printf("hold_bytes %s;", begun[_i].bound), "");
	c = daemon_connect(d);
	client_puts(c,
	    "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
	client_puts(c, begun[_i].content);
	wait_metric(d, "held", 1);
	daemon_reload(d);
	wait_metric(d, "held", 1);
	client_puts(c, begun[_i].rest);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	got = client_peek(o, 5);
	ck_assert_int_eq(memcmp(got, "5\r\nhe", 3), 0);
	/* a server that has had it, and goes: it is held once more */
	origin_restart(&origin);
	client_reset(o);
	wait_metric(d, "held", 1);
	daemon_reload(d);
	wait_metric(d, "held", 1);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	got = client_peek(o, strlen(chunks));
	ck_assert_int_eq(memcmp(got, chunks, strlen(chunks)), 0);
	client_puts(o, BYE);
	reply_wants_text(client_read(c, "PUT"), "ok");
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *head;
	unsigned interim;
} asking[] = {
	{ "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n", 1 },
	{ "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n", 0 },
};

/* Who waits to be asked for the content is; an old client needs no host. */
START_TEST(asked_for)
{
	struct client *c, *o;
	struct daemon *d;
	struct reply *r;

	client_set_context(asking[_i].head);
	origin_reserve(&origin);
	d = start("hold_bytes 1m;", "");
	c = daemon_connect(d);
	client_puts(c, asking[_i].head);
	client_puts(c, "Content-Length: 5\r\n\r\n");
	if (asking[_i].interim)
		client_peek(c, strlen("HTTP/1.1 100 Continue\r\n\r\n"));
	client_puts(c, "hello");
	wait_metric(d, "held_bytes", 5);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	ck_assert_int_eq(memcmp(client_peek(o, 5), "hello", 5), 0);
	client_puts(o, BYE);
	r = client_read(c, "POST");
	reply_wants_text(r, "ok");
	ck_assert_uint_eq(r->interim, asking[_i].interim);
	daemon_stop(d);
}
END_TEST

/* It goes amid its content, or behind all of it: nothing is left. */
START_TEST(client_goes)
{
	struct upload *u = upload_new("POST / HTTP/1.1", LARGE, (_i & 1) == 1);
	bool amid = (_i & 2) != 0;
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	d = start("hold_bytes 16m;", "max_body_size 1g;");
	c = daemon_connect(d);
	if (amid)
		u->n = 2 * MEMORY;
	push_all(u, c);
	if (!amid)
		wait_metric(d, "held_bytes", LARGE);
	else
		wait_metric(d, "held", 1);
	if ((_i & 4) != 0)
		client_reset(c);
	else
		client_close(c);
	wait_metric(d, "held_bytes", 0);
	wait_metric(d, "held", 0);
	ck_assert_double_eq(metric(d, "held_left_total"), 1);
	daemon_stop(d);
}
END_TEST

/* Past try_duration it is over, and the connection goes on. */
START_TEST(nobody_comes)
{
	struct upload *u = upload_new("POST /hasty/ HTTP/1.1", LARGE, _i == 1);
	size_t all = u->n;
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	d = start("hold_bytes 16m;", "max_body_size 1g;");
	c = daemon_connect(d);
	u->n = MEMORY;
	push_all(u, c);
	ck_assert_uint_eq(client_read(c, "POST")->status, 502);
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	ck_assert_double_eq(metric(d, "held"), 0);
	u->n = all;
	push_all(u, c);
	client_expect(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

/* Too much content, or wrong chunks: refused at once, and not held any more. */
static const struct {
	const char *chunks;
	unsigned status;
} wrong[] = {
	{ "4\r\nabcd\r\n3\r\nefg\r\n1\r\nh\r\n", 413 },
	{ "4\r\nabcd\r\nxyz\r\n", 400 },
};

START_TEST(content_refused)
{
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	d = start("hold_bytes 16m;", "max_body_size 7;");
	c = daemon_connect(d);
	client_puts(c,
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
	    "chunked\r\n\r\n4\r\nabcd\r\n");
	wait_metric(d, "held_bytes", 4);
	client_puts(c, wrong[_i].chunks + strlen("4\r\nabcd\r\n"));
	ck_assert_uint_eq(client_read(c, "POST")->status, wrong[_i].status);
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	ck_assert_double_eq(metric(d, "held"), 0);
	origin_listen(&origin);
	c = daemon_connect(d);
	client_puts(c, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
	ck_assert_ptr_nonnull(
	    strstr(origin_read(origin_accept(&origin)), "GET /next "));
	daemon_stop(d);
}
END_TEST

/*
 * It is refused, and still there, as its page has to be waited for: it is not
 * asked for when the server is back.
 */
START_TEST(refused_and_waits)
{
	struct client *c, *o, *next;
	struct slow_disk *disk;
	struct daemon *d;

	scratch_text("site/slow/x", "");
	disk = slow_disk_mount(scratch_path("site/slow"));
	if (disk == NULL)
		return;
	origin_reserve(&origin);
	d = start("hold_bytes 16m;",
	    "max_body_size 7; error_page 413 /slow/tiny.txt;"
	    "route /slow/ { root @DIR@/site; }");
	c = daemon_connect(d);
	slow_disk_hold(disk);
	client_puts(c,
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "4\r\nabcd\r\n");
	wait_metric(d, "held_bytes", 4);
	client_puts(c, "4\r\nabcd\r\n");
	slow_disk_await(disk);
	next = daemon_connect(d);
	client_puts(next, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
	origin_listen(&origin);
	o = origin_accept(&origin);
	ck_assert_ptr_nonnull(strstr(origin_read(o), "GET /next "));
	client_puts(o, BYE);
	reply_wants_text(client_read(next, "GET"), "ok");
	ck_assert_double_eq(metric(d, "held"), 0);
	slow_disk_release(disk);
	reply_wants_text(client_read(c, "POST"), SLOW_DISK_TINY);
	daemon_stop(d);
	slow_disk_unmount(disk);
}
END_TEST

/*
 * A client that stalls though there is room is too slow; one that waits
 * because there is none is not.
 */
START_TEST(slow_or_waiting)
{
	struct upload *u = upload_new("POST / HTTP/1.1", HUGE, false);
	struct client *waiting, *stalled;
	struct daemon *d;

	origin_reserve(&origin);
	d = daemon_start(scratch_printf(
	    "workers 1;\n"
	    "body_timeout 500ms;\n"
	    "upstream a { server 127.0.0.1:%u; hold_bytes 1k; }\n"
	    "upstream b { server 127.0.0.1:%u; hold_bytes 1m; }\n"
	    "server {\n"
	    "    max_body_size 1g;\n"
	    "    route /  { proxy a { try_duration 60s; } }\n"
	    "    route /b { proxy b { try_duration 60s; } }\n"
	    "}\n",
	    origin.port, origin.port));
	waiting = daemon_connect(d);
	push(u, waiting);
	wait_metric(d, "held_bytes", 1024);
	stalled = daemon_connect(d);
	client_puts(stalled,
	    "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
	ck_assert_uint_eq(client_read(stalled, "POST")->status, 408);
	ck_assert_double_eq(metric(d, "held"), 1);
	origin_listen(&origin);
	serve(u, waiting);
	daemon_stop(d);
}
END_TEST

/*
 * What a server had in part and lost: repeated where that is allowed and all
 * of it is still there, else 502.
 */
static const struct {
	const char *first;
	size_t n;
	bool repeated;
} lost[] = {
	{ "PUT / HTTP/1.1", 10000, true },
	{ "PUT / HTTP/1.1", LARGE, false },
	{ "POST / HTTP/1.1", 10000, false },
};

START_TEST(server_breaks_off)
{
	struct upload *u =
	    upload_new(lost[_i / 2].first, lost[_i / 2].n, _i % 2);
	struct daemon *d;
	struct client *c, *o;

	origin_reserve(&origin);
	d = start("hold_bytes 16m;", "max_body_size 1g;");
	c = daemon_connect(d);
	push_all(u, c);
	wait_metric(d, "held_bytes", (double)u->content_n);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	client_skip(o, u->content_n < 100000 ? 5000 : 500000);
	client_reset(o);
	if (lost[_i / 2].repeated) {
		serve(u, c);
	} else {
		ck_assert_uint_eq(client_read(c, "POST")->status, 502);
		ck_assert(!origin_is_called(&origin));
	}
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	daemon_stop(d);
}
END_TEST

/* It goes again before it had a byte: the content is held as before. */
START_TEST(server_goes_again)
{
	struct upload *u = upload_new("PUT / HTTP/1.1", 10000, _i == 1);
	size_t all = u->n;
	struct daemon *d;
	struct client *c, *o;

	origin_reserve(&origin);
	d = start("hold_bytes 16m;", "");
	c = daemon_connect(d);
	u->n -= 5000;
	push_all(u, c);
	wait_metric(d, "held", 1);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	origin_restart(&origin);
	client_reset(o);
	wait_metric(d, "held", 1);
	u->n = all;
	push_all(u, c); /* behind what has left the spool already */
	wait_metric(d, "held", 1);
	origin_listen(&origin);
	serve(u, c);
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	daemon_stop(d);
}
END_TEST

/* An answer before the content was taken is an answer; the rest is dropped. */
START_TEST(answered_early)
{
	struct upload *u = upload_new("POST / HTTP/1.1", HUGE, _i == 1);
	struct daemon *d;
	struct client *c, *o;

	origin_reserve(&origin);
	d = start("hold_bytes 1g;", "max_body_size 1g;");
	c = daemon_connect(d);
	push_all(u, c);
	wait_metric(d, "held_bytes", HUGE);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_answer(o, BYE);
	reply_wants_text(client_read(c, "POST"), "ok");
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	client_expect(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

/*
 * The server answers and takes nothing, the client sends all and reads nothing:
 * the loop waits for them, and does not spin.
 */
START_TEST(nobody_takes)
{
	struct upload *u = upload_new("POST / HTTP/1.1", HUGE, false);
	char *content = scratch_alloc(HUGE);
	pid_t workers[PROC_CHILDREN_MAX];
	struct client *c, *o;
	struct daemon *d;
	size_t n;

	origin_reserve(&origin);
	d = start("hold_bytes 1g;", "max_body_size 1g;");
	c = client_tcp_narrow("127.0.0.1", d->port, 65536);
	push_all(u, c);
	wait_metric(d, "held_bytes", HUGE);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_answer(o,
	    scratch_printf(
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", HUGE));
	ck_assert_uint_eq(daemon_workers(d, workers), 1);
	n = client_push(o, content, HUGE, 300);
	ck_assert_uint_lt(n, HUGE);
	wait_until(proc_is_asleep, &workers[0], "a loop that waits");
	daemon_stop(d);
}
END_TEST

/* The disk is full amid the content: it waits with the client, and is whole. */
START_TEST(disk_full)
{
	struct upload *u = upload_new("POST / HTTP/1.1", HUGE, _i == 1);
	const struct rlimit little = { HUGE / 2, HUGE / 2 };
	struct daemon *d;
	struct client *c;

	origin_reserve(&origin);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
	d = start("hold_bytes 1g;", "max_body_size 1g;");
	c = daemon_connect(d);
	while (strstr(daemon_stderr(d), "no file in /var/tmp") == NULL) {
		push(u, c);
		metric(d, "held"); /* a turn of its loop */
	}
	push(u, c);
	ck_assert_uint_lt(u->sent, u->n);
	origin_listen(&origin);
	serve(u, c);
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	daemon_stop(d);
}
END_TEST

/* The worker's file in /var/tmp or /tmp, opened; -1: it has none. */
static int
open_spool(struct daemon *d)
{
	pid_t workers[PROC_CHILDREN_MAX];
	char target[256];

	ck_assert_uint_eq(daemon_workers(d, workers), 1);
	for (int fd = 0; fd <= proc_descriptor_max(workers[0]); fd++) {
		const char *path =
		    scratch_printf("/proc/%d/fd/%d", workers[0], fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		if ((strncmp(target, "/var/tmp/#", 10) == 0 ||
			strncmp(target, "/tmp/#", 6) == 0) &&
		    strstr(target, "(deleted)") != NULL)
			return open(path, O_RDWR | O_CLOEXEC);
	}
	return -1;
}

/* All is in the file that does not stay in memory. */
static bool
is_written(void *arg)
{
	int fd = open_spool(arg);
	struct stat st = { 0 };

	if (fd == -1)
		return false;
	ck_assert_int_eq(fstat(fd, &st), 0);
	close(fd);
	return st.st_size + MEMORY / 2 > HUGE;
}

static void
lose_file(struct daemon *d)
{
	int fd = open_spool(d);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	close(fd);
}

/* What the origin has is no whole request: neither a length nor a last chunk.
 */
static void
wants_cut(const struct upload *u, struct client *o)
{
	const char *bytes;
	size_t n;

	bytes = client_peek_all(o, &n);
	if (u->chunked)
		ck_assert_uint_eq(dechunk(bytes, n, NULL), 0);
	else
		ck_assert_uint_lt(n, u->content_n);
}

/* The file cannot be read: 500, and nobody takes it for all. */
START_TEST(file_is_lost)
{
	struct upload *u = upload_new("POST / HTTP/1.1", HUGE, _i == 1);
	struct daemon *d;
	struct client *c, *o;

	origin_reserve(&origin);
	d = start("hold_bytes 1g;", "max_body_size 1g;");
	c = daemon_connect(d);
	push_all(u, c);
	wait_metric(d, "held_bytes", HUGE);
	wait_until(is_written, d, "it is in the file");
	lose_file(d);
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	wants_cut(u, o);
	ck_assert_uint_eq(client_read(c, "POST")->status, 500);
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	ck_assert_ptr_nonnull(
	    strstr(daemon_stderr(d), "what was held of the content is lost"));
	client_expect(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

/* The same while the answer comes already: that is cut. */
START_TEST(file_is_lost_amid_the_answer)
{
	struct upload *u = upload_new("POST / HTTP/1.1", HUGE, _i == 1);
	struct daemon *d;
	struct client *c, *o;
	const char *got;
	size_t n;

	origin_reserve(&origin);
	d = start("hold_bytes 1g;", "max_body_size 1g;");
	c = daemon_connect(d);
	push_all(u, c);
	wait_metric(d, "held_bytes", HUGE);
	wait_until(is_written, d, "it is in the file");
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_answer(o,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n");
	ck_assert_int_eq(memcmp(client_peek(c, 15), "HTTP/1.1 200 OK", 15), 0);
	lose_file(d);
	wants_cut(u, o);
	got = client_peek_all(c, &n);
	ck_assert_ptr_null(memmem(got, n, "\r\n0\r\n", 5));
	ck_assert_double_eq(metric(d, "held_bytes"), 0);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(hold_bytes)
{
	TCase *tc = bt_system_case(s, "content");

	tcase_add_loop_test(tc, taken_whole, 0, 2 * BT_ROWS(sizes));
	tcase_add_loop_test(tc, taken_in_part, 0, 2 * BT_ROWS(bounds));
	tcase_add_loop_test(tc, many, 0, 2);
	tcase_add_test(tc, nothing_in_chunks);
	tcase_add_loop_test(tc, through_a_reload, 0, BT_ROWS(begun));
	tcase_add_loop_test(tc, asked_for, 0, BT_ROWS(asking));
	tc = bt_system_case(s, "clients");
	tcase_add_loop_test(tc, client_goes, 0, 8);
	tcase_add_loop_test(tc, nobody_comes, 0, 2);
	tcase_add_loop_test(tc, content_refused, 0, BT_ROWS(wrong));
	tcase_add_test(tc, refused_and_waits);
	tcase_add_test(tc, slow_or_waiting);
	tc = bt_system_case(s, "servers");
	tcase_add_loop_test(tc, server_breaks_off, 0, 2 * BT_ROWS(lost));
	tcase_add_loop_test(tc, server_goes_again, 0, 2);
	tcase_add_loop_test(tc, answered_early, 0, 2);
	tcase_add_test(tc, nobody_takes);
	tc = bt_system_case(s, "disks");
	tcase_add_loop_test(tc, disk_full, 0, 2);
	tcase_add_loop_test(tc, file_is_lost, 0, 2);
	tcase_add_loop_test(tc, file_is_lost_amid_the_answer, 0, 2);
}
