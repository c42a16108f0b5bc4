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

#include "base/offload.h"
#include "conf/conf.h"
#include "tests/fuzz/answers.h"
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

static struct place {
	struct bt_heritage heritage;
	struct bt_worker worker;
	struct bt_channel *near;
} places[2];

static struct bt_scoreboard *board;
static unsigned current; /* the place that gets what is dealt */
static bool moving;      /* something may come back */
static int log_fd = -1;  /* both workers' access log */
static int first_fd;     /* the lowest free one, when nothing is open */

static struct client {
	int fd;
	unsigned how;
	bool finished, over, left;
	const char *pending; /* to be sent, up to `at` */
	char *bytes;         /* the answers */
	size_t n;
} client;

/* ---- the clock */

static int64_t clock_ms = 1000000;

/*
 * In front of libc's: time that passes stands still, for us and for libevent.
 * The wall clock goes on, by which libFuzzer measures.
 */
__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)
		return (int)syscall(SYS_clock_gettime, id, ts);
	ts->tv_sec = clock_ms / 1000;
	ts->tv_nsec = clock_ms % 1000 * 1000000;
	return 0;
}

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

static struct bt_conf *
make_conf(void)
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
	struct bt_buf text = { 0 }, errors = { 0 };
	struct bt_conf *ret = NULL;

	bt_buf_printf(&text, conf, site, 0);
	if (bt_conf_parse(bt_buf_str(&text), "fuzz", &ret, &errors) < 0) {
		fprintf(stderr, "%s", errors.data);
		abort();
	}
	bt_buf_fini(&text);
	return ret;
}

static void
place_open(struct place *p, unsigned slot, const struct bt_conf *conf)
{
	int r = bt_channel_pair(&p->near, &p->heritage.channel);
	int fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 0);

	assert(r == 0);
	p->heritage.conf = conf;
	p->heritage.board = board;
	p->heritage.slot = slot;
	p->heritage.log_fds = &fd; /* taken at once */
	r = bt_worker_init(&p->worker, &p->heritage);
	assert(r == 0);
	bt_worker_turn(&p->worker);
	bt_inbox_start(&p->worker);
}

static void
open_once(void)
{
	struct bt_conf *conf;
	int r;

	if (log_fd != -1)
		return;
	if (mkdtemp(site) == NULL)
		abort();
	atexit(remove_site);
	write_file(site, "index.html", 100);
	write_file(site, "big", 50000);
	conf = make_conf();
	bt_log_open(NULL, BT_LOG_ERROR);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	r = fcntl(log_fd, F_SETFL, O_APPEND);
	assert(log_fd != -1 && r == 0);
	r = bt_scoreboard_new(2, &board);
	assert(r == 0);
	for (unsigned i = 0; i < 2; i++)
		place_open(&places[i], i, conf);
	client.bytes = malloc(ANSWERS_MAX);
	first_fd = dup(log_fd);
	close(first_fd);
}

/* ---- the master */

static void
deal(struct bt_handover *h)
{
	struct place *p = &places[current];
	int r;

	bt_score_add(&p->worker.slot->dealt, 1);
	r = bt_channel_send(p->near, BT_MESSAGE_HANDOVER, h, 1);
	assert(r == 1);
	bt_handover_close(h);
}

/* What a worker handed back goes to the other one. */
static void
take_back(struct place *p)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	enum bt_message message;
	unsigned lost;
	int n;

	/* what it has answered is in the log before what the other one will */
	bt_access_log_flush(p->worker.access_log);
	while ((n = bt_channel_recv(p->near, h, &message, &lost)) >= 0)
		for (int i = 0; i < n; i++)
			deal(&h[i]);
	assert(n == -EAGAIN);
}

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

/* Turns its loop once, and for as long as threads work for it. */
static void
turn_place(struct place *p, bool ended)
{
	struct bt_worker *w = &p->worker;

	event_base_loop(w->base, EVLOOP_NONBLOCK);
	while (!TAILQ_EMPTY(&w->phases[BT_CONN_WORK]) ||
	    (ended && w->exchanges.lent > 0)) {
		struct pollfd done = { bt_offload_fd(w->services.offload),
			POLLIN, 0 };
		int r = poll(&done, 1, 5000);

		assert(r == 1);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
}

static void
turn(void)
{
	turn_place(&places[current], false);
	if (moving) {
		take_back(&places[1 - current]);
		turn_place(&places[1 - current], false);
		take_back(&places[1 - current]);
	}
	if (!(client.how & LAZY))
		client_read(SIZE_MAX);
}

/* A worker that is empty may begin anew. */
static void
revive(struct bt_worker *w)
{
	w->draining = w->retiring = w->parking = false;
}

static void
retire(bool parking)
{
	struct place *other = &places[1 - current];

	if (moving && other->worker.conns_n > 0)
		return;
	revive(&other->worker);
	bt_worker_retire(&places[current].worker, parking);
	current = 1 - current;
	moving = true;
}

/* ---- the client */

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
		clock_ms += 250;
		break;
	case ACT_LONG:
		clock_ms += 9000;
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
		retire(action == ACT_PARK);
		break;
	case ACT_DRAIN:
		bt_worker_drain(&places[current].worker, "fuzz");
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
	if (fd[1] > first_fd + 64) {
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
	deal(&h);
}

/* ---- what has to hold */

/* Sums over both workers of what is only counted. */
struct counts {
	uint64_t requests, complete, taken, gone;
};

static struct counts
count(void)
{
	struct counts sum = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		const struct bt_score_worker *s = places[i].worker.score;

		sum.requests += s->requests;
		sum.taken += s->taken;
		sum.gone += s->done + s->handed_back;
		/* ends that cut no answer */
		sum.complete += s->closed[BT_CLOSE_CLIENT] +
		    s->closed[BT_CLOSE_DONE] +
		    s->closed[BT_CLOSE_IDLE_TIMEOUT] +
		    s->closed[BT_CLOSE_HEADER_TIMEOUT] +
		    s->closed[BT_CLOSE_HEADER_SIZE] +
		    s->closed[BT_CLOSE_KEEPALIVE_REQUESTS];
	}
	return sum;
}

static void
check_place(struct place *p)
{
	struct bt_worker *w = &p->worker;

	turn_place(p, true);
	bt_worker_turn(w); /* frees what was closed */
	assert(w->conns_n == 0 && bt_outbox_is_empty(w->outbox));
	assert(w->conns.lent == 0 && w->buffers.lent == 0);
	assert(w->exchanges.lent == 0);
	bt_access_log_flush(w->access_log);
	revive(w);
}

static void
check_answers(const struct counts *before)
{
	static char log[256 * 1024];
	ssize_t n = pread(log_fd, log, sizeof(log) - 1, 0);
	struct counts after = count();
	struct answers a;
	int r;

	assert(n >= 0 && n < (ssize_t)sizeof(log) - 1);
	log[n] = '\0';
	r = ftruncate(log_fd, 0);
	assert(r == 0);
	assert(after.taken == after.gone);
	a = answers_read(client.bytes, client.n, log);
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
	for (unsigned i = 0; !client.over ||
	     places[0].worker.conns_n + places[1].worker.conns_n > 0;
	     i++) {
		if (i > TURNS_MAX) {
			fprintf(stderr, "the connection does not end\n");
			abort();
		}
		if (i > 4)
			clock_ms += 1000;
		turn();
	}
	if (!client.left)
		close(client.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct counts before;

	open_once();
	if (size == 0)
		return 0;
	moving = false;
	before = count();
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
	for (unsigned i = 0; i < 2; i++)
		check_place(&places[i]);
	check_answers(&before);
	return 0;
}
