/* Media types: the table is sorted and complete, and names find their row. */

#include "http/media.h"

#include "tests/unit/unit.h"

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define UNKNOWN "application/octet-stream"

/* clang-format off: a table */
static const struct {
	const char *name, *type;
} rows[] = {
	{ "index.html", "text/html; charset=utf-8" },
	{ "/var/www/a.b/index.html", "text/html; charset=utf-8" },
	{ "INDEX.HTML", "text/html; charset=utf-8" },
	{ "a.css", "text/css; charset=utf-8" },
	{ "a.js", "text/javascript; charset=utf-8" },
	{ "a.mjs", "text/javascript; charset=utf-8" },
	{ "a.min.js", "text/javascript; charset=utf-8" },
	{ "a.json", "application/json" },
	{ "a.webmanifest", "application/manifest+json" },
	{ "a.wasm", "application/wasm" },
	{ "a.txt", "text/plain; charset=utf-8" },
	{ "a.md", "text/markdown; charset=utf-8" },
	{ "a.csv", "text/csv; charset=utf-8" },
	{ "a.xml", "text/xml; charset=utf-8" },
	{ "a.svg", "image/svg+xml" },
	{ "a.png", "image/png" },
	{ "a.jpg", "image/jpeg" },
	{ "a.jpeg", "image/jpeg" },
	{ "a.gif", "image/gif" },
	{ "a.webp", "image/webp" },
	{ "a.avif", "image/avif" },
	{ "a.ico", "image/vnd.microsoft.icon" },
	{ "a.woff", "font/woff" },
	{ "a.woff2", "font/woff2" },
	{ "a.ttf", "font/ttf" },
	{ "a.otf", "font/otf" },
	{ "a.mp4", "video/mp4" },
	{ "a.webm", "video/webm" },
	{ "a.mp3", "audio/mpeg" },
	{ "a.pdf", "application/pdf" },
	{ "a.zip", "application/zip" },
	{ "a.tar.gz", "application/gzip" },
	{ "a.7z", "application/x-7z-compressed" },
	{ ".html", "text/html; charset=utf-8" },
	{ "", UNKNOWN },
	{ ".", UNKNOWN },
	{ "a", UNKNOWN },
	{ "a.", UNKNOWN },
	{ "html", UNKNOWN },
	{ "a.htmlx", UNKNOWN },
	{ "a.htm ", UNKNOWN },
	{ "a.html/b", UNKNOWN },
	{ "a.html/", UNKNOWN },
	{ "a.png.", UNKNOWN },
	{ "libx.so.1", UNKNOWN },
	{ "a.fifteen-bytes-x", UNKNOWN },
	{ "a.sixteen-bytes-xx", UNKNOWN },
	{ "a.very-much-longer-than-any-ending", UNKNOWN },
};
/* clang-format on */

START_TEST(finds_types)
{
	struct bt_str type = bt_media_type(bt_str_of(rows[_i].name));

	ck_assert_msg(bt_str_equal(type, bt_str_of(rows[_i].type)), "%s: %.*s",
	    rows[_i].name, BT_STR_ARG(type));
}
END_TEST

START_TEST(finds_each_row)
{
	size_t n;
	const struct bt_media_row *all = bt_media_rows(&n);

	ck_assert_uint_ge(n, 120);
	for (size_t i = 0; i < n; i++) {
		char name[32] = "x.";
		struct bt_str type;

		ck_assert_uint_le(all[i].ending.n, 15);
		memcpy(name + 2, all[i].ending.p, all[i].ending.n);
		type = bt_media_type(bt_str_of(name));
		ck_assert_ptr_eq(type.p, all[i].type.p);
	}
}
END_TEST

/* Text has its charset; what is a value of Content-Type has a slash. */
START_TEST(has_well_formed_rows)
{
	size_t n;
	const struct bt_media_row *all = bt_media_rows(&n);

	for (size_t i = 0; i < n; i++) {
		bool text = bt_str_has_prefix(all[i].type, BT_STR("text/"));

		ck_assert_ptr_nonnull(
		    memchr(all[i].type.p, '/', all[i].type.n));
		ck_assert_int_eq(memmem(all[i].type.p, all[i].type.n,
				     "; charset=utf-8", 15) != NULL,
		    text);
	}
}
END_TEST

BT_UNIT_SUITE(media)
{
	TCase *tc = bt_unit_case(s, "types");

	tcase_add_loop_test(tc, finds_types, 0, N(rows));
	tcase_add_test(tc, finds_each_row);
	tcase_add_test(tc, has_well_formed_rows);
}
