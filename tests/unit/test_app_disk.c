/*
 * The store on disk: nothing is there by half, nothing foreign is believed, and
 * what has expired goes.
 */

#include "app/disk.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW 2000000000
#define LATER (NOW + 3600)

static char root[] = "/tmp/baton-disk-XXXXXX";
static char folder[64];
static struct bt_disk *disk;
static _Atomic uint64_t bytes_n, files_n;

static struct bt_disk *
disk_of(uint64_t bytes, uint64_t files)
{
	return bt_disk_new(folder, bytes, files, &bytes_n, &files_n);
}

static void
setup(void)
{
	ck_assert_int_eq(bt_keys_init(), 0);
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/store", root);
	bytes_n = files_n = 0;
	disk = disk_of(1 << 30, 1000);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static void
teardown(void)
{
	bt_disk_free(disk);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
name_of(unsigned i, unsigned char out[static BT_NAME_BYTES])
{
	memset(out, 0, BT_NAME_BYTES);
	memcpy(out, &i, sizeof(i));
	out[15] = 1;
}

static int
put(unsigned i, const char *text, int64_t expires_s)
{
	unsigned char name[BT_NAME_BYTES];

	name_of(i, name);
	return bt_disk_put(disk, name, bt_str_of(text), expires_s);
}

/* 0 where that text is kept. */
static int
get(unsigned i, const char *text)
{
	unsigned char name[BT_NAME_BYTES];
	struct bt_buf b = { 0 };
	int r;

	name_of(i, name);
	r = bt_disk_get(disk, name, &b);
	if (r == 0)
		ck_assert(bt_str_equal(bt_buf_str(&b), bt_str_of(text)));
	else
		ck_assert_uint_eq(b.len, 0);
	bt_buf_fini(&b);
	return r;
}

static int
forget(unsigned i)
{
	unsigned char name[BT_NAME_BYTES];

	name_of(i, name);
	return bt_disk_remove(disk, name);
}

/* The path of a record; what path_of() makes of the name. */
static const char *
path_of(unsigned i)
{
	static char path[128];

	snprintf(path, sizeof(path),
	    "%s/%03x/%02x%02x%02x%02x0000000000000000000000%02x", folder,
	    i % 1024, i & 255, i >> 8 & 255, i >> 16 & 255, i >> 24, 1);
	return path;
}

START_TEST(keeps_what_it_was_given)
{
	struct stat st;

	ck_assert_int_eq(get(1, ""), -ENOENT); /* no folder yet */
	ck_assert_int_eq(put(1, "one", LATER), 0);
	ck_assert_int_eq(put(2, "", LATER), 0);
	ck_assert_int_eq(get(1, "one"), 0);
	ck_assert_int_eq(get(2, ""), 0);
	ck_assert_int_eq(put(1, "one", LATER), 0); /* once */
	ck_assert_uint_eq(files_n, 2);
	ck_assert_int_eq(stat(path_of(1), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_mtime, LATER);
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(forget(1), 0);
	ck_assert_int_eq(forget(1), -ENOENT);
	ck_assert_int_eq(get(1, ""), -ENOENT);
	ck_assert_uint_eq(files_n, 1);
}
END_TEST

/* --- what is there and is not ours --- */

static void
cut(const char *path)
{
	ck_assert_int_eq(truncate(path, 26), 0);
}

static void
cut_away(const char *path)
{
	ck_assert_int_eq(truncate(path, 0), 0);
}

static void
append(const char *path)
{
	FILE *f = fopen(path, "a");

	fputs("more", f);
	fclose(f);
}

static void
flip(const char *path)
{
	FILE *f = fopen(path, "r+");

	fseek(f, -1, SEEK_END);
	fputc('~', f);
	fclose(f);
}

static void
link_away(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
}

static void
fifo(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void (*const damages[])(
    const char *) = { cut, cut_away, append, flip, link_away, fifo };

START_TEST(damaged_is_not_believed)
{
	ck_assert_int_eq(put(7, "seven", LATER), 0);
	damages[_i](path_of(7));
	ck_assert_int_eq(get(7, "seven"), -EBADMSG);
	ck_assert_int_eq(get(7, "seven"), -ENOENT); /* taken away */
	ck_assert_int_eq(put(7, "seven", LATER), 0);
	ck_assert_int_eq(get(7, "seven"), 0);
}
END_TEST

/* --- bounds --- */

START_TEST(is_bounded)
{
	unsigned kept = 0;

	bt_disk_free(disk);
	disk = disk_of(1 << 30, 10);
	for (unsigned i = 0; i < 20; i++)
		kept += put(i, "x", LATER) == 0;
	ck_assert_uint_eq(kept, 10);
	ck_assert_int_eq(put(99, "x", LATER), -ENOSPC);
	ck_assert_int_eq(forget(0), 0);
	ck_assert_int_eq(put(99, "x", LATER), 0);
	bt_disk_free(disk);
	disk = disk_of(8192, 1000);
	bytes_n = files_n = 0;
	for (unsigned i = 100, k = 0; i < 110; i++) {
		k += put(i, "x", LATER) == 0;
		ck_assert_uint_le(k, 2);
	}
}
END_TEST

START_TEST(failures_are_told)
{
	bt_disk_free(disk);
	snprintf(folder, sizeof(folder), "%s/no/such", root);
	disk = disk_of(1 << 30, 1000);
	ck_assert_int_eq(put(1, "x", LATER), -ENOENT);
	ck_assert_int_eq(get(1, "x"), -ENOENT);
	ck_assert_int_eq(bt_disk_sweep(disk, NOW), 0);
	ck_assert_uint_eq(files_n, 0);
	/* it is made later, by somebody else */
	snprintf(folder, sizeof(folder), "%s/no", root);
	mkdir(folder, 0700);
	ck_assert_int_eq(put(1, "x", LATER), 0);
}
END_TEST

/* --- the sweep --- */

static int
sweep_all(void)
{
	int n = 0;

	for (unsigned i = 0; i < 64; i++) {
		int r = bt_disk_sweep(disk, NOW);

		ck_assert_int_ge(r, 0);
		n += r;
	}
	return n;
}

START_TEST(expired_ones_are_swept)
{
	char temporary[160];
	FILE *f;

	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(put(i, "x", i % 2 ? NOW - 1 : LATER), 0);
	snprintf(temporary, sizeof(temporary), "%s/001/tmp-1-1", folder);
	f = fopen(temporary, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	files_n = 7; /* wrong, as after a start */
	/* by then nobody writes the unfinished one any more */
	ck_assert_int_eq(sweep_all(), 51);
	ck_assert_int_eq(sweep_all(), 0);
	ck_assert_uint_eq(files_n, 50);
	ck_assert_uint_gt(bytes_n, 0);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(get(i, "x"), i % 2 ? -ENOENT : 0);
}
END_TEST

/* --- several processes --- */

START_TEST(one_of_many_takes_it)
{
	enum { RACERS = 4, RECORDS = 100 };
	unsigned won = 0;

	for (unsigned i = 0; i < RECORDS; i++)
		ck_assert_int_eq(put(i, "x", LATER), 0);
	for (unsigned r = 0; r < RACERS; r++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			unsigned mine = 0;

			for (unsigned i = 0; i < RECORDS; i++)
				mine += forget(i) == 0;
			_exit((int)mine);
		}
	}
	for (unsigned r = 0; r < RACERS; r++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		won += (unsigned)WEXITSTATUS(status);
	}
	ck_assert_uint_eq(won, RECORDS);
}
END_TEST

/* Killed while it writes: what is found is whole. */
START_TEST(writers_are_killed)
{
	for (unsigned round = 0; round < 40; round++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			for (unsigned i = 0;; i++)
				put(i % 50, "the whole text", LATER);
		for (unsigned i = 0; i < 50; i++)
			ck_assert_int_ne(get(i, "the whole text"), -EBADMSG);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		for (unsigned i = 0; i < 50; i += 3)
			forget(i);
	}
}
END_TEST

BT_UNIT_SUITE(app_disk)
{
	TCase *tc = bt_unit_case(s, "records");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, keeps_what_it_was_given);
	tcase_add_loop_test(tc, damaged_is_not_believed, 0,
	    (int)(sizeof(damages) / sizeof(damages[0])));
	tcase_add_test(tc, is_bounded);
	tcase_add_test(tc, failures_are_told);
	tcase_add_test(tc, expired_ones_are_swept);
	tcase_add_test(tc, one_of_many_takes_it);
	tcase_add_test(tc, writers_are_killed);
}
