#ifndef BT_HTTP_RANGE_H
#define BT_HTTP_RANGE_H

/* Range requests for bytes (RFC 9110, 14). */

#include "base/str.h"

struct bt_range {
	uint64_t offset, length; /* bytes; length is 1 or more */
};

enum bt_range_kind {
	BT_RANGE_NONE,          /* no, or no valid, Range: answer with 200 */
	BT_RANGE_SINGLE,        /* 206 with `ret[0]` */
	BT_RANGE_MULTIPLE,      /* 206 multipart with `ret[0..*ret_n)` */
	BT_RANGE_UNSATISFIABLE, /* 416 with Content-Range: bytes * / size */
};

/*
 * Reads the value of Range for a representation of `size` bytes.  Overlapping
 * or adjacent ranges are joined and the rest sorted, as 14.2 allows; other
 * units, malformed sets, and more than `max` ranges are ignored
 * (BT_RANGE_NONE).
 */
enum bt_range_kind bt_range_parse(struct bt_str value, uint64_t size,
    struct bt_range *ret, size_t max, size_t *ret_n);

#endif
