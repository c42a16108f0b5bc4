/*
 * base/escape.c: text of others stays text.
 */

#include "base/escape.h"
#include "tests/unit/unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text, *html, *json;
} rows[] = {
	{ "", "", "" },
	{ "plain", "plain", "plain" },
	{ "<script>", "&lt;script&gt;", "<script>" },
	{ "a & b", "a &amp; b", "a & b" },
	{ "\" onload='x'", "&quot; onload=&#39;x&#39;", "\\\" onload='x'" },
	{ "\\", "\\", "\\\\" },
	{ "a\nb\x1b", "a\nb\x1b", "a\\u000ab\\u001b" },
	{ "\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac" },
};

START_TEST(html)
{
	struct bt_buf b = { 0 };

	bt_escape_html(&b, bt_str_of(rows[_i].text));
	ck_assert(bt_str_equal(bt_buf_str(&b), bt_str_of(rows[_i].html)));
	bt_buf_fini(&b);
}
END_TEST

START_TEST(json)
{
	struct bt_buf b = { 0 };

	bt_escape_json(&b, bt_str_of(rows[_i].text));
	ck_assert(bt_str_equal(bt_buf_str(&b), bt_str_of(rows[_i].json)));
	bt_buf_fini(&b);
}
END_TEST

BT_UNIT_SUITE(escape)
{
	TCase *tc = bt_unit_case(s, "forms");

	tcase_add_loop_test(tc, html, 0, ROWS(rows));
	tcase_add_loop_test(tc, json, 0, ROWS(rows));
}
