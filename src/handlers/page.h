#ifndef BT_HANDLERS_PAGE_H
#define BT_HANDLERS_PAGE_H

/*
 * The short answer for a status: a page for people, or what the client likes
 * better.  Context: worker, on the loop.
 */

#include "handlers/reply.h"

struct bt_page {
	struct bt_str fields; /* whole lines: what it is.  Static memory */
	struct bt_str bytes;  /* the arena's */
};

/*
 * Makes the page in the form that the request asks for.  Nothing that the
 * client sent is in it.
 */
void bt_page_make(
    struct baton_exchange *, unsigned status, struct bt_page *ret);

#endif
