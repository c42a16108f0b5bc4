#ifndef BT_TESTS_APPS_H
#define BT_TESTS_APPS_H

/* The applications, which were built beside the daemon. */

/* The path of `apps/NAME.so`, for `app FILE;` in a conf. */
const char *apps_path(const char *name);

#endif
