/* src/master/pidfile.c */

#include "master/pidfile.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[128];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/bt-unit-pid-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/baton.pid", dir);
}

static void
teardown(void)
{
	unlink(path);
	/* a temporary file that was left over would make this fail */
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
content(void)
{
	FILE *f = fopen(path, "r");
	int pid = -1;

	if (f == NULL)
		return -errno;
	if (fscanf(f, "%d\n", &pid) != 1)
		pid = -1;
	fclose(f);
	return pid;
}

START_TEST(written_replaced_removed)
{
	FILE *f = fopen(path, "w");

	fputs("1\n", f); /* of one that was killed */
	fclose(f);
	ck_assert_int_eq(bt_pidfile_write(path), 0);
	ck_assert_int_eq(content(), (int)getpid());
	bt_pidfile_remove(path);
	ck_assert_int_eq(content(), -ENOENT);
	bt_pidfile_remove(path);
}
END_TEST

START_TEST(anothers_file_stays)
{
	FILE *f = fopen(path, "w");

	fputs("1\n", f);
	fclose(f);
	bt_pidfile_remove(path);
	ck_assert_int_eq(content(), 1);
}
END_TEST

START_TEST(no_such_folder)
{
	ck_assert_int_eq(bt_pidfile_write("/nonexistent/baton.pid"), -ENOENT);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(bt_pidfile_write(path), -EISDIR);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

BT_UNIT_SUITE(pidfile)
{
	TCase *tc = bt_unit_case(s, "file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, written_replaced_removed);
	tcase_add_test(tc, anothers_file_stays);
	tcase_add_test(tc, no_such_folder);
}
