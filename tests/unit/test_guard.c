/*
 * worker/guard.c: a process that starts a guard, says what may be done with
 * its connections, and dies; the test is its master and the clients.
 */

#include "tests/unit/unit.h"

#include "base/fd.h"
#include "channel/heritage.h"
#include "worker/guard.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000

enum { IDLES = 260 }; /* more than one message takes */

static struct bt_scoreboard *board;
static struct bt_channel *near;
static struct bt_heritage heritage;
static const struct bt_conf conf = { .worker_connections = 1000 };

static void
setup(void)
{
	ck_assert_int_eq(bt_scoreboard_new(1, &board), 0);
	heritage = (struct bt_heritage){ .board = board, .conf = &conf };
	ck_assert_int_eq(bt_channel_pair(&near, &heritage.channel), 0);
}

static void
teardown(void)
{
	bt_channel_free(near);
	bt_channel_free(heritage.channel);
	bt_scoreboard_free(board);
}

/* The client's end of a connection, the server's in *ret_server. */
static int
connection(int *ret_server)
{
	int fd[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	*ret_server = fd[1];
	return fd[0];
}

/* A worker's life: it has `n` connections in these states, and is killed. */
static pid_t
worker_that_dies(const int *fd, size_t n, const enum bt_guard_state *states)
{
	pid_t pid = fork();
	struct bt_guard guard;

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	if (bt_guard_start(&guard, &heritage) == 0) {
		for (size_t i = 0; i < n; i++) {
			struct bt_baton baton = { .id = i + 1 };

			bt_guard_enter(&guard, fd[i], &baton);
			if (states[i] == BT_GUARD_IDLE)
				bt_guard_set_idle(&guard, fd[i], 7);
			else
				bt_guard_set(&guard, fd[i], states[i]);
		}
		raise(SIGKILL);
	}
	_exit(1);
}

/* The worker was killed, and its guard has ended by itself, well. */
static void
check_ends(pid_t worker)
{
	int status;

	ck_assert_int_eq(waitpid(board->slots[0].worker.guard_pid, &status, 0),
	    board->slots[0].worker.guard_pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(WIFSIGNALED(status));
}

static void
await(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
}

/* What comes on it until its end. */
static size_t
read_all(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t r;

	do {
		await(fd);
		r = read(fd, out + n, size - 1 - n);
		ck_assert_int_ge(r, 0);
		n += (size_t)r;
	} while (r > 0);
	out[n] = '\0';
	return n;
}

/* Who was idle is handed back, usable, and its record with it. */
START_TEST(idle_ones_come_back)
{
	enum bt_guard_state states[IDLES];
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	int client[IDLES], server[IDLES];
	enum bt_message message;
	unsigned lost;
	pid_t worker;
	char byte;

	for (int i = 0; i < IDLES; i++) {
		client[i] = connection(&server[i]);
		states[i] = BT_GUARD_IDLE;
	}
	worker = worker_that_dies(server, IDLES, states);
	bt_fd_close_all(server, IDLES);
	for (int got = 0; got < IDLES;) {
		int n;

		await(bt_channel_fd(near));
		n = bt_channel_recv(near, h, &message, &lost);
		ck_assert_int_gt(n, 0);
		ck_assert_int_eq(message, BT_MESSAGE_RESCUE);
		for (int i = 0; i < n; i++, got++) {
			ck_assert_uint_eq(h[i].baton.requests, 7);
			ck_assert_uint_eq(h[i].baton.bytes, 0);
			ck_assert_int_eq(write(h[i].fd, "x", 1), 1);
			ck_assert_int_eq(
			    read(client[h[i].baton.id - 1], &byte, 1), 1);
			bt_handover_close(&h[i]);
		}
	}
	check_ends(worker);
	bt_fd_close_all(client, IDLES);
}
END_TEST

/* Who had asked gets a 502 and the end; who was amid something, the end. */
START_TEST(the_others_end)
{
	static const enum bt_guard_state states[] = { BT_GUARD_ASKED,
		BT_GUARD_NONE };
	int client[2], server[2];
	char text[1024];
	pid_t worker;

	for (int i = 0; i < 2; i++)
		client[i] = connection(&server[i]);
	/* unread bytes: the answer must survive them */
	ck_assert_int_eq(write(client[0], "GET", 3), 3);
	worker = worker_that_dies(server, 2, states);
	bt_fd_close_all(server, 2);
	ck_assert_uint_gt(read_all(client[0], text, sizeof(text)), 0);
	ck_assert_msg(strncmp(text, "HTTP/1.1 502 ", 13) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "\r\nConnection: close\r\n"));
	ck_assert_str_eq(text + strlen(text) - 4, "\r\n\r\n");
	ck_assert_uint_eq(read_all(client[1], text, sizeof(text)), 0);
	bt_fd_close_all(client, 2);
	check_ends(worker);
}
END_TEST

BT_UNIT_SUITE(guard)
{
	TCase *tc = bt_unit_case(s, "guard");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, idle_ones_come_back);
	tcase_add_test(tc, the_others_end);
}
