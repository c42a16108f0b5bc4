/*
 * One client: a connection, up to eight requests on it, and a timer.
 */

#include "tests/torture/client.h"

#include "tests/torture/content.h"
#include "tests/torture/generation.h"
#include "tests/torture/kinds.h"
#include "tests/torture/loop.h"
#include "tests/torture/say.h"
#include "tests/torture/tunnel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_US 60000000
#define SWEEP_US 1000000
#define RETRY_US 10000   /* mean, before another connection */
#define START_US 1000000 /* they start over that time */
#define READ_BYTES 65536
#define SLOW_WINDOW 131072
/* What had been sent before is read first: 4 MiB that the kernel may have. */
#define SLOW_LAG_US 4000000
#define SHOWN_MAX 40
#define SPARE_DESCRIPTORS 512

enum state {
	CLIENT_APART, /* no connection; the timer makes one */
	CLIENT_CONNECTING,
	CLIENT_THINKING,  /* connected; the timer asks */
	CLIENT_DEPARTING, /* has asked; the timer lets it arrive */
	CLIENT_WORKING,   /* is sending, or waits for answers */
	CLIENT_GONE       /* for good */
};

struct client {
	const struct kind *kind;
	unsigned kind_n;
	enum state state;
	int fd;
	struct watch watch;
	uint32_t events;
	struct timer timer;
	struct random random;
	int64_t born_us; /* connect() was called: a server may have it since */
	int64_t closed_us;   /* the server closed it, while we thought */
	int64_t progress_us; /* of what is being asked */
	uint64_t answered;   /* on this connection */
	unsigned generation; /* the newest seen on it */
	struct ask asks[KINDS_DEPTH_MAX];
	unsigned asks_n, asks_at;
	struct reply reply;
	char *out; /* the requests; NULL when they are sent */
	size_t out_n, out_at, out_limit;
};

static struct client *all;
static unsigned all_n, left;
static struct client_field field;
static int64_t half_trip_us;
static uint64_t numbers; /* of requests */
static unsigned counts[KINDS];
static uint64_t asked[KINDS];
static bool is_finishing, is_quiet;
static unsigned shown;
static struct timer sweeper;

static void make_connection(struct client *);
static void ask(struct client *);

/* ---- what happened */

static void
note(struct client *c, enum outcome o, unsigned n, int64_t at_us)
{
	uint64_t before = outcome_of(c->kind_n, o);

	outcome_note(c->kind_n, o, n, c->born_us, at_us,
	    c->kind->read_pause_us > 0 ? SLOW_LAG_US : 0);
	if (o == OUTCOME_OK || is_quiet || shown >= SHOWN_MAX ||
	    outcome_of(c->kind_n, o) == before)
		return;
	shown++;
	say("%s: %s, %u; connection of %.3f s, answer %" PRIu64
	    " on it, status %d, '%.*s'",
	    c->kind->name, outcome_names[o], n,
	    (double)(at_us - c->born_us) / 1e6, c->answered + 1,
	    c->reply.status, (int)strcspn(c->asks[c->asks_at % 8].got, "\r\n"),
	    c->asks[c->asks_at % 8].got);
}

/* ---- the connection's end */

static void
watch_for(struct client *c, uint32_t events)
{
	if (c->fd == -1 || c->events == events)
		return;
	c->events = events;
	loop_change(c->fd, &c->watch, events);
}

/* Closes what is open, and forgets what was asked. */
static void
drop(struct client *c)
{
	loop_cancel(&c->timer);
	if (c->fd != -1) {
		loop_forget(c->fd);
		close(c->fd);
		c->fd = -1;
	}
	free(c->out);
	c->out = NULL;
	c->asks_n = c->asks_at = 0;
	c->closed_us = 0;
	c->state = CLIENT_APART;
}

static void
go(struct client *c)
{
	drop(c);
	c->state = CLIENT_GONE;
	left--;
}

static void
go_apart(struct client *c, int64_t us)
{
	drop(c);
	if (is_finishing)
		go(c);
	else
		loop_after(&c->timer, us);
}

/* All that were asked and not answered were asked in vain. */
static void
lose(struct client *c, int64_t at_us)
{
	unsigned n = c->asks_n - c->asks_at;

	if (n > 0 && c->reply.begun) {
		note(c, OUTCOME_TRUNCATED, 1, at_us);
		n--;
	}
	if (n > 0)
		note(c, c->answered > 0 ? OUTCOME_LOST : OUTCOME_RESET, n,
		    at_us);
	go_apart(c, random_around(&c->random, RETRY_US));
}

