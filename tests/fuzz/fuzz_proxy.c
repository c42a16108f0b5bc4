/*
 * Servers behind the proxy, end to end through real workers (place.h): they
 * answer any bytes in any cuts, and come, go, close and fall silent when the
 * input says so (behind.h).  The clients, three of them, ask properly; what
 * becomes of those who do not is fuzz_connection's.
 *
 * An input is what the servers answer, on the connection where something came
 * last.  The byte 0xff and the one behind it are not sent, but say what happens
 * (enum action), or are a request: bit 7, the route, the kind (kinds[]).  The
 * first byte says how all of them read (enum how).
 *
 * Wanted: answers that another reader understands, not more of them than
 * requests, each to whom it was for; requests that another reader understands,
 * with the content that was sent, and none twice that must not be; tunnels that
 * change no byte; an end; and nothing left in pools, books and descriptors.
 */

#include "base/offload.h"
#include "conf/conf.h"
#include "proxy/upstream.h"
#include "tests/fuzz/answers.h"
#include "tests/fuzz/behind.h"
#include "tests/fuzz/place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum action {
	ACT_TURN = 'c',   /* the loops turn */
	ACT_SOON = 'q',   /* 10 ms pass */
	ACT_CLOCK = 't',  /* 250 ms */
	ACT_LONG = 'T',   /* 9 s */
	ACT_LONGER = 'L', /* 70 s */

	ACT_CLIENT = '1',  /* 1, 2, 3: who does what follows */
	ACT_MORE = 'w',    /* it sends more of its content */
	ACT_ALL = 'W',     /* all of it */
	ACT_BYTES = 'b',   /* bytes for a tunnel */
	ACT_MANY = 'B',    /* a lot of them */
	ACT_TAKE = 'r',    /* it reads a little */
	ACT_NO_MORE = 'h', /* it will send no more */
	ACT_LEAVE = 'x',   /* it is gone */

	ACT_RETIRE = 'm', /* the worker retires, for the other one */
	ACT_PARK = 'p',   /* the same, but finishes its answers */
	ACT_DRAIN = 'd',  /* it drains */

	ACT_NAME = 'i',    /* the server says X-Id: the last request's there */
	ACT_CONTENT = 'z', /* 5000 bytes */
	ACT_FLOOD = 'Z',   /* 100000 bytes */
	ACT_NEXT = 'n',    /* another one of its connections */
	ACT_FINISH = 'f',  /* it will send no more on this one */
	ACT_CLOSE = 'k',
	ACT_RESET = 'K',
	ACT_STOP = 's',   /* nobody listens any more */
	ACT_LISTEN = 'l', /* somebody does */
	ACT_ACCEPT = 'a', /* one that waited */
	ACT_READ = 'o',   /* the servers read */
};

enum how {
	LAZY = 1,          /* clients read when told to */
	NARROW = 2,        /* nobody has room for much that was not read */
	SERVERS_END = 4,   /* in the end they do so first */
	LATE = 8,          /* connections are accepted when told to */
	SERVERS_LAZY = 16, /* they read when told to */
	DOWN = 32,         /* nobody listens at first */
};

enum {
	CLIENTS = 3,
	ASKED_MAX = 100,
	TURNS_MAX = 1000,
	ANSWERS_MAX = 8 * 1024 * 1024,
};

/* ---- what clients ask */

