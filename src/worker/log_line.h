#ifndef BT_WORKER_LOG_LINE_H
#define BT_WORKER_LOG_LINE_H

/* Lines of access logs.  Context: worker, on the loop. */

#include "conf/conf.h"
#include "handlers/reply.h"

#define BT_LOG_LINE_LEAST 4096 /* every format has room in that */

/*
 * Writes the line of a finished exchange, with its LF.  Values are cut until it
 * fits into `room`, BT_LOG_LINE_LEAST bytes or more; what comes from outside
 * ends neither a line nor a quote.
 *
 * Returns: its bytes.
 */
size_t bt_log_line(struct baton_exchange *, const struct bt_conf_format *,
    char *out, size_t room);

#endif
