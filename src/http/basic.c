/*
 * Basic credentials: base64 (RFC 4648) of `user:password`, strictly: a value
 * that could be read in two ways is none.
 */

#include "http/basic.h"

#include <errno.h>

static int
digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Without the padding, which only fills the last four. */
static int
strip_padding(struct bt_str *s)
{
	if (s->n % 4 != 0)
		return -EINVAL;
	for (int i = 0; i < 2 && s->n > 0 && s->p[s->n - 1] == '='; i++)
		s->n--;
	return 0;
}

/* Decodes into `out`, which has room; -EINVAL, or the number of bytes. */
static int
decode(struct bt_str s, char *out)
{
	unsigned word = 0, bits = 0;
	size_t n = 0;

	if (strip_padding(&s) < 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		int digit = digit_of(s.p[i]);

		if (digit < 0)
			return -EINVAL;
		word = word << 6 | (unsigned)digit;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(word >> bits);
			word &= (1u << bits) - 1;
		}
	}
	return word == 0 ? (int)n : -EINVAL;
}

static bool
has_control(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

int
bt_basic_parse(
    struct bt_str value, struct bt_arena *a, struct bt_credentials *ret)
{
	const size_t n = sizeof("Basic ") - 1;
	struct bt_str text;
	const char *colon;
	char *bytes;
	int r;

	if (value.n <= n ||
	    !bt_str_equal_nocase(
		(struct bt_str){ value.p, n }, BT_STR("Basic ")))
		return -EINVAL;
	value = bt_str_trim((struct bt_str){ value.p + n, value.n - n });
	bytes = bt_arena_alloc(a, value.n / 4 * 3 + 3);
	if ((r = decode(value, bytes)) < 0)
		return r;
	text = (struct bt_str){ bytes, (size_t)r };
	if (has_control(text) || (colon = memchr(bytes, ':', text.n)) == NULL)
		return -EINVAL;
	ret->user = (struct bt_str){ bytes, (size_t)(colon - bytes) };
	ret->password = (struct bt_str){ colon + 1, text.n - ret->user.n - 1 };
	return 0;
}
