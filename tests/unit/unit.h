#ifndef BT_TESTS_UNIT_H
#define BT_TESTS_UNIT_H

/*
 * A unit test file names its suite and is found by itself:
 *
 *	BT_UNIT_SUITE(range)
 *	{
 *		TCase *tc = bt_unit_case(s, "single");
 *		tcase_add_test(tc, first_bytes);
 *	}
 */

#include <check.h>

typedef void bt_unit_fill_fn(Suite *s);

/* Called before main() by BT_UNIT_SUITE. */
void bt_unit_register(const char *name, bt_unit_fill_fn *);

/* A new case of the suite. */
TCase *bt_unit_case(Suite *, const char *name);

#define BT_UNIT_SUITE(name) \
	static void fill_##name(Suite *); \
	__attribute__((constructor)) static void register_##name(void) \
	{ \
		bt_unit_register(#name, fill_##name); \
	} \
	static void fill_##name(Suite *s)

#endif
