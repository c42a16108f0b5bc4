/*
 * A trial: fork, a pipe, and patience.  Master, on the loop; run() in its
 * child.
 */

#include "master/trial.h"

#include "base/fd.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX (256 * 1024)

/* Its exit status tells an end in order from any other. */
#define FINISHED 17

static void
forget(struct bt_trial *t)
{
	if (t->readable != NULL)
		event_free(t->readable);
	if (t->patience != NULL)
		event_free(t->patience);
	t->readable = t->patience = NULL;
	bt_fd_close(&t->fd);
	t->pid = 0;
}

static void
finish(struct bt_trial *t)
{
	struct bt_buf said = t->said;
	int status = 0;

	while (waitpid(t->pid, &status, 0) == -1 && errno == EINTR)
		;
	t->said = (struct bt_buf){ 0 };
	forget(t);
	if (said.len == 0 && WIFSIGNALED(status))
		bt_buf_printf(&said, "who tried it was ended by SIG%s\n",
		    sigabbrev_np(WTERMSIG(status)));
	else if (said.len == 0 && WEXITSTATUS(status) != FINISHED)
		bt_buf_printf(&said, "who tried it ended with status %d\n",
		    WEXITSTATUS(status));
	t->on_over(t->arg, &said);
	bt_buf_fini(&said);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct bt_trial *t = arg;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		finish(t);
	else if (t->said.len < SAID_MAX)
		bt_buf_append(&t->said, text, (size_t)n);
}

static void
on_patience_ended(evutil_socket_t fd, short what, void *arg)
{
	struct bt_trial *t = arg;

	bt_buf_puts(&t->said, "it takes too long\n");
	kill(t->pid, SIGKILL); /* and the pipe ends */
}

__attribute__((noreturn)) static void
try(int fd, void (*run)(void *, struct bt_buf *), void *arg)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
		SIGUSR1, SIGUSR2, SIGCHLD, SIGTTIN, SIGTTOU };
	struct bt_buf wrong = { 0 };
	sigset_t all;
	size_t at = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	run(arg, &wrong);
	while (at < wrong.len) {
		ssize_t n = write(fd, wrong.data + at, wrong.len - at);

		if (n == -1 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	_exit(FINISHED);
}

int
bt_trial_start(struct bt_trial *t, struct event_base *base,
    void (*run)(void *arg, struct bt_buf *wrong), unsigned patience_s)
{
	const struct timeval patience = { patience_s, 0 };
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	if ((t->pid = fork()) == -1) {
		int r = -errno;

		bt_fd_close_all(fds, 2);
		t->pid = 0;
		return r;
	}
	if (t->pid == 0) {
		close(fds[0]);
		try(fds[1], run, t->arg);
	}
	bt_fd_close(&fds[1]);
	bt_fd_set_nonblock(fds[0]);
	t->fd = fds[0];
	t->readable =
	    event_new(base, t->fd, EV_READ | EV_PERSIST, on_readable, t);
	t->patience = evtimer_new(base, on_patience_ended, t);
	if (t->readable != NULL && t->patience != NULL &&
	    event_add(t->readable, NULL) == 0 &&
	    evtimer_add(t->patience, &patience) == 0)
		return 0;
	bt_trial_stop(t);
	return -ENOMEM;
}

void
bt_trial_stop(struct bt_trial *t)
{
	if (t->pid == 0)
		return;
	kill(t->pid, SIGKILL);
	while (waitpid(t->pid, NULL, 0) == -1 && errno == EINTR)
		;
	bt_buf_fini(&t->said);
	forget(t);
}
