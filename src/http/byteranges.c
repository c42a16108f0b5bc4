/*
 * The parts of multipart/byteranges.
 */

#include "http/byteranges.h"

#include <stdio.h>

size_t
bt_byteranges_head(
    const struct bt_byteranges *b, size_t i, char out[BT_BYTERANGES_HEAD_MAX])
{
	const int boundary_n = BT_BYTERANGES_BOUNDARY_BYTES;
	const struct bt_range *r;

	if (i == b->n)
		return (size_t)snprintf(out, BT_BYTERANGES_HEAD_MAX,
		    "\r\n--%.*s--\r\n", boundary_n, b->boundary);
	r = &b->ranges[i];
	return (size_t)snprintf(out, BT_BYTERANGES_HEAD_MAX,
	    "\r\n--%.*s\r\n"
	    "Content-Type: %.*s\r\n"
	    "Content-Range: bytes %llu-%llu/%llu\r\n\r\n",
	    boundary_n, b->boundary, BT_STR_ARG(b->type),
	    (unsigned long long)r->offset,
	    (unsigned long long)(r->offset + r->length - 1),
	    (unsigned long long)b->size);
}

uint64_t
bt_byteranges_length(const struct bt_byteranges *b)
{
	char head[BT_BYTERANGES_HEAD_MAX];
	uint64_t length = 0;

	for (size_t i = 0; i <= b->n; i++) {
		length += bt_byteranges_head(b, i, head);
		if (i < b->n)
			length += b->ranges[i].length;
	}
	return length;
}
