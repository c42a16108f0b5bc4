#ifndef BT_TORTURE_RANDOM_H
#define BT_TORTURE_RANDOM_H

/*
 * Numbers that look random and are the same for the same seed (splitmix64).
 * The schedule has a stream of its own, so that it does not depend on what the
 * clients met.
 */

#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t
random_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline uint64_t
random_next(struct random *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	return random_mix(r->state);
}

/* One of 0..n-1; 0 when n is 0. */
static inline uint64_t
random_below(struct random *r, uint64_t n)
{
	return n > 0 ? random_next(r) % n : 0;
}

/* Half to one and a half of the mean. */
static inline int64_t
random_around(struct random *r, int64_t mean)
{
	return mean / 2 + (int64_t)random_below(r, (uint64_t)mean + 1);
}

#endif
