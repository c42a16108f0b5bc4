/*
 * The status, as text for a terminal.  Reads the scoreboard.  Master.
 */

#include "master/report.h"

#include "base/clock.h"
#include "base/human.h"
#include "master/state.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Of the events, the latest; the status page has all. */
#define EVENTS_SHOWN 10

uint64_t
bt_report_connections(const struct bt_scoreboard *board)
{
	struct bt_ledger l;

	bt_ledger_read(board, &l);
	return l.held + l.in_channel + l.open + l.returning;
}

static void
append_ledger(struct bt_buf *out, const struct bt_scoreboard *board)
{
	struct bt_ledger l;

	bt_ledger_read(board, &l);
	bt_buf_printf(out,
	    "accepted %ju + returned %ju = dealt %ju + held %ju + refused "
	    "%ju\n",
	    (uintmax_t)l.accepted, (uintmax_t)l.returned, (uintmax_t)l.dealt,
	    (uintmax_t)l.held, (uintmax_t)l.refused);
	bt_buf_printf(out,
	    "dealt %ju = taken %ju + in channel %ju + lost %ju\n",
	    (uintmax_t)l.dealt, (uintmax_t)l.taken, (uintmax_t)l.in_channel,
	    (uintmax_t)l.lost);
	bt_buf_printf(out,
	    "taken %ju = open %ju + done %ju + handed back %ju + crashed %ju\n",
	    (uintmax_t)l.taken, (uintmax_t)l.open, (uintmax_t)l.done,
	    (uintmax_t)l.handed_back, (uintmax_t)l.crashed);
}

static void
append_causes(struct bt_buf *out, const struct bt_score_master *m)
{
	bt_buf_printf(out,
	    "refused %ju for limit_connections, %ju for limit_rate\n"
	    "gathered %ju times; paused %ju times for room, %ju times for "
	    "descriptors\n",
	    (uintmax_t)m->refused_for_connections,
	    (uintmax_t)m->refused_for_rate, (uintmax_t)m->gathers,
	    (uintmax_t)m->pauses_full, (uintmax_t)m->pauses_descriptors);
}

/* Who waited for a server behind us, where the conf has any. */
static void
append_proxy(struct bt_buf *out, const struct bt_master *m)
{
	struct bt_score_worker sum = { 0 };

	if (m->conf->upstreams_n == 0)
		return;
	for (unsigned i = 0; i < m->board->slots_n; i++) {
		const struct bt_score_worker *w = &m->board->slots[i].worker;

		sum.holds += bt_score_get(&w->holds);
		sum.held_requests += bt_score_get(&w->held_requests);
		sum.held_released += bt_score_get(&w->held_released);
		sum.held_given_up += bt_score_get(&w->held_given_up);
		sum.held_left += bt_score_get(&w->held_left);
		sum.held_moved += bt_score_get(&w->held_moved);
		sum.held_refused += bt_score_get(&w->held_refused);
		sum.tunnels += bt_score_get(&w->tunnels);
		if (bt_score_get(&w->held_longest_s) > sum.held_longest_s)
			sum.held_longest_s = bt_score_get(&w->held_longest_s);
	}
	bt_buf_printf(out,
	    "waited %ju = held %ju + released %ju + given up %ju + left %ju + "
	    "moved %ju\n"
	    "held for %ju s at most; refused %ju; tunnels %ju\n",
	    (uintmax_t)sum.holds, (uintmax_t)sum.held_requests,
	    (uintmax_t)sum.held_released, (uintmax_t)sum.held_given_up,
	    (uintmax_t)sum.held_left, (uintmax_t)sum.held_moved,
	    (uintmax_t)sum.held_longest_s, (uintmax_t)sum.held_refused,
	    (uintmax_t)sum.tunnels);
}

/* --- tables, whose columns are as wide as what stands in them --- */

#define COLUMNS_MAX 12

struct table {
	unsigned columns;
	struct bt_buf cells; /* of BT_HUMAN_MAX bytes each */
};

static void
table_add(struct table *t, const char *text)
{
	char *cell = bt_buf_reserve(&t->cells, BT_HUMAN_MAX);

	snprintf(cell, BT_HUMAN_MAX, "%s", text);
	t->cells.len += BT_HUMAN_MAX;
}

static void
table_add_n(struct table *t, uint64_t n)
{
	char text[BT_HUMAN_MAX];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)n);
	table_add(t, text);
}

static void
table_add_us(struct table *t, uint64_t us)
{
	char text[BT_HUMAN_MAX];

	bt_human_us(us, text);
	table_add(t, text);
}

static void
table_add_bytes(struct table *t, uint64_t bytes)
{
	char text[BT_HUMAN_MAX];

	bt_human_bytes((double)bytes, text);
	table_add(t, text);
}

/* Characters, not bytes. */
static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Appends it, all but the first column to the right, and frees it. */
static void
table_end(struct table *t, struct bt_buf *out)
{
	size_t width[COLUMNS_MAX] = { 0 }, n = t->cells.len / BT_HUMAN_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t w = width_of(t->cells.data + i * BT_HUMAN_MAX);
		size_t *most = &width[i % t->columns];

		*most = w > *most ? w : *most;
	}
	for (size_t i = 0; i < n; i++) {
		const char *cell = t->cells.data + i * BT_HUMAN_MAX;
		size_t column = i % t->columns;
		int pad = (int)(width[column] - width_of(cell));

		if (column == 0)
			bt_buf_printf(out, "%s%*s", cell, pad, "");
		else
			bt_buf_printf(out, "  %*s%s", pad, "", cell);
		if (column + 1 == t->columns)
			bt_buf_putc(out, '\n');
	}
	bt_buf_fini(&t->cells);
}

