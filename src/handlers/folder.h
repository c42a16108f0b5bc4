#ifndef BT_HANDLERS_FOLDER_H
#define BT_HANDLERS_FOLDER_H

/*
 * The folder of `root`, held open.  Its path may name another one by now: a
 * site is put in place by a rename of a symlink.  While it names none, the
 * folder that we have is served.
 *
 * Context: worker, on the loop.
 */

#include "base/offload.h"

#include <stdint.h>

struct bt_folder;

/*
 * Opens the folder.  Waits for the disk: when the worker starts.  One that is
 * not there may be made, or mounted, later.
 *
 * Returns:   0 with `*ret`; negative errno, with `*ret`, too.
 * Ownership: the caller's, bt_folder_free(); `path` is borrowed until then.
 */
int bt_folder_new(const char *path, struct bt_folder **ret);
void bt_folder_free(struct bt_folder *);

/*
 * The folder, looked at again when that was `valid_ms` ago; what would wait
 * for a disk is left to a thread, and the folder of before is used meanwhile.
 *
 * Returns: its descriptor, which stays the same number for good, and is
 *          borrowed; -ENOENT, ...: there was none when that was last known.
 */
int bt_folder_fd(
    struct bt_folder *, struct bt_offload *, int64_t now_ms, int64_t valid_ms);

#endif
