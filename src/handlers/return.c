/*
 * `return STATUS ["text"]`: the same answer to every method.  A text without
 * variables is the conf's, sent without a copy.  Worker, on the loop.
 */

#include "handlers/reply.h"
#include "handlers/rows.h"
#include "handlers/vars.h"

static void
answer(struct baton_exchange *x)
{
	const struct bt_conf_route *conf = x->route->conf;
	struct bt_str text = conf->has_variables
	    ? bt_template_text(x, &conf->template)
	    : conf->text;

	if (conf->has_text)
		bt_reply_bytes(x, conf->status,
		    text.n
			? BT_STR("Content-Type: text/plain; charset=utf-8\r\n")
			: BT_STR_NONE,
		    text);
	else if (conf->status >= 300)
		bt_reply_error(x, conf->status, BT_STR_NONE);
	else
		bt_reply_bytes(x, conf->status, BT_STR_NONE, BT_STR_NONE);
}

const struct bt_handler bt_handler_return = {
	.name = "return",
	.methods = BT_METHODS_ALL & ~BT_METHOD_BIT(BT_METHOD_TRACE),
	.answer = answer,
};
