/*
 * The row for what no route names: 404.  Worker, on the loop.
 */

#include "handlers/reply.h"
#include "handlers/rows.h"

static void
answer(struct baton_exchange *x)
{
	bt_reply_error(x, 404, BT_STR_NONE);
}

const struct bt_handler bt_handler_none = {
	.name = "none",
	.methods = BT_METHODS_ALL,
	.answer = answer,
};
