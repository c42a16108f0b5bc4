#ifndef BT_TESTS_SPAWN_H
#define BT_TESTS_SPAWN_H

/*
 * Starts the daemon's program.  It cannot outlive the test: it gets a SIGKILL
 * when its parent dies, and its workers see the master's end of the channel
 * close.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SPAWN_FDS_MAX = 8 };

struct spawn {
	const char *const *args; /* without the program's name; ends in NULL */
	const int *fds;          /* passed as LISTEN_FDS */
	size_t fds_n;
	const char *notify;    /* NOTIFY_SOCKET, or NULL */
	const char *out, *err; /* files in scratch() for stdout and stderr */
	bool journal;          /* JOURNAL_STREAM says that stderr is its */
};

/* The path of the program: $BATON, else beside this one. */
const char *spawn_program(void);

/* From now on programs are started with that hard limit of descriptors. */
void spawn_limit_descriptors(unsigned long);

/* Returns the process. Descriptors stay the caller's. */
pid_t spawn_start(const struct spawn *);

/* What a program that ran to its end did. */
struct spawn_result {
	int status; /* exit status */
	const char *out, *err;
};

/*
 * Runs the program to its end, which has to be an exit.  `args` end in NULL.
 * Fails the test for a sanitizer's report.
 */
struct spawn_result spawn_run(const char *const *args);
#define spawn_run_with(...) \
	spawn_run((const char *const[]){ __VA_ARGS__, NULL })

/* Fails the test when the text has a report of a sanitizer. */
void spawn_check_report(const char *text);

#endif
