/*
 * A small server of HTTP/1.1, for one client that is well known.
 */

#include "tests/torture/origin.h"

#include "tests/torture/content.h"
#include "tests/torture/loop.h"
#include "tests/torture/random.h"
#include "tests/torture/say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_BYTES (96 * 1024) /* a request, or what is to be echoed */
#define HEAD_MAX 512         /* of an answer */
#define TUNNEL_BYTES 131072  /* of its socket: bytes wait before it, too */
#define STAY_US 1000000      /* mean */
#define AWAY_MIN_US 20000
#define AWAY_MAX_US 200000
#define DELAY_MAX_US 20000 /* of some of the answers */
#define CLOSING_US 100

struct visitor {
	TAILQ_ENTRY(visitor) next;
	int fd;
	struct watch watch;
	uint32_t events;
	struct timer timer; /* its answer is due */
	bool is_tunnel, is_eof, is_last;
	unsigned answered;
	char *in; /* in[in_at..in_n) is not answered, or not echoed, yet */
	size_t in_at, in_n;
	char *out; /* the answer; NULL: none, or all of it is sent */
	size_t out_at, out_n;
};

TAILQ_HEAD(visitors, visitor);

struct request {
	bool is_post, is_upgrade;
	uint64_t number;
	size_t head_n, content_n, bytes; /* to be answered */
};

static struct visitors visitors = TAILQ_HEAD_INITIALIZER(visitors);
static int listen_fd;
static bool is_away;
static struct watch listen_watch;
static struct timer schedule;
static struct random random_state;
static unsigned tunnels_n;
static uint64_t requests, tunnels_all, echoed, aways;
static uint8_t *posted; /* by number: its head has come */
static uint64_t posted_room;

static void on_visitor(void *, uint32_t);

/* ---- one visitor */

static void
drop(struct visitor *v)
{
	loop_cancel(&v->timer);
	loop_forget(v->fd);
	close(v->fd);
	tunnels_n -= v->is_tunnel;
	TAILQ_REMOVE(&visitors, v, next);
	free(v->in);
	free(v->out);
	free(v);
}

static void
watch_for(struct visitor *v, uint32_t events)
{
	if (v->events == events)
		return;
	v->events = events;
	loop_change(v->fd, &v->watch, events);
}

/* Sends of the bytes what is taken; -1: nobody is there. */
static int
send_some(const struct visitor *v, const char *bytes, size_t *at, size_t n)
{
	while (*at < n) {
		ssize_t r = send(v->fd, bytes + *at, n - *at, MSG_NOSIGNAL);

		if (r == -1 && errno == EAGAIN)
			return 0;
		if (r == -1)
			return -1;
		*at += (size_t)r;
	}
	return 0;
}

/* ---- requests */

/* The value of a field, or NULL; it ends with CRLF. */
static const char *
field(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at ? at + strlen(name) : NULL;
}

/* Has it come whole?  Its head is a string then. */
static bool
find_request(struct visitor *v, struct request *r)
{
	const char *value;
	char *end;

	*r = (struct request){ 0 };
	end = memmem(v->in, v->in_n, "\r\n\r\n", 4);
	if (end == NULL)
		return false;
	end[2] = '\0';
	r->head_n = (size_t)(end + 4 - v->in);
	r->is_post = strncmp(v->in, "POST ", 5) == 0;
	r->is_upgrade = field(v->in, "\r\nUpgrade:") != NULL;
	if (!r->is_upgrade &&
	    sscanf(v->in, "GET /get/%" SCNu64 "/%zu HTTP/1.1", &r->number,
		&r->bytes) != 2 &&
	    sscanf(v->in, "POST /post/%" SCNu64 " HTTP/1.1", &r->number) != 1)
		say_failed("the origin was asked: %.60s", v->in);
	value = field(v->in, "\r\nContent-Length:");
	if (value != NULL)
		r->content_n = strtoull(value, NULL, 10);
	end[2] = '\r';
	return v->in_n >= r->head_n + r->content_n;
}

/* Some of it was seen: nobody may send it again. */
static void
mark_post(uint64_t number)
{
	if (number >= posted_room) {
		uint64_t room = number * 2 + 1024;

		posted = realloc(posted, room);
		if (posted == NULL)
			say_die("realloc");
		memset(posted + posted_room, 0, room - posted_room);
		posted_room = room;
	}
	if (posted[number]++)
		say_failed("POST %" PRIu64 " came to the origin again", number);
}

