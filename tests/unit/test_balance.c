/* src/master/balance.c: who has to give how many */

#include "master/state.h"
#include "tests/unit/unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define MOST 8

static const struct {
	unsigned n;
	uint64_t loads[MOST], excess[MOST], move;
} rows[] = {
	{ 0, { 0 }, { 0 }, 0 },
	{ 1, { 100 }, { 0 }, 0 },
	{ 2, { 0, 0 }, { 0 }, 0 },
	{ 2, { 5, 6 }, { 0 }, 0 },       /* within one */
	{ 2, { 1000, 1010 }, { 0 }, 0 }, /* within 1 % */
	{ 2, { 1000, 1011 }, { 0, 5 }, 5 },
	{ 2, { 10, 0 }, { 5, 0 }, 5 },
	{ 2, { 11, 0 }, { 5, 0 }, 5 }, /* one may keep one more */
	{ 3, { 10, 0, 0 }, { 6, 0, 0 }, 6 },
	{ 3, { 6, 5, 0 }, { 2, 1, 0 }, 3 },
	{ 4, { 2, 0, 0, 0 }, { 1, 0, 0, 0 }, 1 },
	{ 4, { 100, 100, 100, 0 }, { 25, 25, 25, 0 }, 75 },
	{ 4, { 7, 7, 7, 8 }, { 0 }, 0 },
};

START_TEST(plan)
{
	uint64_t excess[MOST] = { 0 };

	ck_assert_uint_eq(
	    bt_balance_plan(rows[_i].loads, rows[_i].n, excess), rows[_i].move);
	for (unsigned i = 0; i < rows[_i].n; i++)
		ck_assert_uint_eq(excess[i], rows[_i].excess[i]);
}
END_TEST

/* What is given to whoever has the fewest is level after one round. */
START_TEST(one_round_is_enough)
{
	unsigned seed = 7;

	for (int round = 0; round < 10000; round++) {
		uint64_t loads[MOST], excess[MOST], move;

		for (unsigned i = 0; i < MOST; i++) {
			seed = seed * 1103515245 + 12345;
			loads[i] = (seed >> 16) % 300;
		}
		move = bt_balance_plan(loads, MOST, excess);
		if (move == 0)
			continue;
		for (unsigned i = 0; i < MOST; i++)
			loads[i] -= excess[i];
		for (; move > 0; move--) {
			unsigned least = 0;

			for (unsigned i = 1; i < MOST; i++)
				if (loads[i] < loads[least])
					least = i;
			loads[least]++;
		}
		ck_assert_uint_eq(bt_balance_plan(loads, MOST, excess), 0);
	}
}
END_TEST

BT_UNIT_SUITE(balance)
{
	TCase *tc = bt_unit_case(s, "plan");

	tcase_add_loop_test(tc, plan, 0, ROWS(rows));
	tcase_add_test(tc, one_round_is_enough);
}
