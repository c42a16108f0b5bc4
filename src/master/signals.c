/*
 * Signals.  They come through a signalfd: they are blocked, not handled, so
 * that a forked child has nothing to undo that could reach the parent
 * (libevent's handlers write to a pipe which parent and child would share).
 * Master, on the loop.
 */

#include "base/log.h"
#include "master/state.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void
on_terminate(struct bt_master *m)
{
	if (m->state >= BT_MASTER_DRAINING)
		bt_master_stop(m);
	else
		bt_master_drain(m);
}

static void
on_children(struct bt_master *m)
{
	bt_slots_reap(&m->slots);
}

static void
on_usr1(struct bt_master *m)
{
	const char *path;

	bt_master_reopen_logs(m, &path);
}

static void
on_hup(struct bt_master *m)
{
	bt_reload_begin(m);
}

static void
on_usr2(struct bt_master *m)
{
	bt_upgrade_begin(m);
}

static void
on_ttin(struct bt_master *m)
{
	bt_resize_by(m, 1);
}

static void
on_ttou(struct bt_master *m)
{
	bt_resize_by(m, -1);
}

static const struct {
	int number;
	void (*run)(struct bt_master *);
} signals[] = {
	{ SIGTERM, on_terminate },
	{ SIGINT, on_terminate },
	{ SIGQUIT, bt_master_drain },
	{ SIGCHLD, on_children },
	{ SIGUSR1, on_usr1 },
	{ SIGHUP, on_hup },
	{ SIGUSR2, on_usr2 },
	{ SIGTTIN, on_ttin },
	{ SIGTTOU, on_ttou },
};
#define SIGNALS_N (sizeof(signals) / sizeof(signals[0]))

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct bt_master *m = arg;
	struct signalfd_siginfo info;

	while (m->state != BT_MASTER_STOPPED &&
	    read(fd, &info, sizeof(info)) > 0) {
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
int
bt_master_watch_signals(struct bt_master *m, bool children_only)
{
	sigset_t all, now;

	sigemptyset(&all);
	for (size_t i = 0; i < SIGNALS_N; i++)
		sigaddset(&all, signals[i].number);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* SIG_IGN would reap behind our back */
	sigprocmask(SIG_SETMASK, &all, NULL);
	now = all;
	if (children_only) {
		sigemptyset(&now);
		sigaddset(&now, SIGCHLD);
	}
	m->signal_fd = signalfd(m->signal_fd, &now, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd == -1)
		return -errno;
	if (m->signalled != NULL)
		return 0;
	m->signalled = event_new(
	    m->base, m->signal_fd, EV_READ | EV_PERSIST, on_signal, m);
	/* before connections, when both are there */
	event_priority_set(m->signalled, 0);
	event_add(m->signalled, NULL);
	return 0;
}
