/*
 * Forms: whatever comes, and in whatever pieces, the same is told; queries and
 * cookies are taken apart without a byte too far.  The first byte says how long
 * pieces are, the boundary is `b`.
 */

#include "http/form.h"
#include "http/multipart.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static struct bt_buf told;

static void
begin(void *arg, const struct bt_part *part)
{
	bt_buf_printf(&told, "<%.*s|%.*s|%.*s>", BT_STR_ARG(part->name),
	    BT_STR_ARG(part->filename), BT_STR_ARG(part->type));
	REQUIRE(part->filename.n == 0 ||
	    memchr(part->filename.p, '/', part->filename.n) == NULL);
}

static void
data(void *arg, struct bt_str piece)
{
	REQUIRE(piece.n > 0);
	bt_buf_append(&told, piece.p, piece.n);
}

static void
end(void *arg)
{
	bt_buf_putc(&told, ';');
}

static int
feed(const uint8_t *bytes, size_t n, size_t step)
{
	static const struct bt_multipart_hooks hooks = { begin, data, end };
	struct bt_multipart m;
	int r = bt_multipart_init(
	    &m, BT_STR("multipart/form-data; boundary=b"), &hooks, NULL);

	bt_buf_clear(&told);
	REQUIRE(r == 0);
	for (size_t at = 0; r == 0 && at < n; at += step) {
		size_t piece = step < n - at ? step : n - at;
		char *copy = malloc(piece);

		memcpy(copy, bytes + at, piece);
		r = bt_multipart_feed(&m, (struct bt_str){ copy, piece });
		free(copy);
	}
	REQUIRE(m.head.len <= BT_MULTIPART_HEAD_MAX);
	if (r == 0)
		r = bt_multipart_finish(&m);
	bt_multipart_fini(&m);
	return r;
}

static void
check_parts(const uint8_t *bytes, size_t n, size_t step)
{
	int r = feed(bytes, n, n ? n : 1);
	char *first = malloc(told.len + 1);
	size_t first_n = told.len;

	memcpy(first, told.data ? told.data : "", told.len);
	REQUIRE(feed(bytes, n, step) == r);
	REQUIRE(r < 0 || /* where it breaks off, more may have been told */
	    (told.len == first_n &&
		memcmp(first, told.data ? told.data : "", first_n) == 0));
	free(first);
}

static void
check_query(const uint8_t *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct bt_str rest = { copy, n }, name, value, found;
	struct bt_arena a = { 0 };
	size_t all = 0;

	memcpy(copy, bytes, n);
	while (bt_query_next(&rest, &a, &name, &value)) {
		all += name.n + value.n;
		REQUIRE(bt_query_find(
		    (struct bt_str){ copy, n }, name, &a, &found));
	}
	REQUIRE(all <= n);
	bt_parameter_find(
	    (struct bt_str){ copy, n }, BT_STR("boundary"), &a, &found);
	bt_arena_fini(&a);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 1 || size > 4096)
		return 0;
	check_parts(bytes + 1, size - 1, (size_t)bytes[0] % 16 + 1);
	if (size < 256)
		check_query(bytes + 1, size - 1);
	bt_buf_fini(&told);
	return 0;
}