static const struct kind {
	const char *method, *fields;
	unsigned minor;
	unsigned content; /* bytes of it; … */
	unsigned first;   /* … so many go with the head */
	bool chunked, repeatable, upgrade, twice;
} kinds[16] = {
	{ "GET", "", 1, .repeatable = true },
	{ "HEAD", "", 1, .repeatable = true },
	{ "GET", "", 0, .repeatable = true },
	{ "GET", "Connection: keep-alive\r\n", 0, .repeatable = true },
	{ "POST", "", 1, .content = 10, .first = 4 },
	{ "POST", "", 1, .content = 60000, .first = 100 },
	{ "POST", "Trailer: X-T\r\n", 1, .content = 30, .chunked = true },
	{ "POST", "Trailer: X-T\r\n", 1, 25, 25, .chunked = true },
	{ "PUT", "", 1, .content = 10, .repeatable = true },
	{ "POST", "Expect: 100-continue\r\n", 1, .content = 10 },
	{ "GET", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 1,
	    .repeatable = true, .upgrade = true },
	{ "GET", "Upgrade: chat, h2c, websocket\r\nConnection: upgrade\r\n", 1,
	    .repeatable = true, .upgrade = true, .twice = true },
	{ "GET", "", 1, .repeatable = true, .twice = true },
	{ "OPTIONS", "Connection: X-Hop, close\r\nX-Hop: 1\r\nTE: trailers\r\n",
	    1, .repeatable = true },
	{ "DELETE", "Connection: Upgrade\r\nUpgrade: h2c\r\n", 1,
	    .repeatable = true },
	{ "PUT", "Expect: 100-continue\r\n", 1, .content = 50000,
	    .chunked = true, .repeatable = true },
};

static const char *const routes[8] = { "/", "/buffer/", "/map/", "/one/",
	"/two/", "/short/", "/pair/", "/tcp/" };

struct asked {
	const struct kind *kind;
	unsigned client;
	unsigned came; /* to servers: whole, or its begin */
	size_t behind; /* where its head ends in what the client sends */
	bool switched; /* it was answered 101 */
};

/* By the number in its target, from 1. */
static struct asked asked[ASKED_MAX + 1];
static unsigned asked_n;

static struct client {
	int fd;
	bool opened, finished, over, left;
	bool impatient;    /* it closed its side before the proxy did */
	bool garbage;      /* what it sent is no HTTP, unless in a tunnel */
	struct bt_buf out; /* all that goes; … */
	size_t sent;       /* … so much of it went */
	char *bytes;       /* the answers */
	size_t n;
	unsigned ids[ASKED_MAX], ids_n; /* its requests */
	unsigned content_at;            /* of the last one's, sent so far */
	size_t tunneled;                /* behind a 101 */
} clients[CLIENTS];

static struct client *client; /* who does it */
static unsigned how;
static struct bt_buf said;       /* by servers, up to here */
static char letters[128 * 1024]; /* no part like another one */
static uint64_t fds_before;      /* descriptors() */

/* ---- what is made once */

static void
open_once(void)
{
	static const char *const conf =
	    "user off; workers 1; crash_rescue off; access_log /unused;\n"
	    "error_log stderr error; max_header_size 1k; offload_threads 1;\n"
	    "drain_timeout 20s;\n"
	    "upstream app { server %1$s; hold_requests 2;\n"
	    "    hold_bytes 200k; }\n"
	    "upstream pair { server %1$s; server %2$s backup;\n"
	    "    keepalive 1; }\n"
	    "upstream hash { server %1$s weight=3; server %2$s;\n"
	    "    balance hash_uri; fall 2; }\n"
	    "upstream least { server %1$s; server %2$s;\n"
	    "    balance least_connections; slow_start 1s; }\n"
	    "server { listen unix:/unused; add_header X-Added yes;\n"
	    "route / { proxy %1$s { read_timeout 5s;\n"
	    "    tunnel_timeout 40s; } }\n"
	    "route /buffer { proxy %1$s { buffering on; read_timeout 5s; } }\n"
	    "route /map { proxy http://app/v1/ { try_duration 20s;\n"
	    "    tunnel_timeout 1m; } }\n"
	    "route /one { proxy hash { send_proxy_protocol v1;\n"
	    "    tunnel_timeout 1m; } }\n"
	    "route /two { proxy least { send_proxy_protocol v2;\n"
	    "    buffering on; try_duration 1s; try_interval 10ms;\n"
	    "    tunnel_timeout 1m; } }\n"
	    "route /short { proxy app { try_duration 300ms;\n"
	    "    try_interval 10ms; tunnel_timeout 5s; }\n"
	    "    error_page 502 504 /sorry; }\n"
	    "route = /sorry { return 200 sorry; }\n"
	    "route /pair { proxy pair { try_duration 0s; tunnel_timeout 1m;\n"
	    "    set_header Host b; set_header X-Set \"$uri\"; }\n"
	    "    error_page 502 503 504 /page; }\n"
	    "route = /page { proxy %2$s { read_timeout 5s; } }\n"
	    "route /tcp { proxy http://127.0.0.1:%3$u { read_timeout 5s;\n"
	    "    tunnel_timeout 1m; hide_header X-Hidden; } } }\n";
	char first[128], backup[128];
	struct bt_buf text = { 0 };
	unsigned port;

	if (clients[0].bytes != NULL)
		return;
	for (size_t i = 0; i < sizeof(letters); i++)
		letters[i] = (char)('a' + (i + i / 26 + i / 1000) % 26);
	if (bt_standings_make() < 0)
		abort();
	behind_choose(first, backup, &port);
	bt_buf_printf(&text, conf, first, backup, port);
	places_open(text.data);
	bt_buf_fini(&text);
	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i].bytes = malloc(ANSWERS_MAX);
}

