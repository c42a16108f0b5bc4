/*
 * The number of workers while baton runs: SIGTTIN adds one, SIGTTOU retires
 * one, which hands back what it has, as at a reload.  What is asked for while
 * something else is under way is done behind it.  Master, on the loop.
 */

#include "base/log.h"
#include "master/state.h"
#include "master/systemd.h"

/* Whether its worker, or the next one there, is one of those that answer. */
static bool
counts(const struct bt_master *m, const struct bt_slot *s)
{
	return s->generation == m->generation &&
	    (s->state == BT_SLOT_STARTING || s->state == BT_SLOT_READY ||
		s->state == BT_SLOT_RESTING);
}

static unsigned
count(const struct bt_master *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->slots.used; i++)
		n += counts(m, &m->slots.all[i]);
	return n;
}

struct bt_slot *
bt_resize_find_empty(const struct bt_master *m)
{
	for (unsigned i = 0; i < m->slots.n; i++)
		if (m->slots.all[i].state == BT_SLOT_EMPTY)
			return &m->slots.all[i];
	return NULL;
}

static int
add_one(struct bt_master *m)
{
	struct bt_slot *s = bt_resize_find_empty(m);
	int r;

	if (s == NULL) {
		bt_log_error(NULL, 0,
		    "no worker can be added: too many are still leaving");
		return -1;
	}
	if ((r = bt_slot_start(s)) < 0)
		bt_log_error(NULL, r, "worker %u cannot be started", s->index);
	return r;
}

/* What its leaving costs: nothing where nobody answers yet. */
static uint64_t
cost(const struct bt_slot *s)
{
	return s->state == BT_SLOT_READY ? 1 + bt_score_slot_load(s->score) : 0;
}

/* The one that has the fewest connections to hand back; the last of those. */
static void
retire_one(struct bt_master *m)
{
	struct bt_slot *least = NULL;

	for (unsigned i = 0; i < m->slots.used; i++) {
		struct bt_slot *s = &m->slots.all[i];

		if (counts(m, s) && (least == NULL || cost(s) <= cost(least)))
			least = s;
	}
	if (least != NULL)
		bt_slot_retire(least);
}

/* Makes those that answer as many as m->workers says. */
static void
apply(struct bt_master *m)
{
	unsigned n = count(m);

	while (n < m->workers && add_one(m) == 0)
		n++;
	if (n > 0 && n < m->workers)
		m->workers = n;
	for (; n > m->workers; n--)
		retire_one(m);
}

static void
say(const struct bt_master *m, unsigned before)
{
	bt_log_info(NULL, 0, "%u workers, were %u", m->workers, before);
	bt_systemd_notify("STATUS=running, %u workers, generation %u",
	    m->workers, m->generation);
	bt_events_add(&m->board->master.events, "%u workers, were %u",
	    m->workers, before);
}

static void
change(struct bt_master *m, int by)
{
	unsigned before = m->workers;
	int want = (int)before + by;

	bt_recycle_cancel(m); /* two in one place, or none: it is put right */
	if (want < 1 || want > BT_CONF_WORKERS_MAX)
		bt_log_warn(
		    NULL, 0, "workers are from 1 to %d", BT_CONF_WORKERS_MAX);
	m->workers = want < 1            ? 1
	    : want > BT_CONF_WORKERS_MAX ? BT_CONF_WORKERS_MAX
					 : (unsigned)want;
	apply(m);
	if (m->workers == before)
		return;
	bt_score_add(&m->board->master.resizes, 1);
	bt_score_set(&m->board->master.workers, m->workers);
	say(m, before);
}

void
bt_resize_by(struct bt_master *m, int by)
{
	if (m->state == BT_MASTER_RUNNING)
		change(m, by);
	else if (m->state < BT_MASTER_DRAINING)
		m->resize_by += by; /* bt_resize_go_on() */
}

void
bt_resize_go_on(struct bt_master *m)
{
	int by = m->resize_by;

	if (m->state != BT_MASTER_RUNNING)
		return;
	m->resize_by = 0;
	/* one that died during a reload may have left one too many, or few */
	change(m, by);
	bt_balance_begin(m, 0);
	bt_recycle_watch(m);
	bt_score_set(&m->board->master.workers, m->workers);
}
