/*
 * handlers/listing.c, listing_write.c: what of a folder is shown, in which
 * order, and that no name can break out of a page, a link or a JSON string.
 */

#include "handlers/listing.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

/* clang-format off: tables */
static const struct {
	const char *query;
	enum bt_listing_sort sort;
	bool descending;
} orders[] = {
	{ "", BT_LISTING_BY_NAME, false },
	{ "sort=size", BT_LISTING_BY_SIZE, false },
	{ "sort=time&order=desc", BT_LISTING_BY_TIME, true },
	{ "order=desc&sort=name", BT_LISTING_BY_NAME, true },
	{ "order=desc&order=asc", BT_LISTING_BY_NAME, false },
	{ "sort=size&", BT_LISTING_BY_SIZE, false },
	{ "&&sort=size", BT_LISTING_BY_SIZE, false },
	{ "sort=color&order=up", BT_LISTING_BY_NAME, false },
	{ "sort=sizes", BT_LISTING_BY_NAME, false },
	{ "sort=%73ize", BT_LISTING_BY_NAME, false },
};
/* clang-format on */

START_TEST(order_of_a_query)
{
	struct bt_listing_order order =
	    bt_listing_order_parse(bt_str_of(orders[_i].query));

	ck_assert_int_eq(order.sort, orders[_i].sort);
	ck_assert_int_eq(order.descending, orders[_i].descending);
}
END_TEST

static struct bt_listing_entry
entry(const char *name, bool folder, uint64_t size, int64_t modified_s)
{
	return (struct bt_listing_entry){ bt_str_of(name), folder, size,
		modified_s };
}

/* clang-format off: tables */
static const struct {
	struct bt_listing_order order;
	const char *names;
} sorted[] = {
	{ { BT_LISTING_BY_NAME, false }, "D e A a b c " },
	{ { BT_LISTING_BY_NAME, true }, "e D c b a A " },
	{ { BT_LISTING_BY_SIZE, false }, "D e c b A a " },
	{ { BT_LISTING_BY_SIZE, true }, "D e A a b c " },
	{ { BT_LISTING_BY_TIME, false }, "D e a b c A " },
	{ { BT_LISTING_BY_TIME, true }, "e D A c b a " },
};
/* clang-format on */

START_TEST(sorts)
{
	struct bt_listing_entry entries[] = {
		entry("c", false, 1, 3),
		entry("a", false, 3, 1),
		entry("e", true, 9, 2),
		entry("b", false, 2, 2),
		entry("A", false, 3, 4),
		entry("D", true, 1, 1),
	};
	struct bt_listing l = { .entries = entries, .n = 6 };
	char names[16] = "";

	bt_listing_sort(&l, sorted[_i].order);
	for (size_t i = 0; i < l.n; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
		    "%.*s ", BT_STR_ARG(l.entries[i].name));
	ck_assert_str_eq(names, sorted[_i].names);
}
END_TEST

