/*
 * Times in logs.  Worker, on the loop.
 */

#include "handlers/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct {
	int64_t wall_s;
	size_t local_n, iso8601_n;
	char local[32], iso8601[32];
} now = { .wall_s = INT64_MIN };

static void
make(int64_t wall_s)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)wall_s;
	struct tm tm;
	unsigned minutes, year;
	char sign;

	localtime_r(&t, &tm);
	minutes = (unsigned)labs(tm.tm_gmtoff) / 60;
	sign = tm.tm_gmtoff < 0 ? '-' : '+';
	year = (unsigned)(tm.tm_year + 1900) % 10000;
	now.local_n = (size_t)snprintf(now.local, sizeof(now.local),
	    "%02u/%s/%04u:%02u:%02u:%02u %c%02u%02u",
	    (unsigned)tm.tm_mday % 100, months[tm.tm_mon], year,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100, sign, minutes / 60 % 100, minutes % 60);
	now.iso8601_n = (size_t)snprintf(now.iso8601, sizeof(now.iso8601),
	    "%04u-%02u-%02uT%02u:%02u:%02u%c%02u:%02u", year,
	    (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100, sign, minutes / 60 % 100, minutes % 60);
	now.wall_s = wall_s;
}

struct bt_str
bt_stamp_local(int64_t wall_s)
{
	if (now.wall_s != wall_s)
		make(wall_s);
	return (struct bt_str){ now.local, now.local_n };
}

struct bt_str
bt_stamp_iso8601(int64_t wall_s)
{
	if (now.wall_s != wall_s)
		make(wall_s);
	return (struct bt_str){ now.iso8601, now.iso8601_n };
}
