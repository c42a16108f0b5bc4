/*
 * Reads /metrics and /proc; blocks, since nothing else runs at that time.
 */

#include "tests/torture/books.h"

#include "tests/torture/manager.h"
#include "tests/torture/say.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_US 60000000
#define PAUSE_MS 100
#define TEXT_MAX (256 * 1024)
/* What the allocator may keep of the records of thousands of connections. */
#define MEMORY_MORE_KB 8192

static int descriptors;
static long memory_kb;
static int slots; /* that have ever had a worker */

struct ledger {
	int64_t accepted, returned, dealt, held, refused;
	int64_t taken, in_channel, open, done, handed_back, crashed;
	int64_t returning, lost;
};

/* Requests that a proxy held, and tunnels, of all workers. */
struct proxied {
	int64_t holds, released, given_up, left, moved, held;
	int64_t tunnels, tunnels_all;
};

/* The text of /metrics; NULL when there is none. */
static char *
fetch(unsigned port)
{
	static const char ask[] = "GET /metrics HTTP/1.1\r\nHost: torture\r\n"
				  "Connection: close\r\n\r\n";
	static char text[TEXT_MAX];
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t at = 0;
	ssize_t n = -1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (void *)&addr, sizeof(addr)) == 0 &&
	    send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) > 0)
		while (at < sizeof(text) - 1 &&
		    (n = recv(fd, text + at, sizeof(text) - 1 - at, 0)) > 0)
			at += (size_t)n;
	close(fd);
	text[at] = '\0';
	return n == 0 && strncmp(text, "HTTP/1.1 200", 12) == 0 ? text : NULL;
}

/* baton_connections_NAME; -1 when it is not there. */
static int64_t
sample(const char *text, const char *name)
{
	char line[128];
	const char *at;

	snprintf(line, sizeof(line), "\nbaton_connections_%s ", name);
	at = strstr(text, line);
	return at ? strtoll(at + strlen(line), NULL, 10) : -1;
}

/* baton_worker_NAME of all slots. */
static int64_t
sum(const char *text, const char *name)
{
	char line[128];
	int64_t n = 0;

	snprintf(line, sizeof(line), "\nbaton_worker_%s{", name);
	for (; (text = strstr(text, line)) != NULL; text++) {
		const char *value = strstr(text + 1, "} ");

		n += value != NULL ? strtoll(value + 2, NULL, 10) : 0;
	}
	return n;
}

static int
count_slots(const char *text)
{
	static const char name[] = "\nbaton_worker_started_total{";
	int n = 0;

	for (; (text = strstr(text, name)) != NULL; text++)
		n++;
	return n;
}

static bool
read_ledger(unsigned port, struct ledger *l, struct proxied *p)
{
	const char *text = fetch(port);

	if (text == NULL)
		return false;
	slots = count_slots(text);
	*l = (struct ledger){ sample(text, "accepted_total"),
		sample(text, "returned_total"), sample(text, "dealt_total"),
		sample(text, "held"), sample(text, "refused_total"),
		sample(text, "taken_total"), sample(text, "in_channel"),
		sample(text, "open"), sample(text, "done_total"),
		sample(text, "handed_back_total"),
		sample(text, "crashed_total"), sample(text, "returning"),
		sample(text, "lost_total") };
	*p = (struct proxied){ sum(text, "proxy_holds_total"),
		sum(text, "proxy_held_released_total"),
		sum(text, "proxy_held_given_up_total"),
		sum(text, "proxy_held_left_total"),
		sum(text, "proxy_held_moved_total"), sum(text, "proxy_held"),
		sum(text, "tunnels"), sum(text, "tunnels_total") };
	return true;
}

/* With nobody but the one who asks. */
static bool
is_balanced(const struct ledger *l)
{
	return l->accepted + l->returned == l->dealt + l->held + l->refused &&
	    l->dealt == l->taken + l->in_channel &&
	    l->taken == l->open + l->done + l->handed_back + l->crashed &&
	    l->open == 1 && l->held == 0 && l->in_channel == 0 &&
	    l->returning == 0 && l->lost == 0 && l->refused == 0;
}

static bool
is_proxied_balanced(const struct proxied *p)
{
	return p->tunnels == 0 && p->held == 0 &&
	    p->holds == p->released + p->given_up + p->left + p->moved;
}

static void
say_proxied(const struct proxied *p, bool is_good)
{
	(is_good ? say : say_failed)(
	    "proxied: holds %" PRId64 " = released %" PRId64
	    " + given up %" PRId64 " + left %" PRId64 " + moved %" PRId64
	    " + held %" PRId64 "; tunnels %" PRId64 " of %" PRId64,
	    p->holds, p->released, p->given_up, p->left, p->moved, p->held,
	    p->tunnels, p->tunnels_all);
}

static void
say_ledger(const struct ledger *l, bool is_good)
{
	(is_good ? say : say_failed)(
	    "ledger: accepted %" PRId64 " + returned %" PRId64
	    " = dealt %" PRId64 " + held %" PRId64 " + refused %" PRId64
	    "; dealt = taken %" PRId64 " + in channel %" PRId64
	    "; taken = open %" PRId64 " + done %" PRId64
	    " + handed back %" PRId64 " + crashed %" PRId64
	    "; returning %" PRId64 ", lost %" PRId64,
	    l->accepted, l->returned, l->dealt, l->held, l->refused, l->taken,
	    l->in_channel, l->open, l->done, l->handed_back, l->crashed,
	    l->returning, l->lost);
}

static size_t
workers(const struct server *s)
{
	pid_t pids[PROCESS_CHILDREN_MAX];

	return process_children(s->pid, pids);
}

/* A slot keeps its channel, two descriptors, for the next worker. */
static int
descriptors_max(const struct server *s)
{
	int more = slots - (int)s->options->workers;

	return descriptors + (more > 0 ? 2 * more : 0);
}

void
books_open(const struct server *s)
{
	descriptors = process_descriptors(s->pid);
	memory_kb = process_memory_kb(s->pid);
}

void
books_close(const struct server *s)
{
	int64_t deadline = loop_now_us() + PATIENCE_US;
	struct ledger l = { 0 };
	struct proxied p = { 0 };
	bool is_good = false;
	long kb;

	while (loop_now_us() < deadline &&
	    !(is_good && workers(s) == s->options->workers &&
		process_descriptors(s->pid) <= descriptors_max(s))) {
		poll(NULL, 0, PAUSE_MS);
		is_good = read_ledger(s->port, &l, &p) && is_balanced(&l) &&
		    is_proxied_balanced(&p);
	}
	say_ledger(&l, is_balanced(&l));
	say_proxied(&p, is_proxied_balanced(&p));
	if (workers(s) != s->options->workers)
		say_failed(
		    "%zu workers, not %u", workers(s), s->options->workers);
	if (process_descriptors(s->pid) > descriptors_max(s))
		say_failed("the master had %d descriptors and has %d, for %d "
			   "slots",
		    descriptors, process_descriptors(s->pid), slots);
	if (manager_stored() > 0)
		say_failed(
		    "%zu descriptors are still stored", manager_stored());
	kb = process_memory_kb(s->pid);
	if (!s->options->is_sanitized && kb > memory_kb + MEMORY_MORE_KB)
		say_failed("the master had %ld KiB and has %ld", memory_kb, kb);
	say("master: %d descriptors, %d before, %d slots used; %ld KiB, %ld "
	    "before",
	    process_descriptors(s->pid), descriptors, slots, kb, memory_kb);
}
