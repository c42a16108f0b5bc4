/*
 * base/buf.c: a byte buffer that grows.
 */

#include "base/buf.h"
#include "tests/unit/dies.h"
#include "tests/unit/unit.h"

static void
expect(const struct bt_buf *b, const char *text)
{
	ck_assert_uint_eq(b->len, strlen(text));
	ck_assert_str_eq(b->data, text);
	ck_assert_uint_gt(b->cap, b->len);
}

START_TEST(empty_is_valid)
{
	struct bt_buf b = { 0 };

	ck_assert_uint_eq(bt_buf_str(&b).n, 0);
	bt_buf_clear(&b);
	ck_assert_ptr_null(b.data);
	bt_buf_fini(&b);
	bt_buf_fini(&b);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(appends_in_all_ways)
{
	struct bt_buf b = { 0 };

	bt_buf_append(&b, "ab", 2);
	expect(&b, "ab");
	bt_buf_putc(&b, 'c');
	expect(&b, "abc");
	bt_buf_puts(&b, "def");
	expect(&b, "abcdef");
	bt_buf_printf(&b, "-%d-%s", 42, "x");
	expect(&b, "abcdef-42-x");
	bt_buf_clear(&b);
	expect(&b, "");
	bt_buf_puts(&b, "again");
	expect(&b, "again");
	bt_buf_fini(&b);
	bt_buf_puts(&b, "usable");
	expect(&b, "usable");
	bt_buf_fini(&b);
}
END_TEST

/* What appends nothing still leaves a text that can be printed. */
START_TEST(nothing_appended_is_terminated)
{
	struct bt_buf b = { 0 };

	bt_buf_append(&b, NULL, 0);
	expect(&b, "");
	bt_buf_fini(&b);
	bt_buf_printf(&b, "%s", "");
	expect(&b, "");
	bt_buf_fini(&b);
	*bt_buf_reserve(&b, 10) = '\0';
	bt_buf_printf(&b, "%s", "");
	expect(&b, "");
	bt_buf_fini(&b);
}
END_TEST

START_TEST(keeps_nul_bytes)
{
	struct bt_buf b = { 0 };

	bt_buf_append(&b, "a\0b", 3);
	bt_buf_putc(&b, '\0');
	ck_assert_uint_eq(b.len, 4);
	ck_assert_mem_eq(b.data, "a\0b\0", 5);
	bt_buf_fini(&b);
}
END_TEST

/* Every length around the doublings of its memory. */
START_TEST(grows_at_every_length)
{
	for (size_t first = 0; first < 140; first++) {
		struct bt_buf b = { 0 };

		for (size_t i = 0; i < first; i++)
			bt_buf_putc(&b, (char)('a' + i % 26));
		bt_buf_printf(&b, "%0*d", (int)first + 1, 7);
		ck_assert_uint_eq(b.len, 2 * first + 1);
		ck_assert_int_eq(b.data[2 * first], '7');
		ck_assert_int_eq(b.data[2 * first + 1], '\0');
		for (size_t i = 0; i < first; i++)
			ck_assert_int_eq(b.data[i], 'a' + (int)(i % 26));
		bt_buf_fini(&b);
	}
}
END_TEST

START_TEST(reserves)
{
	struct bt_buf b = { 0 };
	char *at = bt_buf_reserve(&b, 1000);

	ck_assert_ptr_nonnull(at);
	ck_assert_uint_ge(b.cap, 1001);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_str_eq(b.data, "");
	memset(at, 'x', 1000);
	b.len += 1000;
	ck_assert_ptr_eq(bt_buf_reserve(&b, b.cap - b.len - 1), b.data + 1000);
	bt_buf_putc(&b, 'y');
	ck_assert_uint_eq(b.len, 1001);
	ck_assert_int_eq(b.data[999], 'x');
	ck_assert_int_eq(b.data[1000], 'y');
	bt_buf_fini(&b);
}
END_TEST

static const size_t too_much[] = {
	SIZE_MAX,
	SIZE_MAX - 1,
	SIZE_MAX - 4,
	SIZE_MAX / 2,
	SIZE_MAX / 2 - 1,
};

static void
reserve_too_much(size_t n)
{
	struct bt_buf b = { 0 };

	bt_buf_puts(&b, "abc");
	bt_buf_reserve(&b, n);
}

/* Sizes that wrap around must not pass for small ones. */
START_TEST(ends_when_memory_is_out)
{
	ck_assert(bt_unit_dies(reserve_too_much, too_much[_i]));
}
END_TEST

BT_UNIT_SUITE(buf)
{
	TCase *tc = bt_unit_case(s, "append");

	tcase_add_test(tc, empty_is_valid);
	tcase_add_test(tc, appends_in_all_ways);
	tcase_add_test(tc, nothing_appended_is_terminated);
	tcase_add_test(tc, keeps_nul_bytes);
	tcase_add_test(tc, grows_at_every_length);
	tcase_add_test(tc, reserves);
	tc = bt_unit_case(s, "out of memory");
	tcase_add_loop_test(tc, ends_when_memory_is_out, 0,
	    (int)(sizeof(too_much) / sizeof(too_much[0])));
}
