/*
 * The stack of a process that ends by a fault.  The handler runs on a stack of
 * its own, since the other one may be what is at fault.  Worker.
 */

#include "base/stack.h"

#include "base/log.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_MAX 64
#define STACK_BYTES (64 * 1024)

static const struct {
	int number;
	const char *name;
} faults[] = {
	{ SIGSEGV, "SIGSEGV" },
	{ SIGBUS, "SIGBUS" },
	{ SIGFPE, "SIGFPE" },
	{ SIGILL, "SIGILL" },
	{ SIGABRT, "SIGABRT" },
};
#define FAULTS_N (sizeof(faults) / sizeof(faults[0]))

#define JOURNAL_LEVEL "<3>" /* that of an error, sd-daemon(3) */

static char heads[FAULTS_N][96]; /* the line above the stack, made before */
static char alternate[STACK_BYTES] __attribute__((aligned(16)));

static void
put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) == -1) {
		/* there is no better place to say it */
	}
}

static void
on_fault(int number)
{
	bool journal = bt_log_in_journal();
	void *frames[FRAMES_MAX];
	int fd = bt_log_fd(), n, saved = errno;

	for (size_t i = 0; i < FAULTS_N; i++)
		if (faults[i].number == number) {
			put(fd, journal ? JOURNAL_LEVEL : "error ");
			put(fd, heads[i]);
		}
	n = backtrace(frames, FRAMES_MAX);
	for (int i = 0; i < n; i++) { /* a line each */
		put(fd, journal ? JOURNAL_LEVEL : "");
		backtrace_symbols_fd(&frames[i], 1, fd);
	}
	errno = saved;
	/*
	 * It waits until we return and then, its action being the preset one
	 * again, ends the process where it was: so that is what a core shows.
	 */
	raise(number);
}

void
bt_stack_prepare(void)
{
	void *frame;

	/* the first call loads libgcc, with malloc() */
	if (BT_HAS_STACK)
		backtrace(&frame, 1);
}

void
bt_stack_on_fault(const char *process)
{
	const stack_t stack = { .ss_sp = alternate,
		.ss_size = sizeof(alternate) };
	struct sigaction action = { .sa_handler = on_fault,
		.sa_flags = SA_ONSTACK | (int)SA_RESETHAND };

	if (!BT_HAS_STACK)
		return;
	bt_stack_prepare();
	sigaltstack(&stack, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FAULTS_N; i++) {
		snprintf(heads[i], sizeof(heads[i]),
		    "%s: pid %d, %s, its stack:\n", process, (int)getpid(),
		    faults[i].name);
		sigaction(faults[i].number, &action, NULL);
	}
}
