/*
 * The main place: the states of the master, what it does when its workers say
 * something, and how it stops.  How it starts and reloads stands in files of
 * their own.  Master.
 */

#include "base/clock.h"
#include "base/log.h"
#include "master/park.h"
#include "master/report.h"
#include "master/rescue.h"
#include "master/state.h"
#include "master/systemd.h"

#include <event2/event.h>
#include <unistd.h>

#define START_DEATHS_MAX 3
#define MARGIN_MS 10000 /* to end, behind drain_timeout */
/* A worker that follows one that died is given its share when it lasts. */
#define PROBATION_MS 1000

const char *const bt_master_state_names[] = {
	[BT_MASTER_STARTING] = "starting",
	[BT_MASTER_RUNNING] = "running",
	[BT_MASTER_RELOADING] = "reloading",
	[BT_MASTER_UPGRADING] = "upgrading",
	[BT_MASTER_DRAINING] = "draining",
	[BT_MASTER_STOPPED] = "stopped",
};

void
bt_master_enter(struct bt_master *m, enum bt_master_state state)
{
	bt_log_info(NULL, 0, "%s, was %s", bt_master_state_names[state],
	    bt_master_state_names[m->state]);
	m->state = state;
	switch (state) {
	case BT_MASTER_STARTING:
		break;
	case BT_MASTER_RUNNING:
		bt_systemd_notify("READY=1\nMAINPID=%d\nSTATUS=running, "
				  "%u workers, generation %u",
		    (int)getpid(), m->workers, m->generation);
		break;
	case BT_MASTER_RELOADING:
	case BT_MASTER_UPGRADING:
		/* sd_notify(3): the same clock that systemd compares with */
		bt_systemd_notify("RELOADING=1\nMONOTONIC_USEC=%jd\n"
				  "STATUS=%s",
		    (intmax_t)bt_clock_us(), bt_master_state_names[state]);
		break;
	case BT_MASTER_DRAINING:
		/* longer than the unit says, where the conf wants that */
		bt_systemd_notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=%jd\n"
				  "STATUS=draining, %ju connections",
		    (intmax_t)(m->conf->drain_timeout_ms + MARGIN_MS) * 1000,
		    (uintmax_t)bt_report_connections(m->board));
		break;
	case BT_MASTER_STOPPED:
		event_base_loopbreak(m->base);
		break;
	}
}

static bool
all_ready(const struct bt_master *m)
{
	for (unsigned i = 0; i < m->workers; i++)
		if (m->slots.all[i].state != BT_SLOT_READY)
			return false;
	return true;
}

bool
bt_master_is_empty(const struct bt_master *m)
{
	for (unsigned i = 0; i < m->slots.n; i++)
		if (m->slots.all[i].state != BT_SLOT_EMPTY)
			return false;
	return true;
}

/* Deals what is held, and accepts again when that was all. */
void
bt_master_deal_held(struct bt_master *m)
{
	bt_dealer_deal(&m->dealer);
	if (m->dealer.pending_n == 0)
		bt_listeners_resume(&m->listeners, BT_PAUSE_FULL);
}

/* --- stopping --- */

/*
 * A worker has left, and there are connections that no slot could take before:
 * its successor is dealt what it can take, and told to drain behind that.
 */
static void
serve_held(struct bt_master *m, struct bt_slot *s)
{
	int r = bt_slot_start(s);

	if (r < 0)
		bt_log_error(NULL, r, "worker %u cannot be started", s->index);
}

static void
stop_if_done(struct bt_master *m)
{
	if (m->state == BT_MASTER_DRAINING && bt_master_is_empty(m))
		bt_master_enter(m, BT_MASTER_STOPPED);
}

/* Ends the workers now; what they had open, or in their channels, is cut. */
static void
cut_all(struct bt_master *m)
{
	if (m->cutting)
		return;
	m->cutting = true;
	m->cut = bt_report_connections(m->board);
	if (m->cut > 0)
		bt_log_warn(
		    NULL, 0, "%ju connections are cut", (uintmax_t)m->cut);
	for (unsigned i = 0; i < m->slots.n; i++)
		bt_slot_kill(&m->slots.all[i]);
}

