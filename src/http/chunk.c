/*
 * The byte guard of chunked content, in front of llhttp as head.c is for the
 * head.  In a worker, on the loop.
 *
 * llhttp 8.1 takes an LF alone at the end of the trailer section, folded
 * trailers, and several malformed extensions; 9.x refuses some of these, and
 * takes legal extensions that 8.1 refuses.  A machine over the bytes settles
 * it for all of them.  It sees no data of chunks, so it is not a hot path.
 */

#include "http/chunk.h"

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

/* RFC 9110, 5.6.2 */
static bool
is_token(char c)
{
	return (c >= '0' && c <= '9') ||
	    (bt_lower(c) >= 'a' && bt_lower(c) <= 'z') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Visible, SP, HTAB or beyond ASCII. */
static bool
is_text(char c)
{
	return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

/* The places; -1 stands for refused. */
static int
step_size(enum bt_chunk_place at, char c)
{
	if (is_hex(c))
		return BT_CHUNK_SIZE;
	if (at == BT_CHUNK_SIZE_FIRST)
		return -1;
	return c == ';' ? BT_CHUNK_NAME_FIRST
	    : c == '\r' ? BT_CHUNK_LINE_LF
			: -1;
}

static int
step_extension_name(enum bt_chunk_place at, char c)
{
	if (is_token(c))
		return BT_CHUNK_NAME;
	if (at == BT_CHUNK_NAME_FIRST)
		return -1;
	return c == '=' ? BT_CHUNK_VALUE_FIRST
	    : c == ';'  ? BT_CHUNK_NAME_FIRST
	    : c == '\r' ? BT_CHUNK_LINE_LF
			: -1;
}

static int
step_extension_value(enum bt_chunk_place at, char c)
{
	if (at == BT_CHUNK_QUOTED)
		return c == '"'               ? BT_CHUNK_QUOTED_END
		    : is_text(c) && c != '\\' ? BT_CHUNK_QUOTED
					      : -1;
	if (at != BT_CHUNK_QUOTED_END && is_token(c))
		return BT_CHUNK_VALUE;
	if (at == BT_CHUNK_VALUE_FIRST)
		return c == '"' ? BT_CHUNK_QUOTED : -1;
	return c == '\r' ? BT_CHUNK_LINE_LF : -1;
}

static int
step_trailer(enum bt_chunk_place at, char c)
{
	if (at == BT_CHUNK_FIELD_VALUE)
		return c == '\r' ? BT_CHUNK_FIELD_LF
		    : is_text(c) ? (int)at
				 : -1;
	if (is_token(c))
		return BT_CHUNK_FIELD_NAME;
	if (at == BT_CHUNK_TRAILER)
		return c == '\r' ? BT_CHUNK_END_LF : -1;
	return c == ':' ? BT_CHUNK_FIELD_VALUE : -1;
}

static int
step(enum bt_chunk_place at, char c)
{
	switch (at) {
	case BT_CHUNK_SIZE_FIRST:
	case BT_CHUNK_SIZE:
		return step_size(at, c);
	case BT_CHUNK_NAME_FIRST:
	case BT_CHUNK_NAME:
		return step_extension_name(at, c);
	case BT_CHUNK_VALUE_FIRST:
	case BT_CHUNK_VALUE:
	case BT_CHUNK_QUOTED:
	case BT_CHUNK_QUOTED_END:
		return step_extension_value(at, c);
	case BT_CHUNK_TRAILER:
	case BT_CHUNK_FIELD_NAME:
	case BT_CHUNK_FIELD_VALUE:
		return step_trailer(at, c);
	case BT_CHUNK_DATA_CR:
		return c == '\r' ? BT_CHUNK_DATA_LF : -1;
	case BT_CHUNK_LINE_LF:
		return c == '\n' ? BT_CHUNK_LINE_END : -1;
	case BT_CHUNK_DATA_LF:
		return c == '\n' ? BT_CHUNK_SIZE_FIRST : -1;
	case BT_CHUNK_FIELD_LF:
		return c == '\n' ? BT_CHUNK_TRAILER : -1;
	case BT_CHUNK_END_LF:
		return c == '\n' ? BT_CHUNK_END : -1;
	case BT_CHUNK_LINE_END:
	case BT_CHUNK_END:
		break;
	}
	return -1;
}

bool
bt_chunk_guard(enum bt_chunk_place *at, struct bt_str line)
{
	int place = (int)*at;

	for (size_t i = 0; i < line.n && place >= 0; i++)
		place = step((enum bt_chunk_place)place, line.p[i]);
	if (place < 0)
		return false;
	*at = (enum bt_chunk_place)place;
	return true;
}