/* What all workers know together begins anew, so that an input repeats. */
static void
forget_standings(void)
{
	struct bt_upstreams *all = places[0].worker.services.upstreams;

	for (unsigned i = 0; i < all->n; i++) {
		struct bt_standing *s = all->list[i].standing;
		uint64_t key = s->key;

		assert(
		    s == places[1].worker.services.upstreams->list[i].standing);
		memset(s, 0, sizeof(*s));
		s->key = key;
	}
	for (unsigned p = 0; p < 2; p++) {
		all = places[p].worker.services.upstreams;
		for (unsigned i = 0; i < all->n; i++)
			for (size_t k = 0; k < all->list[i].conf->origins_n;
			     k++)
				all->list[i].origins[k].share = 0;
	}
}

/* ---- the loops */

struct barrier {
	struct bt_job job; /* first */
	bool done;
};

static void
on_thread(struct bt_job *job)
{
	(void)job;
}

static void
on_done(struct bt_job *job)
{
	((struct barrier *)(void *)job)->done = true;
}

/* What the thread of a worker has to do is done, so that an input repeats. */
static void
settle_thread(struct bt_worker *w)
{
	struct barrier b = { .job = { .run = on_thread, .done = on_done } };
	struct bt_offload *o = w->services.offload;
	int r = bt_offload_submit(o, &b.job);

	assert(r == 0);
	while (!b.done) {
		struct pollfd done = { bt_offload_fd(o), POLLIN, 0 };

		r = poll(&done, 1, 5000);
		assert(r == 1);
		bt_worker_turn(w);
		bt_offload_collect(o);
	}
}

static void
settle_threads(unsigned blocks)
{
	for (unsigned i = 0; i < 2; i++) {
		struct bt_worker *w = &places[i].worker;

		if (w->services.upstreams->blocks.lent >= blocks)
			settle_thread(w);
	}
}

static void
client_read(struct client *c, size_t most)
{
	while (most > 0 && c->opened && !c->over) {
		size_t room = ANSWERS_MAX - c->n;
		ssize_t n =
		    recv(c->fd, c->bytes + c->n, room < most ? room : most, 0);

		assert(room > 0);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0)
			c->over = true;
		else
			c->n += (size_t)n;
		most -= n > 0 ? (size_t)n : 0;
	}
}

static void
client_write(struct client *c)
{
	while (c->opened && !c->finished && c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		c->sent += (size_t)n;
	}
}

static void
turn(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		client_write(&clients[i]);
	places_turn();
	settle_threads(8);
	behind_turn();
	for (unsigned i = 0; i < CLIENTS && !(how & LAZY); i++)
		client_read(&clients[i], SIZE_MAX);
}

/* ---- the clients */

