/*
 * Takeover: this program was executed by another master in its own process, and
 * its workers, listeners and counters are ours if we are ready in time.  Until
 * then nothing of it is touched: nothing is read from a channel, accepted or
 * reaped, so that the other program can be put back as if nothing had been,
 * whether we fail, hang or crash.  From the moment when our own workers are
 * ready it is a reload.  Master.
 */

#include "master/takeover.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/crossing.h"
#include "master/rescue.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The other program is put back when we are not ready by then. */
#define PATIENCE_S 30
#define REHEARSAL_MS 10000
#define REHEARSAL_STEP_MS 10
#define ARGUMENTS_MAX 64

enum mode { MODE_NONE, MODE_REHEARSE, MODE_FORTH, MODE_BACK, MODES };

static const char *const mode_names[MODES] = {
	[MODE_NONE] = "none",
	[MODE_REHEARSE] = "rehearse",
	[MODE_FORTH] = "forth",
	[MODE_BACK] = "back",
};

/* What the variable says; `ended_by` is the signal that ended the other. */
struct order {
	enum mode mode;
	int crossing_fd, exe_fd, ended_by;
};

struct bt_takeover {
	struct bt_crossing crossing;
	struct order order;
};

/* --- execution --- */

/* Arguments and environment for execve(2), all of it allocated once. */
struct call {
	char *argv[ARGUMENTS_MAX + 1];
	char **envp;
	char order[96];
};

static void
format_order(char *out, size_t size, const struct order *o)
{
	snprintf(out, size, "%s=%s %d %d %2d", BT_TAKEOVER_VARIABLE,
	    mode_names[o->mode], o->crossing_fd, o->exe_fd, o->ended_by);
}

/* Our own arguments, so that we look the same afterwards. */
static int
fill_arguments(struct call *c)
{
	static char text[16 * 1024];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC), n = 0;
	ssize_t len = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

	bt_fd_close(&fd);
	if (len <= 0)
		return -EINVAL;
	text[len] = '\0';
	for (char *at = text; at < text + len && n < ARGUMENTS_MAX;
	     at += strlen(at) + 1)
		c->argv[n++] = at;
	c->argv[n] = NULL;
	return 0;
}

static int
call_init(struct call *c, const struct order *o)
{
	static const char name[] = BT_TAKEOVER_VARIABLE "=";
	size_t n = 0, kept = 0;
	int r;

	if ((r = fill_arguments(c)) < 0)
		return r;
	while (environ[n] != NULL)
		n++;
	c->envp = bt_mem_zero(n + 2, sizeof(*c->envp));
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], name, sizeof(name) - 1) != 0)
			c->envp[kept++] = environ[i];
	format_order(c->order, sizeof(c->order), o);
	c->envp[kept] = c->order;
	return 0;
}

int
bt_takeover_exec(const char *exe, int crossing_fd, int exe_fd)
{
	struct order o = { MODE_FORTH, crossing_fd, exe_fd, 0 };
	static struct call c;
	int r;

	if ((r = call_init(&c, &o)) < 0)
		return r;
	bt_fd_set_cloexec(crossing_fd, 0);
	bt_fd_set_cloexec(exe_fd, 0);
	bt_log_finish();
	alarm(PATIENCE_S); /* it goes on in the other program */
	execve(exe, c.argv, c.envp);
	r = -errno;
	alarm(0);
	bt_fd_set_cloexec(crossing_fd, 1);
	bt_fd_set_cloexec(exe_fd, 1);
	free(c.envp);
	return r;
}

void
bt_takeover_rehearse(const char *exe, int crossing_fd)
{
	struct order o = { MODE_REHEARSE, crossing_fd, -1, 0 };
	static struct call c;
	sigset_t none;

	if (call_init(&c, &o) < 0)
		return;
	bt_fd_set_cloexec(crossing_fd, 0);
	unsetenv("NOTIFY_SOCKET");
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(exe, c.argv, c.envp);
}

static enum mode
mode_named(const char *name)
{
	for (unsigned i = MODE_NONE + 1; i < MODES; i++)
		if (strcmp(mode_names[i], name) == 0)
			return (enum mode)i;
	return MODE_NONE;
}

