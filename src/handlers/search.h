#ifndef BT_HANDLERS_SEARCH_H
#define BT_HANDLERS_SEARCH_H

/*
 * Which file a request means: its path, the index of a folder, what lies beside
 * it in a coding.  One and the same search runs on the loop, through the file
 * cache and what the kernel has in memory, and, where that would wait for a
 * disk, once more on an offload thread.
 */

#include "handlers/file_cache.h"
#include "handlers/handler.h"

enum bt_found {
	BT_FOUND_FILE,   /* `file` */
	BT_FOUND_FOLDER, /* a folder without an index: `file` is the folder */
	BT_FOUND_SLASH,  /* a folder, which was asked for without its slash */
};

struct bt_search {
	/* where, and for what; the paths are beneath the root */
	int root_fd;
	const struct bt_conf_route *conf;
	struct bt_str path;         /* as the client asks for it */
	const struct bt_str *tries; /* `try_files`; tries_n 0: the path */
	size_t tries_n;
	bool codings; /* the client takes one: look beside the file, too */

	/* on the loop; on a thread there is no cache */
	struct bt_file_cache *files;
	int64_t now_ms;

	/* what was found, references */
	enum bt_found found;
	struct bt_file *file;
	struct bt_file *coded[BT_CODINGS]; /* without cache: those there are */
};

/*
 * Searches.
 *
 * Returns:   0 with `found` and `file`; -EINPROGRESS: on the loop it would
 *            wait; or as bt_file_open().
 * Ownership: bt_search_fini() gives back what was found, whatever it returns.
 * Context:   worker, on the loop with `files`, on an offload thread without.
 */
int bt_search_run(struct bt_search *);

/*
 * Puts what a thread has found into the cache; from then on it is as if the
 * loop had found it.
 */
void bt_search_keep(struct bt_search *, struct bt_file_cache *, int64_t now_ms);

/*
 * The representation for a request: the file itself, or what lies beside it in
 * the coding that the client likes best.
 * Ownership: another reference.
 */
struct bt_file *bt_search_choose(
    const struct bt_search *, const struct bt_request *);

void bt_search_fini(struct bt_search *);

#endif
