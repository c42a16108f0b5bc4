/*
 * From a complete head to a request, and content off the wire: llhttp in strict
 * mode, and what RFC 9112 wants a server to refuse besides.  In a worker, on
 * the loop.
 *
 * llhttp stores nothing, limits nothing, and takes messages by which requests
 * are smuggled, so it works between two others: the guards (head.c, chunk.c)
 * see each byte of framing first, and the rules below see its result.  The same
 * is refused with llhttp 8.1 and with 9.x.  Whether the connection stays open
 * is decided here, from Connection: llhttp's own idea is wrong in several
 * cases.
 */

#include "http/parser.h"

#include <assert.h>

#include "http/response.h"
#include "http/uri.h"

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "llhttp 8 without LLHTTP_STRICT_MODE is open to request smuggling"
#endif

/*
 * Methods by llhttp's number; 0 stands for those that we do not answer at all.
 * Those of RTSP are among these.
 */
#define KNOWN(m) ((m) + 1)
static const uint8_t methods[] = {
	[HTTP_DELETE] = KNOWN(BT_METHOD_DELETE),
	[HTTP_GET] = KNOWN(BT_METHOD_GET),
	[HTTP_HEAD] = KNOWN(BT_METHOD_HEAD),
	[HTTP_POST] = KNOWN(BT_METHOD_POST),
	[HTTP_PUT] = KNOWN(BT_METHOD_PUT),
	[HTTP_OPTIONS] = KNOWN(BT_METHOD_OPTIONS),
	[HTTP_TRACE] = KNOWN(BT_METHOD_TRACE),
	[HTTP_PATCH] = KNOWN(BT_METHOD_PATCH),
	[HTTP_COPY... HTTP_UNSUBSCRIBE] = KNOWN(BT_METHOD_OTHER),
	[HTTP_PURGE... HTTP_SOURCE] = KNOWN(BT_METHOD_OTHER),
};

static llhttp_settings_t head_settings, content_settings;

static int
refuse(struct bt_parser *p, unsigned status)
{
	p->status = status;
	return -1;
}

/*
 * A method that only newer versions know (9.2 has QUERY) is refused where 8.1
 * refuses it: before the rest of the head can be found wrong.
 */
static int
on_method(llhttp_t *l)
{
	return l->method > HTTP_FLUSH ? -1 : 0;
}

/* A field line begins.  In one run over the whole head a name is one piece. */
static int
on_field_name(llhttp_t *l, const char *at, size_t n)
{
	struct bt_parser *p = l->data;
	struct bt_request *r = p->request;
	struct bt_str name = { at, n };
	enum bt_known_field known;

	if (n == 0)
		return refuse(p, 400);
	if (r->fields_n == BT_FIELDS_MAX)
		return refuse(p, 431);
	r->fields[r->fields_n].name = name;
	r->fields[r->fields_n].value = (struct bt_str){ at + n, 0 };
	r->fields_n++;
	known = bt_known_field_find(name);
	if (known == BT_FIELDS_KNOWN)
		return 0;
	if (r->known[known] == 0)
		r->known[known] = (uint8_t)r->fields_n;
	else
		r->repeated |= UINT32_C(1) << known;
	return 0;
}

/* Its value; a second piece could only be a folded line. */
static int
on_field_value(llhttp_t *l, const char *at, size_t n)
{
	struct bt_parser *p = l->data;
	struct bt_request *r = p->request;
	struct bt_field *f;

	if (n == 0)
		return 0;
	if (r->fields_n == 0)
		return refuse(p, 400);
	f = &r->fields[r->fields_n - 1];
	if (f->value.n > 0)
		return refuse(p, 400);
	while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
		n--;
	f->value = (struct bt_str){ at, n };
	return 0;
}

static int
on_head_complete(llhttp_t *l)
{
	struct bt_parser *p = l->data;

	p->complete = true;
	p->request->content_length = l->content_length;
	p->request->chunked = (l->flags & F_CHUNKED) != 0;
	l->upgrade = 0; /* who switches protocols does so after the exchange */
	return 0;
}

static int
on_chunk_size(llhttp_t *l)
{
	struct bt_parser *p = l->data;

	if (l->content_length > p->max - p->received)
		return refuse(p, 413);
	p->chunk_rest = l->content_length;
	p->place = l->content_length > 0 ? BT_CHUNK_DATA_CR : BT_CHUNK_TRAILER;
	return 0;
}

