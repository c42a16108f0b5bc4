#ifndef BT_BASE_ADDR_H
#define BT_BASE_ADDR_H

/*
 * Socket addresses: IPv4, IPv6, UNIX paths; text to value and back.  Nothing
 * here resolves a name.
 */

#include "base/str.h"

#include <sys/socket.h>

struct bt_addr {
	struct sockaddr_storage ss; /* ss_family AF_UNSPEC: none */
	socklen_t len;
};

#define BT_ADDR_TEXT_MAX 128

/*
 * Reads `127.0.0.1:80`, `[::1]:80`, `*:80`, `80` (both: all IPv4 addresses),
 * `unix:/path`.
 *
 * Returns: 0; -EINVAL for anything else, and *ret_why says what was wrong.
 */
int bt_addr_parse(struct bt_str, struct bt_addr *ret, const char **ret_why);

/*
 * Reads the address of a client: `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`,
 * with or without a port behind (but one of IPv6 only with brackets).
 *
 * Returns: 0, or -EINVAL.
 */
int bt_addr_parse_host(struct bt_str, struct bt_addr *ret);

/* Writes the same forms; returns `out`, which is always NUL-terminated. */
const char *bt_addr_format(
    const struct bt_addr *, char out[static BT_ADDR_TEXT_MAX]);

/* The host part alone: `127.0.0.1`, `::1`, `unix:`. Returns the length. */
size_t bt_addr_format_host(
    const struct bt_addr *, char out[static BT_ADDR_TEXT_MAX]);

/* The port in host order; 0 for UNIX sockets. */
uint16_t bt_addr_port(const struct bt_addr *);

bool bt_addr_equal(const struct bt_addr *, const struct bt_addr *);

/* A block of addresses in CIDR notation, or a single one. */
struct bt_addr_block {
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC matches every address */
	uint8_t bits;
	uint8_t bytes[16];
};

/*
 * Reads `all`, `192.0.2.0/24`, `192.0.2.1`, `2001:db8::/32`, `unix:`.
 *
 * Returns: 0; -EINVAL, also when bits are set behind the prefix length.
 */
int bt_addr_block_parse(
    struct bt_str, struct bt_addr_block *ret, const char **ret_why);

/* An IPv4 address mapped into IPv6 (::ffff:192.0.2.1) counts as IPv4. */
bool bt_addr_block_has(const struct bt_addr_block *, const struct bt_addr *);

#endif
