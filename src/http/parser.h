#ifndef BT_HTTP_PARSER_H
#define BT_HTTP_PARSER_H

/*
 * From bytes to a request: llhttp, in strict mode, behind a byte guard, and
 * what RFC 9112 wants a server to refuse besides.  Opens no socket and keeps
 * no bytes: the caller's buffer holds the head until the exchange ends.
 *
 * The order of calls for a message:
 *
 *	bt_head_find()      until the head is complete
 *	bt_parser_head()    once
 *	bt_parser_content() until it is done, when there is content
 */

#include "base/arena.h"
#include "http/chunk.h"
#include "http/request.h"
#include "http/trailer.h"

#include <llhttp.h>

/*
 * Bytes of chunk extensions and of trailers that one message may have.  Leading
 * zeros of chunk sizes count as extensions.
 */
enum { BT_EXTENSION_BYTES_MAX = 16 * 1024, BT_TRAILER_BYTES_MAX = 16 * 1024 };

/* Where the guard stopped; all zero for a new head. */
struct bt_head_scan {
	uint32_t at;    /* what is before it is not looked at again */
	uint32_t line;  /* start of the line that is not complete yet */
	uint32_t begin; /* start of the request line: empty lines skipped */
	bool in_fields; /* the request line is complete */
};

enum bt_parse {
	BT_PARSE_MORE,    /* needs more bytes */
	BT_PARSE_DONE,    /* the head, or the content, is complete */
	BT_PARSE_REFUSED, /* answer with `*ret_status`, then close */
};

/*
 * Finds the end of a head in `bytes`, which begin where the message does and
 * have grown since the last call.  Refuses bare CR and LF, control bytes other
 * than HTAB, folding, a field line without a name (`:` first), a request line
 * that does not end in ` HTTP/d.d`, more than a few empty lines before it
 * (400), other versions (505), and more than `max` bytes: 414 when the request
 * line alone has them, else 431.
 *
 * Returns: BT_PARSE_DONE with the head in `*ret` (from the request line to the
 *          empty line, inclusive; what is before it are empty lines); for
 *          BT_PARSE_REFUSED the status.
 * Units:   `bytes` are fewer than 4 GiB.
 */
enum bt_parse bt_head_find(struct bt_head_scan *, struct bt_str bytes,
    size_t max, struct bt_str *ret, unsigned *ret_status);

struct bt_parser {
	llhttp_t llhttp;
	struct bt_request *request; /* while the head is parsed */
	unsigned status;            /* why it is refused, 0: it is not */
	uint64_t rest;              /* content-length: bytes to come */
	uint64_t received;          /* content bytes delivered so far */
	uint64_t max;               /* content bytes allowed; UINT64_MAX: any */
	/* chunked */
	char *out;           /* where the next piece is moved to */
	uint64_t chunk_rest; /* bytes to come of the chunk's data */
	enum bt_chunk_place place;
	uint32_t line_bytes; /* of this chunk-size line so far */
	uint32_t extension_bytes, trailer_bytes; /* of the message so far */
	char trailer[24];  /* the begin of a trailer's name, as it came */
	uint8_t trailer_n; /* its length, at most one more than fits */
	struct bt_trailers trailers; /* those of bt_parser_keep_trailers() */
	bool complete; /* llhttp has seen the end of what it was fed */
};

/*
 * Parses a complete head (as found by bt_head_find()) and fills `*ret`.
 *
 * Refuses, with 400 but where said: what llhttp refuses (an unknown method:
 * 501), an empty field name, no or more than one Host in 1.1, more than one in
 * 1.0, a Host that is no `uri-host [":" port]`, Transfer-Encoding with
 * Content-Length or in HTTP/1.0, a coding other than chunked alone (501),
 * CONNECT (501), a bad target (fragment, userinfo, an empty authority, `*`
 * but for OPTIONS, bad percent-encoding, %00, dot segments above the root),
 * too many fields (431), an Expect that is not 100-continue (417; ignored in
 * HTTP/1.0).
 *
 * Returns:   0, or the status to refuse it with.
 * Ownership: spans in `*ret` point into `head` or into the arena.
 */
unsigned bt_parser_head(struct bt_parser *, struct bt_str head,
    struct bt_arena *, struct bt_request *ret);

/*
 * Bounds the content, once the route is known.
 *
 * Returns: 0, or 413 when the announced length is more than `max` already.
 */
unsigned bt_parser_limit(
    struct bt_parser *, const struct bt_request *, uint64_t max);

/* The trailer section will be kept there; before the first content is taken. */
void bt_parser_keep_trailers(struct bt_parser *, struct bt_arena *);

/*
 * Takes content off the wire: undoes chunking in place.
 *
 * Returns:   BT_PARSE_MORE or BT_PARSE_DONE; in both cases `*ret_consumed` of
 *            the `n` bytes were used and the first `*ret_content` bytes of
 *            `bytes` are content.  BT_PARSE_REFUSED with `*ret_status`: 400,
 *            413 (over the bound), 431 (trailers); content is not delivered.
 *            How the bytes are cut changes neither content nor verdict.
 *            With DONE, what is behind `*ret_consumed` is the next message.
 */
enum bt_parse bt_parser_content(struct bt_parser *, const struct bt_request *,
    char *bytes, size_t n, size_t *ret_consumed, size_t *ret_content,
    unsigned *ret_status);

#endif
