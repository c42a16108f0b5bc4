/*
 * From a complete head to a request, and content off the wire.  llhttp reads
 * the head in one go, so that every span it gives points into one buffer; what
 * RFC 9112 wants a server to refuse besides is checked behind it, in one place
 * for each rule.  Worker, on the loop.
 */

#include "http/parser.h"

#include "http/uri.h"

#include <assert.h>

#if LLHTTP_VERSION_MAJOR < 9 && LLHTTP_STRICT_MODE != 1
#error "llhttp 8 must be compiled with LLHTTP_STRICT_MODE=1, or it is not safe"
#endif

/* --- known fields --- */

#define KNOWN(id, literal) \
	{ \
		BT_FIELD_##id, sizeof(literal) - 1, literal \
	}

/* Sorted by length: a name is compared only with those as long as itself. */
static const struct known {
	enum bt_known_field id;
	uint8_t n;
	const char *name; /* lower case */
} known_fields[] = {
	KNOWN(HOST, "host"),
	KNOWN(RANGE, "range"),
	KNOWN(ACCEPT, "accept"),
	KNOWN(COOKIE, "cookie"),
	KNOWN(EXPECT, "expect"),
	KNOWN(REFERER, "referer"),
	KNOWN(UPGRADE, "upgrade"),
	KNOWN(IF_MATCH, "if-match"),
	KNOWN(IF_RANGE, "if-range"),
	KNOWN(CONNECTION, "connection"),
	KNOWN(USER_AGENT, "user-agent"),
	KNOWN(CONTENT_TYPE, "content-type"),
	KNOWN(AUTHORIZATION, "authorization"),
	KNOWN(IF_NONE_MATCH, "if-none-match"),
	KNOWN(CONTENT_LENGTH, "content-length"),
	KNOWN(ACCEPT_ENCODING, "accept-encoding"),
	KNOWN(IF_MODIFIED_SINCE, "if-modified-since"),
	KNOWN(TRANSFER_ENCODING, "transfer-encoding"),
	KNOWN(IF_UNMODIFIED_SINCE, "if-unmodified-since"),
};

enum { KNOWN_N = sizeof(known_fields) / sizeof(known_fields[0]) };
enum { KNOWN_LENGTH_MAX = 19 };

_Static_assert(
    KNOWN_N == (int)BT_FIELDS_KNOWN, "every known field has its row");

/* The first row of each length; 0xff: there is none. */
static const uint8_t known_at[KNOWN_LENGTH_MAX + 1] = {
	[0] = 0xff,
	[1] = 0xff,
	[2] = 0xff,
	[3] = 0xff,
	[4] = 0,
	[5] = 1,
	[6] = 2,
	[7] = 5,
	[8] = 7,
	[9] = 0xff,
	[10] = 9,
	[11] = 0xff,
	[12] = 11,
	[13] = 12,
	[14] = 14,
	[15] = 15,
	[16] = 0xff,
	[17] = 16,
	[18] = 0xff,
	[19] = 18,
};

static bool
is_named(struct bt_str name, const char *lower)
{
	for (size_t i = 0; i < name.n; i++)
		if (bt_lower(name.p[i]) != lower[i])
			return false;
	return true;
}

/* Returns the index of the known field, or -1. */
static int
known_field(struct bt_str name)
{
	unsigned at;

	if (name.n > KNOWN_LENGTH_MAX || (at = known_at[name.n]) == 0xff)
		return -1;
	for (; at < KNOWN_N && known_fields[at].n == name.n; at++)
		if (is_named(name, known_fields[at].name))
			return known_fields[at].id;
	return -1;
}

/* --- callbacks of llhttp --- */

/*
 * Spans: the head lies in one piece, so a span comes whole, but for pieces of
 * no bytes.  (What would not join on is a fold, which the guard has refused.)
 */
static void
extend(struct bt_str *span, const char *at, size_t n)
{
	if (span->n == 0)
		span->p = at;
	span->n += n;
}

