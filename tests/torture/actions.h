#ifndef BT_TORTURE_ACTIONS_H
#define BT_TORTURE_ACTIONS_H

/*
 * What the operator does, or has done to him: one action at a time, chosen by
 * weight from the seed, at times that the seed says too.
 */

#include "tests/torture/options.h"
#include "tests/torture/server.h"

/* The server has been started; begins after a second. */
void actions_start(struct server *, const struct options *);

/* No other is begun; what is under way comes to its end. */
void actions_finish(void);
bool actions_are_finished(void);

/* The server's end is expected from now on. */
void actions_expect_end(void (*on_end)(void *, int status), void *arg);

/* How often each was done. */
void actions_print(void);

#endif
