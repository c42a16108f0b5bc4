/*
 * A worker: one process, one loop.  It takes what the master deals it, answers,
 * and ends when it is told to drain, or when the master is gone, and nothing is
 * open any more.
 */

#include "worker/worker.h"

#include "app/chain.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/offload.h"
#include "base/stack.h"
#include "conf/directives.h"
#include "handlers/auth.h"
#include "handlers/file_cache.h"
#include "handlers/gzip.h"
#include "handlers/reply.h"
#include "proxy/resolver.h"
#include "proxy/upstream.h"
#include "worker/handback.h"
#include "worker/memory.h"
#include "worker/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/*
 * Deadlines, logs and the heartbeat of an idle worker are served so often: half
 * of what the master's watch takes for a hang.
 */
#define TICK_MS 250
#define MEMORY_MS 1000
/* Content is read into what is left of a buffer behind the largest head. */
_Static_assert(BT_BATON_BYTES_MAX >= BT_CONF_HEADER_BYTES_MAX + 16 * 1024,
    "a buffer has room behind a head");

/* Blocks that each pool keeps for the next rush. */
#define CONNS_KEPT 1024
#define BUFFERS_KEPT 64
#define EXCHANGES_KEPT 64

/* More work than that at a time is answered with 503. */
#define OFFLOAD_QUEUE_MAX 4096

#define CACHE_ENTRIES 16384
#define CACHE_BYTES (64 * 1024 * 1024)
#define CACHE_FDS_MAX 1024
/* Of coded answers that are kept. */
#define GZIP_BYTES (16 * 1024 * 1024)

void
bt_worker_turn(struct bt_worker *w)
{
	w->now.us = bt_clock_us();
	w->now.ms = w->now.us / 1000;
	w->now.wall_s = bt_clock_wall_s();
	bt_score_set(&w->score->heartbeat_ms, (uint64_t)w->now.ms);
	if (!TAILQ_EMPTY(&w->closed))
		bt_conn_reap(w);
}

static bool
is_done(const struct bt_worker *w)
{
	return (w->draining || w->retiring) && w->conns_n == 0 &&
	    bt_outbox_is_empty(w->outbox);
}

void
bt_worker_check_done(struct bt_worker *w)
{
	if (is_done(w))
		event_base_loopbreak(w->base);
}

void
bt_worker_drain(struct bt_worker *w, const char *why)
{
	if (w->draining)
		return;
	bt_log_info(
	    NULL, 0, "drains, %s: %u connections open", why, w->conns_n);
	w->draining = true;
	w->retiring = false;
	bt_conn_drain_all(w);
	bt_worker_check_done(w);
}

void
bt_worker_retire(struct bt_worker *w, bool parking)
{
	w->parking |= parking;
	if (w->draining || w->retiring)
		return;
	bt_log_info(NULL, 0, "retires: %u connections open", w->conns_n);
	w->retiring = true;
	w->retire_by_ms = w->now.ms + w->conf->drain_timeout_ms;
	bt_handback_all(w);
	bt_outbox_flush(w->outbox);
	bt_channel_notify(w->heritage->channel, BT_MESSAGE_RETIRING);
	bt_worker_check_done(w);
}

void
bt_worker_shed(struct bt_worker *w)
{
	uint64_t n = atomic_exchange(&w->slot->shed, 0);

	if (!w->draining && !w->retiring)
		bt_handback_shed(w, n);
	bt_outbox_flush(w->outbox);
	/* without it the master waits a while, and no longer */
	bt_channel_notify(w->heritage->channel, BT_MESSAGE_SHED);
}

/* The new generation has waited long enough for what is left here. */
static void
cut_retired(struct bt_worker *w)
{
	bt_log_warn(NULL, 0, "drain_timeout is over: %u connections are cut",
	    w->conns_n);
	bt_conn_close_all(w, BT_CLOSE_DRAIN_TIMEOUT);
}

static void
read_memory(struct bt_worker *w)
{
	w->memory_due_ms = w->now.ms + MEMORY_MS;
	bt_score_set(&w->score->memory_bytes, bt_memory_read(w->memory_fd));
}

