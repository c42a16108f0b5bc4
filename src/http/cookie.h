#ifndef BT_HTTP_COOKIE_H
#define BT_HTTP_COOKIE_H

/* Cookies (RFC 6265). */

#include "base/arena.h"
#include "http/request.h"

/*
 * The value of a cookie in the request, as it stands; the first of that name.
 *
 * Returns: false when there is none.
 */
bool bt_cookie_find(
    const struct bt_request *, struct bt_str name, struct bt_str *ret);

/* What Set-Cookie says; texts of length 0 are left out. */
struct bt_cookie {
	struct bt_str name, value;
	struct bt_str path, domain, same_site;
	bool has_max_age, secure, http_only;
	long max_age_s;
};

/*
 * The value of a Set-Cookie field (RFC 6265, 4.1).
 *
 * Returns:   0; -EINVAL: a name that is no token, a value with other than
 *            cookie octets, an attribute with a control byte or `;`, a __Host-
 *            or __Secure- name without what it promises.
 * Ownership: the arena's.
 */
int bt_cookie_format(
    const struct bt_cookie *, struct bt_arena *, struct bt_str *ret);

#endif