static void
client_open(struct client *c)
{
	struct bt_handover h = { .with_fd = -1 };
	int fd[2], size = 4096, r;

	if (c->opened)
		return;
	r = socketpair(
	    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd);
	assert(r == 0);
	if (how & NARROW)
		setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	c->fd = fd[0];
	c->opened = true;
	h.fd = fd[1];
	h.baton.family = AF_INET;
	h.baton.id = (uint64_t)(c - clients) + 1;
	h.baton.host[3] = (uint8_t)h.baton.id;
	places_deal(&h);
	turn();
}

/* The content of a request; each has its own part of the letters. */
static const char *
content_of(unsigned id, size_t at)
{
	return letters + id * 131 + at;
}

static unsigned
last_id(const struct client *c)
{
	return c->ids_n > 0 ? c->ids[c->ids_n - 1] : 0;
}

/* So many bytes more of its content. */
static void
send_content(struct client *c, unsigned n)
{
	unsigned id = last_id(c), rest;
	const struct kind *kind = asked[id].kind;

	if (id == 0 || c->content_at == kind->content)
		return;
	rest = kind->content - c->content_at;
	n = n < rest ? n : rest;
	if (kind->chunked)
		bt_buf_printf(&c->out, "%X\r\n", n);
	bt_buf_append(&c->out, content_of(id, c->content_at), n);
	c->content_at += n;
	if (kind->chunked)
		bt_buf_puts(&c->out, "\r\n");
	if (kind->chunked && c->content_at == kind->content)
		bt_buf_puts(&c->out, "0\r\nX-T: 1\r\nHost: no\r\n\r\n");
}

static void
ask_once(struct client *c, const struct kind *kind, const char *route)
{
	unsigned id = asked_n + 1;
	struct bt_buf *out = &c->out;

	if (asked_n == ASKED_MAX)
		return;
	asked_n++;
	bt_buf_printf(out, "%s %sa?id=%u HTTP/1.%u\r\nHost: a\r\n%s",
	    kind->method, route, id, kind->minor, kind->fields);
	if (kind->chunked)
		bt_buf_puts(out, "Transfer-Encoding: chunked\r\n");
	else if (kind->content > 0)
		bt_buf_printf(out, "Content-Length: %u\r\n", kind->content);
	bt_buf_puts(out, "\r\n");
	asked[id] = (struct asked){ .kind = kind,
		.client = (unsigned)(c - clients),
		.behind = out->len };
	c->ids[c->ids_n++] = id;
	c->content_at = 0;
	if (kind->first > 0)
		send_content(c, kind->first);
}

static void
ask(struct client *c, unsigned char what)
{
	const struct kind *kind = &kinds[what & 15];
	const char *route = routes[(what >> 4) & 7];

	client_open(c);
	if (c->finished || c->over)
		return;
	send_content(c, UINT32_MAX);
	ask_once(c, kind, route);
	if (kind->twice) /* behind a 101 it is none */
		ask_once(c, &kinds[0], route);
}

/* Only behind what may become a tunnel. */
static void
send_bytes(struct client *c, unsigned n)
{
	unsigned id = last_id(c);

	if (id > 1 && asked[id].kind == &kinds[0] &&
	    asked[id - 1].kind->upgrade &&
	    asked[id - 1].client == asked[id].client)
		id--;
	if (id == 0 || !asked[id].kind->upgrade || c->finished)
		return;
	c->garbage = true;
	bt_buf_append(&c->out, content_of(id, c->out.len % 1000), n);
}

static void
client_finish(struct client *c)
{
	if (!c->opened || c->finished)
		return;
	c->finished = true;
	c->impatient |= !c->over;
	shutdown(c->fd, SHUT_WR);
}

static void
client_leave(struct client *c)
{
	if (!c->opened)
		return;
	if (!c->left)
		close(c->fd);
	c->finished = c->over = c->left = c->impatient = true;
}

/* ---- the script */

static void
say(void)
{
	behind_say(said.data, said.len);
	bt_buf_clear(&said);
}

static void
say_content(unsigned n)
{
	bt_buf_append(&said, content_of(0, 0), n);
	say();
}

