/*
 * Worker slots: the fork, what the child sheds, the reaping, the successor.
 * A slot's channel outlives its workers.  Master; shed() and live() are the
 * worker's first steps.
 */

#include "master/slot.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/title.h"
#include "master/rescue.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUICK_DEATH_MS 1000
#define REST_FIRST_MS 100
#define REST_MOST_MS 5000
#define RETRY_MS 10
#define TIMER_SLACK_NS 50000 /* the kernel's preset; the master has less */

const char *const bt_slot_state_names[BT_SLOT_STATES] = {
	[BT_SLOT_EMPTY] = "empty",
	[BT_SLOT_STARTING] = "starting",
	[BT_SLOT_READY] = "ready",
	[BT_SLOT_LEAVING] = "leaving",
	[BT_SLOT_RESTING] = "resting",
};

static void on_readable(evutil_socket_t, short, void *);
static void on_unblocked(evutil_socket_t, short, void *);
static void on_rested(evutil_socket_t, short, void *);

void
bt_slots_init(struct bt_slots *set)
{
	set->n = set->board->slots_n;
	set->used = 0;
	set->all = bt_mem_zero(set->n, sizeof(*set->all));
	for (unsigned i = 0; i < set->n; i++) {
		struct bt_slot *s = &set->all[i];

		s->set = set;
		s->index = i;
		s->score = &set->board->slots[i];
	}
}

static void
free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

void
bt_slots_fini(struct bt_slots *set)
{
	bt_rescue_fini(set);
	for (unsigned i = 0; i < set->n; i++) {
		struct bt_slot *s = &set->all[i];

		free_event(s->readable);
		free_event(s->writable);
		free_event(s->retry);
		free_event(s->rested);
		bt_channel_free(s->near);
		bt_channel_free(s->far);
	}
	free(set->all);
	set->all = NULL;
	set->n = 0;
}

static void
arm(struct event *ev, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	event_add(ev, &tv);
}

static void
slot_enter(struct bt_slot *s, enum bt_slot_state state)
{
	bt_log_debug(NULL, 0, "slot %u: %s, was %s", s->index,
	    bt_slot_state_names[state], bt_slot_state_names[s->state]);
	s->state = state;
}

static void
make_events(struct bt_slot *s)
{
	struct event_base *base = s->set->base;
	int fd = bt_channel_fd(s->near);

	s->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, s);
	s->writable = event_new(base, fd, EV_WRITE, on_unblocked, s);
	s->retry = evtimer_new(base, on_unblocked, s);
	s->rested = evtimer_new(base, on_rested, s);
	event_add(s->readable, NULL);
}

/* The channel and the events of a slot that is used for the first time. */
static int
furnish(struct bt_slot *s)
{
	int r;

	if (s->near == NULL && (r = bt_channel_pair(&s->near, &s->far)) < 0)
		return r;
	if (s->readable == NULL)
		make_events(s);
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes every descriptor but those of `keep`, which it sorts. */
static void
close_all_but(int *keep, size_t n)
{
	unsigned from = 0;

	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned)keep[i] > from)
			close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	close_range(from, ~0u, 0);
}

/*
 * What makes the master's child a worker.  Every signal is blocked until the
 * end of it.
 */
