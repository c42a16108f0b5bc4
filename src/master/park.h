#ifndef BT_MASTER_PARK_H
#define BT_MASTER_PARK_H

/*
 * Parking: connections that nothing is due on outlive this process, in the
 * service manager's store of descriptors, and the one that is started next
 * takes them up: idle ones, those amid a head, held requests, tunnels with
 * their other ends.  Beside them lies a list in a memfd that says which is
 * which: a socket is known again by its inode.  Master, at its start and at its
 * end.
 */

#include "master/listener.h"
#include "master/systemd.h"

/*
 * Parks what is in the dealer's queue, as far as the store has room; the rest
 * stays there.  Waits for the service manager, for seconds at most.
 *
 * Returns: how many were parked.
 */
size_t bt_park_store(struct bt_dealer *, const struct bt_conf *, size_t max);

/*
 * Whether something in the queue cannot be parked, but a worker can finish it,
 * and then it can.
 */
bool bt_park_needs_worker(const struct bt_dealer *);

/*
 * Puts what was parked into the dealer's queue, counted as accepted, and tells
 * the service manager to forget it.  The conf has its listeners' ids.
 *
 * Returns:   how many were taken up.
 * Ownership: takes the descriptors that have a name of ours, and leaves -1.
 */
size_t bt_park_take_up(struct bt_listeners *, const struct bt_conf *,
    struct bt_systemd_fd *, size_t n);

#endif
