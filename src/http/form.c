/*
 * Queries, and forms that are written like them.  No I/O, no state.
 */

#include "http/form.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = bt_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_encoded(struct bt_str s)
{
	return s.n > 0 &&
	    (memchr(s.p, '%', s.n) != NULL || memchr(s.p, '+', s.n) != NULL);
}

static struct bt_str
decode(struct bt_str s, struct bt_arena *a)
{
	char *out, *to;

	if (!is_encoded(s))
		return s;
	out = to = bt_arena_alloc(a, s.n);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 &&
		    hex(s.p[i + 2]) >= 0) {
			*to++ = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
			i += 2;
		} else {
			*to++ = s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	return (struct bt_str){ out, (size_t)(to - out) };
}

/* Takes the next `name=value` off the front, as it stands. */
static bool
take_pair(
    struct bt_str *rest, struct bt_str *ret_name, struct bt_str *ret_value)
{
	while (rest->n > 0) {
		const char *amp = memchr(rest->p, '&', rest->n), *equals;
		struct bt_str pair = { rest->p,
			amp ? (size_t)(amp - rest->p) : rest->n };
		size_t used = pair.n + (amp != NULL);

		rest->p += used;
		rest->n -= used;
		if (pair.n == 0)
			continue;
		equals = memchr(pair.p, '=', pair.n);
		*ret_name = (struct bt_str){ pair.p,
			equals ? (size_t)(equals - pair.p) : pair.n };
		*ret_value = BT_STR_NONE;
		if (equals != NULL)
			*ret_value = (struct bt_str){ equals + 1,
				pair.n - ret_name->n - 1 };
		return true;
	}
	return false;
}

bool
bt_query_next(struct bt_str *rest, struct bt_arena *a, struct bt_str *ret_name,
    struct bt_str *ret_value)
{
	struct bt_str name, value;

	if (!take_pair(rest, &name, &value))
		return false;
	*ret_name = decode(name, a);
	*ret_value = decode(value, a);
	return true;
}

bool
bt_query_find(struct bt_str query, struct bt_str name, struct bt_arena *a,
    struct bt_str *ret)
{
	struct bt_str found, value;

	while (take_pair(&query, &found, &value)) {
		if (!bt_str_equal(decode(found, a), name))
			continue;
		*ret = decode(value, a);
		return true;
	}
	return false;
}
