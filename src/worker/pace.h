#ifndef BT_WORKER_PACE_H
#define BT_WORKER_PACE_H

/*
 * The least pace of a client: min_body_rate while its content is awaited,
 * min_send_rate while it is to take our answer.
 *
 * A deadline of these phases is moved, to a whole timeout from now, only when
 * the client has done so much since it was last set as the rate wants of a
 * whole timeout: a window.  So the phases' queues stay sorted, no connection
 * has a timer, and a byte now and then does not buy time.  With a rate of 0 any
 * byte does.  Context: worker, on the loop.
 */

#include "worker/conn.h"

/* A window begins: the connection enters the phase, or enters it again. */
void bt_pace_begin(struct bt_conn *, enum bt_conn_phase);

/* Whether enough was done in this window for another one; it has moved. */
bool bt_pace_is_kept(const struct bt_conn *);

/*
 * SEND: bytes that the client has acknowledged since the window began; more
 * than went to the kernel, if it took of what had waited there.
 */
uint64_t bt_pace_taken(const struct bt_conn *);

/* SEND: whether so many are enough for another window. */
bool bt_pace_suffices(const struct bt_conn *, uint64_t taken);

#endif
