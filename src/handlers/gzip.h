#ifndef BT_HANDLERS_GZIP_H
#define BT_HANDLERS_GZIP_H

/*
 * `gzip on`: a stage behind the handlers, which codes answers of up to
 * BT_GZIP_MAX bytes on an offload thread.  What came from files is kept.
 */

#include "handlers/stage.h"

/* Larger ones are sent as they are: they belong precompressed on the disk. */
#define BT_GZIP_MAX (1024 * 1024)

struct bt_gzip;

/* A worker's, with the coded answers that it keeps. */
struct bt_gzip *bt_gzip_new(size_t bytes_max);

/* When the exchanges are gone.  Accepts NULL. */
void bt_gzip_free(struct bt_gzip *);

extern const struct bt_stage bt_stage_gzip;

#endif
