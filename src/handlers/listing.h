#ifndef BT_HANDLERS_LISTING_H
#define BT_HANDLERS_LISTING_H

/*
 * What is in a folder: read, sorted, and written as a page, as JSON or as
 * text.  All of it may block, or takes a while: for offload threads.
 */

#include "base/arena.h"
#include "base/buf.h"

/* A folder that has more is shown in part, and says so. */
#define BT_LISTING_MAX 10000

enum bt_listing_sort {
	BT_LISTING_BY_NAME,
	BT_LISTING_BY_SIZE,
	BT_LISTING_BY_TIME,
	BT_LISTING_SORTS,
};

enum bt_listing_format {
	BT_LISTING_HTML,
	BT_LISTING_JSON,
	BT_LISTING_TEXT,
	BT_LISTING_FORMATS,
};

struct bt_listing_order {
	enum bt_listing_sort sort;
	bool descending;
};

struct bt_listing_entry {
	struct bt_str name;
	bool folder;
	uint64_t size; /* of a file */
	int64_t modified_s;
};

struct bt_listing {
	struct bt_listing_entry *entries; /* folders first */
	size_t n;
	bool cut; /* there were more */
	struct bt_arena arena;
};

/*
 * Reads the folder `path` beneath `root_fd`; empty is the root itself.  What
 * would not be served is left out: sockets, devices, symlinks that leave the
 * root or lead nowhere, and names with a dot unless `dotfiles`.
 *
 * Returns:   0 with `*ret`, or negative errno.
 * Ownership: the caller's, bt_listing_fini().
 */
int bt_listing_read(
    int root_fd, struct bt_str path, bool dotfiles, struct bt_listing *ret);
void bt_listing_fini(struct bt_listing *);

/* Folders stay in front, by name where nothing else tells them apart. */
void bt_listing_sort(struct bt_listing *, struct bt_listing_order);

/* `sort=size&order=desc` of a query; what is not understood is passed over. */
struct bt_listing_order bt_listing_order_parse(struct bt_str query);

/* Appends it; `path` is that of the request, decoded, and ends in a slash. */
void bt_listing_write(const struct bt_listing *, enum bt_listing_format,
    struct bt_str path, struct bt_listing_order, struct bt_buf *out);

#endif
