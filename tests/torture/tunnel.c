/*
 * One tunnel: what passes is a function of its number and the position, so that
 * nothing has to be kept to know what comes back.
 */

#include "tests/torture/tunnel.h"

#include "tests/torture/kinds.h"
#include "tests/torture/loop.h"
#include "tests/torture/outcome.h"
#include "tests/torture/random.h"
#include "tests/torture/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_US 60000000
#define SWEEP_US 1000000
#define RETRY_US 10000
#define RESTED_US 1000000
#define START_US 1000000
#define PIECE_BYTES 65536 /* of whole words */
/* Narrower than a segment of the loopback, and each waits for its ACK. */
#define NARROW_BYTES 131072
#define HEAD_MAX 512

#define ASK \
	"GET /proxied/tunnel HTTP/1.1\r\nHost: torture\r\n" \
	"Connection: Upgrade\r\nUpgrade: torture\r\n\r\n"

enum state {
	TUNNEL_APART, /* no connection; the timer makes one */
	TUNNEL_CONNECTING,
	TUNNEL_ASKING,
	TUNNEL_THINKING, /* all is back; the timer sends more */
	TUNNEL_FLOODING, /* sends and does not read, until the timer says so */
	TUNNEL_WORKING,  /* some is not back yet */
	TUNNEL_ENDING,   /* has closed its side, waits for the other's */
	TUNNEL_GONE
};

/* How they behave: in turn. */
static const struct habit {
	const char *name;
	size_t bytes; /* at most, at a time; a flood: while they are taken */
	int64_t think_us;   /* mean */
	int64_t flood_us;   /* how long nothing is read; 0: it reads at once */
	unsigned times_max; /* then it ends, and another begins */
} habits[] = {
	{ "chat", 8000, 10000, 0, 500 },
	{ "flood", 32 * 1024 * 1024, 1000000, 300000, 10 },
	{ "chat", 8000, 50000, 0, 100 },
	{ "rest", 8000, 5000000, 0, 20 },
};

enum { HABITS = sizeof(habits) / sizeof(habits[0]) };

struct tunnel {
	const struct habit *habit;
	enum state state;
	int fd;
	struct watch watch;
	uint32_t events;
	struct timer timer;
	struct random random;
	uint64_t number;
	int64_t born_us, progress_us;
	uint64_t goal, sent, got; /* bytes, of this tunnel */
	unsigned times;           /* still to do */
	size_t head_n;
	char head[HEAD_MAX];
};

static struct tunnel *all;
static unsigned all_n, left;
static struct client_field field;
static bool is_finishing;
static uint64_t numbers, opened, passed, floods, floods_stuck;
static struct timer sweeper;

static void make_connection(struct tunnel *);

/* ---- what passes */

/* n bytes from there on; PIECE_BYTES at most. */
static const char *
bytes_at(const struct tunnel *t, uint64_t at, size_t n)
{
	static uint64_t words[PIECE_BYTES / sizeof(uint64_t) + 1];
	uint64_t first = at / sizeof(words[0]);

	for (uint64_t i = 0; i * sizeof(words[0]) < n + sizeof(words[0]); i++)
		words[i] = random_mix((t->number << 32) + first + i);
	return (const char *)words + at % sizeof(words[0]);
}

/* ---- what happened */

static void
note(const struct tunnel *t, enum outcome o)
{
	uint64_t before = outcome_of(KIND_TUNNEL, o);

	outcome_note(KIND_TUNNEL, o, 1, t->born_us, loop_now_us(), 0);
	if (o == OUTCOME_OK || outcome_of(KIND_TUNNEL, o) == before)
		return;
	say("tunnel %" PRIu64 " (%s): %s, after %.3f s; sent %" PRIu64
	    " of %" PRIu64 ", got %" PRIu64
	    ", the last of it %.3f s ago; '%.*s'",
	    t->number, t->habit->name, outcome_names[o],
	    (double)(loop_now_us() - t->born_us) / 1e6, t->sent, t->goal,
	    t->got, (double)(loop_now_us() - t->progress_us) / 1e6,
	    (int)strcspn(t->head, "\r\n"), t->head);
}

/* ---- its end */

static void
watch_for(struct tunnel *t, uint32_t events)
{
	if (t->events == events)
		return;
	t->events = events;
	loop_change(t->fd, &t->watch, events);
}

static void
go_apart(struct tunnel *t, int64_t us)
{
	loop_cancel(&t->timer);
	if (t->fd != -1) {
		loop_forget(t->fd);
		close(t->fd);
		t->fd = -1;
	}
	if (is_finishing) {
		t->state = TUNNEL_GONE;
		left--;
		return;
	}
	t->state = TUNNEL_APART;
	loop_after(&t->timer, us);
}

