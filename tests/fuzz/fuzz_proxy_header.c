/*
 * Headers of the PROXY protocol: one that was read is within its bytes, is the
 * same however much follows, and comes sooner with no fewer bytes.
 */

#include "http/proxy_header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void
check_address(const struct bt_proxy_header *h)
{
	char text[BT_PROXY_LINE_MAX + 1];
	struct bt_proxy_header again;
	const char *why;
	size_t n;

	for (int version = BT_PROXY_V1; version <= BT_PROXY_V2; version++) {
		n = bt_proxy_header_format((enum bt_proxy_version)version,
		    &h->client, &h->client, text);
		REQUIRE(n > 0 && n <= BT_PROXY_LINE_MAX);
		REQUIRE(bt_proxy_header_parse((struct bt_str){ text, n },
			    &again, &why) == BT_PARSE_DONE);
		REQUIRE(again.bytes == n);
		if (h->client.ss.ss_family == AF_UNIX)
			REQUIRE(!again.has_client);
		else
			REQUIRE(bt_addr_equal(&again.client, &h->client));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bt_str s = { (const char *)data, size };
	struct bt_proxy_header h, part;
	const char *why;
	enum bt_parse r = bt_proxy_header_parse(s, &h, &why);

	REQUIRE((r == BT_PARSE_REFUSED) == (why != NULL));
	if (r == BT_PARSE_MORE)
		REQUIRE(size < BT_PROXY_HEADER_MAX);
	if (r != BT_PARSE_DONE)
		return 0;
	REQUIRE(h.bytes > 0 && h.bytes <= size);
	s.n = h.bytes;
	REQUIRE(bt_proxy_header_parse(s, &part, &why) == BT_PARSE_DONE);
	REQUIRE(part.bytes == h.bytes && part.has_client == h.has_client);
	s.n--;
	REQUIRE(bt_proxy_header_parse(s, &part, &why) == BT_PARSE_MORE);
	if (h.has_client)
		check_address(&h);
	return 0;
}
