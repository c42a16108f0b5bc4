#ifndef BT_MASTER_TAKEOVER_H
#define BT_MASTER_TAKEOVER_H

/*
 * From one program to another in the same process, and back when the other is
 * not ready.  Master.
 */

#include "master/state.h"

/* How the other program is told, in its environment. */
#define BT_TAKEOVER_VARIABLE "BATON_TAKEOVER"
/* What a program that could take over says at its rehearsal. */
#define BT_TAKEOVER_READY "baton: ready to take over"

/*
 * Executes `exe`, with our arguments, to take over what stands in
 * `crossing_fd`; if it is not ready in time, or dies, it becomes the program of
 * `exe_fd` again.
 *
 * Returns: negative errno, and we go on.  When it works it does not return.
 */
int bt_takeover_exec(const char *exe, int crossing_fd, int exe_fd);

/* The same for a rehearsal, in a child.  Returns when it does not work. */
void bt_takeover_rehearse(const char *exe, int crossing_fd);

/* What stands in for a conf file while taking over; NULL when we are not. */
const struct bt_buf *bt_takeover_conf(const struct bt_master *);

/*
 * Our workers are ready: what was taken over is ours for good, and m->takeover
 * NULL.
 */
void bt_takeover_commit(struct bt_master *);

/* Ends our workers and becomes the other program again.  Does not return. */
void bt_takeover_go_back(struct bt_master *, struct bt_str why)
    __attribute__((noreturn));

#endif