/* The other side closed it, or it was reset. */
static void
on_closed(struct tunnel *t, bool is_reset)
{
	switch (t->state) {
	case TUNNEL_CONNECTING:
		note(t, OUTCOME_REFUSED);
		break;
	case TUNNEL_ASKING:
		note(t, OUTCOME_RESET);
		break;
	case TUNNEL_THINKING:
		note(t,
		    loop_now_us() - t->progress_us > RESTED_US
			? OUTCOME_RESTED
			: OUTCOME_IDLE_CLOSED);
		break;
	case TUNNEL_FLOODING:
	case TUNNEL_WORKING:
		note(t, OUTCOME_TUNNEL);
		break;
	case TUNNEL_ENDING:
		if (is_reset || t->got < t->sent)
			note(t, OUTCOME_TUNNEL);
		break;
	case TUNNEL_APART:
	case TUNNEL_GONE:
		return;
	}
	go_apart(t, random_around(&t->random, RETRY_US));
}

/* All has come back: it ends as it should, each side when it was told so. */
static void
end(struct tunnel *t)
{
	t->state = TUNNEL_ENDING;
	t->progress_us = loop_now_us();
	loop_cancel(&t->timer);
	shutdown(t->fd, SHUT_WR);
	watch_for(t, EPOLLIN);
}

static void
think(struct tunnel *t)
{
	if (is_finishing || t->times == 0) {
		end(t);
		return;
	}
	t->state = TUNNEL_THINKING;
	watch_for(t, EPOLLIN);
	loop_after(&t->timer, random_around(&t->random, t->habit->think_us));
}

/* ---- both ways */

static void
send_some(struct tunnel *t)
{
	while (t->sent < t->goal) {
		size_t n = t->goal - t->sent < PIECE_BYTES
		    ? (size_t)(t->goal - t->sent)
		    : PIECE_BYTES;
		ssize_t r =
		    send(t->fd, bytes_at(t, t->sent, n), n, MSG_NOSIGNAL);

		if (r == -1) /* full; or it is over, as reading will tell */
			break;
		t->sent += (uint64_t)r;
		t->progress_us = loop_now_us();
	}
	watch_for(t,
	    (t->state == TUNNEL_FLOODING ? 0 : EPOLLIN) |
		(t->sent < t->goal ? EPOLLOUT : 0));
}

static void
say_more(struct tunnel *t)
{
	t->times--;
	t->goal += t->habit->flood_us > 0
	    ? t->habit->bytes
	    : 1 + random_below(&t->random, t->habit->bytes);
	t->state = TUNNEL_WORKING;
	t->progress_us = loop_now_us();
	if (t->habit->flood_us > 0) {
		t->state = TUNNEL_FLOODING;
		loop_after(
		    &t->timer, random_around(&t->random, t->habit->flood_us));
	}
	send_some(t);
}

/* False: they are not what was sent; it is over. */
static bool
take(struct tunnel *t, const char *bytes, size_t n)
{
	if (t->got + n > t->sent ||
	    memcmp(bytes, bytes_at(t, t->got, n), n) != 0) {
		note(t, OUTCOME_CONTENT);
		go_apart(t, RETRY_US);
		return false;
	}
	t->got += n;
	passed += n;
	t->progress_us = loop_now_us();
	if (t->state == TUNNEL_WORKING && t->got == t->goal) {
		note(t, OUTCOME_OK);
		think(t);
	}
	return true;
}

/* The head of the answer; what is behind it belongs to the tunnel. */
static void
take_head(struct tunnel *t)
{
	char *end_of_head;
	size_t n;

	t->head[t->head_n] = '\0';
	end_of_head = strstr(t->head, "\r\n\r\n");
	if (end_of_head == NULL && t->head_n < HEAD_MAX - 1)
		return;
	if (end_of_head == NULL || strncmp(t->head, "HTTP/1.1 101 ", 13) != 0) {
		note(t, OUTCOME_STATUS);
		go_apart(t, RETRY_US);
		return;
	}
	opened++;
	t->state = TUNNEL_WORKING;
	t->progress_us = loop_now_us();
	n = t->head_n - (size_t)(end_of_head + 4 - t->head);
	if (n > 0 && !take(t, end_of_head + 4, n))
		return;
	if (t->state == TUNNEL_WORKING && t->goal == 0)
		think(t);
	else if (t->state == TUNNEL_WORKING)
		send_some(t);
}

static void
receive(struct tunnel *t)
{
	static char bytes[PIECE_BYTES];
	bool is_asking = t->state == TUNNEL_ASKING;
	char *to = is_asking ? t->head + t->head_n : bytes;
	size_t room = is_asking ? HEAD_MAX - 1 - t->head_n : sizeof(bytes);
	ssize_t n = recv(t->fd, to, room, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		on_closed(t, n == -1);
	} else if (is_asking) {
		t->head_n += (size_t)n;
		take_head(t);
	} else {
		take(t, bytes, (size_t)n);
	}
}

