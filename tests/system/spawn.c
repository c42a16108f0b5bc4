/*
 * fork and exec of the daemon's program, from the test's process.
 */

#include "tests/system/spawn.h"

#include "tests/system/scratch.h"
#include "tests/system/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define ASIDE_FD 100

static unsigned long descriptors_max; /* 0: as many as we may have */

void
spawn_limit_descriptors(unsigned long n)
{
	descriptors_max = n;
}

const char *
spawn_program(void)
{
	const char *env = getenv("BATON");
	char self[4096], *slash;
	ssize_t n;

	if (env != NULL)
		return env;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	return scratch_printf("%s/baton", self);
}

/* In the child: what to do with a failure is to say it on stderr. */
static void
die(const char *what)
{
	dprintf(STDERR_FILENO, "spawn: %s: %s\n", what, strerror(errno));
	_exit(126);
}

static void
redirect(int fd, const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (file == -1 || dup2(file, fd) == -1)
		die(path);
	close(file);
}

/* Puts the sockets where LISTEN_FDS has them, and closes all others. */
static void
pass(const int *fds, size_t n)
{
	char text[32];
	int aside[SPAWN_FDS_MAX];

	for (size_t i = 0; i < n; i++)
		if ((aside[i] = fcntl(fds[i], F_DUPFD, ASIDE_FD)) == -1)
			die("F_DUPFD");
	for (size_t i = 0; i < n; i++)
		if (dup2(aside[i], FIRST_FD + (int)i) == -1)
			die("dup2");
	close_range(FIRST_FD + (unsigned)n, ~0u, 0);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	if (n == 0) /* else what the test has set */
		unsetenv("LISTEN_FDNAMES");
	if (n > 0) {
		snprintf(text, sizeof(text), "%zu", n);
		setenv("LISTEN_FDS", text, 1);
		snprintf(text, sizeof(text), "%d", (int)getpid());
		setenv("LISTEN_PID", text, 1);
	}
}

static void
claim_for_journal(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) == -1)
		die("fstat");
	setenv("JOURNAL_STREAM",
	    scratch_printf(
		"%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino),
	    1);
}

static void
become(const struct spawn *s, char **argv, const char *out, const char *err,
    pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	redirect(STDERR_FILENO, err);
	redirect(STDOUT_FILENO, out);
	redirect(STDIN_FILENO, "/dev/null");
	pass(s->fds, s->fds_n);
	if (descriptors_max > 0 &&
	    setrlimit(RLIMIT_NOFILE,
		&(struct rlimit){ descriptors_max, descriptors_max }) == -1)
		die("setrlimit");
	if (s->notify != NULL)
		setenv("NOTIFY_SOCKET", s->notify, 1);
	else
		unsetenv("NOTIFY_SOCKET");
	unsetenv("JOURNAL_STREAM");
	if (s->journal)
		claim_for_journal();
	execv(argv[0], argv);
	die(argv[0]);
}

pid_t
spawn_start(const struct spawn *s)
{
	const char *out = scratch_path(s->out), *err = scratch_path(s->err);
	char *argv[32] = { scratch_printf("%s", spawn_program()) };
	pid_t parent = getpid(), pid;

	ck_assert_uint_le(s->fds_n, SPAWN_FDS_MAX);
	for (size_t i = 0; s->args[i] != NULL; i++) {
		ck_assert_uint_lt(i + 2, sizeof(argv) / sizeof(argv[0]));
		argv[i + 1] = scratch_printf("%s", s->args[i]);
	}
	fflush(NULL);
	pid = fork();
	if (pid == -1)
		ck_abort_msg("fork: %s", strerror(errno));
	if (pid == 0)
		become(s, argv, out, err, parent);
	return pid;
}

void
spawn_check_report(const char *text)
{
	static const char *const signs[] = { "Sanitizer",
		"runtime error:", "Assertion `" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		ck_assert_msg(strstr(text, signs[i]) == NULL,
		    "the daemon said on stderr:\n%.6000s", text);
}

struct spawn_result
spawn_run(const char *const *args)
{
	static unsigned runs;
	const char *out = scratch_printf("run%u.out", ++runs);
	const char *err = scratch_printf("run%u.err", runs);
	struct spawn s = { .args = args, .out = out, .err = err };
	struct spawn_result r;
	int status = wait_exit(spawn_start(&s), "the program");

	r.out = scratch_read(out, NULL);
	r.err = scratch_read(err, NULL);
	spawn_check_report(r.err);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 126,
	    "wait status %d: %s", status, r.err);
	r.status = WEXITSTATUS(status);
	return r;
}