static bool
read_order(struct order *o)
{
	const char *text = getenv(BT_TAKEOVER_VARIABLE);
	char mode[16];

	if (text == NULL ||
	    sscanf(text, "%15s %d %d %d", mode, &o->crossing_fd, &o->exe_fd,
		&o->ended_by) != 4)
		return false;
	o->mode = mode_named(mode);
	unsetenv(BT_TAKEOVER_VARIABLE);
	return o->mode != MODE_NONE;
}

/* --- the way back --- */

/* Ready beforehand: a crash handler may not allocate. */
static struct {
	pid_t pid;
	int exe_fd;
	struct call call;
} guard;

/* The other program again; `ended_by` is a signal, or 0. */
__attribute__((noreturn)) static void
go_back(int ended_by)
{
	size_t n = strlen(guard.call.order);

	guard.call.order[n - 2] = (char)('0' + ended_by / 10);
	guard.call.order[n - 1] = (char)('0' + ended_by % 10);
	alarm(0);
	syscall(SYS_execveat, guard.exe_fd, "", guard.call.argv,
	    guard.call.envp, AT_EMPTY_PATH);
	_exit(1);
}

static void
on_fatal(int number)
{
	if (getpid() == guard.pid)
		go_back(number);
	/* a worker, forked meanwhile */
	signal(number, SIG_DFL);
	raise(number);
}

/* A sanitizer, which wants them for itself, is not among those who run us. */
static const int fatal[] = { SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGILL,
	SIGFPE };

static void
handle_fatal(void (*handler)(int))
{
	struct sigaction act = { .sa_handler = handler,
		.sa_flags = SA_NODEFER };

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &act, NULL);
}

static void
guard_start(const struct order *o)
{
	struct order back = { MODE_BACK, o->crossing_fd, o->exe_fd, 0 };

	guard.pid = getpid();
	guard.exe_fd = o->exe_fd;
	call_init(&guard.call, &back);
	handle_fatal(on_fatal);
}

static void
guard_stop(void)
{
	alarm(0);
	handle_fatal(SIG_DFL);
	guard.pid = 0;
	free(guard.call.envp);
}

void
bt_takeover_go_back(struct bt_master *m, struct bt_str why)
{
	struct bt_takeover *t = m->takeover;

	bt_log_lines(BT_LOG_ERROR, why);
	for (unsigned i = 0; i < m->slots.used; i++) {
		struct bt_slot *s = &m->slots.all[i];

		if (s->pid == 0 || s->generation < m->slots.reap_from)
			continue;
		kill(s->pid, SIGKILL);
		while (waitpid(s->pid, NULL, 0) == -1 && errno == EINTR)
			;
		bt_rescue_end(s->score->worker.guard_pid);
		s->score->pid = 0;
	}
	if (m->reload.listeners.all != NULL)
		bt_listeners_abandon(&m->listeners, &m->reload.listeners);
	bt_crossing_fail(t->order.crossing_fd, why);
	go_back(0);
}

/* --- taking over --- */

static int
adopt_slots(struct bt_master *m, const struct bt_crossing *x)
{
	for (size_t i = 0; i < x->slots_n; i++) {
		struct bt_crossing_slot from = x->slots[i];
		struct bt_slot *s;

		if (from.index >= m->slots.n || from.state >= BT_SLOT_STATES ||
		    m->slots.all[from.index].near != NULL)
			return -EPROTO;
		s = &m->slots.all[from.index];
		s->state = (enum bt_slot_state)from.state;
		s->pid = from.pid;
		s->guard = from.guard;
		s->generation = from.generation;
		s->farewell = (enum bt_message)from.farewell;
		s->owes_farewell = from.owes_farewell;
		s->owes_logs = from.owes_logs;
		bt_slot_adopt(s, &from.near, &from.far);
	}
	return 0;
}

static void
adopt_listeners(struct bt_listeners *set, const struct bt_crossing *x)
{
	bt_listeners_adopt(set, x->listeners_n);
	set->last_id = x->last_id;
	set->last_listener = (uint16_t)x->last_listener;
	for (size_t i = 0; i < x->listeners_n; i++) {
		const struct bt_crossing_listener *from = &x->listeners[i];
		struct bt_listener *l = set->all[i];

		l->addr = from->addr;
		l->id = from->id;
		l->fd = from->fd;
		l->unlink = from->unlink;
		l->dev = from->dev;
		l->ino = from->ino;
		bt_listener_attach(l);
	}
}

