/*
 * Request targets, authorities and paths.  What is refused here is what could
 * be read in two ways by two programs.  Any process; no state.
 */

#include "http/uri.h"

#include <arpa/inet.h>
#include <errno.h>

#define PORT_MAX 65535

/* What a byte may be part of (RFC 3986, appendix A). */
enum {
	IN_NAME = 1,   /* pchar without %: nothing to do in a path */
	IN_HOST = 2,   /* reg-name without % */
	IN_TARGET = 4, /* path or query, without ? and %; brackets tolerated */
	IS_HEX = 8,
	UNRESERVED = IN_NAME | IN_HOST | IN_TARGET,
};

static const uint8_t classes[256] = {
	['0' ... '9'] = UNRESERVED | IS_HEX,
	['A' ... 'F'] = UNRESERVED | IS_HEX,
	['a' ... 'f'] = UNRESERVED | IS_HEX,
	['G' ... 'Z'] = UNRESERVED,
	['g' ... 'z'] = UNRESERVED,
	['-'] = UNRESERVED,
	['.'] = UNRESERVED,
	['_'] = UNRESERVED,
	['~'] = UNRESERVED,
	/* sub-delims may be where these are */
	['!'] = UNRESERVED,
	['$'] = UNRESERVED,
	['&'] = UNRESERVED,
	['\''] = UNRESERVED,
	['('] = UNRESERVED,
	[')'] = UNRESERVED,
	['*'] = UNRESERVED,
	['+'] = UNRESERVED,
	[','] = UNRESERVED,
	[';'] = UNRESERVED,
	['='] = UNRESERVED,
	[':'] = IN_NAME | IN_TARGET,
	['@'] = IN_NAME | IN_TARGET,
	['/'] = IN_TARGET,
	['['] = IN_TARGET,
	[']'] = IN_TARGET,
};

static inline bool
is(char c, unsigned what)
{
	return (classes[(unsigned char)c] & what) != 0;
}

static inline unsigned
hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0')
			: (unsigned)(bt_lower(c) - 'a') + 10;
}

static inline bool
is_encoded(struct bt_str s, size_t i)
{
	return s.n - i > 2 && is(s.p[i + 1], IS_HEX) && is(s.p[i + 2], IS_HEX);
}

static struct bt_str
span_from(struct bt_str s, size_t i)
{
	return (struct bt_str){ s.p + i, s.n - i };
}

/* The end of what is plainly in a target, or encoded, from `i` on. */
static inline size_t
target_end(struct bt_str s, size_t i)
{
	for (;;) {
		while (i < s.n && is(s.p[i], IN_TARGET))
			i++;
		if (i == s.n || s.p[i] != '%' || !is_encoded(s, i))
			return i;
		i += 3;
	}
}

/* Splits at the first ?; -EINVAL for bytes that do not belong. */
static int
split_query(struct bt_str s, struct bt_target *ret)
{
	size_t path = target_end(s, 0), i = path;

	while (i < s.n && s.p[i] == '?')
		i = target_end(s, i + 1);
	if (i < s.n)
		return -EINVAL;
	ret->path = (struct bt_str){ s.p, path };
	ret->has_query = path < s.n;
	ret->query = ret->has_query ? span_from(s, path + 1) : BT_STR_NONE;
	return 0;
}

/* How much of an absolute-form is scheme and `://`; 0: it is none. */
static size_t
scheme_bytes(struct bt_str s)
{
	static const struct bt_str schemes[] = {
		{ "http://", 7 },
		{ "https://", 8 },
	};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = schemes[i].n;

		if (s.n >= n &&
		    bt_str_equal_nocase((struct bt_str){ s.p, n }, schemes[i]))
			return n;
	}
	return 0;
}

static int
parse_absolute(struct bt_str s, struct bt_target *ret)
{
	size_t begin = scheme_bytes(s), i = begin;
	struct bt_str host;
	int r;

	if (begin == 0)
		return -EINVAL;
	while (i < s.n && s.p[i] != '/' && s.p[i] != '?')
		i++;
	ret->form = BT_TARGET_ABSOLUTE;
	ret->authority = (struct bt_str){ s.p + begin, i - begin };
	if ((r = bt_authority_parse(ret->authority, &host)) < 0 ||
	    (r = split_query(span_from(s, i), ret)) < 0)
		return r;
	if (ret->path.n == 0)
		ret->path = BT_STR("/");
	return 0;
}

int
bt_target_parse(struct bt_str s, struct bt_target *ret)
{
	*ret = (struct bt_target){ 0 };
	if (s.n == 0)
		return -EINVAL;
	if (s.p[0] == '/')
		return split_query(s, ret);
	if (s.n == 1 && s.p[0] == '*') {
		ret->form = BT_TARGET_ASTERISK;
		ret->path = s;
		return 0;
	}
	return parse_absolute(s, ret);
}

/* Whether a segment that begins at `i` is `.` or `..`. */
static bool
is_dots(struct bt_str s, size_t i)
{
	for (size_t dots = 0; dots < 3; dots++, i++) {
		if (i == s.n || s.p[i] == '/')
			return dots > 0;
		if (s.p[i] != '.')
			return false;
	}
	return false;
}

