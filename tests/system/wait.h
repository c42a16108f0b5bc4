#ifndef BT_TESTS_WAIT_H
#define BT_TESTS_WAIT_H

/*
 * Waiting for events, with a deadline.  Nothing here sleeps for a time and
 * hopes; a deadline that passes fails the test.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How many times slower than usual this run may be. */
double wait_factor(void);

/* Whether tests and daemon were built with a sanitizer. */
bool wait_is_sanitized(void);

/* The usual deadline from now on, in milliseconds of CLOCK_MONOTONIC. */
int64_t wait_deadline(void);
int64_t wait_deadline_in(int64_t ms);

/*
 * Waits for poll(2) `events` on a descriptor.
 *
 * Returns: the events, or 0 when the deadline passed.
 */
short wait_for(int fd, short events, int64_t deadline_ms);

/* Whether a descriptor has the events right now. */
bool wait_is_now(int fd, short events);

/*
 * For state that the daemon offers no event for: asks again and again until
 * the answer is yes.  Fails the test, naming `what`, at the usual deadline.
 */
void wait_until(bool (*question)(void *), void *arg, const char *what);

/*
 * Waits for the end of a child.
 *
 * Returns: its status as of waitpid(2). Fails the test at the deadline.
 */
int wait_exit(pid_t, const char *what);

#endif
