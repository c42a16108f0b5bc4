/*
 * The list of directives in baton.conf(5), written from the table.  Between
 * two comments of that page stands what this prints; a unit test compares
 * them.  Runs in tests/unit/test_directives.c only.
 */

#include "conf/directives.h"

#include <stdio.h>

/* Text in a macro's line: what mdoc would read as its own is escaped. */
static void
put_text(struct bt_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			bt_buf_puts(out, "\\e");
		else if (*text == '"')
			bt_buf_puts(out, "\\(dq");
		else if (*text == '-')
			bt_buf_puts(out, "\\-");
		else
			bt_buf_putc(out, *text);
	}
}

/*
 * Text; its lines are broken at blanks and where a sentence ends, and none
 * begins as a request.
 */
static void
put_paragraph(struct bt_buf *out, const char *text)
{
	size_t begin = out->len;
	bool ended = false;

	for (; *text; text++) {
		size_t word = strcspn(text, " ");

		if (word > 0 && out->len == begin && strchr(".'", *text))
			bt_buf_puts(out, "\\&");
		if (*text == ' ' &&
		    (ended ||
			out->len - begin + 1 + strcspn(text + 1, " ") > 78)) {
			bt_buf_putc(out, '\n');
			begin = out->len;
		} else {
			bt_buf_putc(out, *text);
		}
		ended = *text == '.';
	}
	bt_buf_putc(out, '\n');
}

static bool
is_variable(struct bt_str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (bt_lower(word.p[i]) != word.p[i])
			return true;
	return false;
}

static void
put_literal(struct bt_buf *out, const char *macro, struct bt_str word)
{
	bt_buf_printf(out, " %s ", macro);
	for (size_t i = 0; i < word.n; i++) {
		if (strchr(".,:;()[]?!|", word.p[i]) && i + 1 == word.n)
			bt_buf_puts(out, "\\&"); /* no delimiter */
		bt_buf_putc(out, word.p[i]);
	}
}

static void
put_argument(struct bt_buf *out, struct bt_str word)
{
	const char *sign = word.n ? memchr(word.p, '=', word.n) : NULL;

	if (sign == NULL && word.n > 1)
		sign = memchr(word.p, ':', word.n - 1);
	if (sign != NULL && word.n > 1) { /* backlog=COUNT, syslog:PATH */
		size_t n = (size_t)(sign - word.p) + 1;

		put_literal(out, "Cm", (struct bt_str){ word.p, n });
		bt_buf_puts(out, " Ns");
		word = (struct bt_str){ word.p + n, word.n - n };
	}
	if (bt_str_equal(word, BT_STR("|"))) {
		bt_buf_puts(out, " |");
	} else if (bt_str_equal(word, BT_STR("..."))) {
		bt_buf_puts(out, " ...");
	} else if (is_variable(word)) {
		bt_buf_puts(out, " Ar ");
		for (size_t i = 0; i < word.n; i++)
			bt_buf_putc(out, bt_lower(word.p[i]));
	} else {
		put_literal(out, "Cm", word);
	}
}

/* What closes behind a word, `],` of `[url [SIZE],]`. */
static void
put_closing(struct bt_buf *out, struct bt_str signs)
{
	for (size_t i = 0; i < signs.n; i++)
		bt_buf_puts(out, signs.p[i] == ']' ? " Oc" : " ,");
}

/* `stderr | PATH [warn | info]` as a line of macros. */
static void
put_syntax(struct bt_buf *out, struct bt_str rest)
{
	while (rest.n > 0) {
		const char *blank = memchr(rest.p, ' ', rest.n);
		struct bt_str word = { rest.p,
			blank ? (size_t)(blank - rest.p) : rest.n };
		struct bt_str signs;

		rest.p += word.n + (blank != NULL);
		rest.n -= word.n + (blank != NULL);
		if (word.p[0] == '[') {
			bt_buf_puts(out, " Oo");
			word.p++;
			word.n--;
		}
		signs = (struct bt_str){ word.p + word.n, 0 };
		while (word.n > 1 && strchr("],", word.p[word.n - 1]) != NULL) {
			word.n--;
			signs.p--;
			signs.n++;
		}
		put_argument(out, word);
		put_closing(out, signs);
	}
}

static void
put_facts(struct bt_buf *out, const struct bt_directive *d)
{
	char min[32], max[32], where[64];

	bt_buf_printf(out, "Context: %s.\n",
	    bt_where_format(d->where, where, sizeof(where)));
	if (d->preset != NULL) {
		bt_buf_puts(out, "Default:\n.Ql ");
		put_text(out, d->preset);
		bt_buf_puts(out, " .\n");
	}
	if (d->type == BT_TYPE_COUNT || d->type == BT_TYPE_DURATION ||
	    d->type == BT_TYPE_SIZE || d->type == BT_TYPE_RATE)
		bt_buf_printf(out, "Range: %s to %s.\n",
		    bt_directive_format(d, d->min, min, sizeof(min)),
		    bt_directive_format(d, d->max, max, sizeof(max)));
	bt_buf_puts(out, "Example:\n.Dl ");
	put_text(out, d->example);
	bt_buf_putc(out, '\n');
}

/* `$arg_NAME`, with the names that nginx has for it. */
static void
put_variable(struct bt_buf *out, const struct bt_variable *v)
{
	size_t n = strlen(v->name);
	const char *other = v->nginx;

	bt_buf_printf(out, ".It Va $%s", v->name);
	if (v->name[n - 1] == '_')
		bt_buf_puts(out, " Ns Ar NAME");
	while (other != NULL && other[1] != '\0') {
		size_t len = strcspn(other + 1, " ");

		bt_buf_printf(out, " , $%.*s", (int)len, other + 1);
		other += len + 1;
	}
	bt_buf_putc(out, '\n');
	put_paragraph(out, v->help);
}

static void
put_variables(struct bt_buf *out)
{
	bt_buf_puts(out,
	    ".Sh VARIABLES\n"
	    "A variable is written\n"
	    ".Va $name\n"
	    "or\n"
	    ".Va ${name} .\n"
	    "In a\n"
	    ".Ic redirect\n"
	    "values are percent-encoded where a URI needs that, and none of "
	    "the client's\n"
	    "may stand where the host does.\n"
	    ".Bl -tag -width Ds\n");
	for (unsigned i = 0; i < bt_variables_n; i++)
		put_variable(out, &bt_variables[i]);
	bt_buf_puts(out, ".El\n");
}

void
bt_conf_manual(struct bt_buf *out)
{
	bt_buf_puts(out, ".Bl -tag -width Ds\n");
	for (unsigned i = 0; i < bt_directives_n; i++) {
		const struct bt_directive *d = &bt_directives[i];

		bt_buf_printf(out, ".It Ic %s", d->name);
		put_syntax(out, bt_str_of(d->syntax));
		bt_buf_putc(out, '\n');
		put_paragraph(out, d->help);
		bt_buf_puts(out, ".br\n");
		put_facts(out, d);
	}
	bt_buf_puts(out, ".El\n");
	put_variables(out);
}
