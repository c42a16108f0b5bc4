/*
 * What is there before the master's loop runs, and giving it back.  Master.
 */

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stack.h"
#include "master/park.h"
#include "master/pidfile.h"
#include "master/state.h"
#include "master/systemd.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors of a worker that are not connections: logs, files, its loop. */
#define WORKER_DESCRIPTORS 32
/* Client addresses whose rate of requests is known, 16 bytes each. */
#define REQUEST_BUCKETS (1u << 16)

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

unsigned
bt_master_count_workers(const struct bt_conf *conf)
{
	unsigned n = conf->workers ? conf->workers : count_cpus();

	return n < BT_CONF_WORKERS_MAX ? n : BT_CONF_WORKERS_MAX;
}

/* One line, where somebody could think that it is obeyed. */
static void
say_ignored_user(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL || pw->pw_uid != geteuid())
		bt_log_info(NULL, 0,
		    "user %s is ignored: baton was not started by root, and "
		    "its workers stay who it is",
		    user);
}

int
bt_master_check_user(const struct bt_conf *conf)
{
	if (conf->user == NULL || geteuid() != 0)
		return 0;
	errno = 0;
	if (getpwnam(conf->user) != NULL)
		return 0;
	bt_log_error(NULL, errno, "there is no user %s", conf->user);
	return -ENOENT;
}

/*
 * A folder of its own in /run, where no service manager made it: /run is empty
 * after a boot.  Just the last one; what fails is said by who needs it.
 */
static void
make_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path ||
	    (size_t)(slash - path) >= sizeof(folder))
		return;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	mkdir(folder, 0755);
}

