/*
 * HTTP dates, by arithmetic on the proleptic Gregorian calendar: no locale, no
 * time zone, no libc.  Worker, on the loop.
 */

#include "http/date.h"

#include <errno.h>

#define DAY_S 86400

static const char days[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday",
	"Thursday", "Friday", "Saturday" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

struct civil {
	int64_t year;
	int month, day; /* 1 to 12, 1 to 31 */
	int hour, minute, second;
};

/* Days since 1970 of a date; years begin in March, so that leap days are last.
 */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, in_era = y % 400;
	int64_t in_year =
	    (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
	    in_year - 719468;
}

static void
civil_from_days(int64_t since_1970, struct civil *c)
{
	int64_t z = since_1970 + 719468, era = z / 146097;
	int64_t day_of_era = z % 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 +
				  day_of_era / 36524 - day_of_era / 146096) /
	    365;
	int64_t day_of_year = day_of_era -
	    (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* from March */

	c->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	c->month = (int)(month < 10 ? month + 3 : month - 9);
	c->year = year_of_era + era * 400 + (c->month <= 2);
}

static void
put_digits(char *at, int64_t value, int n)
{
	while (n-- > 0) {
		at[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
bt_date_format(int64_t seconds, char out[static BT_DATE_BYTES + 1])
{
	int64_t day = seconds / DAY_S, rest = seconds % DAY_S;
	struct civil c;

	civil_from_days(day, &c);
	memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", BT_DATE_BYTES + 1);
	memcpy(out, days[(day + 4) % 7], 3); /* 1970 began on a Thursday */
	put_digits(out + 5, c.day, 2);
	memcpy(out + 8, months[c.month - 1], 3);
	put_digits(out + 12, c.year, 4);
	put_digits(out + 17, rest / 3600, 2);
	put_digits(out + 20, rest / 60 % 60, 2);
	put_digits(out + 23, rest % 60, 2);
}

/* --- reading: each takes its part off the front, or fails --- */

static bool
take_literal(struct bt_str *s, const char *literal)
{
	struct bt_str want = bt_str_of(literal);

	if (!bt_str_has_prefix(*s, want))
		return false;
	s->p += want.n;
	s->n -= want.n;
	return true;
}

static bool
take_digits(struct bt_str *s, size_t n, int64_t *ret)
{
	uint64_t value;

	if (s->n < n ||
	    bt_str_parse_u64((struct bt_str){ s->p, n }, &value) < 0)
		return false;
	*ret = (int64_t)value;
	s->p += n;
	s->n -= n;
	return true;
}

static bool
take_int(struct bt_str *s, size_t n, int *ret)
{
	int64_t value;

	if (!take_digits(s, n, &value))
		return false;
	*ret = (int)value;
	return true;
}

static bool
take_month(struct bt_str *s, int *ret)
{
	for (int i = 0; i < 12; i++) {
		if (take_literal(s, months[i])) {
			*ret = i + 1;
			return true;
		}
	}
	return false;
}

/* `Sun`, or `Sunday` when `whole`; which day it is does not matter. */
static bool
take_day_name(struct bt_str *s, bool whole)
{
	for (int i = 0; i < 7; i++) {
		char name[10];

		memcpy(name, days[i], sizeof(name));
		if (!whole)
			name[3] = '\0';
		if (take_literal(s, name))
			return true;
	}
	return false;
}

static bool
take_time(struct bt_str *s, struct civil *c)
{
	return take_int(s, 2, &c->hour) && take_literal(s, ":") &&
	    take_int(s, 2, &c->minute) && take_literal(s, ":") &&
	    take_int(s, 2, &c->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool
read_imf(struct bt_str s, struct civil *c)
{
	return take_day_name(&s, false) && take_literal(&s, ", ") &&
	    take_int(&s, 2, &c->day) && take_literal(&s, " ") &&
	    take_month(&s, &c->month) && take_literal(&s, " ") &&
	    take_digits(&s, 4, &c->year) && take_literal(&s, " ") &&
	    take_time(&s, c) && take_literal(&s, " GMT") && s.n == 0;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool
read_rfc850(struct bt_str s, int64_t now_s, struct civil *c)
{
	struct civil now;

	if (!take_day_name(&s, true) || !take_literal(&s, ", ") ||
	    !take_int(&s, 2, &c->day) || !take_literal(&s, "-") ||
	    !take_month(&s, &c->month) || !take_literal(&s, "-") ||
	    !take_digits(&s, 2, &c->year) || !take_literal(&s, " ") ||
	    !take_time(&s, c) || !take_literal(&s, " GMT") || s.n != 0)
		return false;
	/* RFC 9110, 5.6.7: more than 50 years ahead is in the past */
	civil_from_days(now_s / DAY_S, &now);
	c->year += now.year / 100 * 100;
	if (c->year > now.year + 50)
		c->year -= 100;
	return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool
read_asctime(struct bt_str s, struct civil *c)
{
	if (!take_day_name(&s, false) || !take_literal(&s, " ") ||
	    !take_month(&s, &c->month) || !take_literal(&s, " "))
		return false;
	if (!(take_literal(&s, " ") ? take_int(&s, 1, &c->day)
				    : take_int(&s, 2, &c->day)))
		return false;
	return take_literal(&s, " ") && take_time(&s, c) &&
	    take_literal(&s, " ") && take_digits(&s, 4, &c->year) && s.n == 0;
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool
is_valid(const struct civil *c)
{
	static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int length =
	    lengths[c->month - 1] + (c->month == 2 && is_leap(c->year));

	return c->day >= 1 && c->day <= length && c->hour <= 23 &&
	    c->minute <= 59 && c->second <= 60; /* a leap second */
}

int
bt_date_parse(struct bt_str s, int64_t now_s, int64_t *ret)
{
	struct civil c = { 0 };

	if (!read_imf(s, &c) && !read_rfc850(s, now_s, &c) &&
	    !read_asctime(s, &c))
		return -EINVAL;
	if (!is_valid(&c))
		return -EINVAL;
	*ret = days_from_civil(c.year, c.month, c.day) * DAY_S + c.hour * 3600 +
	    c.minute * 60 + c.second;
	return 0;
}
