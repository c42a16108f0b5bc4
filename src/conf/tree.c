/*
 * From tokens to statements and blocks.  It never stops at an error: a missing
 * `;`, `{` or `}` is reported where it belongs and taken as if it were there.
 * Guesses are made only where the text is wrong whichever way it is read; how
 * a text is indented does not decide about a right one.  There is one
 * exception, which baton.conf(5) names: see begins_statement().  Runs in the
 * master, or in `baton -t`.
 */

#include "conf/tree.h"

#include "base/mem.h"

#include <stdlib.h>

/* What can be right is three deep; this bounds the work on what is not. */
enum { DEPTH_MAX = 64 };

/* State of reading one source. */
struct reader {
	struct bt_tree *tree;
	const struct bt_source *source;
	struct bt_lexer lexer;
	struct bt_node *base;      /* the block that the source stands in */
	struct bt_node *block;     /* the innermost open one */
	struct bt_node *statement; /* being read; NULL: between two */
	struct bt_token *words;    /* of it: heap, reused */
	size_t words_n, words_cap;
	unsigned depth;    /* of open blocks */
	unsigned forgiven; /* blocks that were closed by a guess */
};

static void read_tokens(struct reader *);

void
bt_tree_init(struct bt_tree *t, struct bt_report *report)
{
	*t = (struct bt_tree){ .report = report };
}

void
bt_tree_read(
    struct bt_tree *t, const struct bt_source *source, struct bt_node *block)
{
	struct reader r = {
		.tree = t,
		.source = source,
		.base = block,
		.block = block,
	};

	if (block->children_end == NULL)
		block->children_end = &block->children;
	bt_lexer_init(&r.lexer, t->report, source);
	read_tokens(&r);
	free(r.words);
}

/* What may stand in the block; 0: anything, we do not know what it is. */
static unsigned
block_kind(const struct bt_node *block)
{
	if (block->parent == NULL)
		return BT_IN_MAIN;
	return block->directive ? block->directive->opens : 0;
}

static void
mark_bad(struct bt_node *n)
{
	n->bad = true;
	for (n = n->parent; n != NULL; n = n->parent)
		n->broken = true;
}

static struct bt_node *
node_new(struct reader *r, const struct bt_token *at)
{
	struct bt_node *n =
	    bt_arena_zero(&r->tree->report->scratch, sizeof(*n));

	n->parent = r->block;
	n->source = r->source;
	n->children_end = &n->children;
	n->line = at->line;
	n->end = at->end;
	*r->block->children_end = n;
	r->block->children_end = &n->next;
	return n;
}

static void
add_word(struct reader *r, const struct bt_token *t)
{
	if (r->words_n == r->words_cap) {
		r->words_cap = r->words_cap ? r->words_cap * 2 : 16;
		r->words =
		    bt_mem_resize(r->words, r->words_cap, sizeof(r->words[0]));
	}
	r->words[r->words_n++] = *t;
	r->statement->end = t->end;
	if (t->bad)
		mark_bad(r->statement);
}

/* The statement has all its words. */
static struct bt_node *
take_statement(struct reader *r)
{
	struct bt_node *n = r->statement;
	size_t size = r->words_n * sizeof(r->words[0]);

	n->words = memcpy(
	    bt_arena_alloc(&r->tree->report->scratch, size), r->words, size);
	n->words_n = r->words_n;
	r->statement = NULL;
	return n;
}

static void
end_statement(struct reader *r)
{
	struct bt_node *n = take_statement(r);

	if (n->directive != NULL && n->directive->type == BT_TYPE_INCLUDE &&
	    !n->bad)
		bt_include_expand(r->tree, n);
}

static void
open_block(struct reader *r, struct bt_node *n, const struct bt_token *at)
{
	n->has_block = true;
	n->open = at->begin;
	r->block = n;
	if (n->directive == NULL && n->words_n > 0) /* look inside, as if */
		n->directive = bt_directive_guess_block(n->words[0].text);
	if (++r->depth == DEPTH_MAX) {
		bt_report_add(r->tree->report, r->source, n->open,
		    "blocks are nested too deep; the rest is not read");
		r->lexer.at = r->source->text.n;
	}
}

/* `missing` is ";" or "{"; it belongs behind the last word. */
static void
report_missing(struct reader *r, const char *missing)
{
	if (!r->statement->bad)
		bt_report_add(r->tree->report, r->source, r->statement->end,
		    "\"%s\" is missing here, at the end of %s", missing,
		    bt_report_quote(r->tree->report, r->words[0].text));
	mark_bad(r->statement);
}

/* The statement ends without its mark: what was meant is put in. */
static void
mend_statement(struct reader *r)
{
	const struct bt_directive *d = r->statement->directive;
	struct bt_token at = { .begin = r->statement->end };

	if (d == NULL || d->type != BT_TYPE_BLOCK) {
		report_missing(r, ";");
		take_statement(r);
		return;
	}
	report_missing(r, "{");
	r->statement->bad = false; /* its arguments are still looked at */
	open_block(r, take_statement(r), &at);
}