static int
open_control(struct bt_master *m)
{
	const char *path = m->conf->control;
	int r;

	if (path == NULL)
		return 0;
	make_folder_of(path);
	r = bt_control_new(m->base, path, bt_master_verbs, m, &m->control);
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

/* The service manager goes on to listen there, and its clients would wait. */
static void
say_unwanted(int fd)
{
	struct bt_addr bound = { .len = sizeof(bound.ss) };
	char text[BT_ADDR_TEXT_MAX] = "?";

	if (getsockname(fd, (void *)&bound.ss, &bound.len) == 0)
		bt_addr_format(&bound, text);
	bt_log_warn(NULL, 0,
	    "inherited descriptor %d is at %s, which no `listen` names; closed",
	    fd, text);
}

static int
open_listeners(struct bt_master *m)
{
	struct bt_systemd_fd *given;
	size_t n = bt_systemd_take_fds(&given);
	int *inherited = bt_mem_zero(n + 1, sizeof(*inherited)), r;

	m->listeners.base = m->base;
	m->listeners.dealer = &m->dealer;
	m->listeners.score = &m->board->master;
	for (size_t i = 0; i < n; i++)
		inherited[i] = given[i].fd;
	r = bt_listeners_open(&m->listeners, m->conf, inherited, n);
	for (size_t i = 0; i < n; i++)
		given[i].fd = inherited[i];
	if (r == 0)
		bt_park_take_up(&m->listeners, m->conf, given, n);
	for (size_t i = 0; i < n; i++) {
		if (given[i].fd != -1)
			say_unwanted(given[i].fd);
		bt_fd_close(&given[i].fd);
	}
	free(inherited);
	free(given);
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
unsigned
bt_master_connections_max(const struct bt_master *m, const struct bt_conf *conf)
{
	unsigned long limit = m->descriptors;
	unsigned long kept = limit / 8 + WORKER_DESCRIPTORS;
	unsigned long most = limit > kept ? limit - kept : 1;

	if (conf->worker_connections <= most)
		return conf->worker_connections;
	bt_log_warn(NULL, 0,
	    "worker_connections is %u, but with a limit of "
	    "%lu descriptors a worker gets %lu at most",
	    conf->worker_connections, limit, most);
	return (unsigned)most;
}

void
bt_master_make_slots(struct bt_master *m)
{
	m->slots.base = m->base;
	m->slots.board = m->board;
	m->slots.on_news = bt_master_on_news;
	m->slots.on_back = bt_master_on_back;
	m->slots.arg = m;
	m->slots.conf = m->conf;
	m->slots.generation = m->generation;
	bt_slots_init(&m->slots);
	m->dealer.slots = m->slots.all;
	m->dealer.slots_n = 0; /* see on_ready() */
	m->dealer.generation = m->generation;
	if (m->conf != NULL) { /* else a reload does it */
		m->dealer.dispatch = m->conf->dispatch;
		m->dealer.connections_max =
		    bt_master_connections_max(m, m->conf);
	}
	m->dealer.score = &m->board->master;
	m->dealer.on_blocked = on_blocked;
	bt_dealer_init(&m->dealer);
}

static int
make_board(struct bt_master *m)
{
	int r;

	m->workers = bt_master_count_workers(m->conf);
	/* two generations at a time, of any number that a reload may want */
	if ((r = bt_scoreboard_new(2 * BT_CONF_WORKERS_MAX, &m->board)) < 0) {
		bt_log_error(NULL, r, "cannot make the scoreboard");
		return r;
	}
	m->generation = 1;
	m->board->master.generation = m->generation;
	m->board->master.started_s = bt_clock_wall_s();
	return 0;
}

/* There before the first fork, on or off: a reload may turn them on. */
int
bt_master_make_limits(struct bt_master *m)
{
	int r;

	m->limits.score = &m->board->master;
	if ((r = bt_limits_init(&m->limits)) < 0 ||
	    (r = bt_rates_new(REQUEST_BUCKETS, &m->rates)) < 0) {
		bt_log_error(NULL, r, "cannot make the tables of limits");
		return r;
	}
	if (m->conf != NULL)
		bt_limits_set(&m->limits, m->conf);
	m->dealer.limits = &m->limits;
	m->listeners.limits = &m->limits;
	m->slots.seats = m->limits.shared;
	m->slots.rates = m->rates;
	return 0;
}

static int
write_pid_file(struct bt_master *m)
{
	const char *path = m->conf->pid_file;
	int r;

	if (path == NULL)
		return 0;
	make_folder_of(path);
	if ((r = bt_pidfile_write(path)) < 0) {
		bt_log_error(NULL, r, "cannot write pid_file %s", path);
		return r;
	}
	m->pid_file = bt_mem_strdup(path);
	return 0;
}

static int
start_workers(struct bt_master *m)
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

void
bt_master_start_timers(struct bt_master *m)
{
	int64_t ms = bt_systemd_watchdog_ms();
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	m->patience = evtimer_new(m->base, bt_master_on_patience_ended, m);
	m->watchdog = event_new(m->base, -1, EV_PERSIST, on_watchdog, m);
	if (ms > 0)
		event_add(m->watchdog, &tv);
	bt_stack_prepare();
	if (bt_watch_start(&m->watch, &m->slots) < 0)
		bt_log_error(NULL, 0, "cannot watch the workers");
}

/* Limits, and a loop which never needs a lock, and epoll's registrations seldom
 * change. */
int
bt_master_make_loop(struct bt_master *m)
{
	struct event_config *config = event_config_new();

	m->descriptors = bt_fd_raise_limit();
	/* so that a gather of 200 us does not become one of 250 */
	prctl(PR_SET_TIMERSLACK, 1);
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
load(struct bt_master *m)
{
	struct bt_buf errors = { 0 };
	int r = m->hooks->load(m->conf, &errors);

	bt_log_lines(BT_LOG_ERROR, bt_buf_str(&errors));
	bt_buf_fini(&errors);
	return r;
}

int
bt_master_start(struct bt_master *m)
{
	int r;

	m->exe = bt_upgrade_find_program();
	if (m->conf->file != NULL)
		m->conf_file = bt_mem_strdup(m->conf->file);
	if ((r = bt_master_open_logs(m)) < 0)
		return r;
	if (m->conf->user != NULL && geteuid() != 0)
		say_ignored_user(m->conf->user);
	if ((r = bt_master_check_user(m->conf)) < 0 || (r = load(m)) < 0 ||
	    (r = bt_master_make_loop(m)) < 0 || (r = make_board(m)) < 0 ||
	    (r = bt_master_make_limits(m)) < 0)
		return r;
	bt_master_make_slots(m);
	if ((r = bt_master_watch_signals(m, false)) < 0 ||
	    (r = open_control(m)) < 0 || (r = open_listeners(m)) < 0 ||
	    (r = write_pid_file(m)) < 0)
		return r;
	bt_master_start_timers(m);
	return start_workers(m);
}

static void
free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

void
bt_master_finish(struct bt_master *m)
{
	if (m->pid_file != NULL)
		bt_pidfile_remove(m->pid_file);
	free(m->pid_file);
	free(m->conf_file);
	free(m->exe);
	bt_listeners_close(&m->listeners);
	if (m->board != NULL)
		bt_dealer_fini(&m->dealer);
	/* who hears that it has stopped may start another one */
	bt_control_close(m->control);
	if (m->cut > 0)
		bt_control_end_waiting(m->control, BT_WAIT_STOP, BT_STR_NONE,
		    "ok stopped; %ju connections were cut", (uintmax_t)m->cut);
	else
		bt_control_end_waiting(
		    m->control, BT_WAIT_STOP, BT_STR_NONE, "ok stopped");
	bt_control_free(m->control);
	bt_watch_stop(&m->watch);
	bt_slots_fini(&m->slots);
	free_event(m->signalled);
	free_event(m->patience);
	free_event(m->watchdog);
	free_event(m->reload.patience);
	free_event(m->balance.timer);
	free_event(m->recycle.timer);
	if (m->base != NULL)
		event_base_free(m->base);
	bt_fd_close(&m->signal_fd);
	bt_log_files_close(&m->slots.logs);
	bt_limits_fini(&m->limits);
	bt_rates_free(m->rates);
	bt_scoreboard_free(m->board);
	bt_conf_free(m->conf);
	bt_log_finish();
}
