#ifndef BT_TORTURE_MANAGER_H
#define BT_TORTURE_MANAGER_H

/*
 * Our part as baton's service manager: hears what it says to $NOTIFY_SOCKET,
 * and may store descriptors (FDSTORE=1), which whoever is started next is
 * passed behind the listening socket.  As with systemd they are ours, too,
 * until FDSTOREREMOVE=1.
 */

#include "tests/torture/process.h"

enum { MANAGER_STORE_MAX = 7000 }; /* their names are one string of 128 KiB */

/* A socket of that path. */
void manager_open(const char *path);
void manager_close(void);

/* Calls at the next READY=1, once. */
void manager_await_ready(void (*on_ready)(void *), void *arg);

/* What is passed to who is started: the listener, then what is stored. */
void manager_pass(struct process *, int listen_fd, bool stores);

/* How many are stored. */
size_t manager_stored(void);

/* How many ever were. */
void manager_print(void);

#endif
