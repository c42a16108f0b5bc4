#ifndef BT_APP_DISK_H
#define BT_APP_DISK_H

/*
 * The store on disk: a folder with a file for each record.  All of it blocks.
 *
 * Context: offload threads, several at a time; and each worker its own.
 */

#include "app/keys.h"

#include <stdatomic.h>

struct bt_disk;

/*
 * A store in that folder, which is made when the first record is.  The counters
 * are all workers', and made true by bt_disk_sweep().
 *
 * Ownership: the caller's, bt_disk_free(); `folder` is copied.
 */
struct bt_disk *bt_disk_new(const char *folder, uint64_t bytes_max,
    uint64_t files_max, _Atomic uint64_t *bytes, _Atomic uint64_t *files);
void bt_disk_free(struct bt_disk *);

/*
 * Keeps bytes under a name.  When it has returned, a loss of power does not
 * take them; until then nobody can find them, nor a part of them.
 *
 * Returns: 0; -ENOSPC: the bound is reached, or the disk; negative errno.
 */
int bt_disk_put(struct bt_disk *,
    const unsigned char name[static BT_NAME_BYTES], struct bt_str bytes,
    int64_t expires_s);

/* Several at once, which costs less; all or none are kept in the end. */
struct bt_disk_record {
	unsigned char name[BT_NAME_BYTES];
	int64_t expires_s;
	struct bt_str bytes;
};
int bt_disk_put_all(struct bt_disk *, const struct bt_disk_record *, size_t n);

/*
 * Appends what is kept under the name.
 *
 * Returns: 0; -ENOENT; -EBADMSG: it is damaged, and was taken away.
 */
int bt_disk_get(struct bt_disk *,
    const unsigned char name[static BT_NAME_BYTES], struct bt_buf *ret);

/*
 * Takes it away.
 *
 * Returns: 0; -ENOENT: it was not there; of several at a time one gets 0.
 */
int bt_disk_remove(
    struct bt_disk *, const unsigned char name[static BT_NAME_BYTES]);

/*
 * Looks through some of the folders, the next ones each time: takes away what
 * has expired and what was never finished; when all were seen, the counters
 * are true.
 *
 * Returns: how many files were taken away; negative errno.
 */
int bt_disk_sweep(struct bt_disk *, int64_t now_s);

#endif
