#ifndef BT_SCOREBOARD_RATES_H
#define BT_SCOREBOARD_RATES_H

/*
 * Token buckets by client address, in memory that all workers share: whichever
 * worker a client's connection is at, it is the same bucket.  A bucket is one
 * word, the time at which it is full again, so that taking a token is one
 * compare-and-swap and nobody waits.
 *
 * The table is bounded.  An address has its place among a few neighbours; where
 * these are all in use, the bucket that is nearest to full is given to it.
 */

#include <stdatomic.h>
#include <stdint.h>

struct bt_rate {
	uint32_t per_s; /* 0: no limit */
	uint32_t burst; /* what a full bucket holds; >= 1 */
};

struct bt_rates;

/*
 * Makes `n` buckets, a power of two, all full.
 *
 * Returns:   0 with `*ret`, or negative errno.
 * Ownership: the caller's, bt_rates_free(); children inherit the mapping.
 */
int bt_rates_new(uint32_t n, struct bt_rates **ret);

/* Accepts NULL. */
void bt_rates_free(struct bt_rates *);

/*
 * What stands for an address: a hash under a random key, so that nobody can
 * choose addresses that collide.  An IPv6 address counts by its first 64 bits,
 * an IPv4 address mapped into IPv6 as IPv4.
 *
 * Returns: 0 for UNIX sockets, which have no limits.
 */
uint64_t bt_rates_key(
    const struct bt_rates *, int family, const uint8_t host[static 16]);

/*
 * Takes a token of the address's bucket.
 *
 * Returns: 0; or how long it takes until there is one, in ms, at least 1.
 */
int64_t bt_rates_take(
    struct bt_rates *, uint64_t key, struct bt_rate, int64_t now_ms);

#endif
