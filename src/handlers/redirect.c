/*
 * `redirect STATUS URI`: sends the client elsewhere.  Worker, on the loop.
 */

#include "handlers/reply.h"
#include "handlers/rows.h"
#include "handlers/vars.h"

static void
answer(struct baton_exchange *x)
{
	const struct bt_conf_route *conf = x->route->conf;

	bt_reply_redirect(x, conf->status,
	    conf->has_variables ? bt_template_location(x, &conf->template)
				: conf->text);
}

const struct bt_handler bt_handler_redirect = {
	.name = "redirect",
	.methods = BT_METHODS_ALL & ~BT_METHOD_BIT(BT_METHOD_TRACE),
	.answer = answer,
};
