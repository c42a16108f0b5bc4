#ifndef BT_BASE_OFFLOAD_H
#define BT_BASE_OFFLOAD_H

/*
 * Work beside the loop: a few threads of one process run what may block or
 * burns CPU, in the order in which it was given, and the loop is told when it
 * is done.
 */

#include <stdbool.h>
#include <sys/queue.h>

struct bt_offload;

/* A piece of work; embedded in what it works on. */
struct bt_job {
	/* On a thread: touches only what is the job's own. */
	void (*run)(struct bt_job *);
	/* On the loop, once, when run() has returned; may free the job. */
	void (*done)(struct bt_job *);
	/* the pool's part */
	TAILQ_ENTRY(bt_job) link;
	bool queued; /* has not begun */
};

/*
 * Makes a pool of that many threads, which are started when there is work, and
 * a queue of at most `queue_max` jobs that have not begun.
 *
 * Returns:   0 with `*ret`, or negative errno.
 * Ownership: the caller's, bt_offload_free().
 * Context:   a worker; it must not fork once there was work.
 */
int bt_offload_new(
    unsigned threads, unsigned queue_max, struct bt_offload **ret);

/*
 * Ends the threads when they have finished what they do; waits for that for a
 * moment only, then leaves them to the end of the process.  Jobs that have not
 * begun, or are not collected, are done().  Accepts NULL.
 */
void bt_offload_free(struct bt_offload *);

/*
 * Gives a job to the threads.  Never blocks.
 *
 * Returns:   0; -EAGAIN when the queue is full, or another negative errno when
 *            there is no thread.
 * Ownership: the pool's, until done().
 */
int bt_offload_submit(struct bt_offload *, struct bt_job *);

/*
 * Takes a job back that has not begun; then it will neither run nor be done.
 *
 * Returns: true, and it is the caller's again; false when it is too late.
 */
bool bt_offload_cancel(struct bt_offload *, struct bt_job *);

/* Readable when something is done: for the loop. */
int bt_offload_fd(const struct bt_offload *);

/* Calls done() of what is done by now.  On the loop. */
void bt_offload_collect(struct bt_offload *);

#endif
