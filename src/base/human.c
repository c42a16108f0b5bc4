/*
 * Formatting for the status, in pages and in the terminal.
 */

#include "base/human.h"

#include <stddef.h>
#include <stdio.h>

/* Two digits where there is only one in front of the point. */
static void
format(double n, double base, const char *const *units, size_t units_n,
    char out[static BT_HUMAN_MAX])
{
	size_t i = 0;

	for (; n >= base && i + 1 < units_n; i++)
		n /= base;
	snprintf(out, BT_HUMAN_MAX, "%.*f %s", n < 9.95 && i > 0 ? 1 : 0, n,
	    units[i]);
}

void
bt_human_bytes(double bytes, char out[static BT_HUMAN_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB",
		"PB" };

	format(bytes, 1000, units, sizeof(units) / sizeof(units[0]), out);
}

void
bt_human_us(uint64_t us, char out[static BT_HUMAN_MAX])
{
	static const char *const units[] = { "\xc2\xb5s", "ms", "s" };

	format((double)us, 1000, units, sizeof(units) / sizeof(units[0]), out);
}

void
bt_human_up(int64_t s, char out[static BT_HUMAN_MAX])
{
	unsigned n = s > 0 ? (unsigned)(s % 86400) : 0;
	unsigned days = s > 0 ? (unsigned)(s / 86400) : 0;
	int at = 0;

	if (days > 0)
		at = snprintf(out, BT_HUMAN_MAX, "%u d ", days);
	snprintf(out + at, BT_HUMAN_MAX - (size_t)at, "%02u:%02u:%02u",
	    n / 3600, n / 60 % 60, n % 60);
}

void
bt_human_rate(double rate, char out[static BT_HUMAN_MAX])
{
	snprintf(out, BT_HUMAN_MAX, rate < 9.95 ? "%.1f" : "%.0f", rate);
}
