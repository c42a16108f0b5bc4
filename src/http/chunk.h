#ifndef BT_HTTP_CHUNK_H
#define BT_HTTP_CHUNK_H

/*
 * The byte guard of chunked content: what stands between the chunks' data, and
 * the trailer section (RFC 9112, 7.1).
 */

#include "base/str.h"

/* Between which bytes the guard stands. */
enum bt_chunk_place {
	BT_CHUNK_SIZE_FIRST, /* the first digit of a size is due */
	BT_CHUNK_SIZE,
	BT_CHUNK_NAME_FIRST, /* of an extension */
	BT_CHUNK_NAME,
	BT_CHUNK_VALUE_FIRST,
	BT_CHUNK_VALUE,
	BT_CHUNK_QUOTED,
	BT_CHUNK_QUOTED_END,
	BT_CHUNK_LINE_LF,  /* after the CR that ends a size line */
	BT_CHUNK_LINE_END, /* the caller says what is next */
	BT_CHUNK_DATA_CR,  /* after the data of a chunk */
	BT_CHUNK_DATA_LF,
	BT_CHUNK_TRAILER, /* at the start of a line of the trailer section */
	BT_CHUNK_FIELD_NAME,
	BT_CHUNK_FIELD_VALUE,
	BT_CHUNK_FIELD_LF,
	BT_CHUNK_END_LF, /* after the CR of the empty line */
	BT_CHUNK_END,
};

/*
 * Takes the bytes of one line, or of a part of it, with its CR LF if it is
 * complete.  Extensions are `;name`, `;name=token` or `;name="quoted"`, without
 * blanks, none after one with a value, no backslash: what every llhttp from
 * 8.1 on takes, and RFC 9112 allows.  Behind a size line `*at` is
 * BT_CHUNK_LINE_END: who knows the size sets BT_CHUNK_DATA_CR or _TRAILER.
 *
 * Returns: false when the line is not well-formed.
 */
bool bt_chunk_guard(enum bt_chunk_place *at, struct bt_str line);

#endif