/*
 * Does the word begin a new statement, though the last one was not ended?  On
 * a line of its own, when the directive can take no more arguments, or when it
 * is the name of one and is not indented as a continued line would be, or would
 * stand in the block whose { is missing.  Else `name a` without its semicolon
 * would take `listen 80` of the next line for two more names, and say nothing.
 */
static bool
begins_statement(const struct reader *r, const struct bt_token *t)
{
	const struct bt_directive *d = r->statement->directive;
	const struct bt_directive *next;

	if (!t->first || t->quoted)
		return false;
	if (d != NULL && r->words_n > d->args_max)
		return true;
	next = bt_directive_find(t->text);
	if (next == NULL)
		return false;
	return t->indent <= r->words[0].indent ||
	    (d != NULL && d->type == BT_TYPE_BLOCK && (d->opens & next->where));
}

static void
report_unclosed(struct reader *r, struct bt_node *block)
{
	struct bt_node *n = block->suspect ? block->suspect : block;

	bt_report_add(
	    r->tree->report, n->source, n->open, "this { is never closed");
	for (n = block; n != NULL; n = n->parent)
		n->broken = true;
}

/* Which of the open blocks the directive may stand in; NULL: in none. */
static struct bt_node *
find_place(const struct reader *r, const struct bt_directive *d)
{
	for (struct bt_node *n = r->block;; n = n->parent) {
		unsigned kind = block_kind(n);

		if (kind == 0 || (d->where & kind))
			return n;
		if (n == r->base)
			return NULL;
	}
}

/*
 * A directive that may not stand here, but may outside, and is not indented
 * deeper than the block: the block's } is missing.
 */
static void
close_forgotten(
    struct reader *r, const struct bt_directive *d, const struct bt_token *t)
{
	struct bt_node *place = d ? find_place(r, d) : NULL;

	if (place == NULL || !t->first)
		return;
	for (struct bt_node *n = r->block; n != place; n = n->parent)
		if (n->words_n == 0 || !n->words[0].first ||
		    t->indent > n->words[0].indent)
			return;
	while (r->block != place) {
		report_unclosed(r, r->block);
		r->block = r->block->parent;
		r->depth--;
		r->forgiven++;
	}
}

static void
on_word(struct reader *r, const struct bt_token *t)
{
	if (r->statement != NULL && begins_statement(r, t))
		mend_statement(r);
	if (r->statement == NULL) {
		const struct bt_directive *d = t->quoted
		    ? NULL
		    : bt_directive_find_in(t->text, block_kind(r->block));

		close_forgotten(r, d, t);
		r->statement = node_new(r, t);
		r->statement->directive = d;
		r->words_n = 0;
	}
	add_word(r, t);
}

static void
on_semicolon(struct reader *r, const struct bt_token *t)
{
	if (r->statement == NULL)
		bt_report_add(
		    r->tree->report, r->source, t->begin, "unexpected \";\"");
	else
		end_statement(r);
}

static void
on_open(struct reader *r, const struct bt_token *t)
{
	struct bt_node *n;

	if (r->statement != NULL) {
		n = take_statement(r);
	} else {
		n = node_new(r, t);
		bt_report_add(r->tree->report, r->source, t->begin,
		    "a directive is missing before this {");
		mark_bad(n);
	}
	open_block(r, n, t);
}

/* Remembers a block whose } stands below the begin of one around it. */
static void
note_suspect(struct reader *r, const struct bt_token *t)
{
	struct bt_node *block = r->block;

	if (!t->first || block->words_n == 0 ||
	    t->indent >= block->words[0].indent)
		return;
	for (struct bt_node *n = block->parent; n != r->base; n = n->parent)
		if (n->words_n > 0 && n->words[0].first &&
		    n->words[0].indent == t->indent) {
			if (n->suspect == NULL)
				n->suspect = block;
			return;
		}
}

static void
on_close(struct reader *r, const struct bt_token *t)
{
	if (r->statement != NULL) {
		report_missing(r, ";");
		take_statement(r);
	}
	if (r->block != r->base) {
		note_suspect(r, t);
		r->block = r->block->parent;
		r->depth--;
	} else if (r->forgiven > 0) {
		r->forgiven--;
	} else {
		bt_report_add(r->tree->report, r->source, t->begin,
		    "unexpected \"}\": no block is open here");
		r->base->broken = true;
	}
}

static void
on_end(struct reader *r)
{
	if (r->statement != NULL)
		mend_statement(r);
	for (; r->block != r->base; r->block = r->block->parent)
		if (r->depth < DEPTH_MAX)
			report_unclosed(r, r->block);
}

static void
read_tokens(struct reader *r)
{
	for (;;) {
		struct bt_token t = bt_lexer_next(&r->lexer);

		switch (t.kind) {
		case BT_TOKEN_WORD:
			on_word(r, &t);
			break;
		case BT_TOKEN_SEMICOLON:
			on_semicolon(r, &t);
			break;
		case BT_TOKEN_OPEN:
			on_open(r, &t);
			break;
		case BT_TOKEN_CLOSE:
			on_close(r, &t);
			break;
		case BT_TOKEN_END:
			on_end(r);
			return;
		}
	}
}
