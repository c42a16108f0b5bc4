/* Byte ranges: RFC 9110, 14. */

#include "http/range.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define MAX 8

#define NONE BT_RANGE_NONE
#define ONE BT_RANGE_SINGLE
#define MANY BT_RANGE_MULTIPLE
#define NOT BT_RANGE_UNSATISFIABLE

/* clang-format off: a table */
static const struct {
	const char *value;
	uint64_t size;
	enum bt_range_kind kind;
	const char *ranges; /* offset+length ... */
} rows[] = {
	{ "bytes=0-0", 10, ONE, "0+1 " },
	{ "bytes=0-9", 10, ONE, "0+10 " },
	{ "bytes=0-", 10, ONE, "0+10 " },
	{ "bytes=9-", 10, ONE, "9+1 " },
	{ "bytes=3-5", 10, ONE, "3+3 " },
	{ "bytes=3-99", 10, ONE, "3+7 " },
	{ "bytes=3-10", 10, ONE, "3+7 " },
	{ "bytes=10-", 10, NOT, "" },
	{ "bytes=10-20", 10, NOT, "" },
	{ "bytes=-1", 10, ONE, "9+1 " },
	{ "bytes=-10", 10, ONE, "0+10 " },
	{ "bytes=-11", 10, ONE, "0+10 " },
	{ "bytes=-0", 10, NOT, "" },
	{ "bytes=0-18446744073709551615", 10, ONE, "0+10 " },
	{ "bytes=0-18446744073709551616", 10, ONE, "0+10 " },
	{ "bytes=-18446744073709551616", 10, ONE, "0+10 " },
	{ "bytes=18446744073709551615-", 10, NOT, "" },
	{ "bytes=18446744073709551616-", 10, NOT, "" },
	{ "bytes=18446744073709551616-18446744073709551617", 10, NOT, "" },
	{ "bytes=18446744073709551617-18446744073709551616", 10, NONE, "" },
	{ "bytes=18446744073709551616-1", 10, NONE, "" },
	{ "bytes=0-", UINT64_MAX, ONE, "0+18446744073709551615 " },
	{ "bytes=18446744073709551614-", UINT64_MAX, ONE,
	    "18446744073709551614+1 " },
	{ "bytes=18446744073709551615-", UINT64_MAX, NOT, "" },
	{ "bytes=000-001", 10, ONE, "0+2 " },
	{ "bytes=0009-10", 10, ONE, "9+1 " },
	{ "bytes=10-0009", 10, NONE, "" },
	/* units */
	{ "Bytes=0-0", 10, ONE, "0+1 " },
	{ "BYTES=0-0", 10, ONE, "0+1 " },
	{ "items=0-0", 10, NONE, "" },
	{ "byte=0-0", 10, NONE, "" },
	{ "bytes", 10, NONE, "" },
	{ "bytes=", 10, NONE, "" },
	{ "bytes =0-0", 10, NONE, "" },
	{ "bytes= 0-0", 10, NONE, "" },
	{ "bytes=\t0-0", 10, NONE, "" },
	{ "0-0", 10, NONE, "" },
	{ "", 10, NONE, "" },
	/* malformed: the whole field is ignored */
	{ "bytes=-", 10, NONE, "" },
	{ "bytes=5", 10, NONE, "" },
	{ "bytes=5-4", 10, NONE, "" },
	{ "bytes=a-b", 10, NONE, "" },
	{ "bytes=0-b", 10, NONE, "" },
	{ "bytes=0-0x", 10, NONE, "" },
	{ "bytes=0--1", 10, NONE, "" },
	{ "bytes=--1", 10, NONE, "" },
	{ "bytes=+1-2", 10, NONE, "" },
	{ "bytes=1 -2", 10, NONE, "" },
	{ "bytes=1- 2", 10, NONE, "" },
	{ "bytes=0-0;1-1", 10, NONE, "" },
	{ "bytes=0-0,x", 10, NONE, "" },
	{ "bytes=0-0,5-4", 10, NONE, "" },
	{ "bytes=20-30,x", 10, NONE, "" },
	{ "bytes=,", 10, NONE, "" },
	{ "bytes=,,", 10, NONE, "" },
	{ "bytes=0x0-0x1", 10, NONE, "" },
	/* several */
	{ "bytes=0-0,2-2", 10, MANY, "0+1 2+1 " },
	{ "bytes=0-0, 2-2", 10, MANY, "0+1 2+1 " },
	{ "bytes=0-0\t,\t2-2", 10, MANY, "0+1 2+1 " },
	{ "bytes=0-0,,2-2,", 10, MANY, "0+1 2+1 " },
	{ "bytes=,0-0", 10, ONE, "0+1 " },
	{ "bytes=8-,0-0", 10, MANY, "0+1 8+2 " },
	{ "bytes=5-5,3-3,1-1", 10, MANY, "1+1 3+1 5+1 " },
	{ "bytes=-1,0-0", 10, MANY, "0+1 9+1 " },
	{ "bytes=0-0,20-30", 10, ONE, "0+1 " },
	{ "bytes=20-30,0-0", 10, ONE, "0+1 " },
	{ "bytes=20-30,40-50", 10, NOT, "" },
	{ "bytes=20-30,-0", 10, NOT, "" },
	/* overlapping or adjacent ones are joined */
	{ "bytes=0-1,2-3", 10, ONE, "0+4 " },
	{ "bytes=2-3,0-1", 10, ONE, "0+4 " },
	{ "bytes=0-4,2-6", 10, ONE, "0+7 " },
	{ "bytes=0-9,2-3", 10, ONE, "0+10 " },
	{ "bytes=2-3,0-9", 10, ONE, "0+10 " },
	{ "bytes=0-0,0-0,0-0", 10, ONE, "0+1 " },
	{ "bytes=0-,0-,0-,0-", 10, ONE, "0+10 " },
	{ "bytes=0-1,5-6,1-3", 10, MANY, "0+4 5+2 " },
	{ "bytes=-3,8-", 10, ONE, "7+3 " },
	/* a bound on their number */
	{ "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14", 20, MANY,
	    "0+1 2+1 4+1 6+1 8+1 10+1 12+1 14+1 " },
	{ "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", 20, NONE, "" },
	{ "bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0", 20, NONE, "" },
	{ "bytes=99-,99-,99-,99-,99-,99-,99-,99-,99-", 20, NONE, "" },
	/* nothing to take a part of */
	{ "bytes=0-", 0, NOT, "" },
	{ "bytes=0-0", 0, NOT, "" },
	{ "bytes=-1", 0, NONE, "" },
	{ "bytes=-0", 0, NOT, "" },
	{ "bytes=0-0,-5", 0, NONE, "" },
	{ "bytes=0-0", 1, ONE, "0+1 " },
	{ "bytes=1-", 1, NOT, "" },
	{ "bytes=-1", 1, ONE, "0+1 " },
};
/* clang-format on */

START_TEST(parses)
{
	struct bt_range ranges[MAX];
	char text[512] = "";
	size_t n = 99;

	ck_assert_int_eq(bt_range_parse(bt_str_of(rows[_i].value),
			     rows[_i].size, ranges, MAX, &n),
	    rows[_i].kind);
	for (size_t i = 0; i < n; i++)
		sprintf(text + strlen(text), "%llu+%llu ",
		    (unsigned long long)ranges[i].offset,
		    (unsigned long long)ranges[i].length);
	ck_assert_str_eq(text, rows[_i].ranges);
}
END_TEST

START_TEST(none_when_none_are_wanted)
{
	size_t n = 99;

	ck_assert_int_eq(
	    bt_range_parse(BT_STR("bytes=0-0"), 10, NULL, 0, &n), NONE);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(bt_range_parse(BT_STR_NONE, 10, NULL, 0, &n), NONE);
}
END_TEST

BT_UNIT_SUITE(range)
{
	TCase *tc = bt_unit_case(s, "ranges");

	tcase_add_loop_test(tc, parses, 0, N(rows));
	tcase_add_test(tc, none_when_none_are_wanted);
}
