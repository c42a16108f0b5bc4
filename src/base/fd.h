#ifndef BT_BASE_FD_H
#define BT_BASE_FD_H

/*
 * Descriptors.  Who takes one takes `int *` and leaves -1 behind.
 */

#include <stddef.h>

/* Closes `*fd` unless it is -1, and leaves -1. Keeps errno. */
void bt_fd_close(int *fd);

/*
 * Closes `n` descriptors, with one system call when they are neighbours, as
 * those of one accept burst usually are (close_range(2)).  Keeps errno.
 */
void bt_fd_close_all(const int *fds, size_t n);

/* Takes the descriptor out of `*fd`: returns it, and leaves -1. */
static inline int
bt_fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* 0, or negative errno. */
int bt_fd_set_nonblock(int fd);
int bt_fd_set_cloexec(int fd, int on);

/*
 * Raises the soft limit of descriptors to the hard one.
 *
 * Returns: the limit that is in force now.
 */
unsigned long bt_fd_raise_limit(void);

/*
 * Opens /dev/null as each of descriptors 0 to 2 that is closed, so that no
 * socket takes the number where the log is written.  0, or negative errno.
 *
 * Context: main(), before anything is opened.
 */
int bt_fd_fill_standard(void);

/* How many descriptors this process has open (/proc/self/fd), or -errno. */
int bt_fd_count(void);

#endif
