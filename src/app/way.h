#ifndef BT_APP_WAY_H
#define BT_APP_WAY_H

/*
 * The ways into an application: its routes, found by method and path, and its
 * resume functions, found by name.  Made when it is loaded, never changed.
 */

#include "base/arena.h"
#include "http/request.h"

#include <baton/app.h>

#define BT_PARAMS_MAX 16

struct bt_segment {
	enum bt_segment_kind {
		BT_SEGMENT_LITERAL,
		BT_SEGMENT_PARAM, /* `:name`, one segment that is not empty */
		BT_SEGMENT_REST,  /* `*name`, whatever is left; the last one */
	} kind;
	struct bt_str text; /* what is compared, or the name */
};

struct bt_way {
	const char *name; /* as the application wrote it, for messages */
	uint32_t id;      /* of a resume function */
	unsigned methods; /* of a route */
	struct bt_segment *segments;
	unsigned segments_n;
	void (*answer)(struct baton_exchange *);
	void (*resume)(struct baton_exchange *, const void *state, size_t n);
	uint8_t version, oldest;
	enum baton_content mode;
	uint64_t content_max;
	void (*content)(struct baton_exchange *, const void *piece, size_t n);
	void (*file)(struct baton_exchange *, const struct baton_file *,
	    const void *piece, size_t n);
	const struct baton_stage *const *stages; /* NULL-ended; or NULL */
};

/* The value of a parameter; the name is the way's. */
struct bt_param {
	struct bt_str name, value;
};

/*
 * Takes `GET,POST /users/:id` apart.
 *
 * Returns: 0; -EINVAL, with `*ret_why` a text for people.
 */
int bt_way_parse(
    struct bt_way *, const char *on, struct bt_arena *, const char **ret_why);

/* The most specific first: the order in which they are tried. */
void bt_ways_sort(struct bt_way *, size_t n);

/*
 * Whether two of them, sorted and neighbours, take the same requests.
 */
bool bt_ways_clash(const struct bt_way *, const struct bt_way *);

/*
 * Finds the way for a path, which begins with a slash.
 *
 * Returns:   it, with `*ret_n` parameters; or NULL, and `*ret_methods` is the
 *            set of those that the path has, 0: the path is not known.
 * Ownership: the parameters' values point into the path.
 */
const struct bt_way *bt_ways_find(const struct bt_way *, size_t n,
    enum bt_method, struct bt_str path,
    struct bt_param params[static BT_PARAMS_MAX], unsigned *ret_n,
    unsigned *ret_methods);

#endif
