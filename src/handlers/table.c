/*
 * The table of handlers: a new one is one file, and one line here.
 */

#include "handlers/rows.h"

const struct bt_handler *const bt_handlers[BT_HANDLER_KINDS] = {
	[BT_HANDLER_NONE] = &bt_handler_none,
	[BT_HANDLER_RETURN] = &bt_handler_return,
	[BT_HANDLER_REDIRECT] = &bt_handler_redirect,
	[BT_HANDLER_ECHO] = &bt_handler_echo,
	[BT_HANDLER_STATIC] = &bt_handler_static,
	[BT_HANDLER_METRICS] = &bt_handler_metrics,
	[BT_HANDLER_STATUS] = &bt_handler_status,
	[BT_HANDLER_APP] = &bt_handler_app,     /* app/handler.c */
	[BT_HANDLER_PROXY] = &bt_handler_proxy, /* proxy/proxy.c */
};
