/*
 * The status, as text.  Reads the scoreboard.  Master.
 */

#include "master/report.h"

#include "base/clock.h"

#include <unistd.h>

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
append_slot(struct bt_buf *out, const struct bt_slot *s, int64_t now_ms)
{
	const struct bt_score_slot *score = s->score;
	const struct bt_score_worker *w = &score->worker;
	uint64_t queued = bt_slot_in_channel(s);
	uint64_t load = bt_score_slot_load(score);
	int64_t beat_ms = (int64_t)bt_score_get(&w->heartbeat_ms);

	bt_buf_printf(out,
	    "%6u %8d %10u %-8s %8ju %8ju %10ju %10ju %8ju %7ju %6ju ", s->index,
	    (int)s->pid, s->generation,
	    s->stale ? "stale" : bt_slot_state_names[s->state],
	    (uintmax_t)(load > queued ? load - queued : 0), (uintmax_t)queued,
	    (uintmax_t)bt_score_get(&score->dealt),
	    (uintmax_t)bt_score_get(&w->requests),
	    (uintmax_t)bt_score_get(&w->memory_bytes) / 1024,
	    (uintmax_t)bt_score_get(&score->started),
	    (uintmax_t)bt_score_get(&score->crashed));
	if (beat_ms > 0)
		bt_buf_printf(out, "%6jd ms\n",
		    (intmax_t)(now_ms > beat_ms ? now_ms - beat_ms : 0));
	else
		bt_buf_printf(out, "%9s\n", "-");
}

void
bt_report_append(
    struct bt_buf *out, const struct bt_slots *set, const char *state)
{
	const struct bt_score_master *m = &set->board->master;

	bt_buf_printf(out,
	    "baton %s, pid %d, %s, generation %u, %ju workers, up %jd s\n",
	    BT_VERSION, (int)getpid(), state, m->generation,
	    (uintmax_t)m->workers,
	    (intmax_t)(bt_clock_wall_s() - m->started_s));
	append_ledger(out, set->board);
	bt_buf_printf(out,
	    "refused %ju for limit_connections, %ju for limit_rate\n"
	    "gathered %ju times; paused %ju times for room, %ju times for "
	    "descriptors\n",
	    (uintmax_t)m->refused_for_connections,
	    (uintmax_t)m->refused_for_rate, (uintmax_t)m->gathers,
	    (uintmax_t)m->pauses_full, (uintmax_t)m->pauses_descriptors);
	bt_buf_printf(out,
	    "%6s %8s %10s %-8s %8s %8s %10s %10s %8s %7s %6s %9s\n", "worker",
	    "pid", "generation", "state", "open", "queued", "dealt", "requests",
	    "KiB", "started", "cut", "last turn");
	for (unsigned i = 0; i < set->n; i++)
		if (set->all[i].state != BT_SLOT_EMPTY)
			append_slot(out, &set->all[i], bt_clock_ms());
}
