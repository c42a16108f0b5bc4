#ifndef BT_APP_LOAD_H
#define BT_APP_LOAD_H

/*
 * The applications of a conf: tried in a child, then loaded into the master,
 * whose memory the workers have.
 */

#include "app/settings.h"
#include "app/shared.h"

/* What `loaded` of a struct bt_conf_app is. */
struct bt_loaded_app {
	struct bt_library *library;
	struct bt_setting_value *values; /* as many as the library's settings */
};

/* What `loaded` of a struct bt_conf with applications is. */
struct bt_loaded_conf {
	struct bt_keys keys;
	struct bt_shared *shared;
};

/*
 * Loads all of them in a child and looks whether they take their settings; one
 * that crashes, or does not come back, is complained of as one that is wrong.
 *
 * Context: a bt_conf_check_apps_fn: master, or baton -t; waits for the child,
 *          for 5 s at most.
 */
void bt_apps_check(const struct bt_conf *, bt_conf_complain_fn *, void *arg);

/*
 * Loads them here; bt_conf_free() will unload them.
 *
 * Returns: 0; negative errno, and `errors` has lines for people.
 * Context: master, with a conf that was checked.
 */
int bt_apps_load(struct bt_conf *, struct bt_buf *errors);

/*
 * The segment of the continuations, for another program that goes on as this
 * process; -1: there is none.  And that which another one has made: 0, or
 * negative errno, and the next load makes a new one.
 *
 * Ownership: bt_apps_adopt_shared() takes the descriptor.
 * Context:   master.
 */
int bt_apps_shared_fd(void);
int bt_apps_adopt_shared(int *fd);

#endif
