/*
 * worker/access_log.c: the formats to the byte, and nothing from outside that
 * could end a line or a quote.
 */

#include "tests/unit/unit.h"

#include "base/fd.h"
#include "worker/access_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WHEN 1700000000 /* 14 Nov 2023 22:13:20 UTC */

static struct bt_exchange *
exchange_new(struct bt_baton *baton, const char *line)
{
	struct bt_exchange *x = calloc(1, sizeof(*x));
	struct bt_addr addr;
	const char *why;

	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(
	    bt_addr_parse(BT_STR("192.0.2.7:5000"), &addr, &why), 0);
	*baton = (struct bt_baton){ .id = 1 };
	bt_baton_set_peer(baton, &addr);
	x->baton = baton;
	x->request.line = bt_str_of(line);
	x->reply.status = 200;
	x->sent = 1234;
	return x;
}

static void
add_field(struct bt_exchange *x, enum bt_known_field known, const char *value)
{
	struct bt_request *r = &x->request;

	r->fields[r->fields_n].value = bt_str_of(value);
	r->known[known] = (uint8_t)++r->fields_n;
}

/* The log of one exchange, as read back from its file. */
static void
expect_line(const struct bt_exchange *x, enum bt_log_format format,
    const char *expected)
{
	struct bt_score_worker score = { 0 };
	struct bt_access_log *log;
	char text[65536];
	int pipe_fd[2];
	ssize_t n;

	ck_assert_int_eq(pipe(pipe_fd), 0);
	setenv("TZ", "UTC", 1);
	tzset();
	log = bt_access_log_new(&pipe_fd[1], format, &score);
	bt_access_log_add(log, x, WHEN);
	bt_access_log_free(log);
	n = read(pipe_fd[0], text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(pipe_fd[0]);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(score.log_lines_lost, 0);
}

START_TEST(combined)
{
	struct bt_baton baton;
	struct bt_exchange *x = exchange_new(&baton, "GET / HTTP/1.1");

	add_field(x, BT_FIELD_REFERER, "http://example.org/");
	add_field(x, BT_FIELD_USER_AGENT, "curl/8");
	expect_line(x, BT_LOG_FORMAT_COMBINED,
	    "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"GET / HTTP/1.1\" "
	    "200 1234 \"http://example.org/\" \"curl/8\"\n");
	free(x);
}
END_TEST

START_TEST(common_and_nothing_known)
{
	struct bt_baton baton;
	struct bt_exchange *x = exchange_new(&baton, "");

	expect_line(x, BT_LOG_FORMAT_COMMON,
	    "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"-\" 200 1234\n");
	expect_line(x, BT_LOG_FORMAT_COMBINED,
	    "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"-\" 200 1234 "
	    "\"-\" \"-\"\n");
	free(x);
}
END_TEST

START_TEST(nothing_escapes)
{
	struct bt_baton baton;
	struct bt_exchange *x =
	    exchange_new(&baton, "GET /\"\\\n\x1b[31m\xc3\xa9 HTTP/1.1");

	expect_line(x, BT_LOG_FORMAT_COMMON,
	    "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] "
	    "\"GET /\\x22\\x5C\\x0A\\x1B[31m\\xC3\\xA9 HTTP/1.1\" 200 1234\n");
	free(x);
}
END_TEST

START_TEST(a_closed_file_costs_lines_and_counts_them)
{
	struct bt_score_worker score = { 0 };
	struct bt_baton baton;
	struct bt_exchange *x = exchange_new(&baton, "GET / HTTP/1.1");
	struct bt_access_log *log;
	int pipe_fd[2];

	ck_assert_int_eq(pipe(pipe_fd), 0);
	close(pipe_fd[0]); /* EPIPE; SIGPIPE is ignored */
	log = bt_access_log_new(&pipe_fd[1], BT_LOG_FORMAT_COMMON, &score);
	for (int i = 0; i < 3; i++)
		bt_access_log_add(log, x, WHEN);
	bt_access_log_flush(log);
	ck_assert_uint_eq(score.log_lines_lost, 3);
	bt_access_log_flush(log);
	ck_assert_uint_eq(score.log_lines_lost, 3);
	bt_access_log_free(log);
	free(x);
}
END_TEST

/*
 * Reads what is there; returns how many lines, all of which are whole. `*begun`
 * are the bytes of one that goes on at the next call.
 */
static unsigned
read_lines(int fd, size_t line_bytes, size_t *begun)
{
	char text[65536];
	unsigned lines = 0;
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++, ++*begun)
			if (text[i] == '\n') {
				ck_assert_uint_eq(*begun + 1, line_bytes);
				*begun = (size_t)-1;
				lines++;
			}
	return lines;
}

/* Nobody reads the pipe: lines are lost, but no worker waits. */
START_TEST(a_full_pipe_does_not_block)
{
	enum { N = 10000 };
	const char *line = "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"GET / "
			   "HTTP/1.1\" 200 1234\n";
	struct bt_score_worker score = { 0 };
	struct bt_baton baton;
	struct bt_exchange *x = exchange_new(&baton, "GET / HTTP/1.1");
	struct bt_access_log *log;
	int pipe_fd[2];
	size_t begun = 0;
	unsigned got;

	ck_assert_int_eq(pipe(pipe_fd), 0);
	ck_assert_int_eq(bt_fd_set_nonblock(pipe_fd[0]), 0);
	setenv("TZ", "UTC", 1);
	tzset();
	log = bt_access_log_new(&pipe_fd[1], BT_LOG_FORMAT_COMMON, &score);
	for (int i = 0; i < N; i++)
		bt_access_log_add(log, x, WHEN);
	ck_assert_uint_gt(score.log_lines_lost, 0);
	/* a line that was begun is finished as soon as there is room */
	bt_access_log_flush(log);
	got = read_lines(pipe_fd[0], strlen(line), &begun);
	bt_access_log_flush(log);
	got += read_lines(pipe_fd[0], strlen(line), &begun);
	ck_assert_uint_eq(got + score.log_lines_lost, N);
	bt_access_log_free(log);
	ck_assert_uint_eq(got + score.log_lines_lost, N);
	close(pipe_fd[0]);
	free(x);
}
END_TEST

BT_UNIT_SUITE(access_log)
{
	TCase *tc = bt_unit_case(s, "lines");

	tcase_add_test(tc, combined);
	tcase_add_test(tc, common_and_nothing_known);
	tcase_add_test(tc, nothing_escapes);
	tcase_add_test(tc, a_full_pipe_does_not_block);
	tcase_add_test(tc, a_closed_file_costs_lines_and_counts_them);
}