static void
act_client(enum action action)
{
	switch ((unsigned)action) {
	case ACT_CLIENT:
	case ACT_CLIENT + 1:
	case ACT_CLIENT + 2:
		client = &clients[action - ACT_CLIENT];
		break;
	case ACT_MORE:
		send_content(client, 1 + client->content_at);
		break;
	case ACT_ALL:
		send_content(client, UINT32_MAX);
		break;
	case ACT_BYTES:
		send_bytes(client, 50);
		break;
	case ACT_MANY:
		send_bytes(client, 50000);
		break;
	case ACT_TAKE:
		client_read(client, 100);
		break;
	case ACT_NO_MORE:
		client_finish(client);
		break;
	case ACT_LEAVE:
		client_leave(client);
		break;
	}
}

static void
act_behind(enum action action)
{
	switch ((unsigned)action) {
	case ACT_NAME:
		bt_buf_printf(&said, "X-Id: %u\r\n", behind_last_id(behind.at));
		return; /* with what follows */
	case ACT_CONTENT:
		say_content(5000);
		break;
	case ACT_FLOOD:
		say_content(100000);
		break;
	case ACT_NEXT:
		behind_next();
		break;
	case ACT_FINISH:
		behind_finish(behind.at);
		break;
	case ACT_CLOSE:
	case ACT_RESET:
		behind_close(behind.at, action == ACT_RESET);
		break;
	case ACT_STOP:
		behind_stop();
		break;
	case ACT_LISTEN:
		behind_listen();
		break;
	case ACT_ACCEPT:
		behind_accept();
		break;
	case ACT_READ:
		behind_read();
		break;
	}
}

static void
act_time(enum action action)
{
	switch ((unsigned)action) {
	case ACT_SOON:
		places_clock_ms += 10;
		break;
	case ACT_CLOCK:
		places_clock_ms += 250;
		break;
	case ACT_LONG:
		places_clock_ms += 9000;
		break;
	case ACT_LONGER:
		places_clock_ms += 70000;
		break;
	case ACT_RETIRE:
	case ACT_PARK:
		places_retire(action == ACT_PARK);
		break;
	case ACT_DRAIN:
		places_drain();
		break;
	}
}

static void
act(unsigned char what)
{
	if (what == ACT_NAME) {
		act_behind((enum action)what);
		return;
	}
	if (said.len > 0) {
		say();
		turn();
	}
	if (what & 0x80)
		ask(client, what);
	act_client((enum action)what);
	act_behind((enum action)what);
	act_time((enum action)what);
	turn();
}

static void
run(const char *at, const char *end)
{
	const char *mark;

	while ((mark = memchr(at, 0xff, (size_t)(end - at))) != NULL &&
	    mark + 1 < end) {
		bt_buf_append(&said, at, (size_t)(mark - at));
		act((unsigned char)mark[1]);
		at = mark + 2;
	}
	bt_buf_append(&said, at, (size_t)(end - at));
	act(ACT_TURN);
}

static bool
all_over(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].opened && !clients[i].over)
			return false;
	return places_conns() == 0;
}

/* Those who still wait are not impatient: the proxy ends it. */
static void
end_servers(void)
{
	behind_end();
	for (unsigned i = 0; i < 60 && !all_over(); i++) {
		places_clock_ms += 5000;
		turn();
	}
}

/* All is said: the ends have to come. */
static void
finish(void)
{
	how &= ~(unsigned)(LAZY | SERVERS_LAZY | LATE);
	behind.lazy = behind.late = false;
	turn();
	if (how & SERVERS_END)
		end_servers();
	for (unsigned i = 0; i < CLIENTS; i++)
		client_finish(&clients[i]);
	for (unsigned i = 0; !all_over(); i++) {
		if (i > TURNS_MAX) {
			fprintf(stderr, "it does not end\n");
			abort();
		}
		if (i > 4)
			places_clock_ms += 1000;
		turn();
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].opened && !clients[i].left)
			close(clients[i].fd);
	behind_end();
}

/* ---- what has to hold */

static void __attribute__((noreturn)) wrong(const char *what, unsigned id)
{
	fprintf(stderr, "%s, request %u\n", what, id);
	abort();
}

