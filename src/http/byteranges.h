#ifndef BT_HTTP_BYTERANGES_H
#define BT_HTTP_BYTERANGES_H

/*
 * The content of a 206 with several ranges: multipart/byteranges (RFC 9110,
 * 14.6).  Each part is a head and the bytes of its range; the close delimiter
 * ends the content.
 */

#include "http/range.h"

#define BT_BYTERANGES_BOUNDARY_BYTES 32
/* Of one part's head, or of the close delimiter. */
#define BT_BYTERANGES_HEAD_MAX 320

struct bt_byteranges {
	const struct bt_range *ranges;
	size_t n;
	uint64_t size;      /* of the whole representation, in bytes */
	struct bt_str type; /* its Content-Type, at most 128 bytes */
	/* without a NUL; what the representation does not contain */
	char boundary[BT_BYTERANGES_BOUNDARY_BYTES];
};

/*
 * Writes what stands before the bytes of range `i`; for `i` == n the close
 * delimiter.
 *
 * Returns: how many bytes that is.
 */
size_t bt_byteranges_head(
    const struct bt_byteranges *, size_t i, char out[BT_BYTERANGES_HEAD_MAX]);

/* The length of the whole content, in bytes. */
uint64_t bt_byteranges_length(const struct bt_byteranges *);

#endif
