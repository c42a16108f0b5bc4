#ifndef BT_WORKER_PROXIED_H
#define BT_WORKER_PROXIED_H

/*
 * Connections through a proxy that says first, in the PROXY protocol, for whom
 * it comes (`listen ... proxy_protocol`).  From then on that is the client.
 * Context: worker, on the loop.
 */

#include "worker/conn.h"

/*
 * Looks at a connection that comes: the header may be due, by its listener, and
 * is then to be read before the first request.  Closes it when its peer is not
 * one of trusted_proxies.
 */
void bt_proxied_begin(struct bt_conn *);

/* The header of this one is still to come. */
static inline bool
bt_proxied_is_due(const struct bt_conn *c)
{
	return (c->baton.flags & BT_BATON_PROXY_DUE) != 0;
}

/*
 * Takes the header from what has come, as soon as all of it is there; closes
 * the connection when it is wrong.
 *
 * Returns: true when a request may follow.
 */
bool bt_proxied_read(struct bt_conn *);

#endif
