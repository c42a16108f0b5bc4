#ifndef BT_TORTURE_LOOP_H
#define BT_TORTURE_LOOP_H

/* One epoll loop and its timers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A descriptor that is watched; embedded in what it is for. */
struct watch {
	void (*on_event)(void *arg, uint32_t events);
	void *arg;
};

/* Runs once, when its time has come. Zeroed is: not set. */
struct timer {
	void (*on_time)(void *arg);
	void *arg;
	int64_t when_us;
	size_t place; /* in the heap, from 1 on; 0: not set */
};

void loop_init(void);
void loop_fini(void);

/* CLOCK_MONOTONIC. */
int64_t loop_now_us(void);

/*
 * Adds a descriptor, or changes what it is watched for. Forgetting comes
 * before close(), and not while events of other descriptors of the same watch
 * may be pending.
 */
void loop_watch(int fd, struct watch *, uint32_t events);
void loop_change(int fd, struct watch *, uint32_t events);
void loop_forget(int fd);

void loop_after(struct timer *, int64_t us);
void loop_cancel(struct timer *);

/* Until `*done`, or the deadline has passed. */
void loop_run(const bool *done, int64_t deadline_us);

#endif