void
bt_master_on_patience_ended(evutil_socket_t fd, short what, void *arg)
{
	struct bt_master *m = arg;

	bt_log_warn(NULL, 0, "drain_timeout (%jd ms) is over",
	    (intmax_t)m->conf->drain_timeout_ms);
	cut_all(m);
	stop_if_done(m);
}

static uint64_t
count_crashed(const struct bt_master *m)
{
	struct bt_ledger l;

	if (m->board == NULL)
		return 0;
	bt_ledger_read(m->board, &l);
	return l.crashed;
}

static void
tell_to_end(struct bt_master *m, struct bt_slot *s)
{
	if (m->parking)
		bt_slot_park(s);
	else
		bt_slot_drain(s);
}

void
bt_master_drain(struct bt_master *m)
{
	struct timeval tv = { .tv_sec = m->conf->drain_timeout_ms / 1000,
		.tv_usec = m->conf->drain_timeout_ms % 1000 * 1000 };

	bt_slots_reap(&m->slots); /* who died before, died before */
	if (m->state >= BT_MASTER_DRAINING)
		return;
	m->slots.crashed_before = count_crashed(m);
	bt_rescue_note_stop(&m->slots);
	bt_reload_abandon(m);
	bt_upgrade_abandon(m);
	/* who is in a backlog was promised an answer by the kernel's SYN-ACK */
	bt_listeners_empty(&m->listeners);
	bt_listeners_close(&m->listeners);
	bt_master_enter(m, BT_MASTER_DRAINING);
	event_add(m->patience, &tv);
	m->parking = bt_systemd_store_max() > 0;
	for (unsigned i = 0; i < m->slots.n; i++)
		tell_to_end(m, &m->slots.all[i]);
	stop_if_done(m);
}

/* At once: nobody is waited for. */
void
bt_master_stop(struct bt_master *m)
{
	bt_master_drain(m);
	cut_all(m);
	stop_if_done(m);
}

/* --- news of the slots --- */

/* Nothing more can be expected of workers that die before they work. */
static void
on_start_death(struct bt_master *m)
{
	if (++m->start_deaths < START_DEATHS_MAX)
		return;
	bt_log_error(NULL, 0, "workers die before they are ready; giving up");
	m->status = 1;
	bt_master_stop(m);
}

static void
on_ready(struct bt_master *m, struct bt_slot *s)
{
	/* the dealer's search need not pass what was never used */
	m->dealer.slots_n = m->slots.used;
	if (m->state == BT_MASTER_STARTING && all_ready(m)) {
		bt_master_enter(m, BT_MASTER_RUNNING);
		bt_listeners_resume(&m->listeners, BT_PAUSE_START);
		bt_resize_go_on(m);
	}
	bt_reload_on_ready(m);
	bt_recycle_on_ready(m, s);
	bt_master_deal_held(m);
	bt_balance_begin(m, s->quick_deaths > 0 ? PROBATION_MS : 0);
	/* it was started for what was held */
	if (m->state == BT_MASTER_DRAINING)
		tell_to_end(m, s);
}

