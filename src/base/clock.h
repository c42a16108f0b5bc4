#ifndef BT_BASE_CLOCK_H
#define BT_BASE_CLOCK_H

/*
 * The time, read from the vDSO: no system call.  Coarse times are those of the
 * last kernel tick (1-4 ms old) and cost a few nanoseconds.
 */

#include <stdint.h>
#include <time.h>

/* Milliseconds of CLOCK_MONOTONIC_COARSE: for deadlines. Same in every process.
 */
static inline int64_t
bt_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Microseconds of CLOCK_MONOTONIC: for measuring.  Same in every process. */
static inline int64_t
bt_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Seconds since 1970, UTC. */
static inline int64_t
bt_clock_wall_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return ts.tv_sec;
}

/* Milliseconds since 1970. */
static inline int64_t
bt_clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
