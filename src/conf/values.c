/*
 * Values of the conf: nothing is rounded, and what does not fit is refused.
 * Runs in the master, or in `baton -t`.
 */

#include "conf/values.h"

#include <errno.h>
#include <stdio.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first. */
static const struct unit durations[] = {
	{ "d", 24 * 3600 * 1000 },
	{ "h", 3600 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct unit sizes[] = {
	{ "g", 1024 * 1024 * 1024 },
	{ "m", 1024 * 1024 },
	{ "k", 1024 },
	{ "", 1 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes the run of bytes that are digits (or are not) off the front. */
static struct bt_str
take_run(struct bt_str *s, bool digits)
{
	struct bt_str run = { s->p, 0 };

	while (run.n < s->n && is_digit(s->p[run.n]) == digits)
		run.n++;
	s->p += run.n;
	s->n -= run.n;
	return run;
}

int
bt_value_parse_count(struct bt_str s, uint64_t *ret, const char **ret_why)
{
	int r = bt_str_parse_u64(s, ret);

	if (r == -ERANGE)
		*ret_why = "the number is too large";
	else if (r < 0)
		*ret_why = "expected a whole number";
	return r;
}

int
bt_value_parse_duration(struct bt_str s, uint64_t *ret, const char **ret_why)
{
	uint64_t total = 0, number, part;
	size_t unit = 0; /* each may follow only larger ones */

	if (bt_str_parse_u64(s, &number) == 0) {
		if (__builtin_mul_overflow(number, 1000, ret))
			goto too_long;
		return 0;
	}
	do {
		struct bt_str digits = take_run(&s, true);
		struct bt_str name = take_run(&s, false);
		int r = bt_str_parse_u64(digits, &number);

		if (r == -ERANGE)
			goto too_long;
		while (unit < COUNT(durations) &&
		    !bt_str_equal(name, bt_str_of(durations[unit].name)))
			unit++;
		if (r < 0 || unit == COUNT(durations)) {
			*ret_why = "expected a time such as 500ms, 30s, 5m, "
				   "1h30m or 1d";
			return -EINVAL;
		}
		if (__builtin_mul_overflow(
			number, durations[unit].factor, &part) ||
		    __builtin_add_overflow(total, part, &total))
			goto too_long;
		unit++;
	} while (s.n > 0);
	*ret = total;
	return 0;
too_long:
	*ret_why = "the time is too long";
	return -ERANGE;
}

int
bt_value_parse_size(struct bt_str s, uint64_t *ret, const char **ret_why)
{
	struct bt_str digits = take_run(&s, true);
	uint64_t number;
	int r = bt_str_parse_u64(digits, &number);

	for (size_t i = 0; r == 0 && i < COUNT(sizes); i++) {
		if (!bt_str_equal_nocase(s, bt_str_of(sizes[i].name)))
			continue;
		if (!__builtin_mul_overflow(number, sizes[i].factor, ret))
			return 0;
		r = -ERANGE;
	}
	*ret_why = r == -ERANGE ? "the size is too large"
				: "expected a size such as 512, 16k, 1m or 2g";
	return r == -ERANGE ? r : -EINVAL;
}

int
bt_value_parse_rate(struct bt_str s, uint64_t *ret, const char **ret_why)
{
	int r = -EINVAL;

	if (s.n > 2 && memcmp(s.p + s.n - 2, "/s", 2) == 0)
		r = bt_value_parse_size(
		    (struct bt_str){ s.p, s.n - 2 }, ret, ret_why);
	if (r == -EINVAL)
		*ret_why = "expected bytes a second such as 240/s or 1k/s";
	return r;
}

static const char *
format(uint64_t value, const struct unit *units, size_t n, char *out)
{
	size_t i = n - 1;

	for (size_t u = 0; value > 0 && u < n; u++)
		if (value % units[u].factor == 0) {
			i = u;
			break;
		}
	snprintf(out, BT_VALUE_TEXT_MAX, "%llu%s",
	    (unsigned long long)(value / units[i].factor), units[i].name);
	return out;
}

const char *
bt_value_format_duration(uint64_t ms, char out[static BT_VALUE_TEXT_MAX])
{
	return format(ms, durations, COUNT(durations), out);
}

const char *
bt_value_format_size(uint64_t bytes, char out[static BT_VALUE_TEXT_MAX])
{
	return format(bytes, sizes, COUNT(sizes), out);
}

const char *
bt_value_format_rate(uint64_t bytes, char out[static BT_VALUE_TEXT_MAX])
{
	bt_value_format_size(bytes, out);
	return strcat(out, "/s");
}

static bool
is_plain(struct bt_str s)
{
	if (s.n == 0 || s.p[0] == '#')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    strchr(";{}\\\"'$", s.p[i]) != NULL)
			return false;
	return true;
}

static void
append_quoted(struct bt_buf *b, struct bt_str s, const char *escaped)
{
	bt_buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\n' || c == '\r' || c == '\t') {
			bt_buf_putc(b, '\\');
			c = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
		} else if (strchr(escaped, c) != NULL) {
			bt_buf_putc(b, '\\');
		}
		bt_buf_putc(b, c);
	}
	bt_buf_putc(b, '"');
}

void
bt_value_append_word(struct bt_buf *b, struct bt_str s)
{
	if (is_plain(s))
		bt_buf_append(b, s.p, s.n);
	else
		append_quoted(b, s, "\"\\$");
}

void
bt_value_append_template(struct bt_buf *b, struct bt_str source)
{
	append_quoted(b, source, "\"\\");
}

static bool
is_hex(char c)
{
	c = bt_lower(c);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool
bt_value_is_escape(struct bt_str s, size_t i)
{
	return s.p[i] == '%' && i + 2 < s.n && is_hex(s.p[i + 1]) &&
	    is_hex(s.p[i + 2]);
}
