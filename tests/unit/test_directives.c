/*
 * src/conf/directives.c: every row as it is: its preset, both ends of its
 * range, its example, and its place in baton.conf(5).  With BT_MANUAL_UPDATE
 * in the environment the list in the manual is written anew.
 */

#include "conf/directives.h"

#include "channel/channel.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(BT_CONF_HEADER_BYTES_MAX <= BT_BATON_BYTES_MAX,
    "a head fits what travels with a connection");

#define MANUAL "src/man/baton.conf.5"

/* The statement where it may stand; false: the conf was refused. */
static bool
accepts(const struct bt_directive *d, const char *statement)
{
	bool route = !(d->where & (BT_IN_MAIN | BT_IN_SERVER));
	struct bt_buf text = { 0 }, errors = { 0 };
	struct bt_conf *conf = NULL;
	int r;

	if (d->where & BT_IN_MAIN)
		bt_buf_printf(
		    &text, "%s server { route / { echo; } }", statement);
	else if (d->where & BT_IN_PROXY)
		bt_buf_printf(&text,
		    "server { route / { proxy http://h { %s } } }", statement);
	else if (d->where & BT_IN_UPSTREAM)
		bt_buf_printf(&text,
		    "upstream u { server h:1; %s } server { route / { echo; } "
		    "}",
		    statement);
	else if (route)
		bt_buf_printf(&text, "server { route / { %s %s } }", statement,
		    d->handler ? "" : "root /x;");
	else
		bt_buf_printf(&text, "server { %s }", statement);
	r = bt_conf_parse(bt_buf_str(&text), "t", &conf, &errors);
	ck_assert_int_eq(r == 0, errors.len == 0);
	bt_conf_free(conf);
	bt_buf_fini(&errors);
	bt_buf_fini(&text);
	return r == 0;
}

static bool
accepts_value(const struct bt_directive *d, const char *value)
{
	char statement[256];

	snprintf(statement, sizeof(statement), "%s %s;", d->name, value);
	return accepts(d, statement);
}

static bool
is_number(const struct bt_directive *d)
{
	return d->type == BT_TYPE_COUNT || d->type == BT_TYPE_DURATION ||
	    d->type == BT_TYPE_SIZE || d->type == BT_TYPE_RATE;
}

START_TEST(row_is_whole)
{
	const struct bt_directive *d = &bt_directives[_i];

	ck_assert_ptr_eq(bt_directive_find_in(bt_str_of(d->name), d->where), d);
	ck_assert_uint_ne(d->where, 0);
	ck_assert_ptr_nonnull(d->syntax);
	ck_assert_ptr_nonnull(d->help);
	ck_assert_ptr_nonnull(d->example);
	ck_assert_msg(d->help[strlen(d->help) - 1] == '.', "%s", d->name);
	ck_assert_uint_ge(d->args_max, d->args_min);
	ck_assert_int_eq(d->set != NULL,
	    d->type == BT_TYPE_CUSTOM || d->type == BT_TYPE_BLOCK);
	if (is_number(d)) {
		ck_assert_ptr_nonnull(d->preset);
		ck_assert_uint_lt(d->min, d->max);
	}
}
END_TEST

START_TEST(preset_and_example_are_accepted)
{
	const struct bt_directive *d = &bt_directives[_i];

	if (d->preset != NULL)
		ck_assert_msg(accepts_value(d, d->preset), "%s", d->name);
	if (d->special != NULL)
		ck_assert_msg(accepts_value(d, d->special), "%s", d->name);
	/* `include` is nothing for a text; `server` stands there already */
	if (d->example != NULL && d->type != BT_TYPE_INCLUDE)
		ck_assert_msg(accepts(d, d->example), "%s", d->example);
}
END_TEST

START_TEST(range_is_kept)
{
	const struct bt_directive *d = &bt_directives[_i];
	char text[64];

	if (!is_number(d))
		return;
	bt_directive_format(d, d->min, text, sizeof(text));
	ck_assert_msg(accepts_value(d, text), "%s %s", d->name, text);
	bt_directive_format(d, d->max, text, sizeof(text));
	ck_assert_msg(accepts_value(d, text), "%s %s", d->name, text);
	bt_directive_format(d, d->max + 1, text, sizeof(text));
	ck_assert_msg(!accepts_value(d, text), "%s %s", d->name, text);
	if (d->min > 0) {
		bt_directive_format(d, d->min - 1, text, sizeof(text));
		ck_assert_msg(!accepts_value(d, text), "%s %s", d->name, text);
	}
}
END_TEST

static const struct {
	const char *word;
	unsigned where;
	const char *nearest; /* NULL: none */
} near[] = {
	{ "wrokers", BT_IN_MAIN, "workers" },
	{ "worker", BT_IN_MAIN, "workers" },
	{ "Workers", BT_IN_MAIN, "workers" },
	{ "pidfile", BT_IN_MAIN, "pid_file" },
	{ "header-timeout", BT_IN_MAIN, "header_timeout" },
	{ "keepalive_request", BT_IN_MAIN, "keepalive_requests" },
	{ "sever", BT_IN_MAIN, "server" },
	{ "lisen", BT_IN_SERVER, "listen" },
	{ "rot", BT_IN_SERVER, "root" },
	{ "rout", BT_IN_SERVER, "route" },
	{ "rout", BT_IN_ROUTE, "root" },
	{ "retrun", BT_IN_ROUTE, "return" },
	{ "ech", BT_IN_ROUTE, "echo" },
	{ "x", BT_IN_MAIN, NULL },
	{ "", BT_IN_MAIN, NULL },
	{ "frobnicate", BT_IN_MAIN, NULL },
	{ "a_word_that_is_longer_than_any_directive", BT_IN_MAIN, NULL },
};

