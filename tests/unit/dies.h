#ifndef BT_TESTS_UNIT_DIES_H
#define BT_TESTS_UNIT_DIES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Calls `run(n)` in a child process, with stderr closed.
 *
 * Returns: whether it ended as a failed assertion or allocation ends a process:
 *          by SIGABRT, or with a sanitizer's exit status.  False when it
 *          returned, crashed or did not come to an end.
 */
bool bt_unit_dies(void (*run)(size_t n), size_t n);

#endif
