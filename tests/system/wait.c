/*
 * Waiting, in the test's process.
 */

#include "tests/system/wait.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 10000
#define ASK_AGAIN_MS 5

bool
wait_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return true;
#endif
#endif
	return false;
}

double
wait_factor(void)
{
	const char *env = getenv("BATON_TEST_FACTOR");
	double factor = env ? strtod(env, NULL) : 0;

	if (factor > 0)
		return factor;
	return wait_is_sanitized() ? 5 : 1;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
wait_deadline_in(int64_t ms)
{
	return now_ms() + (int64_t)((double)ms * wait_factor());
}

int64_t
wait_deadline(void)
{
	return wait_deadline_in(DEADLINE_MS);
}

short
wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline_ms - now_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r > 0)
			return p.revents;
		if (r == 0 && left <= 0)
			return 0;
		if (r == -1 && errno != EINTR)
			ck_abort_msg("poll: %s", strerror(errno));
	}
}

bool
wait_is_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

void
wait_until(bool (*question)(void *), void *arg, const char *what)
{
	int64_t deadline = wait_deadline();

	while (!question(arg)) {
		if (now_ms() > deadline)
			ck_abort_msg("waited in vain: %s", what);
		poll(NULL, 0, ASK_AGAIN_MS);
	}
}

int
wait_exit(pid_t pid, const char *what)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status;

	if (fd == -1)
		ck_abort_msg(
		    "pidfd_open %d (%s): %s", (int)pid, what, strerror(errno));
	if (!wait_for(fd, POLLIN, wait_deadline()))
		ck_abort_msg("%s did not end", what);
	close(fd);
	if (waitpid(pid, &status, 0) != pid)
		ck_abort_msg("waitpid (%s): %s", what, strerror(errno));
	return status;
}
