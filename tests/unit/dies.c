/*
 * What is meant to end the process, tried in another one.
 */

#include "tests/unit/dies.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 10 /* for a loop without end: SIGALRM */

bool
bt_unit_dies(void (*run)(size_t n), size_t n)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == -1)
		return false;
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		signal(SIGALRM, SIG_DFL);
		alarm(PATIENCE_S);
		run(n);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return false;
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT
				   : WEXITSTATUS(status) != 0;
}
