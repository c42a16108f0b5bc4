/*
 * The service manager's protocols: a datagram for each piece of news, sockets
 * from descriptor 3 on.  Master.
 */

#include "master/systemd.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FDS_START 3
#define LISTEN_FDS_MAX (STORE_MOST + 1024)
#define STORE_MOST 65536
#define STORE_BATCH_MAX 253 /* the kernel's SCM_MAX_FD */
#define STORE_MS 1000

/* The address of $NOTIFY_SOCKET.  1; 0: there is none; negative errno. */
static int
notify_addr(struct sockaddr_un *un, socklen_t *ret_len)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path == NULL || path[0] == '\0')
		return 0;
	if ((path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(un->sun_path))
		return -EAFNOSUPPORT;
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(un->sun_path, path);
	/* an abstract name begins with NUL and has none at its end */
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path) + (path[0] == '/'));
	if (path[0] == '@')
		un->sun_path[0] = '\0';
	return 1;
}

/* Sends a datagram, waiting up to `ms` for room.  1, 0, negative errno. */
static int
notify_with(const char *text, const int *fds, size_t n, int ms)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(STORE_BATCH_MAX * sizeof(int))];
	} control;
	struct sockaddr_un un;
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr msg = {
		.msg_name = &un, .msg_iov = &iov, .msg_iovlen = 1
	};
	struct pollfd p = { .events = POLLOUT };
	int r = notify_addr(&un, &msg.msg_namelen);

	if (r <= 0)
		return r;
	if (n > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.align =
		    (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)),
			    .cmsg_level = SOL_SOCKET,
			    .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.align), fds, n * sizeof(int));
	}
	p.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p.fd == -1)
		return -errno;
	/* connected, so that there is something to wait for */
	if (ms > 0 && connect(p.fd, (void *)&un, msg.msg_namelen) == 0) {
		msg.msg_name = NULL;
		msg.msg_namelen = 0;
		poll(&p, 1, ms);
	}
	if (sendmsg(p.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		r = -errno;
	bt_fd_close(&p.fd);
	return r;
}

int
bt_systemd_notify(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return notify_with(text, NULL, 0, 0);
}

int
bt_systemd_store(const char *name, const int *fds, size_t n)
{
	char text[64 + BT_SYSTEMD_NAME_MAX];
	int r;

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	r = notify_with(text, fds, n, STORE_MS);
	return r < 0 ? r : 0;
}

int
bt_systemd_unstore(const char *name)
{
	return bt_systemd_notify("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

int
bt_systemd_barrier(int64_t ms)
{
	struct pollfd p = { .events = 0 };
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return -errno;
	r = notify_with("BARRIER=1", &ends[1], 1, STORE_MS);
	bt_fd_close(&ends[1]);
	p.fd = ends[0];
	if (r > 0) /* the other end is closed when it was read */
		r = poll(&p, 1, (int)ms) == 1 ? 0 : -ETIMEDOUT;
	bt_fd_close(&ends[0]);
	return r;
}

/* A variable that is a number; `*ret` is left alone when it is not. */
static int
number_of(const char *variable, uint64_t *ret)
{
	const char *text = getenv(variable);

	return text ? bt_str_parse_u64(bt_str_of(text), ret) : -ENOENT;
}

int64_t
bt_systemd_watchdog_ms(void)
{
	uint64_t us, pid;

	if (number_of("WATCHDOG_USEC", &us) < 0 || us == 0 || us > INT64_MAX)
		return 0;
	if (getenv("WATCHDOG_PID") != NULL &&
	    (number_of("WATCHDOG_PID", &pid) < 0 || pid != (uint64_t)getpid()))
		return 0;
	return us / 2000 > 0 ? (int64_t)(us / 2000) : 1;
}

size_t
bt_systemd_store_max(void)
{
	uint64_t n;

	if (getenv("NOTIFY_SOCKET") == NULL || number_of("FDSTORE", &n) < 0)
		return 0;
	return n < STORE_MOST ? (size_t)n : STORE_MOST;
}

/* The next of the names, which are separated by colons. */
static void
take_name(const char **names, char out[static BT_SYSTEMD_NAME_MAX])
{
	size_t n;

	if (*names == NULL)
		return;
	n = strcspn(*names, ":");
	if (n < BT_SYSTEMD_NAME_MAX)
		memcpy(out, *names, n);
	*names = (*names)[n] == ':' ? *names + n + 1 : NULL;
}

size_t
bt_systemd_take_fds(struct bt_systemd_fd **ret)
{
	const char *names = getenv("LISTEN_FDNAMES");
	uint64_t pid, n;
	size_t taken = 0;

	*ret = NULL;
	if (number_of("LISTEN_PID", &pid) < 0 || pid != (uint64_t)getpid() ||
	    number_of("LISTEN_FDS", &n) < 0 || n == 0 || n > LISTEN_FDS_MAX)
		n = 0;
	if (n > 0)
		*ret = bt_mem_zero(n, sizeof(**ret));
	for (uint64_t i = 0; i < n; i++) {
		struct bt_systemd_fd *got = &(*ret)[taken];
		int fd = LISTEN_FDS_START + (int)i;

		*got = (struct bt_systemd_fd){ .fd = fd };
		take_name(&names, got->name);
		taken += bt_fd_set_cloexec(fd, 1) == 0;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return taken;
}
