/* multipart/byteranges: RFC 9110, 14.6. */

#include "http/byteranges.h"

#include "tests/unit/unit.h"

#define BOUNDARY "0123456789abcdef0123456789abcdef"

static const struct bt_range ranges[] = { { 0, 1 }, { 500, 500 },
	{ UINT64_C(10000000000), 1 } };

static struct bt_byteranges
set_of(size_t n)
{
	struct bt_byteranges b = {
		.ranges = ranges,
		.n = n,
		.size = UINT64_C(10000000001),
		.type = BT_STR("text/plain; charset=utf-8"),
	};

	memcpy(b.boundary, BOUNDARY, sizeof(b.boundary));
	return b;
}

static const char *const heads[] = {
	"\r\n--" BOUNDARY "\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Content-Range: bytes 0-0/10000000001\r\n\r\n",
	"\r\n--" BOUNDARY "\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Content-Range: bytes 500-999/10000000001\r\n\r\n",
	"\r\n--" BOUNDARY "\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Content-Range: bytes 10000000000-10000000000/10000000001\r\n\r\n",
	"\r\n--" BOUNDARY "--\r\n",
};

START_TEST(heads_and_close_delimiter)
{
	struct bt_byteranges b = set_of(3);
	char head[BT_BYTERANGES_HEAD_MAX];
	size_t n = bt_byteranges_head(&b, (size_t)_i, head);

	ck_assert_uint_eq(n, strlen(heads[_i]));
	ck_assert_str_eq(head, heads[_i]);
}
END_TEST

START_TEST(length_is_that_of_all_parts)
{
	struct bt_byteranges b = set_of(3);
	uint64_t want = 1 + 500 + 1;

	for (int i = 0; i < 4; i++)
		want += strlen(heads[i]);
	ck_assert_uint_eq(bt_byteranges_length(&b), want);
	b = set_of(1);
	ck_assert_uint_eq(
	    bt_byteranges_length(&b), strlen(heads[0]) + 1 + strlen(heads[3]));
}
END_TEST

/* The longest of everything has room. */
START_TEST(a_head_fits)
{
	static char type[128];
	const struct bt_range last = { UINT64_MAX - 1, 1 };
	struct bt_byteranges b = set_of(1);
	char head[BT_BYTERANGES_HEAD_MAX];

	memset(type, 't', sizeof(type));
	b.type = (struct bt_str){ type, sizeof(type) };
	b.ranges = &last;
	b.size = UINT64_MAX;
	ck_assert_uint_lt(
	    bt_byteranges_head(&b, 0, head), BT_BYTERANGES_HEAD_MAX);
}
END_TEST

BT_UNIT_SUITE(byteranges)
{
	TCase *tc = bt_unit_case(s, "parts");

	tcase_add_loop_test(tc, heads_and_close_delimiter, 0, 4);
	tcase_add_test(tc, length_is_that_of_all_parts);
	tcase_add_test(tc, a_head_fits);
}
