#ifndef BATON_WORK_H
#define BATON_WORK_H

/*
 * Answers that take their time: work beside the loop, timers, and waiting for
 * something of the application's own.  An exchange that waits holds up nobody
 * but its client; when the client goes away meanwhile, it ends
 * (baton_on_end()). A client which closes its sending side while it waits
 * counts as gone, unless work for it has begun.
 */

#include <baton/app.h>

struct baton_offload {
	/* On an offload thread: touches `arg` alone, and calls no baton_…(). */
	void (*run)(void *arg);
	/* On the loop, when it has run and the exchange is still there. */
	void (*done)(struct baton_exchange *, void *arg);
	/* On the loop, once, last, whatever happened: frees `arg`.  Or NULL. */
	void (*release)(void *arg);
	/* Past so many ms the answer is 503; 0: the conf's worker_timeout. */
	unsigned deadline_ms;
};

/*
 * Runs a function on one of the worker's threads (`offload_threads`), beside
 * the loop.  What has not begun when the client goes away never begins.  One
 * piece at a time for an exchange.  `*how` is copied.
 *
 * Returns:   0; -EAGAIN when too much work waits already, and the answer is
 *            503 with Retry-After unless another is given; -EBUSY when the
 *            exchange has work under way.  release() is called in any case.
 * Ownership: `arg` is the work's until done() or release().
 */
BATON_API int baton_offload(
    struct baton_exchange *, const struct baton_offload *how, void *arg);

/* Calls `fn` on the loop after that time, once, if the exchange is there. */
BATON_API void baton_timer(struct baton_exchange *, unsigned ms,
    void (*fn)(struct baton_exchange *, void *arg), void *arg);

/*
 * The exchange waits for something of the application's: an event on
 * baton_place_loop(), another exchange.  Then baton_go_on() tells baton to look
 * at it again: after it was answered, or has more to stream, or a stage that
 * waited lets it pass.
 */
BATON_API void baton_hold(struct baton_exchange *);
BATON_API void baton_go_on(struct baton_exchange *);

#endif
