/*
 * Reload: a new conf is taken whole or not at all.  What can fail is done first
 * and beside what runs: reading the conf, opening its logs and listeners,
 * starting its workers.  When all of these are ready it is in force: the dealer
 * deals to them alone, and the old workers hand back what they have, which is
 * dealt like anything else.  The verdict is given when no request begins under
 * the old conf any more.  Master, on the loop.
 */

#include "base/fd.h"
#include "base/log.h"
#include "master/takeover.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

/* An old worker that does not acknowledge holds up the verdict for so long. */
#define PATIENCE_MS 1000
/* A conf that cannot be read by then is refused. */
#define TRIAL_S 10
/* New workers that die before they are ready, and the reload has failed. */
#define DEATHS_MAX 3

static bool
is_new(const struct bt_master *m, const struct bt_slot *s)
{
	return s->state != BT_SLOT_EMPTY && s->generation == m->generation + 1;
}

static bool
is_old(const struct bt_master *m, const struct bt_slot *s)
{
	return s->state != BT_SLOT_EMPTY && s->generation < m->generation;
}

/* The first of the errors, without the folder that its file is in. */
static const char *
first_of(const struct bt_master *m, const struct bt_buf *errors)
{
	const char *slash = m->conf_file ? strrchr(m->conf_file, '/') : NULL;
	size_t folder = slash ? (size_t)(slash + 1 - m->conf_file) : 0;

	if (errors->len == 0)
		return "";
	return folder > 0 && strncmp(errors->data, m->conf_file, folder) == 0
	    ? errors->data + folder
	    : errors->data;
}

/* Says no; `errors` has whole lines. */
static void
refuse(struct bt_master *m, struct bt_buf *errors)
{
	const char *why = first_of(m, errors);

	bt_score_add(&m->board->master.reloads_failed, 1);
	bt_log_error(NULL, 0, "the conf is not taken; generation %u goes on",
	    m->generation);
	bt_events_add(&m->board->master.events, "the conf is not taken: %.*s",
	    (int)strcspn(why, "\n"), why);
	bt_log_lines(BT_LOG_ERROR, bt_buf_str(errors));
	bt_control_end_waiting(m->control, BT_WAIT_RELOAD, bt_buf_str(errors),
	    "error the conf is not taken; generation %u goes on",
	    m->generation);
	bt_buf_fini(errors);
}

/*
 * Opens the logs of the new conf, which its workers shall inherit.
 *
 * Returns: 0; -1 with what is wrong in `errors`.
 */
static int
open_logs(struct bt_master *m, struct bt_buf *errors)
{
	const struct bt_conf *conf = m->reload.conf;
	struct bt_log_files files;
	const char *path;
	int r;

	if ((r = bt_log_files_open(conf, &files, &path)) < 0) {
		bt_buf_printf(errors, "cannot open access_log %s: %s\n", path,
		    strerror(-r));
		return -1;
	}
	r = bt_log_open(conf->error_log, conf->error_log_level);
	if (r < 0) {
		bt_buf_printf(errors, "cannot open error_log %s: %s\n",
		    conf->error_log, strerror(-r));
		bt_log_files_close(&files);
		return -1;
	}
	m->reload.old_logs = m->slots.logs;
	m->reload.logs_opened = true;
	m->slots.logs = files;
	return 0;
}

/* Back to the logs of the conf that stays in force. */
static void
restore_logs(struct bt_master *m)
{
	struct bt_reload *r = &m->reload;

	if (!r->logs_opened)
		return;
	r->logs_opened = false;
	bt_log_files_close(&m->slots.logs);
	m->slots.logs = r->old_logs;
	r->old_logs = (struct bt_log_files){ 0 };
	if (bt_log_open(m->conf->error_log, m->conf->error_log_level) < 0)
		bt_log_error(NULL, 0, "cannot go back to error_log %s",
		    m->conf->error_log);
}

/* What was prepared and is not in force. */
static void
drop(struct bt_master *m)
{
	struct bt_reload *r = &m->reload;

	if (r->listeners.all != NULL)
		bt_listeners_abandon(&m->listeners, &r->listeners);
	restore_logs(m);
	bt_conf_free(r->conf);
	r->conf = NULL;
	/* forks are the old conf's again */
	m->slots.conf = m->conf;
	m->slots.generation = m->generation;
}

static bool
differs(const char *a, const char *b)
{
	return (a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0);
}

/* What only a restart changes is said. */
static void
warn_of_restart(const struct bt_master *m)
{
	const struct bt_conf *new = m->reload.conf;
	const char *control = m->control ? bt_control_path(m->control) : NULL;

	if (differs(m->pid_file, new->pid_file))
		bt_log_warn(NULL, 0, "pid_file changes at a restart only");
	if (m->takeover == NULL && differs(control, new->control))
		bt_log_warn(NULL, 0, "control changes at a restart only");
}

