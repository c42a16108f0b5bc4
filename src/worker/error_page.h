#ifndef BT_WORKER_ERROR_PAGE_H
#define BT_WORKER_ERROR_PAGE_H

/*
 * `error_page`: an error's answer is what the same server has at another path,
 * fetched by a second pass through the router.  Context: worker, on the loop.
 */

#include "handlers/reply.h"

struct bt_conn;

/*
 * A reply has been described, its head is not written.  An error of ours with a
 * page of the conf gets that; once in an exchange, so pages cannot go round.
 * Whether client and user may see the page is not asked: the conf has named it.
 *
 * Returns: true when the reply can be sent; false while its page is fetched.
 */
bool bt_error_page_apply(struct bt_conn *);

#endif
