/* http/trailer.c: sections, however they come; what may stand in one. */

#include "http/trailer.h"

#include "tests/unit/unit.h"

/* Lines come back as they were, in whatever pieces they came. */
START_TEST(keeps_lines)
{
	static const char text[] = "A: b\r\nlonger-name:\r\nA:c \r\n";
	struct bt_arena arena = { 0 };
	struct bt_trailers t = { .arena = &arena };
	struct bt_str section, name, line;
	size_t step = (size_t)_i + 1;

	for (unsigned round = 0; round < 100; round++)
		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			bt_trailers_add(&t,
			    (struct bt_str){ text + at,
				sizeof(text) - 1 - at < step
				    ? sizeof(text) - 1 - at
				    : step });
	section = (struct bt_str){ t.bytes, t.n };
	for (unsigned round = 0; round < 100; round++) {
		ck_assert(bt_trailer_next(&section, &name, &line));
		ck_assert(bt_str_equal(name, BT_STR("A")));
		ck_assert(bt_str_equal(line, BT_STR("A: b\r\n")));
		ck_assert(bt_trailer_next(&section, &name, &line));
		ck_assert(bt_str_equal(name, BT_STR("longer-name")));
		ck_assert(bt_trailer_next(&section, &name, &line));
		ck_assert(bt_str_equal(line, BT_STR("A:c \r\n")));
	}
	ck_assert(!bt_trailer_next(&section, &name, &line));
	bt_arena_fini(&arena);
}
END_TEST

static const struct {
	const char *name;
	bool allowed;
} names[] = {
	{ "ETag", true },
	{ "X-Checksum", true },
	{ "Digest", true },
	{ "Server-Timing", true },
	{ "Content-Length", false },
	{ "transfer-ENCODING", false },
	{ "Host", false },
	{ "Set-Cookie", false },
	{ "Authorization", false },
	{ "Content-Encoding", false },
	{ "Cache-Control", false },
	{ "If-Match", false },
	{ "Trailer", false },
};

START_TEST(knows_names)
{
	ck_assert_int_eq(bt_trailer_is_allowed(bt_str_of(names[_i].name)),
	    names[_i].allowed);
}
END_TEST

BT_UNIT_SUITE(trailer)
{
	TCase *tc = bt_unit_case(s, "sections");

	tcase_add_loop_test(tc, keeps_lines, 0, 27);
	tc = bt_unit_case(s, "names");
	tcase_add_loop_test(
	    tc, knows_names, 0, (int)(sizeof(names) / sizeof(names[0])));
}