/* Starts `r->workers` of the new generation in slots that are empty. */
static int
start_workers(struct bt_master *m, struct bt_buf *errors)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->slots.n && n < m->reload.workers; i++) {
		struct bt_slot *s = &m->slots.all[i];
		int r;

		if (s->state != BT_SLOT_EMPTY)
			continue;
		if ((r = bt_slot_start(s)) < 0) {
			bt_buf_printf(errors, "cannot start a worker: %s\n",
			    strerror(-r));
			return -1;
		}
		n++;
	}
	if (n == m->reload.workers)
		return 0;
	bt_buf_puts(errors,
	    "too many workers of earlier generations are still leaving\n");
	return -1;
}

/* The new generation is not to be: its workers leave, they have nothing. */
static void
fail(struct bt_master *m, struct bt_buf *errors)
{
	if (m->takeover != NULL)
		bt_takeover_go_back(m, bt_buf_str(errors));
	for (unsigned i = 0; i < m->slots.n; i++)
		if (is_new(m, &m->slots.all[i]))
			bt_slot_kill(&m->slots.all[i]);
	drop(m);
	refuse(m, errors);
	bt_master_enter(m, BT_MASTER_RUNNING);
	bt_master_go_on(m);
}

int
bt_reload_read_conf(struct bt_master *m, const struct bt_buf *in_force,
    struct bt_conf **ret, struct bt_buf *errors)
{
	int r;

	*ret = NULL;
	if (m->conf_file != NULL) {
		r = bt_conf_read(m->conf_file, ret, errors);
	} else if (in_force != NULL) {
		r = bt_conf_parse(bt_buf_str(in_force), "-l -r", ret, errors);
		if (r == 0)
			(*ret)->file = NULL;
	} else {
		bt_buf_puts(errors,
		    "there is no conf file to read: baton runs "
		    "with -l and -r\n");
		r = -ENOENT;
	}
	if (r == 0 && (r = bt_master_check_user(*ret)) < 0)
		bt_buf_printf(errors, "there is no user %s\n", (*ret)->user);
	return r < 0 ? r : m->hooks->load(*ret, errors);
}

static int
prepare(struct bt_master *m, struct bt_buf *errors)
{
	struct bt_reload *r = &m->reload;

	if (bt_reload_read_conf(m, bt_takeover_conf(m), &r->conf, errors) < 0)
		return -1;
	if (open_logs(m, errors) < 0 ||
	    bt_listeners_prepare(
		&m->listeners, r->conf, &r->listeners, errors) < 0)
		return -1;
	r->workers = bt_master_count_workers(r->conf);
	return 0;
}

static void
begin(struct bt_master *m)
{
	struct bt_buf errors = { 0 };

	m->reload.deaths = 0;
	m->reload.committed = false;
	if (prepare(m, &errors) < 0) {
		fail(m, &errors);
		return;
	}
	warn_of_restart(m);
	m->slots.conf = m->reload.conf;
	m->slots.generation = m->generation + 1;
	if (start_workers(m, &errors) < 0)
		fail(m, &errors);
}

/* In a child: reads, and looks into applications, which may take its time. */
static void
try_conf(void *arg, struct bt_buf *wrong)
{
	struct bt_master *m = arg;
	struct bt_conf *conf = NULL;

	bt_conf_check_apps_by(m->hooks->check_apps);
	bt_conf_read(m->conf_file, &conf, wrong);
}

static void
on_tried(void *arg, struct bt_buf *wrong)
{
	struct bt_master *m = arg;
	struct bt_buf errors = *wrong;

	*wrong = (struct bt_buf){ 0 };
	if (errors.len > 0)
		fail(m, &errors);
	else
		begin(m);
}

/*
 * The conf is read twice: by a child, while the master goes on, and when that
 * has found nothing wrong here, where nothing is to be waited for any more.
 */
static void
try_first(struct bt_master *m)
{
	struct bt_trial *t = &m->reload.trial;

	t->on_over = on_tried;
	t->arg = m;
	if (m->conf_file == NULL ||
	    bt_trial_start(t, m->base, try_conf, TRIAL_S) < 0)
		begin(m);
}

void
bt_reload_take_over(struct bt_master *m)
{
	begin(m);
}

