/*
 * base/log.c: whole lines, escaped, to stderr or a file.
 */

#include "base/fd.h"
#include "base/log.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define HEAD "0000-00-00 00:00:00.000 "

static char folder[64], path[80];

static void
make_folder(void)
{
	strcpy(folder, "/tmp/bt-log-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/error.log", folder);
}

static void
remove_folder(void)
{
	char other[90];

	unlink(path);
	snprintf(other, sizeof(other), "%s.1", path);
	unlink(other);
	rmdir(folder);
}

/* What the descriptor or file has; each digit of times becomes 0. */
static const char *
content_of(int fd)
{
	static char text[16384];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n == -1 && errno == ESPIPE)
		n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	for (char *line = text; line != NULL && *line != '\0';) {
		for (size_t i = 0; i < strlen(HEAD) && line[i] >= ' '; i++)
			if (line[0] != '<' && line[i] >= '0' && line[i] <= '9')
				line[i] = '0';
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return text;
}

static const char *
content(const char *file)
{
	int fd = open(file, O_RDONLY);
	const char *text;

	ck_assert_int_ne(fd, -1);
	text = content_of(fd);
	close(fd);
	return text;
}

/* What one datagram has. */
static const char *
raw_content_of(int fd)
{
	static char text[4096];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void
describe(const void *of, char *out, size_t size)
{
	snprintf(out, size, "conn %d from 192.0.2.7", *(const int *)of);
}

START_TEST(writes_lines)
{
	const int number = 12;
	const struct bt_log ctx = { describe, &number };

	ck_assert_int_eq(bt_log_open(path, BT_LOG_DEBUG), 0);
	errno = EXDEV;
	bt_log_error(NULL, 0, "plain %d", 1);
	bt_log_warn(NULL, -ENOENT, "no such %s", "thing");
	bt_log_info(&ctx, EPIPE, "said");
	bt_log_set_process("worker 3");
	bt_log_debug(NULL, 0, "named");
	bt_log_info(&ctx, 0, "both");
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_str_eq(content(path),
	    HEAD "error plain 1\n" HEAD
		 "warn  no such thing: No such file or directory\n" HEAD
		 "info  conn 12 from 192.0.2.7: said: Broken pipe\n" HEAD
		 "debug worker 3: named\n" HEAD
		 "info  worker 3, conn 12 from 192.0.2.7: both\n");
}
END_TEST

START_TEST(keeps_to_its_level)
{
	static const char *const lines[] = { HEAD "error 0\n", HEAD "warn  1\n",
		HEAD "info  2\n", HEAD "debug 3\n" };
	char want[256] = "";

	ck_assert_int_eq(bt_log_open(path, (enum bt_log_level)_i), 0);
	for (int level = 0; level < BT_LOG_LEVELS; level++) {
		ck_assert_int_eq(
		    bt_log_enabled((enum bt_log_level)level), level <= _i);
		bt_log_write((enum bt_log_level)level, NULL, 0, "%d", level);
		if (level <= _i)
			strcat(want, lines[level]);
	}
	ck_assert_str_eq(content(path), want);
}
END_TEST

static const struct {
	const char *text, *line;
} escapes[] = {
	{ "plain ~ text", "plain ~ text" },
	{ "two\nlines\r", "two\\x0alines\\x0d" },
	{ "\033[31mred\177", "\\x1b[31mred\\x7f" },
	{ "tab\there", "tab\\x09here" },
	/* well-formed UTF-8: 2, 3 and 4 bytes, first and last of each */
	{ "\xc2\xa0\xc3\xa9\xdf\xbf", "\xc2\xa0\xc3\xa9\xdf\xbf" },
	{ "\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbd",
	    "\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbd" },
	{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },
	{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
	/* a C1 control: CSI to a terminal */
	{ "\xc2\x9b"
	  "31m",
	    "\\xc2\\x9b31m" },
	/* and what is no UTF-8 */
	{ "\x80", "\\x80" },
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "\xc3", "\\xc3" },
	{ "\xc3(", "\\xc3(" },
	{ "\xc0\xaf", "\\xc0\\xaf" },
	{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "\xe2\x82", "\\xe2\\x82" },
	{ "\xe2\x82 ", "\\xe2\\x82 " },
	{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80" },
	{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },
};

START_TEST(escapes_what_is_not_printable)
{
	char want[128];

	ck_assert_int_eq(bt_log_open(path, BT_LOG_INFO), 0);
	bt_log_info(NULL, 0, "%s", escapes[_i].text);
	snprintf(want, sizeof(want), HEAD "info  %s\n", escapes[_i].line);
	ck_assert_str_eq(content(path), want);
}
END_TEST

/* One line, ended, with its errno, whatever the text's length and bytes. */
START_TEST(long_lines_keep_their_end)
{
	static const char *const fillers[] = { "x", "\n", "\xe2\x82\xac" };
	char text[5000];
	const char *filler = fillers[_i], *got;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = filler[i % strlen(filler)];
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(bt_log_open(path, BT_LOG_INFO), 0);
	bt_log_info(NULL, ENOENT, "%s", text);
	got = content(path);
	ck_assert_uint_le(strlen(got), 2048);
	ck_assert_uint_gt(strlen(got), 1900);
	ck_assert_ptr_nonnull(strstr(got, ": No such file or directory\n"));
	ck_assert_ptr_eq(strchr(got, '\n'), got + strlen(got) - 1);
}
END_TEST

static void
describe_long(const void *of, char *out, size_t size)
{
	memset(out, 'c', size - 1);
	out[size - 1] = '\0';
}

/* A context of any length leaves room for the text. */
START_TEST(long_contexts_leave_room)
{
	const struct bt_log ctx = { describe_long, NULL };

	ck_assert_int_eq(bt_log_open(path, BT_LOG_INFO), 0);
	bt_log_info(&ctx, ENOENT, "the text");
	ck_assert_ptr_nonnull(strstr(content(path), "the text: No such file"));
}
END_TEST

START_TEST(reopens_after_rotation)
{
	char rotated[90];
	int before = bt_fd_count();

	snprintf(rotated, sizeof(rotated), "%s.1", path);
	ck_assert_int_eq(bt_log_reopen(), 0); /* stderr: nothing to do */
	ck_assert_int_eq(bt_log_open(path, BT_LOG_WARN), 0);
	bt_log_warn(NULL, 0, "old");
	ck_assert_int_eq(rename(path, rotated), 0);
	bt_log_warn(NULL, 0, "old");
	ck_assert_int_eq(bt_log_reopen(), 0);
	bt_log_warn(NULL, 0, "new");
	bt_log_info(NULL, 0, "the level stays");
	ck_assert_str_eq(
	    content(rotated), HEAD "warn  old\n" HEAD "warn  old\n");
	ck_assert_str_eq(content(path), HEAD "warn  new\n");
	ck_assert_int_eq(bt_fd_count(), before + 1);
	ck_assert_int_eq(fcntl(bt_log_fd(), F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(failure_keeps_the_old_one)
{
	int before = bt_fd_count();

	ck_assert_int_eq(
	    bt_log_open("/nonexistent/log", BT_LOG_DEBUG), -ENOENT);
	ck_assert_int_eq(bt_log_fd(), STDERR_FILENO);
	ck_assert(!bt_log_enabled(BT_LOG_DEBUG));
	ck_assert_int_eq(bt_log_open(path, BT_LOG_INFO), 0);
	ck_assert_int_eq(
	    bt_log_open("/nonexistent/log", BT_LOG_DEBUG), -ENOENT);
	bt_log_info(NULL, 0, "still here");
	bt_log_debug(NULL, 0, "not at this level");
	ck_assert_str_eq(content(path), HEAD "info  still here\n");
	ck_assert_int_eq(bt_fd_count(), before + 1);
}
END_TEST

/* Returns a pipe's reading end; stderr is the other one from now on. */
static int
catch_stderr(void)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(dup2(fd[1], STDERR_FILENO), STDERR_FILENO);
	close(fd[1]);
	return fd[0];
}

static void
set_journal(int fd, int off)
{
	struct stat st;
	char text[64];

	ck_assert_int_eq(fstat(fd, &st), 0);
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + (uintmax_t)off);
	setenv("JOURNAL_STREAM", text, 1);
}

START_TEST(journal_gets_level_prefixes)
{
	int fd = catch_stderr();

	set_journal(STDERR_FILENO, 0);
	ck_assert_int_eq(bt_log_open(NULL, BT_LOG_DEBUG), 0);
	bt_log_set_process("master");
	for (int level = 0; level < BT_LOG_LEVELS; level++)
		bt_log_write((enum bt_log_level)level, NULL, 0, "x");
	ck_assert_str_eq(content_of(fd),
	    "<3>master: x\n<4>master: x\n<6>master: x\n<7>master: x\n");
	close(fd);
}
END_TEST

START_TEST(a_line_for_each_line)
{
	int fd = catch_stderr();

	set_journal(STDERR_FILENO, 0);
	ck_assert_int_eq(bt_log_open(NULL, BT_LOG_INFO), 0);
	bt_log_lines(BT_LOG_WARN, bt_str_of("a:1: what\n\tb\tc\n\t\t^"));
	ck_assert_str_eq(
	    content_of(fd), "<4>a:1: what\n<4>    b    c\n<4>        ^\n");
	close(fd);
}
END_TEST

static const char *const not_ours[] = { NULL, "", "1", "1:", ":", "0:0" };

/* JOURNAL_STREAM is inherited by those whose stderr is another one. */
START_TEST(others_get_times)
{
	int fd = catch_stderr();

	if (not_ours[_i] != NULL)
		setenv("JOURNAL_STREAM", not_ours[_i], 1);
	else
		set_journal(STDERR_FILENO, 1);
	ck_assert_int_eq(bt_log_open("stderr", BT_LOG_INFO), 0);
	bt_log_info(NULL, 0, "x");
	ck_assert_str_eq(content_of(fd), HEAD "info  x\n");
	close(fd);
}
END_TEST

/* A worker gets the reopened file from the master. */
START_TEST(takes_a_descriptor)
{
	int before, fd, none = -1;

	close(catch_stderr());
	set_journal(STDERR_FILENO, 0);
	ck_assert_int_eq(bt_log_open(NULL, BT_LOG_INFO), 0);
	before = bt_fd_count();
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	bt_log_take(&fd);
	ck_assert_int_eq(fd, -1);
	bt_log_info(NULL, 0, "to the file, as to files");
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	bt_log_take(&fd);
	/* in place of the pipe that stderr was opened as again */
	ck_assert_int_eq(bt_fd_count(), before);
	bt_log_take(&none);
	ck_assert_int_ne(bt_log_fd(), -1);
	bt_log_info(NULL, 0, "again");
	ck_assert_str_eq(content(path),
	    HEAD "info  to the file, as to files\n" HEAD "info  again\n");
}
END_TEST

/* Each text, without whom it is about, at most so often; then how many. */
START_TEST(counts_repeats)
{
	const char *got;
	int number = 0;
	const struct bt_log ctx = { describe, &number };

	ck_assert_int_eq(bt_log_open(path, BT_LOG_DEBUG), 0);
	for (; number < 20; number++) {
		bt_log_warn(&ctx, ENOENT, "the same");
		bt_log_debug(NULL, 0, "follows");
	}
	bt_log_warn(NULL, 0, "another");
	bt_log_finish();
	bt_log_finish();
	got = content(path);
	ck_assert_ptr_nonnull(strstr(got,
	    HEAD "warn  another\n" HEAD
		 "warn  15 times more, in 10 s: the same: No such file or "
		 "directory\n"));
	ck_assert_uint_eq(count(got, "the same"), 6);
	ck_assert_uint_eq(count(got, "follows"), 20);
}
END_TEST

/* A process that was forked does not say what its parent counted. */
START_TEST(a_new_process_counts_anew)
{
	ck_assert_int_eq(bt_log_open(path, BT_LOG_INFO), 0);
	for (int i = 0; i < 20; i++)
		bt_log_info(NULL, 0, "the same");
	bt_log_set_process("worker 0");
	bt_log_finish();
	ck_assert_uint_eq(count(content(path), "the same"), 5);
}
END_TEST

START_TEST(lines_that_were_lost_are_counted)
{
	int fd = catch_stderr(), n = 0;
	char text[1000] = "";
	const char *got;

	ck_assert_int_eq(bt_log_open(NULL, BT_LOG_DEBUG), 0);
	for (; n < 3000; n++)
		bt_log_debug(NULL, 0, "%0100d", n);
	ck_assert_int_eq(bt_fd_set_nonblock(fd), 0);
	while (read(fd, text, sizeof(text)) > 0)
		ck_assert_ptr_null(
		    memmem(text, sizeof(text), "lost", strlen("lost")));
	bt_log_debug(NULL, 0, "room again");
	got = content_of(fd);
	ck_assert_ptr_nonnull(strstr(got, "lines were lost here\n"));
	ck_assert_ptr_nonnull(strstr(got, "debug room again\n"));
	close(fd);
}
END_TEST

START_TEST(syslog_gets_its_own_head)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char place[100], wanted[200];
	struct tm tm;
	time_t before = time(NULL), after;
	const char *got;

	strcpy(addr.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	snprintf(place, sizeof(place), "syslog:%s", path);
	ck_assert_int_eq(bt_log_open(place, BT_LOG_INFO), 0);
	bt_log_set_process("master");
	bt_log_error(NULL, ENOENT, "x\n");
	got = raw_content_of(fd);
	after = time(NULL);
	for (time_t t = before; t <= after; t++) {
		char stamp[32];

		localtime_r(&t, &tm);
		strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
		snprintf(wanted, sizeof(wanted),
		    "<27>%s baton[%d]: master: x\\x0a: No such file or "
		    "directory",
		    stamp, (int)getpid());
		if (strcmp(got, wanted) == 0)
			break;
	}
	ck_assert_str_eq(got, wanted);
	/* it is started again, at the same path */
	close(fd);
	unlink(path);
	bt_log_warn(NULL, 0, "nobody hears");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	bt_log_info(NULL, 0, "again");
	ck_assert_ptr_nonnull(strstr(raw_content_of(fd), "1 line was lost"));
	ck_assert_ptr_nonnull(strstr(raw_content_of(fd), "master: again"));
	close(fd);
}
END_TEST

BT_UNIT_SUITE(log)
{
	TCase *tc = bt_unit_case(s, "log");

	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_add_test(tc, writes_lines);
	tcase_add_loop_test(tc, keeps_to_its_level, 0, BT_LOG_LEVELS);
	tcase_add_loop_test(
	    tc, escapes_what_is_not_printable, 0, ROWS(escapes));
	tcase_add_loop_test(tc, long_lines_keep_their_end, 0, 3);
	tcase_add_test(tc, long_contexts_leave_room);
	tcase_add_test(tc, reopens_after_rotation);
	tcase_add_test(tc, failure_keeps_the_old_one);
	tcase_add_test(tc, journal_gets_level_prefixes);
	tcase_add_test(tc, a_line_for_each_line);
	tcase_add_loop_test(tc, others_get_times, 0, ROWS(not_ours));
	tcase_add_test(tc, takes_a_descriptor);
	tcase_add_test(tc, counts_repeats);
	tcase_add_test(tc, a_new_process_counts_anew);
	tcase_add_test(tc, lines_that_were_lost_are_counted);
	tcase_add_test(tc, syslog_gets_its_own_head);
}
