#ifndef BT_WORKER_ACCESS_LOG_H
#define BT_WORKER_ACCESS_LOG_H

/*
 * The access logs: whole lines, gathered in memory and written when the buffer
 * is full or the tick comes.  Context: worker, on the loop.
 */

#include "conf/conf.h"
#include "handlers/reply.h"

struct bt_access_log;

/*
 * All files of the conf, by their descriptors, in its order; NULL: a worker on
 * trial has none.
 *
 * Returns:   NULL when it has none.
 * Ownership: takes the descriptors; bt_access_log_free().
 */
struct bt_access_log *bt_access_log_new(
    const struct bt_conf *, int *fds, struct bt_score_worker *);

/* Writes what it can, counts the other lines as lost.  Accepts NULL. */
void bt_access_log_free(struct bt_access_log *);

/* Adds the lines of a finished exchange, one to each of `n` logs. */
void bt_access_log_add(struct bt_access_log *, struct baton_exchange *,
    const struct bt_conf_log *logs, size_t n);

/* Writes what is gathered.  To be called at each tick. */
void bt_access_log_flush(struct bt_access_log *);

/*
 * Goes on in another file (after rotation), if the one with that id
 * (bt_log_file_id()) is one of ours.  Takes the descriptor.
 */
void bt_access_log_switch(struct bt_access_log *, uint32_t id, int *fd);

#endif
