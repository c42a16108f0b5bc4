#ifndef BT_HTTP_BASIC_H
#define BT_HTTP_BASIC_H

/* Credentials of the Basic scheme (RFC 7617). */

#include "base/arena.h"

struct bt_credentials {
	struct bt_str user, password; /* no control bytes in them */
};

/*
 * Reads the value of an Authorization field.
 *
 * Returns:   0 with `*ret`; -EINVAL for another scheme, or what is not one.
 * Ownership: the arena's; wiping it is the caller's.
 */
int bt_basic_parse(
    struct bt_str, struct bt_arena *, struct bt_credentials *ret);

#endif
