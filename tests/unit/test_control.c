/* src/master/control.c with ask.c, each in its own process */

#include "master/control.h"
#include "tests/unit/unit.h"

#include "base/fd.h"
#include "base/log.h"
#include "master/master.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_S 20
#define MANY 64 /* more than are let in at a time */

static struct event_base *base;
static struct bt_control *control;
static struct event *deadline;
static char dir[64], path[100];
static unsigned waiting;

static void
on_hello(void *arg, struct bt_control_client *c)
{
	bt_buf_puts(bt_control_lines(c), "line one\nline two\n");
	bt_control_end(c, "ok done");
}

static void
on_no(void *arg, struct bt_control_client *c)
{
	bt_control_end(c, "error it cannot be");
}

static void
on_later(void *arg, struct bt_control_client *c)
{
	bt_control_wait(c, BT_WAIT_STOP);
	waiting++;
}

/* More than the socket's buffers take at once. */
static void
on_much(void *arg, struct bt_control_client *c)
{
	for (int i = 0; i < 50000; i++)
		bt_buf_puts(bt_control_lines(c), "0123456789abcde\n");
	bt_control_end(c, "ok");
}

static const struct bt_control_verb verbs[] = {
	{ "hello", on_hello },
	{ "no", on_no },
	{ "later", on_later },
	{ "much", on_much },
	{ NULL, NULL },
};

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	ck_abort_msg("nothing happened in time");
}

static void
setup(void)
{
	const struct timeval tv = { .tv_sec = DEADLINE_S };

	bt_log_open("/dev/null", BT_LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/bt-unit-control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	base = event_base_new();
	deadline = evtimer_new(base, on_deadline, NULL);
	event_add(deadline, &tv);
	waiting = 0;
	ck_assert_int_eq(bt_control_new(base, path, verbs, NULL, &control), 0);
}

static void
teardown(void)
{
	bt_control_free(control);
	event_free(deadline);
	event_base_free(base);
	ck_assert_int_eq(rmdir(dir), 0); /* its file is gone */
}

/* A client of few manners, for what ask.c would not do. */
static int
client(const char *says)
{
	struct bt_addr a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bt_control_addr(path, &a), 0);
	ck_assert_int_eq(connect(fd, (void *)&a.ss, a.len), 0);
	ck_assert_int_eq(
	    send(fd, says, strlen(says), MSG_NOSIGNAL), strlen(says));
	return fd;
}

/* Runs the loop until the client has been answered; the answer, to its end. */
static const char *
answer_of(int fd)
{
	static char text[1024 * 1024];
	size_t n = 0;
	ssize_t r;

	for (;;) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		r = recv(fd, text + n, sizeof(text) - 1 - n, MSG_DONTWAIT);
		if (r > 0) {
			n += (size_t)r;
		} else if (r == 0 || errno != EAGAIN) {
			close(fd);
			text[n] = '\0';
			return text;
		} else {
			/* only the two of us can make progress */
			struct pollfd p = { .fd = fd, .events = POLLIN };

			poll(&p, 1, 1);
		}
	}
}

