#ifndef BT_PROXY_BUFFERING_H
#define BT_PROXY_BUFFERING_H

/*
 * `buffering on`: an answer is taken as fast as its server gives it, so that a
 * slow client does not keep the server.  Context: worker, on the loop.
 */

#include "proxy/proxying.h"

/* The content of the answer begins: takes what has come. */
void bt_buffering_start(struct bt_proxying *);

/* The link has events, in ANSWER. */
void bt_buffering_on_event(struct bt_proxying *, short events);

/* The exchange ends. */
void bt_buffering_end(struct bt_proxying *);

/* Gives the client what has been taken. */
ssize_t bt_buffering_pull(struct baton_exchange *, char *out, size_t room);

#endif