/* All that stays quiet until attach(). */
static int
adopt(struct bt_master *m, struct bt_crossing *x)
{
	int r;

	m->exe = bt_mem_strdup(x->exe);
	m->conf_file = x->conf_file ? bt_mem_strdup(x->conf_file) : NULL;
	m->pid_file = x->pid_file ? bt_mem_strdup(x->pid_file) : NULL;
	m->generation = x->generation;
	m->workers = x->workers;
	m->resize_by = x->resize_by;
	if ((r = bt_master_make_loop(m)) < 0 ||
	    (r = bt_scoreboard_open(x->board_fd, &m->board)) < 0 ||
	    (r = bt_master_make_limits(m)) < 0)
		return r;
	bt_master_make_slots(m);
	m->listeners.base = m->base;
	m->listeners.dealer = &m->dealer;
	m->listeners.score = &m->board->master;
	adopt_listeners(&m->listeners, x);
	return adopt_slots(m, x);
}

static void
keep_to_us(void *arg, int fd)
{
	bt_fd_set_cloexec(fd, 1);
}

static enum bt_control_wait
wait_of(unsigned what)
{
	if (what == BT_WAIT_NONE)
		return BT_WAIT_NONE;
	/* one that should follow the upgrade is contained in it */
	return what == BT_WAIT_UPGRADE ? BT_WAIT_UPGRADE : BT_WAIT_RELOAD;
}

/* The bytes move. */
static void
adopt_held(struct bt_master *m, struct bt_crossing *x)
{
	struct bt_dealer *d = &m->dealer;
	struct bt_handover *room;

	if (x->held_n == 0)
		return;
	for (size_t i = 0; i < x->held_n; i++)
		bt_limits_return(&m->limits, &x->held[i].baton);
	room = bt_dealer_room(d, x->held_n);
	memcpy(room, x->held, x->held_n * sizeof(*room));
	bt_dealer_take(d, x->held_n);
	x->held_n = 0;
}

/* From here on all of it is ours. */
static void
attach(struct bt_master *m, struct bt_crossing *x)
{
	bt_crossing_each_fd(x, keep_to_us, NULL);
	m->slots.reap_from = 0;
	bt_master_watch_signals(m, false);
	if (x->control != NULL)
		m->control = bt_control_adopt(m->base, &x->control_fd,
		    x->control, (ino_t)x->control_ino, bt_master_verbs, m);
	for (size_t i = 0; i < x->clients_n; i++)
		bt_control_adopt_client(m->control, &x->clients[i].fd,
		    wait_of(x->clients[i].waits_for));
	for (size_t i = 0; i < x->slots_n; i++)
		bt_slot_attach(&m->slots.all[x->slots[i].index]);
	adopt_held(m, x);
	bt_slots_reap(&m->slots);
}

const struct bt_buf *
bt_takeover_conf(const struct bt_master *m)
{
	return m->takeover ? &m->takeover->crossing.conf : NULL;
}

void
bt_takeover_commit(struct bt_master *m)
{
	struct bt_takeover *t = m->takeover;

	m->takeover = NULL;
	m->reload.upgraded = true;
	guard_stop();
	attach(m, &t->crossing);
	bt_fd_close(&t->order.crossing_fd);
	bt_fd_close(&t->order.exe_fd);
	bt_crossing_fini(&t->crossing);
	free(t);
	bt_listeners_resume(&m->listeners, BT_PAUSE_START);
}

/* Without it there is a new one: what was in the old one is gone. */
static void
take_shared(struct bt_master *m, struct bt_crossing *x)
{
	int r;

	if (x->shared_fd == -1)
		return;
	if ((r = m->hooks->adopt_shared(&x->shared_fd)) < 0)
		bt_log_warn(NULL, r,
		    "continuations in memory cannot be taken over, and are "
		    "lost");
}

