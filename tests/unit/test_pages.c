/* base/pages.c: what is in memory is told from what is not. */

#include "base/pages.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STEPS = 8, BYTES = STEPS * BT_PAGES_STEP + 1000 };

static int fd = -1;

/* A file on a disk, all of it in memory. */
static void
setup(void)
{
	char name[] = "/var/tmp/baton-pages-XXXXXX";
	char *bytes = malloc(BYTES);

	fd = mkostemp(name, O_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	unlink(name);
	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 'x', BYTES);
	ck_assert_int_eq(write(fd, bytes, BYTES), BYTES);
	free(bytes);
	ck_assert_int_eq(fsync(fd), 0);
	bt_pages_fetch(fd, 0, BYTES);
}

static void
teardown(void)
{
	close(fd);
}

/*
 * Takes it out of memory; false where the file system keeps it there, or the
 * kernel a part of it.
 */
static bool
forget(void)
{
	const size_t pages = (BYTES + 4095) / 4096;
	unsigned char there[(BYTES + 4095) / 4096];
	size_t i;
	char byte;
	void *map;

	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	map = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mincore(map, BYTES, there), 0);
	munmap(map, BYTES);
	for (i = 0; i < pages; i++)
		if (there[i] & 1)
			return false;
	return bt_pages_read(fd, &byte, 1, BYTES - 1) == -EAGAIN;
}

START_TEST(what_is_there_is_ready)
{
	char bytes[10];

	if (bt_pages_read(fd, bytes, 1, 0) == -EAGAIN)
		return; /* a file system that never says */
	ck_assert_int_eq(bt_pages_read(fd, bytes, 10, 5), 10);
	ck_assert_int_eq(bt_pages_read(fd, bytes, 10, BYTES - 4), 4);
	ck_assert_int_eq(bt_pages_read(fd, bytes, 10, BYTES), 0);
	ck_assert_uint_eq(bt_pages_ready(fd, 0, BYTES), BYTES);
	ck_assert_uint_eq(bt_pages_ready(fd, 17, 100), 100);
	ck_assert_uint_eq(bt_pages_ready(fd, 17, 0), 0);
	/* behind the end nothing waits */
	ck_assert_uint_eq(bt_pages_ready(fd, BYTES, 4096), 4096);
	ck_assert_int_eq(bt_pages_read(-1, bytes, 1, 0), -EBADF);
}
END_TEST

START_TEST(what_is_not_there_is_fetched)
{
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	if (!forget())
		return;
	ck_assert_uint_eq(bt_pages_ready(fd, 0, BYTES), 0);
	bt_pages_fetch(fd, 0, BYTES);
	ck_assert_uint_eq(bt_pages_ready(fd, 0, BYTES), BYTES);
}
END_TEST

/* The kernel reads in pieces of its own, and a page that is asked for. */
START_TEST(the_part_that_is_there_is_ready)
{
	const size_t half = STEPS / 2 * BT_PAGES_STEP;
	size_t ready;

	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	if (!forget())
		return;
	bt_pages_fetch(fd, 0, half);
	ck_assert_uint_eq(bt_pages_ready(fd, 0, half), half);
	ready = bt_pages_ready(fd, 0, BYTES);
	ck_assert_uint_ge(ready, half);
	ck_assert_uint_lt(ready, BYTES);
}
END_TEST

/* It is believed for a while, and only for what was asked. */
START_TEST(what_was_ready_lately_is_believed)
{
	static struct bt_pages_seen seen;
	char byte;

	if (bt_pages_read(fd, &byte, 1, 0) == -EAGAIN)
		return;
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	ck_assert_uint_eq(
	    bt_pages_ready_lately(&seen, fd, 0, BYTES, 1000), BYTES);
	if (!forget())
		return;
	ck_assert_uint_eq(bt_pages_ready_lately(&seen, fd, 0, BYTES,
			      1000 + BT_PAGES_LATELY_MS - 1),
	    BYTES);
	ck_assert_uint_eq(
	    bt_pages_ready_lately(&seen, fd, 4096, BYTES, 1000), 0);
	ck_assert_uint_eq(
	    bt_pages_ready_lately(&seen, fd, 0, BYTES - 1, 1000), 0);
	ck_assert_uint_eq(bt_pages_ready_lately(
			      &seen, fd, 0, BYTES, 1000 + BT_PAGES_LATELY_MS),
	    0);
	/* what is not there is not believed to be */
	bt_pages_fetch(fd, 0, BYTES);
	ck_assert_uint_eq(bt_pages_ready_lately(
			      &seen, fd, 0, BYTES, 1001 + BT_PAGES_LATELY_MS),
	    BYTES);
}
END_TEST

BT_UNIT_SUITE(pages)
{
	TCase *tc = bt_unit_case(s, "memory");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_there_is_ready);
	tcase_add_test(tc, what_is_not_there_is_fetched);
	tcase_add_test(tc, the_part_that_is_there_is_ready);
	tcase_add_test(tc, what_was_ready_lately_is_believed);
}
