/*
 * base/arena.c, base/mem.c: memory that dies together; allocation that cannot
 * fail.  What leaks or overlaps is also the sanitizers' to find.
 */

#include "base/arena.h"
#include "base/mem.h"
#include "tests/unit/dies.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define BLOCK 4096 /* of the arena; the tests go around it */
#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

START_TEST(empty_is_valid)
{
	struct bt_arena a = { 0 };

	bt_arena_reset(&a);
	bt_arena_fini(&a);
	bt_arena_fini(&a);
	ck_assert_ptr_null(a.blocks);
}
END_TEST

/* Not even the first allocation of an empty arena, of no bytes, is NULL. */
START_TEST(nothing_has_an_address)
{
	struct bt_arena a = { 0 };
	char *first = bt_arena_alloc(&a, 0);
	char *second = bt_arena_zero(&a, 0);
	struct bt_str copy;

	ck_assert_uint_ne((uintptr_t)first, 0);
	ck_assert_uint_ne((uintptr_t)second, 0);
	ck_assert_ptr_ne(first, second);
	copy = bt_arena_copy(&a, BT_STR_NONE);
	ck_assert_uint_eq(copy.n, 0);
	ck_assert_str_eq(copy.p, "");
	bt_arena_fini(&a);
}
END_TEST

static const size_t sizes[] = { 1, 2, 15, 16, 17, 100, BLOCK / 4 - 1, BLOCK / 4,
	BLOCK / 4 + 1, BLOCK - 16, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK,
	1 << 20 };

/* Filled to their last byte, allocations of all sizes keep apart. */
START_TEST(allocations_keep_apart)
{
	enum { N = 64 };
	struct bt_arena a = { 0 };
	unsigned char *at[N];
	size_t n[N];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++) {
			n[i] = i % 3 ? (size_t)i : sizes[_i];
			at[i] = bt_arena_alloc(&a, n[i]);
			ck_assert_uint_eq(
			    (uintptr_t)at[i] % _Alignof(max_align_t), 0);
			memset(at[i], i + 1, n[i]);
		}
		for (int i = 0; i < N; i++)
			for (size_t k = 0; k < n[i]; k++)
				if (at[i][k] != i + 1)
					ck_abort_msg(
					    "%d overwritten at %zu", i, k);
		bt_arena_reset(&a);
	}
	bt_arena_fini(&a);
}
END_TEST

START_TEST(zero_is_zero)
{
	struct bt_arena a = { 0 };
	unsigned char *p = bt_arena_alloc(&a, sizes[_i]);

	memset(p, 0xff, sizes[_i]);
	bt_arena_reset(&a);
	p = bt_arena_zero(&a, sizes[_i]);
	for (size_t k = 0; k < sizes[_i]; k++)
		if (p[k] != 0)
			ck_abort_msg("not zero at %zu", k);
	bt_arena_fini(&a);
}
END_TEST

/* A large one in between does not waste the rest of the block in use. */
START_TEST(large_ones_leave_the_block_in_use)
{
	struct bt_arena a = { 0 };
	char *before = bt_arena_alloc(&a, 16), *after;

	bt_arena_alloc(&a, 2 * BLOCK);
	after = bt_arena_alloc(&a, 16);
	ck_assert_ptr_eq(after, before + 16);
	bt_arena_fini(&a);
}
END_TEST

START_TEST(reset_keeps_one_block)
{
	struct bt_arena a = { 0 };
	char *first;

	if (_i) /* the first allocation is a large one */
		bt_arena_alloc(&a, 2 * BLOCK);
	for (int i = 0; i < 1000; i++)
		bt_arena_alloc(&a, 100);
	bt_arena_alloc(&a, 2 * BLOCK);
	bt_arena_reset(&a);
	ck_assert_ptr_nonnull(a.blocks);
	first = bt_arena_alloc(&a, 100);
	bt_arena_reset(&a);
	ck_assert_ptr_eq(bt_arena_alloc(&a, 100), first);
	bt_arena_fini(&a);
}
END_TEST

/* What held large ones only keeps nothing: idle memory stays small. */
START_TEST(reset_keeps_no_large_block)
{
	struct bt_arena a = { 0 };

	bt_arena_alloc(&a, 2 * BLOCK);
	bt_arena_alloc(&a, 2 * BLOCK);
	bt_arena_reset(&a);
	ck_assert_ptr_null(a.blocks);
	ck_assert_ptr_nonnull(bt_arena_strdup(&a, "usable"));
	bt_arena_fini(&a);
}
END_TEST