static void
shed(struct bt_slot *s)
{
	static const int masters_own[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP,
		SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE };
	int keep[6 + BT_CONF_LOG_FILES_MAX] = { STDIN_FILENO, STDOUT_FILENO,
		STDERR_FILENO, bt_log_fd(), bt_channel_fd(s->far),
		s->set->kept_fd != NULL ? s->set->kept_fd() : -1 };
	const struct bt_log_files *logs = &s->set->logs;
	char name[16 + 16];
	sigset_t none;

	/* a number would not do: ps and the logs shall tell which one it is */
	snprintf(name, sizeof(name),
	    s->index < 10 ? "baton: worker %u" : "baton:worker%u", s->index);
	bt_title_set(name);
	snprintf(name, sizeof(name), "worker %u", s->index);
	bt_log_set_process(name);

	/*
	 * All descriptors that are not the worker's, without a list that could
	 * be forgotten when something is added.  Those are: the listeners, or
	 * the port would stay bound by us; the connections held in the master,
	 * or they would not end when their worker closes them; the near ends,
	 * ours too, or no worker would see EOF when the master is gone; other
	 * slots' far ends, or we could take their connections; the control
	 * socket and its clients; the signalfd; and the master's epoll.
	 *
	 * The inherited event base is left as it is, and its memory is shared
	 * as long as nobody touches it: event_base_free() and event_del() here
	 * would take the parent's registrations out of the epoll that we share.
	 */
	for (size_t i = 0; i < logs->n; i++)
		keep[6 + i] = logs->fds[i];
	close_all_but(keep, 6 + logs->n);

	/*
	 * The terminal and kill(-pgid) send these to the workers as well, but
	 * they are meant for the master, who says with messages what to do.
	 */
	for (size_t i = 0; i < sizeof(masters_own) / sizeof(int); i++)
		signal(masters_own[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);

	/* the master gathers with a precise timer, which is not for free */
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);

	/* and now let them in: the master's were blocked for its signalfd */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void
live(struct bt_slot *s)
{
	struct bt_heritage heritage = {
		.conf = s->set->conf,
		.board = s->set->board,
		.seats = s->set->seats,
		.rates = s->set->rates,
		.slot = s->index,
		.generation = s->set->generation,
		.is_first = s->set->begun != s->set->generation,
		.channel = s->far,
		.log_fds = s->set->logs.fds,
	};

	shed(s);
	exit(s->set->run(&heritage)); /* not _exit: LeakSanitizer looks then */
}

static int
fork_worker(struct bt_slot *s, pid_t *ret)
{
	sigset_t all, before;
	pid_t pid;

	/* no signal may come to the child before it has shed our handling */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		live(s);
	*ret = pid == -1 ? -errno : pid;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return *ret < 0 ? *ret : 0;
}

/* Says what could not be said when the channel was full. */
static void
pay_debts(struct bt_slot *s)
{
	struct bt_handover logs[BT_CONF_LOG_FILES_MAX + 1];
	const struct bt_log_files *files = &s->set->logs;
	size_t n = 0;
	int r = 0;

	memset(logs, 0, (files->n + 1) * sizeof(logs[0]));
	for (; n < files->n; n++) {
		logs[n].fd = files->fds[n];
		logs[n].baton.id = files->ids[n];
	}
	if (bt_log_fd() != STDERR_FILENO)
		logs[n++].fd = bt_log_fd();
	if (s->owes_logs && n > 0)
		r = bt_channel_send(s->near, BT_MESSAGE_LOGS, logs, n);
	if (r >= 0) {
		s->owes_logs = false;
		if (s->owes_farewell)
			r = bt_channel_notify(s->near, s->farewell);
		if (r >= 0)
			s->owes_farewell = false;
	}
	if (r < 0 && !s->blocked)
		bt_slot_block(s, r);
}

int
bt_slot_start(struct bt_slot *s)
{
	pid_t pid;
	int r;

	assert(s->pid == 0);
	s->score->worker.guard_pid = 0; /* it says so itself */
	if ((r = furnish(s)) < 0 || (r = fork_worker(s, &pid)) < 0)
		return r;
	s->pid = pid;
	if (s->set->used <= s->index)
		s->set->used = s->index + 1;
	s->generation = s->set->begun = s->set->generation;
	s->started_ms = bt_clock_ms();
	s->requests_before = bt_score_get(&s->score->worker.requests);
	s->killed = false;
	s->guard = 0;
	s->worked = false;
	s->still_begins = false;
	s->owes_logs = false; /* it was born with the newest */
	s->stale = false;
	bt_score_set(&s->score->stale, 0);
	s->pulse = (struct bt_pulse){ .beat_ms = bt_score_get(
					  &s->score->worker.heartbeat_ms) };
	s->score->pid = pid;
	s->score->generation = s->generation;
	bt_score_add(&s->score->started, 1);
	bt_log_info(NULL, 0, "worker %u started, pid %d", s->index, (int)pid);
	slot_enter(s, BT_SLOT_STARTING);
	return 0;
}

void
bt_slot_adopt(struct bt_slot *s, int *near, int *far)
{
	assert(s->near == NULL);
	s->near = bt_channel_adopt(near);
	s->far = bt_channel_adopt(far);
	s->started_ms = bt_clock_ms();
	s->requests_before = bt_score_get(&s->score->worker.requests);
	s->still_begins = s->owes_farewell;
	s->worked = s->state != BT_SLOT_STARTING;
	if (s->set->used <= s->index)
		s->set->used = s->index + 1;
}

void
bt_slot_attach(struct bt_slot *s)
{
	const struct timeval now = { 0, 0 };

	if (s->readable == NULL)
		make_events(s);
	if (s->state == BT_SLOT_RESTING)
		event_add(s->rested, &now);
	else if (s->pid != 0)
		pay_debts(s);
}

int64_t
bt_slot_rest_ms(unsigned quick_deaths)
{
	int64_t ms = REST_FIRST_MS;

	if (quick_deaths <= 1)
		return 0;
	for (unsigned i = 2; i < quick_deaths && ms < REST_MOST_MS; i++)
		ms *= 2;
	return ms < REST_MOST_MS ? ms : REST_MOST_MS;
}

/* Starts the successor, or sees to it that it is tried again. */
static void
succeed(struct bt_slot *s, int64_t rest_ms)
{
	int r;

	if (rest_ms == 0) {
		if ((r = bt_slot_start(s)) == 0)
			return;
		bt_log_error(NULL, r, "worker %u cannot be started", s->index);
		rest_ms = REST_FIRST_MS;
	}
	slot_enter(s, BT_SLOT_RESTING);
	arm(s->rested, rest_ms);
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	succeed(arg, 0);
}

/* One line about the end of a worker. */
static void
log_end(
    const struct bt_slot *s, bool asked, pid_t pid, int status, uint64_t cut)
{
	char why[64];

	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "was ended by SIG%s%s",
		    sigabbrev_np(WTERMSIG(status))
			? sigabbrev_np(WTERMSIG(status))
			: "?",
		    WCOREDUMP(status) ? " (core dumped)" : "");
	else
		snprintf(
		    why, sizeof(why), "exited with %d", WEXITSTATUS(status));
	if (asked && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    cut == 0) {
		bt_log_info(
		    NULL, 0, "worker %u finished, pid %d", s->index, (int)pid);
		return;
	}
	if (asked && s->killed) {
		snprintf(why, sizeof(why), "was killed");
		bt_log_warn(NULL, 0,
		    "worker %u, pid %d, was killed, with %ju "
		    "connections open",
		    s->index, (int)pid, (uintmax_t)cut);
	} else {
		bt_log_error(NULL, 0,
		    "worker %u, pid %d, %s, with %ju connections open",
		    s->index, (int)pid, why, (uintmax_t)cut);
	}
	bt_events_add(&s->set->board->master.events,
	    "worker %u, pid %d, %s, with %ju connections open", s->index,
	    (int)pid, why, (uintmax_t)cut);
}

