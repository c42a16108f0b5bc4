#ifndef BT_HTTP_MEDIA_H
#define BT_HTTP_MEDIA_H

/* Media types by the ending of a file's name. */

#include "base/str.h"

struct bt_media_row {
	struct bt_str ending; /* without the dot, lower case */
	struct bt_str type;
};

/*
 * The value of Content-Type for a name or path; `application/octet-stream` for
 * an unknown ending.  Text types carry `; charset=utf-8`.  Static memory.
 */
struct bt_str bt_media_type(struct bt_str name);

/* All that are known, sorted by ending. */
const struct bt_media_row *bt_media_rows(size_t *ret_n);

#endif
