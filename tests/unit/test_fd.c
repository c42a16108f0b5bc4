/*
 * base/fd.c: descriptors.
 */

#include "base/fd.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#define BASE 100 /* above whatever Check has open */
#define NUMBERS 320

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* Opens BASE to BASE + NUMBERS - 1. */
static void
open_numbers(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (int i = 0; i < NUMBERS; i++)
		ck_assert_int_eq(dup2(fd, BASE + i), BASE + i);
	close(fd);
}

START_TEST(close_leaves_minus_one)
{
	int fd = dup(1), number = fd, before = bt_fd_count();

	errno = EXDEV;
	bt_fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert(!is_open(number));
	bt_fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	fd = number; /* closed already: errno is kept nevertheless */
	errno = EXDEV;
	bt_fd_close(&fd);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_int_eq(bt_fd_count(), before - 1);
}
END_TEST

START_TEST(take_moves)
{
	int fd = 7;

	ck_assert_int_eq(bt_fd_take(&fd), 7);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(bt_fd_take(&fd), -1);
}
END_TEST

/* Offsets from BASE; ends with -1. */
static const struct {
	const char *name;
	int close[8];
} lists[] = {
	{ "nothing", { -1 } },
	{ "one", { 3, -1 } },
	{ "neighbours", { 3, 4, 5, 6, -1 } },
	{ "neighbours in disorder", { 6, 3, 5, 4, -1 } },
	{ "every second one, as dealt to one of two", { 1, 3, 5, 7, -1 } },
	{ "a gap", { 1, 2, 4, 5, -1 } },
	{ "twice the same, spanning one of somebody else", { 5, 5, 7, -1 } },
	{ "twice, in disorder", { 7, 4, 7, 4, -1 } },
	{ "all the same", { 2, 2, 2, -1 } },
};

START_TEST(close_all_closes_those_alone)
{
	int fds[8];
	size_t n = 0;
	bool named[NUMBERS] = { false };

	open_numbers();
	for (; lists[_i].close[n] != -1; n++) {
		fds[n] = BASE + lists[_i].close[n];
		named[lists[_i].close[n]] = true;
	}
	errno = EXDEV;
	bt_fd_close_all(fds, n);
	ck_assert_int_eq(errno, EXDEV);
	for (int i = 0; i < NUMBERS; i++)
		ck_assert_msg(is_open(BASE + i) == !named[i], "%s: %d",
		    lists[_i].name, i);
}
END_TEST

/* More than a batch, and with numbers that are none. */
START_TEST(close_all_of_many)
{
	int fds[NUMBERS], none[] = { -1, 0, 1 };

	for (int n = 250; n <= NUMBERS; n += 1 + (n > 260) * 20) {
		open_numbers();
		for (int i = 0; i < n; i++)
			fds[i] = BASE + n - 1 - i;
		bt_fd_close_all(fds, (size_t)n);
		for (int i = 0; i < NUMBERS; i++)
			ck_assert_int_eq(is_open(BASE + i), i >= n);
	}
	open_numbers();
	none[1] = BASE + 1;
	none[2] = BASE;
	bt_fd_close_all(none, 3);
	ck_assert(!is_open(BASE) && !is_open(BASE + 1) && is_open(BASE + 2));
}
END_TEST

START_TEST(sets_flags)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(bt_fd_set_nonblock(fd[0]), 0);
	ck_assert(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
	ck_assert_int_eq(bt_fd_set_cloexec(fd[0], 1), 0);
	ck_assert(fcntl(fd[0], F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(bt_fd_set_cloexec(fd[0], 0), 0);
	ck_assert(!(fcntl(fd[0], F_GETFD) & FD_CLOEXEC));
	ck_assert_int_eq(bt_fd_set_nonblock(-1), -EBADF);
	ck_assert_int_eq(bt_fd_set_cloexec(-1, 1), -EBADF);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

START_TEST(raises_the_limit)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(bt_fd_raise_limit(), limit.rlim_max);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

START_TEST(counts)
{
	int before = bt_fd_count(), fd = dup(1);

	ck_assert_int_gt(before, 2);
	ck_assert_int_eq(bt_fd_count(), before + 1);
	close(fd);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

START_TEST(fills_standard_descriptors)
{
	int before = bt_fd_count(), saved = dup(2);

	close(0);
	close(2);
	ck_assert_int_eq(bt_fd_fill_standard(), 0);
	ck_assert(is_open(0) && is_open(2));
	ck_assert_int_eq(bt_fd_count(), before + 1);
	ck_assert_int_eq(bt_fd_fill_standard(), 0);
	ck_assert_int_eq(bt_fd_count(), before + 1);
	dup2(saved, 2);
	close(saved);
}
END_TEST

BT_UNIT_SUITE(fd)
{
	TCase *tc = bt_unit_case(s, "close");

	tcase_add_test(tc, close_leaves_minus_one);
	tcase_add_test(tc, take_moves);
	tcase_add_loop_test(tc, close_all_closes_those_alone, 0,
	    (int)(sizeof(lists) / sizeof(lists[0])));
	tcase_add_test(tc, close_all_of_many);
	tc = bt_unit_case(s, "flags and numbers");
	tcase_add_test(tc, sets_flags);
	tcase_add_test(tc, raises_the_limit);
	tcase_add_test(tc, counts);
	tcase_add_test(tc, fills_standard_descriptors);
}
