/*
 * Range requests for bytes.  Worker, on the loop.
 */

#include "http/range.h"

#include <errno.h>

struct span {
	uint64_t first, last; /* inclusive */
};

/*
 * Reads one range-spec.  Returns 1 when it can be satisfied, 0 when not, or
 * -EINVAL when it is none.
 */
static int
read_spec(struct bt_str spec, uint64_t size, struct span *ret)
{
	const char *dash = memchr(spec.p, '-', spec.n);
	struct bt_str first, last;
	uint64_t a, b;
	int r;

	if (dash == NULL)
		return -EINVAL;
	first = (struct bt_str){ spec.p, (size_t)(dash - spec.p) };
	last = (struct bt_str){ dash + 1, spec.n - first.n - 1 };
	if (first.n == 0) { /* the last `b` bytes */
		if ((r = bt_str_parse_u64(last, &b)) == -EINVAL)
			return r;
		if (r == -ERANGE || b > size)
			b = size;
		*ret = (struct span){ size - b, size - 1 };
		return b > 0;
	}
	if ((r = bt_str_parse_u64(first, &a)) == -EINVAL)
		return r;
	if (r == -ERANGE)
		a = UINT64_MAX;
	b = UINT64_MAX;
	if (last.n > 0 && bt_str_parse_u64(last, &b) == -EINVAL)
		return -EINVAL;
	if (b < a)
		return -EINVAL;
	if (a >= size)
		return 0;
	*ret = (struct span){ a, b < size ? b : size - 1 };
	return 1;
}

/* Puts it in order, joined with those that it touches. */
static size_t
add(struct bt_range *ranges, size_t n, struct span s)
{
	size_t at = 0, end;

	/* those before it, with a gap */
	while (at < n && ranges[at].offset + ranges[at].length < s.first)
		at++;
	for (end = at; end < n && ranges[end].offset <= s.last + 1; end++) {
		uint64_t last = ranges[end].offset + ranges[end].length - 1;

		if (ranges[end].offset < s.first)
			s.first = ranges[end].offset;
		if (last > s.last)
			s.last = last;
	}
	memmove(ranges + at + 1, ranges + end, (n - end) * sizeof(*ranges));
	ranges[at] = (struct bt_range){ s.first, s.last - s.first + 1 };
	return n - (end - at) + 1;
}

enum bt_range_kind
bt_range_parse(struct bt_str value, uint64_t size, struct bt_range *ret,
    size_t max, size_t *ret_n)
{
	const struct bt_str unit = BT_STR("bytes=");
	struct bt_str spec;
	size_t seen = 0, n = 0;

	if (value.n < unit.n ||
	    !bt_str_equal_nocase((struct bt_str){ value.p, unit.n }, unit))
		return BT_RANGE_NONE;
	value.p += unit.n;
	value.n -= unit.n;
	while (bt_str_list_next(&value, &spec)) {
		struct span s;
		int r = read_spec(spec, size, &s);

		if (r < 0 || ++seen > max)
			return BT_RANGE_NONE;
		if (r > 0)
			n = add(ret, n, s);
	}
	*ret_n = n;
	if (seen == 0)
		return BT_RANGE_NONE;
	if (n == 0)
		return BT_RANGE_UNSATISFIABLE;
	return n == 1 ? BT_RANGE_SINGLE : BT_RANGE_MULTIPLE;
}