/* The server has closed, or the connection was reset. */
static void
on_closed(struct client *c)
{
	int64_t now = loop_now_us();

	switch (c->state) {
	case CLIENT_WORKING:
		lose(c, now);
		break;
	case CLIENT_THINKING:
	case CLIENT_DEPARTING:
		/* it does not know yet: the timer finds out */
		c->closed_us = now;
		loop_forget(c->fd);
		close(c->fd);
		c->fd = -1;
		break;
	case CLIENT_CONNECTING:
		note(c, OUTCOME_REFUSED, 1, now);
		go_apart(c, random_around(&c->random, RETRY_US));
		break;
	case CLIENT_APART:
	case CLIENT_GONE:
		break;
	}
}

/* ---- answers */

static void
on_content(void *arg, const char *piece, size_t n)
{
	struct client *c = arg;

	content_check(&c->asks[c->asks_at], piece, n);
}

static void
think(struct client *c)
{
	int64_t us = c->kind->think_us;

	free(c->out);
	c->out = NULL;
	c->asks_n = c->asks_at = 0;
	if (is_finishing) {
		go(c);
		return;
	}
	if (us == 0) {
		ask(c);
		return;
	}
	c->state = CLIENT_THINKING;
	watch_for(c, EPOLLIN);
	loop_after(&c->timer,
	    random_around(&c->random, us) +
		(c->kind->is_away ? half_trip_us : 0));
}

/*
 * One answer is whole.
 *
 * Returns: whether the connection goes on.
 */
static bool
on_answer(struct client *c)
{
	int64_t now = loop_now_us();
	struct ask *a = &c->asks[c->asks_at];
	unsigned generation;
	enum outcome o = content_verdict(a, &c->reply, &generation);
	bool close_it = c->reply.close;

	note(c, o, 1, now);
	/* a connection never goes back to an older conf */
	if (o == OUTCOME_OK && generation > 0 && generation < c->generation)
		note(c, OUTCOME_OLD_CONF, 1, now);
	if (generation > c->generation)
		c->generation = generation;
	c->answered++;
	c->asks_at++;
	reply_init(&c->reply);
	if (c->kind->is_fresh) {
		go_apart(c, random_around(&c->random, c->kind->think_us));
		return false;
	}
	if (close_it) {
		note(c, OUTCOME_TOLD, 1, now);
		if (c->asks_at < c->asks_n)
			lose(c, now);
		else
			go_apart(
			    c, random_around(&c->random, c->kind->think_us));
		return false;
	}
	/* it came before all of its request was sent: that is finished first */
	if (c->asks_at < c->asks_n || c->out != NULL)
		return true;
	think(c);
	return c->state == CLIENT_THINKING || c->state == CLIENT_WORKING;
}

static void
on_bytes(struct client *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t taken = -1;

		if (c->asks_at < c->asks_n)
			taken = reply_feed(&c->reply, p, n, on_content, c);
		if (taken == -1) { /* no HTTP, or an answer to nothing */
			note(c, OUTCOME_CONTENT, 1, loop_now_us());
			go_apart(c, RETRY_US);
			return;
		}
		p += taken;
		n -= (size_t)taken;
		if (c->reply.state == REPLY_DONE && !on_answer(c))
			return;
	}
}

