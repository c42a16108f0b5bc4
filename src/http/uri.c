/*
 * Request targets: splitting, decoding, encoding.  Worker, on the loop.
 */

#include "http/uri.h"

#include <errno.h>
#include <sys/types.h>

/* What a byte may be in (RFC 3986, 2 and 3). */
enum {
	IN_PATH = 1,  /* pchar, `/` */
	IN_QUERY = 2, /* pchar, `/`, `?` */
	IN_HOST = 4,  /* reg-name */
	AS_IS = 8,    /* in a path that we write: pchar but for `%` */
};

#define PCHAR (IN_PATH | IN_QUERY | AS_IS)

static const uint8_t classes[256] = {
	['a' ... 'z'] = PCHAR | IN_HOST,
	['A' ... 'Z'] = PCHAR | IN_HOST,
	['0' ... '9'] = PCHAR | IN_HOST,
	['-'] = PCHAR | IN_HOST,
	['.'] = PCHAR | IN_HOST,
	['_'] = PCHAR | IN_HOST,
	['~'] = PCHAR | IN_HOST,
	['!'] = PCHAR | IN_HOST,
	['$'] = PCHAR | IN_HOST,
	['&'] = PCHAR | IN_HOST,
	['\''] = PCHAR | IN_HOST,
	['('] = PCHAR | IN_HOST,
	[')'] = PCHAR | IN_HOST,
	['*'] = PCHAR | IN_HOST,
	['+'] = PCHAR | IN_HOST,
	[','] = PCHAR | IN_HOST,
	[';'] = PCHAR | IN_HOST,
	['='] = PCHAR | IN_HOST,
	[':'] = PCHAR,
	['@'] = PCHAR,
	['/'] = PCHAR,
	['%'] = IN_PATH | IN_QUERY | IN_HOST,
	['?'] = IN_QUERY,
	/* no URI has these, but browsers send them */
	['['] = IN_QUERY,
	[']'] = IN_QUERY,
	['{'] = IN_QUERY,
	['}'] = IN_QUERY,
	['|'] = IN_QUERY,
	['\\'] = IN_QUERY,
	['^'] = IN_QUERY,
	['`'] = IN_QUERY,
	['"'] = IN_QUERY,
};

static bool
all_are(struct bt_str s, unsigned class)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(classes[(unsigned char)s.p[i]] & class))
			return false;
	return true;
}

static void
split_query(struct bt_str s, struct bt_target *t)
{
	const char *mark = s.n ? memchr(s.p, '?', s.n) : NULL;

	t->path = s;
	if (mark == NULL)
		return;
	t->path.n = (size_t)(mark - s.p);
	t->has_query = true;
	t->query = (struct bt_str){ mark + 1, s.n - t->path.n - 1 };
}

/* The length of `http://` or `https://` at the front, any case, or 0. */
static size_t
scheme_length(struct bt_str s)
{
	static const struct bt_str schemes[] = { { "http://", 7 },
		{ "https://", 8 } };

	for (size_t i = 0; i < 2; i++)
		if (s.n > schemes[i].n &&
		    bt_str_equal_nocase(
			(struct bt_str){ s.p, schemes[i].n }, schemes[i]))
			return schemes[i].n;
	return 0;
}

int
bt_target_parse(struct bt_str s, struct bt_target *ret)
{
	struct bt_target t = { .form = BT_TARGET_ORIGIN };
	size_t scheme, i;

	if (bt_str_equal(s, BT_STR("*"))) {
		t.form = BT_TARGET_ASTERISK;
		t.path = s;
	} else if (s.n > 0 && s.p[0] == '/') {
		split_query(s, &t);
	} else if ((scheme = scheme_length(s)) > 0) {
		t.form = BT_TARGET_ABSOLUTE;
		for (i = scheme; i < s.n && s.p[i] != '/' && s.p[i] != '?'; i++)
			;
		t.authority = (struct bt_str){ s.p + scheme, i - scheme };
		split_query((struct bt_str){ s.p + i, s.n - i }, &t);
		if (t.path.n == 0)
			t.path = BT_STR("/");
	} else {
		return -EINVAL;
	}
	if (t.form != BT_TARGET_ASTERISK &&
	    (!all_are(t.path, IN_PATH) || !all_are(t.query, IN_QUERY)))
		return -EINVAL;
	*ret = t;
	return 0;
}

/* Whether nothing is to decode, merge or remove. */
static bool
is_plain(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%')
			return false;
		if (s.p[i] == '/' && i + 1 < s.n &&
		    (s.p[i + 1] == '/' || s.p[i + 1] == '.'))
			return false;
	}
	return true;
}

