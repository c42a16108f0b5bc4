#ifndef BT_PROXY_FRAMING_H
#define BT_PROXY_FRAMING_H

/*
 * Content of a request, into the block for its server: as it is where it has a
 * length, else in chunks, which are ours.  Context: worker, on the loop.
 */

#include "proxy/proxying.h"

/* How much content there is room for, its end behind it; 0: none now. */
size_t bt_framing_room(struct bt_proxying *);

/* Where in the block a piece may stand until bt_framing_put() has it. */
char *bt_framing_place(const struct bt_proxying *);

/* A piece, at most as much as there is room for. */
void bt_framing_put(struct bt_proxying *, struct bt_str piece);

/* The end, with the trailers that are for the server: all of it is there. */
void bt_framing_put_end(struct bt_proxying *);

#endif
