/*
 * A form in parts.  A delimiter begins with CR, which the rest of it has not:
 * so where a match breaks off, what was matched is content, and none of it has
 * to be looked at again.  No I/O.
 */

#include "http/multipart.h"

#include <errno.h>

/* --- parameters --- */

static struct bt_str
unquote(struct bt_str s, struct bt_arena *a)
{
	char *out = bt_arena_alloc(a, s.n + 1), *to = out;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n &&
		    (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
			i++;
		*to++ = s.p[i];
	}
	return (struct bt_str){ out, (size_t)(to - out) };
}

/* The length of a quoted string's inside; what it has in it is skipped. */
static size_t
quoted_bytes(struct bt_str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '"')
		n += s.p[n] == '\\' && n + 1 < s.n &&
			(s.p[n + 1] == '"' || s.p[n + 1] == '\\')
		    ? 2
		    : 1;
	return n;
}

static void
skip(struct bt_str *s, size_t n)
{
	n = n < s->n ? n : s->n;
	s->p += n;
	s->n -= n;
}

/* Takes `; name=value` off the front; false: there is no more. */
static bool
take_parameter(struct bt_str *rest, struct bt_arena *a, struct bt_str *ret_name,
    struct bt_str *ret_value)
{
	const char *end;
	size_t n;

	end = rest->n ? memchr(rest->p, ';', rest->n) : NULL;
	if (end == NULL)
		return false;
	skip(rest, (size_t)(end + 1 - rest->p));
	*rest = bt_str_trim(*rest);
	for (n = 0; n < rest->n && rest->p[n] != '=' && rest->p[n] != ';';)
		n++;
	*ret_name = bt_str_trim((struct bt_str){ rest->p, n });
	*ret_value = BT_STR_NONE;
	if (n == rest->n || rest->p[n] == ';') {
		skip(rest, n);
		return true;
	}
	skip(rest, n + 1);
	if (rest->n > 0 && rest->p[0] == '"') {
		skip(rest, 1);
		n = quoted_bytes(*rest);
		*ret_value = unquote((struct bt_str){ rest->p, n }, a);
		skip(rest, n + 1);
		return true;
	}
	for (n = 0; n < rest->n && rest->p[n] != ';';)
		n++;
	*ret_value = bt_str_trim((struct bt_str){ rest->p, n });
	skip(rest, n);
	return true;
}

bool
bt_parameter_find(struct bt_str value, struct bt_str name, struct bt_arena *a,
    struct bt_str *ret)
{
	struct bt_str found, text;

	while (take_parameter(&value, a, &found, &text))
		if (bt_str_equal_nocase(found, name)) {
			*ret = text.p ? text : BT_STR("");
			return true;
		}
	return false;
}

/* --- the begin --- */

/* bchars (RFC 2046, 5.1.1). */
static bool
is_boundary(struct bt_str s)
{
	if (s.n == 0 || s.n > BT_MULTIPART_BOUNDARY_MAX || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = bt_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("'()+_,-./:=? ", c) == NULL))
			return false;
	}
	return true;
}

int
bt_multipart_init(struct bt_multipart *m, struct bt_str content_type,
    const struct bt_multipart_hooks *hooks, void *arg)
{
	struct bt_str type = content_type, boundary;
	const char *end = type.n ? memchr(type.p, ';', type.n) : NULL;

	*m = (struct bt_multipart){ .hooks = hooks, .arg = arg };
	if (end != NULL)
		type.n = (size_t)(end - type.p);
	if (!bt_str_equal_nocase(
		bt_str_trim(type), BT_STR("multipart/form-data")) ||
	    !bt_parameter_find(
		content_type, BT_STR("boundary"), &m->arena, &boundary) ||
	    !is_boundary(boundary))
		return -EINVAL;
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.p, boundary.n);
	m->delimiter_n = 4 + (unsigned)boundary.n;
	m->matched = 2; /* the first one needs no CRLF before it */
	return 0;
}

void
bt_multipart_fini(struct bt_multipart *m)
{
	bt_buf_fini(&m->head);
	bt_arena_fini(&m->arena);
}

/* --- the head of a part --- */

/* What browsers write for what may not stand in quotes (HTML, 4.10.21.8). */
static struct bt_str
decode_name(struct bt_str s, struct bt_arena *a)
{
	static const struct {
		char text[4], byte;
	} escapes[] = { { "%22", '"' }, { "%0D", '\r' }, { "%0A", '\n' } };
	char *out = bt_arena_alloc(a, s.n + 1), *to = out;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		for (size_t e = 0; c == '%' && i + 2 < s.n && e < 3; e++)
			if (memcmp(s.p + i, escapes[e].text, 3) == 0) {
				c = escapes[e].byte;
				i += 2;
			}
		*to++ = c;
	}
	return (struct bt_str){ out, (size_t)(to - out) };
}

/* What is behind the last folder, of either kind of system. */
static struct bt_str
base_name(struct bt_str s)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == '/' || s.p[i - 1] == '\\')
			return (struct bt_str){ s.p + i, s.n - i };
	return s;
}

static bool
read_disposition(
    struct bt_multipart *m, struct bt_str value, struct bt_part *part)
{
	struct bt_str text, type = value;
	const char *end = memchr(type.p, ';', type.n);

