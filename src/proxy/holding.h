#ifndef BT_PROXY_HOLDING_H
#define BT_PROXY_HOLDING_H

/*
 * Contents of requests that wait.  Up to `hold_bytes` they are taken from their
 * clients before there is a server for them: a few blocks in memory, and a file
 * behind those.  When a request has its connection, what was taken goes first,
 * as fast as the server takes it, and then the rest, from the client.  What is
 * past `hold_bytes`, or cannot be kept, stays with the client all the time:
 * nothing is refused for that, and nothing lost.  Context: worker, on the loop.
 */

#include "proxy/proxying.h"

/* Content is not for the server now: it is held, or stays with the client. */
bool bt_holding_is_first(const struct bt_proxying *);

/* How much more may be held, while that is so; 0: the rest has to wait. */
size_t bt_holding_room(struct bt_proxying *);

/* Holds a piece, at most as much as there is room for. */
void bt_holding_add(struct bt_proxying *, struct bt_str piece);

/* The content ends behind what is held. */
void bt_holding_add_end(struct bt_proxying *);

/*
 * Sends what is held, as far as the server takes it and it is in memory; called
 * again when either has moved.  Nothing where there is none, or no server.
 * What cannot be read back ends the exchange: 500, or its answer is cut.
 */
void bt_holding_send(struct bt_proxying *);

/* Forgets what is held. */
void bt_holding_end(struct bt_proxying *);

#endif
