#ifndef BT_CONF_LEXER_H
#define BT_CONF_LEXER_H

/*
 * The words of a conf, in nginx's shape: words, 'single' and "double" quotes,
 * # comments, and the three marks ; { }.
 */

#include "conf/report.h"

enum bt_token_kind {
	BT_TOKEN_WORD,
	BT_TOKEN_SEMICOLON,
	BT_TOKEN_OPEN,
	BT_TOKEN_CLOSE,
	BT_TOKEN_END,
};

struct bt_token {
	enum bt_token_kind kind;
	struct bt_str text; /* a word without quotes and escapes */
	size_t begin, end;  /* offsets: as it stands in the source */
	unsigned line;      /* from 1 */
	unsigned indent;    /* bytes before it on its line */
	bool first;         /* nothing but blanks before it on its line */
	bool quoted;
	bool variable; /* has a `$name` or `${name}` … */
	bool dollar;   /* … and one that was written `\$name` */
	bool bad;      /* an error was reported for it */
};

struct bt_lexer {
	struct bt_report *report;
	const struct bt_source *source;
	size_t at, line_at;
	unsigned line;
	bool fresh; /* no token on this line yet */
};

/* Begins a text; reports control bytes, at most one error for a line. */
void bt_lexer_init(
    struct bt_lexer *, struct bt_report *, const struct bt_source *);

/*
 * Takes the next token; BT_TOKEN_END again and again at the end.
 *
 * Ownership: the text is the source's or the report's scratch.
 */
struct bt_token bt_lexer_next(struct bt_lexer *);

#endif
