#ifndef BT_HANDLERS_FILE_H
#define BT_HANDLERS_FILE_H

/*
 * A file, or a folder, beneath a root, as it was when it was opened: small
 * contents in memory, larger ones as an open descriptor, with the lines of the
 * head that depend on the file alone.
 *
 * Context: worker.  On the loop with BT_FILE_CACHED, on an offload thread
 * without; a file is one thread's at a time.
 */

#include "base/str.h"
#include "http/accept.h"

#include <sys/queue.h>
#include <sys/stat.h>

/* Contents up to this size are kept in memory. */
#define BT_FILE_SMALL_MAX (16 * 1024)

enum bt_file_kind { BT_FILE_REGULAR, BT_FILE_FOLDER };

/* Whether a call may wait for a disk. */
enum bt_file_wait {
	BT_FILE_CACHED, /* no: -EINPROGRESS where it would */
	BT_FILE_WAIT,
};

struct bt_file_cache;

struct bt_file {
	enum bt_file_kind kind;
	int fd; /* regular and larger than BT_FILE_SMALL_MAX, else -1 */
	uint64_t size;
	int64_t modified_s;
	struct bt_str path;    /* beneath the root; empty is the root itself */
	struct bt_str content; /* small and regular: all of it */
	struct bt_str etag;    /* with its quotes */
	struct bt_str type;    /* of Content-Type: that of the path */
	enum bt_coding coding; /* it is what lies beside it, as `path.gz` */
	/*
	 * `Content-Type`, `Last-Modified`, `ETag`, `Accept-Ranges`, with a
	 * coding `Content-Encoding`, and `Vary` where there is another one.
	 */
	struct bt_str fields;
	/* Of IDENTITY: which others there were at that time; -1: not known. */
	unsigned codings;
	int64_t codings_ms;

	/* file.c's part */
	unsigned refs;
	struct stat st; /* as it was opened */

	/* file_cache.c's part */
	struct bt_file_cache *cache; /* NULL: not in it */
	TAILQ_ENTRY(bt_file) used;
	struct bt_file *chain; /* same bucket */
	uint32_t hash;
	int root_fd;
	int64_t checked_ms;

	char etag_bytes[64];
	char fields_bytes[320];
	char bytes[]; /* path, NUL, content */
};

/* Is there openat2(2) here?  Without it no file is found, whatever its mode. */
bool bt_file_can_open(int root_fd);

/*
 * Opens the file at `path` beneath the folder `root_fd` (openat2(2),
 * RESOLVE_BENEATH: no symlink and no dot segment leaves the root).  `path` is
 * relative, without a leading slash; empty is the root itself.  With a coding
 * it is the file beside it, whose name has the ending of the coding.
 *
 * Returns:   0 with `*ret`; negative errno: -EINPROGRESS: it would wait;
 *            -ENOENT, -ENOTDIR, -EXDEV (it left the root), -ELOOP, -EACCES,
 *            -ENAMETOOLONG, -EMFILE, ...; -EAGAIN when somebody has a lease on
 *            it; -ENODEV when it is neither a regular file nor a folder.
 * Ownership: a reference, bt_file_unref().
 */
int bt_file_open(int root_fd, struct bt_str path, enum bt_coding,
    enum bt_file_wait, struct bt_file **ret);

/*
 * Whether its path still names the file that was opened, unchanged.
 *
 * Returns: 0; -ESTALE when not; -EINPROGRESS: it would wait.
 */
int bt_file_check(const struct bt_file *, int root_fd, enum bt_file_wait);

/* Says which codings of it there are, at that time. */
void bt_file_set_codings(struct bt_file *, unsigned codings, int64_t now_ms);

/* Another reference. */
struct bt_file *bt_file_ref(struct bt_file *);

/* Gives a reference back; fits bt_reply_on_release().  Accepts NULL. */
void bt_file_unref(void *file);

#endif
