#ifndef BT_HTTP_MULTIPART_H
#define BT_HTTP_MULTIPART_H

/*
 * multipart/form-data (RFC 7578, RFC 2046, 5.1) as it comes, in any pieces.
 * Kept of it are a part's head and the begin of what may be a delimiter; no
 * I/O.
 */

#include "base/arena.h"
#include "base/buf.h"

#define BT_MULTIPART_HEAD_MAX 8192
#define BT_MULTIPART_PARTS_MAX 1000
#define BT_MULTIPART_BOUNDARY_MAX 70

/* A part's head.  Texts are the parser's, until the part ends. */
struct bt_part {
	struct bt_str name;
	bool is_file;           /* it has a file name, which may be empty */
	struct bt_str filename; /* without folders */
	struct bt_str type;     /* of its media, as sent; may be empty */
};

struct bt_multipart_hooks {
	void (*begin)(void *arg, const struct bt_part *);
	void (*data)(void *arg, struct bt_str piece); /* none is empty */
	void (*end)(void *arg);
};

struct bt_multipart {
	const struct bt_multipart_hooks *hooks;
	void *arg;
	char delimiter[4 + BT_MULTIPART_BOUNDARY_MAX]; /* CRLF, --, boundary */
	unsigned delimiter_n;
	unsigned matched; /* of it, at the end of what came */
	enum bt_multipart_state {
		BT_MULTIPART_PREAMBLE,
		BT_MULTIPART_DELIMITER, /* behind the boundary */
		BT_MULTIPART_HEAD,
		BT_MULTIPART_DATA,
		BT_MULTIPART_EPILOGUE,
	} state;
	char tail[2]; /* DELIMITER: what came of the line */
	unsigned tail_n;
	unsigned parts_n;
	struct bt_buf head;
	struct bt_arena arena; /* of the part */
};

/*
 * Begins with the value of Content-Type.
 *
 * Returns:   0; -EINVAL: it is another type, or has no boundary.
 * Ownership: bt_multipart_fini(), in either case.
 */
int bt_multipart_init(struct bt_multipart *, struct bt_str content_type,
    const struct bt_multipart_hooks *, void *arg);
void bt_multipart_fini(struct bt_multipart *);

/*
 * Takes a piece.
 *
 * Returns: 0; -EBADMSG: it is malformed; -E2BIG: a head that is too large, or
 *          too many parts.  Then no more may be fed.
 */
int bt_multipart_feed(struct bt_multipart *, struct bt_str piece);

/* There is no more.  0; -EBADMSG: it was cut short. */
int bt_multipart_finish(const struct bt_multipart *);

/*
 * A parameter of a field like Content-Disposition (RFC 9110, 5.6.6), a token or
 * in quotes, in which `\"` and `\\` stand for one byte.
 *
 * Returns:   false: it is not there.
 * Ownership: the arena's, or the value's.
 */
bool bt_parameter_find(struct bt_str value, struct bt_str name,
    struct bt_arena *, struct bt_str *ret);

#endif
