/*
 * Re-balance: after the workers have changed, those that hold more than their
 * share are asked to hand idle connections back, and these are dealt to whoever
 * has the fewest.  Some rounds, and then it is over: connections that are busy
 * stay where they are, and in a steady state nothing moves.  Master, on the
 * loop.
 */

#include "base/clock.h"
#include "base/log.h"
#include "master/state.h"

#include <event2/event.h>

#define ROUNDS_MAX 6
/* Between two rounds, doubled each time: busy ones become idle. */
#define PAUSE_MS 10
/* With workers that do not answer. */
#define PATIENCE_MS 500

uint64_t
bt_balance_plan(const uint64_t *loads, unsigned n, uint64_t *ret_excess)
{
	uint64_t total = 0, least = UINT64_MAX, most = 0, move = 0, share, rest;

	for (unsigned i = 0; i < n; i++) {
		total += loads[i];
		least = loads[i] < least ? loads[i] : least;
		most = loads[i] > most ? loads[i] : most;
	}
	if (n == 0 || most - least <= 1 || (most - least) * 100 <= most)
		return 0;
	share = total / n;
	rest = total % n; /* so many may keep one more */
	for (unsigned i = 0; i < n; i++) {
		uint64_t keep = share;

		if (loads[i] > share && rest > 0) {
			keep++;
			rest--;
		}
		ret_excess[i] = loads[i] > keep ? loads[i] - keep : 0;
		move += ret_excess[i];
	}
	return move;
}

struct plan {
	struct bt_slot *slots[BT_CONF_WORKERS_MAX];
	uint64_t loads[BT_CONF_WORKERS_MAX], excess[BT_CONF_WORKERS_MAX];
	unsigned n;
	uint64_t move; /* connections in all; 0: it is level */
};

static void
make_plan(const struct bt_master *m, struct plan *plan)
{
	plan->n = 0;
	for (unsigned i = 0; i < m->slots.used; i++) {
		struct bt_slot *s = &m->slots.all[i];

		if (s->state != BT_SLOT_READY ||
		    s->generation != m->generation ||
		    plan->n == BT_CONF_WORKERS_MAX)
			continue;
		plan->loads[plan->n] = bt_score_slot_load(s->score);
		plan->slots[plan->n++] = s;
	}
	plan->move = bt_balance_plan(plan->loads, plan->n, plan->excess);
}

static void
wait_ms(struct bt_balance *b, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	evtimer_add(b->timer, &tv);
}

static void
forget_answers(struct bt_master *m)
{
	for (unsigned i = 0; m->balance.waiting > 0 && i < m->slots.used; i++)
		m->slots.all[i].sheds = false;
	m->balance.waiting = 0;
}

static void
end(struct bt_master *m, const struct plan *plan)
{
	struct bt_balance *b = &m->balance;

	if (b->round > 0)
		bt_log_info(NULL, 0, "balanced: %ju connections were moved%s",
		    (uintmax_t)(bt_score_get(&m->board->master.returned) -
			b->returned_before),
		    plan->move > 0 ? ", busy ones stay" : "");
	b->round = 0;
	m->dealer.level = false;
	evtimer_del(b->timer);
}

static void
ask(struct bt_master *m, const struct plan *plan)
{
	struct bt_balance *b = &m->balance;

	if (b->round++ == 0) {
		b->returned_before = bt_score_get(&m->board->master.returned);
		bt_score_add(&m->board->master.rebalances, 1);
	}
	m->dealer.level = true;
	for (unsigned i = 0; i < plan->n; i++)
		if (plan->excess[i] > 0)
			b->waiting +=
			    bt_slot_shed(plan->slots[i], plan->excess[i]);
	wait_ms(b, b->waiting > 0 ? PATIENCE_MS : PAUSE_MS << b->round);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct bt_master *m = arg;
	struct plan plan = { .n = 0 };

	forget_answers(m);
	/* what else is under way begins it anew when it is over */
	if (m->state == BT_MASTER_RUNNING)
		make_plan(m, &plan);
	if (plan.move == 0 || m->balance.round == ROUNDS_MAX)
		end(m, &plan);
	else
		ask(m, &plan);
}

void
bt_balance_begin(struct bt_master *m, int64_t after_ms)
{
	struct bt_balance *b = &m->balance;
	int64_t due_ms = bt_clock_ms() + after_ms;

	if (m->state != BT_MASTER_RUNNING)
		return;
	if (b->timer == NULL)
		b->timer = evtimer_new(m->base, on_time, m);
	if (b->round == 0 && evtimer_pending(b->timer, NULL) &&
	    b->due_ms > due_ms)
		return;
	forget_answers(m);
	b->round = 0;
	b->due_ms = due_ms;
	/* what is handed back meanwhile is dealt in that sense already */
	m->dealer.level = after_ms == 0;
	wait_ms(b, after_ms);
}

void
bt_balance_on_answer(struct bt_master *m, struct bt_slot *s)
{
	struct bt_balance *b = &m->balance;
	struct plan plan;

	if (!s->sheds)
		return;
	s->sheds = false;
	if (--b->waiting > 0)
		return;
	make_plan(m, &plan);
	if (plan.move == 0)
		end(m, &plan);
	else
		wait_ms(b, PAUSE_MS << b->round);
}
