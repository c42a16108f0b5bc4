/*
 * base/utf8.c: what may be shown as it is, at every cut.
 */

#include "base/utf8.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct {
	const char *text;
	size_t length; /* 0: not to be shown */
} rows[] = {
	{ " ", 1 },
	{ "~", 1 },
	{ "\x1f", 0 },
	{ "\x7f", 0 },
	{ "\xc2\xa0", 2 },
	{ "\xdf\xbf", 2 },
	{ "\xe0\xa0\x80", 3 },
	{ "\xed\x9f\xbf", 3 },
	{ "\xef\xbf\xbf", 3 },
	{ "\xf0\x90\x80\x80", 4 },
	{ "\xf4\x8f\xbf\xbf", 4 },
	{ "\xc2\x9f", 0 },         /* a C1 control */
	{ "\x80", 0 },             /* no first byte */
	{ "\xc1\xbf", 0 },         /* overlong */
	{ "\xe0\x9f\xbf", 0 },     /* overlong */
	{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
	{ "\xed\xa0\x80", 0 },     /* a surrogate */
	{ "\xf4\x90\x80\x80", 0 }, /* past U+10FFFF */
	{ "\xe2\x82(", 0 },
	{ "\xff", 0 },
};

START_TEST(characters)
{
	char text[8];
	size_t n = strlen(rows[_i].text);

	memcpy(text, rows[_i].text, n);
	text[n] = 'x';
	ck_assert_uint_eq(bt_utf8_printable(text, n + 1), rows[_i].length);
	ck_assert_uint_eq(bt_utf8_printable(text, n), rows[_i].length);
	for (size_t most = 0; most < n; most++)
		ck_assert_uint_eq(bt_utf8_printable(text, most), 0);
}
END_TEST

BT_UNIT_SUITE(utf8)
{
	TCase *tc = bt_unit_case(s, "utf8");

	tcase_add_loop_test(
	    tc, characters, 0, (int)(sizeof(rows) / sizeof(rows[0])));
}
