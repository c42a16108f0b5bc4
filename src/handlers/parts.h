#ifndef BT_HANDLERS_PARTS_H
#define BT_HANDLERS_PARTS_H

/* Several ranges of a file in one answer. */

#include "handlers/file.h"
#include "handlers/reply.h"
#include "http/range.h"

/*
 * Describes a 206 with those ranges, 2 or more, as multipart/byteranges.  The
 * file is borrowed until the exchange ends.
 */
void bt_parts_reply(struct baton_exchange *, const struct bt_file *,
    const struct bt_range *, size_t n);

#endif
