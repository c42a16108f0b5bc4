#ifndef BT_TORTURE_WRK_H
#define BT_TORTURE_WRK_H

/* wrk beside our own clients: somebody else's idea of load. */

#include "tests/torture/server.h"

#include <stdbool.h>

/* Starts it, where it is installed. */
void wrk_start(const struct server *, const struct options *);
bool wrk_is_over(void);

/* Fails the run for what it says of errors, unless they may be. */
void wrk_judge(const struct server *, bool may_fail);

#endif
