#ifndef BT_MASTER_MASTER_H
#define BT_MASTER_MASTER_H

/*
 * The main place: listeners, dealer, worker slots, signals, control socket,
 * systemd.  It never parses a byte of HTTP.
 */

#include "channel/heritage.h"

/*
 * Runs the daemon in the foreground until it is told to stop.
 *
 * The hooks are the caller's, and stay.
 *
 * Returns:   the exit status: 0 after a graceful stop; 1 when it could not
 *            start, or connections had to be cut.  What went wrong was logged.
 * Ownership: takes the conf.
 */
int bt_master_run(struct bt_conf *, const struct bt_hooks *hooks);

/*
 * Takes over from another master, which executed this program in its place
 * (upgrade): whatever the command line says.  Context: main(), first.
 *
 * Returns: -1 when that is not the case; else as bt_master_run().
 */
int bt_master_take_over(const struct bt_hooks *hooks);

/*
 * `baton -s`: asks the running master over its control socket and waits for
 * the outcome, which it prints (stdout; failures to stderr).
 *
 * Returns: 0; 1 when the master refused, failed or cannot be reached.
 * Context: its own process, not the daemon.
 */
int bt_control_ask(const struct bt_conf *, const char *verb);

#endif
