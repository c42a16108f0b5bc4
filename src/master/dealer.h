#ifndef BT_MASTER_DEALER_H
#define BT_MASTER_DEALER_H

/*
 * Who gets which connection.  Accepted connections stand in one queue, in the
 * order of their accept, and leave it from the front; usually all of them at
 * once.  What no slot can take stays in the queue: held.
 *
 * Keeps nothing but the queue: load is read from the scoreboard.  Knows slots,
 * but neither processes nor events.
 */

#include "master/slot.h"

struct bt_dealer {
	struct bt_slot *slots;
	unsigned slots_n;
	enum bt_dispatch dispatch;
	unsigned connections_max; /* of one slot */
	uint32_t generation;      /* only its slots are dealt to */
	bool level;               /* whatever `dispatch` says: to the fewest */
	struct bt_score_master *score;
	struct bt_limits *limits; /* hear where connections with a seat go */
	void (*on_blocked)(struct bt_slot *, int err); /* a channel refused */

	struct bt_handover *pending; /* the queue, front first */
	size_t pending_n, pending_cap;
	unsigned next; /* whose turn it is */
	uint64_t turn; /* deals so far */
};

/* The fields above `pending` are the caller's to set first. */
void bt_dealer_init(struct bt_dealer *);

/* Closes what is still held, counted as refused. */
void bt_dealer_fini(struct bt_dealer *);

/*
 * Room for `n` more at the end of the queue: the caller fills them in and says
 * with bt_dealer_take() how many there are.  Valid until the next call.
 */
struct bt_handover *bt_dealer_room(struct bt_dealer *, size_t n);

/*
 * Takes the first `n` of the room into the queue.
 *
 * Ownership: the descriptors are the dealer's, and the bytes, which free() must
 *            be able to free.
 */
void bt_dealer_take(struct bt_dealer *, size_t n);

/*
 * Puts `n` that workers handed back in front of the queue: they had their turn
 * already.
 *
 * Ownership: takes the descriptors; copies the bytes.
 */
void bt_dealer_take_back(
    struct bt_dealer *, const struct bt_handover *, size_t n);

/*
 * Deals from the front of the queue as far as the slots can take: connection
 * by connection in exact turn, sent as one message for each slot, and then the
 * master's own copies are closed.  When something stays behind, every slot that
 * is full was asked to say when it has room (BT_MESSAGE_ROOM), and for every
 * slot whose channel refused, on_blocked was called.
 *
 * Returns: how many were dealt; pending_n is what is held.
 */
size_t bt_dealer_deal(struct bt_dealer *);

/* Connections in the channels of all slots: the workers have not come to them.
 */
uint64_t bt_dealer_in_channels(const struct bt_dealer *);

#endif
