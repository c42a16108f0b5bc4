/*
 * `metrics`: the scoreboard in the Prometheus text format.  Every line of the
 * ledger in all and by worker, read in an order in which nothing becomes
 * negative.  Worker, on the loop; any worker tells of all of them.
 */

#include "handlers/reply.h"
#include "handlers/rows.h"

#include "base/buf.h"
#include "base/escape.h"

#include <inttypes.h>

/* A counter of a slot's worker, shown by worker. */
static const struct series {
	const char *name, *type, *help;
	size_t offset; /* into struct bt_score_slot */
} by_worker[] = {
#define SLOT(member) offsetof(struct bt_score_slot, member)
	{ "baton_worker_dealt_total", "counter",
	    "Connections sent into the worker's channel.", SLOT(dealt) },
	{ "baton_worker_messages_total", "counter",
	    "Messages that carried them.", SLOT(messages) },
	{ "baton_worker_taken_total", "counter",
	    "Connections that the worker took.", SLOT(worker.taken) },
	{ "baton_worker_done_total", "counter",
	    "Connections that ended in the worker.", SLOT(worker.done) },
	{ "baton_worker_handed_back_total", "counter",
	    "Connections that the worker gave back to the master.",
	    SLOT(worker.handed_back) },
	{ "baton_worker_crashed_total", "counter",
	    "Connections that ended because their worker died.",
	    SLOT(crashed) },
	{ "baton_worker_recalled_total", "counter",
	    "Connections taken back out of the worker's channel.",
	    SLOT(recalled) },
	{ "baton_worker_rescued_total", "counter",
	    "Connections of workers that died, dealt again.", SLOT(rescued) },
	{ "baton_worker_stale", "gauge",
	    "1 while the worker's loop has not turned for 500 ms.",
	    SLOT(stale) },
	{ "baton_worker_stale_total", "counter",
	    "Times that the worker's loop did not turn for 500 ms.",
	    SLOT(stales) },
	{ "baton_worker_timeouts_total", "counter",
	    "Workers ended because of worker_timeout.", SLOT(timeouts) },
	{ "baton_worker_started_total", "counter",
	    "Worker processes that the slot has had.", SLOT(started) },
	{ "baton_worker_requests_total", "counter",
	    "Requests whose head was understood.", SLOT(worker.requests) },
	{ "baton_worker_received_bytes_total", "counter",
	    "Bytes read from clients.", SLOT(worker.bytes_in) },
	{ "baton_worker_sent_bytes_total", "counter", "Bytes sent to clients.",
	    SLOT(worker.bytes_out) },
	{ "baton_worker_file_cache_hits_total", "counter",
	    "Files found in the worker's cache.",
	    SLOT(worker.file_cache_hits) },
	{ "baton_worker_file_cache_misses_total", "counter",
	    "Files that had to be opened.", SLOT(worker.file_cache_misses) },
	{ "baton_worker_log_lines_lost_total", "counter",
	    "Access log lines that could not be written.",
	    SLOT(worker.log_lines_lost) },
	{ "baton_worker_limited_total", "counter",
	    "Requests answered with 429, for limit_rate.",
	    SLOT(worker.limited) },
	{ "baton_worker_slow_callbacks_total", "counter",
	    "Functions of applications that took longer than slow_callback.",
	    SLOT(worker.slow_callbacks) },
	{ "baton_worker_offload_refused_total", "counter",
	    "Work of applications answered with 503: the queue was full.",
	    SLOT(worker.offload_refused) },
	{ "baton_worker_offload_timeouts_total", "counter",
	    "Work of applications answered with 503: past its deadline.",
	    SLOT(worker.offload_timeouts) },
	{ "baton_worker_continuations_spilled_total", "counter",
	    "Continuations moved from memory to disk.",
	    SLOT(worker.continuations_spilled) },
	{ "baton_worker_continuations_refused_total", "counter",
	    "Continuations that no store could take.",
	    SLOT(worker.continuations_refused) },
	{ "baton_worker_memory_store_records", "gauge",
	    "Continuations in memory, of all workers: one says so.",
	    SLOT(worker.memory_store_records) },
	{ "baton_worker_memory_store_bytes", "gauge",
	    "What they take, of `continuations memory`.",
	    SLOT(worker.memory_store_bytes) },
	{ "baton_worker_memory_store_lost", "gauge",
	    "Continuations that made way in memory and are nowhere else.",
	    SLOT(worker.memory_store_lost) },
	{ "baton_worker_disk_store_records", "gauge",
	    "Continuations on disk, of all workers: one says so.",
	    SLOT(worker.disk_store_records) },
	{ "baton_worker_disk_store_bytes", "gauge",
	    "What they take on the disk.", SLOT(worker.disk_store_bytes) },
	{ "baton_worker_proxy_connects_total", "counter",
	    "Connections to servers that were tried.",
	    SLOT(worker.proxy_connects) },
	{ "baton_worker_proxy_connects_failed_total", "counter",
	    "Of these: refused, or past connect_timeout.",
	    SLOT(worker.proxy_connects_failed) },
	{ "baton_worker_proxy_holds_total", "counter",
	    "Requests that waited for a server of an upstream.",
	    SLOT(worker.holds) },
	{ "baton_worker_proxy_held_released_total", "counter",
	    "Of these: got one.", SLOT(worker.held_released) },
	{ "baton_worker_proxy_held_given_up_total", "counter",
	    "Of these: past try_duration.", SLOT(worker.held_given_up) },
	{ "baton_worker_proxy_held_left_total", "counter",
	    "Of these: the client went.", SLOT(worker.held_left) },
	{ "baton_worker_proxy_held_moved_total", "counter",
	    "Of these: went to another worker, where they wait again.",
	    SLOT(worker.held_moved) },
	{ "baton_worker_proxy_held", "gauge", "Of these: wait now.",
	    SLOT(worker.held_requests) },
	{ "baton_worker_proxy_held_bytes", "gauge",
	    "Bytes of contents that were taken while their requests wait.",
	    SLOT(worker.held_bytes) },
	{ "baton_worker_proxy_held_longest_seconds", "gauge",
	    "How long the first of them has waited, in whole seconds.",
	    SLOT(worker.held_longest_s) },
	{ "baton_worker_proxy_hold_refused_total", "counter",
	    "Requests answered with 503: as many waited as hold_requests says.",
	    SLOT(worker.held_refused) },
	{ "baton_worker_tunnels_total", "counter",
	    "Connections whose server switched protocols (101).",
	    SLOT(worker.tunnels_begun) },
	{ "baton_worker_tunnels", "gauge",
	    "Tunnels that are open, those from other workers too.",
	    SLOT(worker.tunnels) },
	{ "baton_worker_memory_bytes", "gauge",
	    "Resident memory of the worker's own (anonymous).",
	    SLOT(worker.memory_bytes) },
#undef SLOT
};

