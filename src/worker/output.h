#ifndef BT_WORKER_OUTPUT_H
#define BT_WORKER_OUTPUT_H

/*
 * From a described reply to bytes on the wire.  Heads, small contents and
 * produced contents are gathered in the connection's buffer and sent with one
 * call; larger contents go from where they are: memory with sendmsg(2), files
 * with sendfile(2).  Context: worker, on the loop.
 */

#include "base/str.h"

struct bt_conn;

/*
 * Moves the reply of the exchange into the output as far as there is room.
 * What is larger than the buffer stays where it is, for the flush.
 *
 * Returns: true when something moved on.
 */
bool bt_output_fill(struct bt_conn *);

/* True when a reply head may not fit any more: flush first. */
bool bt_output_is_full(const struct bt_conn *);

/* True when something waits to be sent: bytes, or a part of a content. */
bool bt_output_is_pending(const struct bt_conn *);

/*
 * Sends as much as the socket takes, but at most a fair amount.
 *
 * Returns: true when something was sent; false when nothing could be. After a
 *          failure the connection is closed.
 */
bool bt_output_flush(struct bt_conn *);

/* `100 Continue`, if there is room. */
void bt_output_continue(struct bt_conn *);

/*
 * An interim answer with those lines, if there is room: what it says is said
 * again by the answer, or was a hint.
 */
void bt_output_interim(struct bt_conn *, unsigned status, struct bt_str fields);

#endif