static int
on_url(llhttp_t *llhttp, const char *at, size_t n)
{
	struct bt_parser *p = llhttp->data;

	extend(&p->request->target, at, n);
	return 0;
}

static int
fail(struct bt_parser *p, unsigned status)
{
	p->status = status;
	return -1;
}

/* Trailers are not kept, only bounded; names may come in pieces. */
static int
on_trailer_name(struct bt_parser *p, const char *at, size_t n)
{
	p->trailer_bytes += (uint32_t)n;
	if (p->trailer_bytes > BT_TRAILER_BYTES_MAX)
		return fail(p, 431);
	if (n > sizeof(p->trailer) - p->trailer_n)
		n = sizeof(p->trailer) - p->trailer_n;
	memcpy(p->trailer + p->trailer_n, at, n);
	p->trailer_n += (uint8_t)n;
	return 0;
}

static int
on_trailer_value(struct bt_parser *p, const char *at, size_t n)
{
	char before = at > p->in ? at[-1] : p->last;

	p->trailer_bytes += (uint32_t)n;
	if (p->trailer_bytes > BT_TRAILER_BYTES_MAX)
		return fail(p, 431);
	return n > 0 && before == '\n' ? fail(p, 400) : 0; /* a fold */
}

/* RFC 9110, 6.5.1: a trailer must not say how the message is framed */
static int
on_trailer_complete(struct bt_parser *p)
{
	const struct bt_str name = { p->trailer, p->trailer_n };

	p->trailer_n = 0;
	if (name.n == 0 ||
	    bt_str_equal_nocase(name, BT_STR("content-length")) ||
	    bt_str_equal_nocase(name, BT_STR("transfer-encoding")))
		return fail(p, 400);
	return 0;
}

static int
on_header_field(llhttp_t *llhttp, const char *at, size_t n)
{
	struct bt_parser *p = llhttp->data;
	struct bt_request *r = p->request;
	struct bt_field *field;

	if (p->in_trailer)
		return on_trailer_name(p, at, n);
	if (r->fields_n == BT_FIELDS_MAX)
		return fail(p, 431);
	field = &r->fields[r->fields_n];
	if (!p->in_name) {
		*field = (struct bt_field){ { at, 0 }, { at, 0 } };
		p->in_name = true;
	}
	extend(&field->name, at, n);
	return 0;
}

static int
on_header_value(llhttp_t *llhttp, const char *at, size_t n)
{
	struct bt_parser *p = llhttp->data;
	struct bt_request *r = p->request;

	if (p->in_trailer)
		return on_trailer_value(p, at, n);
	extend(&r->fields[r->fields_n].value, at, n);
	return 0;
}

/*
 * Counts the field as there.  HTAB behind the value of a framing field: llhttp
 * 8 refuses it and 9 does not; here it is refused, whichever we have.
 */
static int
on_known_field(struct bt_parser *p, enum bt_known_field f, bool tab)
{
	struct bt_request *r = p->request;

	if (tab &&
	    (f == BT_FIELD_CONTENT_LENGTH || f == BT_FIELD_TRANSFER_ENCODING))
		return fail(p, 400);
	if (r->known[f] == 0)
		r->known[f] = (uint8_t)r->fields_n;
	else
		r->repeated |= 1u << f;
	return 0;
}

static int
on_header_value_complete(llhttp_t *llhttp)
{
	struct bt_parser *p = llhttp->data;
	struct bt_request *r = p->request;
	struct bt_field *field;
	struct bt_str raw;
	int known;

	if (p->in_trailer)
		return on_trailer_complete(p);
	field = &r->fields[r->fields_n++];
	p->in_name = false;
	if (field->name.n == 0) /* `: value` */
		return fail(p, 400);
	raw = field->value;
	field->value = bt_str_trim(raw);
	if ((known = known_field(field->name)) == -1)
		return 0;
	return on_known_field(p, (enum bt_known_field)known,
	    raw.n > field->value.n && memchr(raw.p, '\t', raw.n) != NULL);
}

