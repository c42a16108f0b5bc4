/* The byte guard of chunk-size lines and trailers. */

#include "http/chunk.h"

#include "tests/unit/unit.h"

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* clang-format off: a table */
static const struct {
	enum bt_chunk_place from;
	const char *line;
	int to; /* -1: refused */
} rows[] = {
	{ BT_CHUNK_SIZE_FIRST, "", BT_CHUNK_SIZE_FIRST },
	{ BT_CHUNK_SIZE_FIRST, "0\r\n", BT_CHUNK_LINE_END },
	{ BT_CHUNK_SIZE_FIRST, "aF09\r\n", BT_CHUNK_LINE_END },
	{ BT_CHUNK_SIZE_FIRST, "1;a\r\n", BT_CHUNK_LINE_END },
	{ BT_CHUNK_SIZE_FIRST, "1;a=b\r\n", BT_CHUNK_LINE_END },
	{ BT_CHUNK_SIZE_FIRST, "1;a;b=\"c d;,\"\r\n", BT_CHUNK_LINE_END },
	{ BT_CHUNK_SIZE_FIRST, "1;!#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~\r\n",
	    BT_CHUNK_LINE_END },
	{ BT_CHUNK_SIZE_FIRST, "1", BT_CHUNK_SIZE },
	{ BT_CHUNK_SIZE_FIRST, "1\r", BT_CHUNK_LINE_LF },
	{ BT_CHUNK_SIZE_FIRST, "1;", BT_CHUNK_NAME_FIRST },
	{ BT_CHUNK_SIZE_FIRST, "1;a=\"b", BT_CHUNK_QUOTED },
	{ BT_CHUNK_SIZE_FIRST, "1;a=\"b\"", BT_CHUNK_QUOTED_END },
	{ BT_CHUNK_SIZE_FIRST, "\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, ";a\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "g\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1g\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1 \r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1\r\r", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;;\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;=b\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=;b\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=b;c\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=b=c\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=b\"\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=\"b\"c\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=\"\\\"\"\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=\"\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;a=\"\x7f\"\r\n", -1 },
	{ BT_CHUNK_SIZE_FIRST, "1;(\r\n", -1 },
	{ BT_CHUNK_DATA_CR, "\r\n", BT_CHUNK_SIZE_FIRST },
	{ BT_CHUNK_DATA_CR, "\r", BT_CHUNK_DATA_LF },
	{ BT_CHUNK_DATA_CR, "\n", -1 },
	{ BT_CHUNK_DATA_CR, "x", -1 },
	{ BT_CHUNK_DATA_LF, "\r", -1 },
	{ BT_CHUNK_TRAILER, "\r\n", BT_CHUNK_END },
	{ BT_CHUNK_TRAILER, "A: b\r\n", BT_CHUNK_TRAILER },
	{ BT_CHUNK_TRAILER, "A:\r\n", BT_CHUNK_TRAILER },
	{ BT_CHUNK_TRAILER, "A:\t\xc3\xa4 b\r\n", BT_CHUNK_TRAILER },
	{ BT_CHUNK_TRAILER, "A", BT_CHUNK_FIELD_NAME },
	{ BT_CHUNK_TRAILER, "A:", BT_CHUNK_FIELD_VALUE },
	{ BT_CHUNK_TRAILER, "\n", -1 },
	{ BT_CHUNK_TRAILER, "\rX", -1 },
	{ BT_CHUNK_TRAILER, ": v\r\n", -1 },
	{ BT_CHUNK_TRAILER, " A: b\r\n", -1 },
	{ BT_CHUNK_TRAILER, "\tA: b\r\n", -1 },
	{ BT_CHUNK_TRAILER, "A : b\r\n", -1 },
	{ BT_CHUNK_TRAILER, "A\r\n", -1 },
	{ BT_CHUNK_TRAILER, "A: b\n", -1 },
	{ BT_CHUNK_TRAILER, "A: b\r\r", -1 },
	{ BT_CHUNK_TRAILER, "A: \x01\r\n", -1 },
	{ BT_CHUNK_LINE_END, "x", -1 },
	{ BT_CHUNK_END, "x", -1 },
};
/* clang-format on */

START_TEST(guards)
{
	enum bt_chunk_place at = rows[_i].from, bytewise = at;
	struct bt_str line = bt_str_of(rows[_i].line);
	bool taken = bt_chunk_guard(&at, line), alike = true;

	for (size_t i = 0; i < line.n && alike; i++)
		alike =
		    bt_chunk_guard(&bytewise, (struct bt_str){ line.p + i, 1 });
	ck_assert_int_eq(alike, taken);
	ck_assert_int_eq(taken ? (int)at : -1, rows[_i].to);
	if (taken)
		ck_assert_int_eq(bytewise, at);
	else
		ck_assert_int_eq(at, rows[_i].from);
}
END_TEST

BT_UNIT_SUITE(chunk)
{
	TCase *tc = bt_unit_case(s, "guard");

	tcase_add_loop_test(tc, guards, 0, N(rows));
}