static int
forth(const struct order *o, const struct bt_hooks *hooks)
{
	struct bt_takeover *t;
	struct bt_buf errors = { 0 };
	struct bt_master m;
	int r;

	guard_start(o);
	bt_master_init(&m, hooks);
	t = m.takeover = bt_mem_zero(1, sizeof(*t));
	t->order = *o;
	m.state = BT_MASTER_UPGRADING;
	r = bt_crossing_read(o->crossing_fd, &t->crossing, &errors);
	if (r == 0) {
		take_shared(&m, &t->crossing);
		r = adopt(&m, &t->crossing);
	}
	if (r == 0) {
		m.slots.reap_from = m.generation + 1;
		bt_master_start_timers(&m);
		r = bt_master_watch_signals(&m, true);
	}
	if (r < 0) {
		bt_buf_printf(&errors, "cannot take over: %s\n", strerror(-r));
		bt_takeover_go_back(&m, bt_buf_str(&errors));
	}
	bt_reload_take_over(&m);
	return bt_master_loop(&m);
}

/* Workers that the other program had started, and left. */
static void
kill_strays(struct bt_master *m)
{
	for (unsigned i = 0; i < m->slots.n; i++) {
		struct bt_slot *s = &m->slots.all[i];
		pid_t pid = s->score->pid;

		if (pid <= 0 || pid == s->pid)
			continue;
		s->score->pid = s->pid;
		if (waitpid(pid, NULL, WNOHANG) != 0)
			continue; /* not ours, or gone */
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
		bt_rescue_end(s->score->worker.guard_pid);
	}
}

static int
restore(struct bt_master *m, struct bt_crossing *x, struct bt_buf *errors)
{
	struct bt_listeners_change same;
	int r;

	take_shared(m, x);
	r = bt_conf_parse(
	    bt_buf_str(&x->conf), "the conf in force", &m->conf, errors);
	if (r < 0)
		return r;
	if (m->hooks->load(m->conf, errors) < 0) { /* changed since */
		bt_log_lines(BT_LOG_ERROR, bt_buf_str(errors));
		bt_buf_clear(errors);
	}
	m->slots.conf = m->conf;
	m->slots.generation = x->generation;
	if ((r = bt_master_open_logs(m)) < 0 || (r = adopt(m, x)) < 0)
		return r;
	r = bt_listeners_prepare(&m->listeners, m->conf, &same, errors);
	if (r < 0)
		return r;
	bt_listeners_commit(&m->listeners, &same);
	return 0;
}

/* The program that was there before: nothing has happened, but time passed. */
static int
back(const struct order *o, const struct bt_hooks *hooks)
{
	struct bt_buf errors = { 0 };
	struct bt_crossing x;
	struct bt_master m;
	int fd = o->crossing_fd, exe_fd = o->exe_fd, r;
	char why[64];

	bt_master_init(&m, hooks);
	m.state = BT_MASTER_UPGRADING;
	r = bt_crossing_read(fd, &x, &errors);
	if (r < 0 || (r = restore(&m, &x, &errors)) < 0) {
		bt_log_lines(BT_LOG_ERROR, bt_buf_str(&errors));
		bt_log_error(NULL, r, "cannot be put back");
		return 1;
	}
	kill_strays(&m);
	bt_master_start_timers(&m);
	attach(&m, &x);
	m.dealer.slots_n = m.slots.used;
	snprintf(why, sizeof(why), "it was ended by SIG%s\n",
	    sigabbrev_np(o->ended_by) ? sigabbrev_np(o->ended_by) : "?");
	bt_upgrade_refuse(&m,
	    bt_str_of(o->ended_by == SIGALRM ? "it was not ready in time\n"
		    : o->ended_by            ? why
		    : x.failed               ? x.failed
					     : ""));
	bt_crossing_fini(&x);
	bt_fd_close(&fd);
	bt_fd_close(&exe_fd);
	bt_master_enter(&m, BT_MASTER_RUNNING);
	bt_listeners_resume(&m.listeners, BT_PAUSE_START);
	bt_master_deal_held(&m);
	bt_resize_go_on(&m);
	return bt_master_loop(&m);
}

/* --- the rehearsal --- */

/* Listeners of the other program are not there; their addresses are. */
static void
leave_descriptors(struct bt_crossing *x)
{
	for (size_t i = 0; i < x->listeners_n; i++)
		x->listeners[i].fd = -1;
	x->slots_n = 0;
	x->held_n = 0;
}

static int
check_logs(const struct bt_conf *conf, struct bt_buf *errors)
{
	struct bt_log_files files;
	const char *path;
	int r = bt_log_files_open(conf, &files, &path);

	if (r < 0)
		bt_buf_printf(errors, "cannot open access_log %s: %s\n", path,
		    strerror(-r));
	else
		bt_log_files_close(&files);
	return r;
}

