#ifndef BT_SCOREBOARD_HISTOGRAM_H
#define BT_SCOREBOARD_HISTOGRAM_H

/*
 * How long things took: counts by duration, in shared memory, with one writer.
 * Buckets are log-linear, eight to each power of two, so that a duration is
 * known to 6 % from a microsecond to nine minutes, in less than 2 KiB.
 */

#include <stddef.h>
#include <stdint.h>

#define BT_HISTOGRAM_SUB_BITS 3
#define BT_HISTOGRAM_TOP_BIT 28 /* what is longer counts as 2^29 us */
#define BT_HISTOGRAM_BUCKETS \
	((BT_HISTOGRAM_TOP_BIT - BT_HISTOGRAM_SUB_BITS + 2) \
	    << BT_HISTOGRAM_SUB_BITS)

struct bt_histogram {
	uint64_t sum_us;
	uint64_t counts[BT_HISTOGRAM_BUCKETS];
};

/* The bucket of a duration. */
static inline unsigned
bt_histogram_index(uint64_t us)
{
	unsigned shift;

	if (us >> BT_HISTOGRAM_SUB_BITS == 0)
		return (unsigned)us;
	if (us >> (BT_HISTOGRAM_TOP_BIT + 1) != 0)
		return BT_HISTOGRAM_BUCKETS - 1;
	shift = 63 - (unsigned)__builtin_clzll(us) - BT_HISTOGRAM_SUB_BITS;
	return (shift << BT_HISTOGRAM_SUB_BITS) + (unsigned)(us >> shift);
}

/*
 * The least duration of a bucket; all in it are less than that of the next one,
 * but in the last one, where what is longer is, too.  `i` may be one past the
 * last.
 */
static inline uint64_t
bt_histogram_bound(unsigned i)
{
	unsigned sub = i & ((1u << BT_HISTOGRAM_SUB_BITS) - 1);
	unsigned octave = i >> BT_HISTOGRAM_SUB_BITS;

	if (octave == 0)
		return i;
	return (uint64_t)(sub + (1u << BT_HISTOGRAM_SUB_BITS)) << (octave - 1);
}

/*
 * Counts `n` things that took `us` each; below zero, as two clocks may have it,
 * is zero.  Context: the one process that writes this histogram.
 */
static inline void
bt_histogram_add(struct bt_histogram *h, int64_t us, uint64_t n)
{
	uint64_t took = us > 0 ? (uint64_t)us : 0;
	uint64_t *count = &h->counts[bt_histogram_index(took)];

	__atomic_store_n(count, *count + n, __ATOMIC_RELAXED);
	__atomic_store_n(&h->sum_us, h->sum_us + took * n, __ATOMIC_RELAXED);
}

/* Adds what `from` has counted by now, while it is being written. */
void bt_histogram_merge(struct bt_histogram *, const struct bt_histogram *from);

/* How many were counted.  Not while it is being written: merge it first. */
uint64_t bt_histogram_count(const struct bt_histogram *);

/* How many took less than `us`, a bt_histogram_bound(); as above. */
uint64_t bt_histogram_below(const struct bt_histogram *, uint64_t us);

/*
 * The duration that a share of `q` (0..1) stays within, the nearest rank's
 * place in its bucket.  0 when nothing was counted.  As above.
 */
uint64_t bt_histogram_quantile(const struct bt_histogram *, double q);

#endif