static void
write_answer(struct visitor *v, const struct request *r)
{
	size_t n = r->is_post ? r->content_n : r->bytes;
	bool is_chunked = r->number % 2;
	char length[48];
	int at;

	v->is_last = is_away;
	v->out = malloc(HEAD_MAX + n);
	if (v->out == NULL)
		say_die("malloc");
	snprintf(length, sizeof(length),
	    is_chunked ? "Transfer-Encoding: chunked\r\n\r\n%zx"
		       : "Content-Length: %zu\r\n",
	    n);
	at = snprintf(v->out, HEAD_MAX,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n%s%s\r\n",
	    v->is_last ? "Connection: close\r\n" : "", length);
	if (r->is_post)
		memcpy(v->out + at, v->in + r->head_n, n);
	else
		content_fill(r->number, n, v->out + at);
	v->out_at = 0;
	v->out_n = (size_t)at + n;
	if (is_chunked) {
		memcpy(v->out + v->out_n, "\r\n0\r\n\r\n", 7);
		v->out_n += 7;
	}
}

static void
become_tunnel(struct visitor *v)
{
	static const char head[] = "HTTP/1.1 101 Switching Protocols\r\n"
				   "Connection: Upgrade\r\n"
				   "Upgrade: torture\r\n\r\n";
	int bytes = TUNNEL_BYTES;

	setsockopt(v->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(v->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	v->is_tunnel = true;
	tunnels_n++;
	tunnels_all++;
	v->out = strdup(head);
	v->out_at = 0;
	v->out_n = strlen(head);
}

static void go_on(struct visitor *);

/* Its request is there, and perhaps bytes of a tunnel behind it. */
static void
answer(void *arg)
{
	struct visitor *v = arg;
	struct request r;

	find_request(v, &r);
	requests++;
	if (r.is_upgrade)
		become_tunnel(v);
	else
		write_answer(v, &r);
	v->in_at = r.head_n + r.content_n;
	if (!v->is_tunnel) {
		memmove(v->in, v->in + v->in_at, v->in_n - v->in_at);
		v->in_n -= v->in_at;
		v->in_at = 0;
	}
	go_on(v);
}

/* Reads of a request; false: the visitor has left. */
static bool
read_request(struct visitor *v)
{
	bool was_headed = memmem(v->in, v->in_n, "\r\n\r\n", 4) != NULL;
	ssize_t n = recv(v->fd, v->in + v->in_n, IN_BYTES - v->in_n, 0);
	struct request r;
	bool is_whole;

	if (n == -1 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		drop(v);
		return false;
	}
	v->in_n += (size_t)n;
	is_whole = find_request(v, &r);
	if (!was_headed && r.head_n > 0 && r.is_post)
		mark_post(r.number);
	if (!is_whole)
		return true;
	watch_for(v, 0);
	loop_after(&v->timer,
	    random_below(&random_state, 4)
		? 0
		: (int64_t)random_below(&random_state, DELAY_MAX_US));
	return true;
}

/* ---- tunnels */

/* Reads what there is; false: it broke off. */
static bool
read_tunnel(struct visitor *v)
{
	ssize_t n;

	if (v->in_at < v->in_n || v->is_eof)
		return true;
	v->in_at = v->in_n = 0;
	n = recv(v->fd, v->in, IN_BYTES, 0);
	if (n == 0)
		v->is_eof = true;
	if (n > 0)
		v->in_n = (size_t)n;
	return n >= 0 || errno == EAGAIN;
}

static void
echo(struct visitor *v)
{
	size_t before = v->in_at;

	if (send_some(v, v->in, &v->in_at, v->in_n) == -1) {
		drop(v);
		return;
	}
	echoed += v->in_at - before;
	if (v->in_at < v->in_n)
		watch_for(v, EPOLLOUT);
	else if (v->is_eof)
		drop(v);
	else
		watch_for(v, EPOLLIN);
}

/* Sends what is to be sent, and names what is waited for. */
static void
go_on(struct visitor *v)
{
	if (v->out != NULL) {
		if (send_some(v, v->out, &v->out_at, v->out_n) == -1) {
			drop(v);
			return;
		}
		if (v->out_at < v->out_n) {
			watch_for(v, EPOLLOUT);
			return;
		}
		free(v->out);
		v->out = NULL;
		v->answered++;
	}
	if (v->is_tunnel)
		echo(v);
	else if (v->is_last)
		drop(v);
	else
		watch_for(v, EPOLLIN);
}

static void
on_visitor(void *arg, uint32_t events)
{
	struct visitor *v = arg;

	if (v->timer.place != 0) { /* it did not wait for its answer */
		drop(v);
		return;
	}
	if (v->is_tunnel && v->out == NULL && (events & ~EPOLLOUT) &&
	    !read_tunnel(v)) {
		drop(v);
		return;
	}
	if (v->is_tunnel || v->out != NULL)
		go_on(v);
	else
		read_request(v);
}

/* ---- coming and going */

static void
welcome(int fd)
{
	struct visitor *v = calloc(1, sizeof(*v));
	int one = 1, none = 0;

	if (v == NULL || (v->in = malloc(IN_BYTES)) == NULL)
		say_die("malloc");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_MINTTL, &none, sizeof(none));
	v->fd = fd;
	v->watch = (struct watch){ on_visitor, v };
	v->timer = (struct timer){ .on_time = answer, .arg = v };
	v->events = EPOLLIN;
	TAILQ_INSERT_TAIL(&visitors, v, next);
	loop_watch(fd, &v->watch, EPOLLIN);
}

static void
accept_all(void *arg, uint32_t events)
{
	int fd;

	while ((fd = accept4(
		    listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
		welcome(fd);
}

/*
 * It is the same socket again, which keeps its port: else that could become a
 * client's meanwhile, who would be connected to itself.
 */
static void
come(void)
{
	int none = 0;

	if (setsockopt(listen_fd, IPPROTO_IP, IP_MINTTL, &none, sizeof(none)) ==
		-1 ||
	    listen(listen_fd, 4096) == -1)
		say_die("listen");
	loop_watch(listen_fd, &listen_watch, EPOLLIN);
	is_away = false;
}

/*
 * A connection that the kernel has accepted and we have not would be reset with
 * the listener, perhaps with a POST that it brought, which nobody may repeat.
 * So the kernel accepts no more first (who knocks now does so again after a
 * second), and those that it has are taken.
 *
 * A close would not do, as a child that was just forked may have the listener,
 * too.
 */
static void
leave(void)
{
	int most = 255;

	if (setsockopt(listen_fd, IPPROTO_IP, IP_MINTTL, &most, sizeof(most)) ==
	    -1)
		say_die("IP_MINTTL");
	usleep(CLOSING_US); /* handshakes that have begun */
	accept_all(NULL, 0);
	loop_forget(listen_fd);
	if (shutdown(listen_fd, SHUT_RD) == -1)
		say_die("shutdown");
	is_away = true;
	aways++;
}

static bool
is_idle(const struct visitor *v)
{
	return !v->is_tunnel && v->answered > 0 && v->in_n == 0 &&
	    v->out == NULL;
}

static void
on_schedule(void *arg)
{
	struct visitor *v, *next;

	if (is_away) {
		come();
		loop_after(&schedule, random_around(&random_state, STAY_US));
		return;
	}
	leave();
	for (v = TAILQ_FIRST(&visitors); v != NULL; v = next) {
		next = TAILQ_NEXT(v, next);
		if (is_idle(v))
			drop(v);
	}
	loop_after(&schedule,
	    AWAY_MIN_US +
		(int64_t)random_below(
		    &random_state, AWAY_MAX_US - AWAY_MIN_US));
}

static int
bind_to(struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(*addr);
	int one = 1;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (void *)addr, n) == -1 ||
	    getsockname(fd, (void *)addr, &n) == -1)
		say_die("bind");
	return fd;
}

unsigned
origin_start(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int finder = bind_to(&addr);

	/* a port that the kernel chose is given back at a shutdown */
	listen_fd = bind_to(&addr);
	close(finder);
	listen_watch = (struct watch){ accept_all, NULL };
	come();
	return ntohs(addr.sin_port);
}

void
origin_begin_to_leave(uint64_t seed)
{
	random_state.state = random_mix(seed + 1);
	schedule.on_time = on_schedule;
	loop_after(&schedule, random_around(&random_state, STAY_US));
}

void
origin_stay(void)
{
	loop_cancel(&schedule);
	if (is_away)
		come();
}

unsigned
origin_tunnels(void)
{
	return tunnels_n;
}

void
origin_print(void)
{
	printf("origin: %" PRIu64 " requests, away %" PRIu64 " times; %" PRIu64
	       " tunnels, %" PRIu64 " MiB echoed\n",
	    requests, aways, tunnels_all, echoed >> 20);
}
