/* What forms and queries are written in: multipart, urlencoded, cookies. */

#include "http/multipart.h"

#include "http/cookie.h"
#include "http/form.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* What the hooks were told, as text: `<name|filename|type>content;` */
static struct bt_buf told;

static void
begin(void *arg, const struct bt_part *part)
{
	bt_buf_printf(&told, "<%.*s|%.*s|%.*s>", BT_STR_ARG(part->name),
	    BT_STR_ARG(part->is_file ? part->filename : BT_STR("-")),
	    BT_STR_ARG(part->type));
}

static void
data(void *arg, struct bt_str piece)
{
	ck_assert_uint_gt(piece.n, 0);
	bt_buf_append(&told, piece.p, piece.n);
}

static void
end(void *arg)
{
	bt_buf_putc(&told, ';');
}

static const struct bt_multipart_hooks hooks = { begin, data, end };

#define TYPE "multipart/form-data; boundary=b"
#define PART(fields) "Content-Disposition: form-data; " fields "\r\n\r\n"

static const struct row {
	const char *type, *content;
	int r; /* of any of the calls */
	const char *told;
} rows[] = {
	{ TYPE, "--b\r\n" PART("name=a") "1\r\n--b--\r\n", 0, "<a|-|>1;" },
	{ TYPE, "--b\r\n" PART("name=a") "1\r\n--b--", 0, "<a|-|>1;" },
	{ TYPE, "--b\r\n" PART("name=a") "\r\n--b--", 0, "<a|-|>;" },
	{ TYPE, "--b--", 0, "" },
	{ TYPE, "pre\r\namble\r\n--b\r\n" PART("name=a") "1\r\n--b--epi", 0,
	    "<a|-|>1;" },
	{ TYPE,
	    "--b \t\r\n" PART("name=a") "1\r\n--b  \r\n" PART(
		"name=c") "2\r\n--b--",
	    0, "<a|-|>1;<c|-|>2;" },
	{ TYPE, "--b\r\n" PART("name=\"a\\\"b\"") "\r\n--b--", 0,
	    "<a\"b|-|>;" },
	{ TYPE, "--b\r\n" PART("name=\"a%22b%0D%0Ac%41\"") "\r\n--b--", 0,
	    "<a\"b\r\nc%41|-|>;" },
	{ TYPE, "--b\r\n" PART("name=a; filename=\"\"") "\r\n--b--", 0,
	    "<a||>;" },
	{ TYPE, "--b\r\n" PART("filename=\"x;y.txt\"; name=a") "\r\n--b--", 0,
	    "<a|x;y.txt|>;" },
	{ TYPE,
	    "--b\r\n" PART("name=a; filename=\"../../etc/passwd\"") "\r\n--b--",
	    0, "<a|passwd|>;" },
	{ TYPE,
	    "--b\r\nContent-Type:  image/png \r\nX: y\r\n" PART(
		"name=a; filename=f") "\r\r\n\n--\r\n--\r\n-b\r\n--b--",
	    0, "<a|f|image/png>\r\r\n\n--\r\n--\r\n-b;" },
	{ "Multipart/Form-Data; charset=x; BOUNDARY=\"b c\"",
	    "--b c\r\n" PART("name=a") "1\r\n--b c--", 0, "<a|-|>1;" },
	/* malformed */
	{ "multipart/mixed; boundary=b", "", -EINVAL, "" },
	{ "multipart/form-data", "", -EINVAL, "" },
	{ "multipart/form-data; boundary=", "", -EINVAL, "" },
	{ "multipart/form-data; boundary=\"b \"", "", -EINVAL, "" },
	{ "multipart/form-data; boundary=a\x01", "", -EINVAL, "" },
	{ TYPE, "", -EBADMSG, "" },
	{ TYPE, "--b", -EBADMSG, "" },
	{ TYPE, "--bx\r\n", -EBADMSG, "" },
	{ TYPE, "--b\r\n\r\n\r\n--b--", -EBADMSG, "" },
	{ TYPE, "--b\r\nno colon\r\n\r\n\r\n--b--", -EBADMSG, "" },
	{ TYPE, "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n",
	    -EBADMSG, "" },
	{ TYPE, "--b\r\n" PART("filename=a") "x\r\n--b--", -EBADMSG, "" },
	{ TYPE, "--b\r\n" PART("name=a") "1\r\n", -EBADMSG, "<a|-|>1" },
};

