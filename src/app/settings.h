#ifndef BT_APP_SETTINGS_H
#define BT_APP_SETTINGS_H

/* What the block of `app` says, as its application wants to know it. */

#include "app/library.h"
#include "conf/conf.h"

struct bt_setting_value {
	const char *name;
	const char *text; /* the conf's, or the application's preset */
	uint64_t number;
};

/*
 * Fills `values`, one for each setting of the library, in its order; complains
 * of those that are missing, unknown or wrong.
 *
 * Returns:   true when there was nothing to complain of.
 * Ownership: texts are the conf's or the library's.
 */
bool bt_settings_read(const struct bt_library *, const struct bt_conf_app *,
    struct bt_setting_value *values, bt_conf_complain_fn *, void *arg);

#endif