void
bt_master_on_news(void *arg, struct bt_slot *s, enum bt_slot_news news)
{
	struct bt_master *m = arg;

	switch (news) {
	case BT_SLOT_IS_READY:
		on_ready(m, s);
		break;
	case BT_SLOT_HAS_ROOM:
		bt_master_deal_held(m);
		break;
	case BT_SLOT_SETTLED:
		bt_limits_settle(&m->limits, s->index);
		bt_master_deal_held(m);
		break;
	case BT_SLOT_DIED:
		bt_limits_end(&m->limits, s->index, s->rescuers > 0);
		if (m->state == BT_MASTER_STARTING)
			on_start_death(m);
		else
			bt_master_deal_held(
			    m); /* others may have been asked for room */
		bt_reload_on_death(m, s);
		bt_balance_on_answer(m, s);
		bt_balance_begin(m, PROBATION_MS);
		break;
	case BT_SLOT_LEFT:
		bt_limits_end(&m->limits, s->index, s->rescuers > 0);
		bt_master_deal_held(m);
		if (m->state == BT_MASTER_DRAINING && m->dealer.pending_n > 0 &&
		    !m->cutting &&
		    (!m->parking || bt_park_needs_worker(&m->dealer)))
			serve_held(m, s);
		stop_if_done(m);
		bt_reload_on_retreat(m);
		bt_balance_on_answer(m, s);
		break;
	case BT_SLOT_RETIRES:
		bt_reload_on_retreat(m);
		bt_balance_begin(m, 0);
		break;
	case BT_SLOT_SHEDS:
		bt_balance_on_answer(m, s);
		break;
	}
}

/* What a worker hands back is dealt again, before what is accepted. */
void
bt_master_on_back(void *arg, struct bt_handover *h, size_t n)
{
	struct bt_master *m = arg;

	for (size_t i = 0; i < n; i++)
		bt_limits_return(&m->limits, &h[i].baton);
	bt_score_add(&m->board->master.returned, n);
	bt_dealer_take_back(&m->dealer, h, n);
	bt_dealer_deal(&m->dealer);
	if (m->dealer.pending_n > 0)
		bt_listeners_pause(&m->listeners, BT_PAUSE_FULL);
}

void
bt_master_go_on(struct bt_master *m)
{
	if (m->upgrade.again) { /* which reads the conf, too */
		m->upgrade.again = false;
		bt_upgrade_begin(m);
	} else if (m->reload.again) {
		m->reload.again = false;
		bt_control_move_waiting(
		    m->control, BT_WAIT_NEXT_RELOAD, BT_WAIT_RELOAD);
		bt_reload_begin(m);
	} else {
		bt_resize_go_on(m);
	}
}

void
bt_master_init(struct bt_master *m, const struct bt_hooks *hooks)
{
	*m = (struct bt_master){ .signal_fd = -1,
		.hooks = hooks,
		.slots = { .run = hooks->run, .kept_fd = hooks->kept_fd },
		.upgrade = { .out_fd = -1 } };
	/* a child does that, or it was done: nothing here waits for it */
	bt_conf_check_apps_by(NULL);
}

/* Those that are left and wait for an answer: nobody could be started. */
static uint64_t
count_cut(const struct bt_dealer *d)
{
	uint64_t n = 0;

	for (size_t i = 0; i < d->pending_n; i++)
		n += d->pending[i].baton.requests == 0 ||
		    d->pending[i].baton.bytes > 0 ||
		    bt_baton_is_pair(&d->pending[i].baton);
	return n;
}

/* For whoever is started next. */
static void
park(struct bt_master *m)
{
	size_t n = bt_park_store(&m->dealer, m->conf, bt_systemd_store_max());

	if (n > 0)
		bt_log_info(NULL, 0, "%zu connections are parked", n);
}

int
bt_master_loop(struct bt_master *m)
{
	if (!bt_master_is_empty(m))
		event_base_dispatch(m->base);
	if (m->board != NULL) /* what guards still have is counted */
		bt_rescue_finish(&m->slots);
	if (m->parking)
		park(m);
	if (!m->cutting)
		m->cut = count_cut(&m->dealer) + count_crashed(m) -
		    m->slots.crashed_before;
	if (m->cut > 0)
		m->status = 1;
	bt_log_info(NULL, 0, "bye, exit status %d", m->status);
	bt_master_finish(m);
	return m->status;
}

int
bt_master_run(struct bt_conf *conf, const struct bt_hooks *hooks)
{
	struct bt_master m;

	bt_log_set_process("master");
	bt_master_init(&m, hooks);
	m.conf = conf;
	if (bt_master_start(&m) < 0) {
		m.status = 1;
		if (!bt_master_is_empty(&m))
			bt_master_stop(
			    &m); /* those that were started already */
	}
	return bt_master_loop(&m);
}
