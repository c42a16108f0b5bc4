#ifndef BT_HTTP_ACCEPT_H
#define BT_HTTP_ACCEPT_H

/* Proactive content negotiation (RFC 9110, 12.5). */

#include "http/request.h"

/*
 * Which of `n` media types, each `type/subtype` without parameters, the client
 * likes best (12.5.1); of equal ones the first.
 *
 * Returns: its index; 0 when the client does not say; -1 when it wants none of
 *          them.
 */
int bt_accept_type(
    const struct bt_request *, const struct bt_str *types, size_t n);

/* Content codings (8.4.1), the better ones behind. */
enum bt_coding {
	BT_CODING_IDENTITY,
	BT_CODING_GZIP,
	BT_CODING_ZSTD,
	BT_CODING_BR,
	BT_CODINGS,
};

#define BT_CODING_BIT(c) (1u << (c))

/*
 * Which of the codings in the set `available` the client likes best (12.5.3);
 * of equal ones the better.  IDENTITY is always available: it is what remains
 * when the client wants none of the others, also when it excludes it.
 */
enum bt_coding bt_accept_coding(const struct bt_request *, unsigned available);

/* `gzip`, as in Content-Encoding.  Static memory. */
struct bt_str bt_coding_name(enum bt_coding);

#endif
