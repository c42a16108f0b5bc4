/* http/basic.c: credentials, strictly (RFC 7617; RFC 4648, 3.5). */

#include "http/basic.h"

#include "tests/unit/unit.h"

#include <errno.h>

/* clang-format off: tables */
static const struct {
	const char *value, *user, *password; /* NULL: none */
} rows[] = {
	{ "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame" },
	{ "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame" },
	{ "BASIC   dGVzdDoxMjPCow==", "test", "123\xc2\xa3" },
	{ "Basic YTpiOmM=", "a", "b:c" },
	{ "Basic Og==", "", "" },
	{ "Basic YTo=", "a", "" },
	{ "Basic YWI6Y2Q+Pz8/", "ab", "cd>???" },
	/* none */
	{ "", NULL, NULL },
	{ "Basic", NULL, NULL },
	{ "Basic ", NULL, NULL },
	{ "Bearer YTpi", NULL, NULL },
	{ "BasicYTpi", NULL, NULL },
	{ "Basic YWI=", NULL, NULL },     /* no colon */
	{ "Basic YTpiOmM", NULL, NULL },  /* no padding */
	{ "Basic YTpiOmN=", NULL, NULL }, /* bits behind the last byte */
	{ "Basic YTpi====", NULL, NULL },
	{ "Basic YT=i", NULL, NULL },
	{ "Basic YTpi YTpi", NULL, NULL },
	{ "Basic YTp_", NULL, NULL },     /* of base64url */
	{ "Basic YTpiAA==", NULL, NULL }, /* a NUL: crypt would stop there */
	{ "Basic YToKYg==", NULL, NULL }, /* a line feed */
	{ "Basic YTpi,", NULL, NULL },
};
/* clang-format on */

START_TEST(parses)
{
	struct bt_arena a = { 0 };
	struct bt_credentials c = { 0 };
	int r = bt_basic_parse(bt_str_of(rows[_i].value), &a, &c);

	ck_assert_int_eq(r, rows[_i].user ? 0 : -EINVAL);
	if (r == 0) {
		ck_assert(bt_str_equal(c.user, bt_str_of(rows[_i].user)));
		ck_assert(
		    bt_str_equal(c.password, bt_str_of(rows[_i].password)));
	}
	bt_arena_fini(&a);
}
END_TEST

START_TEST(nothing_there)
{
	struct bt_arena a = { 0 };
	struct bt_credentials c;

	ck_assert_int_eq(bt_basic_parse(BT_STR_NONE, &a, &c), -EINVAL);
	bt_arena_fini(&a);
}
END_TEST

BT_UNIT_SUITE(basic)
{
	TCase *tc = bt_unit_case(s, "credentials");

	tcase_add_loop_test(
	    tc, parses, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, nothing_there);
}
