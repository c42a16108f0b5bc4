/*
 * A whole connection: bytes in any cuts go through real workers, from the
 * channel to the last byte of the answers, and back to the master and to
 * another worker when the input says so.  There is no network: the client is
 * the other end of a socketpair, the master the near ends of two channels, and
 * the clock stands still unless the input moves it.
 *
 * An input is what the client sends.  The byte 0xff and the one behind it are
 * not sent, but say what happens (enum action); the first byte of the input
 * says how the client reads.
 *
 * Wanted: answers that another reader understands, not more of them than
 * requests, none behind `Connection: close`; an end; books that balance, pools
 * to which all was given back, and no descriptor left.
 */

#include "base/buf.h"
#include "tests/fuzz/answers.h"
#include "tests/fuzz/place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum action {
	ACT_TURN = 'c',   /* what is gathered is sent, and the loops turn */
	ACT_CLOCK = 't',  /* 250 ms pass */
	ACT_LONG = 'T',   /* 9 s pass */
	ACT_READ = 'r',   /* the client reads a little */
	ACT_FINISH = 'h', /* it will send no more */
	ACT_LEAVE = 'x',  /* it is gone */
	ACT_RETIRE = 'm', /* its worker retires, for the other one */
	ACT_PARK = 'p',   /* the same, but finishes its answer */
	ACT_DRAIN = 'd',  /* its worker drains */
};

enum { ANSWERS_MAX = 8 * 1024 * 1024, TURNS_MAX = 2000 };

/* The client's first byte. */
enum { LAZY = 1, NARROW = 2 };

static struct client {
	int fd;
	unsigned how;
	bool finished, over, left;
	const char *pending; /* to be sent, up to `at` */
	char *bytes;         /* the answers */
	size_t n;
} client;

/* ---- what is made once */

static void
write_file(const char *dir, const char *name, size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert(f != NULL);
	for (size_t i = 0; i < n; i++)
		fputc("baton\r\n"[i % 7], f);
	fclose(f);
}

static char site[] = "/tmp/baton-fuzz-XXXXXX";

static void
remove_site(void)
{
	static const char *const names[] = { "/index.html", "/big", "" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", site, names[i]);
		remove(path);
	}
}

static void
open_once(void)
{
	static const char *const conf =
	    "user off; workers 1; crash_rescue off; access_log /unused;\n"
	    "error_log stderr error; max_header_size 1k; max_body_size 4k;\n"
	    "keepalive_requests 30; drain_timeout 20s;\n"
	    "server { listen unix:/unused; add_header X-Added yes;\n"
	    "route / { root %s; }\n"
	    "route /return { return 200 hello; }\n"
	    "route /long { return 200 \"%020000d\"; }\n"
	    "route /none { return 204; }\n"
	    "route /old { redirect 301 /new; }\n"
	    "route /echo { echo; max_body_size 40k; }\n"
	    "route /denied { echo; deny all; }\n"
	    "route /metrics { metrics; }\n"
	    "route /status { status; } }\n";
	struct bt_buf text = { 0 };

	if (client.bytes != NULL)
		return;
	if (mkdtemp(site) == NULL)
		abort();
	atexit(remove_site);
	write_file(site, "index.html", 100);
	write_file(site, "big", 50000);
	bt_buf_printf(&text, conf, site, 0);
	places_open(text.data);
	bt_buf_fini(&text);
	client.bytes = malloc(ANSWERS_MAX);
}

/* ---- the client */

static void
client_read(size_t most)
{
	while (most > 0 && !client.over) {
		size_t room = ANSWERS_MAX - client.n;
		ssize_t n = recv(client.fd, client.bytes + client.n,
		    room < most ? room : most, 0);

		assert(room > 0);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0)
			client.over = true;
		else
			client.n += (size_t)n;
		most -= n > 0 ? (size_t)n : 0;
	}
}

static void
turn(void)
{
	places_turn();
	if (!(client.how & LAZY))
		client_read(SIZE_MAX);
}

static void
client_send(const char *end)
{
	unsigned turns = 0;

	while (client.pending < end && !client.finished && !client.over) {
		ssize_t n = send(client.fd, client.pending,
		    (size_t)(end - client.pending), MSG_NOSIGNAL);

		if (n > 0) {
			client.pending += n;
			turn();
		} else if (errno != EAGAIN || ++turns > 100) {
			break;
		} else { /* it would wait for us, and we for it */
			turn();
			client_read(SIZE_MAX);
		}
	}
	client.pending = end;
}

static void
client_leave(void)
{
	if (!client.left)
		close(client.fd);
	client.finished = client.over = client.left = true;
}

static void
act(enum action action)
{
	switch (action) {
	case ACT_CLOCK:
		places_clock_ms += 250;
		break;
	case ACT_LONG:
		places_clock_ms += 9000;
		break;
	case ACT_READ:
		client_read(100);
		break;
	case ACT_FINISH:
		client.finished = true;
		if (!client.over)
			shutdown(client.fd, SHUT_WR);
		break;
	case ACT_LEAVE:
		client_leave();
		break;
	case ACT_RETIRE:
	case ACT_PARK:
		places_retire(action == ACT_PARK);
		break;
	case ACT_DRAIN:
		places_drain();
		break;
	case ACT_TURN:
		break;
	}
	turn();
}

static void
client_open(unsigned how)
{
	struct bt_handover h = { .with_fd = -1 };
	int fd[2], size = 4096, r;

	r = socketpair(
	    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd);
	assert(r == 0);
	if (fd[1] > places_first_fd() + 64) {
		fprintf(stderr, "descriptors leak\n");
		abort();
	}
	if (how & NARROW)
		setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	client =
	    (struct client){ .fd = fd[0], .how = how, .bytes = client.bytes };
	h.fd = fd[1];
	h.baton.family = AF_UNIX;
	h.baton.id = 1;
	places_deal(&h);
}

/* ---- what has to hold */

static void
check_answers(const struct places_counts *before)
{
	struct places_counts after = places_count();
	struct answers a;

	a = answers_read(client.bytes, client.n, places_take_log());
	/* one may be the refusal of what was no request */
	assert(a.n <= after.requests - before->requests + 1);
	if (after.complete > before->complete && !client.left)
		assert(!a.cut);
}

/* All is sent: the client reads to the end, which has to come. */
static void
client_finish(void)
{
	client.how &= ~(unsigned)LAZY;
	if (!client.finished)
		act(ACT_FINISH);
	for (unsigned i = 0; !client.over || places_conns() > 0; i++) {
		if (i > TURNS_MAX) {
			fprintf(stderr, "the connection does not end\n");
			abort();
		}
		if (i > 4)
			places_clock_ms += 1000;
		turn();
	}
	if (!client.left)
		close(client.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct places_counts before;

	open_once();
	if (size == 0)
		return 0;
	places_begin();
	before = places_count();
	client_open((unsigned char)*at++);
	client.pending = at;
	while ((at = memchr(at, 0xff, (size_t)(end - at))) != NULL &&
	    at + 1 < end && !client.left) {
		client_send(at);
		at += 2;
		client.pending = at;
		act((enum action)at[-1]);
	}
	client_send(end);
	client_finish();
	places_check();
	check_answers(&before);
	return 0;
}