/* Whether there is nothing to decode, merge or remove. */
static bool
is_plain(struct bt_str s)
{
	size_t i = 0;

	for (;;) {
		while (i < s.n && is(s.p[i], IN_NAME))
			i++;
		if (i == s.n)
			return true;
		if (s.p[i] == '%' || s.p[i] == '\0')
			return false;
		if (s.p[i++] == '/' && i < s.n &&
		    (s.p[i] == '/' || (s.p[i] == '.' && is_dots(s, i))))
			return false;
	}
}

/* Undoes %XX; 0 with the length at `to`, or -EINVAL. */
static int
decode(struct bt_str s, char *to, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			if (!is_encoded(s, i))
				return -EINVAL;
			c = (char)(hex_value(s.p[i + 1]) << 4 |
			    hex_value(s.p[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return -EINVAL;
		to[n++] = c;
	}
	*ret_n = n;
	return 0;
}

/* One of `.`, `..`, or a name, taken over into the `*w` bytes at `p`. */
static int
put_segment(char *p, size_t *w, struct bt_str segment)
{
	if (bt_str_equal(segment, BT_STR(".")))
		return 0;
	if (bt_str_equal(segment, BT_STR(".."))) {
		if (*w == 0)
			return -EINVAL;
		while (p[--*w] != '/')
			;
		return 0;
	}
	p[(*w)++] = '/';
	memmove(p + *w, segment.p, segment.n);
	*w += segment.n;
	return 0;
}

/* Merges slashes and removes dot segments, in place; what is left is shorter.
 */
static int
normalize(char *p, size_t *n)
{
	size_t i = 0, w = 0;
	bool is_folder = true;

	while (i < *n) {
		size_t begin, bytes;
		int r;

		while (i < *n && p[i] == '/')
			i++;
		if (i == *n) {
			is_folder = true;
			break;
		}
		begin = i;
		while (i < *n && p[i] != '/')
			i++;
		bytes = i - begin;
		is_folder = p[begin] == '.' &&
		    (bytes == 1 || (bytes == 2 && p[begin + 1] == '.'));
		r = put_segment(p, &w, (struct bt_str){ p + begin, bytes });
		if (r < 0)
			return r;
	}
	if (is_folder)
		p[w++] = '/';
	*n = w;
	return 0;
}

/* Apart from the usual case, which so needs no stack. */
__attribute__((noinline)) static int
decode_copy(struct bt_str s, struct bt_arena *arena, struct bt_str *ret)
{
	char *p = bt_arena_alloc(arena, s.n + 1);
	size_t n;
	int r;

	if ((r = decode(s, p, &n)) < 0 || (r = normalize(p, &n)) < 0)
		return r;
	p[n] = '\0';
	*ret = (struct bt_str){ p, n };
	return 0;
}

int
bt_path_decode(struct bt_str s, struct bt_arena *arena, struct bt_str *ret)
{
	if (s.n == 0 || s.p[0] != '/')
		return -EINVAL;
	if (!is_plain(s))
		return decode_copy(s, arena, ret);
	*ret = s;
	return 0;
}

struct bt_str
bt_path_encode(struct bt_str s, struct bt_arena *arena)
{
	static const char digits[] = "0123456789ABCDEF";
	char *p = bt_arena_alloc(arena, s.n * 3 + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is((char)c, IN_NAME) ||
		    (c == '/' && !(i == 1 && s.p[0] == '/'))) {
			p[n++] = (char)c;
			continue;
		}
		p[n++] = '%';
		p[n++] = digits[c >> 4];
		p[n++] = digits[c & 15];
	}
	p[n] = '\0';
	return (struct bt_str){ p, n };
}

/* The length of a reg-name or IPv4 address at the front; 0: none. */
static size_t
name_bytes(struct bt_str s)
{
	size_t i = 0;

	while (i < s.n) {
		if (is(s.p[i], IN_HOST))
			i++;
		else if (s.p[i] == '%' && is_encoded(s, i))
			i += 3;
		else
			break;
	}
	return i;
}

/* The same of an IPv6 address in brackets; apart, as it needs stack. */
__attribute__((noinline)) static size_t
ip_literal_bytes(struct bt_str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *end = memchr(s.p, ']', s.n);
	size_t n;

	if (end == NULL || (n = (size_t)(end - s.p) - 1) >= sizeof(text))
		return 0;
	memcpy(text, s.p + 1, n);
	text[n] = '\0';
	if (memchr(text, '\0', n) != NULL ||
	    inet_pton(AF_INET6, text, &address) != 1)
		return 0;
	return n + 2;
}

/* `:` and a port, which may be empty (RFC 3986, 3.2.3); or nothing. */
static bool
is_port(struct bt_str s)
{
	unsigned port = 0;

	if (s.n > 0 && s.p[0] != ':')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';

		port = port * 10 + digit;
		if (digit > 9 || port > PORT_MAX)
			return false;
	}
	return true;
}

int
bt_authority_parse(struct bt_str s, struct bt_str *ret_host)
{
	size_t n;

	if (s.n == 0)
		return -EINVAL;
	n = s.p[0] == '[' ? ip_literal_bytes(s) : name_bytes(s);
	if (n == 0 || !is_port(span_from(s, n)))
		return -EINVAL;
	*ret_host = (struct bt_str){ s.p, n };
	return 0;
}
