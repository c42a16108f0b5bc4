/* handlers/gzip_cache.c: what is kept, for how long, and whose it is. */

#include "handlers/gzip_cache.h"

#include "handlers/gzip.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 1000 };

/* Adds BYTES of coded content by that key. */
static struct bt_gzip_entry *
add(struct bt_gzip *g, const char *key)
{
	return bt_gzip_add(
	    g, bt_str_of(key), (struct bt_str){ calloc(1, BYTES), BYTES });
}

static bool
has(struct bt_gzip *g, const char *key)
{
	struct bt_gzip_entry *e = bt_gzip_find(g, bt_str_of(key));

	if (e != NULL)
		bt_gzip_entry_unref(e);
	return e != NULL;
}

START_TEST(keeps_by_key)
{
	struct bt_gzip *g = bt_gzip_new(100 * BYTES);
	struct bt_gzip_entry *a = add(g, "a"), *b = add(g, "b"), *again;

	again = bt_gzip_find(g, BT_STR("a"));
	ck_assert_ptr_eq(again, a);
	ck_assert_uint_eq(again->coded.n, BYTES);
	ck_assert(has(g, "b"));
	ck_assert(!has(g, "c"));
	bt_gzip_entry_unref(again);
	bt_gzip_entry_unref(a);
	bt_gzip_entry_unref(b);
	bt_gzip_free(g);
}
END_TEST

/* What nobody can ask for again is its holder's alone. */
START_TEST(without_a_key_nothing_is_kept)
{
	struct bt_gzip *g = bt_gzip_new(100 * BYTES);
	struct bt_gzip_entry *e = add(g, "");

	ck_assert(!has(g, ""));
	bt_gzip_free(g);
	ck_assert_uint_eq(e->coded.n, BYTES);
	bt_gzip_entry_unref(e);
}
END_TEST

START_TEST(least_recently_used_go)
{
	struct bt_gzip *g = bt_gzip_new(5 * BYTES);
	struct bt_gzip_entry *held = add(g, "held");
	char key[16];

	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "%d", i);
		bt_gzip_entry_unref(add(g, key));
		ck_assert(has(g, "0") || i > 10);
		ck_assert(has(g, key));
	}
	ck_assert(has(g, "19"));
	ck_assert(has(g, "0")); /* asked for all the time */
	ck_assert(!has(g, "1"));
	ck_assert(!has(g, "held"));
	/* but who holds one has it */
	ck_assert_uint_eq(held->coded.n, BYTES);
	ck_assert_int_eq(held->coded.p[BYTES - 1], 0);
	bt_gzip_entry_unref(held);
	bt_gzip_free(g);
}
END_TEST

/* Two were coded at the same time: the later one stays, both are good. */
START_TEST(twice)
{
	struct bt_gzip *g = bt_gzip_new(100 * BYTES);
	struct bt_gzip_entry *a = add(g, "a"), *b = add(g, "a"), *found;

	found = bt_gzip_find(g, BT_STR("a"));
	ck_assert_ptr_eq(found, b);
	ck_assert_uint_eq(a->coded.n, BYTES);
	bt_gzip_entry_unref(found);
	bt_gzip_entry_unref(a);
	bt_gzip_entry_unref(b);
	bt_gzip_free(g);
}
END_TEST

/* One that is larger than all that may be kept goes with the next. */
START_TEST(larger_than_the_bound)
{
	struct bt_gzip *g = bt_gzip_new(BYTES / 2);

	bt_gzip_entry_unref(add(g, "a"));
	bt_gzip_entry_unref(add(g, "b"));
	ck_assert(!has(g, "a"));
	ck_assert(has(g, "b"));
	bt_gzip_free(g);
}
END_TEST

BT_UNIT_SUITE(gzip_cache)
{
	TCase *tc = bt_unit_case(s, "kept");

	tcase_add_test(tc, keeps_by_key);
	tcase_add_test(tc, without_a_key_nothing_is_kept);
	tcase_add_test(tc, least_recently_used_go);
	tcase_add_test(tc, twice);
	tcase_add_test(tc, larger_than_the_bound);
}