static int
on_headers_complete(llhttp_t *llhttp)
{
	struct bt_parser *p = llhttp->data;

	llhttp->upgrade = 0; /* we do not switch: what follows is HTTP/1.1 */
	p->in_trailer = true;
	return HPE_PAUSED;
}

static int
on_body(llhttp_t *llhttp, const char *at, size_t n)
{
	struct bt_parser *p = llhttp->data;

	memmove(p->out, at, n);
	p->out += n;
	return 0;
}

static int
on_chunk_extension(llhttp_t *llhttp, const char *at, size_t n)
{
	struct bt_parser *p = llhttp->data;

	p->extension_bytes += (uint32_t)n;
	return p->extension_bytes > BT_EXTENSION_BYTES_MAX ? fail(p, 400) : 0;
}

static int
on_message_complete(llhttp_t *llhttp)
{
	return HPE_PAUSED;
}

static const llhttp_settings_t *
settings(void)
{
	static llhttp_settings_t s;

	if (s.on_url == NULL) {
		llhttp_settings_init(&s);
		s.on_url = on_url;
		s.on_header_field = on_header_field;
		s.on_header_value = on_header_value;
		s.on_header_value_complete = on_header_value_complete;
		s.on_headers_complete = on_headers_complete;
		s.on_body = on_body;
		s.on_chunk_extension_name = on_chunk_extension;
		s.on_chunk_extension_value = on_chunk_extension;
		s.on_message_complete = on_message_complete;
	}
	return &s;
}

/* --- the rules behind llhttp --- */

static enum bt_method
method_of(uint8_t method)
{
	switch (method) {
	case HTTP_GET:
		return BT_METHOD_GET;
	case HTTP_HEAD:
		return BT_METHOD_HEAD;
	case HTTP_POST:
		return BT_METHOD_POST;
	case HTTP_PUT:
		return BT_METHOD_PUT;
	case HTTP_DELETE:
		return BT_METHOD_DELETE;
	case HTTP_OPTIONS:
		return BT_METHOD_OPTIONS;
	case HTTP_PATCH:
		return BT_METHOD_PATCH;
	case HTTP_TRACE:
		return BT_METHOD_TRACE;
	default:
		return BT_METHOD_OTHER;
	}
}

static bool
is_there(const struct bt_request *r, enum bt_known_field f)
{
	return r->known[f] != 0;
}

static bool
is_repeated(const struct bt_request *r, enum bt_known_field f)
{
	return r->repeated & (1u << f);
}

/* RFC 9112, 3.2: exactly one Host in 1.1; RFC 9110, 7.2: its form */
static unsigned
check_host(struct bt_request *r)
{
	struct bt_str value = bt_request_known(r, BT_FIELD_HOST);

	if (!is_there(r, BT_FIELD_HOST))
		return r->minor == 0 ? 0 : 400;
	if (is_repeated(r, BT_FIELD_HOST))
		return 400;
	if (value.n == 0) /* a target without an authority has an empty one */
		return 0;
	return bt_authority_parse(value, &r->host) < 0 ? 400 : 0;
}

/* RFC 9112, 6.1 and 6.3: where the content ends must not be in doubt */
static unsigned
check_framing(const struct bt_parser *p, struct bt_request *r)
{
	bool coded = is_there(r, BT_FIELD_TRANSFER_ENCODING);

	if (coded &&
	    (is_there(r, BT_FIELD_CONTENT_LENGTH) || r->minor == 0 ||
		!(p->llhttp.flags & F_CHUNKED)))
		return 400;
	if (coded &&
	    (is_repeated(r, BT_FIELD_TRANSFER_ENCODING) ||
		!bt_str_equal_nocase(
		    bt_request_known(r, BT_FIELD_TRANSFER_ENCODING),
		    BT_STR("chunked"))))
		return 501; /* a coding that we do not undo */
	if (is_repeated(r, BT_FIELD_CONTENT_LENGTH))
		return 400;
	r->chunked = coded;
	if (is_there(r, BT_FIELD_CONTENT_LENGTH) &&
	    bt_str_parse_u64(bt_request_known(r, BT_FIELD_CONTENT_LENGTH),
		&r->content_length) < 0)
		return 400;
	return 0;
}

