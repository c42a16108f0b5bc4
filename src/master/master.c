/*
 * The main place: puts listeners, dealer, slots, control socket and signals
 * together, and decides when to start and to stop.  Signals come through a
 * signalfd: they are blocked, not handled, so that a forked child has nothing
 * to undo that could reach the parent (libevent's handlers write to a pipe
 * which parent and child would share).  Master.
 */

#include "master/master.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "master/control.h"
#include "master/dealer.h"
#include "master/listener.h"
#include "master/pidfile.h"
#include "master/report.h"
#include "master/slot.h"
#include "master/systemd.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SLOTS_LEAST 32
#define START_DEATHS_MAX 3
/* Descriptors of a worker that are not connections: logs, files, its loop. */
#define WORKER_DESCRIPTORS 32

enum state { STARTING, RUNNING, DRAINING, STOPPED };

static const char *const state_names[] = {
	[STARTING] = "starting",
	[RUNNING] = "running",
	[DRAINING] = "draining",
	[STOPPED] = "stopped",
};

struct master {
	enum state state;
	struct bt_conf *conf;
	uint32_t generation; /* of the conf */
	struct event_base *base;
	struct bt_scoreboard *board;
	struct bt_slots slots;
	struct bt_dealer dealer;
	struct bt_listeners listeners;
	struct bt_control *control;
	int signal_fd;
	struct event *signalled;
	struct event *patience; /* DRAINING: drain_timeout */
	struct event *watchdog; /* systemd's */
	unsigned workers;
	unsigned long descriptors; /* that a process of ours may have */
	unsigned start_deaths;     /* of workers, while STARTING */
	bool cutting;              /* nobody is waited for any more */
	uint64_t cut;              /* connections that we ended */
	bool pid_file_written;
	int status; /* our exit status */
};

/* --- states --- */

static void
master_enter(struct master *m, enum state state)
{
	bt_log_info(
	    NULL, 0, "%s, was %s", state_names[state], state_names[m->state]);
	m->state = state;
	switch (state) {
	case STARTING:
		break;
	case RUNNING:
		bt_systemd_notify("READY=1\nMAINPID=%d\nSTATUS=running, "
				  "%u workers, generation %u",
		    (int)getpid(), m->workers, m->generation);
		break;
	case DRAINING:
		bt_systemd_notify("STOPPING=1\nSTATUS=draining, %ju "
				  "connections",
		    (uintmax_t)bt_report_connections(m->board));
		break;
	case STOPPED:
		event_base_loopbreak(m->base);
		break;
	}
}

static bool
all_ready(const struct master *m)
{
	for (unsigned i = 0; i < m->workers; i++)
		if (m->slots.all[i].state != BT_SLOT_READY)
			return false;
	return true;
}

static bool
all_empty(const struct master *m)
{
	for (unsigned i = 0; i < m->slots.n; i++)
		if (m->slots.all[i].state != BT_SLOT_EMPTY)
			return false;
	return true;
}

/* Deals what is held, and accepts again when that was all. */
static void
deal_held(struct master *m)
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
serve_held(struct master *m, struct bt_slot *s)
{
	int r = bt_slot_start(s);

	if (r < 0)
		bt_log_error(NULL, r, "worker %u cannot be started", s->index);
}

static void
stop_if_done(struct master *m)
{
	if (m->state == DRAINING && all_empty(m))
		master_enter(m, STOPPED);
}

/* Ends the workers now; what they had open, or in their channels, is cut. */
static void
cut_all(struct master *m)
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

static void
on_patience_ended(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;

	bt_log_warn(NULL, 0, "drain_timeout (%jd ms) is over",
	    (intmax_t)m->conf->drain_timeout_ms);
	cut_all(m);
	stop_if_done(m);
}

static void
begin_drain(struct master *m)
{
	struct timeval tv = { .tv_sec = m->conf->drain_timeout_ms / 1000,
		.tv_usec = m->conf->drain_timeout_ms % 1000 * 1000 };

	if (m->state >= DRAINING)
		return;
	/* who is in a backlog was promised an answer by the kernel's SYN-ACK */
	bt_listeners_empty(&m->listeners);
	bt_listeners_close(&m->listeners);
	master_enter(m, DRAINING);
	event_add(m->patience, &tv);
	for (unsigned i = 0; i < m->slots.n; i++)
		bt_slot_drain(&m->slots.all[i]);
	stop_if_done(m);
}

/* At once: nobody is waited for. */
static void
stop_now(struct master *m)
{
	begin_drain(m);
	cut_all(m);
	stop_if_done(m);
}

/* --- news of the slots --- */

/* Nothing more can be expected of workers that die before they work. */
static void
on_start_death(struct master *m)
{
	if (++m->start_deaths < START_DEATHS_MAX)
		return;
	bt_log_error(NULL, 0, "workers die before they are ready; giving up");
	m->status = 1;
	stop_now(m);
}

