#ifndef BT_WORKER_EXCHANGE_H
#define BT_WORKER_EXCHANGE_H

/*
 * The life of one exchange in the worker: from a head in the buffer to a
 * described reply, and its end.  Context: worker, on the loop.
 */

#include "handlers/reply.h"

struct bt_conn;

/*
 * Begins an exchange for a complete head: parses it, finds the route, calls the
 * handler.  Afterwards the reply is described.  A head that must be refused
 * gets the reply of that, and `last` is set on the connection.
 */
void bt_exchange_begin(struct bt_conn *, struct bt_str head);

/*
 * Refuses what the client sent: the reply becomes an error page, what came
 * behind is not looked at, and the connection ends.  Begins an exchange if
 * there is none.  Only before a head was written.
 */
void bt_exchange_refuse(
    struct bt_conn *, unsigned status, enum bt_close_reason);

/* The same for what breaks a rule or a limit: the status says which. */
void bt_exchange_reject(struct bt_conn *, unsigned status);

/*
 * An answer that was begun cannot be finished: what of it is in the output is
 * sent, nothing more, and the connection ends.
 */
void bt_exchange_abandon(struct bt_conn *, enum bt_close_reason);

/*
 * Begins an exchange of which only file bytes are left: what another worker
 * handed over.
 * Ownership: takes the descriptor.
 */
void bt_exchange_resume(
    struct bt_conn *, int *fd, uint64_t offset, uint64_t rest);

/* Whether that is what is left of it. */
bool bt_exchange_is_file_only(const struct bt_conn *);

/*
 * Takes content out of the input and gives it to the handler, or drops it.
 *
 * Returns: true when something moved on.
 */
bool bt_exchange_take_content(struct bt_conn *);

/* True when the request is read and the reply is in the output. */
bool bt_exchange_is_over(const struct bt_conn *);

/* Logs, counts, releases what it holds, and gives it back. */
void bt_exchange_end(struct bt_conn *);

#endif
