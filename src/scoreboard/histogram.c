/*
 * Reading of histograms: whoever asks sums those of all workers into one of his
 * own, and looks at that.  The writing is in the header, as it is a part of
 * every answer.
 */

#include "scoreboard/histogram.h"

void
bt_histogram_merge(struct bt_histogram *h, const struct bt_histogram *from)
{
	h->sum_us += __atomic_load_n(&from->sum_us, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < BT_HISTOGRAM_BUCKETS; i++)
		h->counts[i] +=
		    __atomic_load_n(&from->counts[i], __ATOMIC_RELAXED);
}

uint64_t
bt_histogram_count(const struct bt_histogram *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < BT_HISTOGRAM_BUCKETS; i++)
		n += h->counts[i];
	return n;
}

uint64_t
bt_histogram_below(const struct bt_histogram *h, uint64_t us)
{
	unsigned end = bt_histogram_index(us);
	uint64_t n = 0;

	for (unsigned i = 0; i < end; i++)
		n += h->counts[i];
	return n;
}

uint64_t
bt_histogram_quantile(const struct bt_histogram *h, double q)
{
	uint64_t n = bt_histogram_count(h), rank, before = 0;

	if (n == 0)
		return 0;
	rank = (uint64_t)(q * (double)n + 0.5);
	rank = rank < 1 ? 1 : rank > n ? n : rank;
	for (unsigned i = 0; i < BT_HISTOGRAM_BUCKETS; i++) {
		uint64_t low = bt_histogram_bound(i);
		uint64_t width = bt_histogram_bound(i + 1) - low;

		if (before + h->counts[i] >= rank) /* spread evenly in it */
			return low +
			    (uint64_t)((double)width *
				((double)(rank - before) - 0.5) /
				(double)h->counts[i]);
		before += h->counts[i];
	}
	return bt_histogram_bound(BT_HISTOGRAM_BUCKETS);
}
