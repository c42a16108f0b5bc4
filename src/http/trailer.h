#ifndef BT_HTTP_TRAILER_H
#define BT_HTTP_TRAILER_H

/* The trailer section of chunked content (RFC 9110, 6.5; RFC 9112, 7.1.2). */

#include "base/arena.h"

/* The field lines of one, as they came, each with its CR LF. */
struct bt_trailers {
	struct bt_arena *arena; /* which has them; NULL: they are not kept */
	char *bytes;
	uint32_t n, cap;
};

/* Keeps a piece of a line that the guard has passed. */
void bt_trailers_add(struct bt_trailers *, struct bt_str piece);

/*
 * The next line of a section, with its end, and the name in it.
 *
 * Returns: false when there is no more.
 */
bool bt_trailer_next(
    struct bt_str *section, struct bt_str *ret_name, struct bt_str *ret_line);

/*
 * Whether a field may come behind the content: not one that frames, routes or
 * guards the message, or says how to read its content (RFC 9110, 6.5.1).
 */
bool bt_trailer_is_allowed(struct bt_str name);

#endif