/* A counter of the whole server: of the ledger, or of the master. */
static const struct total {
	const char *name, *type, *help;
	bool in_master; /* else the offset is into struct bt_ledger */
	size_t offset;
} totals[] = {
#define LEDGER(member) false, offsetof(struct bt_ledger, member)
#define MASTER(member) true, offsetof(struct bt_score_master, member)
	{ "baton_connections_accepted_total", "counter",
	    "Connections accepted; with those returned: dealt + held + "
	    "refused.",
	    LEDGER(accepted) },
	{ "baton_connections_returned_total", "counter",
	    "Connections that workers handed back and the master has.",
	    LEDGER(returned) },
	{ "baton_connections_returning", "gauge",
	    "Connections on their way from a worker to the master.",
	    LEDGER(returning) },
	{ "baton_connections_dealt_total", "counter",
	    "Connections dealt to workers: taken + in channel.",
	    LEDGER(dealt) },
	{ "baton_connections_held", "gauge",
	    "Connections that wait in the master for a worker.", LEDGER(held) },
	{ "baton_connections_refused_total", "counter",
	    "Connections that the master closed.", LEDGER(refused) },
	{ "baton_connections_refused_for_connections_total", "counter",
	    "Of these, for limit_connections.",
	    MASTER(refused_for_connections) },
	{ "baton_connections_refused_for_rate_total", "counter",
	    "Of these, for limit_rate.", MASTER(refused_for_rate) },
	{ "baton_connections_in_channel", "gauge",
	    "Connections dealt and not yet taken.", LEDGER(in_channel) },
	{ "baton_connections_taken_total", "counter",
	    "Connections taken: open + done + handed back + crashed.",
	    LEDGER(taken) },
	{ "baton_connections_open", "gauge",
	    "Connections that are open in workers.", LEDGER(open) },
	{ "baton_connections_done_total", "counter", "Connections that ended.",
	    LEDGER(done) },
	{ "baton_connections_handed_back_total", "counter",
	    "Connections that workers gave back.", LEDGER(handed_back) },
	{ "baton_connections_crashed_total", "counter",
	    "Connections that ended because their worker died.",
	    LEDGER(crashed) },
	{ "baton_connections_lost_total", "counter",
	    "Connections that vanished in a channel: must stay 0.",
	    LEDGER(lost) },
	{ "baton_gathers_total", "counter",
	    "Times that the master waited for more before dealing.",
	    MASTER(gathers) },
	{ "baton_pauses_full_total", "counter",
	    "Times that accepting paused because workers were full.",
	    MASTER(pauses_full) },
	{ "baton_pauses_descriptors_total", "counter",
	    "Times that accepting paused for want of descriptors or memory.",
	    MASTER(pauses_descriptors) },
	{ "baton_reloads_total", "counter", "Confs that were taken.",
	    MASTER(reloads) },
	{ "baton_reloads_failed_total", "counter", "Confs that were refused.",
	    MASTER(reloads_failed) },
	{ "baton_workers", "gauge",
	    "Workers that answer, or shall as soon as they can.",
	    MASTER(workers) },
	{ "baton_resizes_total", "counter",
	    "Times that a signal changed their number.", MASTER(resizes) },
	{ "baton_rebalances_total", "counter",
	    "Times that idle connections were moved to level the workers.",
	    MASTER(rebalances) },
	{ "baton_recycled_for_requests_total", "counter",
	    "Workers that gave way at worker_max_requests.",
	    MASTER(recycled_for_requests) },
	{ "baton_recycled_for_memory_total", "counter",
	    "Workers that gave way at worker_max_memory.",
	    MASTER(recycled_for_memory) },
#undef LEDGER
#undef MASTER
};

