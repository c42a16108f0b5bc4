/*
 * base/str.c: spans, lists, numbers.
 */

#include "base/str.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *a, *b;
	bool equal, nocase, prefix; /* prefix: `a` begins with `b` */
} pairs[] = {
	{ "", "", true, true, true },
	{ "a", "", false, false, true },
	{ "", "a", false, false, false },
	{ "Host", "host", false, true, false },
	{ "host", "host", true, true, true },
	{ "hosts", "host", false, false, true },
	{ "host", "hosts", false, false, false },
	{ "[", "{", false, false, false }, /* 0x20 apart, no letters */
	{ "@", "`", false, false, false },
	{ "\xc4", "\xe4", false, false, false }, /* a locale's letters */
	{ "AZaz", "azAZ", false, true, false },
};

START_TEST(compares)
{
	struct bt_str a = bt_str_of(pairs[_i].a), b = bt_str_of(pairs[_i].b);

	ck_assert_int_eq(bt_str_equal(a, b), pairs[_i].equal);
	ck_assert_int_eq(bt_str_equal_nocase(a, b), pairs[_i].nocase);
	ck_assert_int_eq(bt_str_has_prefix(a, b), pairs[_i].prefix);
	ck_assert_int_eq(
	    bt_str_hash(a, true) == bt_str_hash(b, true), pairs[_i].nocase);
	ck_assert_int_eq(
	    bt_str_hash(a, false) == bt_str_hash(b, false), pairs[_i].equal);
}
END_TEST

START_TEST(none_is_empty)
{
	struct bt_str none = BT_STR_NONE, next = BT_STR("untouched");

	ck_assert(bt_str_equal(none, BT_STR("")));
	ck_assert(bt_str_equal_nocase(none, BT_STR("")));
	ck_assert(bt_str_has_prefix(none, none));
	ck_assert(bt_str_has_prefix(BT_STR("x"), none));
	ck_assert_uint_eq(bt_str_trim(none).n, 0);
	ck_assert(!bt_str_list_next(&none, &next));
	ck_assert(bt_str_equal(next, BT_STR("untouched")));
	ck_assert_uint_eq(bt_str_of(NULL).n, 0);
}
END_TEST

/* The published test vectors of 32 bit FNV-1a. */
static const struct {
	const char *text;
	uint32_t hash;
} hashes[] = {
	{ "", 0x811c9dc5u },
	{ "a", 0xe40c292cu },
	{ "foobar", 0xbf9cf968u },
};

START_TEST(hashes_as_fnv1a)
{
	ck_assert_uint_eq(
	    bt_str_hash(bt_str_of(hashes[_i].text), false), hashes[_i].hash);
}
END_TEST

static const struct {
	const char *in, *out;
} trims[] = {
	{ "", "" },
	{ " ", "" },
	{ " \t ", "" },
	{ "a", "a" },
	{ " \ta b\t ", "a b" },
	{ "\ra\n", "\ra\n" }, /* OWS is SP and HTAB alone */
	{ "\va\f", "\va\f" },
};

START_TEST(trims_blanks)
{
	struct bt_str s = bt_str_trim(bt_str_of(trims[_i].in));

	ck_assert(bt_str_equal(s, bt_str_of(trims[_i].out)));
}
END_TEST

static const struct {
	const char *list;
	const char *members[5];
} lists[] = {
	{ "", { NULL } },
	{ ",", { NULL } },
	{ " , ,\t,", { NULL } },
	{ "a", { "a" } },
	{ "a,b", { "a", "b" } },
	{ " a , b ,", { "a", "b" } },
	{ ",,a,,b", { "a", "b" } },
	{ "gzip;q=0.5, br", { "gzip;q=0.5", "br" } },
	{ "\"a,b\", c", { "\"a,b\"", "c" } },
	{ "x=\"a,b\";y,c", { "x=\"a,b\";y", "c" } },
	{ "\"a\\\",b\",c", { "\"a\\\",b\"", "c" } }, /* a quoted quote */
	{ "\"a\\\\\",b", { "\"a\\\\\"", "b" } },     /* a quoted backslash */
	{ "\"a,b", { "\"a,b" } },                    /* never closed */
	{ "\"a\\", { "\"a\\" } },
	{ "a\\,b", { "a\\", "b" } }, /* outside, it quotes nothing */
	{ "W/\"1\", \"2\"", { "W/\"1\"", "\"2\"" } },
};