static void
on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct bt_worker *w = arg;
	uint64_t hits, misses;

	bt_worker_turn(w);
	bt_conn_expire(w);
	if (w->retiring && w->now.ms >= w->retire_by_ms && w->conns_n > 0)
		cut_retired(w);
	bt_file_cache_counts(w->services.files, &hits, &misses);
	bt_score_set(&w->score->file_cache_hits, hits);
	bt_score_set(&w->score->file_cache_misses, misses);
	if (w->services.stores != NULL)
		bt_stores_tick(w->services.stores);
	if (w->now.ms >= w->memory_due_ms)
		read_memory(w);
	if (w->access_log != NULL)
		bt_access_log_flush(w->access_log);
	bt_log_tick(w->now.ms);
}

static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	/* new events have the one in the middle, which is the usual one */
	if (base != NULL)
		event_base_priority_init(base, BT_PRIORITIES);
	if (config != NULL)
		event_config_free(config);
	return base;
}

static void
pools_init(struct bt_worker *w)
{
	/* the same in every generation: what one hands back the next takes */
	w->buffer_bytes = BT_BATON_BYTES_MAX;
	bt_pool_init(&w->buffers, w->buffer_bytes, BUFFERS_KEPT);
	bt_pool_init(&w->conns, sizeof(struct bt_conn), CONNS_KEPT);
	bt_pool_init(
	    &w->exchanges, sizeof(struct baton_exchange), EXCHANGES_KEPT);
	for (unsigned i = 0; i < BT_CONN_PHASES; i++)
		TAILQ_INIT(&w->phases[i]);
	TAILQ_INIT(&w->closed);
}

static void
on_offload(evutil_socket_t fd, short events, void *arg)
{
	struct bt_worker *w = arg;

	bt_worker_turn(w);
	bt_offload_collect(w->services.offload);
	bt_worker_check_done(w);
}

static void
begin_turn(const struct bt_services *services)
{
	bt_worker_turn((struct bt_worker *)((char *)(uintptr_t)services -
	    offsetof(struct bt_worker, services)));
}

static void
describe(const void *exchange, char *out, size_t size)
{
	const struct baton_exchange *x = exchange;

	bt_conn_describe(x->conn, out, size);
}

static void
on_resume(struct baton_exchange *x)
{
	bt_conn_resume(x->conn);
}

static void
find_local(const struct baton_exchange *x, struct bt_addr *ret)
{
	*ret = (struct bt_addr){ .len = sizeof(ret->ss) };
	if (getsockname(x->conn->fd, (void *)&ret->ss, &ret->len) == -1)
		*ret = (struct bt_addr){ 0 };
}

static void
on_interim(struct baton_exchange *x, unsigned status, struct bt_str fields)
{
	bt_output_interim(x->conn, status, fields);
}

/* The loop, and what it waits for always. */
static int
loop_init(struct bt_worker *w)
{
	const struct timeval tick = { 0, TICK_MS * 1000 };

	if ((w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, w)) ==
		NULL ||
	    event_add(w->tick, &tick) == -1 ||
	    (w->offload = event_new(w->base, bt_offload_fd(w->services.offload),
		 EV_READ | EV_PERSIST, on_offload, w)) == NULL ||
	    event_add(w->offload, NULL) == -1)
		return -ENOMEM;
	return 0;
}

