#ifndef BT_HTTP_FORWARDED_H
#define BT_HTTP_FORWARDED_H

/*
 * Who the client is behind proxies that are trusted: X-Forwarded-For, to which
 * each of them adds, at the end, the address that it was asked from.
 */

#include "base/addr.h"
#include "http/request.h"

/*
 * From `*client`, the peer of the connection, goes back from the end of the
 * fields as long as an address is one of the `n` that are trusted; so what a
 * client has written in front is not looked at.  A member that is no address
 * ends the way.  `*ret_https` is whether the last proxy says so in
 * X-Forwarded-Proto.
 *
 * Returns: false when the peer is not trusted: nothing was changed.
 */
bool bt_forwarded_find(const struct bt_request *,
    const struct bt_addr_block *trusted, size_t n, struct bt_addr *client,
    bool *ret_https);

#endif
