/* HTTP dates: three forms, calendars, garbage. */

#include "http/date.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NOW INT64_C(1700000000) /* Tue, 14 Nov 2023 22:13:20 GMT */

/* clang-format off: tables */
static const struct {
	const char *text;
	int64_t seconds;
} both_ways[] = {
	{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
	{ "Thu, 01 Jan 1970 00:00:01 GMT", 1 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
	{ "Tue, 29 Feb 2000 12:00:00 GMT", 951825600 },
	{ "Wed, 01 Mar 2000 00:00:00 GMT", 951868800 },
	{ "Thu, 31 Dec 2009 23:59:59 GMT", 1262303999 },
	{ "Wed, 29 Feb 2012 23:59:59 GMT", 1330559999 },
	{ "Tue, 14 Nov 2023 22:13:20 GMT", NOW },
	{ "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
	{ "Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648) },
	{ "Mon, 01 Mar 2100 00:00:00 GMT", INT64_C(4107542400) },
	{ "Sun, 28 Feb 2100 23:59:59 GMT", INT64_C(4107542399) },
	{ "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799) },
};

static const struct {
	const char *text;
	int64_t seconds;
} read_only[] = {
	{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
	{ "Sun Nov  6 08:49:37 1994", 784111777 },
	{ "Thu Nov 10 08:49:37 1994", 784457377 },
	{ "Tue Feb 29 12:00:00 2000", 951825600 },
	{ "Tuesday, 29-Feb-00 12:00:00 GMT", 951825600 },
	{ "Tuesday, 14-Nov-23 22:13:20 GMT", NOW },
	/* 49 years ahead of 2023, and 51: the century before */
	{ "Monday, 14-Nov-72 22:13:20 GMT", INT64_C(3246387200) },
	{ "Wednesday, 14-Nov-74 22:13:20 GMT", INT64_C(153699200) },
	{ "Friday, 31-Dec-99 23:59:59 GMT", 946684799 },
	{ "Thursday, 01-Jan-70 00:00:00 GMT", INT64_C(3155760000) },
	/* a leap second; a day's name that is wrong; before 1970 */
	{ "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
	{ "Mon, 06 Nov 1994 08:49:37 GMT", 784111777 },
	{ "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
	{ "Thu, 01 Mar 1900 00:00:00 GMT", INT64_C(-2203891200) },
};

static const char *const garbage[] = {
	"",
	" ",
	"0",
	"784111777",
	"now",
	"Sun",
	"Sun, 06 Nov 1994 08:49:37",
	"Sun, 06 Nov 1994 08:49:37 UTC",
	"Sun, 06 Nov 1994 08:49:37 gmt",
	"Sun, 06 Nov 1994 08:49:37 GMT ",
	" Sun, 06 Nov 1994 08:49:37 GMT",
	"Sun, 06 Nov 1994 08:49:37 +0000",
	"sun, 06 Nov 1994 08:49:37 GMT",
	"Sun, 06 nov 1994 08:49:37 GMT",
	"Sun, 06 NOV 1994 08:49:37 GMT",
	"Sun 06 Nov 1994 08:49:37 GMT",
	"Sun,06 Nov 1994 08:49:37 GMT",
	"Sun, 6 Nov 1994 08:49:37 GMT",
	"Sun,  6 Nov 1994 08:49:37 GMT",
	"Sun, 06  Nov 1994 08:49:37 GMT",
	"Sun, 06-Nov-1994 08:49:37 GMT",
	"Sun, 06 Nov 94 08:49:37 GMT",
	"Sun, 06 Nov 19940 08:49:37 GMT",
	"Sun, 06 Nov 1994 8:49:37 GMT",
	"Sun, 06 Nov 1994 08:49 GMT",
	"Sun, 06 Nov 1994 24:00:00 GMT",
	"Sun, 06 Nov 1994 08:60:00 GMT",
	"Sun, 06 Nov 1994 08:49:61 GMT",
	"Sun, 00 Nov 1994 08:49:37 GMT",
	"Sun, 31 Nov 1994 08:49:37 GMT",
	"Sun, 32 Dec 1994 08:49:37 GMT",
	"Sun, 29 Feb 2001 08:49:37 GMT",
	"Sun, 29 Feb 1900 08:49:37 GMT",
	"Sun, 30 Feb 2000 08:49:37 GMT",
	"Sun, 06 Foo 1994 08:49:37 GMT",
	"Foo, 06 Nov 1994 08:49:37 GMT",
	"Sun, -6 Nov 1994 08:49:37 GMT",
	"Sun, 06 Nov -994 08:49:37 GMT",
	"Sunday, 06 Nov 1994 08:49:37 GMT",
	"Sun, 06-Nov-94 08:49:37 GMT",
	"Sunday, 06-Nov-94 08:49:37",
	"Sunday, 6-Nov-94 08:49:37 GMT",
	"Sunday, 29-Feb-99 08:49:37 GMT",
	"Sunday 06-Nov-94 08:49:37 GMT",
	"Sun Nov 6 08:49:37 1994",
	"Sun Nov 06 08:49:37 94",
	"Sun Nov  6 08:49:37 1994 GMT",
	"Sun Nov  6 08:49:37 1994 ",
	"Sun  Nov 6 08:49:37 1994",
	"Sun Nov   6 08:49:37 1994",
};
/* clang-format on */

START_TEST(formats_and_parses)
{
	char text[BT_DATE_BYTES + 1];
	int64_t seconds = 42;

	bt_date_format(both_ways[_i].seconds, text);
	ck_assert_str_eq(text, both_ways[_i].text);
	ck_assert_int_eq(
	    bt_date_parse(bt_str_of(both_ways[_i].text), NOW, &seconds), 0);
	ck_assert_int_eq(seconds, both_ways[_i].seconds);
}
END_TEST

START_TEST(parses)
{
	int64_t seconds = 42;

	ck_assert_int_eq(
	    bt_date_parse(bt_str_of(read_only[_i].text), NOW, &seconds), 0);
	ck_assert_int_eq(seconds, read_only[_i].seconds);
}
END_TEST

START_TEST(refuses)
{
	int64_t seconds = 42;

	ck_assert_int_eq(
	    bt_date_parse(bt_str_of(garbage[_i]), NOW, &seconds), -EINVAL);
	ck_assert_int_eq(seconds, 42);
}
END_TEST

/* Each prefix of a date in a buffer that ends there, and none is a date. */
START_TEST(refuses_what_is_cut_off)
{
	for (int row = 0; row < N(both_ways); row++)
		for (size_t n = 0; n < BT_DATE_BYTES; n++) {
			char *copy = malloc(n ? n : 1);
			int64_t seconds;

			memcpy(copy, both_ways[row].text, n);
			ck_assert_int_eq(
			    bt_date_parse(
				(struct bt_str){ copy, n }, NOW, &seconds),
			    -EINVAL);
			free(copy);
		}
}
END_TEST

/* Against the C library, over eight thousand years. */
START_TEST(agrees_with_libc)
{
	for (int64_t s = 0; s < INT64_C(253402300800); s += 86399 * 97) {
		char ours[BT_DATE_BYTES + 1], theirs[64];
		time_t t = (time_t)s;
		struct tm tm;
		int64_t back;

		gmtime_r(&t, &tm);
		strftime(
		    theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		bt_date_format(s, ours);
		ck_assert_str_eq(ours, theirs);
		ck_assert_int_eq(bt_date_parse(bt_str_of(ours), NOW, &back), 0);
		ck_assert_int_eq(back, s);
	}
}
END_TEST

BT_UNIT_SUITE(date)
{
	TCase *tc = bt_unit_case(s, "dates");

	tcase_add_loop_test(tc, formats_and_parses, 0, N(both_ways));
	tcase_add_loop_test(tc, parses, 0, N(read_only));
	tcase_add_loop_test(tc, refuses, 0, N(garbage));
	tcase_add_test(tc, refuses_what_is_cut_off);
	tcase_add_test(tc, agrees_with_libc);
}
