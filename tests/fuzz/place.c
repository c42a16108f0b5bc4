/*
 * Workers in this process.  The master is the near ends of two channels.
 */

#include "tests/fuzz/place.h"

#include "base/offload.h"
#include "conf/conf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct place places[2];
int64_t places_clock_ms = 1000000;

static struct bt_scoreboard *board;
static unsigned current; /* the place that gets what is dealt */
static bool moving;      /* something may come back */
static int log_fd = -1;  /* both workers' access log */
static int first_fd;

/* ---- the clock */

/*
 * In front of libc's: time that passes stands still.  The wall clock goes on,
 * by which libFuzzer measures.
 */
__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)
		return (int)syscall(SYS_clock_gettime, id, ts);
	ts->tv_sec = places_clock_ms / 1000;
	ts->tv_nsec = places_clock_ms % 1000 * 1000000;
	return 0;
}

/* ---- the start */

static struct bt_conf *
read_conf(const char *text)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *ret = NULL;

	if (bt_conf_parse(bt_str_of(text), "fuzz", &ret, &errors) < 0) {
		fprintf(stderr, "%s", errors.data);
		abort();
	}
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

bool
places_open(const char *text)
{
	struct bt_conf *conf;
	int r;

	if (log_fd != -1)
		return false;
	conf = read_conf(text);
	bt_log_open(NULL, BT_LOG_ERROR);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	r = fcntl(log_fd, F_SETFL, O_APPEND);
	assert(log_fd != -1 && r == 0);
	r = bt_scoreboard_new(2, &board);
	assert(r == 0);
	for (unsigned i = 0; i < 2; i++)
		place_open(&places[i], i, conf);
	first_fd = dup(log_fd);
	close(first_fd);
	return true;
}

void
places_begin(void)
{
	moving = false;
}

int
places_first_fd(void)
{
	return first_fd;
}

/* ---- the master */

void
places_deal(struct bt_handover *h)
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
			places_deal(&h[i]);
	assert(n == -EAGAIN);
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

void
places_turn(void)
{
	turn_place(&places[current], false);
	if (!moving)
		return;
	take_back(&places[1 - current]);
	turn_place(&places[1 - current], false);
	take_back(&places[1 - current]);
}

/* A worker that is empty may begin anew. */
static void
revive(struct bt_worker *w)
{
	w->draining = w->retiring = w->parking = false;
}

void
places_retire(bool parking)
{
	struct place *other = &places[1 - current];

	if (moving && other->worker.conns_n > 0)
		return;
	revive(&other->worker);
	bt_worker_retire(&places[current].worker, parking);
	current = 1 - current;
	moving = true;
}

void
places_drain(void)
{
	bt_worker_drain(&places[current].worker, "fuzz");
}

/* ---- what has to hold */

unsigned
places_conns(void)
{
	return places[0].worker.conns_n + places[1].worker.conns_n;
}

struct places_counts
places_count(void)
{
	struct places_counts sum = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		const struct bt_score_worker *s = places[i].worker.score;

		sum.requests += s->requests;
		sum.taken += s->taken;
		sum.gone += s->done + s->handed_back;
		sum.closed += s->done;
		sum.orderly += s->closed[BT_CLOSE_DONE];
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

void
places_check(void)
{
	struct places_counts counts;

	for (unsigned i = 0; i < 2; i++)
		check_place(&places[i]);
	counts = places_count();
	assert(counts.taken == counts.gone);
}

const char *
places_take_log(void)
{
	static char log[256 * 1024];
	ssize_t n = pread(log_fd, log, sizeof(log) - 1, 0);
	int r;

	assert(n >= 0 && n < (ssize_t)sizeof(log) - 1);
	log[n] = '\0';
	r = ftruncate(log_fd, 0);
	assert(r == 0);
	return log;
}
