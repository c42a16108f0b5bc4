/*
 * fork, exec, pidfd and /proc.
 */

#include "tests/torture/process.h"

#include "tests/torture/say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

void
process_adopt_orphans(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		say_die("PR_SET_CHILD_SUBREAPER");
}

static void
set_number(const char *name, uintmax_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%ju", number);
	setenv(name, text, 1);
}

static void
pass(const struct process *p)
{
	int end = FIRST_FD + (int)p->fds_n;

	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	if (p->fds_n > 0) {
		/* first all of them out of the way of the others */
		int *aside = calloc(p->fds_n, sizeof(*aside));

		for (size_t i = 0; aside != NULL && i < p->fds_n; i++)
			aside[i] = fcntl(p->fds[i], F_DUPFD, end);
		for (size_t i = 0; i < p->fds_n; i++)
			if (aside == NULL || aside[i] == -1 ||
			    dup2(aside[i], FIRST_FD + (int)i) == -1)
				_exit(126);
		set_number("LISTEN_FDS", p->fds_n);
		set_number("LISTEN_PID", (uintmax_t)getpid());
		setenv("LISTEN_FDNAMES", p->fd_names, 1);
	}
	close_range((unsigned)end, ~0u, 0);
}

static void
become(const struct process *p, pid_t parent)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(p->out, O_WRONLY | O_CREAT | O_APPEND, 0644);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || in == -1 || out == -1)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	pass(p);
	unsetenv("JOURNAL_STREAM");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("FDSTORE");
	if (p->notify != NULL)
		setenv("NOTIFY_SOCKET", p->notify, 1);
	if (p->store_max > 0)
		set_number("FDSTORE", p->store_max);
	/* exec does not write what argv points to */
	execvp(p->argv[0], (char *const *)(uintptr_t)p->argv);
	dprintf(STDERR_FILENO, "%s: %s\n", p->argv[0], strerror(errno));
	_exit(126);
}

pid_t
process_start(const struct process *p)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == -1)
		say_die("fork");
	if (pid == 0)
		become(p, parent);
	return pid;
}

static void
finish(struct process_end *e)
{
	int status = 0;

	waitpid(e->pid, &status, WNOHANG); /* fails where it is no child */
	e->on_end(e->arg, status);
}

static void
on_ended(void *arg, uint32_t events)
{
	struct process_end *e = arg;

	loop_forget(e->fd);
	close(e->fd);
	finish(e);
}

void
process_await(
    struct process_end *e, pid_t pid, void (*on_end)(void *, int), void *arg)
{
	e->pid = pid;
	e->on_end = on_end;
	e->arg = arg;
	e->watch = (struct watch){ on_ended, e };
	e->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (e->fd == -1 && errno != ESRCH)
		say_die("pidfd_open");
	if (e->fd == -1)
		finish(e);
	else
		loop_watch(e->fd, &e->watch, EPOLLIN);
}

/* A process that baton has beside each worker. */
static bool
is_guard(int pid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(name, sizeof(name), f) == NULL)
		name[0] = '\0';
	fclose(f);
	return strncmp(name, "baton: guard", 12) == 0 ||
	    strncmp(name, "baton:guard", 11) == 0;
}

size_t
process_children(pid_t pid, pid_t ret[PROCESS_CHILDREN_MAX])
{
	char path[64];
	size_t n = 0;
	int child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (n < PROCESS_CHILDREN_MAX && fscanf(f, "%d", &child) == 1)
		if (!is_guard(child))
			ret[n++] = child;
	fclose(f);
	return n;
}

int
process_reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return pid == 0;
}

int
process_descriptors(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

long
process_memory_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kb) == 1)
			break;
	fclose(f);
	return kb;
}