START_TEST(copies_and_prints)
{
	struct bt_arena a = { 0 };
	char large[3 * BLOCK];
	struct bt_str s = bt_arena_copy(&a, (struct bt_str){ "a\0bc", 3 });

	ck_assert_uint_eq(s.n, 3);
	ck_assert_mem_eq(s.p, "a\0b\0", 4);
	ck_assert_str_eq(bt_arena_strdup(&a, "text"), "text");
	s = bt_arena_printf(&a, "%d %s", 42, "x");
	ck_assert_uint_eq(s.n, 4);
	ck_assert_str_eq(s.p, "42 x");
	s = bt_arena_printf(&a, "%s", "");
	ck_assert_uint_eq(s.n, 0);
	ck_assert_str_eq(s.p, "");
	memset(large, 'x', sizeof(large));
	s = bt_arena_printf(&a, "%.*s", (int)sizeof(large), large);
	ck_assert_uint_eq(s.n, sizeof(large));
	ck_assert_mem_eq(s.p, large, sizeof(large));
	ck_assert_int_eq(s.p[s.n], '\0');
	bt_arena_fini(&a);
}
END_TEST

static void
alloc_too_much(size_t n)
{
	struct bt_arena a = { 0 };

	bt_arena_alloc(&a, 16);
	bt_arena_alloc(&a, n);
}

static void
new_too_much(size_t n)
{
	free(bt_mem_new(n));
}

static void
zero_too_much(size_t n)
{
	free(bt_mem_zero(n / 8 + 2, 16));
}

static void
resize_too_much(size_t n)
{
	free(bt_mem_resize(NULL, n / 8 + 2, 16));
}

static void (*const greedy[])(
    size_t) = { alloc_too_much, new_too_much, zero_too_much, resize_too_much };
static const size_t too_much[] = { SIZE_MAX, SIZE_MAX - 14, SIZE_MAX - 15,
	SIZE_MAX - 40, SIZE_MAX / 2 + 1 };

/* Sizes that wrap around must not pass for small ones. */
START_TEST(ends_when_memory_is_out)
{
	for (int k = 0; k < ROWS(too_much); k++)
		ck_assert_msg(bt_unit_dies(greedy[_i], too_much[k]),
		    "size %d was had", k);
}
END_TEST

START_TEST(mem_of_no_bytes)
{
	char *p[] = { bt_mem_new(0), bt_mem_zero(0, 8), bt_mem_zero(8, 0),
		bt_mem_resize(NULL, 0, 8), bt_mem_try(0),
		bt_mem_strndup(NULL, 0) };

	ck_assert_str_eq(p[5], "");
	for (int i = 0; i < ROWS(p); i++) {
		ck_assert_ptr_nonnull(p[i]);
		free(p[i]);
	}
}
END_TEST

START_TEST(mem_copies)
{
	char *p = bt_mem_strndup("a\0bcd", 4), *q = bt_mem_strdup("text");

	ck_assert_mem_eq(p, "a\0bc\0", 5);
	ck_assert_str_eq(q, "text");
	q = bt_mem_resize(q, 1000, 10);
	ck_assert_str_eq(q, "text");
	free(p);
	free(q);
}
END_TEST

BT_UNIT_SUITE(arena)
{
	TCase *tc = bt_unit_case(s, "arena");

	tcase_add_test(tc, empty_is_valid);
	tcase_add_test(tc, nothing_has_an_address);
	tcase_add_loop_test(tc, allocations_keep_apart, 0, ROWS(sizes));
	tcase_add_loop_test(tc, zero_is_zero, 0, ROWS(sizes));
	tcase_add_test(tc, large_ones_leave_the_block_in_use);
	tcase_add_loop_test(tc, reset_keeps_one_block, 0, 2);
	tcase_add_test(tc, reset_keeps_no_large_block);
	tcase_add_test(tc, copies_and_prints);
	tc = bt_unit_case(s, "mem");
	tcase_add_loop_test(tc, ends_when_memory_is_out, 0, ROWS(greedy));
	tcase_add_test(tc, mem_of_no_bytes);
	tcase_add_test(tc, mem_copies);
}
