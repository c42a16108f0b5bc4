#ifndef BT_PROXY_BACK_H
#define BT_PROXY_BACK_H

/*
 * What a server behind us says of itself, as its clients can follow it: where
 * the path of the route stands for another one of the server, and where the
 * server calls itself by the address that only we know.  Opens nothing; any
 * process.
 */

#include "base/arena.h"

struct bt_proxy_back {
	struct bt_str near; /* the route's path, encoded, no slash at its end */
	struct bt_str far;  /* the server's, the same */
	bool exact;         /* only these paths themselves; whole */
	struct bt_str asked;  /* host and port as the client has them */
	struct bt_str own[3]; /* those that only we know the server by */
	struct bt_arena *arena;
};

/*
 * The URI reference of Location and Content-Location.  One that names the
 * server as only we do becomes a path; one of the client's host, or a path,
 * gets the route's path in the place of the server's, unless it has it already.
 *
 * Returns: the same where there is nothing to do; else of the arena.  Never
 *          the name of another host (`//x`) that was not one before.
 */
struct bt_str bt_proxy_back_reference(
    const struct bt_proxy_back *, struct bt_str);

/* The value of Set-Cookie, its Path treated like a path of Location. */
struct bt_str bt_proxy_back_cookie(const struct bt_proxy_back *, struct bt_str);

#endif