START_TEST(walks_lists)
{
	struct bt_str list = bt_str_of(lists[_i].list), member;
	size_t n = 0;

	while (bt_str_list_next(&list, &member)) {
		ck_assert_ptr_nonnull(lists[_i].members[n]);
		ck_assert_msg(
		    bt_str_equal(member, bt_str_of(lists[_i].members[n])),
		    "member %zu is '%.*s'", n, BT_STR_ARG(member));
		n++;
	}
	ck_assert_ptr_null(lists[_i].members[n]);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

static const struct {
	const char *text;
	int r;
	uint64_t value;
} decimals[] = {
	{ "0", 0, 0 },
	{ "7", 0, 7 },
	{ "0007", 0, 7 },
	{ "18446744073709551615", 0, UINT64_MAX },
	{ "00000000000000000000000000000000001", 0, 1 },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "18446744073709551620", -ERANGE, 0 },
	{ "99999999999999999999999999", -ERANGE, 0 },
	/* wraps to a small number on its way */
	{ "184467440737095516160000", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "0x1", -EINVAL, 0 },
	{ "1,1", -EINVAL, 0 },
	{ "1\xb2", -EINVAL, 0 },
	/* no number, however long: 400, not 413 */
	{ "99999999999999999999999999x", -EINVAL, 0 },
}, hexes[] = {
	{ "0", 0, 0 },
	{ "aF", 0, 0xaf },
	{ "0000000000000000000000000000ff", 0, 0xff },
	{ "ffffffffffffffff", 0, UINT64_MAX },
	{ "FFFFFFFFFFFFFFFF", 0, UINT64_MAX },
	{ "10000000000000000", -ERANGE, 0 },
	{ "fffffffffffffffff", -ERANGE, 0 },
	{ "10000000000000000000000000000000000", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "0x1", -EINVAL, 0 },
	{ "g", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "1;a", -EINVAL, 0 },
	{ "fffffffffffffffffg", -EINVAL, 0 },
};

START_TEST(parses_decimals)
{
	uint64_t value = 0xdead;

	ck_assert_int_eq(bt_str_parse_u64(bt_str_of(decimals[_i].text), &value),
	    decimals[_i].r);
	/* results are untouched on failure */
	ck_assert_uint_eq(value, decimals[_i].r ? 0xdead : decimals[_i].value);
}
END_TEST

START_TEST(parses_hexes)
{
	uint64_t value = 0xdead;

	ck_assert_int_eq(
	    bt_str_parse_hex(bt_str_of(hexes[_i].text), &value), hexes[_i].r);
	ck_assert_uint_eq(value, hexes[_i].r ? 0xdead : hexes[_i].value);
}
END_TEST

/* A span is not NUL-terminated: nothing may be read behind it. */
START_TEST(stays_inside_the_span)
{
	struct bt_str s = { "12345", 2 };
	uint64_t value;

	ck_assert_int_eq(bt_str_parse_u64(s, &value), 0);
	ck_assert_uint_eq(value, 12);
	ck_assert_int_eq(bt_str_parse_hex(s, &value), 0);
	ck_assert_uint_eq(value, 0x12);
	ck_assert_int_eq(bt_str_parse_u64(BT_STR("1\0002"), &value), -EINVAL);
}
END_TEST

BT_UNIT_SUITE(str)
{
	TCase *tc = bt_unit_case(s, "compare");

	tcase_add_loop_test(tc, compares, 0, ROWS(pairs));
	tcase_add_test(tc, none_is_empty);
	tcase_add_loop_test(tc, hashes_as_fnv1a, 0, ROWS(hashes));
	tc = bt_unit_case(s, "lists");
	tcase_add_loop_test(tc, trims_blanks, 0, ROWS(trims));
	tcase_add_loop_test(tc, walks_lists, 0, ROWS(lists));
	tc = bt_unit_case(s, "numbers");
	tcase_add_loop_test(tc, parses_decimals, 0, ROWS(decimals));
	tcase_add_loop_test(tc, parses_hexes, 0, ROWS(hexes));
	tcase_add_test(tc, stays_inside_the_span);
}
