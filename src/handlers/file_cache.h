#ifndef BT_HANDLERS_FILE_CACHE_H
#define BT_HANDLERS_FILE_CACHE_H

/*
 * A worker's cache of files: what a path beneath a root is, small contents in
 * memory, larger ones as open descriptors, with the lines of the head that
 * depend on the file alone.  Bounded in entries, bytes and descriptors; least
 * recently used go first.  An entry is checked against the file system when it
 * is older than the caller's `valid_ms`.
 *
 * Context: worker, on the loop.
 */

#include "base/str.h"

#include <sys/stat.h>

/* Contents up to this size are kept in memory. */
#define BT_FILE_SMALL_MAX (16 * 1024)

struct bt_file_cache;

enum bt_file_kind { BT_FILE_REGULAR, BT_FILE_FOLDER };

struct bt_file {
	enum bt_file_kind kind;
	int fd; /* regular and larger than BT_FILE_SMALL_MAX, else -1 */
	uint64_t size;
	int64_t modified_s;
	struct bt_str content; /* small and regular: all of it */
	struct bt_str etag;    /* with its quotes */
	struct bt_str type;    /* of Content-Type */
	/* `Content-Type`, `Last-Modified`, `ETag`, `Accept-Ranges`: lines */
	struct bt_str fields;
};

/*
 * Makes a cache of at most that many entries, bytes and descriptors.
 * Ownership: the caller's, bt_file_cache_free().
 */
struct bt_file_cache *bt_file_cache_new(
    unsigned entries_max, size_t bytes_max, unsigned fds_max);
void bt_file_cache_free(struct bt_file_cache *);

/* Is there openat2(2) here?  Without it no file is found, whatever its mode. */
bool bt_file_can_open(int root_fd);

/*
 * Finds the file at `path` beneath the folder `root_fd`, opening it if need be
 * (openat2(2), RESOLVE_BENEATH: no symlink and no dot segment leaves the root).
 * `path` is relative, without a leading slash; empty is the root itself.
 *
 * Returns:   0 with `*ret`; negative errno: -ENOENT, -ENOTDIR, -EXDEV (it left
 *            the root), -ELOOP, -EACCES, -ENAMETOOLONG, -EMFILE, ...; -EAGAIN
 *            when somebody has a lease on it; -ENODEV when it is neither a
 *            regular file nor a folder.
 * Ownership: a reference, bt_file_unref().
 */
int bt_file_cache_find(struct bt_file_cache *, int root_fd, struct bt_str path,
    int64_t now_ms, int64_t valid_ms, struct bt_file **ret);

/* Gives the reference back; fits bt_reply_on_release(). */
void bt_file_unref(void *file);

/* How often it was found as it was, and how often it had to be opened. */
void bt_file_cache_counts(
    const struct bt_file_cache *, uint64_t *ret_hits, uint64_t *ret_misses);

#endif