static void
on_ready(struct master *m, struct bt_slot *s)
{
	/* the dealer's search need not pass what was never used */
	m->dealer.slots_n = m->slots.used;
	if (m->state == STARTING && all_ready(m)) {
		master_enter(m, RUNNING);
		bt_listeners_resume(&m->listeners, BT_PAUSE_START);
	}
	deal_held(m);
	if (m->state == DRAINING)
		bt_slot_drain(s); /* it was started for what was held */
}

static void
on_news(void *arg, struct bt_slot *s, enum bt_slot_news news)
{
	struct master *m = arg;

	switch (news) {
	case BT_SLOT_IS_READY:
		on_ready(m, s);
		break;
	case BT_SLOT_HAS_ROOM:
		deal_held(m);
		break;
	case BT_SLOT_DIED:
		if (m->state == STARTING)
			on_start_death(m);
		else
			deal_held(m); /* others may have been asked for room */
		break;
	case BT_SLOT_LEFT:
		if (m->dealer.pending_n > 0 && !m->cutting)
			serve_held(m, s);
		stop_if_done(m);
		break;
	}
}

/* --- logs --- */

static int
open_access_log(const struct bt_conf *conf)
{
	int fd;

	if (conf->access_log == NULL)
		return -1;
	fd = open(
	    conf->access_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	return fd == -1 ? -errno : fd;
}

/*
 * Opens the logs again, after logrotate, and passes them on.
 *
 * Returns: 0; negative errno, logged, with the file in `*ret_path`, and the old
 *          ones go on.
 */
static int
reopen_logs(struct master *m, const char **ret_path)
{
	int r, fd = open_access_log(m->conf);

	if (m->conf->access_log != NULL && fd < 0) {
		*ret_path = m->conf->access_log;
		bt_log_error(NULL, fd, "cannot open access_log %s", *ret_path);
		return fd;
	}
	if ((r = bt_log_reopen()) < 0) {
		*ret_path = m->conf->error_log;
		bt_log_error(NULL, r, "cannot open error_log %s", *ret_path);
		bt_fd_close(&fd);
		return r;
	}
	bt_fd_close(&m->slots.access_log_fd);
	m->slots.access_log_fd = fd;
	for (unsigned i = 0; i < m->slots.n; i++)
		bt_slot_send_logs(&m->slots.all[i]);
	bt_log_info(NULL, 0, "logs reopened");
	return 0;
}

/* --- control socket --- */

static void
on_status(void *arg, struct bt_control_client *c)
{
	struct master *m = arg;

	bt_report_append(bt_control_lines(c), &m->slots, state_names[m->state]);
	bt_control_end(c, "ok");
}

static void
on_quit(void *arg, struct bt_control_client *c)
{
	bt_log_info(NULL, 0, "asked to quit");
	bt_control_wait(c);
	begin_drain(arg);
}

static void
on_stop(void *arg, struct bt_control_client *c)
{
	bt_log_info(NULL, 0, "asked to stop at once");
	bt_control_wait(c);
	stop_now(arg);
}

static void
on_reopen(void *arg, struct bt_control_client *c)
{
	const char *path;
	int r = reopen_logs(arg, &path);

	if (r < 0)
		bt_control_end(
		    c, "error %s cannot be reopened: %s", path, strerror(-r));
	else
		bt_control_end(c, "ok logs reopened");
}

static void
on_reload(void *arg, struct bt_control_client *c)
{
	bt_control_end(c, "error reload is not built yet");
}

static void
on_upgrade(void *arg, struct bt_control_client *c)
{
	bt_control_end(c, "error upgrade is not built yet");
}

static const struct bt_control_verb verbs[] = {
	{ "status", on_status },
	{ "quit", on_quit },
	{ "stop", on_stop },
	{ "reopen", on_reopen },
	{ "reload", on_reload },
	{ "upgrade", on_upgrade },
	{ NULL, NULL },
};

/* --- signals --- */

static void
on_terminate(struct master *m)
{
	if (m->state >= DRAINING)
		stop_now(m);
	else
		begin_drain(m);
}

static void
on_children(struct master *m)
{
	bt_slots_reap(&m->slots);
}

static void
on_usr1(struct master *m)
{
	const char *path;

	reopen_logs(m, &path);
}

static void
on_hup(struct master *m)
{
	bt_log_warn(NULL, 0, "reload is not built yet; going on as before");
}

static void
on_usr2(struct master *m)
{
	bt_log_warn(NULL, 0, "upgrade is not built yet; going on as before");
}

static const struct {
	int number;
	void (*run)(struct master *);
} signals[] = {
	{ SIGTERM, on_terminate },
	{ SIGINT, on_terminate },
	{ SIGQUIT, begin_drain },
	{ SIGCHLD, on_children },
	{ SIGUSR1, on_usr1 },
	{ SIGHUP, on_hup },
	{ SIGUSR2, on_usr2 },
};
#define SIGNALS_N (sizeof(signals) / sizeof(signals[0]))

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;
	struct signalfd_siginfo info;

	while (m->state != STOPPED && read(fd, &info, sizeof(info)) > 0) {
		if (info.ssi_signo != SIGCHLD)
			bt_log_info(NULL, 0, "SIG%s from pid %d",
			    sigabbrev_np((int)info.ssi_signo),
			    (int)info.ssi_pid);
		for (size_t i = 0; i < SIGNALS_N; i++)
			if (signals[i].number == (int)info.ssi_signo)
				signals[i].run(m);
	}
}

