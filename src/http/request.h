#ifndef BT_HTTP_REQUEST_H
#define BT_HTTP_REQUEST_H

/*
 * A request as the handlers see it: spans into the connection's read buffer,
 * valid until the exchange ends, and what the head says of the content.
 */

#include "base/str.h"

enum { BT_FIELDS_MAX = 100 }; /* more field lines are answered with 431 */

enum bt_method {
	BT_METHOD_GET,
	BT_METHOD_HEAD,
	BT_METHOD_POST,
	BT_METHOD_PUT,
	BT_METHOD_DELETE,
	BT_METHOD_OPTIONS,
	BT_METHOD_PATCH,
	BT_METHOD_TRACE,
	BT_METHOD_OTHER, /* known to llhttp, not to us: WebDAV, PURGE, ... */
	BT_METHODS,
};

/* A set of methods, for `Allow` and for handlers. */
#define BT_METHOD_BIT(m) (1u << (m))
#define BT_METHODS_ALL ((1u << BT_METHODS) - 1)
#define BT_METHODS_READ \
	(BT_METHOD_BIT(BT_METHOD_GET) | BT_METHOD_BIT(BT_METHOD_HEAD))

/* Fields that baton itself reads: found without a search. */
enum bt_known_field {
	BT_FIELD_ACCEPT,
	BT_FIELD_ACCEPT_ENCODING,
	BT_FIELD_AUTHORIZATION,
	BT_FIELD_CONNECTION,
	BT_FIELD_CONTENT_LENGTH,
	BT_FIELD_CONTENT_TYPE,
	BT_FIELD_COOKIE,
	BT_FIELD_EXPECT,
	BT_FIELD_HOST,
	BT_FIELD_IF_MATCH,
	BT_FIELD_IF_MODIFIED_SINCE,
	BT_FIELD_IF_NONE_MATCH,
	BT_FIELD_IF_RANGE,
	BT_FIELD_IF_UNMODIFIED_SINCE,
	BT_FIELD_RANGE,
	BT_FIELD_REFERER,
	BT_FIELD_TRANSFER_ENCODING,
	BT_FIELD_UPGRADE,
	BT_FIELD_USER_AGENT,
	BT_FIELDS_KNOWN,
};

struct bt_field {
	struct bt_str name, value; /* as received, the value trimmed */
};

struct bt_request {
	enum bt_method method;
	struct bt_str method_text;
	struct bt_str line;   /* the request line without CRLF, for logs */
	struct bt_str target; /* as received */
	/*
	 * Percent-decoded, slashes merged, dot segments removed; begins with /,
	 * has no NUL.  For `OPTIONS *` it is `*`.  In the buffer, or the arena.
	 */
	struct bt_str path;
	struct bt_str raw_path; /* the path as received, without the query */
	struct bt_str query;    /* as received, without the ? */
	bool has_query;
	/*
	 * Who is asked: of the absolute-form target if there is one, else of
	 * Host; without port, as received.  Empty in HTTP/1.0 without Host.
	 */
	struct bt_str host;
	uint8_t minor;        /* HTTP/1.minor: 0 or 1 */
	bool keep_alive;      /* by version and Connection (RFC 9112, 9.3) */
	bool expect_continue; /* wants a 100 before it sends its content */
	bool chunked;
	uint64_t content_length; /* 0 without content, unknown when chunked */
	uint16_t fields_n;
	/* 1 + index into fields of the first line of each; 0: not there */
	uint8_t known[BT_FIELDS_KNOWN];
	/* set when the known field stands on more than one line */
	uint32_t repeated;
	struct bt_field fields[BT_FIELDS_MAX]; /* in order, without trailers */
};

static inline bool
bt_request_has_content(const struct bt_request *r)
{
	return r->chunked || r->content_length > 0;
}

/* The value of the first line of a known field; .p is NULL without one. */
static inline struct bt_str
bt_request_known(const struct bt_request *r, enum bt_known_field f)
{
	return r->known[f] ? r->fields[r->known[f] - 1].value : BT_STR_NONE;
}

/*
 * The next line of a known field, from `*at` (begin with 0), like
 * bt_request_field_next() but without a search when there is one line.
 */
bool bt_request_known_next(const struct bt_request *, enum bt_known_field,
    unsigned *at, struct bt_str *ret);

/* Which known field a name is, any case; BT_FIELDS_KNOWN: none. */
enum bt_known_field bt_known_field_find(struct bt_str token);

/* Its name in lower case.  Static memory. */
struct bt_str bt_known_field_name(enum bt_known_field);

/* The value of the first line with that name, any case; .p NULL without. */
struct bt_str bt_request_field(const struct bt_request *, struct bt_str name);

/*
 * The next line of the field `name`, from index `*at` (begin with 0).
 *
 * Returns: true with the value, `*at` behind it; false when there is no more.
 */
bool bt_request_field_next(const struct bt_request *, struct bt_str name,
    unsigned *at, struct bt_str *ret);

#endif
