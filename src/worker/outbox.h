#ifndef BT_WORKER_OUTBOX_H
#define BT_WORKER_OUTBOX_H

/*
 * Connections on their way back to the master: gathered into full messages, and
 * kept while the channel has no room.  Context: worker, on the loop.
 */

#include "channel/channel.h"

struct bt_worker;
struct bt_outbox;

/* Ownership: the caller's, bt_outbox_free(). */
struct bt_outbox *bt_outbox_new(struct bt_worker *);

/* Closes what could not be sent; accepts NULL. */
void bt_outbox_free(struct bt_outbox *);

/*
 * Adds a connection, to be sent in this turn of the loop or when there is room.
 * Ownership: takes the descriptor, copies the bytes.
 */
void bt_outbox_add(struct bt_outbox *, const struct bt_handover *);

/* Sends what is there, as far as the channel has room; the rest follows. */
void bt_outbox_flush(struct bt_outbox *);

bool bt_outbox_is_empty(const struct bt_outbox *);

#endif
