#ifndef BT_WORKER_TUNNEL_H
#define BT_WORKER_TUNNEL_H

/*
 * A tunnel: what is left of a proxied exchange when its server has switched
 * protocols (RFC 9110, 7.8).  Two descriptors, and the bytes that one end could
 * not take yet; nobody here knows what they mean.  So it can move to another
 * worker at any time, like a connection that is idle.
 *
 * What an end has closed is told by its descriptor to whoever reads it next,
 * and so does not have to be known: a tunnel has no state that would have to
 * travel.
 *
 * Context: worker, on the loop.
 */

#include "channel/channel.h"

struct bt_conn;
struct bt_origin;
struct bt_tunnel;
struct bt_worker;

/*
 * The connection and the server are its two ends from now on.  It does nothing
 * before bt_tunnel_go().
 *
 * Ownership: takes the descriptor; is the connection's, which is one in phase
 *            TUNNEL; `origin` is one more that it has busy, or NULL.
 */
struct bt_tunnel *bt_tunnel_new(struct bt_conn *, int *server_fd,
    struct bt_origin *origin, int64_t idle_ms);

/* The same, out of the hands of another worker, with the bytes it had. */
struct bt_tunnel *bt_tunnel_adopt(struct bt_conn *, struct bt_handover *);

/*
 * Bytes that go before all others, once each way; at most as many as a buffer
 * of the worker has.
 */
void bt_tunnel_send_up(struct bt_tunnel *, const char *bytes, size_t n);
void bt_tunnel_send_down(struct bt_tunnel *, const char *bytes, size_t n);

/* Sends what is there, and waits for more.  May close the connection. */
void bt_tunnel_go(struct bt_tunnel *);

/* The worker retires or drains: each moves, or ends. */
void bt_tunnels_settle(struct bt_worker *);

/*
 * Stops its events and describes what another worker needs: the server's
 * descriptor, and what an end has still to take.
 *
 * Returns:   false when that is more than can travel; it goes on.
 * Ownership: `with_fd` becomes the handover's.  `bytes` points into the tunnel,
 *            which is to be freed behind it.
 */
bool bt_tunnel_pack(struct bt_tunnel *, struct bt_handover *);

/* Closes the server's end.  Accepts NULL. */
void bt_tunnel_free(struct bt_tunnel *);

#endif