/* Of whom a server says that it is for. */
static void
on_answer(const struct answer *a, void *arg)
{
	const struct client *c = arg;
	const char *mark = memmem(a->head, a->head_n, "\r\nX-Id: ", 8);
	unsigned id = a->nth < c->ids_n ? c->ids[a->nth] : 0, said_id;

	if (id == 0)
		return; /* a refusal of what is no request */
	asked[id].switched = a->status == 101;
	if (asked[id].switched && !asked[id].kind->upgrade)
		wrong("a switch that nobody asked for", id);
	if (asked[id].kind->minor == 0 &&
	    memmem(a->head, a->head_n, "\r\nTransfer-Encoding:", 20) != NULL)
		wrong("chunks for HTTP/1.0", id);
	said_id = mark != NULL ? (unsigned)atoi(mark + 8) : 0;
	if (said_id != 0 && said_id != id)
		wrong("an answer to another request", id);
}

/* In the place of the log: what was asked, in order. */
static const char *
log_of(const struct client *c)
{
	static struct bt_buf log;

	bt_buf_clear(&log);
	for (unsigned i = 0; i < c->ids_n; i++)
		bt_buf_printf(&log, "] \"%s \n", asked[c->ids[i]].kind->method);
	bt_buf_puts(&log, "] \"-\"\n");
	return log.data;
}

/* Returns: whether its last answer is cut, though it waited. */
static bool
check_client(struct client *c)
{
	struct answers a =
	    answers_read_proxied(c->bytes, c->n, log_of(c), on_answer, c);

	assert(a.n <= c->ids_n + c->garbage);
	c->tunneled = a.switched ? a.behind : c->n;
	return a.cut && !c->impatient;
}

/* What the client sent behind its request; where it may be in a tunnel. */
static bool
is_of_client(const struct asked *q, struct bt_str bytes)
{
	const struct client *c = &clients[q->client];

	return bytes.n <=
	    c->sent - (q->behind < c->sent ? q->behind : c->sent) &&
	    (bytes.n == 0 ||
		memcmp(bytes.p, c->out.data + q->behind, bytes.n) == 0);
}

/* Where a 101 of what a server said ends, from `at` on; NULL: there is none. */
static const char *
find_switch(const struct behind_conn *c, const char *at)
{
	const char *end, *begin;

	if (c->out.data == NULL)
		return NULL;
	end = c->out.data + c->out.len;
	begin = memmem(at, (size_t)(end - at), " 101", 4);
	if (begin == NULL)
		return NULL;
	at = memmem(begin, (size_t)(end - begin), "\r\n\r\n", 4);
	return at != NULL ? at + 4 : NULL;
}

/* What the client got behind its 101 is what the server said there. */
static void
check_down(
    const struct behind_conn *b, const struct asked *q, unsigned id, bool whole)
{
	const struct client *c = &clients[q->client];
	const char *got = c->bytes + c->tunneled, *at = b->out.data;
	size_t n = c->n - c->tunneled;

	while ((at = find_switch(b, at)) != NULL) {
		size_t there = (size_t)(b->out.data + b->sent - at);

		if (b->out.data + b->sent >= at && n <= there &&
		    memcmp(got, at, n) == 0 && (!whole || n == there))
			return;
	}
	wrong("a tunnel that changes what comes down", id);
}

static bool all_orderly;

static bool
a_page(struct bt_str head)
{
	return bt_str_has_prefix(head, BT_STR("GET /page HTTP/1.1\r\n")) ||
	    bt_str_has_prefix(head, BT_STR("HEAD /page HTTP/1.1\r\n"));
}