/* A signal that is blocked waits for us, even where we inherited SIG_IGN. */
static int
watch_signals(struct master *m)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS_N; i++)
		sigaddset(&set, signals[i].number);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* SIG_IGN would reap behind our back */
	sigprocmask(SIG_SETMASK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd == -1)
		return -errno;
	m->signalled = event_new(
	    m->base, m->signal_fd, EV_READ | EV_PERSIST, on_signal, m);
	/* before connections, when both are there */
	event_priority_set(m->signalled, 0);
	event_add(m->signalled, NULL);
	return 0;
}

/* --- starting --- */

static unsigned
count_cpus(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN); /* more than a cpu_set_t has */
	return n > 0 ? (unsigned)n : 1;
}

static int
check_user(const struct bt_conf *conf)
{
	if (conf->user == NULL || geteuid() != 0)
		return 0;
	errno = 0;
	if (getpwnam(conf->user) != NULL)
		return 0;
	bt_log_error(NULL, errno, "there is no user %s", conf->user);
	return -ENOENT;
}

static int
open_logs(struct master *m)
{
	const struct bt_conf *conf = m->conf;
	int r;

	if ((r = bt_log_open(conf->error_log, conf->error_log_level)) < 0) {
		bt_log_error(
		    NULL, r, "cannot open error_log %s", conf->error_log);
		return r;
	}
	m->slots.access_log_fd = r = open_access_log(conf);
	if (conf->access_log == NULL || r >= 0)
		return 0;
	m->slots.access_log_fd = -1;
	bt_log_error(NULL, r, "cannot open access_log %s", conf->access_log);
	return r;
}

static int
open_control(struct master *m)
{
	const char *path = m->conf->control;
	int r;

	if (path == NULL)
		return 0;
	r = bt_control_new(m->base, path, verbs, m, &m->control);
	if (r == -EADDRINUSE)
		bt_log_error(NULL, 0,
		    "another master runs: it answers at the "
		    "control socket %s",
		    path);
	else if (r < 0)
		bt_log_error(
		    NULL, r, "cannot make the control socket %s", path);
	return r;
}

static int
open_listeners(struct master *m)
{
	int *inherited, r;
	size_t n = bt_systemd_take_listeners(&inherited);

	m->listeners.base = m->base;
	m->listeners.dealer = &m->dealer;
	m->listeners.score = &m->board->master;
	r = bt_listeners_open(&m->listeners, m->conf, inherited, n);
	for (size_t i = 0; i < n; i++) {
		if (inherited[i] != -1)
			bt_log_warn(NULL, 0,
			    "inherited descriptor %d is at no "
			    "address that the conf names; closed",
			    inherited[i]);
		bt_fd_close(&inherited[i]);
	}
	free(inherited);
	return r;
}

static void
on_blocked(struct bt_slot *s, int err)
{
	bt_slot_block(s, err);
}

/*
 * What a slot may have: worker_connections, or what its worker has descriptors
 * for.  A descriptor that is sent to a process which cannot have another one is
 * lost, and with it the connection: so the bound holds here, before the deal.
 */
static unsigned
connections_max(const struct master *m)
{
	unsigned long limit = m->descriptors;
	unsigned long kept = limit / 8 + WORKER_DESCRIPTORS;
	unsigned long most = limit > kept ? limit - kept : 1;

	if (m->conf->worker_connections <= most)
		return m->conf->worker_connections;
	bt_log_warn(NULL, 0,
	    "worker_connections is %u, but with a limit of "
	    "%lu descriptors a worker gets %lu at most",
	    m->conf->worker_connections, limit, most);
	return (unsigned)most;
}

static void
make_slots_and_dealer(struct master *m)
{
	m->slots.base = m->base;
	m->slots.board = m->board;
	m->slots.on_news = on_news;
	m->slots.arg = m;
	m->slots.conf = m->conf;
	m->slots.generation = m->generation;
	bt_slots_init(&m->slots);
	m->dealer.slots = m->slots.all;
	m->dealer.slots_n = 0; /* see on_ready() */
	m->dealer.dispatch = m->conf->dispatch;
	m->dealer.connections_max = connections_max(m);
	m->dealer.score = &m->board->master;
	m->dealer.on_blocked = on_blocked;
	bt_dealer_init(&m->dealer);
}

