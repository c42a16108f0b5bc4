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
 * It is NONE when in doubt: so before anything is read or sent, and IDLE,
 * ASKED or TUNNEL again afterwards.  Who dies between the two has lost that
 * connection and not brought two answers into the world.
 */

#include "channel/channel.h"

#include <sys/types.h>

struct bt_heritage;

enum bt_guard_state {
	BT_GUARD_NONE,   /* bytes were read, or sent, and are lost: closed */
	BT_GUARD_IDLE,   /* all that there is is in the kernel: dealt again */
	BT_GUARD_ASKED,  /* a request, and no byte of its answer: 502 */
	BT_GUARD_TUNNEL, /* nothing is between its ends: both are dealt again */
};

/* What there is to know of a descriptor. */
union bt_guarded {
	struct bt_baton baton; /* a client's */
	union bt_amid amid;    /* of a tunnel: its server's */
};

/* Shared with the guard; each by the number of the descriptor. */
struct bt_guard {
	unsigned n; /* of these; descriptors behind them are not guarded */
	union bt_guarded *of; /* NULL: there is no guard */
	uint8_t *states;      /* enum bt_guard_state */
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

/* Returns what it was before; only the worker sets it. */
static inline enum bt_guard_state
bt_guard_set(struct bt_guard *g, int fd, enum bt_guard_state state)
{
	enum bt_guard_state before = BT_GUARD_NONE;

	if ((unsigned)fd < g->n) {
		before = (enum bt_guard_state)g->states[fd];
		__atomic_store_n(
		    &g->states[fd], (uint8_t)state, __ATOMIC_RELEASE);
	}
	return before;
}

/* A connection comes; with bytes or an answer it cannot be dealt again. */
static inline void
bt_guard_enter(struct bt_guard *g, int fd, const struct bt_baton *baton)
{
	if ((unsigned)fd >= g->n)
		return;
	g->of[fd].baton = *baton;
	bt_guard_set(g, fd,
	    baton->bytes == 0 && baton->flags == 0 ? BT_GUARD_IDLE
						   : BT_GUARD_NONE);
}

/* More is known of it than when it came; its state stays. */
static inline void
bt_guard_learn(struct bt_guard *g, int fd, const struct bt_baton *baton)
{
	if ((unsigned)fd < g->n)
		g->of[fd].baton = *baton;
}

/* Nothing is under way on it, after so many requests. */
static inline void
bt_guard_set_idle(struct bt_guard *g, int fd, uint32_t requests)
{
	if ((unsigned)fd < g->n) {
		struct bt_baton *baton = &g->of[fd].baton;

		baton->requests = requests;
		baton->bytes = 0; /* as it came: that is over */
		baton->flags &= BT_BATON_PROXIED;
		bt_guard_set(g, fd, BT_GUARD_IDLE);
	}
}

/*
 * It is a tunnel from now on, TUNNEL whenever nothing is between its ends.
 *
 * Returns: false where it has no place: then it has to stay NONE.
 */
static inline bool
bt_guard_learn_tunnel(struct bt_guard *g, int fd, int with_fd,
    const struct bt_baton *baton, const union bt_amid *amid)
{
	if ((unsigned)fd >= g->n || (unsigned)with_fd >= g->n)
		return false;
	bt_guard_set(g, fd, BT_GUARD_NONE);
	bt_guard_set(g, with_fd, BT_GUARD_NONE);
	g->of[fd].baton = *baton;
	g->of[fd].baton.bytes = 0;
	g->of[fd].baton.flags &= BT_BATON_PROXIED;
	g->of[fd].baton.flags |= BT_BATON_TAKEN | BT_BATON_TUNNEL;
	g->of[fd].baton.with_fd = (uint32_t)with_fd;
	g->of[with_fd].amid = *amid;
	return true;
}

#endif
