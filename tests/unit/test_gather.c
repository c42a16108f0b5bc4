/* src/master/gather.c */

#include "master/gather.h"
#include "tests/unit/unit.h"

/* Rounds of equal size, `step_us` of accepting apart; returns the last wait. */
static unsigned
rounds(struct bt_gather *g, unsigned count, unsigned n, uint64_t queued,
    int64_t *now_us)
{
	unsigned us = 0;

	for (unsigned i = 0; i < count; i++) {
		us = bt_gather_next(g, n, queued, *now_us);
		*now_us += us + 20;
	}
	return us;
}

START_TEST(one_by_one_never_waits)
{
	struct bt_gather g = { 0 };
	int64_t now_us = 1000000;

	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(bt_gather_next(&g, 1, 0, now_us += 80), 0);
}
END_TEST

START_TEST(together_waits)
{
	struct bt_gather g = { 0 };
	unsigned us = bt_gather_next(&g, BT_GATHER_WORTH, 0, 1000000);

	ck_assert_uint_ge(us, BT_GATHER_LEAST_US);
	ck_assert_uint_le(us, BT_GATHER_MOST_US);
}
END_TEST

START_TEST(behind_a_queue_waits)
{
	struct bt_gather g = { 0 };

	ck_assert_uint_gt(bt_gather_next(&g, 1, BT_GATHER_WORTH, 1000000), 0);
}
END_TEST

START_TEST(nothing_never_waits)
{
	struct bt_gather g = { 0 };

	ck_assert_uint_eq(bt_gather_next(&g, 0, 1000, 1000000), 0);
}
END_TEST

START_TEST(more_wait_longer_up_to_a_bound)
{
	static const unsigned sizes[] = { 3, 5, 8, 10, 64, 253 };
	unsigned before = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bt_gather g = { 0 };
		int64_t now_us = 1000000;
		unsigned us = rounds(&g, 50, sizes[i], 0, &now_us);

		ck_assert_uint_ge(us, before);
		ck_assert_uint_le(us, BT_GATHER_MOST_US);
		before = us;
	}
	ck_assert_uint_eq(before, BT_GATHER_MOST_US);
}
END_TEST

START_TEST(a_trickle_ends_it_and_is_left_alone)
{
	struct bt_gather g = { 0 };
	int64_t now_us = 1000000, ended_us;

	ck_assert_uint_gt(rounds(&g, 10, 10, 0, &now_us), 0);
	for (int i = 0; i < 20 && g.wait_us > 0; i++)
		rounds(&g, 1, 1, 0, &now_us);
	ck_assert_uint_eq(g.wait_us, 0);
	ended_us = now_us;
	/* also when three come together now and then */
	ck_assert_uint_eq(bt_gather_next(&g, 3, 0, ended_us + 1000), 0);
	ck_assert_uint_gt(
	    bt_gather_next(&g, 3, 0, ended_us + BT_GATHER_PENANCE_US), 0);
}
END_TEST

START_TEST(silence_ends_it_without_penance)
{
	struct bt_gather g = { 0 };
	int64_t now_us = 1000000;

	ck_assert_uint_gt(rounds(&g, 10, 10, 0, &now_us), 0);
	ck_assert_uint_eq(bt_gather_next(&g, 0, 0, now_us), 0);
	ck_assert_uint_gt(bt_gather_next(&g, 10, 0, now_us + 50), 0);
}
END_TEST

BT_UNIT_SUITE(gather)
{
	TCase *tc = bt_unit_case(s, "policy");

	tcase_add_test(tc, one_by_one_never_waits);
	tcase_add_test(tc, together_waits);
	tcase_add_test(tc, behind_a_queue_waits);
	tcase_add_test(tc, nothing_never_waits);
	tcase_add_test(tc, more_wait_longer_up_to_a_bound);
	tcase_add_test(tc, a_trickle_ends_it_and_is_left_alone);
	tcase_add_test(tc, silence_ends_it_without_penance);
}