/*
 * The connections that its worker took and did not bring to an end, also those
 * of a message that it took and had no time to count: the channel is empty, and
 * its counters are ours while nobody works here.
 */
static uint64_t
count_open(struct bt_slot *s)
{
	struct bt_score_worker *w = &s->score->worker;
	uint64_t gone, taken;

	/* it may have died between sending some and counting them */
	if (bt_score_get(&w->handed_back) < s->back)
		bt_score_set(&w->handed_back, s->back);
	gone = bt_score_get(&w->done) + bt_score_get(&w->handed_back) +
	    s->score->crashed + s->score->rescued + s->rescuing;
	bt_score_set(&w->memory_bytes, 0);
	bt_score_add(&w->taken, bt_slot_in_channel(s));
	taken = bt_score_get(&w->taken);
	return taken > gone ? taken - gone : 0;
}

/* Its worker has not read a byte of anybody yet: later it could lie. */
static void
learn_guard(struct bt_slot *s)
{
	s->guard = s->score->worker.guard_pid;
}

static void
slot_ended(struct bt_slot *s, int status)
{
	bool asked = s->state == BT_SLOT_LEAVING;
	bool quick = bt_clock_ms() - s->started_ms < QUICK_DEATH_MS;
	pid_t pid = s->pid, guard;
	uint64_t open;

	if (!s->worked)
		learn_guard(s);
	guard = s->guard;
	s->guard = 0; /* what it said last may start the next one here */
	s->pid = 0;
	s->score->pid = 0;
	s->still_begins = s->owes_farewell = s->owes_logs = s->stale = false;
	bt_score_set(&s->score->stale, 0);
	slot_enter(s, asked ? BT_SLOT_EMPTY : BT_SLOT_RESTING);
	/* what it said last: a successor shall not be taken at its word */
	bt_slot_hear(s);
	/* what it did not take is for whoever has time first */
	bt_slot_recall(s);
	open = count_open(s);
	/* what its guard was quicker with; or that of one before it */
	log_end(
	    s, asked, pid, status, s->rescuers > 0 ? open : open + s->rescued);
	/* at a stop idle ones are closed anyhow */
	if (guard != 0 && asked && s->farewell == BT_MESSAGE_DRAIN)
		kill(guard, SIGKILL);
	if (guard != 0)
		bt_rescue_begin(s, guard, pid, open);
	else
		bt_score_add(&s->score->crashed, open);
	if (asked) {
		s->quick_deaths = 0;
		s->set->on_news(s->set->arg, s, BT_SLOT_LEFT);
		return;
	}
	s->quick_deaths = quick ? s->quick_deaths + 1 : 0;
	if (s->quick_deaths > 1)
		bt_log_warn(NULL, 0,
		    "worker %u died %u times in a row; "
		    "the next one starts in %jd ms",
		    s->index, s->quick_deaths,
		    (intmax_t)bt_slot_rest_ms(s->quick_deaths));
	succeed(s, bt_slot_rest_ms(s->quick_deaths));
	s->set->on_news(s->set->arg, s, BT_SLOT_DIED);
}