int
bt_worker_init(struct bt_worker *w, struct bt_heritage *heritage)
{
	unsigned long fds = bt_fd_raise_limit() / 8;
	struct bt_offload *offload;
	int r;

	w->heritage = heritage;
	w->conf = heritage->conf;
	w->slot = &heritage->board->slots[heritage->slot];
	w->score = &w->slot->worker;
	w->times = bt_score_times(heritage->board, heritage->slot);
	w->memory_fd = -1;
	bt_score_set(&w->score->tunnels, 0); /* of one that died */
	pools_init(w);
	if ((r = bt_privileges_drop(w->conf->user)) < 0) {
		bt_log_error(NULL, r, "cannot give up privileges, user %s",
		    w->conf->user ? w->conf->user : "off");
		return r;
	}
	if (w->conf->crash_rescue &&
	    (r = bt_guard_start(&w->guard, heritage)) < 0)
		bt_log_warn(NULL, r, "has no guard: connections end with it");
	r = bt_offload_new(
	    w->conf->offload_threads, OFFLOAD_QUEUE_MAX, &offload);
	if (r < 0) {
		bt_log_error(NULL, r, "cannot prepare offload threads");
		return r;
	}
	if ((w->base = base_new()) == NULL) {
		bt_log_error(NULL, 0, "cannot make an event loop");
		bt_offload_free(offload);
		return -ENOMEM;
	}
	w->services = (struct bt_services){ .conf = w->conf,
		.worker = heritage->slot,
		.says = heritage->is_first,
		.board = heritage->board,
		.score = w->score,
		.rates = heritage->rates,
		.now = &w->now,
		.offload = offload,
		.loop = w->base,
		.turn = begin_turn,
		.describe = describe,
		.resume = on_resume,
		.interim = on_interim,
		.local = find_local,
		.gzip = bt_gzip_new(GZIP_BYTES),
		.auth = bt_auth_new(offload, w->conf->offload_threads),
		.files = bt_file_cache_new(CACHE_ENTRIES, CACHE_BYTES,
		    fds < CACHE_FDS_MAX ? (unsigned)fds : CACHE_FDS_MAX) };
	if (w->conf->loaded != NULL)
		w->services.stores = bt_stores_new(&w->services);
	if (w->conf->upstreams_n > 0) {
		w->services.upstreams = bt_upstreams_new(&w->services);
		w->services.origin = bt_upstreams_report;
		w->resolver = bt_resolver_new(w->services.upstreams);
	}
	w->router = bt_router_new(&w->services);
	w->access_log = bt_access_log_new(w->conf, heritage->log_fds, w->score);
	if ((r = loop_init(w)) < 0) {
		bt_log_error(NULL, 0, "cannot prepare the event loop");
		return r;
	}
	w->memory_fd = bt_memory_open();
	w->outbox = bt_outbox_new(w);
	return 0;
}

void
bt_worker_fini(struct bt_worker *w)
{
	if (w->base != NULL) {
		bt_inbox_stop(w);
		if (w->tick != NULL)
			event_free(w->tick);
		if (w->offload != NULL)
			event_free(w->offload);
		bt_outbox_free(w->outbox);
		bt_conn_close_all(w, BT_CLOSE_DRAIN);
		bt_conn_reap(w);
	}
	bt_offload_free(w->services.offload);
	bt_auth_free(w->services.auth);
	bt_stores_free(w->services.stores);
	bt_gzip_free(w->services.gzip);
	bt_fd_close(&w->memory_fd);
	bt_access_log_free(w->access_log);
	bt_resolver_free(w->resolver);
	bt_upstreams_free(w->services.upstreams);
	bt_router_free(w->router); /* may have events of its own */
	if (w->base != NULL)
		event_base_free(w->base);
	bt_file_cache_free(w->services.files);
	bt_pool_fini(&w->conns);
	bt_pool_fini(&w->buffers);
	bt_pool_fini(&w->exchanges);
	bt_arena_fini(&w->arena);
	bt_guard_stop(&w->guard);
}

int
bt_worker_run(struct bt_heritage *heritage)
{
	struct bt_worker *w = bt_mem_zero(1, sizeof(*w));
	char name[32];
	int r;

	snprintf(name, sizeof(name), "worker %u", heritage->slot);
	bt_log_set_process(name);
	bt_stack_on_fault(name);
	r = bt_worker_init(w, heritage);
	if (r == 0) {
		bt_worker_turn(w);
		read_memory(w);
		bt_resolver_settle(w->resolver);
		bt_inbox_start(w);
		/* it is ready when it says so */
		bt_channel_notify(heritage->channel, BT_MESSAGE_ROOM);
		/* again when something came since it seemed done */
		while (event_base_dispatch(w->base) == 0 && !is_done(w))
			;
	}
	bt_worker_fini(w);
	free(w);
	bt_log_finish();
	return r == 0 ? 0 : 1;
}