/* RFC 9112, 9.3: by version and the members of Connection, on all its lines */
static bool
is_persistent(const struct bt_request *r)
{
	bool close = false, keep = false;
	unsigned at = 0;
	struct bt_str list, member;

	if (!is_there(r, BT_FIELD_CONNECTION))
		return r->minor > 0;
	while (bt_request_field_next(r, BT_STR("connection"), &at, &list)) {
		while (bt_str_list_next(&list, &member)) {
			close |= bt_str_equal_nocase(member, BT_STR("close"));
			keep |=
			    bt_str_equal_nocase(member, BT_STR("keep-alive"));
		}
	}
	return !close && (r->minor > 0 || keep);
}

/* RFC 9110, 10.1.1 */
static unsigned
check_expect(struct bt_request *r)
{
	if (!is_there(r, BT_FIELD_EXPECT) || r->minor == 0)
		return 0;
	if (is_repeated(r, BT_FIELD_EXPECT) ||
	    !bt_str_equal_nocase(
		bt_request_known(r, BT_FIELD_EXPECT), BT_STR("100-continue")))
		return 417;
	r->expect_continue = bt_request_has_content(r);
	return 0;
}

/* RFC 9112, 3.2 */
static unsigned
check_target(struct bt_request *r, struct bt_arena *arena)
{
	struct bt_target t;

	if (bt_target_parse(r->target, &t) < 0)
		return 400;
	r->raw_path = t.path;
	r->query = t.query;
	r->has_query = t.has_query;
	switch (t.form) {
	case BT_TARGET_ASTERISK:
		r->path = t.path;
		return r->method == BT_METHOD_OPTIONS ? 0 : 400;
	case BT_TARGET_ABSOLUTE: /* its authority replaces Host */
		if (bt_authority_parse(t.authority, &r->host) < 0)
			return 400;
		break;
	case BT_TARGET_ORIGIN:
		break;
	}
	return bt_path_decode(t.path, arena, &r->path) < 0 ? 400 : 0;
}

/* Methods of RTSP, which llhttp knows but does not take with HTTP. */
static bool
is_rtsp(uint8_t method)
{
	switch (method) {
	case HTTP_DESCRIBE:
	case HTTP_ANNOUNCE:
	case HTTP_SETUP:
	case HTTP_PLAY:
	case HTTP_PAUSE:
	case HTTP_TEARDOWN:
	case HTTP_GET_PARAMETER:
	case HTTP_SET_PARAMETER:
	case HTTP_REDIRECT:
	case HTTP_RECORD:
	case HTTP_FLUSH:
		return true;
	default:
		return false;
	}
}

/* A method that llhttp does not know, or not in HTTP, is not implemented. */
static unsigned
status_of_error(const struct bt_parser *p, enum llhttp_errno error)
{
	if (p->status != 0)
		return p->status;
	if (error == HPE_INVALID_METHOD ||
	    (error == HPE_INVALID_CONSTANT && is_rtsp(p->llhttp.method)))
		return 501;
	return 400;
}

static struct bt_str
line_of(struct bt_str head)
{
	const char *cr = memchr(head.p, '\r', head.n);

	return (struct bt_str){ head.p, cr ? (size_t)(cr - head.p) : head.n };
}

static struct bt_str
method_text_of(struct bt_str line)
{
	const char *space = memchr(line.p, ' ', line.n);

	return (
	    struct bt_str){ line.p, space ? (size_t)(space - line.p) : line.n };
}

unsigned
bt_parser_head(struct bt_parser *p, struct bt_str head, struct bt_arena *arena,
    struct bt_request *r)
{
	enum llhttp_errno error;
	unsigned status;

