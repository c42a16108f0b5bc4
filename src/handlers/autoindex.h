#ifndef BT_HANDLERS_AUTOINDEX_H
#define BT_HANDLERS_AUTOINDEX_H

/* `autoindex on`: what is in a folder that has no index. */

#include "handlers/reply.h"

/*
 * Answers with a listing of the folder `path` beneath `root_fd`, empty for the
 * root itself; the reply is described when a thread has made it.
 *
 * Context: worker, on the loop; the exchange has no work under way.
 */
void bt_autoindex_answer(
    struct baton_exchange *, int root_fd, struct bt_str path);

#endif