void
bt_slots_reap(struct bt_slots *set)
{
	int status;

	for (unsigned i = 0; i < set->used; i++) {
		struct bt_slot *s = &set->all[i];

		if (s->pid == 0 || s->generation < set->reap_from)
			continue;
		if (waitpid(s->pid, &status, WNOHANG) == s->pid)
			slot_ended(s, status);
	}
	bt_rescue_reap(set);
}

static void
leave(struct bt_slot *s, enum bt_message farewell)
{
	s->owes_farewell = true;
	s->farewell = farewell;
	s->still_begins = true;
	switch (s->state) {
	case BT_SLOT_STARTING:
	case BT_SLOT_READY:
		slot_enter(s, BT_SLOT_LEAVING);
		if (!s->blocked)
			pay_debts(s);
		break;
	case BT_SLOT_RESTING:
		event_del(s->rested);
		s->owes_farewell = false;
		slot_enter(s, BT_SLOT_EMPTY);
		s->set->on_news(s->set->arg, s, BT_SLOT_LEFT);
		break;
	case BT_SLOT_LEAVING: /* a drain behind a retreat: no way back now */
		if (!s->blocked)
			pay_debts(s);
		break;
	case BT_SLOT_EMPTY:
	case BT_SLOT_STATES:
		s->owes_farewell = false;
		break;
	}
}

void
bt_slot_drain(struct bt_slot *s)
{
	leave(s, BT_MESSAGE_DRAIN);
}

void
bt_slot_retire(struct bt_slot *s)
{
	if (s->state != BT_SLOT_LEAVING)
		leave(s, BT_MESSAGE_RETIRE);
}

bool
bt_slot_shed(struct bt_slot *s, uint64_t n)
{
	if (s->state != BT_SLOT_READY || s->blocked)
		return false;
	atomic_store(&s->score->shed, n);
	s->sheds = bt_channel_notify(s->near, BT_MESSAGE_SHED) == 0;
	return s->sheds;
}

void
bt_slot_park(struct bt_slot *s)
{
	leave(s, BT_MESSAGE_PARK);
}

void
bt_slot_send_logs(struct bt_slot *s)
{
	if (s->pid == 0)
		return;
	s->owes_logs = true;
	if (!s->blocked)
		pay_debts(s);
}

void
bt_slot_kill(struct bt_slot *s)
{
	if (s->state == BT_SLOT_EMPTY)
		return;
	s->killed = true;
	if (s->pid == 0) { /* RESTING */
		event_del(s->rested);
		s->owes_farewell = false;
		slot_enter(s, BT_SLOT_EMPTY);
		s->set->on_news(s->set->arg, s, BT_SLOT_LEFT);
		return;
	}
	slot_enter(s, BT_SLOT_LEAVING);
	if (s->guard != 0)
		kill(s->guard, SIGKILL); /* it shall not undo that */
	kill(s->pid, SIGKILL);
}

/*
 * A full channel becomes writable when three quarters of it were read.  Other
 * refusals (too many descriptors in flight, no memory) have no event, and the
 * channel is writable all the time: there, or where being writable turned out
 * not to help, it is the clock.
 */
