#ifndef BT_HANDLERS_AUTH_H
#define BT_HANDLERS_AUTH_H

/*
 * `basic_auth`: name and password, verified by crypt(3) on the offload threads,
 * which takes some 50 ms of a CPU.  What was verified is known for a moment, so
 * that a page with its pictures costs that once.
 */

#include "handlers/stage.h"

struct bt_auth;

/* A worker's; NULL when there are no random numbers: then nobody gets in. */
struct bt_auth *bt_auth_new(struct bt_offload *, unsigned threads);

/* When the offload threads are gone.  Accepts NULL. */
void bt_auth_free(struct bt_auth *);

extern const struct bt_stage bt_stage_auth;

#endif
