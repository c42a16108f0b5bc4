#ifndef BT_HANDLERS_FILE_CACHE_H
#define BT_HANDLERS_FILE_CACHE_H

/*
 * A worker's cache of files, by root, path and coding.  Bounded in entries,
 * bytes and descriptors; least recently used go first.  An entry is checked
 * against the file system when it is older than the caller's `valid_ms`.
 *
 * Context: worker, on the loop.
 */

#include "handlers/file.h"

/*
 * Makes a cache of at most that many entries, bytes and descriptors.
 * Ownership: the caller's, bt_file_cache_free().
 */
struct bt_file_cache *bt_file_cache_new(
    unsigned entries_max, size_t bytes_max, unsigned fds_max);
void bt_file_cache_free(struct bt_file_cache *);

/*
 * Finds the file, opening it if need be, as bt_file_open() does with
 * BT_FILE_CACHED.
 *
 * Returns:   0 with `*ret`; -EINPROGRESS when it would wait, or another of
 *            bt_file_open().
 * Ownership: a reference, bt_file_unref().
 */
int bt_file_cache_find(struct bt_file_cache *, int root_fd, struct bt_str path,
    enum bt_coding, int64_t now_ms, int64_t valid_ms, struct bt_file **ret);

/*
 * Puts a file in that was opened elsewhere, in the place of any that is there.
 * Ownership: the cache takes a reference of its own.
 */
void bt_file_cache_add(
    struct bt_file_cache *, int root_fd, struct bt_file *, int64_t now_ms);

/* How often it was found as it was, and how often it had to be opened. */
void bt_file_cache_counts(
    const struct bt_file_cache *, uint64_t *ret_hits, uint64_t *ret_misses);

#endif
