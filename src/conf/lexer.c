/*
 * From bytes to words.  A quoted word ends on its line (line breaks are
 * written \n): so an unclosed quote costs one line, not the rest of the file,
 * and the error points at where it was opened.  Runs in the master, or in
 * `baton -t`.
 */

#include "conf/lexer.h"

static unsigned char
byte_at(const struct bt_lexer *l, size_t at)
{
	return (unsigned char)l->source->text.p[at];
}

static bool
at_end(const struct bt_lexer *l)
{
	return l->at >= l->source->text.n;
}

static bool
is_control(unsigned char c)
{
	return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

/* A CR is a blank: of a CRLF it is a line's end, else it was reported. */
static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_mark(unsigned char c)
{
	return c == ';' || c == '{' || c == '}';
}

static void
check_bytes(const struct bt_lexer *l)
{
	struct bt_str text = l->source->text;
	bool said = false;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = byte_at(l, i);

		if (c == '\n')
			said = false;
		if (said || !is_control(c))
			continue;
		if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
			continue;
		if (c == '\r')
			bt_report_add(l->report, l->source, i,
			    "carriage return without a line feed");
		else
			bt_report_add(l->report, l->source, i,
			    "control byte 0x%02x; a conf is plain text", c);
		said = true;
	}
}

void
bt_lexer_init(struct bt_lexer *l, struct bt_report *report,
    const struct bt_source *source)
{
	*l = (struct bt_lexer){
		.report = report,
		.source = source,
		.line = 1,
		.fresh = true,
	};
	if (bt_str_has_prefix(source->text, BT_STR("\xef\xbb\xbf")))
		l->at = l->line_at = 3; /* a byte order mark of Windows */
	check_bytes(l);
}

static void
skip_line(struct bt_lexer *l)
{
	while (!at_end(l) && byte_at(l, l->at) != '\n')
		l->at++;
}

static void
skip_blanks(struct bt_lexer *l)
{
	for (; !at_end(l); l->at++) {
		unsigned char c = byte_at(l, l->at);

		if (c == '#') {
			skip_line(l);
			if (at_end(l))
				return;
			c = '\n';
		}
		if (!is_blank(c))
			return;
		if (c == '\n') {
			l->line++;
			l->line_at = l->at + 1;
			l->fresh = true;
		}
	}
}

/* Is the $ at `at` the begin of a variable's name, as in nginx? */
static bool
is_variable(const struct bt_lexer *l, size_t at)
{
	unsigned char c;

	if (byte_at(l, at) != '$' || at + 1 >= l->source->text.n)
		return false;
	c = byte_at(l, at + 1);
	return c == '{' || c == '_' || (c >= '0' && c <= '9') ||
	    (bt_lower((char)c) >= 'a' && bt_lower((char)c) <= 'z');
}

/* The offset of the } of a `${name}` at `at`; 0: it is none. */
static size_t
brace_end(const struct bt_lexer *l, size_t at)
{
	size_t n = l->source->text.n;

	if (byte_at(l, at) != '$' || at + 1 >= n || byte_at(l, at + 1) != '{')
		return 0;
	for (at += 2; at < n; at++) {
		char c = bt_lower((char)byte_at(l, at));

		if (c == '}')
			return at;
		if (c != '_' && !(c >= '0' && c <= '9') &&
		    !(c >= 'a' && c <= 'z'))
			return 0;
	}
	return 0;
}

static void
read_word(struct bt_lexer *l, struct bt_token *t)
{
	size_t brace;

	for (; !at_end(l); l->at++) {
		unsigned char c = byte_at(l, l->at);

		if (is_blank(c) || is_mark(c))
			break;
		if (c == '\\' && !t->bad) {
			bt_report_add(l->report, l->source, l->at,
			    "a backslash stands only inside of quotes");
			t->bad = true;
		}
		t->bad |= is_control(c);
		t->variable |= is_variable(l, l->at);
		if ((brace = brace_end(l, l->at)) > 0)
			l->at = brace;
	}
	t->text =
	    (struct bt_str){ l->source->text.p + t->begin, l->at - t->begin };
}

