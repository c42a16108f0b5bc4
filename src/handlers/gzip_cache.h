#ifndef BT_HANDLERS_GZIP_CACHE_H
#define BT_HANDLERS_GZIP_CACHE_H

/*
 * Coded answers that are kept, by what they were made from.  Least recently
 * used go first.  Context: worker, on the loop.
 */

#include "base/str.h"

#include <sys/queue.h>

struct bt_gzip;

struct bt_gzip_entry {
	struct bt_str key;
	struct bt_str coded; /* empty: it does not get smaller */
	/* the cache's part */
	unsigned refs;
	uint32_t hash;
	struct bt_gzip *cache; /* NULL: not in it */
	struct bt_gzip_entry *chain;
	TAILQ_ENTRY(bt_gzip_entry) used;
};

/* The entry, or NULL.  Ownership: a reference, bt_gzip_entry_unref(). */
struct bt_gzip_entry *bt_gzip_find(struct bt_gzip *, struct bt_str key);

/*
 * Keeps it, or with an empty key does not.  Takes `coded`, of malloc().
 * Ownership: a reference, bt_gzip_entry_unref().
 */
struct bt_gzip_entry *bt_gzip_add(
    struct bt_gzip *, struct bt_str key, struct bt_str coded);

/* Fits bt_reply_on_release(). */
void bt_gzip_entry_unref(void *);

#endif
