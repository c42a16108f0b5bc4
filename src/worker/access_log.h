#ifndef BT_WORKER_ACCESS_LOG_H
#define BT_WORKER_ACCESS_LOG_H

/*
 * The access log: whole lines, gathered in memory and written when the buffer
 * is full or the tick comes.  Bytes from outside are escaped.  Context: worker,
 * on the loop.
 */

#include "conf/conf.h"
#include "handlers/reply.h"

struct bt_access_log;

/* Ownership: takes the descriptor; the log is freed by bt_access_log_free(). */
struct bt_access_log *bt_access_log_new(
    int *fd, enum bt_log_format, struct bt_score_worker *);
void bt_access_log_free(struct bt_access_log *);

/* Adds the line of a finished exchange. */
void bt_access_log_add(
    struct bt_access_log *, const struct bt_exchange *, int64_t wall_s);

/* Writes what is gathered. */
void bt_access_log_flush(struct bt_access_log *);

/* Goes on in another file (after rotation); takes the descriptor. */
void bt_access_log_switch(struct bt_access_log *, int *fd);

#endif
