/*
 * A connection's bytes, whole and in cuts that the input chooses: the verdicts,
 * the contents and the places where messages end must be the same.  What is
 * accepted is compared with a naive reading of the head.
 */

#include "http/parser.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define HEAD_BYTES_MAX 4096
#define MESSAGES_MAX 16

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

struct outcome {
	unsigned status[MESSAGES_MAX]; /* 0: complete, -1u: needs more */
	size_t end[MESSAGES_MAX];
	size_t n, content_n;
	char *content; /* of all messages, in order */
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

static bool
is_normal(struct bt_str path)
{
	if (path.n == 1 && path.p[0] == '*')
		return true;
	return path.n > 0 && path.p[0] == '/' &&
	    memchr(path.p, '\0', path.n) == NULL &&
	    memmem(path.p, path.n, "//", 2) == NULL &&
	    memmem(path.p, path.n, "/./", 3) == NULL &&
	    memmem(path.p, path.n, "/../", 4) == NULL &&
	    !(path.n >= 2 && memcmp(path.p + path.n - 2, "/.", 2) == 0) &&
	    !(path.n >= 3 && memcmp(path.p + path.n - 3, "/..", 3) == 0);
}

/* Each line of the head is a field, and the other way round. */
static void
check_fields(const struct bt_request *r, struct bt_str head)
{
	const char *p = head.p + r->line.n + 2, *end = head.p + head.n - 2;
	unsigned n = 0;

	for (; p < end; n++) {
		const char *cr = memmem(p, (size_t)(end - p), "\r\n", 2);
		const char *colon = memchr(p, ':', (size_t)(cr - p));
		struct bt_str value;

		REQUIRE(colon != NULL && n < r->fields_n);
		value = bt_str_trim(
		    (struct bt_str){ colon + 1, (size_t)(cr - colon) - 1 });
		REQUIRE(bt_str_equal(r->fields[n].name,
		    (struct bt_str){ p, (size_t)(colon - p) }));
		REQUIRE(bt_str_equal(r->fields[n].value, value));
		p = cr + 2;
	}
	REQUIRE(n == r->fields_n);
}

static void
check_accepted(const struct bt_request *r, struct bt_str head)
{
	bool has_coding = r->known[BT_FIELD_TRANSFER_ENCODING] != 0;

	check_fields(r, head);
	REQUIRE(is_normal(r->path));
	REQUIRE(r->minor <= 1 && r->method < BT_METHODS);
	REQUIRE(r->minor == 0 || r->known[BT_FIELD_HOST] != 0);
	REQUIRE(r->known[BT_FIELD_HOST] == 0 || r->host.n > 0);
	REQUIRE(!has_coding || r->known[BT_FIELD_CONTENT_LENGTH] == 0);
	REQUIRE(r->chunked == has_coding);
	REQUIRE(!r->chunked || (r->minor == 1 && r->content_length == 0));
	REQUIRE(r->line.n == r->method_text.n + r->target.n + 10);
}

/* The content of a message at `p`; how many bytes were used. */
static size_t
run_content(struct bt_parser *parser, const struct bt_request *r, const char *p,
    size_t n, struct cuts *cuts, struct outcome *o, unsigned *status)
{
	enum bt_parse verdict = BT_PARSE_MORE;
	size_t at = 0;

	while (verdict == BT_PARSE_MORE && at < n) {
		size_t piece = next_cut(cuts, n - at), consumed, content;
		char *copy = malloc(piece);

		memcpy(copy, p + at, piece);
		verdict = bt_parser_content(
		    parser, r, copy, piece, &consumed, &content, status);
		if (verdict != BT_PARSE_REFUSED) {
			REQUIRE(content <= consumed && consumed <= piece);
			REQUIRE(verdict == BT_PARSE_DONE || consumed == piece);
			memcpy(o->content + o->content_n, copy, content);
			o->content_n += content;
			at += consumed;
		}
		free(copy);
	}
	if (verdict == BT_PARSE_MORE)
		*status = -1u;
	return at;
}

static enum bt_parse
find_head(const char *p, size_t n, struct cuts *cuts, struct bt_str *head,
    unsigned *status)
{
	struct bt_head_scan scan = { 0 };
	size_t have = 0;

	for (;;) {
		enum bt_parse verdict;

		have += n > have ? next_cut(cuts, n - have) : 0;
		verdict = bt_head_find(&scan, (struct bt_str){ p, have },
		    HEAD_BYTES_MAX, head, status);
		if (verdict != BT_PARSE_MORE || have == n)
			return verdict;
	}
}

/* One message at `p`; how many bytes were used, with the status. */
static size_t
run_message(const char *p, size_t n, uint64_t max, struct cuts *cuts,
    struct outcome *o, unsigned *status)
{
	static struct bt_request r;
	static struct bt_parser parser;
	struct bt_arena arena = { 0 };
	struct bt_str head;
	size_t used = 0;

	switch (find_head(p, n, cuts, &head, status)) {
	case BT_PARSE_MORE:
		*status = -1u;
		return 0;
	case BT_PARSE_REFUSED:
		return 0;
	case BT_PARSE_DONE:
		break;
	}
	*status = bt_parser_head(&parser, head, &arena, &r);
	if (*status == 0) {
		check_accepted(&r, head);
		*status = bt_parser_limit(&parser, &r, max);
		used = (size_t)(head.p + head.n - p);
	}
	if (*status == 0 && bt_request_has_content(&r)) {
		*status = n > used ? 0 : -1u;
		used += run_content(
		    &parser, &r, p + used, n - used, cuts, o, status);
	}
	bt_arena_fini(&arena);
	return used;
}

static void
run(const char *p, size_t n, uint64_t max, struct cuts cuts, struct outcome *o)
{
	size_t at = 0;
	unsigned status = 0;

	*o = (struct outcome){ .content = malloc(n + 1) };
	while (status == 0 && at < n && o->n < MESSAGES_MAX) {
		at += run_message(p + at, n - at, max, &cuts, o, &status);
		o->end[o->n] = status == 0 ? at : 0;
		o->status[o->n++] = status;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, cut;
	uint64_t max;
	char *copy;

	if (size < 2)
		return 0;
	max = data[1] < 0x80 ? UINT64_MAX : data[1] - 0x80u;
	copy = malloc(size - 2 + (size == 2)); /* tight: overruns show */
	memcpy(copy, data + 2, size - 2);
	run(copy, size - 2, max, (struct cuts){ 0 }, &whole);
	run(copy, size - 2, max, (struct cuts){ data[0] + 1u }, &cut);
	REQUIRE(whole.n == cut.n);
	for (size_t i = 0; i < whole.n; i++) {
		REQUIRE(whole.status[i] == cut.status[i]);
		REQUIRE(whole.end[i] == cut.end[i]);
	}
	/* a refused message may have delivered a part of its content */
	if (whole.n > 0 && (whole.status[whole.n - 1] + 1) <= 1) {
		REQUIRE(whole.content_n == cut.content_n);
		REQUIRE(memcmp(whole.content, cut.content, cut.content_n) == 0);
	}
	free(whole.content);
	free(cut.content);
	free(copy);
	return 0;
}
