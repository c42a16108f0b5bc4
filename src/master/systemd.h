#ifndef BT_MASTER_SYSTEMD_H
#define BT_MASTER_SYSTEMD_H

/*
 * What the service manager gives us and wants to know: the documented protocols
 * of sd_notify(3) and sd_listen_fds(3), without its library.  Without a service
 * manager everything here does nothing.  Master.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Sends `state`, lines like READY=1, to $NOTIFY_SOCKET.
 *
 * Returns: 1 sent; 0 there is no service manager; negative errno.
 */
int bt_systemd_notify(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* How often to send WATCHDOG=1: half of what was asked for; 0: not at all. */
int64_t bt_systemd_watchdog_ms(void);

/*
 * The sockets that were passed to us ($LISTEN_FDS), close-on-exec from now on.
 * The variables are taken out of the environment.
 *
 * Returns:   how many, with `*ret` (NULL when none).
 * Ownership: array and descriptors are the caller's.
 */
size_t bt_systemd_take_listeners(int **ret);

#endif
