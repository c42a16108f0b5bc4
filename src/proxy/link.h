#ifndef BT_PROXY_LINK_H
#define BT_PROXY_LINK_H

/*
 * A connection to a server behind us.  It is lent to one exchange, and kept for
 * the next one where both sides want that.
 *
 * Its event stays with the loop from the connect to the close, so that lending
 * and keeping cost no system call.  Context: worker, on the loop.
 */

#include "handlers/reply.h"
#include "proxy/resolver.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

struct bt_origin;
struct bt_proxying;

struct bt_link {
	TAILQ_ENTRY(bt_link) next; /* of the idle ones */
	struct bt_origin *origin;
	struct bt_proxying *user; /* NULL: idle */
	int fd;
	short watching;
	bool connected;
	bool used;    /* it has carried an exchange before this one */
	bool renewed; /* bt_link_renew() */
	int64_t timeout_ms;
	int error;                /* how the connecting ended, if not well */
	unsigned others;          /* addresses that may be tried, of a name */
	struct bt_name_pick pick; /* which it is at */
	struct event event;
};

TAILQ_HEAD(bt_link_list, bt_link);

/*
 * Begins to connect to its address; writable is when that has ended, well or
 * not.
 *
 * Returns: 0 with the descriptor, the caller's; -EDESTADDRREQ while nobody
 * knows the address, another negative errno.
 */
int bt_origin_connect(const struct bt_origin *, int *ret_fd);

/*
 * An idle link of the origin, or a new one, which may have to be waited for:
 * then it is writable when it is there.  `fresh`: no idle one.
 *
 * Returns: 0 with `*ret`, lent to `user`; negative errno of connect(2).
 */
int bt_link_open(struct bt_origin *, struct bt_proxying *user, bool fresh,
    struct bt_link **ret);

/*
 * The events that its user waits for, and how long at most; for none without
 * end.
 */
void bt_link_watch(struct bt_link *, short events, int64_t timeout_ms);

/*
 * The time begins anew with the next bt_link_watch(), even for the same events:
 * something has moved that was no event.
 */
void bt_link_renew(struct bt_link *);

/* How the connecting has ended: 0, or negative errno. */
int bt_link_take_error(struct bt_link *);

/*
 * Its descriptor is the caller's, with an origin that has one busy until
 * bt_origin_give(); the link ends.
 */
int bt_link_take_fd(struct bt_link *);

/* Gives it back: for the next one, if it is `good` and there is a place. */
void bt_link_give(struct bt_link *, bool good);

#endif
