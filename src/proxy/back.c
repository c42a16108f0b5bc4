/*
 * References and cookies of a server, on their way back.  Worker, on the loop.
 */

#include "proxy/back.h"

/* The path itself, what is below it at a slash, or either with a query. */
static bool
is_below(struct bt_str path, struct bt_str base)
{
	return bt_str_has_prefix(path, base) &&
	    (path.n == base.n || strchr("/?#", path.p[base.n]) != NULL);
}

/* Whether a mapping would change it in the wrong way: it was done before. */
static bool
is_mapped_already(const struct bt_proxy_back *b, struct bt_str path)
{
	return b->near.n > b->far.n && is_below(b->near, b->far) &&
	    is_below(path, b->near);
}

/*
 * The route's path in the place of the server's.  `own`: it surely is the
 * server's path, while others may be those of the client.
 *
 * Returns: false when it stays as it is.
 */
static bool
map_path(const struct bt_proxy_back *b, struct bt_str path, bool own,
    struct bt_str *ret)
{
	struct bt_str rest = path;

	if (!is_below(path, b->far) || (!own && is_mapped_already(b, path)) ||
	    (!own && bt_str_equal(b->near, b->far)))
		return false;
	rest.p += b->far.n;
	rest.n -= b->far.n;
	if (b->exact && rest.n > 0 && rest.p[0] == '/')
		return false;
	if (b->near.n == 0 && rest.n > 1 && rest.p[0] == '/' &&
	    (rest.p[1] == '/' || rest.p[1] == '\\'))
		/* it would be read as the name of a host */
		*ret = bt_arena_printf(b->arena, "/%%%s%.*s",
		    rest.p[1] == '/' ? "2F" : "5C", (int)rest.n - 2,
		    rest.p + 2);
	else
		*ret = bt_arena_printf(b->arena, "%.*s%s%.*s",
		    BT_STR_ARG(b->near),
		    b->near.n == 0 && (rest.n == 0 || rest.p[0] != '/') ? "/"
									: "",
		    BT_STR_ARG(rest));
	return true;
}

static struct bt_str
without_port_80(struct bt_str s)
{
	if (s.n > 3 && memcmp(s.p + s.n - 3, ":80", 3) == 0)
		s.n -= 3;
	return s;
}

static bool
is_same_host(struct bt_str a, struct bt_str b)
{
	return b.n > 0 &&
	    bt_str_equal_nocase(without_port_80(a), without_port_80(b));
}

static bool
is_own(const struct bt_proxy_back *b, struct bt_str host)
{
	for (size_t i = 0; i < sizeof(b->own) / sizeof(b->own[0]); i++)
		if (is_same_host(host, b->own[i]))
			return true;
	return false;
}

/* How many bytes stand before the host: `http://`, `https://`, `//`; or 0. */
static size_t
scheme_bytes(struct bt_str s, bool *ret_https)
{
	static const char *const schemes[] = { "https://", "http://", "//" };

	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(schemes[i]);

		*ret_https = i == 0;
		if (s.n >= n &&
		    bt_str_equal_nocase((struct bt_str){ s.p, n },
			(struct bt_str){ schemes[i], n }))
			return n;
	}
	return 0;
}

static struct bt_str
map_absolute(
    const struct bt_proxy_back *b, struct bt_str s, size_t begin, bool https)
{
	struct bt_str host = { s.p + begin, 0 }, path, mapped;
	size_t end = begin;

	while (end < s.n && strchr("/?#", s.p[end]) == NULL)
		end++;
	host.n = end - begin;
	path = (struct bt_str){ s.p + end, s.n - end };
	if (is_same_host(host, b->asked)) {
		if (!map_path(b, path, false, &mapped))
			return s;
		return bt_arena_printf(
		    b->arena, "%.*s%.*s", (int)end, s.p, BT_STR_ARG(mapped));
	}
	if (!https && is_own(b, host) && map_path(b, path, true, &mapped))
		return mapped;
	return s;
}

struct bt_str
bt_proxy_back_reference(const struct bt_proxy_back *b, struct bt_str s)
{
	struct bt_str mapped;
	bool https;
	size_t begin = scheme_bytes(s, &https);

	if (begin > 0)
		return map_absolute(b, s, begin, https);
	if (s.n > 0 && s.p[0] == '/' && map_path(b, s, false, &mapped))
		return mapped;
	return s;
}

/* The value of the last Path, which is the one that counts (RFC 6265, 5.3). */
static struct bt_str
find_path(struct bt_str cookie)
{
	struct bt_str rest = cookie, found = BT_STR_NONE;
	const char *semicolon;

	while (rest.n > 0 && (semicolon = memchr(rest.p, ';', rest.n))) {
		struct bt_str name, value;
		const char *end, *equals;

		rest.n -= (size_t)(semicolon + 1 - rest.p);
		rest.p = semicolon + 1;
		end = rest.n > 0 ? memchr(rest.p, ';', rest.n) : NULL;
		name = (struct bt_str){ rest.p,
			end != NULL ? (size_t)(end - rest.p) : rest.n };
		equals = name.n > 0 ? memchr(name.p, '=', name.n) : NULL;
		if (equals == NULL)
			continue;
		value = (struct bt_str){ equals + 1,
			name.n - (size_t)(equals + 1 - name.p) };
		name.n = (size_t)(equals - name.p);
		if (bt_str_equal_nocase(bt_str_trim(name), BT_STR("path")))
			found = bt_str_trim(value);
	}
	return found;
}

struct bt_str
bt_proxy_back_cookie(const struct bt_proxy_back *b, struct bt_str s)
{
	struct bt_str path = find_path(s), mapped, behind;

	if (path.n == 0 || path.p[0] != '/' ||
	    !map_path(b, path, false, &mapped))
		return s;
	behind.p = path.p + path.n;
	behind.n = s.n - (size_t)(behind.p - s.p);
	return bt_arena_printf(b->arena, "%.*s%.*s%.*s", (int)(path.p - s.p),
	    s.p, BT_STR_ARG(mapped), BT_STR_ARG(behind));
}
