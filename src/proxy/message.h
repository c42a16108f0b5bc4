#ifndef BT_PROXY_MESSAGE_H
#define BT_PROXY_MESSAGE_H

/*
 * Heads on their way through us: written anew, never passed on as they came, so
 * that nothing gets behind us which we have not understood.  What belongs to
 * one connection stays there (RFC 9110, 7.6.1).  Context: worker, on the loop.
 */

#include "proxy/proxying.h"

/*
 * Writes the head of the request for the server.
 *
 * Returns: its bytes; 0 when it is longer than `size`.
 */
size_t bt_proxy_write_request(
    const struct bt_proxying *, char *out, size_t size);

/*
 * The protocols that the request would switch to, as far as they may: a list in
 * the arena; empty: none.  Not those which would be HTTP again, or hide it:
 * nobody would see any more what is asked for there.
 */
struct bt_str bt_proxy_upgrade(struct baton_exchange *);

/*
 * Whether a 101 answers what was asked for (RFC 9110, 7.8): it names protocols,
 * and only those.
 */
bool bt_proxy_switches(const struct bt_proxying *);

/* The lines of the answer for the client, in the exchange's arena. */
struct bt_str bt_proxy_answer_fields(struct bt_proxying *);

/*
 * Writes those of an interim answer, for which no memory of the exchange is
 * taken: there may be any number of them.
 *
 * Returns: their bytes; 0 when they are longer than `size`.
 */
size_t bt_proxy_write_interim(struct bt_proxying *, char *out, size_t size);

/*
 * Writes the lines of the request's trailer section that are for the server,
 * at most as many bytes as it has.
 *
 * Returns: their bytes.
 */
size_t bt_proxy_write_trailers(const struct bt_proxying *, char *out);

/* Those of the answer's that are for the client, in the exchange's arena. */
struct bt_str bt_proxy_answer_trailers(struct bt_proxying *);

#endif