/* The byte that `\c` stands for; 0 when it stands for nothing. */
static char
unescape(unsigned char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case '\\':
	case '"':
	case '\'':
	case '$':
		return (char)c;
	default:
		return 0;
	}
}

/*
 * A quote that its line does not close: what ends the line as the end of a
 * statement or block would is taken as that.
 */
static void
recover_quote(struct bt_lexer *l, struct bt_token *t)
{
	skip_line(l);
	while (l->at > t->begin + 1 &&
	    (is_blank(byte_at(l, l->at - 1)) || is_mark(byte_at(l, l->at - 1))))
		l->at--;
	t->bad = true;
	t->text = (struct bt_str){ l->source->text.p + t->begin + 1,
		l->at - t->begin - 1 };
	bt_report_add(l->report, l->source, t->begin,
	    "this quote is not closed on its line (a line break inside of "
	    "quotes is written \\n)");
}

/* Takes the escape at the backslash. */
static void
read_escape(struct bt_lexer *l, struct bt_token *t, char *out, size_t *n)
{
	unsigned char c = byte_at(l, l->at + 1);
	char real = unescape(c);

	if (real == 0 && !t->bad) {
		bt_report_add(l->report, l->source, l->at,
		    "unknown escape (there are \\n \\r \\t \\\\ \\\" \\' \\$)");
		t->bad = true;
	}
	t->dollar |= c == '$';
	out[(*n)++] = real ? real : (char)c;
	l->at += 2;
}

/* Bytes up to the end of the line: a bound of what the quotes hold. */
static size_t
line_rest(const struct bt_lexer *l)
{
	size_t rest = l->source->text.n - l->at;
	const char *from = l->source->text.p + l->at;
	const char *lf = memchr(from, '\n', rest);

	return lf ? (size_t)(lf - from) : rest;
}

/* Finds the closing quote in `n` bytes; -1: it is not there. */
static ssize_t
find_quote(const char *p, size_t n, char quote)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\')
			i++;
		else if (p[i] == quote)
			return (ssize_t)i;
	}
	return -1;
}

static void
read_quoted(struct bt_lexer *l, struct bt_token *t)
{
	char quote = (char)byte_at(l, l->at++);
	ssize_t len =
	    find_quote(l->source->text.p + l->at, line_rest(l), quote);
	size_t end = l->at + (size_t)len, n = 0;
	char *out;

	t->quoted = true;
	if (len < 0) {
		recover_quote(l, t);
		return;
	}
	out = bt_arena_alloc(&l->report->scratch, (size_t)len + 1);
	while (l->at < end) {
		unsigned char c = byte_at(l, l->at);

		if (c == '\\') {
			read_escape(l, t, out, &n);
			continue;
		}
		t->bad |= is_control(c);
		t->variable |= is_variable(l, l->at);
		out[n++] = (char)c;
		l->at++;
	}
	l->at++; /* the closing quote */
	t->text = (struct bt_str){ out, n };
	if (!at_end(l) && !is_blank(byte_at(l, l->at)) &&
	    !is_mark(byte_at(l, l->at)) && byte_at(l, l->at) != '#') {
		bt_report_add(l->report, l->source, l->at,
		    "a blank or \";\" is missing after the closing quote");
		t->bad = true;
	}
}

struct bt_token
bt_lexer_next(struct bt_lexer *l)
{
	struct bt_token t = { .kind = BT_TOKEN_END };

	skip_blanks(l);
	t.begin = l->at;
	t.line = l->line;
	t.indent = (unsigned)(l->at - l->line_at);
	t.first = l->fresh;
	l->fresh = false;
	if (!at_end(l)) {
		unsigned char c = byte_at(l, l->at);

		if (is_mark(c)) {
			t.kind = c == ';' ? BT_TOKEN_SEMICOLON
			    : c == '{'    ? BT_TOKEN_OPEN
					  : BT_TOKEN_CLOSE;
			l->at++;
		} else {
			t.kind = BT_TOKEN_WORD;
			if (c == '"' || c == '\'')
				read_quoted(l, &t);
			else
				read_word(l, &t);
		}
	}
	t.end = l->at;
	return t;
}