	if (end != NULL)
		type.n = (size_t)(end - type.p);
	if (!bt_str_equal_nocase(bt_str_trim(type), BT_STR("form-data")) ||
	    !bt_parameter_find(value, BT_STR("name"), &m->arena, &text))
		return false;
	part->name = decode_name(text, &m->arena);
	part->is_file =
	    bt_parameter_find(value, BT_STR("filename"), &m->arena, &text);
	if (part->is_file)
		part->filename = base_name(decode_name(text, &m->arena));
	return true;
}

/* Takes a line without its CRLF off the front. */
static bool
take_line(struct bt_str *rest, struct bt_str *ret)
{
	const char *cr = rest->n ? memmem(rest->p, rest->n, "\r\n", 2) : NULL;

	if (cr == NULL)
		return false;
	*ret = (struct bt_str){ rest->p, (size_t)(cr - rest->p) };
	skip(rest, ret->n + 2);
	return true;
}

static int
begin_part(struct bt_multipart *m)
{
	struct bt_str rest = bt_buf_str(&m->head), line;
	struct bt_part part = { 0 };
	bool named = false;

	while (take_line(&rest, &line) && line.n > 0) {
		const char *colon = memchr(line.p, ':', line.n);
		struct bt_str name, value;

		if (colon == NULL)
			return -EBADMSG;
		name = (struct bt_str){ line.p, (size_t)(colon - line.p) };
		value = bt_str_trim(
		    (struct bt_str){ colon + 1, line.n - name.n - 1 });
		if (bt_str_equal_nocase(name, BT_STR("Content-Disposition")) &&
		    !named)
			named =
			    value.n > 0 && read_disposition(m, value, &part);
		else if (bt_str_equal_nocase(name, BT_STR("Content-Type")))
			part.type = value;
	}
	if (!named)
		return -EBADMSG;
	m->state = BT_MULTIPART_DATA;
	m->hooks->begin(m->arg, &part);
	return 0;
}

/* --- the pieces --- */

/* Up to the empty line, which may be the first. */
static int
feed_head(struct bt_multipart *m, struct bt_str *piece)
{
	while (piece->n > 0) {
		if (m->head.len == BT_MULTIPART_HEAD_MAX)
			return -E2BIG;
		bt_buf_putc(&m->head, piece->p[0]);
		skip(piece, 1);
		if (m->head.len >= 4 &&
		    memcmp(m->head.data + m->head.len - 4, "\r\n\r\n", 4) == 0)
			return begin_part(m);
	}
	return 0;
}

/* Behind the boundary: `--` ends it all, blanks and CRLF begin a part. */
static int
feed_delimiter(struct bt_multipart *m, struct bt_str *piece)
{
	while (piece->n > 0) {
		char c = piece->p[0];

		skip(piece, 1);
		if (m->tail_n == 0 && (c == ' ' || c == '\t'))
			continue;
		m->tail[m->tail_n++] = c;
		if (m->tail_n < 2)
			continue;
		m->tail_n = 0;
		if (m->tail[0] == '-' && c == '-') {
			m->state = BT_MULTIPART_EPILOGUE;
			return 0;
		}
		if (m->tail[0] != '\r' || c != '\n')
			return -EBADMSG;
		if (++m->parts_n > BT_MULTIPART_PARTS_MAX)
			return -E2BIG;
		m->state = BT_MULTIPART_HEAD;
		bt_buf_clear(&m->head);
		bt_arena_reset(&m->arena);
		return 0;
	}
	return 0;
}

static void
give_data(struct bt_multipart *m, const char *p, size_t n)
{
	if (m->state == BT_MULTIPART_DATA && n > 0)
		m->hooks->data(m->arg, (struct bt_str){ p, n });
}

/* Goes on with a delimiter that has begun; false when it is none. */
static bool
match(struct bt_multipart *m, struct bt_str *piece)
{
	while (piece->n > 0 && m->matched < m->delimiter_n) {
		if (piece->p[0] != m->delimiter[m->matched])
			return false;
		m->matched++;
		skip(piece, 1);
	}
	return true;
}

/* Content, or what is before the first part, up to a delimiter. */
static void
feed_data(struct bt_multipart *m, struct bt_str *piece)
{
	while (piece->n > 0) {
		const char *cr;
		size_t n;

		if (m->matched > 0 && !match(m, piece)) {
			give_data(m, m->delimiter, m->matched);
			m->matched = 0;
		}
		if (m->matched == m->delimiter_n) {
			if (m->state == BT_MULTIPART_DATA)
				m->hooks->end(m->arg);
			m->state = BT_MULTIPART_DELIMITER;
			m->matched = 0;
			return;
		}
		if (m->matched > 0 || piece->n == 0)
			return;
		cr = memchr(piece->p, '\r', piece->n);
		n = cr ? (size_t)(cr - piece->p) : piece->n;
		give_data(m, piece->p, n);
		skip(piece, n + (cr != NULL));
		m->matched = cr != NULL;
	}
}

int
bt_multipart_feed(struct bt_multipart *m, struct bt_str piece)
{
	int r = 0;

	while (piece.n > 0 && r == 0) {
		switch (m->state) {
		case BT_MULTIPART_PREAMBLE:
		case BT_MULTIPART_DATA:
			feed_data(m, &piece);
			break;
		case BT_MULTIPART_DELIMITER:
			r = feed_delimiter(m, &piece);
			break;
		case BT_MULTIPART_HEAD:
			r = feed_head(m, &piece);
			break;
		case BT_MULTIPART_EPILOGUE:
			return 0;
		}
	}
	return r;
}

int
bt_multipart_finish(const struct bt_multipart *m)
{
	return m->state == BT_MULTIPART_EPILOGUE ? 0 : -EBADMSG;
}
