#ifndef BT_HANDLERS_WORK_H
#define BT_HANDLERS_WORK_H

/*
 * Work beside the loop for an exchange, which waits for it: what may block, or
 * burns CPU.  A handler that gives work in answer() describes its reply when
 * that is done.
 */

#include "base/offload.h"
#include "handlers/reply.h"

struct bt_work {
	struct bt_job job;
	/* Whose it is; NULL when that has ended meanwhile. */
	struct baton_exchange *x;
	/* On an offload thread: touches only what is the work's own. */
	void (*run)(struct bt_work *);
	/*
	 * On the loop, with `x` or without: uses what was found, and frees the
	 * work.  The connection goes on afterwards.
	 */
	void (*done)(struct bt_work *);
};

/*
 * Gives work for an exchange, which has no other under way.
 *
 * Returns:   0; -EAGAIN when there is too much already, or another negative
 *            errno: bt_reply_busy() is the answer.
 * Ownership: the threads', until done(), where it succeeds.
 * Context:   worker, on the loop.
 */
int bt_work_start(struct baton_exchange *, struct bt_work *);

/*
 * The same in two steps: the exchange waits, but the threads get the work only
 * with the second one.  Until then it is the caller's, who looks at its `x`.
 */
void bt_work_hold(struct baton_exchange *, struct bt_work *);
int bt_work_release(struct bt_offload *, struct bt_work *);

/*
 * Takes back what has not begun.
 *
 * Returns: false when it is too late: then it goes on.
 */
bool bt_work_cancel(struct baton_exchange *);

/*
 * The exchange ends, or shall have another reply: what it waits for is not
 * begun any more, or finishes for nobody.
 */
void bt_work_forget(struct baton_exchange *);

#endif
