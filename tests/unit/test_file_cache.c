/*
 * handlers/file_cache.c: what is found, what is refused by the kernel, what is
 * noticed, and that the bounds hold.
 */

#include "tests/unit/unit.h"

#include "base/fd.h"
#include "base/mem.h"
#include "handlers/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/baton-cache-XXXXXX";
static int root = -1;

static void
put_file(const char *name, const char *bytes, size_t n)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void
put_large(const char *name, size_t n)
{
	char *bytes = bt_mem_zero(n, 1);

	put_file(name, bytes, n);
	free(bytes);
}

static void
setup(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ne(root, -1);
	put_file("a.txt", "hello", 5);
	put_file("empty.html", "", 0);
	put_large("large.bin", BT_FILE_SMALL_MAX + 1);
	ck_assert_int_eq(mkdirat(root, "sub", 0755), 0);
	put_file("sub/b.css", "x", 1);
	ck_assert_int_eq(symlinkat("a.txt", root, "inner"), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", root, "outer"), 0);
	ck_assert_int_eq(symlinkat("../..", root, "up"), 0);
	ck_assert_int_eq(symlinkat("round", root, "round"), 0);
	ck_assert_int_eq(mkfifoat(root, "fifo", 0644), 0);
}

static void
teardown(void)
{
	static const char *const names[] = { "a.txt", "empty.html", "large.bin",
		"sub/b.css", "inner", "outer", "up", "round", "fifo" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(root, names[i], 0);
	unlinkat(root, "sub", AT_REMOVEDIR);
	bt_fd_close(&root);
	rmdir(folder);
}

/* As the loop and a thread do it together. */
static int
find_coded(struct bt_file_cache *c, const char *path, enum bt_coding coding,
    int64_t now_ms, struct bt_file **ret)
{
	struct bt_str name = bt_str_of(path);
	int r = bt_file_cache_find(c, root, name, coding, now_ms, 1000, ret);

	if (r != -EINPROGRESS)
		return r;
	r = bt_file_open(root, name, coding, BT_FILE_WAIT, ret);
	if (r == 0)
		bt_file_cache_add(c, root, *ret, now_ms);
	return r;
}

static int
find(struct bt_file_cache *c, const char *path, int64_t now_ms,
    struct bt_file **ret)
{
	return find_coded(c, path, BT_CODING_IDENTITY, now_ms, ret);
}

static const struct {
	const char *path;
	int result;
	enum bt_file_kind kind;
	uint64_t size;
	const char *type;
} rows[] = {
	{ "a.txt", 0, BT_FILE_REGULAR, 5, "text/plain; charset=utf-8" },
	{ "empty.html", 0, BT_FILE_REGULAR, 0, "text/html; charset=utf-8" },
	{ "large.bin", 0, BT_FILE_REGULAR, BT_FILE_SMALL_MAX + 1,
	    "application/octet-stream" },
	{ "sub/b.css", 0, BT_FILE_REGULAR, 1, "text/css; charset=utf-8" },
	{ "inner", 0, BT_FILE_REGULAR, 5, "application/octet-stream" },
	{ "sub", 0, BT_FILE_FOLDER, 0, NULL },
	{ "", 0, BT_FILE_FOLDER, 0, NULL },
	{ "nothing", -ENOENT, 0, 0, NULL },
	{ "a.txt/", -ENOTDIR, 0, 0, NULL },
	{ "outer", -EXDEV, 0, 0, NULL },
	{ "up/etc", -EXDEV, 0, 0, NULL },
	{ "../etc/passwd", -EXDEV, 0, 0, NULL },
	{ "/etc/passwd", -EXDEV, 0, 0, NULL },
	{ "round", -ELOOP, 0, 0, NULL },
	{ "fifo", -ENODEV, 0, 0, NULL },
};

START_TEST(what_is_found)
{
	struct bt_file_cache *c = bt_file_cache_new(8, 1 << 20, 4);
	struct bt_file *f;
	int r = find(c, rows[_i].path, 0, &f);

	ck_assert_int_eq(r, rows[_i].result);
	if (r == 0) {
		ck_assert_int_eq(f->kind, rows[_i].kind);
		if (f->kind == BT_FILE_REGULAR) {
			ck_assert_uint_eq(f->size, rows[_i].size);
			ck_assert_str_eq(f->type.p, rows[_i].type);
			ck_assert_int_eq(
			    f->fd != -1, f->size > BT_FILE_SMALL_MAX);
			ck_assert(f->fd != -1 || f->content.n == f->size);
			ck_assert(
			    strncmp(f->fields.p, "Content-Type: ", 14) == 0);
		}
		bt_file_unref(f);
	}
	bt_file_cache_free(c);
}
END_TEST

START_TEST(a_second_find_is_a_hit)
{
	struct bt_file_cache *c = bt_file_cache_new(8, 1 << 20, 4);
	struct bt_file *first, *second;
	uint64_t hits, misses;

	ck_assert_int_eq(find(c, "a.txt", 0, &first), 0);
	ck_assert_int_eq(find(c, "a.txt", 999, &second), 0);
	ck_assert_ptr_eq(first, second);
	ck_assert(bt_str_equal(first->content, BT_STR("hello")));
	bt_file_cache_counts(c, &hits, &misses);
	ck_assert_uint_eq(hits, 1);
	ck_assert_uint_eq(misses, 1);
	bt_file_unref(first);
	bt_file_unref(second);
	bt_file_cache_free(c);
}
END_TEST

START_TEST(a_change_is_noticed_when_the_entry_is_old)
{
	struct bt_file_cache *c = bt_file_cache_new(8, 1 << 20, 4);
	struct bt_file *old, *same, *new;

	ck_assert_int_eq(find(c, "a.txt", 0, &old), 0);
	put_file("a.txt", "changed!", 8);
	ck_assert_int_eq(find(c, "a.txt", 500, &same), 0);
	ck_assert_ptr_eq(old, same);
	ck_assert_int_eq(find(c, "a.txt", 1000, &new), 0);
	ck_assert(bt_str_equal(new->content, BT_STR("changed!")));
	/* who still sends the old one can */
	ck_assert(bt_str_equal(old->content, BT_STR("hello")));
	ck_assert(!bt_str_equal(old->etag, new->etag));
	ck_assert_int_eq(unlinkat(root, "a.txt", 0), 0);
	bt_file_unref(same);
	ck_assert_int_eq(find(c, "a.txt", 2000, &same), -ENOENT);
	bt_file_unref(old);
	bt_file_unref(new);
	bt_file_cache_free(c);
}
END_TEST

START_TEST(bounds_hold)
{
	struct bt_file_cache *c = bt_file_cache_new(3, 1 << 20, 1);
	int before = bt_fd_count();
	struct bt_file *f;
	char name[32];

	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "sub/%d.bin", i);
		put_large(name, BT_FILE_SMALL_MAX + 10);
		ck_assert_int_eq(find(c, name, 0, &f), 0);
		bt_file_unref(f);
		ck_assert_int_le(bt_fd_count(), before + 1);
	}
	/* one that is in use outlives its place in the cache */
	ck_assert_int_eq(find(c, "large.bin", 0, &f), 0);
	bt_file_cache_free(c);
	ck_assert_int_eq(bt_fd_count(), before + 1);
	bt_file_unref(f);
	ck_assert_int_eq(bt_fd_count(), before);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "sub/%d.bin", i);
		unlinkat(root, name, 0);
	}
}
END_TEST