static int
on_chunk_data(llhttp_t *l, const char *at, size_t n)
{
	struct bt_parser *p = l->data;

	if (n > p->chunk_rest)
		return refuse(p, 400);
	memmove(p->out, at, n);
	p->out += n;
	p->chunk_rest -= n;
	p->received += n;
	return 0;
}

/*
 * Trailers are ignored here, but for those that would frame the message in
 * another way.  A name may come in pieces; its begin is kept, which is enough
 * to know.
 */
static int
on_trailer_name(llhttp_t *l, const char *at, size_t n)
{
	struct bt_parser *p = l->data;

	for (size_t i = 0; i < n; i++) {
		if (p->trailer_n < sizeof(p->trailer))
			p->trailer[p->trailer_n] = at[i];
		p->trailer_n += p->trailer_n < UINT8_MAX;
	}
	return 0;
}

static int
on_trailer_name_complete(llhttp_t *l)
{
	struct bt_parser *p = l->data;
	struct bt_str name = { p->trailer, p->trailer_n };

	p->trailer_n = 0;
	if (name.n > sizeof(p->trailer))
		return 0;
	switch (bt_known_field_find(name)) {
	case BT_FIELD_CONTENT_LENGTH:
	case BT_FIELD_TRANSFER_ENCODING:
		return refuse(p, 400);
	default:
		return 0;
	}
}

static int
on_content_complete(llhttp_t *l)
{
	struct bt_parser *p = l->data;

	p->complete = true;
	return HPE_PAUSED; /* what follows is the next message */
}

/* Once, before main(): llhttp keeps a pointer to its settings. */
__attribute__((constructor)) static void
init_settings(void)
{
	llhttp_settings_init(&head_settings);
	head_settings.on_method_complete = on_method;
	head_settings.on_header_field = on_field_name;
	head_settings.on_header_value = on_field_value;
	head_settings.on_headers_complete = on_head_complete;

	llhttp_settings_init(&content_settings);
	content_settings.on_chunk_header = on_chunk_size;
	content_settings.on_body = on_chunk_data;
	content_settings.on_header_field = on_trailer_name;
	content_settings.on_header_field_complete = on_trailer_name_complete;
	content_settings.on_message_complete = on_content_complete;
}

