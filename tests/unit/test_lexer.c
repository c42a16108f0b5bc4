/* src/conf/lexer.c: tokens, quotes, places, and what is refused. */

#include "conf/lexer.h"
#include "conf/tree.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* Tokens as `<word>`, `"quoted"`, ; { }, a ! after bad ones, $ for variables.
 */
static void
print_tokens(struct bt_report *report, struct bt_str text, struct bt_buf *out)
{
	const struct bt_source *source = bt_source_of(report, "t", text);
	struct bt_lexer lexer;
	struct bt_token t;

	bt_lexer_init(&lexer, report, source);
	bt_buf_append(out, "", 0);
	while ((t = bt_lexer_next(&lexer)).kind != BT_TOKEN_END) {
		static const char marks[] = { [BT_TOKEN_SEMICOLON] = ';',
			[BT_TOKEN_OPEN] = '{',
			[BT_TOKEN_CLOSE] = '}' };

		if (t.kind != BT_TOKEN_WORD) {
			bt_buf_putc(out, marks[t.kind]);
			continue;
		}
		bt_buf_putc(out, t.quoted ? '"' : '<');
		bt_buf_append(out, t.text.p, t.text.n);
		bt_buf_putc(out, t.quoted ? '"' : '>');
		if (t.variable)
			bt_buf_putc(out, '$');
		if (t.bad)
			bt_buf_putc(out, '!');
	}
}

static const struct {
	const char *text, *tokens, *error; /* its first line, NULL: none */
} rows[] = {
	{ "", "", NULL },
	{ " \t\n\r\n", "", NULL },
	{ "# nothing; {", "", NULL },
	{ "a", "<a>", NULL },
	{ "a b;", "<a><b>;", NULL },
	{ "a;b;", "<a>;<b>;", NULL },
	{ "a{b;}", "<a>{<b>;}", NULL },
	{ "a # b\nc;", "<a><c>;", NULL },
	{ "a#b;", "<a#b>;", NULL },
	{ "a\r\nb\r\n;\r\n", "<a><b>;", NULL },
	{ "\xef\xbb\xbf"
	  "a;",
	    "<a>;", NULL },
	{ "a 'b c' \"d;e\";", "<a>\"b c\"\"d;e\";", NULL },
	{ "'' \"\"", "\"\"\"\"", NULL },
	{ "\"it's\" 'say \"x\"'", "\"it's\"\"say \"x\"\"", NULL },
	{ "\"\\n\\t\\r\\\\\\\"\\'\\$a\"", "\"\n\t\r\\\"'$a\"", NULL },
	{ "'\\'\\n'", "\"'\n\"", NULL },
	{ "it's;", "<it's>;", NULL },
	{ "'a'#b\n;", "\"a\";", NULL },
	{ "gr\xc3\xbc\xc3\x9f;", "<gr\xc3\xbc\xc3\x9f>;", NULL },
	{ "$a ${a} $1 a$ $", "<$a>$<${a}>$<$1>$<a$><$>", NULL },
	{ "a${b_1}c; ${ ${a b}", "<a${b_1}c>$;<$>${<$>${<a><b>}", NULL },
	{ "'$a' '\\$a'", "\"$a\"$\"$a\"", NULL },
	{ "a \"b;\nc;", "<a>\"b\"!;<c>;",
	    "t:1:3: this quote is not closed on its line" },
	{ "a 'b; }\nc;", "<a>\"b\"!;}<c>;",
	    "t:1:3: this quote is not closed on its line" },
	{ "a 'b\r\nc;", "<a>\"b\"!<c>;",
	    "t:1:3: this quote is not closed on its line" },
	{ "a \"", "<a>\"\"!", "t:1:3: this quote is not closed on its line" },
	{ "a \"\\\"", "<a>\"\\\"\"!",
	    "t:1:3: this quote is not closed on its line" },
	{ "'a'b;", "\"a\"!<b>;",
	    "t:1:4: a blank or \";\" is missing after the closing quote" },
	{ "\"a\"\"b\";", "\"a\"!\"b\";",
	    "t:1:4: a blank or \";\" is missing after the closing quote" },
	{ "'a\\db';", "\"adb\"!;", "t:1:3: unknown escape" },
	{ "'\\x41';", "\"x41\"!;", "t:1:2: unknown escape" },
	{ "a\\b;", "<a\\b>!;", "t:1:2: a backslash stands only inside" },
	{ "a\nC:\\x\\y;", "<a><C:\\x\\y>!;",
	    "t:2:3: a backslash stands only inside" },
	{ "a\x01"
	  "b;",
	    "<a\x01"
	    "b>!;",
	    "t:1:2: control byte 0x01" },
	{ "\n'\x7f';", "\"\x7f\"!;", "t:2:2: control byte 0x7f" },
	{ "# \x1b[0m\na;", "<a>;", "t:1:3: control byte 0x1b" },
	{ "a;\rb;", "<a>;<b>;", "t:1:3: carriage return without a line feed" },
};

START_TEST(tokens)
{
	struct bt_buf out = { 0 }, errors = { 0 };
	struct bt_report report = { 0 };

	print_tokens(&report, bt_str_of(rows[_i].text), &out);
	ck_assert_str_eq(out.data, rows[_i].tokens);
	bt_report_format(&report, &errors);
	if (rows[_i].error == NULL) {
		ck_assert_uint_eq(bt_report_count(&report), 0);
	} else {
		ck_assert_uint_eq(bt_report_count(&report), 1);
		ck_assert_msg(bt_str_has_prefix(bt_buf_str(&errors),
				  bt_str_of(rows[_i].error)),
		    "%s", errors.data);
	}
	bt_buf_fini(&out);
	bt_buf_fini(&errors);
	bt_report_fini(&report);
}
END_TEST

START_TEST(nul)
{
	struct bt_buf out = { 0 };
	struct bt_report report = { 0 };

	print_tokens(&report, BT_STR("a\0b;\nc\0;\0"), &out);
	ck_assert_uint_eq(out.len, strlen("<a?b>!;<c?>!;<?>!"));
	ck_assert_uint_eq(bt_report_count(&report), 2); /* one for a line */
	bt_buf_fini(&out);
	bt_report_fini(&report);
}
END_TEST

START_TEST(places)
{
	static const struct {
		unsigned line, indent;
		size_t begin, end;
		bool first;
	} want[] = {
		{ 1, 0, 0, 1, true },
		{ 1, 2, 2, 5, false },
		{ 1, 5, 5, 6, false },
		{ 3, 1, 13, 14, true },
	};
	struct bt_report report = { 0 };
	struct bt_lexer lexer;

	bt_lexer_init(&lexer, &report,
	    bt_source_of(&report, "t", BT_STR("a 'b';#x\n \t\n\tc")));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct bt_token t = bt_lexer_next(&lexer);

		ck_assert_uint_eq(t.line, want[i].line);
		ck_assert_uint_eq(t.indent, want[i].indent);
		ck_assert_uint_eq(t.begin, want[i].begin);
		ck_assert_uint_eq(t.end, want[i].end);
		ck_assert_int_eq(t.first, want[i].first);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(bt_lexer_next(&lexer).kind, BT_TOKEN_END);
	bt_report_fini(&report);
}
END_TEST

BT_UNIT_SUITE(lexer)
{
	TCase *tc = bt_unit_case(s, "tokens");

	tcase_add_loop_test(
	    tc, tokens, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, nul);
	tcase_add_test(tc, places);
}
