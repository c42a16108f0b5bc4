#ifndef BT_CONF_TREE_H
#define BT_CONF_TREE_H

/*
 * A conf as statements and blocks, before their meaning is looked at: includes
 * are expanded, what is malformed was reported and mended, so that the rest
 * can be checked without errors that only follow from others.
 */

#include "conf/directives.h"
#include "conf/lexer.h"

/* A statement: `NAME ARGS;` or `NAME ARGS { ... }`. */
struct bt_node {
	struct bt_node *parent, *next;
	struct bt_node *children, **children_end;
	const struct bt_source *source;
	const struct bt_directive *directive; /* NULL: unknown */
	struct bt_token *words;               /* the name, then the arguments */
	size_t words_n;                       /* 0: of a block without a name */
	size_t open;                          /* offset of the { */
	size_t end;                           /* offset behind the last word */
	unsigned line;
	bool has_block;
	bool bad;    /* an error was reported: look no further */
	bool broken; /* something in the block, at any depth, is bad */
	/* closed by a } that stands below this one's begin: perhaps unclosed */
	struct bt_node *suspect;
};

struct bt_tree {
	struct bt_report *report;
	struct bt_node root; /* of no name; its children stand in main */
};

void bt_tree_init(struct bt_tree *, struct bt_report *);

/*
 * Adds the statements of a source to the block, and those of what it
 * includes.  Errors go to the report.
 *
 * Ownership: everything is the report's scratch.
 */
void bt_tree_read(
    struct bt_tree *, const struct bt_source *, struct bt_node *block);

/*
 * Reads a whole file into the scratch; `parent` is who includes it, or NULL.
 *
 * Returns: 0 with `*ret`; -EFBIG past BT_CONF_FILE_MAX; negative errno.
 */
int bt_source_open(struct bt_report *, const char *path,
    const struct bt_source *parent, const struct bt_source **ret);

/* A text in memory: it can include nothing. */
const struct bt_source *bt_source_of(
    struct bt_report *, const char *name, struct bt_str text);

#define BT_CONF_FILE_MAX (16 * 1024 * 1024)

/* Adds what an include statement names in its place.  Called by tree.c. */
void bt_include_expand(struct bt_tree *, const struct bt_node *);

#endif