void
bt_reload_begin(struct bt_master *m)
{
	struct bt_buf errors = { 0 };

	switch (m->state) {
	case BT_MASTER_RUNNING:
		bt_master_enter(m, BT_MASTER_RELOADING);
		try_first(m);
		return;
	case BT_MASTER_RELOADING:
	case BT_MASTER_UPGRADING:
		m->reload.again = true;
		return;
	case BT_MASTER_STARTING:
	case BT_MASTER_DRAINING:
	case BT_MASTER_STOPPED:
		bt_buf_printf(
		    &errors, "baton is %s\n", bt_master_state_names[m->state]);
		refuse(m, &errors);
		return;
	}
}

static void
verdict(struct bt_master *m)
{
	if (m->reload.patience != NULL)
		evtimer_del(m->reload.patience);
	m->reload.committed = false;
	bt_score_add(&m->board->master.reloads, 1);
	bt_events_add(&m->board->master.events, "%s, generation %u",
	    m->reload.upgraded ? "upgraded to baton " BT_VERSION : "reloaded",
	    m->generation);
	bt_master_enter(m, BT_MASTER_RUNNING);
	bt_control_end_waiting(m->control, BT_WAIT_RELOAD, BT_STR_NONE,
	    "ok reloaded, generation %u", m->generation);
	if (m->reload.upgraded) {
		bt_log_info(NULL, 0, "upgraded to baton %s", BT_VERSION);
		bt_control_end_waiting(m->control, BT_WAIT_UPGRADE, BT_STR_NONE,
		    "ok upgraded to baton %s, generation %u", BT_VERSION,
		    m->generation);
	}
	m->reload.upgraded = false;
	bt_master_go_on(m);
}

static void
on_patience_ended(int fd, short what, void *arg)
{
	struct bt_master *m = arg;

	if (!m->reload.committed)
		return;
	bt_log_warn(NULL, 0, "an old worker does not answer");
	verdict(m);
}

/* All new workers are ready: from here on the new conf is in force. */
static void
commit(struct bt_master *m)
{
	const struct timeval patience = { PATIENCE_MS / 1000, 0 };
	struct bt_reload *r = &m->reload;
	struct bt_conf *old = m->conf;

	bt_limits_set(&m->limits, r->conf);
	if (m->takeover != NULL)
		bt_takeover_commit(m);
	m->conf = r->conf;
	r->conf = NULL;
	r->committed = true;
	m->generation++;
	m->board->master.generation = m->generation;
	m->workers = r->workers;
	m->dealer.generation = m->generation;
	m->dealer.slots_n = m->slots.used;
	m->dealer.dispatch = m->conf->dispatch;
	m->dealer.connections_max = bt_master_connections_max(m, m->conf);
	r->logs_opened = false;
	bt_log_files_close(&r->old_logs);
	bt_listeners_commit(&m->listeners, &r->listeners);
	bt_master_deal_held(m);
	for (unsigned i = 0; i < m->slots.n; i++)
		if (is_old(m, &m->slots.all[i]))
			bt_slot_retire(&m->slots.all[i]);
	bt_conf_free(old);
	if (r->patience == NULL)
		r->patience = evtimer_new(m->base, on_patience_ended, m);
	evtimer_add(r->patience, &patience);
	bt_reload_on_retreat(m);
}

void
bt_reload_on_ready(struct bt_master *m)
{
	unsigned ready = 0;

	if (m->reload.conf == NULL)
		return;
	for (unsigned i = 0; i < m->slots.n; i++)
		ready += m->slots.all[i].state == BT_SLOT_READY &&
		    is_new(m, &m->slots.all[i]);
	if (ready >= m->reload.workers)
		commit(m);
}

void
bt_reload_on_death(struct bt_master *m, const struct bt_slot *s)
{
	struct bt_buf errors = { 0 };

	if (m->reload.conf == NULL || !is_new(m, s) ||
	    ++m->reload.deaths < DEATHS_MAX)
		return;
	bt_buf_puts(&errors, "its workers die before they are ready\n");
	fail(m, &errors);
}

void
bt_reload_on_retreat(struct bt_master *m)
{
	if (!m->reload.committed)
		return;
	for (unsigned i = 0; i < m->slots.n; i++)
		if (is_old(m, &m->slots.all[i]) && m->slots.all[i].still_begins)
			return;
	verdict(m);
}

void
bt_reload_abandon(struct bt_master *m)
{
	bt_control_move_waiting(
	    m->control, BT_WAIT_NEXT_RELOAD, BT_WAIT_RELOAD);
	bt_control_end_waiting(m->control, BT_WAIT_RELOAD, BT_STR_NONE,
	    "error baton was told to stop meanwhile");
	bt_trial_stop(&m->reload.trial);
	m->reload.again = false;
	m->reload.committed = false;
	if (m->reload.conf != NULL)
		drop(m);
}