/* clang-format off: tables */
static const struct {
	const char *name;
	const char *link, *html, *json; /* of a file */
} names[] = {
	{ "a.txt", "./a.txt", "a.txt", "a.txt" },
	{ "a b", "./a%20b", "a b", "a b" },
	{ "\"><script>", "./%22%3E%3Cscript%3E", "&quot;&gt;&lt;script&gt;",
	    "\\\"><script>" },
	{ "'&amp;", "./%27%26amp%3B", "&#39;&amp;amp;", "'&amp;" },
	{ "javascript:x", "./javascript%3Ax", "javascript:x", "javascript:x" },
	{ "50%", "./50%25", "50%", "50%" },
	{ "?a#b", "./%3Fa%23b", "?a#b", "?a#b" },
	{ "a\\b", "./a%5Cb", "a\\b", "a\\\\b" },
	{ "a\nb\x7f", "./a%0Ab%7F",
	    "a\xe2\x90\x8a"
	    "b\xe2\x90\xa1",
	    "a\xe2\x90\x8a"
	    "b\xe2\x90\xa1" },
	{ "\xc3\xbc", "./%C3%BC", "\xc3\xbc", "\xc3\xbc" },
	{ "\xf0\x9f\x98\x80", "./%F0%9F%98%80", "\xf0\x9f\x98\x80",
	    "\xf0\x9f\x98\x80" },
	/* no UTF-8: alone, cut, overlong, a surrogate, past the end */
	{ "\xff"
	  "a",
	    "./%FFa",
	    "\xef\xbf\xbd"
	    "a",
	    "\xef\xbf\xbd"
	    "a" },
	{ "\xc3", "./%C3", "\xef\xbf\xbd", "\xef\xbf\xbd" },
	{ "\xc0\xaf", "./%C0%AF", "\xef\xbf\xbd\xef\xbf\xbd",
	    "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe0\x80\xaf", "./%E0%80%AF", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", "./%ED%A0%80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xf4\x90\x80\x80", "./%F4%90%80%80",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
};
/* clang-format on */

START_TEST(no_name_breaks_out)
{
	struct bt_listing_entry e = entry(names[_i].name, false, 5, 0);
	struct bt_listing l = { .entries = &e, .n = 1 };
	struct bt_listing_order order = { 0 };
	struct bt_buf out = { 0 };
	char want[256];

	bt_listing_write(&l, BT_LISTING_HTML, BT_STR("/"), order, &out);
	snprintf(want, sizeof(want), "<a href=\"%s\"><bdi>%s</bdi></a>",
	    names[_i].link, names[_i].html);
	ck_assert_msg(strstr(out.data, want) != NULL, "%s", out.data);
	ck_assert_ptr_null(strstr(out.data, "<script"));
	bt_buf_clear(&out);
	bt_listing_write(&l, BT_LISTING_JSON, BT_STR("/"), order, &out);
	snprintf(want, sizeof(want),
	    "[\n{\"name\":\"%s\",\"type\":\"file\",\"size\":5,"
	    "\"modified\":\"1970-01-01T00:00:00Z\"}\n]\n",
	    names[_i].json);
	ck_assert_str_eq(out.data, want);
	bt_buf_fini(&out);
}
END_TEST

START_TEST(path_of_the_page)
{
	struct bt_listing l = { 0 };
	struct bt_listing_order order = { BT_LISTING_BY_SIZE, false };
	struct bt_buf out = { 0 };

	bt_listing_write(&l, BT_LISTING_HTML, BT_STR("/a<b/\"c/"), order, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "<title>/a&lt;b/&quot;c/"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "<a href=\"./../\"><bdi>a&lt;b</bdi></a>"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "<a href=\"./\"><bdi>&quot;c</bdi></a>"));
	ck_assert_ptr_nonnull(strstr(out.data, "<a href=\"../../\">/</a>"));
	ck_assert_ptr_nonnull(strstr(out.data,
	    "aria-sort=ascending><a href=\"?sort=size&amp;order=desc\">"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "<a href=\"?sort=name&amp;order=asc\">"));
	ck_assert_ptr_nonnull(strstr(out.data, "Nothing is in this folder"));
	bt_buf_fini(&out);
}
END_TEST

/* clang-format off: tables */
static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
	{ 0, ">0 B<" },
	{ 1023, ">1023 B<" },
	{ 1024, ">1.0 KiB<" },
	{ 1536, ">1.5 KiB<" },
	{ 10240, ">10 KiB<" },
	{ 1048575, ">1.0 MiB<" },
	{ UINT64_C(10) << 30, ">10 GiB<" },
	{ UINT64_MAX, ">16 EiB<" },
};
/* clang-format on */

