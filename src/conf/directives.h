#ifndef BT_CONF_DIRECTIVES_H
#define BT_CONF_DIRECTIVES_H

/*
 * The table of directives: a directive is a row of it, or it does not exist.
 * The table makes the parser, the presets, the dump, the list in baton.conf(5)
 * and the "did you mean".
 */

#include "conf/conf.h"

#define BT_CONF_HEADER_BYTES_MIN 1024
/* One head is read whole before it is answered, and must fit a baton's bytes.
 */
#define BT_CONF_HEADER_BYTES_MAX (64 * 1024)
#define BT_CONF_UNIX_PATH_MAX 107 /* sun_path without its NUL */

struct bt_build;
struct bt_node;

/* Where a directive may stand: a set of bits. */
enum bt_where {
	BT_IN_MAIN = 1,
	BT_IN_SERVER = 2,
	BT_IN_ROUTE = 4,
	BT_IN_PROXY = 8,
	BT_IN_UPSTREAM = 16,
};

enum bt_directive_type {
	BT_TYPE_COUNT,    /* unsigned */
	BT_TYPE_DURATION, /* int64_t, milliseconds */
	BT_TYPE_SIZE,     /* uint64_t, bytes */
	BT_TYPE_RATE,     /* uint64_t, bytes a second */
	BT_TYPE_CHOICE,   /* an enum; its names in `choices` */
	BT_TYPE_NAME,     /* const char * */
	BT_TYPE_PATH,     /* const char *, absolute */
	BT_TYPE_CUSTOM,   /* by `set` */
	BT_TYPE_BLOCK,    /* by `set`; `opens` a block */
	BT_TYPE_INCLUDE,
};

typedef void bt_directive_set_fn(struct bt_build *, const struct bt_node *);

struct bt_directive {
	const char *name;
	unsigned where;
	enum bt_directive_type type;
	const char *syntax; /* of its arguments; names in upper case vary */
	const char *preset; /* text that goes through the parser; NULL: none */
	/* range of the value; PATH, NAME: max is that of the length */
	uint64_t min, max;
	const char *special; /* a word that stands for 0, or NULL: auto, off */
	const char *const *choices;
	unsigned args_min, args_max;
	bool repeats;   /* may stand more than once in a block */
	bool inherited; /* the field is in bt_conf_scope, else in bt_conf */
	bool handler;   /* answers on a route */
	bool may_open;  /* CUSTOM: may have a block, which `set` reads */
	size_t field;   /* offset of it */
	bt_directive_set_fn *set;
	unsigned opens;      /* what may stand in its block */
	const char *help;    /* one line */
	const char *example; /* a whole statement */
	const char *nginx;   /* its names there, between blanks; or NULL */
};

#define BT_ARGS_ANY ((unsigned)-2)

extern const struct bt_directive bt_directives[];
extern const unsigned bt_directives_n;

#define BT_DIRECTIVES_MAX 192 /* bt_directives_n is less: asserted */

/* The row of that name, or NULL. */
const struct bt_directive *bt_directive_find(struct bt_str name);
const struct bt_directive *bt_directive_named(const char *name);

/* The one of those with that name which may stand in `where`, else the first.
 */
const struct bt_directive *bt_directive_find_in(
    struct bt_str name, unsigned where);

/* The block that an unknown name before a { was probably meant to be. */
const struct bt_directive *bt_directive_guess_block(struct bt_str name);

/* The row that means what this directive means in nginx, or NULL. */
const struct bt_directive *bt_directive_from_nginx(struct bt_str name);

/*
 * The row with the nearest name, or NULL when none is near; of two, one that
 * may stand in `where`.
 */
const struct bt_directive *bt_directive_nearest(
    struct bt_str name, unsigned where);

/* The nearest of `n` words, or NULL when none is near. */
const char *bt_word_nearest(
    struct bt_str word, const char *const *words, size_t n);

/* `main, server or route`; writes at most `size` bytes. */
const char *bt_where_format(unsigned where, char *out, size_t size);

/* An end of the range as text: `1k`, `30s`, `256`. */
const char *bt_directive_format(
    const struct bt_directive *, uint64_t value, char *out, size_t size);

#endif
