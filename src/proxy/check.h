#ifndef BT_PROXY_CHECK_H
#define BT_PROXY_CHECK_H

/*
 * `check PATH every TIME`: each server of an upstream is asked, by one of the
 * workers, and what it says is known to all of them (standing.h).
 *
 * Context: worker, on the loop.
 */

struct bt_checks;
struct bt_upstream;

/* Begins, where the upstream has checks; else NULL. */
struct bt_checks *bt_checks_new(struct bt_upstream *);

/* Ends those under way without a verdict.  Accepts NULL. */
void bt_checks_free(struct bt_checks *);

#endif
