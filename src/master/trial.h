#ifndef BT_MASTER_TRIAL_H
#define BT_MASTER_TRIAL_H

/*
 * Something that may take its time, or crash, tried in a child of the master,
 * which goes on meanwhile.  What the child has to say comes over a pipe.
 */

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct event;
struct event_base;

struct bt_trial {
	pid_t pid; /* 0: none is under way */
	int fd;
	struct event *readable, *patience;
	struct bt_buf said;
	/* It is over; `said` has why it is not good, else it is good. */
	void (*on_over)(void *arg, struct bt_buf *said);
	void *arg;
};

/*
 * Calls `run` in a child; what it leaves in its buffer is what is wrong.
 *
 * Returns:   0, and on_over() will be called; negative errno.
 * Ownership: the trial is the caller's, with on_over and arg set; zeroed before
 *            the first time.
 * Context:   master, on the loop.
 */
int bt_trial_start(struct bt_trial *, struct event_base *,
    void (*run)(void *arg, struct bt_buf *wrong), unsigned patience_s);

/* Ends one that is under way; on_over() is not called. */
void bt_trial_stop(struct bt_trial *);

#endif