static void
receive(struct client *c)
{
	static char bytes[READ_BYTES];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

	if (n > 0) {
		c->progress_us = loop_now_us();
		on_bytes(c, bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		on_closed(c);
	if (n > 0 && c->kind->read_pause_us > 0 && c->state == CLIENT_WORKING) {
		watch_for(c, 0);
		loop_after(&c->timer,
		    random_around(&c->random, c->kind->read_pause_us));
	}
}

/* ---- requests */

/* Sends up to the end of this piece; the timer allows the next. */
static void
send_some(struct client *c)
{
	uint32_t events = EPOLLIN;

	while (c->out != NULL && c->out_at < c->out_limit) {
		ssize_t n = send(c->fd, c->out + c->out_at,
		    c->out_limit - c->out_at, MSG_NOSIGNAL);

		if (n == -1 && errno == EAGAIN) {
			events |= EPOLLOUT;
			break;
		}
		if (n == -1) /* what it still says is read first */
			break;
		c->out_at += (size_t)n;
		c->progress_us = loop_now_us();
	}
	watch_for(c, events);
	if ((events & EPOLLOUT) != 0 || c->out == NULL)
		return;
	if (c->out_at == c->out_n) {
		free(c->out);
		c->out = NULL;
		if (c->asks_at == c->asks_n) /* and answered already */
			think(c);
	} else if (c->out_at == c->out_limit)
		loop_after(&c->timer,
		    random_around(&c->random, c->kind->piece_pause_us));
}

static void
send_next_piece(struct client *c)
{
	size_t rest = c->out_n - c->out_limit;
	size_t piece = c->out_n / (c->kind->pieces + 1) + 1;

	piece = 1 + random_below(&c->random, 2 * piece);
	c->out_limit += piece < rest ? piece : rest;
	send_some(c);
}

/* What was asked arrives at the server. */
static void
arrive(struct client *c)
{
	unsigned required = generation_required();

	for (unsigned i = 0; i < c->asks_n; i++)
		c->asks[i].min_generation = required;
	c->state = CLIENT_WORKING;
	c->progress_us = loop_now_us();
	c->out_at = 0;
	c->out_limit = c->kind->pieces > 0 ? 0 : c->out_n;
	if (c->kind->pieces > 0)
		send_next_piece(c);
	else
		send_some(c);
}

static void
write_requests(struct client *c)
{
	size_t room = 0;

	c->asks_at = 0;
	for (c->asks_n = 0; c->asks_n < c->kind->depth; c->asks_n++) {
		struct ask *a = &c->asks[c->asks_n];

		c->kind->choose(a, ++numbers, &c->random, &field);
		room += content_request_max(a);
	}
	asked[c->kind_n] += c->asks_n;
	c->out = malloc(room);
	if (c->out == NULL)
		say_die("malloc");
	c->out_n = 0;
	for (unsigned i = 0; i < c->asks_n; i++)
		c->out_n += content_request(
		    &c->asks[i], c->kind->is_fresh, c->out + c->out_n);
	reply_init(&c->reply);
}

static void
ask(struct client *c)
{
	bool is_away = c->kind->is_away && half_trip_us > 0;

	if (c->closed_us != 0 &&
	    (!is_away || c->closed_us + half_trip_us <= loop_now_us())) {
		note(c, OUTCOME_IDLE_CLOSED, 1, c->closed_us);
		drop(c);
		make_connection(c);
		return;
	}
	write_requests(c);
	if (c->closed_us != 0)
		lose(c, c->closed_us);
	else if (is_away && c->answered > 0) {
		c->state = CLIENT_DEPARTING;
		loop_after(&c->timer, half_trip_us);
	} else
		arrive(c);
}

/* ---- the connection's begin */

static void
on_connected(struct client *c)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1 ||
	    error != 0) {
		on_closed(c);
		return;
	}
	ask(c);
}

static void
on_socket(void *arg, uint32_t events)
{
	struct client *c = arg;

	if (c->state == CLIENT_CONNECTING) {
		on_connected(c);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		send_some(c);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && c->fd != -1)
		receive(c);
}

static void
make_connection(struct client *c)
{
	int window = SLOW_WINDOW;
	int r;

	c->born_us = loop_now_us();
	c->answered = 0;
	c->generation = 0;
	reply_init(&c->reply);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		say_die("socket");
	if (c->kind->read_pause_us > 0)
		setsockopt(
		    c->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window));
	c->state = CLIENT_CONNECTING;
	c->progress_us = c->born_us;
	c->events = EPOLLOUT;
	r = connect(c->fd, (const void *)&field.addr, sizeof(field.addr));
	loop_watch(c->fd, &c->watch, EPOLLOUT);
	if (r == -1 && errno == EADDRNOTAVAIL) /* our own shortage */
		go_apart(c, 100 * RETRY_US);
	else if (r == -1 && errno != EINPROGRESS)
		on_closed(c);
}

static void
on_time(void *arg)
{
	struct client *c = arg;

	switch (c->state) {
	case CLIENT_APART:
		make_connection(c);
		break;
	case CLIENT_THINKING:
		ask(c);
		break;
	case CLIENT_DEPARTING:
		if (c->closed_us != 0)
			lose(c, c->closed_us);
		else
			arrive(c);
		break;
	case CLIENT_WORKING:
		if (c->kind->read_pause_us > 0)
			watch_for(c, EPOLLIN);
		else if (c->out != NULL)
			send_next_piece(c);
		break;
	case CLIENT_CONNECTING:
	case CLIENT_GONE:
		break;
	}
}

/* ---- all of them */

static void
on_sweep(void *arg)
{
	int64_t limit = loop_now_us() - TIMEOUT_US;

	for (struct client *c = all; c < all + all_n; c++)
		if ((c->state == CLIENT_WORKING ||
			c->state == CLIENT_CONNECTING) &&
		    c->progress_us < limit) {
			note(c, OUTCOME_TIMEOUT, 1, loop_now_us());
			go_apart(c, RETRY_US);
		}
	loop_after(&sweeper, SWEEP_US);
}

