#ifndef BT_HANDLERS_GATE_H
#define BT_HANDLERS_GATE_H

/* Who may ask, and how often: limit_rate, allow and deny. */

#include "handlers/stage.h"

extern const struct bt_stage bt_stage_rate, bt_stage_access;

/* Whether the client may use the route (`allow`, `deny`). */
bool bt_route_allows(const struct bt_route *, const struct bt_baton *client);

#endif