/* RFC 9110, 5.6.2 */
static bool
is_token(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') ||
			(bt_lower(c) >= 'a' && bt_lower(c) <= 'z') ||
			(c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return s.n > 0;
}

/*
 * `method SP target SP HTTP/d.d`: exactly one space at each place, where llhttp
 * takes several.  The guard has seen the end of the line and its version.
 */
static bool
split_request_line(struct bt_str head, struct bt_request *r)
{
	const char *cr = memchr(head.p, '\r', head.n), *end, *space;

	if (cr == NULL || cr - head.p < 9)
		return false;
	end = cr - 9;
	r->line = (struct bt_str){ head.p, (size_t)(cr - head.p) };
	r->minor = cr[-1] == '1';
	space = memchr(head.p, ' ', (size_t)(end - head.p));
	if (space == NULL || space == head.p)
		return false;
	r->method_text = (struct bt_str){ head.p, (size_t)(space - head.p) };
	r->target = (struct bt_str){ space + 1, (size_t)(end - space - 1) };
	return r->target.n > 0; /* no target has spaces: bt_target_parse() */
}

/* What llhttp's refusal means; its errors are those of the first wrong byte. */
static unsigned
status_of_error(const struct bt_parser *p, enum llhttp_errno error)
{
	const struct bt_request *r = p->request;

	if (p->status != 0)
		return p->status;
	switch (error) {
	case HPE_INVALID_METHOD:
	case HPE_CB_METHOD_COMPLETE: /* on_method() */
	case HPE_INVALID_CONSTANT:   /* one of RTSP: it wants RTSP/1.0 */
	case HPE_INVALID_VERSION:    /* PRI: it wants HTTP/2.0 */
	case HPE_PAUSED_H2_UPGRADE:
		return is_token(r->method_text) &&
			memchr(r->target.p, ' ', r->target.n) == NULL
		    ? 501
		    : 400;
	default:
		return 400;
	}
}

static unsigned
feed_head(struct bt_parser *p, struct bt_str head)
{
	struct bt_request *r = p->request;
	enum llhttp_errno error;
	unsigned method;

	llhttp_init(&p->llhttp, HTTP_REQUEST, &head_settings);
	p->llhttp.data = p;
	error = llhttp_execute(&p->llhttp, head.p, head.n);
	method = llhttp_get_method(&p->llhttp);
	if (error != HPE_INVALID_METHOD && method < sizeof(methods) &&
	    methods[method] != 0)
		r->method = (enum bt_method)(methods[method] - 1);
	if (error == HPE_OK && p->complete)
		return r->method == BT_METHODS ? 501 : 0;
	/* its target is of another form; the answer to it is always the same */
	return method == HTTP_CONNECT ? 501 : status_of_error(p, error);
}

/*
 * HTAB behind the value, up to CR: 8.1 refuses it, 9.x does not.  So that both
 * answer alike, it is refused.
 */
static bool
has_tab_behind(struct bt_str value)
{
	const char *p = value.p + value.n;

	assert(value.p != NULL); /* the field is there */
	while (*p == ' ')
		p++;
	return *p == '\t';
}

static unsigned
check_transfer_encoding(const struct bt_request *r)
{
	struct bt_str value = bt_request_known(r, BT_FIELD_TRANSFER_ENCODING);

	/* RFC 9112, 6.1 and 6.3: both lengths, or from a time without chunks */
	if (r->known[BT_FIELD_CONTENT_LENGTH] != 0 || r->minor == 0)
		return 400;
	if (!r->chunked || has_tab_behind(value))
		return 400;
	if ((r->repeated & UINT32_C(1) << BT_FIELD_TRANSFER_ENCODING) != 0 ||
	    !bt_str_equal_nocase(value, BT_STR("chunked")))
		return 501;
	return 0;
}

static unsigned
check_framing(const struct bt_request *r)
{
	if (r->known[BT_FIELD_TRANSFER_ENCODING] != 0)
		return check_transfer_encoding(r);
	if (r->known[BT_FIELD_CONTENT_LENGTH] != 0 &&
	    has_tab_behind(bt_request_known(r, BT_FIELD_CONTENT_LENGTH)))
		return 400;
	return 0;
}

/*
 * RFC 9112, 3.2: one valid Host.  An empty one is for targets without an
 * authority, which http and https do not have (RFC 9110, 4.2.1): it is refused,
 * as nginx does.
 */
static unsigned
check_host(struct bt_request *r)
{
	if (r->known[BT_FIELD_HOST] == 0)
		return r->minor == 0 ? 0 : 400;
	if ((r->repeated & UINT32_C(1) << BT_FIELD_HOST) != 0 ||
	    bt_authority_parse(bt_request_known(r, BT_FIELD_HOST), &r->host) <
		0)
		return 400;
	return 0;
}

static unsigned
take_target(struct bt_request *r, struct bt_arena *arena)
{
	struct bt_target t;

	if (bt_target_parse(r->target, &t) < 0)
		return 400;
	if (t.form == BT_TARGET_ASTERISK) {
		r->path = r->raw_path = t.path;
		return r->method == BT_METHOD_OPTIONS ? 0 : 400;
	}
	if (t.form == BT_TARGET_ABSOLUTE &&
	    bt_authority_parse(t.authority, &r->host) < 0)
		return 400;
	r->raw_path = t.path;
	r->query = t.query;
	r->has_query = t.has_query;
	return bt_path_decode(t.path, arena, &r->path) < 0 ? 400 : 0;
}

/* RFC 9112, 9.3; several lines are one list (RFC 9110, 5.3). */
static bool
is_kept_alive(const struct bt_request *r)
{
	bool keep = r->minor > 0;
	struct bt_str list, option;
	unsigned at = 0;

	while (bt_request_known_next(r, BT_FIELD_CONNECTION, &at, &list))
		while (bt_str_list_next(&list, &option)) {
			if (bt_str_equal_nocase(option, BT_STR("close")))
				return false;
			if (bt_str_equal_nocase(option, BT_STR("keep-alive")))
				keep = true;
		}
	return keep;
}

/* RFC 9110, 10.1.1: no expectation in 1.0, none but 100-continue in 1.1. */
static unsigned
take_expect(struct bt_request *r)
{
	struct bt_str list, member;
	unsigned at = 0;

	if (r->minor == 0)
		return 0;
	while (bt_request_known_next(r, BT_FIELD_EXPECT, &at, &list))
		while (bt_str_list_next(&list, &member)) {
			if (!bt_str_equal_nocase(
				member, BT_STR("100-continue")))
				return 417;
			r->expect_continue = bt_request_has_content(r);
		}
	return 0;
}

/* From the head to the chunks: the same run of llhttp, other callbacks. */
static void
begin_chunks(struct bt_parser *p)
{
	p->llhttp.settings = &content_settings;
	p->place = BT_CHUNK_SIZE_FIRST;
	p->chunk_rest = 0;
	p->line_bytes = p->extension_bytes = p->trailer_bytes = 0;
	p->trailer_n = 0;
	p->complete = false;
}

unsigned
bt_parser_head(struct bt_parser *p, struct bt_str head, struct bt_arena *arena,
    struct bt_request *r)
{
	unsigned status;

	p->request = r;
	p->status = 0;
	p->received = 0;
	p->max = UINT64_MAX;
	p->trailers = (struct bt_trailers){ 0 };
	p->complete = false;
	memset(r, 0, offsetof(struct bt_request, fields));
	r->method = BT_METHODS;
	if (!split_request_line(head, r))
		status = 400;
	else if ((status = feed_head(p, head)) != 0 ||
	    (status = check_framing(r)) != 0 || (status = check_host(r)) != 0 ||
	    (status = take_target(r, arena)) != 0)
		;
	else
		status = r->known[BT_FIELD_EXPECT] ? take_expect(r) : 0;
	r->keep_alive =
	    r->known[BT_FIELD_CONNECTION] ? is_kept_alive(r) : r->minor > 0;
	if (r->method == BT_METHODS)
		r->method = BT_METHOD_OTHER;
	if (r->chunked)
		begin_chunks(p);
	p->request = NULL;
	p->rest = r->content_length;
	return status;
}

/* Why the framing of a response has no meaning, or not one; NULL: it has. */
static const char *
check_response_framing(const struct bt_request *m)
{
	struct bt_str coding = bt_request_known(m, BT_FIELD_TRANSFER_ENCODING);

	if (coding.p == NULL)
		return NULL;
	if (m->known[BT_FIELD_CONTENT_LENGTH] != 0)
		return "both Content-Length and Transfer-Encoding";
	if (m->minor == 0)
		return "Transfer-Encoding in HTTP/1.0";
	if (!m->chunked ||
	    (m->repeated & UINT32_C(1) << BT_FIELD_TRANSFER_ENCODING) != 0 ||
	    !bt_str_equal_nocase(coding, BT_STR("chunked")))
		return "a Transfer-Encoding other than chunked";
	return NULL;
}

const char *
bt_response_parse(struct bt_parser *p, struct bt_str head,
    enum bt_method answers, struct bt_response *ret)
{
	struct bt_request *m = &ret->message;
	enum llhttp_errno error;
	const char *why;

	p->request = m;
	p->status = 0;
	p->received = 0;
	p->max = UINT64_MAX;
	p->trailers = (struct bt_trailers){ 0 };
	p->complete = false;
	memset(m, 0, offsetof(struct bt_request, fields));
	llhttp_init(&p->llhttp, HTTP_RESPONSE, &head_settings);
	p->llhttp.data = p;
	error = llhttp_execute(&p->llhttp, head.p, head.n);
	p->request = NULL;
	if (p->status == 431)
		return "too many fields";
	if ((error != HPE_OK && error != HPE_PAUSED_UPGRADE) || !p->complete)
		return llhttp_get_error_reason(&p->llhttp);
	ret->status = (unsigned)p->llhttp.status_code;
	m->minor = p->llhttp.http_minor;
	if (ret->status < 100 || ret->status > 599)
		return "a status that is none";
	if ((why = check_response_framing(m)) != NULL)
		return why;
	ret->has_length = m->known[BT_FIELD_CONTENT_LENGTH] != 0;
	ret->until_close = false;
	m->keep_alive =
	    m->known[BT_FIELD_CONNECTION] ? is_kept_alive(m) : m->minor > 0;
	/* RFC 9112, 6.3: those that never have content, whatever they say */
	if (answers == BT_METHOD_HEAD || ret->status < 200 ||
	    ret->status == 204 || ret->status == 304)
		m->chunked = false;
	else if (m->chunked)
		begin_chunks(p);
	else if (!ret->has_length)
		ret->until_close = true;
	p->rest = m->content_length;
	return NULL;
}

unsigned
bt_parser_limit(struct bt_parser *p, const struct bt_request *r, uint64_t max)
{
	p->max = max;
	return r->content_length > max ? 413 : 0;
}

void
bt_parser_keep_trailers(struct bt_parser *p, struct bt_arena *arena)
{
	p->trailers.arena = arena;
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

/* The 16 digits of a size and CR LF are free, what is longer is bounded. */
static bool
count_size_line(struct bt_parser *p, size_t n)
{
	const uint32_t usual = 18;
	uint32_t before = p->line_bytes < usual ? usual : p->line_bytes;

	if (n > BT_EXTENSION_BYTES_MAX + usual)
		return false;
	p->line_bytes += (uint32_t)n;
	if (p->line_bytes > before)
		p->extension_bytes += p->line_bytes - before;
	return p->extension_bytes <= BT_EXTENSION_BYTES_MAX;
}

/* What can be fed in one go: data of one chunk, or at most one line. */
static size_t
next_piece(const struct bt_parser *p, const char *bytes, size_t n)
{
	const char *lf;

	if (p->chunk_rest > 0)
		return n < p->chunk_rest ? n : (size_t)p->chunk_rest;
	if (p->place >= BT_CHUNK_TRAILER &&
	    n > BT_TRAILER_BYTES_MAX - p->trailer_bytes)
		n = BT_TRAILER_BYTES_MAX - p->trailer_bytes;
	lf = memchr(bytes, '\n', n);
	return lf != NULL ? (size_t)(lf - bytes) + 1 : n;
}

/* Whether it is of a trailer field, and not the end of the section. */
static bool
is_in_field(enum bt_chunk_place place, struct bt_str piece)
{
	return place == BT_CHUNK_TRAILER
	    ? piece.p[0] != '\r'
	    : place > BT_CHUNK_TRAILER && place < BT_CHUNK_END_LF;
}

/* Bounds and guards what is not data; the status to refuse it with, or 0. */
static unsigned
check_line(struct bt_parser *p, struct bt_str line)
{
	bool in_field;

	if (p->place >= BT_CHUNK_TRAILER) {
		if (line.n == 0)
			return 431;
		p->trailer_bytes += (uint32_t)line.n;
	} else {
		if (p->place == BT_CHUNK_SIZE_FIRST)
			p->line_bytes = 0;
		if (p->place <= BT_CHUNK_LINE_LF && !count_size_line(p, line.n))
			return 400;
	}
	in_field = is_in_field(p->place, line);
	if (!bt_chunk_guard(&p->place, line))
		return 400;
	if (in_field && p->trailers.arena != NULL)
		bt_trailers_add(&p->trailers, line);
	return 0;
}

static unsigned
feed_chunked(struct bt_parser *p, struct bt_str piece)
{
	enum llhttp_errno error;
	unsigned status;

	if (p->chunk_rest == 0 && (status = check_line(p, piece)) != 0)
		return status;
	error = llhttp_execute(&p->llhttp, piece.p, piece.n);
	if (error == HPE_PAUSED && p->complete)
		/* guard and llhttp must have seen the same end */
		return p->place == BT_CHUNK_END &&
			llhttp_get_error_pos(&p->llhttp) == piece.p + piece.n
		    ? 0
		    : 400;
	if (error != HPE_OK)
		return p->status != 0 ? p->status : 400;
	return p->place == BT_CHUNK_LINE_END || p->place == BT_CHUNK_END ? 400
									 : 0;
}

static enum bt_parse
take_chunked(struct bt_parser *p, char *bytes, size_t n, size_t *ret_consumed,
    size_t *ret_content, unsigned *ret_status)
{
	size_t at = 0;

	p->out = bytes;
	while (at < n && !p->complete) {
		size_t piece = next_piece(p, bytes + at, n - at);
		unsigned status =
		    feed_chunked(p, (struct bt_str){ bytes + at, piece });

		if (status != 0) {
			*ret_status = status;
			return BT_PARSE_REFUSED;
		}
		at += piece;
	}
	*ret_consumed = at;
	*ret_content = (size_t)(p->out - bytes);
	return p->complete ? BT_PARSE_DONE : BT_PARSE_MORE;
}

enum bt_parse
bt_parser_content(struct bt_parser *p, const struct bt_request *r, char *bytes,
    size_t n, size_t *ret_consumed, size_t *ret_content, unsigned *ret_status)
{
	if (r->chunked)
		return take_chunked(
		    p, bytes, n, ret_consumed, ret_content, ret_status);
	return take_counted(p, n, ret_consumed, ret_content);
}
