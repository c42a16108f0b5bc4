#ifndef BT_APP_LIBRARY_H
#define BT_APP_LIBRARY_H

/*
 * An application's shared object, loaded: what it says of itself, looked
 * through.  Its file may be replaced, or written over, while it is in use: what
 * is loaded is a copy of it in memory, which has no name that a later one could
 * be taken for.
 */

#include "app/way.h"
#include "base/buf.h"

struct bt_library {
	unsigned refs;
	char *file;
	void *handle; /* of dlopen() */
	int fd;       /* of the copy; its number is the copy's name */
	struct baton_app app;
	uint32_t id; /* of the application, by its name */
	struct bt_way *routes, *resumes;
	size_t routes_n, resumes_n;
	struct baton_setting *settings;
	size_t settings_n;
	struct bt_arena arena;
};

/*
 * Loads it; its constructors run.
 *
 * Returns:   0 with `*ret`; negative errno, and `why` has what is wrong, a line
 *            without LF.
 * Ownership: the caller's, bt_library_unref().
 * Context:   a child of the master's first, then the master; blocks.
 */
int bt_library_open(
    const char *file, struct bt_library **ret, struct bt_buf *why);

struct bt_library *bt_library_ref(struct bt_library *);
void bt_library_unref(struct bt_library *);

/* The number that stands for a name in a continuation. */
uint32_t bt_library_id(const char *name);

/* The resume function of that number, or NULL. */
const struct bt_way *bt_library_resume(const struct bt_library *, uint32_t id);

#endif
