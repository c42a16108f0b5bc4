#ifndef BT_CONF_REPORT_H
#define BT_CONF_REPORT_H

/*
 * What is wrong with a conf: where, what, the line and a caret below it.  All
 * errors of a reading are collected, put in the order of the text, and
 * written out once.
 */

#include "base/arena.h"
#include "base/buf.h"

#include <sys/types.h>

/* Errors that are kept; the others are counted. */
#define BT_REPORT_MAX 50

/* A text being read; lives in the report's scratch. */
struct bt_source {
	const char *name;   /* as people gave it */
	const char *folder; /* for relative includes; NULL: none are possible */
	struct bt_str text;
	const struct bt_source *parent; /* which included it */
	unsigned order;                 /* of being opened, from 0 */
	dev_t dev;
	ino_t ino; /* 0: a text in memory */
};

struct bt_report_error {
	const struct bt_source *source;
	size_t at; /* offset into the text */
	const char *what;
	unsigned order;
};

/* `{0}` is a valid empty one. */
struct bt_report {
	struct bt_arena scratch; /* sources, trees and messages of a reading */
	unsigned sources_n;
	unsigned errors_n;
	unsigned more; /* errors past BT_REPORT_MAX */
	struct bt_report_error errors[BT_REPORT_MAX];
};

/* Frees the scratch, and with it all sources. */
void bt_report_fini(struct bt_report *);

/*
 * Notes an error at an offset of a source.  Of several at one place the first
 * is kept: the others follow from it.
 */
void bt_report_add(struct bt_report *, const struct bt_source *, size_t at,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* How many errors there are, those past the bound too. */
unsigned bt_report_count(const struct bt_report *);

/*
 * A word of the conf for a message: in quotes, control bytes replaced,
 * shortened when long.
 *
 * Ownership: the scratch's.
 */
const char *bt_report_quote(struct bt_report *, struct bt_str);

/* `line 3`, or `other.conf:3` when `from` is another source. */
const char *bt_report_place(struct bt_report *, const struct bt_source *from,
    const struct bt_source *, unsigned line);

/* Appends all errors in the order of the text. */
void bt_report_format(struct bt_report *, struct bt_buf *);

#endif
