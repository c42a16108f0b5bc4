/*
 * Spans of bytes: comparisons, lists and numbers.  Any process.
 */

#include "base/str.h"

#include <errno.h>

bool
bt_str_equal_nocase(struct bt_str a, struct bt_str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (bt_lower(a.p[i]) != bt_lower(b.p[i]))
			return false;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct bt_str
bt_str_trim(struct bt_str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The length up to the next comma which stands outside of quotes. */
static size_t
member_length(struct bt_str s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		else if (!quoted && s.p[i] == ',')
			break;
	}
	return i;
}

bool
bt_str_list_next(struct bt_str *list, struct bt_str *ret)
{
	while (list->n > 0) {
		size_t n = member_length(*list);
		struct bt_str member =
		    bt_str_trim((struct bt_str){ list->p, n });

		n += n < list->n; /* the comma */
		list->p += n;
		list->n -= n;
		if (member.n > 0) {
			*ret = member;
			return true;
		}
	}
	return false;
}

int
bt_str_parse_u64(struct bt_str s, uint64_t *ret)
{
	uint64_t value = 0;
	bool past = false; /* goes on: what follows may not be a digit */

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';

		if (digit > 9)
			return -EINVAL;
		past |= __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value);
	}
	if (past)
		return -ERANGE;
	*ret = value;
	return 0;
}

int
bt_str_parse_hex(struct bt_str s, uint64_t *ret)
{
	uint64_t value = 0;
	bool past = false;

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		char c = bt_lower(s.p[i]);
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else
			return -EINVAL;
		past |= value >> 60 != 0;
		value = value << 4 | digit;
	}
	if (past)
		return -ERANGE;
	*ret = value;
	return 0;
}

uint32_t
bt_str_hash(struct bt_str s, bool nocase)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++) {
		h ^= (unsigned char)(nocase ? bt_lower(s.p[i]) : s.p[i]);
		h *= 16777619u;
	}
	return h;
}
