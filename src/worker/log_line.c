/*
 * From a format and an exchange to a line.  Worker, on the loop.
 */

#include "worker/log_line.h"

#include "base/utf8.h"
#include "handlers/vars.h"

/* Of one value, escaped; the rest of a longer one is not logged. */
#define VALUE_MOST 8192

_Static_assert(BT_CONF_FORMAT_BYTES_MAX < BT_LOG_LINE_LEAST,
    "a format without its values fits");

/* What one byte, or one character, becomes; returns how many it takes. */
typedef size_t escape_fn(struct bt_str, char out[static 6], size_t *ret_n);

static const char hex[] = "0123456789ABCDEF";

/* As nginx and Apache do it: what is not printable ASCII is \xNN. */
static size_t
escape_text(struct bt_str s, char out[static 6], size_t *ret_n)
{
	unsigned char c = (unsigned char)s.p[0];

	if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
		out[0] = s.p[0];
		*ret_n = 1;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[c >> 4];
	out[3] = hex[c & 15];
	*ret_n = 4;
	return 1;
}

/* A value outside of quotes: a blank would end it. */
static size_t
escape_word(struct bt_str s, char out[static 6], size_t *ret_n)
{
	if (s.p[0] != ' ')
		return escape_text(s, out, ret_n);
	memcpy(out, "\\x20", 4);
	*ret_n = 4;
	return 1;
}

/*
 * The inside of a string (RFC 8259, 7).  Bytes that are no UTF-8, which JSON
 * cannot have, become the text `\xNN`.
 */
static size_t
escape_json(struct bt_str s, char out[static 6], size_t *ret_n)
{
	size_t n = bt_utf8_printable(s.p, s.n);
	unsigned char c = (unsigned char)s.p[0];

	if (n > 0 && c != '"' && c != '\\') {
		memcpy(out, s.p, n);
		return *ret_n = n;
	}
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = s.p[0];
		*ret_n = 2;
	} else if (c < 0x80) {
		memcpy(out, "\\u00", 4);
		out[4] = hex[c >> 4];
		out[5] = hex[c & 15];
		*ret_n = 6;
	} else {
		memcpy(out, "\\\\x", 3);
		out[3] = hex[c >> 4];
		out[4] = hex[c & 15];
		*ret_n = 5;
	}
	return 1;
}

/* What stays as it is between quotes, in text and in JSON. */
static const bool plain[256] = {
	[' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true
};

static size_t
plain_bytes(struct bt_str s)
{
	size_t n = 0;

	while (n < s.n && plain[(unsigned char)s.p[n]])
		n++;
	return n;
}

/*
 * Appends a value, of which no more than `most` bytes.
 *
 * Returns: where it ends; NULL when there is no room up to `end`.
 */
static char *
put_value(
    char *at, const char *end, struct bt_str s, size_t most, escape_fn *escape)
{
	const char *stop = at + most < end ? at + most : end;

	while (s.n > 0) {
		size_t n = escape == escape_word ? 0 : plain_bytes(s);
		size_t took = n;
		char out[6];
		const char *from = s.p;

		if (n == 0) {
			took = escape(s, out, &n);
			from = out;
		} else if (n > (size_t)(stop - at)) {
			n = took = (size_t)(stop - at);
		}
		if (n == 0 || n > (size_t)(stop - at))
			return stop == end ? NULL : at;
		at = mempcpy(at, from, n);
		s.p += took;
		s.n -= took;
	}
	return at;
}

static escape_fn *
escape_of(const struct bt_conf_format *f, enum bt_var var)
{
	if (f->json)
		return escape_json;
	return var == BT_VAR_REMOTE_USER ? escape_word : escape_text;
}

/* The line with values of at most so many bytes; 0: it does not fit. */
static size_t
render(struct baton_exchange *x, const struct bt_conf_format *f, size_t most,
    char *out, size_t room)
{
	const char *end = out + room - 1; /* LF */
	char scratch[BT_VAR_BYTES_MAX], *at = out;

	for (size_t i = 0; i < f->template.n; i++) {
		const struct bt_piece *p = &f->template.pieces[i];
		struct bt_str s = bt_var_value(x, p, scratch);

		if (p->var != BT_VAR_TEXT) {
			if (s.n == 0 && !f->json)
				s = BT_STR("-");
			at = put_value(at, end, s, most, escape_of(f, p->var));
			if (at == NULL)
				return 0;
		} else if (s.n <= (size_t)(end - at)) {
			at = mempcpy(at, s.p, s.n);
		} else {
			return 0;
		}
	}
	*at++ = '\n';
	return (size_t)(at - out);
}

/* Bytes of a token of a continuation (app/token.h): base64url. */
static bool
is_token_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/*
 * Who has the URL of a continuation can follow it: so it is not in a log, also
 * where a browser repeats it as the Referer of another request.
 */
static void
mask_tokens(char *line, size_t n)
{
	const size_t least = 23;

	for (size_t i = 0; i + 3 < n; i++) {
		size_t at = i + 3, end = at;

		if ((line[i] != '?' && line[i] != '&') || line[i + 1] != 'c' ||
		    line[i + 2] != '=')
			continue;
		while (end < n && is_token_byte(line[end]))
			end++;
		if (end - at >= least)
			memset(line + at, '*', end - at);
		i = end - 1;
	}
}

size_t
bt_log_line(struct baton_exchange *x, const struct bt_conf_format *f, char *out,
    size_t room)
{
	size_t n;

	for (size_t most = VALUE_MOST; most > 0; most /= 2)
		if ((n = render(x, f, most, out, room)) > 0) {
			if (x->services->conf->apps != NULL)
				mask_tokens(out, n);
			return n;
		}
	return render(x, f, 0, out, room);
}
