/*
 * base/repeats.c: what is said again and again is counted.
 */

#include "base/repeats.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { WARN = 1, INFO = 2, T = 1000000 };

static struct bt_repeats all;

/* How many of `n` are said. */
static unsigned
say(unsigned level, int err, const char *text, int64_t now_ms, unsigned n)
{
	unsigned said = 0;

	for (unsigned i = 0; i < n; i++)
		said += bt_repeats_take(&all, level, err, text, now_ms);
	return said;
}

static void
wants_next(int64_t now_ms, const char *text, unsigned more)
{
	struct bt_repeat r;

	ck_assert(bt_repeats_next(&all, now_ms, &r));
	ck_assert_str_eq(r.text, text);
	ck_assert_uint_eq(r.more, more);
}

static void
wants_none(int64_t now_ms)
{
	struct bt_repeat r;

	ck_assert(!bt_repeats_next(&all, now_ms, &r));
}

static void
forget(void)
{
	memset(&all, 0, sizeof(all));
}

START_TEST(some_are_said_and_the_rest_is_counted)
{
	ck_assert_uint_eq(say(WARN, 0, "a", T, 100), BT_REPEATS_SAID);
	wants_none(T + BT_REPEATS_MS - 1);
	wants_next(T + BT_REPEATS_MS, "a", 100 - BT_REPEATS_SAID);
	wants_none(INT64_MAX);
	/* and from there on anew */
	ck_assert_uint_eq(
	    say(WARN, 0, "a", T + BT_REPEATS_MS, 6), BT_REPEATS_SAID);
	wants_next(INT64_MAX, "a", 1);
}
END_TEST

START_TEST(few_leave_nothing_behind)
{
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(
		    say(WARN, 0, "a", T + i * (int64_t)BT_REPEATS_MS,
			BT_REPEATS_SAID),
		    BT_REPEATS_SAID);
	wants_none(INT64_MAX);
	ck_assert_uint_eq(all.n, 1);
}
END_TEST

START_TEST(level_errno_and_text_tell_apart)
{
	char longer[400], other[400];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memcpy(other, longer, sizeof(other));
	other[sizeof(other) - 2] = 'y';
	ck_assert_uint_eq(say(WARN, 0, "a", T, 5), 5);
	ck_assert_uint_eq(say(INFO, 0, "a", T, 5), 5);
	ck_assert_uint_eq(say(WARN, 2, "a", T, 5), 5);
	ck_assert_uint_eq(say(WARN, 0, longer, T, 6), 5);
	ck_assert_uint_eq(say(WARN, 0, other, T, 5), 5);
	longer[sizeof(all.all[0].text) - 1] = '\0';
	wants_next(INT64_MAX, longer, 1);
	wants_none(INT64_MAX);
}
END_TEST

/* Those that take turns are counted, too. */
START_TEST(several_at_a_time)
{
	unsigned said = 0;
	char text[8];

	for (int round = 0; round < 10; round++)
		for (int i = 0; i < BT_REPEATS_KEPT; i++) {
			snprintf(text, sizeof(text), "%d", i);
			said += say(WARN, 0, text, T, 1);
		}
	ck_assert_uint_eq(said, BT_REPEATS_KEPT * BT_REPEATS_SAID);
	/* one more than there is room for is not lost */
	ck_assert_uint_eq(say(WARN, 0, "more", T, 7), 7);
	for (int i = 0; i < BT_REPEATS_KEPT; i++) {
		struct bt_repeat r;

		ck_assert(bt_repeats_next(&all, INT64_MAX, &r));
		ck_assert_uint_eq(r.more, 10 - BT_REPEATS_SAID);
	}
	wants_none(INT64_MAX);
	ck_assert_uint_eq(all.n, 0);
}
END_TEST

BT_UNIT_SUITE(repeats)
{
	TCase *tc = bt_unit_case(s, "repeats");

	tcase_add_checked_fixture(tc, forget, NULL);
	tcase_add_test(tc, some_are_said_and_the_rest_is_counted);
	tcase_add_test(tc, few_leave_nothing_behind);
	tcase_add_test(tc, level_errno_and_text_tell_apart);
	tcase_add_test(tc, several_at_a_time);
}
