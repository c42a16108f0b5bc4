#ifndef BT_HTTP_PROXY_HEADER_H
#define BT_HTTP_PROXY_HEADER_H

/*
 * The PROXY protocol, versions 1 and 2: what a proxy says of its client in
 * front of the first byte of a connection.  HAProxy's proxy-protocol.txt is its
 * specification.
 */

#include "base/addr.h"
#include "http/parser.h"

/* A line of version 1, its CRLF counted. */
#define BT_PROXY_LINE_MAX 107
/* A header of version 2 with all that may be in it; longer ones are refused. */
#define BT_PROXY_HEADER_MAX (16 * 1024)

enum bt_proxy_version { BT_PROXY_OFF, BT_PROXY_V1, BT_PROXY_V2 };

struct bt_proxy_header {
	size_t bytes;    /* of it */
	bool has_client; /* else the connection is the proxy's own */
	struct bt_addr client;
};

/*
 * Reads the header that `bytes` begin with.
 *
 * Returns: BT_PARSE_DONE with `*ret`; BT_PARSE_MORE: it may become one;
 *          BT_PARSE_REFUSED: it cannot, and *ret_why says why.
 */
enum bt_parse bt_proxy_header_parse(
    struct bt_str bytes, struct bt_proxy_header *ret, const char **ret_why);

/*
 * Writes the header for a client that has connected to `server`.  Of two
 * families one is written in terms of the other; what has no address, such as
 * a UNIX socket, is not named.
 *
 * Returns: its bytes, at most BT_PROXY_LINE_MAX.
 */
size_t bt_proxy_header_format(enum bt_proxy_version,
    const struct bt_addr *client, const struct bt_addr *server,
    char out[static BT_PROXY_LINE_MAX + 1]);

#endif