static int
make_board(struct master *m)
{
	unsigned n;
	int r;

	m->workers = m->conf->workers ? m->conf->workers : count_cpus();
	if (m->workers > BT_CONF_WORKERS_MAX)
		m->workers = BT_CONF_WORKERS_MAX;
	/* two generations at a time, and room to grow */
	n = 2 * (m->workers > SLOTS_LEAST ? m->workers : SLOTS_LEAST);
	if ((r = bt_scoreboard_new(n, &m->board)) < 0) {
		bt_log_error(NULL, r, "cannot make the scoreboard");
		return r;
	}
	m->generation = 1;
	m->board->master.generation = m->generation;
	m->board->master.started_s = bt_clock_wall_s();
	return 0;
}

static int
write_pid_file(struct master *m)
{
	const char *path = m->conf->pid_file;
	int r;

	if (path == NULL)
		return 0;
	if ((r = bt_pidfile_write(path)) < 0) {
		bt_log_error(NULL, r, "cannot write pid_file %s", path);
		return r;
	}
	m->pid_file_written = true;
	return 0;
}

static int
start_workers(struct master *m)
{
	int r;

	for (unsigned i = 0; i < m->workers; i++) {
		if ((r = bt_slot_start(&m->slots.all[i])) < 0) {
			bt_log_error(NULL, r, "cannot start worker %u", i);
			return r;
		}
	}
	return 0;
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	bt_systemd_notify("WATCHDOG=1");
}

static void
start_timers(struct master *m)
{
	int64_t ms = bt_systemd_watchdog_ms();
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	m->patience = evtimer_new(m->base, on_patience_ended, m);
	m->watchdog = event_new(m->base, -1, EV_PERSIST, on_watchdog, m);
	if (ms > 0)
		event_add(m->watchdog, &tv);
}

/* The loop never needs a lock, and epoll's registrations seldom change. */
static int
make_base(struct master *m)
{
	struct event_config *config = event_config_new();

	if (config != NULL) {
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		m->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (m->base == NULL) {
		bt_log_error(NULL, 0, "cannot make an event loop");
		return -ENOMEM;
	}
	return event_base_priority_init(m->base, 2) == 0 ? 0 : -EINVAL;
}

static int
start(struct master *m)
{
	int r;

	m->descriptors = bt_fd_raise_limit();
	/* so that a gather of 200 us does not become one of 250 */
	prctl(PR_SET_TIMERSLACK, 1);
	if ((r = open_logs(m)) < 0 || (r = check_user(m->conf)) < 0 ||
	    (r = make_base(m)) < 0 || (r = make_board(m)) < 0)
		return r;
	make_slots_and_dealer(m);
	if ((r = watch_signals(m)) < 0 || (r = open_control(m)) < 0 ||
	    (r = open_listeners(m)) < 0 || (r = write_pid_file(m)) < 0)
		return r;
	start_timers(m);
	return start_workers(m);
}

static void
free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

static void
finish(struct master *m)
{
	if (m->pid_file_written)
		bt_pidfile_remove(m->conf->pid_file);
	bt_listeners_close(&m->listeners);
	if (m->board != NULL)
		bt_dealer_fini(&m->dealer);
	/* who hears that it has stopped may start another one */
	bt_control_close(m->control);
	if (m->cut > 0)
		bt_control_end_waiting(m->control,
		    "ok stopped; %ju connections were cut", (uintmax_t)m->cut);
	else
		bt_control_end_waiting(m->control, "ok stopped");
	bt_control_free(m->control);
	bt_slots_fini(&m->slots);
	free_event(m->signalled);
	free_event(m->patience);
	free_event(m->watchdog);
	if (m->base != NULL)
		event_base_free(m->base);
	bt_fd_close(&m->signal_fd);
	bt_fd_close(&m->slots.access_log_fd);
	bt_scoreboard_free(m->board);
	bt_conf_free(m->conf);
}

int
bt_master_run(struct bt_conf *conf, bt_worker_run_fn *run)
{
	struct master m = { .conf = conf,
		.signal_fd = -1,
		.slots = { .run = run, .access_log_fd = -1 } };

	bt_log_set_process("master");
	if (start(&m) < 0) {
		m.status = 1;
		if (!all_empty(&m))
			stop_now(&m); /* those that were started already */
	}
	if (!all_empty(&m))
		event_base_dispatch(m.base);
	if (!m.cutting)
		m.cut = m.dealer.pending_n; /* nobody could be started */
	if (m.cut > 0)
		m.status = 1;
	bt_log_info(NULL, 0, "bye, exit status %d", m.status);
	finish(&m);
	return m.status;
}
