#ifndef BT_MASTER_LIMITS_H
#define BT_MASTER_LIMITS_H

/*
 * What one client address may have: so many connections at a time, and so many
 * new ones in a second.  Decided at accept, before a worker is woken.
 *
 * A connection that counts has a seat in shared memory, which whoever closes it
 * leaves (scoreboard/seats.h).  Here the seats of an address are a list, and
 * those that were left are only noticed when the address seems to be at its
 * limit, or when seats run short: a close costs one store, an accept O(1), and
 * only a connection that may have to be refused looks at all of the address's.
 *
 * Context: master, on the loop.
 */

#include "channel/channel.h"
#include "conf/conf.h"
#include "scoreboard/rates.h"
#include "scoreboard/scoreboard.h"
#include "scoreboard/seats.h"

struct bt_limits {
	bool on;                             /* else nobody asks */
	unsigned connections;                /* of one address; 0: no limit */
	const struct bt_addr_block *proxies; /* the conf's: not limited */
	size_t proxies_n;
	struct bt_rate rate; /* of new ones */
	struct bt_score_master *score;
	struct bt_rates *rates; /* of connections */
	struct bt_seats *shared;
	struct bt_limits_seat *seats;
	uint32_t used, cap; /* seats */
	uint32_t free;      /* the first of those that can be given again */
	uint32_t sweep_at;  /* so many used, and all are looked at */
	struct bt_limits_address *addresses;
	uint32_t addresses_n, addresses_cap; /* a power of two */
};

/*
 * `score` is the caller's to set first.  0, or negative errno; bt_limits_fini()
 * in either case.
 */
int bt_limits_init(struct bt_limits *);
void bt_limits_fini(struct bt_limits *);

/* From now on, what this conf says. */
void bt_limits_set(struct bt_limits *, const struct bt_conf *);

/*
 * Whether a connection may come in; if so it counts, with `seat` in its baton.
 * Else that is counted as a refusal, and the connection is the caller's to
 * close.
 */
bool bt_limits_admit(struct bt_limits *, struct bt_baton *);

/*
 * It is with the master: back from a worker, or taken out of a channel.  One
 * that has no seat, or one of another master's, gets one; nobody is refused.
 */
void bt_limits_return(struct bt_limits *, struct bt_baton *);

/* It was dealt to a slot, and ends with its worker if that dies. */
void bt_limits_deal(struct bt_limits *, const struct bt_baton *, unsigned slot);

/*
 * The slot's worker has ended, and what it had open with it; with `rescue` some
 * of it may still come back, until bt_limits_settle().
 */
void bt_limits_end(struct bt_limits *, unsigned slot, bool rescue);
void bt_limits_settle(struct bt_limits *, unsigned slot);

#endif
