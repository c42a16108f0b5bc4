#ifndef BT_MASTER_PIDFILE_H
#define BT_MASTER_PIDFILE_H

/*
 * Writes our PID to the file, whole or not at all: readers see the old file or
 * the new one.  0, or negative errno.
 */
int bt_pidfile_write(const char *path);

/* Removes the file if it still has our PID. */
void bt_pidfile_remove(const char *path);

#endif
