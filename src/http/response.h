#ifndef BT_HTTP_RESPONSE_H
#define BT_HTTP_RESPONSE_H

/*
 * The head of a response, as a proxy gets it: parsed as strictly as a request,
 * since two who disagree about where it ends can be told apart by nobody else.
 * The content is bt_parser_content()'s, where it has a length or chunks.
 */

#include "http/parser.h"

struct bt_response {
	unsigned status;  /* 100 .. 599 */
	bool has_length;  /* Content-Length was there */
	bool until_close; /* the content ends with the connection */
	/*
	 * Its fields, version, framing, and whether the connection stays open
	 * behind it; nothing that only a request has.
	 */
	struct bt_request message;
};

/*
 * Finds the end of a response's head, as bt_head_find() that of a request's;
 * no empty line is forgiven before it.
 *
 * Returns: BT_PARSE_REFUSED for what is no such head, or longer than `max`.
 */
enum bt_parse bt_response_find(
    struct bt_head_scan *, struct bt_str bytes, size_t max, struct bt_str *ret);

/*
 * Parses a complete head.  `answers` is the method of its request: what answers
 * HEAD has no content (RFC 9112, 6.3).
 *
 * Returns:   NULL; or what is wrong with it, for people.
 * Ownership: spans in `*ret` point into `head`.
 */
const char *bt_response_parse(struct bt_parser *, struct bt_str head,
    enum bt_method answers, struct bt_response *ret);

#endif