/* Nothing that a trial worker says is of interest, but that it is ready. */
static void
on_trial_news(void *arg, struct bt_slot *s, enum bt_slot_news news)
{
}

static void
on_trial_back(void *arg, struct bt_handover *h, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bt_handover_close(&h[i]);
}

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	bt_slots_reap(arg);
}

/* A worker with the new conf, on a board of its own. */
static int
try_worker(struct bt_master *m, struct bt_buf *errors)
{
	const struct timeval step = { 0, REHEARSAL_STEP_MS * 1000 };
	struct bt_slots *set = &m->slots;
	struct event *steps;
	struct bt_slot *s;
	int r;

	if ((r = bt_scoreboard_new(1, &set->board)) < 0)
		return r;
	set->base = m->base;
	set->on_news = on_trial_news;
	set->on_back = on_trial_back;
	set->generation = 1;
	bt_slots_init(set);
	s = &set->all[0];
	if ((r = bt_slot_start(s)) < 0)
		return r;
	steps = event_new(m->base, -1, EV_PERSIST, on_step, set);
	event_add(steps, &step);
	for (int ms = 0; ms < REHEARSAL_MS && s->state != BT_SLOT_READY &&
	     s->quick_deaths == 0;
	     ms += REHEARSAL_STEP_MS)
		event_base_loop(m->base, EVLOOP_ONCE);
	r = s->state == BT_SLOT_READY ? 0 : -ECHILD;
	if (r < 0)
		bt_buf_puts(errors,
		    s->quick_deaths ? "its workers die before they are ready\n"
				    : "its workers do not become ready\n");
	event_free(steps);
	if (s->pid != 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
		bt_rescue_end(s->score->worker.guard_pid);
	}
	return r;
}

static int
try_all(const struct order *o, struct bt_master *m, struct bt_buf *errors)
{
	struct bt_listeners_change change;
	struct bt_scoreboard *board;
	struct bt_crossing x;
	int r;

	if ((r = bt_crossing_read(o->crossing_fd, &x, errors)) < 0)
		return r;
	if ((r = bt_scoreboard_open(x.board_fd, &board)) < 0) {
		bt_buf_puts(errors,
		    "the running baton has other counters: restart it "
		    "instead\n");
		return r;
	}
	m->conf_file = x.conf_file;
	leave_descriptors(&x);
	if ((r = bt_reload_read_conf(m, &x.conf, &m->conf, errors)) < 0 ||
	    (r = check_logs(m->conf, errors)) < 0 ||
	    (r = bt_master_make_loop(m)) < 0)
		return r;
	m->listeners.base = m->base;
	adopt_listeners(&m->listeners, &x);
	r = bt_listeners_prepare(&m->listeners, m->conf, &change, errors);
	if (r < 0)
		return r;
	bt_listeners_abandon(&m->listeners, &change);
	m->slots.conf = m->conf;
	return try_worker(m, errors);
}

static int
rehearsal(const struct order *o, const struct bt_hooks *hooks)
{
	struct bt_buf errors = { 0 };
	struct bt_master m;
	int r;

	bt_master_init(&m, hooks);
	bt_conf_check_apps_by(hooks->check_apps);
	bt_log_open(NULL, BT_LOG_ERROR);
	r = try_all(o, &m, &errors);
	if (r < 0 && errors.len == 0)
		bt_buf_printf(&errors, "%s\n", strerror(-r));
	if (errors.len > 0)
		fwrite(errors.data, 1, errors.len, stderr);
	if (r == 0)
		puts(BT_TAKEOVER_READY);
	fflush(NULL);
	_exit(r == 0 ? 0 : 1);
}

int
bt_master_take_over(const struct bt_hooks *hooks)
{
	struct order o;

	if (!read_order(&o))
		return -1;
	bt_log_set_process("master");
	bt_log_open(NULL, BT_LOG_INFO);
	switch (o.mode) {
	case MODE_REHEARSE:
		return rehearsal(&o, hooks);
	case MODE_FORTH:
		return forth(&o, hooks);
	case MODE_BACK:
		return back(&o, hooks);
	case MODE_NONE:
	case MODES:
		break;
	}
	return -1;
}
