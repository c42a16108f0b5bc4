/*
 * Range requests.  What a client asks for in pieces is sorted and joined, so
 * that no byte is sent twice, whatever it asks for.  Any process; no state.
 */

#include "http/range.h"

#include <errno.h>

enum spec { SPEC_OK, SPEC_UNSATISFIABLE, SPEC_MALFORMED };

/* A number that is too large lies behind any end. */
static bool
parse_position(struct bt_str s, uint64_t *ret)
{
	int r = bt_str_parse_u64(s, ret);

	if (r == -ERANGE)
		*ret = UINT64_MAX;
	return r == 0 || r == -ERANGE;
}

/* The last `n` bytes. */
static enum spec
take_suffix(struct bt_str digits, uint64_t size, struct bt_range *ret)
{
	uint64_t n;

	if (!parse_position(digits, &n))
		return SPEC_MALFORMED;
	if (n == 0)
		return SPEC_UNSATISFIABLE;
	if (n > size)
		n = size;
	*ret = (struct bt_range){ size - n, n };
	return SPEC_OK;
}

/* Compares digits that may have too many of them; RFC 9110, 14.1.1. */
static bool
is_backwards(struct bt_str first, struct bt_str last)
{
	while (first.n > 1 && first.p[0] == '0') {
		first.p++;
		first.n--;
	}
	while (last.n > 1 && last.p[0] == '0') {
		last.p++;
		last.n--;
	}
	return first.n != last.n ? first.n > last.n
				 : memcmp(first.p, last.p, first.n) > 0;
}

static enum spec
take_spec(struct bt_str s, uint64_t size, struct bt_range *ret)
{
	const char *dash = memchr(s.p, '-', s.n);
	struct bt_str first, last;
	uint64_t from, to = UINT64_MAX;

	if (dash == NULL)
		return SPEC_MALFORMED;
	first = (struct bt_str){ s.p, (size_t)(dash - s.p) };
	last = (struct bt_str){ dash + 1, s.n - first.n - 1 };
	if (first.n == 0)
		return take_suffix(last, size, ret);
	if (!parse_position(first, &from) ||
	    (last.n > 0 && !parse_position(last, &to)) ||
	    (last.n > 0 && is_backwards(first, last)))
		return SPEC_MALFORMED;
	if (from >= size)
		return SPEC_UNSATISFIABLE;
	if (to > size - 1)
		to = size - 1;
	*ret = (struct bt_range){ from, to - from + 1 };
	return SPEC_OK;
}

/* Keeps `ranges` sorted by offset. */
static void
insert_sorted(struct bt_range *ranges, size_t *n, struct bt_range new)
{
	size_t i = (*n)++;

	while (i > 0 && ranges[i - 1].offset > new.offset) {
		ranges[i] = ranges[i - 1];
		i--;
	}
	ranges[i] = new;
}

/* Joins what overlaps or touches; returns how many are left. */
static size_t
join(struct bt_range *ranges, size_t n)
{
	size_t last = 0;

	for (size_t i = 1; i < n; i++) {
		uint64_t end = ranges[last].offset + ranges[last].length;
		uint64_t new_end = ranges[i].offset + ranges[i].length;

		if (ranges[i].offset > end)
			ranges[++last] = ranges[i];
		else if (new_end > end)
			ranges[last].length = new_end - ranges[last].offset;
	}
	return last + 1;
}

/* The set behind `bytes=`, in any case; false for other units. */
static bool
take_unit(struct bt_str value, struct bt_str *ret_set)
{
	static const struct bt_str unit = { "bytes=", 6 };

	if (value.n <= unit.n || value.p[unit.n] == ' ' ||
	    value.p[unit.n] == '\t' ||
	    !bt_str_equal_nocase((struct bt_str){ value.p, unit.n }, unit))
		return false;
	*ret_set = (struct bt_str){ value.p + unit.n, value.n - unit.n };
	return true;
}

enum bt_range_kind
bt_range_parse(struct bt_str value, uint64_t size, struct bt_range *ret,
    size_t max, size_t *ret_n)
{
	struct bt_str set, s;
	size_t specs = 0, n = 0;
	bool whole_of_nothing = false;

	*ret_n = 0;
	if (!take_unit(value, &set))
		return BT_RANGE_NONE;
	while (bt_str_list_next(&set, &s)) {
		struct bt_range range;

		if (++specs > max)
			return BT_RANGE_NONE;
		switch (take_spec(s, size, &range)) {
		case SPEC_MALFORMED:
			return BT_RANGE_NONE;
		case SPEC_UNSATISFIABLE:
			break;
		case SPEC_OK:
			if (range.length > 0)
				insert_sorted(ret, &n, range);
			else /* a suffix of an empty representation */
				whole_of_nothing = true;
			break;
		}
	}
	if (specs == 0 || whole_of_nothing)
		return BT_RANGE_NONE;
	if (n == 0)
		return BT_RANGE_UNSATISFIABLE;
	*ret_n = join(ret, n);
	return *ret_n == 1 ? BT_RANGE_SINGLE : BT_RANGE_MULTIPLE;
}