/* Undoes %XX; returns the length, or -EINVAL. */
static ssize_t
undo_percent(struct bt_str s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint64_t byte;

		if (s.p[i] != '%') {
			out[n++] = s.p[i];
			continue;
		}
		if (i + 2 >= s.n ||
		    bt_str_parse_hex((struct bt_str){ s.p + i + 1, 2 }, &byte) <
			0 ||
		    byte == 0)
			return -EINVAL;
		out[n++] = (char)byte;
		i += 2;
	}
	return (ssize_t)n;
}

/* The length of the segment at `at`, up to the next slash. */
static size_t
segment_length(const char *path, size_t n, size_t at)
{
	const char *slash = at < n ? memchr(path + at, '/', n - at) : NULL;

	return slash ? (size_t)(slash - path) - at : n - at;
}

/*
 * Merges slashes and removes dot segments, in place.  `to` always stands behind
 * a slash.  Returns the new length, or -EINVAL above the root.
 */
static ssize_t
normalize(char *path, size_t n)
{
	size_t at = 1, to = 1;

	while (at < n) {
		size_t len = segment_length(path, n, at);
		bool last = at + len == n;

		if (len == 0 || (len == 1 && path[at] == '.')) {
			/* nothing of it stays */
		} else if (len == 2 && path[at] == '.' && path[at + 1] == '.') {
			if (to == 1)
				return -EINVAL;
			for (to--; path[to - 1] != '/'; to--)
				;
		} else {
			memmove(path + to, path + at, len);
			to += len;
			if (!last)
				path[to++] = '/';
		}
		at += len + 1;
	}
	return (ssize_t)to;
}

int
bt_path_decode(struct bt_str s, struct bt_arena *arena, struct bt_str *ret)
{
	ssize_t n;
	char *out;

	if (s.n == 0 || s.p[0] != '/')
		return -EINVAL;
	if (is_plain(s)) {
		*ret = s;
		return 0;
	}
	out = bt_arena_alloc(arena, s.n + 1);
	if ((n = undo_percent(s, out)) < 0 ||
	    (n = normalize(out, (size_t)n)) < 0)
		return (int)n;
	out[n] = '\0';
	*ret = (struct bt_str){ out, (size_t)n };
	return 0;
}

struct bt_str
bt_path_encode(struct bt_str s, struct bt_arena *arena)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = bt_arena_alloc(arena, 3 * s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		/* `//` would begin an authority, `/\` does in browsers */
		bool authority = i == 1 && s.p[0] == '/' && c == '/';

		if ((classes[c] & AS_IS) && !authority) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
	return (struct bt_str){ out, n };
}

static bool
is_port(struct bt_str s)
{
	uint64_t port;

	return s.n == 0 || (bt_str_parse_u64(s, &port) == 0 && port <= 65535);
}

/* Hexadecimal digits, colons and dots: as far as a server needs to know. */
static bool
is_ipv6(struct bt_str s)
{
	size_t colons = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = bt_lower(s.p[i]);

		colons += c == ':';
		if (c != ':' && c != '.' && !(c >= '0' && c <= '9') &&
		    !(c >= 'a' && c <= 'f'))
			return false;
	}
	return colons >= 2;
}

static bool
has_good_percents(struct bt_str s)
{
	uint64_t byte;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '%' &&
		    (i + 2 >= s.n ||
			bt_str_parse_hex(
			    (struct bt_str){ s.p + i + 1, 2 }, &byte) < 0 ||
			byte == 0))
			return false;
	return true;
}

int
bt_authority_parse(struct bt_str s, struct bt_str *ret_host)
{
	struct bt_str host = s, port = BT_STR_NONE;
	const char *end;

	if (s.n == 0)
		return -EINVAL;
	if (s.p[0] == '[') {
		if ((end = memchr(s.p, ']', s.n)) == NULL)
			return -EINVAL;
		host.n = (size_t)(end + 1 - s.p);
		if (!is_ipv6((struct bt_str){ s.p + 1, host.n - 2 }))
			return -EINVAL;
	} else {
		end = memchr(s.p, ':', s.n);
		host.n = end ? (size_t)(end - s.p) : s.n;
		if (host.n == 0 || !all_are(host, IN_HOST) ||
		    !has_good_percents(host))
			return -EINVAL;
	}
	if (host.n < s.n) {
		if (s.p[host.n] != ':')
			return -EINVAL;
		port = (struct bt_str){ s.p + host.n + 1, s.n - host.n - 1 };
	}
	if (!is_port(port))
		return -EINVAL;
	*ret_host = host;
	return 0;
}