/* Descriptors are not for everybody: fewer idle ones, then. */
static void
fit(const struct options *o)
{
	struct rlimit limit = { .rlim_cur = 1024 };
	unsigned all_of_them = 0, room;

	getrlimit(RLIMIT_NOFILE, &limit);
	room = (unsigned)(limit.rlim_cur > SPARE_DESCRIPTORS
		? limit.rlim_cur - SPARE_DESCRIPTORS
		: 0);
	if (o->stores) /* ours twice, and three times in who is started */
		room /= 3;
	for (unsigned k = 0; k < KINDS; k++)
		all_of_them += counts[k];
	for (unsigned k = 0; k < KINDS; k++)
		if (all_of_them > room && counts[k] > 500) {
			say("%u clients are too many for %u descriptors",
			    all_of_them, (unsigned)limit.rlim_cur);
			counts[k] -= all_of_them - room < counts[k]
			    ? all_of_them - room
			    : counts[k];
			return;
		}
}

void
clients_start(const struct options *o, const struct client_field *f)
{
	struct random random = { o->seed * 2 + 1 };
	struct client *c;

	field = *f;
	half_trip_us = (int64_t)o->away_ms * 1000 / 2;
	is_quiet = o->is_comparison;
	for (unsigned k = 0; k < KINDS; k++)
		counts[k] = kinds_count(&kinds[k], o->clients, f);
	fit(o);
	tunnels_start(counts[KIND_TUNNEL], f, o->seed);
	for (unsigned k = 0; k < KINDS; k++)
		if (k != KIND_TUNNEL)
			all_n += counts[k];
	left = all_n;
	c = all = calloc(all_n, sizeof(*all));
	if (all == NULL)
		say_die("calloc");
	for (unsigned k = 0; k < KINDS; k++)
		for (unsigned i = 0; k != KIND_TUNNEL && i < counts[k];
		     i++, c++) {
			c->kind = &kinds[k];
			c->kind_n = k;
			c->fd = -1;
			c->watch = (struct watch){ on_socket, c };
			c->timer.on_time = on_time;
			c->timer.arg = c;
			c->random.state = random_next(&random);
			loop_after(&c->timer,
			    (int64_t)random_below(&random, START_US));
		}
	sweeper.on_time = on_sweep;
	loop_after(&sweeper, SWEEP_US);
}

void
clients_finish(void)
{
	is_finishing = true;
	tunnels_finish();
	for (struct client *c = all; c < all + all_n; c++) {
		if (c->state == CLIENT_WORKING || c->state == CLIENT_GONE)
			continue;
		if (c->closed_us != 0 && c->state == CLIENT_THINKING)
			note(c, OUTCOME_IDLE_CLOSED, 1, c->closed_us);
		if (c->closed_us != 0 && c->state == CLIENT_DEPARTING)
			lose(c, c->closed_us);
		else
			go(c);
	}
}

unsigned
clients_left(void)
{
	return left + tunnels_left();
}

void
clients_print(void)
{
	const char *names[OUTCOME_KINDS_MAX] = { NULL };

	for (unsigned k = 0; k < KINDS; k++)
		if (counts[k] > 0)
			names[k] = kinds[k].name;
	outcome_print(names);
	tunnels_print();
}

void
clients_print_comparison(void)
{
	uint64_t sum = 0, lost[KINDS];

	for (unsigned k = 0; k < KINDS; k++) {
		sum += asked[k];
		lost[k] = outcome_of(k, OUTCOME_LOST) +
		    outcome_of(k, OUTCOME_TRUNCATED);
	}
	printf("cells | %" PRIu64, sum);
	for (unsigned k = 0; k < KINDS; k++)
		if (strcmp(kinds[k].name, "thinking") == 0 ||
		    strcmp(kinds[k].name, "post") == 0 ||
		    strcmp(kinds[k].name, "pipelined") == 0)
			printf(" | %" PRIu64 " of %" PRIu64, lost[k], asked[k]);
	printf(" | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
	       " | %u |\n",
	    outcome_sum(OUTCOME_REFUSED) + outcome_sum(OUTCOME_RESET),
	    outcome_sum(OUTCOME_IDLE_CLOSED), outcome_sum(OUTCOME_TOLD),
	    outcome_sum(OUTCOME_OLD_CONF), generation_old_left());
}

void
clients_judge(void)
{
	for (unsigned k = 0; k < KINDS; k++)
		for (int o = OUTCOME_OK + 1; o < OUTCOMES; o++)
			if (outcome_of(k, o) > 0)
				say_failed("%" PRIu64 " x %s for %s clients",
				    outcome_of(k, o), outcome_names[o],
				    kinds[k].name);
	if (clients_left() > 0)
		say_failed("%u clients never came to an end", clients_left());
}
