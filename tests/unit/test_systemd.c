/* src/master/systemd.c */

#include "master/systemd.h"
#include "tests/unit/unit.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A service manager's end, at a path or an abstract name. */
static int
manager(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path, name, n);
	if (name[0] == '@')
		un.sun_path[0] = '\0';
	ck_assert_int_eq(
	    bind(fd, (void *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

START_TEST(news_arrive)
{
	char name[64], got[128];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name),
	    _i ? "@bt-unit-%d" : "/tmp/bt-unit-%d.sock", (int)getpid());
	fd = manager(name);
	ck_assert_int_eq(
	    bt_systemd_notify("READY=1\nMAINPID=%d", (int)getpid()), 1);
	n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	snprintf(name + 32, 32, "READY=1\nMAINPID=%d", (int)getpid());
	ck_assert_str_eq(got, name + 32);
	close(fd);
	if (!_i)
		unlink(getenv("NOTIFY_SOCKET"));
}
END_TEST

START_TEST(nobody_to_tell)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(bt_systemd_notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(bt_systemd_notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	ck_assert_int_eq(bt_systemd_notify("READY=1"), -ENOENT);
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	ck_assert_int_eq(bt_systemd_notify("READY=1"), -EAFNOSUPPORT);
}
END_TEST

static const struct {
	const char *usec, *pid; /* NULL: not set; "me" */
	int64_t ms;
} watchdogs[] = {
	{ NULL, NULL, 0 },
	{ "10000000", NULL, 5000 },
	{ "10000000", "me", 5000 },
	{ "10000000", "1", 0 }, /* meant for another process */
	{ "10000000", "x", 0 },
	{ "1000", NULL, 1 },
	{ "0", NULL, 0 },
	{ "soon", NULL, 0 },
	{ "-5", NULL, 0 },
};

START_TEST(watchdog)
{
	char me[16];

	snprintf(me, sizeof(me), "%d", (int)getpid());
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (watchdogs[_i].usec)
		setenv("WATCHDOG_USEC", watchdogs[_i].usec, 1);
	if (watchdogs[_i].pid)
		setenv("WATCHDOG_PID",
		    strcmp(watchdogs[_i].pid, "me") ? watchdogs[_i].pid : me,
		    1);
	ck_assert_int_eq(bt_systemd_watchdog_ms(), watchdogs[_i].ms);
}
END_TEST

/*
 * In a process of its own, since descriptor 3 is Check's in this one.  Returns
 * the number of the first thing that was wrong; 0: none.
 */
static int
take_twice(void)
{
	char me[16];
	struct bt_systemd_fd *fds;

	/* 3 is there, 4 is not */
	if (dup2(STDERR_FILENO, 3) != 3)
		return 1;
	close(4);
	snprintf(me, sizeof(me), "%d", (int)getpid());
	setenv("LISTEN_PID", me, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "a:b", 1);
	if (bt_systemd_take_fds(&fds) != 1 || fds[0].fd != 3 ||
	    strcmp(fds[0].name, "a") != 0)
		return 2;
	free(fds);
	if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0)
		return 3;
	if (getenv("LISTEN_FDS") || getenv("LISTEN_PID") ||
	    getenv("LISTEN_FDNAMES"))
		return 4;
	if (bt_systemd_take_fds(&fds) != 0 || fds != NULL)
		return 5;
	return 0;
}

START_TEST(listeners_are_taken_once)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(take_twice());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(listeners_of_another_process)
{
	struct bt_systemd_fd *fds;

	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	ck_assert_uint_eq(bt_systemd_take_fds(&fds), 0);
	ck_assert_ptr_null(fds);
}
END_TEST

BT_UNIT_SUITE(systemd)
{
	TCase *tc = bt_unit_case(s, "protocol");

	tcase_add_loop_test(tc, news_arrive, 0, 2);
	tcase_add_test(tc, nobody_to_tell);
	tcase_add_loop_test(
	    tc, watchdog, 0, sizeof(watchdogs) / sizeof(watchdogs[0]));
	tcase_add_test(tc, listeners_are_taken_once);
	tcase_add_test(tc, listeners_of_another_process);
}
