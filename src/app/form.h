#ifndef BT_APP_FORM_H
#define BT_APP_FORM_H

/* The content of a BATON_CONTENT_FORM route.  Worker, on the loop. */

#include "app/call.h"

/*
 * Looks at what kind of form it is.
 *
 * Returns: false when it is none, and the answer is an error.
 */
bool bt_form_begin(struct bt_call *);

/* A piece of it; an error becomes the answer. */
void bt_form_feed(struct bt_call *, struct bt_str piece);

/* All of it was there: false when it was malformed, as above. */
bool bt_form_finish(struct bt_call *);

/* The first field of that name; false: there is none. */
bool bt_form_find(const struct bt_call *, struct bt_str name, struct bt_str *);

/* Accepts a call without one. */
void bt_form_free(struct bt_call *);

#endif
