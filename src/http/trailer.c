/*
 * Trailer sections: kept while they come, and which fields of them may go on.
 * Opens nothing.  Worker, on the loop.
 */

#include "http/trailer.h"

#define FIRST_BYTES 256

void
bt_trailers_add(struct bt_trailers *t, struct bt_str piece)
{
	uint32_t cap = t->cap > 0 ? t->cap : FIRST_BYTES;
	char *bytes;

	while (cap - t->n < piece.n)
		cap *= 2; /* the parser bounds the section */
	if (cap > t->cap) {
		bytes = bt_arena_alloc(t->arena, cap);
		if (t->n > 0)
			memcpy(bytes, t->bytes, t->n);
		t->bytes = bytes;
		t->cap = cap;
	}
	memcpy(t->bytes + t->n, piece.p, piece.n);
	t->n += (uint32_t)piece.n;
}

bool
bt_trailer_next(
    struct bt_str *section, struct bt_str *ret_name, struct bt_str *ret_line)
{
	const char *lf =
	    section->n > 0 ? memchr(section->p, '\n', section->n) : NULL;
	const char *colon;

	if (lf == NULL)
		return false;
	*ret_line =
	    (struct bt_str){ section->p, (size_t)(lf + 1 - section->p) };
	section->p += ret_line->n;
	section->n -= ret_line->n;
	colon = memchr(ret_line->p, ':', ret_line->n);
	if (colon == NULL)
		return false;
	*ret_name =
	    (struct bt_str){ ret_line->p, (size_t)(colon - ret_line->p) };
	return true;
}

bool
bt_trailer_is_allowed(struct bt_str name)
{
	static const char *const never[] = { "age", "authorization",
		"cache-control", "connection", "content-encoding",
		"content-length", "content-range", "content-type", "cookie",
		"date", "expect", "expires", "host", "if-match",
		"if-modified-since", "if-none-match", "if-range",
		"if-unmodified-since", "keep-alive", "location", "max-forwards",
		"pragma", "proxy-authenticate", "proxy-authorization",
		"proxy-connection", "range", "retry-after", "set-cookie", "te",
		"trailer", "transfer-encoding", "upgrade", "vary", "warning",
		"www-authenticate" };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (bt_str_equal_nocase(name, bt_str_of(never[i])))
			return false;
	return true;
}
