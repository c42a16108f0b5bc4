/*
 * worker/access_log.c: lines are gathered, written whole, and lost before
 * anybody waits.
 */

#include "tests/unit/unit.h"

#include "base/fd.h"
#include "channel/heritage.h"
#include "worker/access_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE "method GET, the status is 200\n"
#define LINE_BYTES (sizeof(LINE) - 1)

static const struct bt_now now = { .us = 1 };
static const char *files[] = { "/one", "/two" };
static struct bt_conf conf = { .log_files = files };
static const struct bt_services services = { .conf = &conf, .now = &now };
static const struct bt_baton baton = { .id = 1 };
static struct bt_conf_format format;
static struct bt_score_worker score;
static struct baton_exchange *x;
static struct bt_arena arena;

static void
make(void)
{
	char why[100];

	memset(&score, 0, sizeof(score));
	x = calloc(1, sizeof(*x));
	ck_assert_ptr_nonnull(x);
	x->services = &services;
	x->baton = &baton;
	x->request.method_text = BT_STR("GET");
	x->reply.status = 200;
	ck_assert_int_eq(
	    bt_template_parse(BT_STR("method $method, the status is $status"),
		&arena, &format.template, why, sizeof(why)),
	    0);
}

static void
clean(void)
{
	bt_arena_fini(&arena);
	free(x);
}

static struct bt_access_log *
log_new(size_t n, int *fds)
{
	conf.log_files_n = n;
	return bt_access_log_new(&conf, fds, &score);
}

static void
add(struct bt_access_log *log, unsigned file, unsigned n)
{
	const struct bt_conf_log to = { .file = file, .format = &format };

	while (n-- > 0)
		bt_access_log_add(log, x, &to, 1);
}

static void
make_pipe(int fd[2])
{
	ck_assert_int_eq(pipe2(fd, O_NONBLOCK | O_CLOEXEC), 0);
}

/* Reads what is there, all of which are whole lines; returns how many. */
static unsigned
read_lines(int fd)
{
	unsigned n = 0;
	char line[LINE_BYTES];

	while (read(fd, line, sizeof(line)) == (ssize_t)sizeof(line)) {
		ck_assert_mem_eq(line, LINE, sizeof(line));
		n++;
	}
	return n;
}

START_TEST(no_files_no_log)
{
	ck_assert_ptr_null(log_new(0, NULL));
	bt_access_log_free(NULL);
}
END_TEST

