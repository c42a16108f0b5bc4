#ifndef BT_HTTP_MEDIA_H
#define BT_HTTP_MEDIA_H

/* Media types by the ending of a file's name. */

#include "base/str.h"

/*
 * The value of Content-Type for a name or path; `application/octet-stream` for
 * an unknown ending.  Text types carry `; charset=utf-8`.  Static memory.
 */
struct bt_str bt_media_type(struct bt_str name);

#endif
