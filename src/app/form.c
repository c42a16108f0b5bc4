/*
 * Forms.  Worker, on the loop.
 */

#include "app/form.h"

bool
bt_form_begin(struct bt_call *c)
{
	return true;
}

void
bt_form_feed(struct bt_call *c, struct bt_str piece)
{
}

bool
bt_form_finish(struct bt_call *c)
{
	return true;
}

void
bt_form_free(struct bt_call *c)
{
}
