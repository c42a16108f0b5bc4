#ifndef BT_HANDLERS_STAMP_H
#define BT_HANDLERS_STAMP_H

/*
 * The local time as logs have it, made once a second.  Static memory, until the
 * next call.  Context: worker, on the loop.
 */

#include "base/str.h"

/* `23/Nov/2026:16:05:07 +0000` */
struct bt_str bt_stamp_local(int64_t wall_s);

/* `2026-11-23T16:05:07+00:00` */
struct bt_str bt_stamp_iso8601(int64_t wall_s);

#endif
