#ifndef BT_APP_SUSPEND_H
#define BT_APP_SUSPEND_H

/*
 * Suspended conversations, as a call meets them.  Worker, on the loop.
 */

#include "app/call.h"

/* The name of the token, in a query and in a form. */
#define BT_TOKEN_FIELD "c"

/*
 * Whether the query of the request names a continuation; the token, which is
 * made illegible in the request, so that no log has it.
 */
bool bt_suspend_token(struct bt_call *, struct bt_str *ret);

/*
 * Resumes: the call's way becomes the function's, and `then` is called with it;
 * or with `c->lost` when it does not go on.  Now, or when the disk was asked.
 */
void bt_suspend_resume(
    struct bt_call *, struct bt_str token, void (*then)(struct bt_call *));

/* Answers what does not go on. */
void bt_suspend_answer_lost(struct bt_call *);

/*
 * The answer may leave when what it names is on the disk: BATON_WAIT until
 * then.
 */
enum baton_step bt_suspend_leave(struct bt_call *);

#endif
