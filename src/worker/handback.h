#ifndef BT_WORKER_HANDBACK_H
#define BT_WORKER_HANDBACK_H

/*
 * Connections on their way to another worker, through the master.
 *
 * Context: worker, on the loop.
 */

#include "worker/conn.h"

/* It retires: the next request is for another worker. */
bool bt_handback_is_due(const struct bt_conn *);

/*
 * Hands it back where its worker retires and it can go: between requests, amid
 * a head, held by a proxy, or with nothing but a file's bytes left of its
 * answer.
 *
 * Returns: whether it has left.
 */
bool bt_handback_try(struct bt_conn *);

/*
 * Hands back one that is a tunnel, which is freed.
 *
 * Returns: false when more waits in it than can travel; it goes on.
 */
bool bt_handback_tunnel(struct bt_conn *);

/*
 * At a reload: hands back those that can go, at once; the others follow at the
 * end of their answers.
 */
void bt_handback_all(struct bt_worker *);

/*
 * Hands back `n` that are idle, those first that are so for longest, or
 * tunnels.
 */
void bt_handback_shed(struct bt_worker *, uint64_t n);

#endif
