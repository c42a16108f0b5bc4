#ifndef BT_HANDLERS_REQUEST_ID_H
#define BT_HANDLERS_REQUEST_ID_H

/*
 * The id of a request: 32 hex digits, the same wherever it is shown.  Nothing
 * is kept for it, it is made when somebody asks.  What a client sends as
 * X-Request-Id is not looked at.  Context: worker, on the loop.
 */

#include "handlers/reply.h"

#define BT_REQUEST_ID_BYTES 32

void bt_request_id_format(
    const struct baton_exchange *, char out[static BT_REQUEST_ID_BYTES]);

#endif