START_TEST(nearest)
{
	const struct bt_directive *d =
	    bt_directive_nearest(bt_str_of(near[_i].word), near[_i].where);

	if (near[_i].nearest == NULL) {
		ck_assert_ptr_null(d);
	} else {
		ck_assert_ptr_nonnull(d);
		ck_assert_str_eq(d->name, near[_i].nearest);
	}
}
END_TEST

START_TEST(names_of_nginx)
{
	static const char *const rows[][2] = {
		{ "location", "route" },
		{ "server_name", "name" },
		{ "worker_processes", "workers" },
		{ "client_max_body_size", "max_body_size" },
		{ "large_client_header_buffers", "max_header_size" },
		{ "client_header_buffer_size", "max_header_size" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(
		    bt_directive_from_nginx(bt_str_of(rows[i][0]))->name,
		    rows[i][1]);
	ck_assert_ptr_null(bt_directive_from_nginx(BT_STR("")));
	ck_assert_ptr_null(bt_directive_from_nginx(BT_STR("locatio")));
	ck_assert_ptr_null(bt_directive_from_nginx(BT_STR("a b")));
}
END_TEST

static const char mark_begin[] = "\n.\\\" BEGIN directives\n";
static const char mark_end[] = ".\\\" END directives\n";

static void
read_file(const char *path, struct bt_buf *out)
{
	FILE *f = fopen(path, "r");
	char bytes[4096];
	size_t n;

	ck_assert_msg(f != NULL, "%s: tests run in the top folder", path);
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		bt_buf_append(out, bytes, n);
	fclose(f);
}

START_TEST(manual_has_the_table)
{
	struct bt_buf page = { 0 }, want = { 0 };
	const char *begin, *end;
	FILE *f;

	read_file(MANUAL, &page);
	bt_conf_manual(&want);
	begin = strstr(page.data, mark_begin);
	ck_assert_ptr_nonnull(begin);
	begin += strlen(mark_begin);
	end = strstr(begin, mark_end);
	ck_assert_ptr_nonnull(end);
	if (getenv("BT_MANUAL_UPDATE") != NULL) {
		f = fopen(MANUAL, "w");
		ck_assert_ptr_nonnull(f);
		fprintf(f, "%.*s%s%s", (int)(begin - page.data), page.data,
		    want.data, end);
		ck_assert_int_eq(fclose(f), 0);
	} else {
		ck_assert_msg(want.len == (size_t)(end - begin) &&
			memcmp(want.data, begin, want.len) == 0,
		    "%s is not what the table says; write it anew with "
		    "BT_MANUAL_UPDATE=1 and this test",
		    MANUAL);
	}
	bt_buf_fini(&page);
	bt_buf_fini(&want);
}
END_TEST

/* Whether the row of the table has both names, each as code. */
static bool
translates(const char *row, size_t n, const char *theirs, const char *ours)
{
	char line[1024], theirs_begins[64], ours_begins[64];
	const char *at;

	snprintf(line, sizeof(line), "%.*s", (int)n, row);
	snprintf(theirs_begins, sizeof(theirs_begins), "`%s", theirs);
	snprintf(ours_begins, sizeof(ours_begins), "`%s", ours);
	at = strstr(line, theirs_begins);
	return at != NULL && strchr("` ", at[strlen(theirs_begins)]) != NULL &&
	    strstr(at + 1, ours_begins) != NULL;
}

/* Who comes from nginx finds each of its names in the README, and ours. */
START_TEST(readme_has_the_names_of_nginx)
{
	const struct bt_directive *d = &bt_directives[_i];
	const char *names = d->nginx ? d->nginx : "", *begin, *end;
	struct bt_buf page = { 0 };
	char word[64];

	read_file("README.md", &page);
	begin = strstr(page.data, "## Coming from nginx");
	ck_assert_ptr_nonnull(begin);
	end = strstr(begin + 1, "\n## ");
	ck_assert_ptr_nonnull(end);
	while (sscanf(names, " %60[^ ]", word) == 1) {
		bool found = false;

		for (const char *row = begin; row < end && !found;
		     row = strchr(row, '\n') + 1)
			found =
			    translates(row, strcspn(row, "\n"), word, d->name);
		ck_assert_msg(found,
		    "README.md does not say that nginx's %s is our %s", word,
		    d->name);
		names += strspn(names, " ") + strlen(word);
	}
	bt_buf_fini(&page);
}
END_TEST

BT_UNIT_SUITE(directives)
{
	TCase *tc = bt_unit_case(s, "rows");
	int n = (int)bt_directives_n;

	tcase_add_loop_test(tc, row_is_whole, 0, n);
	tcase_add_loop_test(tc, preset_and_example_are_accepted, 0, n);
	tcase_add_loop_test(tc, range_is_kept, 0, n);
	tc = bt_unit_case(s, "names");
	tcase_add_loop_test(
	    tc, nearest, 0, (int)(sizeof(near) / sizeof(near[0])));
	tcase_add_test(tc, names_of_nginx);
	tcase_add_loop_test(tc, readme_has_the_names_of_nginx, 0, n);
	tc = bt_unit_case(s, "manual");
	tcase_add_test(tc, manual_has_the_table);
}