/* bt_control_ask() in a child, its words in `ret_text`; returns its status. */
static int
ask(const char *socket_path, const char *verb, char ret_text[static 512])
{
	struct bt_conf conf = { .file = "test.conf", .control = socket_path };
	int fd[2], status;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		dup2(fd[1], STDOUT_FILENO);
		dup2(fd[1], STDERR_FILENO);
		_exit(bt_control_ask(&conf, verb));
	}
	close(fd[1]);
	bt_fd_set_nonblock(fd[0]);
	while ((r = read(fd[0], ret_text + n, 511 - n)) != 0) {
		struct pollfd p = { .fd = fd[0], .events = POLLIN };

		if (r > 0)
			n += (size_t)r;
		event_base_loop(base, EVLOOP_NONBLOCK);
		poll(&p, 1, 1);
	}
	ret_text[n] = '\0';
	close(fd[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct {
	const char *verb, *text;
	int status;
} asks[] = {
	{ "hello", "line one\nline two\ndone\n", 0 },
	{ "no", "baton: it cannot be\n", 1 },
	{ "what", "baton: there is no verb \"what\"\n", 1 },
};

START_TEST(asked_and_answered)
{
	char text[512];

	ck_assert_int_eq(ask(path, asks[_i].verb, text), asks[_i].status);
	ck_assert_str_eq(text, asks[_i].text);
}
END_TEST

START_TEST(nobody_there)
{
	char text[512], nowhere[128];

	snprintf(nowhere, sizeof(nowhere), "%s/none", dir);
	ck_assert_int_eq(ask(nowhere, "hello", text), 1);
	ck_assert_ptr_nonnull(strstr(text, "no master answers here"));
	ck_assert_ptr_nonnull(strstr(text, nowhere));
	ck_assert_int_eq(ask(NULL, "hello", text), 1);
	ck_assert_ptr_nonnull(strstr(text, "names no control socket"));
}
END_TEST

START_TEST(mode_is_the_owners)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_second_master_is_refused)
{
	struct bt_control *other = NULL;

	ck_assert_int_eq(
	    bt_control_new(base, path, verbs, NULL, &other), -EADDRINUSE);
	ck_assert_ptr_null(other);
	ck_assert_str_eq(answer_of(client("no\n")), "error it cannot be\n");
}
END_TEST

START_TEST(in_pieces)
{
	int fd = client("he");

	event_base_loop(base, EVLOOP_ONCE);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(send(fd, "llo\n", 4, 0), 4);
	ck_assert_str_eq(answer_of(fd), "line one\nline two\nok done\n");
}
END_TEST

START_TEST(too_long)
{
	char says[200];

	memset(says, 'a', sizeof(says));
	says[sizeof(says) - 1] = '\0';
	ck_assert_str_eq(
	    answer_of(client(says)), "error the verb is too long\n");
}
END_TEST

START_TEST(long_answers_wait_for_the_reader)
{
	ck_assert_uint_eq(strlen(answer_of(client("much\n"))), 50000 * 16 + 3);
}
END_TEST

START_TEST(who_waits_is_told_in_the_end)
{
	int a = client("later\n"), b = client("later\n"), gone;

	gone = client("later\n");
	while (waiting < 3)
		event_base_loop(base, EVLOOP_ONCE);
	close(gone);
	event_base_loop(base, EVLOOP_ONCE);
	bt_control_end_waiting(control, BT_WAIT_STOP, BT_STR_NONE, "ok %d", 42);
	ck_assert_str_eq(answer_of(a), "ok 42\n");
	ck_assert_str_eq(answer_of(b), "ok 42\n");
}
END_TEST

/* Silent clients fill all places; when they go, the next ones have their turn.
 */
START_TEST(clients_are_bounded)
{
	int fd[MANY], last, before = bt_fd_count();

	for (int i = 0; i < 16; i++)
		fd[i] = client("");
	last = client("no\n");
	for (int i = 0; i < MANY; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	/* theirs, and ours of those that were let in */
	ck_assert_int_eq(bt_fd_count(), before + 16 + 1 + 16);
	for (int i = 0; i < 16; i++)
		close(fd[i]);
	ck_assert_str_eq(answer_of(last), "error it cannot be\n");
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

BT_UNIT_SUITE(control)
{
	TCase *tc = bt_unit_case(s, "socket");

	tcase_set_timeout(tc, 2 * DEADLINE_S);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, asked_and_answered, 0, sizeof(asks) / sizeof(asks[0]));
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, mode_is_the_owners);
	tcase_add_test(tc, a_second_master_is_refused);
	tcase_add_test(tc, in_pieces);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, long_answers_wait_for_the_reader);
	tcase_add_test(tc, who_waits_is_told_in_the_end);
	tcase_add_test(tc, clients_are_bounded);
}
