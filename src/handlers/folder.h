#ifndef BT_HANDLERS_FOLDER_H
#define BT_HANDLERS_FOLDER_H

/*
 * The folder of `root`, held open.  Its path may name another one by now: a
 * site is put in place by a rename of a symlink.  While it names none, the
 * folder that we have is served.
 *
 * Context: worker, on the loop.
 */

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
 * The folder, looked at again when that was `valid_ms` ago.
 *
 * Returns: its descriptor, which stays the same number for good, and is
 *          borrowed; -EINPROGRESS: looking would wait, and a thread has to
 *          (bt_folder_open()); -ENOENT, ...: there is none.
 */
int bt_folder_fd(struct bt_folder *, int64_t now_ms, int64_t valid_ms);

/* The descriptor without looking; -1: there was none. */
int bt_folder_last_fd(const struct bt_folder *);

/*
 * What the path names now.  Waits for the disk.
 *
 * Returns: a descriptor, the caller's, or negative errno.
 * Context: offload thread.
 */
int bt_folder_open(const char *path);

/*
 * Puts what bt_folder_open() found, or -1, in the place of what there was.
 *
 * Returns:   the folder's descriptor, or -1: there is none.
 * Ownership: takes the descriptor.
 */
int bt_folder_take(struct bt_folder *, int *fd, int64_t now_ms);

#endif
