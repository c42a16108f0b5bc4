#ifndef BT_WORKER_FIELDS_H
#define BT_WORKER_FIELDS_H

/* What `add_header` and `cache_control` add.  Context: worker, on the loop. */

#include "handlers/reply.h"

/*
 * Whole lines for the exchange's described answer, by its status.
 *
 * Ownership: the route's; the exchange's, where one of them has variables.
 */
struct bt_str bt_fields_added(struct baton_exchange *);

#endif
