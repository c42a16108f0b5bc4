/*
 * handlers/stamp.c: the local time, with its offset.
 */

#include "handlers/stamp.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *zone; /* POSIX: west is positive */
	int64_t wall_s;   /* another one in each row: it is made once */
	const char *local, *iso8601;
} rows[] = {
	{ "UTC0", 1700000000, "14/Nov/2023:22:13:20 +0000",
	    "2023-11-14T22:13:20+00:00" },
	{ "XXX-05:30", 1700000007, "15/Nov/2023:03:43:27 +0530",
	    "2023-11-15T03:43:27+05:30" },
	{ "XXX+03:30", 1700000008, "14/Nov/2023:18:43:28 -0330",
	    "2023-11-14T18:43:28-03:30" },
	{ "UTC0", 951782400, "29/Feb/2000:00:00:00 +0000",
	    "2000-02-29T00:00:00+00:00" },
	{ "UTC0", 0, "01/Jan/1970:00:00:00 +0000",
	    "1970-01-01T00:00:00+00:00" },
};

static void
wants(struct bt_str s, const char *text)
{
	ck_assert_uint_eq(s.n, strlen(text));
	ck_assert_mem_eq(s.p, text, s.n);
}

START_TEST(zones)
{
	setenv("TZ", rows[_i].zone, 1);
	tzset();
	wants(bt_stamp_local(rows[_i].wall_s), rows[_i].local);
	wants(bt_stamp_iso8601(rows[_i].wall_s), rows[_i].iso8601);
	wants(bt_stamp_local(rows[_i].wall_s), rows[_i].local);
}
END_TEST

/* The one that is asked for first in a second makes both. */
START_TEST(seconds)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	wants(bt_stamp_iso8601(1700000000), "2023-11-14T22:13:20+00:00");
	wants(bt_stamp_local(1700000001), "14/Nov/2023:22:13:21 +0000");
	wants(bt_stamp_iso8601(1700000001), "2023-11-14T22:13:21+00:00");
}
END_TEST

BT_UNIT_SUITE(stamp)
{
	TCase *tc = bt_unit_case(s, "stamp");

	tcase_add_loop_test(
	    tc, zones, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, seconds);
}
