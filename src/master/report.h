#ifndef BT_MASTER_REPORT_H
#define BT_MASTER_REPORT_H

/*
 * What the master says about itself: `baton -s status`, for people.
 */

#include "base/buf.h"
#include "scoreboard/scoreboard.h"

struct bt_master;

/* Appends it, in lines ended by LF. */
void bt_report_append(struct bt_buf *, const struct bt_master *);

/* Connections that are in our hands: held, in channels, open. */
uint64_t bt_report_connections(const struct bt_scoreboard *);

#endif