START_TEST(each_log_has_its_lines)
{
	int one[2], two[2], before = bt_fd_count();
	struct bt_conf_log both[] = { { .file = 0, .format = &format },
		{ .file = 1, .format = &format } };
	struct bt_access_log *log;

	make_pipe(one);
	make_pipe(two);
	log = log_new(2, (int[]){ one[1], two[1] });
	add(log, 0, 2);
	add(log, 1, 3);
	bt_access_log_add(log, x, both, 2);
	bt_access_log_add(log, x, NULL, 0);
	ck_assert_uint_eq(read_lines(one[0]), 0); /* they are gathered */
	bt_access_log_flush(log);
	ck_assert_uint_eq(read_lines(one[0]), 3);
	ck_assert_uint_eq(read_lines(two[0]), 4);
	bt_access_log_flush(log); /* the buffers go, and come again */
	add(log, 0, 1);
	bt_access_log_free(log);
	ck_assert_uint_eq(read_lines(one[0]), 1);
	ck_assert_uint_eq(score.log_lines_lost, 0);
	close(one[0]);
	close(two[0]);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

/* Nobody reads the pipe: lines are lost, but no worker waits. */
START_TEST(a_full_pipe_does_not_block)
{
	enum { N = 20000 };
	struct bt_access_log *log;
	unsigned got;
	int fd[2];

	make_pipe(fd);
	log = log_new(1, &fd[1]);
	add(log, 0, N);
	ck_assert_uint_gt(score.log_lines_lost, 0);
	got = read_lines(fd[0]);
	bt_access_log_flush(log);
	got += read_lines(fd[0]);
	bt_access_log_flush(log);
	got += read_lines(fd[0]);
	ck_assert_uint_eq(got + score.log_lines_lost, N);
	add(log, 0, 1);
	bt_access_log_free(log);
	ck_assert_uint_eq(read_lines(fd[0]), 1);
	ck_assert_uint_eq(got + score.log_lines_lost, N);
	close(fd[0]);
}
END_TEST

START_TEST(what_a_pipe_does_not_take_in_the_end_is_lost)
{
	struct bt_access_log *log;
	unsigned got;
	int fd[2];

	make_pipe(fd);
	log = log_new(1, &fd[1]);
	add(log, 0, 4000);
	bt_access_log_free(log);
	got = read_lines(fd[0]);
	ck_assert_uint_lt(got, 4000);
	ck_assert_uint_eq(got + score.log_lines_lost, 4000);
	close(fd[0]);
}
END_TEST

START_TEST(a_closed_pipe_costs_lines_and_counts_them)
{
	struct bt_access_log *log;
	int fd[2];

	make_pipe(fd);
	close(fd[0]); /* EPIPE; SIGPIPE is ignored */
	log = log_new(1, &fd[1]);
	add(log, 0, 3);
	bt_access_log_flush(log);
	ck_assert_uint_eq(score.log_lines_lost, 3);
	bt_access_log_flush(log);
	bt_access_log_free(log);
	ck_assert_uint_eq(score.log_lines_lost, 3);
}
END_TEST

START_TEST(a_full_disk_costs_lines_and_counts_them)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct bt_access_log *log = log_new(1, &fd);

	ck_assert_int_eq(fd, -1);
	add(log, 0, 10000);
	bt_access_log_flush(log);
	ck_assert_uint_eq(score.log_lines_lost, 10000);
	bt_access_log_free(log);
}
END_TEST

/* By the path, wherever in the conf it stands; others are not ours. */
START_TEST(goes_on_in_another_file)
{
	int one[2], two[2], next[2], stray[2];
	struct bt_access_log *log;

	make_pipe(one);
	make_pipe(two);
	make_pipe(next);
	make_pipe(stray);
	log = log_new(2, (int[]){ one[1], two[1] });
	add(log, 0, 1);
	add(log, 1, 1);
	bt_access_log_switch(log, bt_log_file_id("/two"), &next[1]);
	ck_assert_int_eq(next[1], -1);
	bt_access_log_switch(log, bt_log_file_id("/three"), &stray[1]);
	ck_assert_int_ne(stray[1], -1);
	ck_assert_uint_eq(read_lines(two[0]), 1);
	add(log, 0, 2);
	add(log, 1, 5);
	bt_access_log_free(log);
	ck_assert_uint_eq(read_lines(one[0]), 3);
	ck_assert_uint_eq(read_lines(two[0]), 0);
	ck_assert_uint_eq(read_lines(next[0]), 5);
	bt_access_log_switch(NULL, bt_log_file_id("/one"), &stray[1]);
	ck_assert_int_ne(stray[1], -1);
	for (int i = 0; i < 2; i++)
		close(stray[i]);
	close(one[0]);
	close(two[0]);
	close(next[0]);
}
END_TEST

BT_UNIT_SUITE(access_log)
{
	TCase *tc = bt_unit_case(s, "files");

	tcase_add_checked_fixture(tc, make, clean);
	tcase_add_test(tc, no_files_no_log);
	tcase_add_test(tc, each_log_has_its_lines);
	tcase_add_test(tc, a_full_pipe_does_not_block);
	tcase_add_test(tc, what_a_pipe_does_not_take_in_the_end_is_lost);
	tcase_add_test(tc, a_closed_pipe_costs_lines_and_counts_them);
	tcase_add_test(tc, a_full_disk_costs_lines_and_counts_them);
	tcase_add_test(tc, goes_on_in_another_file);
}
