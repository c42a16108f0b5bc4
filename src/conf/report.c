/*
 * The errors of a conf, as people read them.  Positions are kept as offsets,
 * and lines and columns counted only when an error is printed: the good case
 * pays nothing.  A column is counted in characters (UTF-8), as editors do.
 * Runs in the master, or in `baton -t`.
 */

#include "conf/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	MESSAGE_MAX = 512,
	QUOTE_MAX = 48, /* bytes of a word shown in a message */
	WINDOW = 96,    /* characters of a line that are shown */
	WINDOW_BEFORE = 64,
};

void
bt_report_fini(struct bt_report *r)
{
	bt_arena_fini(&r->scratch);
	*r = (struct bt_report){ 0 };
}

unsigned
bt_report_count(const struct bt_report *r)
{
	return r->errors_n + r->more;
}

static bool
known(const struct bt_report *r, const struct bt_source *source, size_t at)
{
	for (unsigned i = 0; i < r->errors_n; i++)
		if (r->errors[i].source == source && r->errors[i].at == at)
			return true;
	return false;
}

void
bt_report_add(struct bt_report *r, const struct bt_source *source, size_t at,
    const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;

	if (known(r, source, at))
		return;
	if (r->errors_n == BT_REPORT_MAX) {
		r->more++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->errors[r->errors_n] = (struct bt_report_error){
		.source = source,
		.at = at,
		.what = bt_arena_strdup(&r->scratch, text),
		.order = r->errors_n,
	};
	r->errors_n++;
}

/* The bytes of the character at `s`, 0 when it is not to be printed. */
static size_t
printable(struct bt_str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	if (c < 0xc2 || c > 0xf4 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	if (c == 0xc2 && (unsigned char)s.p[1] < 0xa0) /* C1 controls */
		return 0;
	return n;
}

/* Copies the character at `*at`, or a ? in its place. */
static void
append_character(struct bt_buf *out, struct bt_str s, size_t *at)
{
	size_t n = printable((struct bt_str){ s.p + *at, s.n - *at });

	if (n == 0)
		bt_buf_putc(out, '?');
	else
		bt_buf_append(out, s.p + *at, n);
	*at += n ? n : 1;
}

const char *
bt_report_quote(struct bt_report *r, struct bt_str s)
{
	struct bt_buf out = { 0 };
	const char *copy;

	bt_buf_putc(&out, '"');
	for (size_t at = 0; at < s.n;) {
		if (at >= QUOTE_MAX) {
			bt_buf_puts(&out, "...");
			break;
		}
		append_character(&out, s, &at);
	}
	bt_buf_putc(&out, '"');
	copy = bt_arena_strdup(&r->scratch, out.data);
	bt_buf_fini(&out);
	return copy;
}

const char *
bt_report_place(struct bt_report *r, const struct bt_source *from,
    const struct bt_source *source, unsigned line)
{
	if (from == source)
		return bt_arena_printf(&r->scratch, "line %u", line).p;
	return bt_arena_printf(&r->scratch, "%s:%u", source->name, line).p;
}

static int
compare(const void *va, const void *vb)
{
	const struct bt_report_error *a = va, *b = vb;

	if (a->source != b->source)
		return a->source->order < b->source->order ? -1 : 1;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

struct place {
	unsigned line;
	struct bt_str text; /* of the line, without its end */
	size_t at;          /* offset into it */
};

static struct place
find_place(struct bt_str text, size_t at)
{
	struct place p = { .line = 1 };
	size_t begin = 0, end;
	const char *lf;

	for (size_t i = 0; i < at && i < text.n; i++)
		if (text.p[i] == '\n') {
			p.line++;
			begin = i + 1;
		}
	lf = begin < text.n ? memchr(text.p + begin, '\n', text.n - begin)
			    : NULL;
	end = lf ? (size_t)(lf - text.p) : text.n;
	if (end > begin && text.p[end - 1] == '\r')
		end--;
	p.text = (struct bt_str){ text.n ? text.p + begin : "", end - begin };
	p.at = at - begin < p.text.n ? at - begin : p.text.n;
	return p;
}

/* Characters in the first `n` bytes. */
static unsigned
count_characters(struct bt_str s, size_t n)
{
	unsigned count = 0;

	for (size_t at = 0; at < n; count++) {
		size_t len = printable((struct bt_str){ s.p + at, s.n - at });

		at += len ? len : 1;
	}
	return count;
}

/* The line, or a window of it, and the caret; tabs stay, so that it lines up.
 */
static void
format_line(const struct place *p, unsigned column, struct bt_buf *out)
{
	unsigned first = 1, shown = 1;
	struct bt_buf caret = { 0 };
	size_t at = 0;

	if (count_characters(p->text, p->text.n) > WINDOW &&
	    column > WINDOW_BEFORE)
		first = column - WINDOW_BEFORE;
	bt_buf_puts(out, first > 1 ? "    ..." : "    ");
	bt_buf_puts(&caret, first > 1 ? "       " : "    ");
	for (unsigned i = 1; at < p->text.n; i++) {
		struct bt_buf skipped = { 0 };
		char c = p->text.p[at];

		if (i >= first && shown++ > WINDOW) {
			bt_buf_puts(out, "...");
			break;
		}
		if (c == '\t') {
			bt_buf_append(i < first ? &skipped : out, "\t", 1);
			at++;
		} else {
			append_character(
			    i < first ? &skipped : out, p->text, &at);
		}
		if (i >= first && i < column)
			bt_buf_putc(&caret, c == '\t' ? '\t' : ' ');
		bt_buf_fini(&skipped);
	}
	bt_buf_printf(out, "\n%s^\n", caret.data);
	bt_buf_fini(&caret);
}

static void
format_error(const struct bt_report_error *e, struct bt_buf *out)
{
	struct place p = find_place(e->source->text, e->at);
	unsigned column = count_characters(p.text, p.at) + 1;

	bt_buf_printf(
	    out, "%s:%u:%u: %s\n", e->source->name, p.line, column, e->what);
	format_line(&p, column, out);
}

void
bt_report_format(struct bt_report *r, struct bt_buf *out)
{
	qsort(r->errors, r->errors_n, sizeof(r->errors[0]), compare);
	for (unsigned i = 0; i < r->errors_n; i++)
		format_error(&r->errors[i], out);
	if (r->more > 0)
		bt_buf_printf(out, "... and %u more error%s\n", r->more,
		    r->more == 1 ? "" : "s");
}
