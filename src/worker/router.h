#ifndef BT_WORKER_ROUTER_H
#define BT_WORKER_ROUTER_H

/*
 * From listener, host and path to a route.  Built once from the conf when the
 * worker starts, then only read.  Context: worker, on the loop.
 */

#include "channel/channel.h"
#include "handlers/handler.h"

struct bt_router;

/*
 * Prepares all routes; one whose handler cannot start is logged and answers
 * what the handler says then.
 * Ownership: the caller's, bt_router_free().
 */
struct bt_router *bt_router_new(const struct bt_services *);
void bt_router_free(struct bt_router *);

/* Whether the conf has the listener of that id (bt_conf_listen.id). */
bool bt_router_knows(const struct bt_router *, unsigned listen);

/* Whether connections of it begin with a header of the PROXY protocol. */
bool bt_router_expects_proxy(const struct bt_router *, unsigned listen);

/*
 * Finds the route.  `host` is compared without case, without a trailing dot; an
 * unknown or empty one means the first server of that listener.  Of the routes
 * an exact one wins, then the longest prefix that ends at a `/` boundary.
 *
 * Returns: never NULL; a route whose handler is `none` where nothing fits: the
 *          server's, or one without a conf for an unknown listener.
 */
const struct bt_route *bt_router_find(const struct bt_router *, unsigned listen,
    struct bt_str host, struct bt_str path);

/* What answers where no route does, at the listener's first server. */
const struct bt_route *bt_router_default(
    const struct bt_router *, unsigned listen);

#endif