/* ---- its begin */

static void
on_connected(struct tunnel *t)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1 ||
	    error != 0 ||
	    send(t->fd, ASK, sizeof(ASK) - 1, MSG_NOSIGNAL) !=
		sizeof(ASK) - 1) {
		on_closed(t, true);
		return;
	}
	t->state = TUNNEL_ASKING;
	t->progress_us = loop_now_us();
	/* some do not wait for the switch */
	if (random_below(&t->random, 2))
		t->goal = 1 + random_below(&t->random, 2000);
	send_some(t);
}

static void
on_socket(void *arg, uint32_t events)
{
	struct tunnel *t = arg;

	if (t->state == TUNNEL_CONNECTING) {
		on_connected(t);
		return;
	}
	if (t->state == TUNNEL_FLOODING && (events & (EPOLLHUP | EPOLLERR))) {
		on_closed(t, true);
		return;
	}
	if (events & EPOLLOUT)
		send_some(t);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(t);
}

static void
make_connection(struct tunnel *t)
{
	int narrow = NARROW_BYTES;

	t->number = ++numbers;
	t->born_us = t->progress_us = loop_now_us();
	t->goal = t->sent = t->got = 0;
	t->head_n = 0;
	t->head[0] = '\0';
	t->times = 1 + (unsigned)random_below(&t->random, t->habit->times_max);
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd == -1)
		say_die("socket");
	if (t->habit->flood_us > 0)
		setsockopt(
		    t->fd, SOL_SOCKET, SO_RCVBUF, &narrow, sizeof(narrow));
	t->state = TUNNEL_CONNECTING;
	t->events = EPOLLOUT;
	if (connect(t->fd, (const void *)&field.addr, sizeof(field.addr)) ==
		-1 &&
	    errno != EINPROGRESS)
		say_die("connect");
	loop_watch(t->fd, &t->watch, EPOLLOUT);
}

static void
on_time(void *arg)
{
	struct tunnel *t = arg;

	switch (t->state) {
	case TUNNEL_APART:
		make_connection(t);
		break;
	case TUNNEL_THINKING:
		say_more(t);
		break;
	case TUNNEL_FLOODING:
		floods++;
		floods_stuck += t->sent < t->goal;
		t->state = TUNNEL_WORKING;
		t->goal = t->sent; /* as much as they took */
		send_some(t);
		break;
	case TUNNEL_CONNECTING:
	case TUNNEL_ASKING:
	case TUNNEL_WORKING:
	case TUNNEL_ENDING:
	case TUNNEL_GONE:
		break;
	}
}

/* ---- all of them */

static void
on_sweep(void *arg)
{
	int64_t limit = loop_now_us() - TIMEOUT_US;

	for (struct tunnel *t = all; t < all + all_n; t++)
		if (t->fd != -1 && t->state != TUNNEL_THINKING &&
		    t->progress_us < limit) {
			note(t, OUTCOME_TIMEOUT);
			go_apart(t, RETRY_US);
		}
	loop_after(&sweeper, SWEEP_US);
}

void
tunnels_start(unsigned n, const struct client_field *f, uint64_t seed)
{
	struct random random = { random_mix(seed + 2) };

	field = *f;
	all_n = left = n;
	all = calloc(n + 1, sizeof(*all));
	if (all == NULL)
		say_die("calloc");
	for (unsigned i = 0; i < n; i++) {
		struct tunnel *t = &all[i];

		t->habit = &habits[i % HABITS];
		t->fd = -1;
		t->watch = (struct watch){ on_socket, t };
		t->timer = (struct timer){ .on_time = on_time, .arg = t };
		t->random.state = random_next(&random);
		loop_after(&t->timer, (int64_t)random_below(&random, START_US));
	}
	sweeper.on_time = on_sweep;
	loop_after(&sweeper, SWEEP_US);
}

void
tunnels_finish(void)
{
	is_finishing = true;
	for (struct tunnel *t = all; t < all + all_n; t++)
		if (t->state == TUNNEL_THINKING)
			end(t);
		else if (t->state == TUNNEL_APART)
			go_apart(t, 0);
}

unsigned
tunnels_left(void)
{
	return left;
}

void
tunnels_print(void)
{
	if (opened > 0)
		printf("tunnels: %" PRIu64 " opened, %" PRIu64
		       " MiB there and back; %" PRIu64 " of %" PRIu64
		       " floods got stuck\n",
		    opened, passed >> 20, floods_stuck, floods);
}
