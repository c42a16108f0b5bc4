/* conf/template.c: what is a variable, what is text, what is wrong. */

#include "conf/template.h"

#include "base/buf.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Pieces as `text` or <variable:text>. */
static const struct {
	const char *text, *pieces;
} rows[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "$host", "<host:>" },
	{ "${host}", "<host:>" },
	{ "https://$host$uri", "https://<host:><uri:>" },
	{ "$host/$uri/", "<host:>/<uri:>/" },
	{ "${method}s", "<method:>s" },
	{ "$request_method", "<method:>" },
	{ "$request", "<request:>" },
	{ "$request_uri", "<request_uri:>" },
	{ "$args$query_string$query", "<query:><query:><query:>" },
	{ "$arg_a", "<arg_:a>" },
	{ "$arg_a_B1-x", "<arg_:a_B1>-x" },
	{ "$http_user_agent", "<http_:user-agent>" },
	{ "$http_X_Y", "<http_:x-y>" },
	{ "$http_host", "<host:>" },
	/* a $ that no name follows */
	{ "$", "$" },
	{ "5 $ or $$host", "5 $ or $<host:>" },
	{ "$-$", "$-$" },
};

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "$nothing",
	    "there is no variable $nothing; in quotes, \\$ is a "
	    "dollar sign" },
	{ "$hots", "there is no variable $hots; did you mean $host?" },
	{ "$Host", "there is no variable $Host; did you mean $host?" },
	{ "$arg_", "there is no variable $arg_; did you mean $arg_?" },
	{ "$1", "there is no variable $1; in quotes, \\$ is a dollar sign" },
	{ "${host", "a } is missing behind ${" },
	{ "${}", "a } is missing behind ${" },
	{ "${ho st}", "a } is missing behind ${" },
};

static struct bt_arena arena;

static void
fini(void)
{
	bt_arena_fini(&arena);
}

START_TEST(pieces)
{
	struct bt_template t;
	struct bt_buf out = { 0 };
	char why[160] = "";

	ck_assert_int_eq(bt_template_parse(bt_str_of(rows[_i].text), &arena, &t,
			     why, sizeof(why)),
	    0);
	bt_buf_puts(&out, "");
	for (size_t i = 0; i < t.n; i++) {
		const struct bt_variable *v = bt_variable_of(t.pieces[i].var);

		ck_assert_int_eq(v == NULL, t.pieces[i].var == BT_VAR_TEXT);
		bt_buf_printf(&out, v ? "<%s:%.*s>" : "%s%.*s",
		    v ? v->name : "", BT_STR_ARG(t.pieces[i].text));
	}
	ck_assert_str_eq(out.data, rows[_i].pieces);
	ck_assert(bt_str_equal(t.source, bt_str_of(rows[_i].text)));
	bt_buf_fini(&out);
}
END_TEST

START_TEST(errors)
{
	struct bt_template t;
	char why[160] = "";

	ck_assert_int_eq(bt_template_parse(bt_str_of(wrong[_i].text), &arena,
			     &t, why, sizeof(why)),
	    -EINVAL);
	ck_assert_str_eq(why, wrong[_i].why);
}
END_TEST

/* Each variable has one row, and the rows are in the order of their names. */
START_TEST(table)
{
	for (unsigned v = BT_VAR_TEXT + 1; v < BT_VARS; v++)
		ck_assert_ptr_nonnull(bt_variable_of((enum bt_var)v));
	ck_assert_uint_eq(bt_variables_n, BT_VARS - 1);
	for (unsigned i = 1; i < bt_variables_n; i++)
		ck_assert_int_lt(
		    strcmp(bt_variables[i - 1].name, bt_variables[i].name), 0);
}
END_TEST

BT_UNIT_SUITE(template)
{
	TCase *tc = bt_unit_case(s, "variables");

	tcase_add_checked_fixture(tc, NULL, fini);
	tcase_add_loop_test(tc, pieces, 0, N(rows));
	tcase_add_loop_test(tc, errors, 0, N(wrong));
	tcase_add_test(tc, table);
}