static bool
on_request(const struct behind_conn *b, const struct behind_request *q)
{
	struct asked *a = &asked[q->id];
	const struct client *c;

	if (q->id == 0) { /* the page of an error */
		if (q->content.n > 0 || !a_page(q->head))
			wrong("a request that nobody sent", 0);
		return true;
	}
	if (q->id > asked_n)
		wrong("a request that nobody sent", q->id);
	c = &clients[a->client];
	if (!bt_str_equal(q->method, bt_str_of(a->kind->method)))
		wrong("another method", q->id);
	if (a->came++ > 0 && !a->kind->repeatable)
		wrong("it was asked twice", q->id);
	if (q->complete && q->content.n != a->kind->content)
		wrong("another content", q->id);
	if (q->content.n > a->kind->content ||
	    (q->content.n > 0 &&
		memcmp(q->content.p, content_of(q->id, 0), q->content.n) != 0))
		wrong("changed content", q->id);
	if (a->switched && find_switch(b, b->out.data) != NULL) {
		if (!is_of_client(a, q->rest))
			wrong("a tunnel that changes what goes up", q->id);
		check_down(b, a, q->id, all_orderly && !c->left);
		return false;
	}
	/* of a tunnel whose 101 nobody has read */
	return !(a->kind->upgrade && find_switch(b, b->out.data) != NULL &&
	    is_of_client(a, q->rest));
}

static void
check_upstreams(const struct bt_worker *w)
{
	const struct bt_upstreams *all = w->services.upstreams;
	const struct bt_score_worker *s = w->score;

	assert(all->blocks.lent == 0);
	assert(s->held_requests == 0 && s->held_bytes == 0);
	assert(s->tunnels == 0 && w->tunnels_n == 0);
	assert(s->holds ==
	    s->held_released + s->held_given_up + s->held_left + s->held_moved);
	for (unsigned i = 0; i < all->n; i++) {
		const struct bt_upstream *u = &all->list[i];

		assert(u->held_n == 0 && u->waits_n == 0);
		assert(u->held_bytes == 0);
		assert(TAILQ_EMPTY(&u->held));
		assert(u->standing->in_flight == 0);
		for (size_t k = 0; k < u->conf->origins_n; k++)
			assert(u->origins[k].busy_n == 0 &&
			    u->origins[k].idle_n == 0);
	}
}

/* Which are open of those that may be; libFuzzer opens some, between inputs. */
static uint64_t
descriptors(void)
{
	uint64_t open = 0;

	for (int i = 0; i < 64; i++)
		if (fcntl(places_first_fd() + i, F_GETFD) != -1)
			open |= UINT64_C(1) << i;
	return open;
}

static void
check(const struct places_counts *before)
{
	struct places_counts after;
	uint64_t closed, cut = 0;

	settle_threads(1);
	places_check();
	settle_threads(1);
	for (unsigned i = 0; i < 2; i++)
		check_upstreams(&places[i].worker);
	assert(descriptors() == fds_before);
	after = places_count();
	closed = after.closed - before->closed;
	all_orderly = after.orderly - before->orderly == closed;
	for (unsigned i = 0; i < CLIENTS; i++)
		cut += check_client(&clients[i]);
	assert(cut <= closed - (after.complete - before->complete));
	for (unsigned i = 0; i < behind.conns_n; i++)
		behind_check(&behind.conns[i], on_request);
	places_take_log();
}

static void
begin(unsigned first_byte)
{
	how = first_byte;
	asked_n = 0;
	for (unsigned i = 0; i < CLIENTS; i++) {
		char *bytes = clients[i].bytes;

		bt_buf_fini(&clients[i].out);
		clients[i] = (struct client){ .bytes = bytes };
	}
	client = &clients[0];
	bt_buf_clear(&said);
	/* so that ticks come at the same times again */
	places_clock_ms = (places_clock_ms / 1000 + 1) * 1000;
	forget_standings();
	places_begin();
	behind_begin();
	behind.narrow = how & NARROW;
	behind.late = how & LATE;
	behind.lazy = how & SERVERS_LAZY;
	if (!(how & DOWN))
		behind_listen();
	turn();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	struct places_counts before;

	open_once();
	if (size == 0)
		return 0;
	before = places_count();
	fds_before = descriptors();
	begin(data[0]);
	run(at + 1, at + size);
	finish();
	check(&before);
	return 0;
}