void
bt_slot_block(struct bt_slot *s, int err)
{
	s->blocked = true;
	if (err == -EAGAIN && s->refusals++ == 0) {
		event_add(s->writable, NULL);
		return;
	}
	if (err != -EAGAIN && s->refusals++ == 0)
		bt_log_warn(NULL, err, "worker %u cannot be dealt to for now",
		    s->index);
	arm(s->retry, RETRY_MS);
}

static void
on_unblocked(evutil_socket_t fd, short what, void *arg)
{
	struct bt_slot *s = arg;

	s->blocked = false;
	pay_debts(s);
	if (!s->blocked)
		s->set->on_news(s->set->arg, s, BT_SLOT_HAS_ROOM);
}

/* A worker says ROOM once when its loop runs, and then when it was asked to. */
static void
take_room(struct bt_slot *s)
{
	if (s->pid == 0)
		return; /* its last words */
	if (s->state == BT_SLOT_STARTING) {
		learn_guard(s);
		s->worked = true;
		slot_enter(s, BT_SLOT_READY);
		s->set->on_news(s->set->arg, s, BT_SLOT_IS_READY);
	} else {
		s->set->on_news(s->set->arg, s, BT_SLOT_HAS_ROOM);
	}
}

/* What one message brought; true when it was a plain ROOM. */
static bool
take_message(
    struct bt_slot *s, enum bt_message message, struct bt_handover *h, size_t n)
{
	switch (message) {
	case BT_MESSAGE_ROOM:
		return true;
	case BT_MESSAGE_HANDOVER:
		s->back += n;
		s->set->on_back(s->set->arg, h, n);
		return false;
	case BT_MESSAGE_RESCUE:
		bt_rescue_take(s, h, n);
		return false;
	case BT_MESSAGE_RETIRING:
		s->still_begins = false;
		s->set->on_news(s->set->arg, s, BT_SLOT_RETIRES);
		return false;
	case BT_MESSAGE_SHED:
		s->set->on_news(s->set->arg, s, BT_SLOT_SHEDS);
		return false;
	case BT_MESSAGE_DRAIN:
	case BT_MESSAGE_RETIRE:
	case BT_MESSAGE_PARK:
	case BT_MESSAGE_LOGS:
	case BT_MESSAGES:
		break;
	}
	bt_log_error(NULL, 0,
	    "worker %u sent message %d with %zu descriptors, which it should "
	    "not",
	    s->index, (int)message, n);
	for (size_t i = 0; i < n; i++)
		bt_handover_close(&h[i]);
	return false;
}

void
bt_slot_hear(struct bt_slot *s)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	enum bt_message message;
	bool room = false;
	unsigned lost;
	int n;

	while ((n = bt_channel_recv(s->near, h, &message, &lost)) >= 0)
		room |= take_message(s, message, h, (size_t)n);
	if (n != -EAGAIN)
		bt_log_error(NULL, n, "the channel of worker %u", s->index);
	if (n == -EPIPE) /* cannot be: the far end is ours, too */
		event_del(s->readable);
	if (room)
		take_room(s);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	bt_slot_hear(arg);
}

/* A notice that its worker, if it has one, has not heard. */
static void
owe(struct bt_slot *s, enum bt_message message)
{
	if (s->pid == 0)
		return;
	s->owes_logs |= message == BT_MESSAGE_LOGS;
	s->owes_farewell |= message == BT_MESSAGE_DRAIN ||
	    message == BT_MESSAGE_RETIRE || message == BT_MESSAGE_PARK;
}

void
bt_slot_recall(struct bt_slot *s)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	enum bt_message message;
	unsigned lost;
	int n;

	if (s->far == NULL)
		return;
	while ((n = bt_channel_recv(s->far, h, &message, &lost)) >= 0) {
		if (message == BT_MESSAGE_HANDOVER) {
			bt_score_add(&s->score->recalled, (uint64_t)n);
			s->set->on_back(s->set->arg, h, (size_t)n);
			continue;
		}
		for (int i = 0; i < n; i++)
			bt_handover_close(&h[i]);
		owe(s, message);
	}
	if (n != -EAGAIN)
		bt_log_error(NULL, n, "the channel of worker %u", s->index);
	if (s->pid != 0 && !s->blocked)
		pay_debts(s);
}