static int
feed(const struct row *row, size_t cut, size_t step)
{
	struct bt_multipart m;
	size_t n = strlen(row->content);
	int r;

	bt_buf_clear(&told);
	r = bt_multipart_init(&m, bt_str_of(row->type), &hooks, NULL);
	for (size_t at = 0; r == 0 && at < n;) {
		size_t piece = at < cut ? cut - at : step;
		/* on the heap: a sanitizer sees who reads past it */
		char *copy;

		piece = piece < n - at ? piece : n - at;
		copy = malloc(piece);
		memcpy(copy, row->content + at, piece);
		r = bt_multipart_feed(&m, (struct bt_str){ copy, piece });
		free(copy);
		at += piece;
	}
	if (r == 0)
		r = bt_multipart_finish(&m);
	bt_multipart_fini(&m);
	return r;
}

static void
check(const struct row *row, int r)
{
	ck_assert_int_eq(r, row->r);
	ck_assert_str_eq(told.data ? told.data : "", row->told);
}

START_TEST(any_cut_is_the_same)
{
	const struct row *row = &rows[_i];
	size_t n = strlen(row->content);

	check(row, feed(row, n, n));
	check(row, feed(row, 0, 1));
	for (size_t cut = 1; cut < n; cut++)
		check(row, feed(row, cut, n));
	bt_buf_fini(&told);
}
END_TEST

START_TEST(is_bounded)
{
	struct bt_multipart m;
	unsigned parts = 0;
	int r = 0;

	ck_assert_int_eq(bt_multipart_init(&m, BT_STR(TYPE), &hooks, NULL), 0);
	ck_assert_int_eq(bt_multipart_feed(&m, BT_STR("--b\r\nX: ")), 0);
	while (r == 0 && parts++ < 10000)
		r = bt_multipart_feed(&m, BT_STR("x"));
	ck_assert_int_eq(r, -E2BIG);
	ck_assert_uint_le(m.head.len, BT_MULTIPART_HEAD_MAX);
	bt_multipart_fini(&m);
	ck_assert_int_eq(bt_multipart_init(&m, BT_STR(TYPE), &hooks, NULL), 0);
	for (r = 0, parts = 0; r == 0 && parts < 2000; parts++)
		r = bt_multipart_feed(
		    &m, BT_STR("\r\n--b\r\n" PART("name=a") "1"));
	ck_assert_int_eq(r, -E2BIG);
	ck_assert_uint_eq(parts, BT_MULTIPART_PARTS_MAX + 1);
	bt_multipart_fini(&m);
	bt_buf_fini(&told);
}
END_TEST

/* --- queries --- */

static const struct {
	const char *query, *pairs;
} queries[] = {
	{ "", "" },
	{ "a", "a=;" },
	{ "a=1", "a=1;" },
	{ "a=1&b=2", "a=1;b=2;" },
	{ "&&a=1&&", "a=1;" },
	{ "a==&=b", "a==;=b;" },
	{ "a+b=%20+%2B", "a b=  +;" },
	{ "a=%4", "a=%4;" },
	{ "a=%", "a=%;" },
	{ "a=%g1%1g", "a=%g1%1g;" },
	{ "%61=%c3%A4", "a=\xc3\xa4;" },
};

