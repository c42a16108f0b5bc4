/* src/master/watch.c: what a look makes of a heartbeat */

#include "master/watch.h"
#include "tests/unit/unit.h"

/* Looks at a heart that beat at these times; what each finds. */
static const struct look {
	uint64_t beat_ms;
	int64_t now_ms, passed_ms, silent_ms;
} looks[] = {
	{ 1000, 1100, 500, 100 }, /* it beat since the last one */
	{ 1000, 1400, 300, 400 },
	{ 1000, 1500, 100, 500 }, /* stale */
	{ 1540, 1550, 50, 10 },   /* it turns again */
	/* ten seconds in which the master did not run either */
	{ 1540, 11550, 490, 500 },
	{ 11560, 11600, 50, 40 },
	{ 11700, 21600, 400, 400 }, /* it beat, then everything was frozen */
	{ 21700, 21690, 90, 0 },    /* clocks are read one after the other */
	{ 21700, 21700, 10, 10 },
};

START_TEST(silence_is_what_passed_in_our_time)
{
	struct bt_pulse p = { .beat_ms = 7 };

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		const struct look *l = &looks[i];

		ck_assert_int_eq(
		    bt_pulse_take(&p, l->beat_ms, l->now_ms, l->passed_ms),
		    l->silent_ms);
		ck_assert_int_eq(p.silent_ms, l->silent_ms);
	}
}
END_TEST

/* A worker that never beat is as silent as it is old. */
START_TEST(silent_from_its_birth)
{
	struct bt_pulse p = { 0 };

	for (int i = 1; i <= 10; i++)
		ck_assert_int_eq(
		    bt_pulse_take(&p, 0, 5000 + i * 500, 500), i * 500);
}
END_TEST

BT_UNIT_SUITE(watch)
{
	TCase *tc = bt_unit_case(s, "pulse");

	tcase_add_test(tc, silence_is_what_passed_in_our_time);
	tcase_add_test(tc, silent_from_its_birth);
}
