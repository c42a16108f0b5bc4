/*
 * base/sink.c: whole lines, and nobody waits for who reads them.
 */

#include "base/fd.h"
#include "base/sink.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64], path[80];

static void
make_folder(void)
{
	strcpy(folder, "/tmp/bt-sink-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/place", folder);
}

static void
remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static struct bt_sink
sink_open(const char *place)
{
	struct bt_sink s;

	ck_assert_int_eq(bt_sink_open(place, &s), 0);
	ck_assert_int_eq(fcntl(s.fd, F_GETFD) & FD_CLOEXEC,
	    s.fd > STDERR_FILENO ? FD_CLOEXEC : 0);
	return s;
}

static void
wants_read(int fd, const char *text)
{
	char got[16384];
	ssize_t n = read(fd, got, sizeof(got) - 1);

	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, text);
}

#define PUT(sink, text) bt_sink_write(sink, text, sizeof(text) - 1)

START_TEST(a_file_is_appended_to)
{
	struct bt_sink a = sink_open(path), b = sink_open(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(a.kind, BT_SINK_FILE);
	ck_assert_int_eq(PUT(&a, "one\n"), 4);
	ck_assert_int_eq(PUT(&b, "two\n"), 4);
	ck_assert_int_eq(PUT(&a, "three\n"), 6);
	wants_read(fd, "one\ntwo\nthree\n");
	close(fd);
	bt_sink_close(&a);
	bt_sink_close(&b);
	ck_assert_int_eq(a.fd, -1);
}
END_TEST

START_TEST(a_fifo_needs_no_reader)
{
	struct bt_sink s;
	size_t written = 0;
	ssize_t n;
	int fd;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	s = sink_open(path);
	ck_assert_int_eq(s.kind, BT_SINK_PIPE);
	while ((n = PUT(&s, "line\n")) > 0)
		written += (size_t)n;
	ck_assert_int_eq(n, -EAGAIN);
	ck_assert_uint_ge(written, BT_SINK_PIPE_LINE_MAX);
	/* and what waited is there when one comes, and after he has left */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	for (char text[5]; written > 0; written -= 5) {
		ck_assert_int_eq(read(fd, text, 5), 5);
		ck_assert_mem_eq(text, "line\n", 5);
	}
	close(fd);
	ck_assert_int_eq(PUT(&s, "between\n"), 8);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	wants_read(fd, "between\n");
	close(fd);
	bt_sink_close(&s);
}
END_TEST

/* Two writers, one full pipe: each write is a number of whole lines. */
START_TEST(lines_of_a_pipe_stay_whole)
{
	char lines[30000], got[sizeof(lines)], line[301];
	struct bt_sink s;
	size_t whole = 0;
	ssize_t n;
	int fd;

	memset(lines, 'x', sizeof(lines));
	for (size_t i = 299; i < sizeof(lines); i += 300)
		lines[i] = '\n';
	memcpy(line, lines, 300);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	s = sink_open(path);
	while ((n = bt_sink_write(&s, lines, sizeof(lines))) > 0) {
		ck_assert_int_eq(n % 300, 0);
		whole += (size_t)n / 300;
	}
	ck_assert_int_eq(n, -EAGAIN);
	while ((n = read(fd, got, 300)) == 300) {
		ck_assert_mem_eq(got, line, 300);
		whole--;
	}
	ck_assert_uint_eq(whole, 0);
	close(fd);
	bt_sink_close(&s);
}
END_TEST

/* A file that can grow no further has the same as a full disk: ENOSPC, EFBIG.
 */
START_TEST(after_a_torn_line_a_new_one_begins)
{
	struct rlimit limit = { 10, RLIM_INFINITY };
	struct bt_sink s = sink_open(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(PUT(&s, "1234567\nabcdef\n"), 10);
	ck_assert_int_lt(PUT(&s, "lost\n"), 0);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(PUT(&s, "next\n"), 5);
	ck_assert_int_eq(PUT(&s, "and next\n"), 9);
	wants_read(fd, "1234567\nab\nnext\nand next\n");
	close(fd);
	bt_sink_close(&s);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	struct bt_sink s = sink_open("/dev/full");

	ck_assert_int_eq(PUT(&s, "line\n"), -ENOSPC);
	bt_sink_close(&s);
}
END_TEST

static const char *const nowhere[] = { "/nonexistent/log", "/", "syslog:/x/y" };

START_TEST(cannot_open)
{
	int before = bt_fd_count();
	struct bt_sink s;

	ck_assert_int_lt(bt_sink_open(nowhere[_i], &s), 0);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

enum { A_PIPE, A_SOCKET, KINDS };

/* The shell's end keeps blocking; ours does not, and is the same pipe. */
START_TEST(standard_streams_do_not_block)
{
	static const char *const places[] = { "stdout", "stderr" };
	int fd[2], number = _i / KINDS + STDOUT_FILENO;
	struct bt_sink s;
	ssize_t n;

	if (_i % KINDS == A_PIPE)
		ck_assert_int_eq(pipe(fd), 0);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_int_eq(dup2(fd[1], number), number);
	s = sink_open(places[_i / KINDS]);
	while ((n = PUT(&s, "line\n")) == 5)
		;
	ck_assert_int_eq(n, -EAGAIN);
	ck_assert_int_eq(fcntl(number, F_GETFL) & O_NONBLOCK, 0);
	close(fd[0]);
	signal(SIGPIPE, SIG_IGN);
	bt_sink_close(&s);
	ck_assert_int_ne(fcntl(number, F_GETFD), -1);
}
END_TEST

static int
syslog_start(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

START_TEST(syslog_is_found_again)
{
	char place[100];
	struct bt_sink s;
	int fd = syslog_start(), n = 0;

	snprintf(place, sizeof(place), "syslog:%s", path);
	s = sink_open(place);
	ck_assert_int_eq(s.kind, BT_SINK_SYSLOG);
	ck_assert_int_eq(PUT(&s, "<30>a"), 5);
	wants_read(fd, "<30>a");
	while (PUT(&s, "<30>b") == 5)
		n++;
	ck_assert_int_eq(PUT(&s, "<30>b"), -EAGAIN);
	close(fd);
	unlink(path);
	ck_assert_int_lt(PUT(&s, "<30>c"), 0);
	ck_assert_int_lt(bt_sink_connect(&s, place), 0);
	fd = syslog_start();
	ck_assert_int_eq(bt_sink_connect(&s, place), 0);
	ck_assert_int_eq(PUT(&s, "<30>d"), 5);
	wants_read(fd, "<30>d");
	close(fd);
	bt_sink_close(&s);
}
END_TEST

START_TEST(takes_what_another_opened)
{
	struct bt_sink s = sink_open(path);
	int before = bt_fd_count(), fd[2], fifo;

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	fifo = fd[1];
	bt_sink_take(&s, &fd[1]);
	ck_assert_int_eq(fd[1], -1);
	ck_assert_int_eq(s.fd, fifo);
	ck_assert_int_eq(s.kind, BT_SINK_PIPE);
	ck_assert_int_eq(PUT(&s, "x\n"), 2);
	wants_read(fd[0], "x\n");
	close(fd[0]);
	bt_sink_close(&s);
	ck_assert_int_eq(bt_fd_count(), before - 1);
}
END_TEST

BT_UNIT_SUITE(sink)
{
	TCase *tc = bt_unit_case(s, "sink");

	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_add_test(tc, a_file_is_appended_to);
	tcase_add_test(tc, a_fifo_needs_no_reader);
	tcase_add_test(tc, lines_of_a_pipe_stay_whole);
	tcase_add_test(tc, after_a_torn_line_a_new_one_begins);
	tcase_add_test(tc, a_full_disk_is_an_error);
	tcase_add_loop_test(
	    tc, cannot_open, 0, (int)(sizeof(nowhere) / sizeof(nowhere[0])));
	tcase_add_loop_test(tc, standard_streams_do_not_block, 0, 2 * KINDS);
	tcase_add_test(tc, syslog_is_found_again);
	tcase_add_test(tc, takes_what_another_opened);
}