START_TEST(each_coding_is_an_entry_of_its_own)
{
	struct bt_file_cache *c = bt_file_cache_new(8, 1 << 20, 4);
	const struct bt_str lines =
	    BT_STR("Content-Encoding: br\r\nVary: Accept-Encoding\r\n");
	struct bt_file *f, *coded;

	ck_assert_int_eq(find(c, "a.txt", 0, &f), 0);
	ck_assert_int_eq(
	    find_coded(c, "a.txt", BT_CODING_BR, 0, &coded), -ENOENT);
	put_file("a.txt.br", "br", 2);
	ck_assert_int_eq(find_coded(c, "a.txt", BT_CODING_BR, 0, &coded), 0);
	unlinkat(root, "a.txt.br", 0);
	ck_assert_ptr_ne(f, coded);
	ck_assert(bt_str_equal(coded->content, BT_STR("br")));
	ck_assert_str_eq(coded->type.p, f->type.p);
	ck_assert_ptr_nonnull(
	    memmem(coded->fields.p, coded->fields.n, lines.p, lines.n));
	bt_file_unref(f);
	bt_file_unref(coded);
	bt_file_cache_free(c);
}
END_TEST

START_TEST(what_is_added_takes_the_place_of_what_was_there)
{
	struct bt_file_cache *c = bt_file_cache_new(8, 1 << 20, 4);
	struct bt_file *first, *added, *found;

	ck_assert_int_eq(find(c, "a.txt", 0, &first), 0);
	ck_assert_int_eq(bt_file_open(root, BT_STR("a.txt"), BT_CODING_IDENTITY,
			     BT_FILE_WAIT, &added),
	    0);
	bt_file_cache_add(c, root, added, 0);
	ck_assert_int_eq(find(c, "a.txt", 0, &found), 0);
	ck_assert_ptr_eq(found, added);
	bt_file_unref(first);
	bt_file_unref(added);
	bt_file_unref(found);
	bt_file_cache_free(c);
}
END_TEST

START_TEST(it_varies_where_there_are_codings)
{
	const struct bt_str vary = BT_STR("Vary: Accept-Encoding\r\n");
	struct bt_file *f;
	struct bt_str plain;

	ck_assert_int_eq(bt_file_open(root, BT_STR("a.txt"), BT_CODING_IDENTITY,
			     BT_FILE_WAIT, &f),
	    0);
	plain = f->fields;
	ck_assert_ptr_null(memmem(plain.p, plain.n, vary.p, vary.n));
	for (int i = 0; i < 2; i++) {
		bt_file_set_codings(f, BT_CODING_BIT(BT_CODING_GZIP), 1);
		ck_assert_uint_eq(f->fields.n, plain.n + vary.n);
		ck_assert_int_eq(
		    memcmp(f->fields.p + plain.n, vary.p, vary.n), 0);
	}
	bt_file_set_codings(f, 0, 2);
	ck_assert_uint_eq(f->fields.n, plain.n);
	bt_file_unref(f);
}
END_TEST

BT_UNIT_SUITE(file_cache)
{
	TCase *tc = bt_unit_case(s, "files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, what_is_found, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, a_second_find_is_a_hit);
	tcase_add_test(tc, a_change_is_noticed_when_the_entry_is_old);
	tcase_add_test(tc, bounds_hold);
	tcase_add_test(tc, each_coding_is_an_entry_of_its_own);
	tcase_add_test(tc, what_is_added_takes_the_place_of_what_was_there);
	tcase_add_test(tc, it_varies_where_there_are_codings);
}
