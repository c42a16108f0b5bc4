/*
 * HTTP dates.  Written out by hand because strftime(), strptime() and mktime()
 * depend on the locale or the time zone.  Any process; no state.
 */

#include "http/date.h"

#include <errno.h>

#define DAY_S 86400
/* Of 365.2425 days each: how far ahead a two-digit year may lie. */
#define FIFTY_YEARS_S INT64_C(1577847600)

static const char days[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday",
	"Thursday", "Friday", "Saturday" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

struct civil {
	int64_t year;
	unsigned month, day; /* 1..12, 1..31 */
	unsigned hour, minute, second;
};

/*
 * Days since 1970-01-01, in the calendar whose year begins in March, so that
 * the leap day is the last of it.
 */
static int64_t
days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400; /* 0..399 */
	unsigned of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719468;
}

/* The inverse, for days from 1970 on. */
static void
civil_of(int64_t day, struct civil *c)
{
	int64_t since = day + 719468, era = since / 146097;
	unsigned of_era = (unsigned)(since - era * 146097); /* 0..146096 */
	unsigned year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;

	c->day = of_year - (153 * month + 2) / 5 + 1;
	c->month = month < 10 ? month + 3 : month - 9;
	c->year = era * 400 + year + (c->month <= 2);
}

static char *
put_digits(char *to, unsigned value, unsigned n)
{
	for (unsigned i = n; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + n;
}

static char *
put_text(char *to, const char *text, size_t n)
{
	memcpy(to, text, n);
	return to + n;
}

void
bt_date_format(int64_t seconds, char out[static BT_DATE_BYTES + 1])
{
	int64_t day = seconds / DAY_S;
	unsigned rest = (unsigned)(seconds % DAY_S);
	struct civil c;
	char *p = out;

	civil_of(day, &c);
	p = put_text(p, days[(day + 4) % 7], 3); /* 1970-01-01: a Thursday */
	p = put_text(p, ", ", 2);
	p = put_digits(p, c.day, 2);
	*p++ = ' ';
	p = put_text(p, months[c.month - 1], 3);
	*p++ = ' ';
	p = put_digits(p, (unsigned)c.year, 4);
	*p++ = ' ';
	p = put_digits(p, rest / 3600, 2);
	*p++ = ':';
	p = put_digits(p, rest / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, rest % 60, 2);
	memcpy(p, " GMT", 5);
}

/* Takes `n` digits off the front. */
static bool
take_digits(struct bt_str *s, unsigned n, unsigned *ret)
{
	unsigned value = 0;

	if (s->n < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(s->p[i] - '0');
	}
	s->p += n;
	s->n -= n;
	*ret = value;
	return true;
}

static bool
take_text(struct bt_str *s, struct bt_str text)
{
	if (!bt_str_has_prefix(*s, text))
		return false;
	s->p += text.n;
	s->n -= text.n;
	return true;
}

/* The name of a day, whole or its three letters; which one is not compared. */
static bool
take_day_name(struct bt_str *s, bool whole)
{
	for (size_t i = 0; i < 7; i++)
		if (take_text(s,
			(struct bt_str){
			    days[i], whole ? strlen(days[i]) : 3 }))
			return true;
	return false;
}

static bool
take_month(struct bt_str *s, unsigned *ret)
{
	for (unsigned i = 0; i < 12; i++)
		if (take_text(s, (struct bt_str){ months[i], 3 })) {
			*ret = i + 1;
			return true;
		}
	return false;
}

static bool
take_time(struct bt_str *s, struct civil *c)
{
	return take_digits(s, 2, &c->hour) && take_text(s, BT_STR(":")) &&
	    take_digits(s, 2, &c->minute) && take_text(s, BT_STR(":")) &&
	    take_digits(s, 2, &c->second);
}

/* `06 Nov 1994` or `06-Nov-94`, with one space behind. */
static bool
take_date(struct bt_str *s, struct bt_str separator, unsigned year_digits,
    struct civil *c)
{
	unsigned year;

	if (!take_digits(s, 2, &c->day) || !take_text(s, separator) ||
	    !take_month(s, &c->month) || !take_text(s, separator) ||
	    !take_digits(s, year_digits, &year) || !take_text(s, BT_STR(" ")))
		return false;
	c->year = year;
	return true;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool
parse_imf(struct bt_str s, struct civil *c)
{
	return take_day_name(&s, false) && take_text(&s, BT_STR(", ")) &&
	    take_date(&s, BT_STR(" "), 4, c) && take_time(&s, c) &&
	    bt_str_equal(s, BT_STR(" GMT"));
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool
parse_rfc850(struct bt_str s, struct civil *c)
{
	return take_day_name(&s, true) && take_text(&s, BT_STR(", ")) &&
	    take_date(&s, BT_STR("-"), 2, c) && take_time(&s, c) &&
	    bt_str_equal(s, BT_STR(" GMT"));
}

/* Sun Nov  6 08:49:37 1994 */
static bool
parse_asctime(struct bt_str s, struct civil *c)
{
	unsigned year;

	if (!take_day_name(&s, false) || !take_text(&s, BT_STR(" ")) ||
	    !take_month(&s, &c->month) || !take_text(&s, BT_STR(" ")) ||
	    !(take_text(&s, BT_STR(" ")) ? take_digits(&s, 1, &c->day)
					 : take_digits(&s, 2, &c->day)) ||
	    !take_text(&s, BT_STR(" ")) || !take_time(&s, c) ||
	    !take_text(&s, BT_STR(" ")) || !take_digits(&s, 4, &year))
		return false;
	c->year = year;
	return s.n == 0;
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A second 60 is one: leap seconds are announced so. */
static bool
is_possible(const struct civil *c)
{
	static const uint8_t length[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };
	unsigned last =
	    length[c->month - 1] + (c->month == 2 && is_leap(c->year));

	return c->day >= 1 && c->day <= last && c->hour <= 23 &&
	    c->minute <= 59 && c->second <= 60;
}

static int64_t
seconds_of(const struct civil *c)
{
	return days_of(c->year, c->month, c->day) * DAY_S + c->hour * 3600 +
	    c->minute * 60 + c->second;
}

/* The century by which the date is as late as it can be (RFC 9110, 5.6.7). */
static void
choose_century(struct civil *c, int64_t now_s)
{
	struct civil now;

	civil_of((now_s > 0 ? now_s : 0) / DAY_S, &now);
	c->year += now.year - now.year % 100 + 100;
	while (c->year >= 100 && seconds_of(c) > now_s + FIFTY_YEARS_S)
		c->year -= 100;
}

int
bt_date_parse(struct bt_str s, int64_t now_s, int64_t *ret)
{
	struct civil c;

	if (parse_rfc850(s, &c))
		choose_century(&c, now_s);
	else if (!parse_imf(s, &c) && !parse_asctime(s, &c))
		return -EINVAL;
	if (!is_possible(&c))
		return -EINVAL;
	*ret = seconds_of(&c);
	return 0;
}
