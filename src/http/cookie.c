/*
 * Cookies: found in a request, written for an answer.  No I/O, no state.
 */

#include "http/cookie.h"

#include <errno.h>

/* Looks through one line; `; ` is between cookies, blanks are not theirs. */
static bool
find_in(struct bt_str line, struct bt_str name, struct bt_str *ret)
{
	while (line.n > 0) {
		const char *end = memchr(line.p, ';', line.n), *equals;
		struct bt_str pair = { line.p,
			end ? (size_t)(end - line.p) : line.n };
		size_t used = pair.n + (end != NULL);

		line.p += used;
		line.n -= used;
		if ((equals = memchr(pair.p, '=', pair.n)) == NULL)
			continue;
		if (!bt_str_equal(bt_str_trim((struct bt_str){
				      pair.p, (size_t)(equals - pair.p) }),
			name))
			continue;
		*ret = bt_str_trim((struct bt_str){
		    equals + 1, (size_t)(pair.p + pair.n - equals - 1) });
		return true;
	}
	return false;
}

bool
bt_cookie_find(
    const struct bt_request *r, struct bt_str name, struct bt_str *ret)
{
	struct bt_str line;
	unsigned at = 0;

	while (bt_request_known_next(r, BT_FIELD_COOKIE, &at, &line))
		if (find_in(line, name, ret))
			return true;
	return false;
}

static bool
is_token(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?={}", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

/* cookie-octets, perhaps in double quotes. */
static bool
is_value(struct bt_str s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
		s.p++;
		s.n -= 2;
	}
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f ||
		    strchr("\",;\\", s.p[i]) != NULL)
			return false;
	return true;
}

static bool
is_attribute(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ||
		    s.p[i] == ';')
			return false;
	return true;
}

/* Names by which a browser takes only what was set securely (6265bis). */
static bool
keeps_prefix(const struct bt_cookie *c)
{
	if (bt_str_has_prefix(c->name, BT_STR("__Host-")))
		return c->secure && c->domain.n == 0 &&
		    bt_str_equal(c->path, BT_STR("/"));
	return c->secure || !bt_str_has_prefix(c->name, BT_STR("__Secure-"));
}

int
bt_cookie_format(
    const struct bt_cookie *c, struct bt_arena *a, struct bt_str *ret)
{
	struct bt_str age = BT_STR("");

	if (!is_token(c->name) || !is_value(c->value) ||
	    !is_attribute(c->path) || !is_attribute(c->domain) ||
	    !is_attribute(c->same_site) || !keeps_prefix(c))
		return -EINVAL;
	if (c->has_max_age)
		age = bt_arena_printf(a, "; Max-Age=%ld", c->max_age_s);
	*ret = bt_arena_printf(a, "%.*s=%.*s%s%.*s%s%.*s%.*s%s%s%s%.*s",
	    BT_STR_ARG(c->name), BT_STR_ARG(c->value),
	    c->path.n ? "; Path=" : "", BT_STR_ARG(c->path),
	    c->domain.n ? "; Domain=" : "", BT_STR_ARG(c->domain),
	    BT_STR_ARG(age), c->secure ? "; Secure" : "",
	    c->http_only ? "; HttpOnly" : "",
	    c->same_site.n ? "; SameSite=" : "", BT_STR_ARG(c->same_site));
	return 0;
}
