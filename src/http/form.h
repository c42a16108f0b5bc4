#ifndef BT_HTTP_FORM_H
#define BT_HTTP_FORM_H

/* Names and values as forms write them: application/x-www-form-urlencoded. */

#include "base/arena.h"

/*
 * The next name and value of a query, or of a form: `+` is a blank, %XX a byte,
 * and what is no escape stays what it is (WHATWG URL, 5.1).
 *
 * Returns:   true, and `*rest` is what follows; false at the end.
 * Ownership: the arena's, or the text's where nothing was to be decoded.
 */
bool bt_query_next(struct bt_str *rest, struct bt_arena *,
    struct bt_str *ret_name, struct bt_str *ret_value);

/* The first value of that name.  false: there is none. */
bool bt_query_find(struct bt_str query, struct bt_str name, struct bt_arena *,
    struct bt_str *ret);

#endif
