#ifndef BT_HTTP_URI_H
#define BT_HTTP_URI_H

/*
 * Request targets (RFC 9112, 3.2; RFC 3986): splitting, decoding, encoding.
 */

#include "base/arena.h"

enum bt_target_form {
	BT_TARGET_ORIGIN,
	BT_TARGET_ABSOLUTE,
	BT_TARGET_ASTERISK,
};

struct bt_target {
	enum bt_target_form form;
	struct bt_str authority; /* absolute-form: host and port, else empty */
	struct bt_str path;  /* as received; `/` when absolute-form has none */
	struct bt_str query; /* without the ? */
	bool has_query;
};

/*
 * Splits a target.  Refuses fragments, userinfo, empty authorities, schemes
 * other than http and https, bytes that no URI has.
 *
 * Returns:   0, or -EINVAL.
 * Ownership: spans point into the target (or to a literal "/").
 */
int bt_target_parse(struct bt_str, struct bt_target *ret);

/*
 * Decodes and normalizes a path: %XX, then slashes merged, `.` and `..`
 * removed, so that one and the same result is routed, guarded and opened.
 * A path without anything to do is returned as it is, without a copy.
 *
 * Returns: 0; -EINVAL for a bad %XX, %00, no leading /, or `..` above the root.
 */
int bt_path_decode(struct bt_str, struct bt_arena *, struct bt_str *ret);

/*
 * Encodes a path for a Location: everything but unreserved, sub-delims, `:`,
 * `@` and `/` becomes %XX; a leading `//` becomes `/%2F`, so that it can never
 * be read as an authority.
 */
struct bt_str bt_path_encode(struct bt_str, struct bt_arena *);

/*
 * Checks `uri-host [":" port]` (RFC 9110, 7.2) and gives its host, without the
 * port, brackets of an IPv6 address kept.
 *
 * Returns: 0, or -EINVAL. An empty host is refused, too.
 */
int bt_authority_parse(struct bt_str, struct bt_str *ret_host);

#endif
