/*
 * What a server behind a proxy answers, whole and in cuts that the input
 * chooses: the verdicts, the contents and the places where answers end must be
 * the same.  What is accepted is compared with a naive reading of the head.
 *
 * Of the input, the first byte says how the answers are cut, the second which
 * of the requests were HEAD.
 */

#include "http/response.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define HEAD_BYTES_MAX 4096
#define ANSWERS_MAX 8 /* bits of the second byte */

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

enum verdict { COMPLETE, NEEDS_MORE, REFUSED };

struct outcome {
	enum verdict verdict[ANSWERS_MAX];
	size_t end[ANSWERS_MAX]; /* where it ends, or where it is wrong */
	unsigned status[ANSWERS_MAX];
	size_t n, content_n;
	char *content; /* of all answers, in order */
};

/* Lengths of pieces: all that is there, or what a small generator says. */
struct cuts {
	uint32_t seed; /* 0: whole */
};

static size_t
next_cut(struct cuts *c, size_t left)
{
	size_t n;

	if (c->seed == 0)
		return left;
	c->seed = c->seed * 1664525u + 1013904223u;
	n = 1 + ((c->seed >> 24) & ((c->seed >> 16) & 1 ? 3 : 63));
	return n < left ? n : left;
}

/* In memory of just that size, so that a sanitizer sees what is read behind. */
static char *
tight(const char *p, size_t n)
{
	char *copy = malloc(n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

/* Each line of the head is a field, and the other way round. */
static void
check_fields(const struct bt_request *m, struct bt_str head)
{
	const char *p = memmem(head.p, head.n, "\r\n", 2);
	const char *end = head.p + head.n - 2;
	unsigned n = 0;

	REQUIRE(p != NULL);
	for (p += 2; p < end; n++) {
		const char *cr = memmem(p, (size_t)(end - p), "\r\n", 2);
		const char *colon = memchr(p, ':', (size_t)(cr - p));
		struct bt_str value;

		REQUIRE(colon != NULL && n < m->fields_n);
		value = bt_str_trim(
		    (struct bt_str){ colon + 1, (size_t)(cr - colon) - 1 });
		REQUIRE(bt_str_equal(m->fields[n].name,
		    (struct bt_str){ p, (size_t)(colon - p) }));
		REQUIRE(bt_str_equal(m->fields[n].value, value));
		p = cr + 2;
	}
	REQUIRE(n == m->fields_n);
}

static bool
is_bare(const struct bt_response *r, bool head_was_asked)
{
	return head_was_asked || r->status < 200 || r->status == 204 ||
	    r->status == 304;
}

static void
check_accepted(
    const struct bt_response *r, struct bt_str head, bool head_was_asked)
{
	const struct bt_request *m = &r->message;
	bool has_coding = m->known[BT_FIELD_TRANSFER_ENCODING] != 0;

	check_fields(m, head);
	REQUIRE(
	    head.n <= HEAD_BYTES_MAX && memchr(head.p, '\0', head.n) == NULL);
	REQUIRE(memcmp(head.p, "HTTP/1.", 7) == 0);
	REQUIRE(m->minor == (unsigned)(head.p[7] - '0') && m->minor <= 1);
	REQUIRE(r->status == (unsigned)atoi(head.p + 9));
	REQUIRE(r->status >= 100 && r->status <= 599);
	/* one way to know the end, and only one */
	REQUIRE(r->has_length == (m->known[BT_FIELD_CONTENT_LENGTH] != 0));
	REQUIRE(!has_coding || (!r->has_length && m->minor == 1));
	if (is_bare(r, head_was_asked)) {
		REQUIRE(!m->chunked && !r->until_close);
		return;
	}
	REQUIRE(m->chunked == has_coding);
	REQUIRE(m->chunked + r->has_length + r->until_close == 1);
	REQUIRE(!r->has_length ||
	    (m->repeated & UINT32_C(1) << BT_FIELD_CONTENT_LENGTH) == 0);
}

/* The content of an answer at `p`; how many bytes were used. */
static size_t
run_content(struct bt_parser *parser, const struct bt_request *m, const char *p,
    size_t n, struct cuts *cuts, struct outcome *o, enum verdict *ret)
{
	enum bt_parse parsed = BT_PARSE_MORE;
	size_t at = 0;

	while (parsed == BT_PARSE_MORE && at < n) {
		size_t piece = next_cut(cuts, n - at), consumed, content;
		char *copy = tight(p + at, piece);
		unsigned status;

		parsed = bt_parser_content(
		    parser, m, copy, piece, &consumed, &content, &status);
		if (parsed != BT_PARSE_REFUSED) {
			REQUIRE(content <= consumed && consumed <= piece);
			REQUIRE(parsed == BT_PARSE_DONE || consumed == piece);
			memcpy(o->content + o->content_n, copy, content);
			o->content_n += content;
			at += consumed;
		}
		free(copy);
	}
	*ret = parsed == BT_PARSE_MORE ? NEEDS_MORE
	    : parsed == BT_PARSE_DONE  ? COMPLETE
				       : REFUSED;
	return at;
}

/* As it comes: what was found is an offset, since the bytes have moved. */
static enum bt_parse
find_head(const char *p, size_t n, struct cuts *cuts, size_t *ret_n)
{
	struct bt_head_scan scan = { 0 };
	enum bt_parse parsed;
	struct bt_str head;
	size_t have = 0;

	do {
		char *copy;

		have += n > have ? next_cut(cuts, n - have) : 0;
		copy = tight(p, have);
		parsed = bt_response_find(&scan, (struct bt_str){ copy, have },
		    HEAD_BYTES_MAX, &head);
		if (parsed == BT_PARSE_DONE) {
			REQUIRE(head.p == copy && head.n <= have);
			*ret_n = head.n;
		}
		free(copy);
	} while (parsed == BT_PARSE_MORE && have < n);
	return parsed;
}

/* One answer at `p`; how many bytes were used. */
static size_t
run_answer(const char *p, size_t n, bool head_was_asked, struct cuts *cuts,
    struct outcome *o)
{
	static struct bt_response r;
	static struct bt_parser parser;
	struct bt_str head = { NULL, 0 };
	enum verdict *verdict = &o->verdict[o->n];
	size_t used = 0;

	switch (find_head(p, n, cuts, &head.n)) {
	case BT_PARSE_MORE:
		*verdict = NEEDS_MORE;
		return 0;
	case BT_PARSE_REFUSED:
		*verdict = REFUSED;
		return 0;
	case BT_PARSE_DONE:
		break;
	}
	head.p = tight(p, head.n);
	*verdict = REFUSED;
	if (bt_response_parse(&parser, head,
		head_was_asked ? BT_METHOD_HEAD : BT_METHOD_GET, &r) == NULL) {
		check_accepted(&r, head, head_was_asked);
		o->status[o->n] = r.status;
		used = head.n;
		*verdict = COMPLETE;
		if (r.until_close) {
			*verdict = NEEDS_MORE;
			used = n;
		} else if (!is_bare(&r, head_was_asked) &&
		    bt_request_has_content(&r.message)) {
			used += run_content(&parser, &r.message, p + used,
			    n - used, cuts, o, verdict);
		}
	}
	free((char *)(uintptr_t)head.p);
	return used;
}

static void
run(const char *p, size_t n, unsigned heads, struct cuts cuts,
    struct outcome *o)
{
	size_t at = 0;

	*o = (struct outcome){ .content = malloc(n + 1) };
	while (at < n && o->n < ANSWERS_MAX) {
		at += run_answer(p + at, n - at, (heads >> o->n) & 1, &cuts, o);
		o->end[o->n] = o->verdict[o->n] == COMPLETE ? at : 0;
		if (o->verdict[o->n++] != COMPLETE)
			break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, cut;
	const char *bytes;

	if (size < 2)
		return 0;
	bytes = (const char *)data + 2;
	run(bytes, size - 2, data[1], (struct cuts){ 0 }, &whole);
	run(bytes, size - 2, data[1], (struct cuts){ data[0] + 1u }, &cut);
	REQUIRE(whole.n == cut.n);
	for (size_t i = 0; i < whole.n; i++) {
		REQUIRE(whole.verdict[i] == cut.verdict[i]);
		REQUIRE(whole.end[i] == cut.end[i]);
		REQUIRE(whole.status[i] == cut.status[i]);
	}
	/* one that is refused may have delivered a part of its content */
	if (whole.n > 0 && whole.verdict[whole.n - 1] != REFUSED) {
		REQUIRE(whole.content_n == cut.content_n);
		REQUIRE(memcmp(whole.content, cut.content, cut.content_n) == 0);
	}
	free(whole.content);
	free(cut.content);
	return 0;
}