START_TEST(queries_are_taken_apart)
{
	struct bt_str rest = bt_str_of(queries[_i].query), name, value;
	struct bt_arena a = { 0 };
	struct bt_buf b = { 0 };

	while (bt_query_next(&rest, &a, &name, &value))
		bt_buf_printf(
		    &b, "%.*s=%.*s;", BT_STR_ARG(name), BT_STR_ARG(value));
	ck_assert_str_eq(b.data ? b.data : "", queries[_i].pairs);
	bt_buf_fini(&b);
	bt_arena_fini(&a);
}
END_TEST

START_TEST(the_first_is_found)
{
	struct bt_str query = BT_STR("x=0&a=1&%61=2"), value;
	struct bt_arena a = { 0 };

	ck_assert(bt_query_find(query, BT_STR("a"), &a, &value));
	ck_assert(bt_str_equal(value, BT_STR("1")));
	ck_assert(!bt_query_find(query, BT_STR("b"), &a, &value));
	bt_arena_fini(&a);
}
END_TEST

/* --- cookies --- */

static const struct {
	struct bt_cookie cookie;
	const char *text; /* NULL: -EINVAL */
} cookies[] = {
#define C(...) \
	{ \
		__VA_ARGS__ \
	}
	{ C(.name = BT_STR("a"), .value = BT_STR("1")), "a=1" },
	{ C(.name = BT_STR("a"), .value = BT_STR("")), "a=" },
	{ C(.name = BT_STR("a"), .value = BT_STR("\"1\"")), "a=\"1\"" },
	{ C(.name = BT_STR("a"), .value = BT_STR("1"), .path = BT_STR("/x"),
	      .domain = BT_STR("e.org"), .has_max_age = true, .max_age_s = 60,
	      .secure = true, .http_only = true, .same_site = BT_STR("Strict")),
	    "a=1; Path=/x; Domain=e.org; Max-Age=60; Secure; HttpOnly; "
	    "SameSite=Strict" },
	{ C(.name = BT_STR("__Host-a"), .value = BT_STR("1"), .secure = true,
	      .path = BT_STR("/")),
	    "__Host-a=1; Path=/; Secure" },
	{ C(.name = BT_STR("__Host-a"), .value = BT_STR("1"),
	      .path = BT_STR("/")),
	    NULL },
	{ C(.name = BT_STR("__Secure-a"), .value = BT_STR("1")), NULL },
	{ C(.name = BT_STR(""), .value = BT_STR("1")), NULL },
	{ C(.name = BT_STR("a b"), .value = BT_STR("1")), NULL },
	{ C(.name = BT_STR("a=b"), .value = BT_STR("1")), NULL },
	{ C(.name = BT_STR("a"), .value = BT_STR("1;2")), NULL },
	{ C(.name = BT_STR("a"), .value = BT_STR("1\r\nX: y")), NULL },
	{ C(.name = BT_STR("a"), .value = BT_STR("1"), .path = BT_STR("/;x")),
	    NULL },
#undef C
};

START_TEST(cookies_are_written)
{
	struct bt_arena a = { 0 };
	struct bt_str text;
	int r = bt_cookie_format(&cookies[_i].cookie, &a, &text);

	ck_assert_int_eq(r, cookies[_i].text ? 0 : -EINVAL);
	if (r == 0)
		ck_assert(bt_str_equal(text, bt_str_of(cookies[_i].text)));
	bt_arena_fini(&a);
}
END_TEST

BT_UNIT_SUITE(multipart)
{
	TCase *tc = bt_unit_case(s, "multipart");

	tcase_add_loop_test(tc, any_cut_is_the_same, 0, N(rows));
	tcase_add_test(tc, is_bounded);
	tc = bt_unit_case(s, "queries");
	tcase_add_loop_test(tc, queries_are_taken_apart, 0, N(queries));
	tcase_add_test(tc, the_first_is_found);
	tc = bt_unit_case(s, "cookies");
	tcase_add_loop_test(tc, cookies_are_written, 0, N(cookies));
}
