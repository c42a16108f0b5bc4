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

#define BT_SYSTEMD_NAME_MAX 32

/* A descriptor that was passed to us, and its name ("" when it has none). */
struct bt_systemd_fd {
	int fd;
	char name[BT_SYSTEMD_NAME_MAX];
};

/*
 * The descriptors that were passed to us ($LISTEN_FDS, $LISTEN_FDNAMES),
 * close-on-exec from now on.  The variables are taken out of the environment.
 *
 * Returns:   how many, with `*ret` (NULL when none).
 * Ownership: array and descriptors are the caller's.
 */
size_t bt_systemd_take_fds(struct bt_systemd_fd **ret);

/* How many descriptors the service manager stores for us ($FDSTORE), or 0. */
size_t bt_systemd_store_max(void);

/*
 * Has the service manager store descriptors under a name, for whoever is
 * started next; and drop all of that name.  Waits up to a second for room.
 *
 * Returns:   0, or negative errno.
 * Units:     n <= 253.
 * Ownership: the descriptors stay the caller's.
 */
int bt_systemd_store(const char *name, const int *fds, size_t n);
int bt_systemd_unstore(const char *name);

/*
 * Waits, up to `ms`, until all that was sent before was received: what comes
 * from a process that has ended meanwhile is dropped (sd_notify_barrier(3)).
 * 0, or negative errno.
 */
int bt_systemd_barrier(int64_t ms);

#endif