/* Durations, summed over the workers. */
static const struct {
	const char *name, *help;
} times[BT_TIMES] = {
	[BT_TIME_QUEUE] = { "baton_connection_queue_seconds",
	    "From accepting a connection until a worker took it." },
	[BT_TIME_FIRST_BYTE] = { "baton_request_first_byte_seconds",
	    "From a request's whole head to its answer's first byte sent." },
	[BT_TIME_ANSWER] = { "baton_request_duration_seconds",
	    "From a request's whole head to its answer's last byte sent." },
};

/* Their buckets here: powers of two, as sums of our own, from 16 us to 67 s. */
#define LE_FIRST_BIT 4
#define LE_LAST_BIT 26

static void
put_head(struct bt_buf *b, const char *name, const char *type, const char *help)
{
	bt_buf_printf(
	    b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_totals(struct bt_buf *b, const struct bt_scoreboard *board)
{
	struct bt_ledger l;

	bt_ledger_read(board, &l);
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		const struct total *t = &totals[i];
		const char *base = t->in_master ? (const char *)&board->master
						: (const char *)&l;

		put_head(b, t->name, t->type, t->help);
		bt_buf_printf(b, "%s %" PRIu64 "\n", t->name,
		    bt_score_get(
			(const uint64_t *)(const void *)(base + t->offset)));
	}
}

static void
put_process(struct bt_buf *b, const struct bt_score_master *m)
{
	put_head(b, "baton_build_info", "gauge", "The program, always 1.");
	bt_buf_puts(b, "baton_build_info{version=\"" BT_VERSION "\"} 1\n");
	put_head(b, "baton_generation", "gauge", "Of the conf in force.");
	bt_buf_printf(b, "baton_generation %" PRIu32 "\n",
	    __atomic_load_n(&m->generation, __ATOMIC_RELAXED));
	put_head(b, "process_start_time_seconds", "gauge",
	    "When the master started, since 1970.");
	bt_buf_printf(b, "process_start_time_seconds %" PRId64 "\n",
	    __atomic_load_n(&m->started_s, __ATOMIC_RELAXED));
}

/* Microseconds as seconds. */
#define SECONDS "%" PRIu64 ".%06" PRIu64
#define SECONDS_ARG(us) (us) / 1000000, (us) % 1000000

static void
put_times(
    struct bt_buf *b, const struct bt_scoreboard *board, enum bt_time what)
{
	const char *name = times[what].name;
	struct bt_histogram h;
	uint64_t n;

	bt_score_times_read(board, what, &h);
	n = bt_histogram_count(&h);
	put_head(b, name, "histogram", times[what].help);
	for (unsigned bit = LE_FIRST_BIT; bit <= LE_LAST_BIT; bit++) {
		uint64_t us = UINT64_C(1) << bit;

		bt_buf_printf(b, "%s_bucket{le=\"" SECONDS "\"} %" PRIu64 "\n",
		    name, SECONDS_ARG(us), bt_histogram_below(&h, us));
	}
	bt_buf_printf(b,
	    "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum " SECONDS
	    "\n%s_count %" PRIu64 "\n",
	    name, n, name, SECONDS_ARG(h.sum_us), name, n);
}

/* Slots that never had a worker are not shown. */
static bool
was_used(const struct bt_score_slot *slot)
{
	return bt_score_get(&slot->started) > 0;
}

static void
put_series(
    struct bt_buf *b, const struct bt_scoreboard *board, const struct series *s)
{
	put_head(b, s->name, s->type, s->help);
	for (unsigned i = 0; i < board->slots_n; i++) {
		const struct bt_score_slot *slot = &board->slots[i];
		const char *at = (const char *)slot + s->offset;

		if (was_used(slot))
			bt_buf_printf(b, "%s{worker=\"%u\"} %" PRIu64 "\n",
			    s->name, i,
			    bt_score_get((const uint64_t *)(const void *)at));
	}
}

static void
put_responses(struct bt_buf *b, const struct bt_scoreboard *board)
{
	const char *name = "baton_worker_responses_total";

	put_head(b, name, "counter", "Responses by class of status.");
	for (unsigned i = 0; i < board->slots_n; i++) {
		if (!was_used(&board->slots[i]))
			continue;
		for (unsigned class = 1; class <= 5; class ++)
			bt_buf_printf(b,
			    "%s{worker=\"%u\",status=\"%uxx\"} %" PRIu64 "\n",
			    name, i, class,
			    bt_score_get(
				&board->slots[i].worker.responses[class]));
	}
}

static void
put_closed(struct bt_buf *b, const struct bt_scoreboard *board)
{
	const char *name = "baton_worker_closed_total";

	put_head(b, name, "counter", "Connections that ended, by reason.");
	for (unsigned i = 0; i < board->slots_n; i++) {
		if (!was_used(&board->slots[i]))
			continue;
		for (unsigned why = 0; why < BT_CLOSE_REASONS; why++)
			bt_buf_printf(b,
			    "%s{worker=\"%u\",reason=\"%s\"} %" PRIu64 "\n",
			    name, i, bt_close_reason_names[why],
			    bt_score_get(&board->slots[i].worker.closed[why]));
	}
}

/* Counters of each worker with a label that names which of `n` it is. */
static void
put_labelled(struct bt_buf *b, const struct bt_scoreboard *board,
    const char *name, const char *help, const char *label,
    const char *const *names, unsigned n, size_t offset)
{
	put_head(b, name, "counter", help);
	for (unsigned i = 0; i < board->slots_n; i++) {
		const char *worker = (const char *)&board->slots[i].worker;
		const uint64_t *values =
		    (const uint64_t *)(const void *)(worker + offset);

		if (!was_used(&board->slots[i]))
			continue;
		for (unsigned v = 0; v < n; v++)
			bt_buf_printf(b,
			    "%s{worker=\"%u\",%s=\"%s\"} %" PRIu64 "\n", name,
			    i, label, names[v], bt_score_get(&values[v]));
	}
}

static void
put_continuations(struct bt_buf *b, const struct bt_scoreboard *board)
{
	put_labelled(b, board, "baton_worker_continuations_suspended_total",
	    "Continuations that were made, by where they are kept.", "store",
	    bt_score_store_names, BT_SCORE_STORES,
	    offsetof(struct bt_score_worker, suspended));
	put_labelled(b, board, "baton_worker_continuations_resumed_total",
	    "Continuations that were followed, by where they were.", "store",
	    bt_score_store_names, BT_SCORE_STORES,
	    offsetof(struct bt_score_worker, resumed));
	put_labelled(b, board, "baton_worker_continuations_lost_total",
	    "Continuations that were followed and did not go on, by why.",
	    "reason", bt_score_loss_names, BT_SCORE_LOSSES,
	    offsetof(struct bt_score_worker, not_resumed));
}

/* Names are of the conf: letters, digits and what addresses have. */
static void
put_origins(struct bt_buf *b, const struct bt_services *services)
{
	const char *name = "baton_upstream_server_up";
	struct bt_origin_report o;

	if (services->origin == NULL)
		return;
	put_head(b, name, "gauge",
	    "0 while the server is passed over, as it failed or its check "
	    "did.");
	for (size_t i = 0; services->origin(services, i, &o); i++) {
		bt_buf_printf(b, "%s{upstream=\"", name);
		bt_escape_json(b, o.upstream);
		bt_buf_puts(b, "\",server=\"");
		bt_escape_json(b, o.server);
		bt_buf_printf(b, "\"} %d\n", o.up);
	}
}

static void
release(void *arg)
{
	bt_buf_fini(arg);
}

static void
answer(struct baton_exchange *x)
{
	const struct bt_scoreboard *board = x->route->services->board;
	struct bt_buf *b = bt_arena_zero(&x->arena, sizeof(*b));

	put_process(b, &board->master);
	put_totals(b, board);
	for (enum bt_time what = 0; what < BT_TIMES; what++)
		put_times(b, board, what);
	for (size_t i = 0; i < sizeof(by_worker) / sizeof(by_worker[0]); i++)
		put_series(b, board, &by_worker[i]);
	put_responses(b, board);
	put_continuations(b, board);
	put_closed(b, board);
	put_origins(b, x->route->services);
	bt_reply_bytes(x, 200,
	    BT_STR("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		   "Cache-Control: no-store\r\n"),
	    bt_buf_str(b));
	bt_reply_says_fresh(x);
	bt_reply_on_release(x, release, b);
}

const struct bt_handler bt_handler_metrics = {
	.name = "metrics",
	.methods = BT_METHODS_READ,
	.answer = answer,
};
