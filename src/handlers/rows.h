#ifndef BT_HANDLERS_ROWS_H
#define BT_HANDLERS_ROWS_H

/* The handlers there are; only the table reads this. */

#include "handlers/handler.h"

extern const struct bt_handler bt_handler_none, bt_handler_return,
    bt_handler_redirect, bt_handler_echo, bt_handler_static, bt_handler_metrics,
    bt_handler_status, bt_handler_app, bt_handler_proxy;

#endif
