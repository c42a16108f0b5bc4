#ifndef BT_SCOREBOARD_SEATS_H
#define BT_SCOREBOARD_SEATS_H

/*
 * Which connections are still open, for the limit of those of one address: the
 * master gives a connection a seat when it accepts it, and the worker that
 * closes it leaves the seat, with one store.  A connection that moves keeps
 * its seat; those of a worker that died are freed by the master.
 */

#include <stdatomic.h>
#include <stdint.h>

struct bt_seats {
	uint32_t n;              /* seats are 1 .. n - 1; 0: none */
	_Atomic uint8_t taken[]; /* by seat */
};

/*
 * Makes shared memory for `n`, which costs nothing until it is used.
 *
 * Returns: 0 with `*ret`, or negative errno.
 */
int bt_seats_new(uint32_t n, struct bt_seats **ret);

/* Accepts NULL. */
void bt_seats_free(struct bt_seats *);

/* The connection is closed; `seat` may be 0.  Context: whoever closes it. */
static inline void
bt_seats_leave(struct bt_seats *seats, uint32_t seat)
{
	if (seat != 0 && seat < seats->n)
		atomic_store_explicit(
		    &seats->taken[seat], 0, memory_order_relaxed);
}

#endif