static void
add_slot(struct table *t, const struct bt_slot *s, int64_t now_ms)
{
	const struct bt_score_slot *score = s->score;
	const struct bt_score_worker *w = &score->worker;
	uint64_t queued = bt_slot_in_channel(s);
	uint64_t load = bt_score_slot_load(score);
	int64_t beat_ms = (int64_t)bt_score_get(&w->heartbeat_ms);
	int64_t ago_ms = now_ms > beat_ms ? now_ms - beat_ms : 0;

	table_add_n(t, s->index);
	table_add_n(t, (uint64_t)s->pid);
	table_add(t, s->stale ? "stale" : bt_slot_state_names[s->state]);
	table_add_n(t, s->generation);
	table_add_n(t, load > queued ? load - queued : 0);
	table_add_n(t, queued);
	table_add_n(t, bt_score_get(&w->requests));
	table_add_bytes(t, bt_score_get(&w->bytes_out));
	table_add_bytes(t, bt_score_get(&w->memory_bytes));
	table_add_n(t, bt_score_get(&score->started));
	table_add_n(t, bt_score_get(&score->crashed));
	if (beat_ms > 0 && s->pid != 0)
		table_add_us(t, (uint64_t)ago_ms * 1000);
	else
		table_add(t, "-");
}

static void
append_workers(struct bt_buf *out, const struct bt_slots *set)
{
	static const char *const titles[] = { "worker", "pid", "state",
		"generation", "open", "queued", "requests", "sent", "memory",
		"starts", "cut", "last turn" };
	struct table t = { .columns = sizeof(titles) / sizeof(titles[0]) };

	for (unsigned i = 0; i < t.columns; i++)
		table_add(&t, titles[i]);
	for (unsigned i = 0; i < set->n; i++)
		if (set->all[i].state != BT_SLOT_EMPTY)
			add_slot(&t, &set->all[i], bt_clock_ms());
	table_end(&t, out);
}

static void
append_times(struct bt_buf *out, const struct bt_scoreboard *board)
{
	static const char *const titles[] = { "since the start", "p50", "p95",
		"p99", "count" };
	static const char *const names[BT_TIMES] = {
		[BT_TIME_QUEUE] = "accepted until taken",
		[BT_TIME_FIRST_BYTE] = "request to first byte",
		[BT_TIME_ANSWER] = "request to last byte",
	};
	struct table t = { .columns = sizeof(titles) / sizeof(titles[0]) };
	struct bt_histogram h;

	for (unsigned i = 0; i < t.columns; i++)
		table_add(&t, titles[i]);
	for (enum bt_time i = 0; i < BT_TIMES; i++) {
		bt_score_times_read(board, i, &h);
		table_add(&t, names[i]);
		table_add_us(&t, bt_histogram_quantile(&h, 0.50));
		table_add_us(&t, bt_histogram_quantile(&h, 0.95));
		table_add_us(&t, bt_histogram_quantile(&h, 0.99));
		table_add_n(&t, bt_histogram_count(&h));
	}
	table_end(&t, out);
}

/* --- the rest --- */

static void
append_rates(struct bt_buf *out, const struct bt_master *m)
{
	struct bt_lately_rates r =
	    bt_lately_read(&m->watch.lately, m->board, bt_clock_ms());
	char requests[BT_HUMAN_MAX], accepted[BT_HUMAN_MAX];
	char in[BT_HUMAN_MAX], sent[BT_HUMAN_MAX];

	if (r.over_s <= 0)
		return;
	bt_human_rate(r.requests, requests);
	bt_human_rate(r.accepted, accepted);
	bt_human_bytes(r.bytes_in, in);
	bt_human_bytes(r.bytes_out, sent);
	bt_buf_printf(out,
	    "each second: %s requests, %s connections, %s received, %s sent; "
	    "mean of the last %.1f s\n",
	    requests, accepted, in, sent, r.over_s);
}

static void
append_events(struct bt_buf *out, const struct bt_scoreboard *board)
{
	struct bt_event events[BT_EVENTS];
	size_t n = bt_events_read(&board->master.events, events);

	if (n > EVENTS_SHOWN)
		n = EVENTS_SHOWN;
	if (n > 0)
		bt_buf_puts(out, "\nlately:\n");
	for (size_t i = 0; i < n; i++) {
		time_t at = events[i].time_s;
		char when[32];
		struct tm tm;

		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S",
		    localtime_r(&at, &tm));
		bt_buf_printf(out, "%s  %s\n", when, events[i].text);
	}
}

void
bt_report_append(struct bt_buf *out, const struct bt_master *m)
{
	const struct bt_score_master *score = &m->board->master;
	char up[BT_HUMAN_MAX];

	bt_human_up(bt_clock_wall_s() - score->started_s, up);
	bt_buf_printf(out,
	    "baton %s, pid %d, %s, generation %u, %ju workers, up %s\n",
	    BT_VERSION, (int)getpid(), bt_master_state_names[m->state],
	    score->generation, (uintmax_t)score->workers, up);
	if (m->conf_file != NULL)
		bt_buf_printf(out, "conf %s\n", m->conf_file);
	append_rates(out, m);
	bt_buf_putc(out, '\n');
	append_workers(out, &m->slots);
	bt_buf_putc(out, '\n');
	append_times(out, m->board);
	bt_buf_putc(out, '\n');
	append_ledger(out, m->board);
	append_causes(out, score);
	append_proxy(out, m);
	append_events(out, m->board);
}
