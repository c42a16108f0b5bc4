/*
 * worker/pool.c: blocks come back last in first out, and are bounded.
 */

#include "tests/unit/unit.h"

#include "base/pool.h"

#include <string.h>

START_TEST(last_given_is_taken_first)
{
	struct bt_pool p;
	void *a, *b;

	bt_pool_init(&p, 100, 8);
	a = bt_pool_take(&p);
	b = bt_pool_take(&p);
	memset(a, 1, 100);
	memset(b, 2, 100);
	bt_pool_give(&p, a);
	bt_pool_give(&p, b);
	ck_assert_ptr_eq(bt_pool_take(&p), b);
	ck_assert_ptr_eq(bt_pool_take(&p), a);
	memset(a, 3, 100);
	bt_pool_give(&p, a);
	bt_pool_give(&p, b);
	bt_pool_fini(&p);
}
END_TEST

START_TEST(keeps_no_more_than_told)
{
	struct bt_pool p;
	void *block[10];

	bt_pool_init(&p, 64, 4);
	for (int i = 0; i < 10; i++)
		block[i] = bt_pool_take(&p);
	ck_assert_uint_eq(p.lent, 10);
	for (int i = 0; i < 10; i++)
		bt_pool_give(&p, block[i]);
	ck_assert_uint_eq(p.lent, 0);
	ck_assert_uint_eq(p.free_n, 4);
	bt_pool_give(&p, NULL);
	ck_assert_uint_eq(p.lent, 0);
	bt_pool_fini(&p);
	ck_assert_uint_eq(p.free_n, 0);
}
END_TEST

BT_UNIT_SUITE(pool)
{
	TCase *tc = bt_unit_case(s, "blocks");

	tcase_add_test(tc, last_given_is_taken_first);
	tcase_add_test(tc, keeps_no_more_than_told);
}
