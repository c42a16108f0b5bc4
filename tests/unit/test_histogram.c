/*
 * scoreboard/histogram.c: every duration has its bucket, and what is read from
 * the buckets is near to what was put there.
 */

#include "scoreboard/histogram.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define LAST (BT_HISTOGRAM_BUCKETS - 1)

static const struct {
	uint64_t us;
	unsigned index;
} indexes[] = {
	{ 0, 0 },
	{ 1, 1 },
	{ 7, 7 },
	{ 8, 8 },
	{ 15, 15 },
	{ 16, 16 },
	{ 17, 16 },
	{ 18, 17 },
	{ 31, 23 },
	{ 32, 24 },
	{ 1000, 63 },
	{ 1023, 63 },
	{ 1024, 64 },
	{ (UINT64_C(1) << 29) - 1, LAST },
	{ UINT64_C(1) << 29, LAST },
	{ UINT64_C(1) << 40, LAST },
	{ UINT64_MAX, LAST },
};

START_TEST(index_of)
{
	ck_assert_uint_eq(
	    bt_histogram_index(indexes[_i].us), indexes[_i].index);
}
END_TEST

START_TEST(buckets_touch_and_are_narrow)
{
	for (unsigned i = 0; i < BT_HISTOGRAM_BUCKETS; i++) {
		uint64_t low = bt_histogram_bound(i);
		uint64_t next = bt_histogram_bound(i + 1);

		ck_assert_uint_lt(low, next);
		ck_assert_uint_eq(bt_histogram_index(low), i);
		ck_assert_uint_eq(bt_histogram_index(next - 1), i);
		ck_assert_uint_le(next - low, low / 8 + 1);
	}
}
END_TEST

START_TEST(empty)
{
	static const struct bt_histogram h;

	ck_assert_uint_eq(bt_histogram_count(&h), 0);
	ck_assert_uint_eq(bt_histogram_below(&h, 1 << 20), 0);
	ck_assert_uint_eq(bt_histogram_quantile(&h, 0.99), 0);
}
END_TEST

START_TEST(adds)
{
	struct bt_histogram h = { 0 };

	bt_histogram_add(&h, 100, 1);
	bt_histogram_add(&h, 200, 16);
	bt_histogram_add(&h, -5, 1);
	bt_histogram_add(&h, 0, 1);
	ck_assert_uint_eq(bt_histogram_count(&h), 19);
	ck_assert_uint_eq(h.sum_us, 100 + 16 * 200);
	ck_assert_uint_eq(h.counts[0], 2);
	ck_assert_uint_eq(bt_histogram_below(&h, 64), 2);
	ck_assert_uint_eq(bt_histogram_below(&h, 128), 3);
	ck_assert_uint_eq(bt_histogram_below(&h, 256), 19);
}
END_TEST

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Samples over six orders of magnitude: p50, p95 and p99 are within 7 %. */
START_TEST(quantiles_are_near)
{
	enum { N = 20000 };
	static const double q[] = { 0.5, 0.9, 0.95, 0.99, 0.999 };
	static uint64_t samples[N];
	struct bt_histogram h = { 0 };
	uint64_t state = 42;

	for (int i = 0; i < N; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		samples[i] = (16 + (state >> 40) % 16) << (state >> 33) % 20;
		bt_histogram_add(&h, (int64_t)samples[i], 1);
	}
	qsort(samples, N, sizeof(samples[0]), by_size);
	for (int i = 0; i < ROWS(q); i++) {
		double want = (double)samples[(int)(q[i] * N + 0.5) - 1];
		double got = (double)bt_histogram_quantile(&h, q[i]);

		ck_assert_double_ge(got, want * 0.93);
		ck_assert_double_le(got, want * 1.07);
	}
}
END_TEST

START_TEST(quantiles_of_one)
{
	struct bt_histogram h = { 0 };

	bt_histogram_add(&h, 1000, 1);
	ck_assert_uint_ge(bt_histogram_quantile(&h, 0), 960);
	ck_assert_uint_lt(bt_histogram_quantile(&h, 0), 1024);
	ck_assert_uint_eq(
	    bt_histogram_quantile(&h, 0), bt_histogram_quantile(&h, 1));
}
END_TEST

START_TEST(merge_is_the_sum)
{
	struct bt_histogram a = { 0 }, b = { 0 }, both = { 0 }, sum = { 0 };

	for (int64_t us = 1; us < INT64_C(1) << 31; us *= 3) {
		bt_histogram_add(&a, us, 2);
		bt_histogram_add(&b, us + 5, 3);
		bt_histogram_add(&both, us, 2);
		bt_histogram_add(&both, us + 5, 3);
	}
	bt_histogram_merge(&sum, &a);
	bt_histogram_merge(&sum, &b);
	ck_assert_mem_eq(&sum, &both, sizeof(sum));
}
END_TEST

BT_UNIT_SUITE(histogram)
{
	TCase *tc = bt_unit_case(s, "buckets");

	tcase_add_loop_test(tc, index_of, 0, ROWS(indexes));
	tcase_add_test(tc, buckets_touch_and_are_narrow);
	tc = bt_unit_case(s, "reading");
	tcase_add_test(tc, empty);
	tcase_add_test(tc, adds);
	tcase_add_test(tc, quantiles_are_near);
	tcase_add_test(tc, quantiles_of_one);
	tcase_add_test(tc, merge_is_the_sum);
}
