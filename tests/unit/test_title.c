/*
 * base/title.c: the arguments are overwritten as far as they reach, and not a
 * byte further.
 */

#include "tests/unit/unit.h"

#include "base/title.h"

#include <string.h>
#include <sys/prctl.h>

#define ARGS "baton\0-c\0/etc/a\0"

static const struct {
	const char *title, *want;
} rows[] = {
	{ "a", "a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
	{ "baton: worker 3", "baton: worker 3\0" },
	{ "baton: worker 33", ARGS }, /* and its end do not fit */
};

START_TEST(arguments_are_overwritten)
{
	char area[] = ARGS "HOME=/"; /* the environment */
	char *argv[] = { area, area + 6, area + 9, NULL };
	char name[16];

	bt_title_init(3, argv);
	bt_title_set(rows[_i].title);
	ck_assert_mem_eq(area, rows[_i].want, 16);
	ck_assert_str_eq(area + 16, "HOME=/");
	prctl(PR_GET_NAME, name);
	ck_assert(strncmp(name, rows[_i].title, 15) == 0);
}
END_TEST

/* Arguments that lie elsewhere are not ours to write to. */
START_TEST(gaps_are_not_filled)
{
	char area[] = "baton\0hole\0-t";
	char *argv[] = { area, area + 11, NULL };

	bt_title_init(2, argv);
	bt_title_set("12345");
	ck_assert_mem_eq(area, "12345\0hole\0-t", sizeof(area));
	bt_title_set("123456789");
	ck_assert_mem_eq(area, "12345\0hole\0-t", sizeof(area));
}
END_TEST

BT_UNIT_SUITE(title)
{
	TCase *tc = bt_unit_case(s, "title");

	tcase_add_loop_test(
	    tc, arguments_are_overwritten, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, gaps_are_not_filled);
}