	memset(r, 0, offsetof(struct bt_request, fields));
	r->line = line_of(head);
	r->method_text = method_text_of(r->line);
	r->method = BT_METHOD_OTHER;
	r->minor = 1;
	memset(
	    (char *)p + sizeof(p->llhttp), 0, sizeof(*p) - sizeof(p->llhttp));
	p->request = r;
	llhttp_init(&p->llhttp, HTTP_REQUEST, settings());
	p->llhttp.data = p;
	error = llhttp_execute(&p->llhttp, head.p, head.n);
	if (error != HPE_PAUSED)
		return status_of_error(p, error);
	if (p->llhttp.http_major != 1)
		return 505;
	r->minor = p->llhttp.http_minor > 0;
	if (p->llhttp.method == HTTP_CONNECT)
		return 501;
	r->method = method_of(p->llhttp.method);
	if ((status = check_host(r)) != 0 ||
	    (status = check_framing(p, r)) != 0 ||
	    (status = check_expect(r)) != 0 ||
	    (status = check_target(r, arena)) != 0)
		return status;
	r->keep_alive = is_persistent(r);
	p->rest = r->content_length;
	p->max = UINT64_MAX;
	if (r->chunked)
		llhttp_resume(&p->llhttp);
	return 0;
}

unsigned
bt_parser_limit(struct bt_parser *p, const struct bt_request *r, uint64_t max)
{
	p->max = max;
	return r->content_length > max ? 413 : 0;
}

static enum bt_parse
take_counted(
    struct bt_parser *p, size_t n, size_t *ret_consumed, size_t *ret_content)
{
	if (n > p->rest)
		n = (size_t)p->rest;
	p->rest -= n;
	p->received += n;
	*ret_consumed = *ret_content = n;
	return p->rest == 0 ? BT_PARSE_DONE : BT_PARSE_MORE;
}

static enum bt_parse
refuse(unsigned status, unsigned *ret_status)
{
	*ret_status = status;
	return BT_PARSE_REFUSED;
}

/*
 * The trailer section of strict llhttp 8 may end with LF alone as well: refused
 * here, by the byte before it.  The end of the message is never moved over: a
 * piece is moved down by at least its frame.
 */
static bool
ends_with_crlf(const struct bt_parser *p, const char *bytes, size_t n)
{
	char before = n >= 2 ? bytes[n - 2] : p->last;

	return n >= 1 && bytes[n - 1] == '\n' && before == '\r';
}

static enum bt_parse
take_chunked(struct bt_parser *p, char *bytes, size_t n, size_t *ret_consumed,
    size_t *ret_content, unsigned *ret_status)
{
	enum llhttp_errno error;
	size_t used = n;

	p->in = p->out = bytes;
	error = llhttp_execute(&p->llhttp, bytes, n);
	if (error == HPE_PAUSED)
		used = (size_t)(llhttp_get_error_pos(&p->llhttp) - bytes);
	else if (error != HPE_OK)
		return refuse(p->status ? p->status : 400, ret_status);
	*ret_consumed = used;
	*ret_content = (size_t)(p->out - bytes);
	p->received += *ret_content;
	if (p->received > p->max)
		return refuse(413, ret_status);
	if (error == HPE_PAUSED && !ends_with_crlf(p, bytes, used))
		return refuse(400, ret_status);
	p->last = bytes[n - 1];
	return error == HPE_PAUSED ? BT_PARSE_DONE : BT_PARSE_MORE;
}

enum bt_parse
bt_parser_content(struct bt_parser *p, const struct bt_request *r, char *bytes,
    size_t n, size_t *ret_consumed, size_t *ret_content, unsigned *ret_status)
{
	assert(n > 0);
	if (!r->chunked)
		return take_counted(p, n, ret_consumed, ret_content);
	return take_chunked(p, bytes, n, ret_consumed, ret_content, ret_status);
}
