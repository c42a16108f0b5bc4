#ifndef BT_APP_LOAD_H
#define BT_APP_LOAD_H

/*
 * The applications of a conf: tried in a child, then loaded into the master,
 * whose memory the workers have.
 */

#include "app/settings.h"

/* What `loaded` of a struct bt_conf_app is. */
struct bt_loaded_app {
	struct bt_library *library;
	struct bt_setting_value *values; /* as many as the library's settings */
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

#endif
