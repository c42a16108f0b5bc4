/*
 * Samples of the counters, a second apart.  The watch looks at the workers two
 * to four times a second anyhow, and calls this then.  Master, on the loop.
 */

#include "master/lately.h"

#include <inttypes.h>

/* Counters that should stand still, and what it means when they do not. */
static const struct kind {
	const char *text; /* behind the number that came */
	bool of_workers;  /* else the offset is into struct bt_score_master */
	size_t offset;
} kinds[BT_LATELY_KINDS] = {
	{ "lines of the access log could not be written", true,
	    offsetof(struct bt_score_worker, log_lines_lost) },
	{ "requests were answered with 429, for limit_rate", true,
	    offsetof(struct bt_score_worker, limited) },
	{ "connections were refused, for limit_connections", false,
	    offsetof(struct bt_score_master, refused_for_connections) },
	{ "connections were refused, for limit_rate", false,
	    offsetof(struct bt_score_master, refused_for_rate) },
	{ "pauses in accepting, for want of descriptors or memory", false,
	    offsetof(struct bt_score_master, pauses_descriptors) },
};

static uint64_t
read_at(const void *base, size_t offset)
{
	const char *at = (const char *)base + offset;

	return bt_score_get((const uint64_t *)(const void *)at);
}

static uint64_t
count_of(const struct bt_scoreboard *board, const struct kind *k)
{
	uint64_t n = 0;

	if (!k->of_workers)
		return read_at(&board->master, k->offset);
	for (unsigned i = 0; i < board->slots_n; i++)
		n += read_at(&board->slots[i].worker, k->offset);
	return n;
}

static struct bt_sample
sample(const struct bt_scoreboard *board, int64_t now_ms)
{
	struct bt_sample s = { .ms = now_ms,
		.accepted = bt_score_get(&board->master.accepted) };

	for (unsigned i = 0; i < board->slots_n; i++) {
		const struct bt_score_worker *w = &board->slots[i].worker;

		s.requests += bt_score_get(&w->requests);
		s.bytes_in += bt_score_get(&w->bytes_in);
		s.bytes_out += bt_score_get(&w->bytes_out);
	}
	return s;
}

/* What had grown before we looked for the first time is old news. */
static void
look_for_trouble(struct bt_lately *l, struct bt_scoreboard *board,
    int64_t now_ms, bool is_first)
{
	for (int i = 0; i < BT_LATELY_KINDS; i++) {
		struct bt_trouble *t = &l->troubles[i];
		uint64_t n = count_of(board, &kinds[i]);

		if (!is_first && (n == t->said || now_ms < t->not_before_ms))
			continue;
		if (!is_first) {
			bt_events_add(&board->master.events, "%" PRIu64 " %s",
			    n - t->said, kinds[i].text);
			t->not_before_ms = now_ms + BT_LATELY_QUIET_MS;
		}
		t->said = n;
	}
}

void
bt_lately_look(struct bt_lately *l, struct bt_scoreboard *board, int64_t now_ms)
{
	bool is_first = l->last.ms == 0;

	if (!is_first && now_ms - l->last.ms < BT_LATELY_MS)
		return;
	look_for_trouble(l, board, now_ms, is_first);
	l->before = l->last;
	l->last = sample(board, now_ms);
}

struct bt_lately_rates
bt_lately_read(const struct bt_lately *l, const struct bt_scoreboard *board,
    int64_t now_ms)
{
	const struct bt_sample *from = l->before.ms ? &l->before : &l->last;
	struct bt_sample now = sample(board, now_ms);
	double s = (double)(now_ms - from->ms) / 1000;

	if (from->ms == 0 || now_ms <= from->ms)
		return (struct bt_lately_rates){ 0 };
	return (struct bt_lately_rates){
		.accepted = (double)(now.accepted - from->accepted) / s,
		.requests = (double)(now.requests - from->requests) / s,
		.bytes_in = (double)(now.bytes_in - from->bytes_in) / s,
		.bytes_out = (double)(now.bytes_out - from->bytes_out) / s,
		.over_s = s,
	};
}
