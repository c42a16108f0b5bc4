#ifndef BT_WORKER_GUARD_H
#define BT_WORKER_GUARD_H

/*
 * The guard of a worker: a process that shares the worker's descriptor table
 * (clone(2), CLONE_FILES) and nothing else, and sleeps.  When the worker dies,
 * of whatever, its connections are still open here, and the guard hands them
 * back to the master: crash rescue.
 *
 * What it may do with each stands in shared memory, by descriptor; the worker
 * keeps it up to date with plain stores.  Nothing is told to anybody when a
 * connection ends: the worker's close() is the guard's as well.
 *
 * It is NONE when in doubt: so before anything is read or sent, and IDLE or
 * ASKED again afterwards.  Who dies between the two has lost that connection
 * and not brought two answers into the world.
 */

#include "channel/channel.h"

#include <sys/types.h>

struct bt_heritage;

enum bt_guard_state {
	BT_GUARD_NONE,  /* bytes were read, or sent, and are lost: closed */
	BT_GUARD_IDLE,  /* all that there is is in the kernel: dealt again */
	BT_GUARD_ASKED, /* a request, and no byte of its answer: 502 */
};

/* Shared with the guard; each by the number of the descriptor. */
struct bt_guard {
	unsigned n; /* of these; descriptors behind them are not guarded */
	struct bt_baton *batons; /* NULL: there is no guard */
	uint8_t *states;         /* enum bt_guard_state */
};

/*
 * Starts the guard of this process, a child of the master, before there are
 * threads.  Its pid goes to the scoreboard.
 *
 * Returns: 0; negative errno, and there is none: every connection ends with
 *          the worker.
 */
int bt_guard_start(struct bt_guard *, const struct bt_heritage *);

/* Forgets what is shared; the guard ends with the worker. */
void bt_guard_stop(struct bt_guard *);

static inline void
bt_guard_set(struct bt_guard *g, int fd, enum bt_guard_state state)
{
	if ((unsigned)fd < g->n)
		__atomic_store_n(
		    &g->states[fd], (uint8_t)state, __ATOMIC_RELEASE);
}

/* A connection comes; with bytes or an answer it cannot be dealt again. */
static inline void
bt_guard_enter(struct bt_guard *g, int fd, const struct bt_baton *baton)
{
	if ((unsigned)fd >= g->n)
		return;
	g->batons[fd] = *baton;
	bt_guard_set(g, fd,
	    baton->bytes == 0 && baton->flags == 0 ? BT_GUARD_IDLE
						   : BT_GUARD_NONE);
}

/* More is known of it than when it came; its state stays. */
static inline void
bt_guard_learn(struct bt_guard *g, int fd, const struct bt_baton *baton)
{
	if ((unsigned)fd < g->n)
		g->batons[fd] = *baton;
}

/* Nothing is under way on it, after so many requests. */
static inline void
bt_guard_set_idle(struct bt_guard *g, int fd, uint32_t requests)
{
	if ((unsigned)fd < g->n) {
		g->batons[fd].requests = requests;
		g->batons[fd].bytes = 0; /* as it came: that is over */
		g->batons[fd].flags &= BT_BATON_PROXIED;
		bt_guard_set(g, fd, BT_GUARD_IDLE);
	}
}

#endif