START_TEST(sizes_for_people)
{
	struct bt_listing_entry e = entry("x", false, sizes[_i].bytes, 0);
	struct bt_listing l = { .entries = &e, .n = 1 };
	struct bt_listing_order order = { 0 };
	struct bt_buf out = { 0 };

	bt_listing_write(&l, BT_LISTING_HTML, BT_STR("/"), order, &out);
	ck_assert_msg(strstr(out.data, sizes[_i].text) != NULL, "%s", out.data);
	bt_buf_fini(&out);
}
END_TEST

/* A folder with a bit of everything; its descriptor. */
static int
make_folder(char *path)
{
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(path));
	fd = open(path, O_PATH | O_DIRECTORY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(mkdirat(fd, "sub", 0755), 0);
	close(openat(fd, "sub/in", O_CREAT | O_WRONLY, 0644));
	close(openat(fd, "file", O_CREAT | O_WRONLY, 0644));
	close(openat(fd, ".hidden", O_CREAT | O_WRONLY, 0644));
	ck_assert_int_eq(mkfifoat(fd, "fifo", 0644), 0);
	ck_assert_int_eq(symlinkat("/etc", fd, "outside"), 0);
	ck_assert_int_eq(symlinkat("../../../..", fd, "up"), 0);
	ck_assert_int_eq(symlinkat("nowhere", fd, "dangling"), 0);
	ck_assert_int_eq(symlinkat("sub", fd, "link"), 0);
	ck_assert_int_eq(symlinkat("../file", fd, "sub/back"), 0);
	return fd;
}

static void
remove_folder(const char *path, int fd)
{
	static const char *const files[] = { "sub/in", "sub/back", "file",
		".hidden", "fifo", "outside", "up", "dangling", "link" };

	for (int i = 0; i < ROWS(files); i++)
		unlinkat(fd, files[i], 0);
	unlinkat(fd, "sub", AT_REMOVEDIR);
	close(fd);
	rmdir(path);
}

/* clang-format off: tables */
static const struct {
	const char *path;
	bool dotfiles;
	int r;
	const char *text; /* each name, folders with a slash */
} reads[] = {
	{ "", false, 0, "link/ sub/ file " },
	{ "", true, 0, "link/ sub/ .hidden file " },
	{ "sub/", false, 0, "back in " },
	{ "link/", false, 0, "back in " },
	{ "none/", false, -ENOENT, "" },
	{ "file/", false, -ENOTDIR, "" },
	{ "outside/", false, -EXDEV, "" },
	{ "up/", false, -EXDEV, "" },
};
/* clang-format on */

START_TEST(reads_what_would_be_served)
{
	char path[] = "/tmp/baton-listing-XXXXXX", text[64] = "";
	struct bt_listing l = { 0 };
	int fd = make_folder(path);
	int r = bt_listing_read(
	    fd, bt_str_of(reads[_i].path), reads[_i].dotfiles, &l);

	bt_listing_sort(&l, (struct bt_listing_order){ 0 });
	for (size_t i = 0; i < l.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%.*s%s ", BT_STR_ARG(l.entries[i].name),
		    l.entries[i].folder ? "/" : "");
	remove_folder(path, fd);
	ck_assert_int_eq(r, reads[_i].r);
	ck_assert_str_eq(text, reads[_i].text);
	ck_assert(!l.cut);
	bt_listing_fini(&l);
}
END_TEST

BT_UNIT_SUITE(listing)
{
	TCase *tc = bt_unit_case(s, "order");

	tcase_add_loop_test(tc, order_of_a_query, 0, ROWS(orders));
	tcase_add_loop_test(tc, sorts, 0, ROWS(sorted));
	tc = bt_unit_case(s, "text");
	tcase_add_loop_test(tc, no_name_breaks_out, 0, ROWS(names));
	tcase_add_test(tc, path_of_the_page);
	tcase_add_loop_test(tc, sizes_for_people, 0, ROWS(sizes));
	tc = bt_unit_case(s, "reading");
	tcase_add_loop_test(tc, reads_what_would_be_served, 0, ROWS(reads));
}
