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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FDS_START 3
#define LISTEN_FDS_MAX 1024

int
bt_systemd_notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char text[512];
	socklen_t len;
	int fd, r = 1;
	va_list ap;

	if (path == NULL || path[0] == '\0')
		return 0;
	if ((path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(un.sun_path))
		return -EAFNOSUPPORT;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strcpy(un.sun_path, path);
	/* an abstract name begins with NUL and has none at its end */
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path) + (path[0] == '/'));
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		(const void *)&un, len) == -1)
		r = -errno;
	bt_fd_close(&fd);
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
bt_systemd_take_listeners(int **ret)
{
	uint64_t pid, n;
	size_t taken = 0;

	*ret = NULL;
	if (number_of("LISTEN_PID", &pid) < 0 || pid != (uint64_t)getpid() ||
	    number_of("LISTEN_FDS", &n) < 0 || n == 0 || n > LISTEN_FDS_MAX)
		n = 0;
	if (n > 0)
		*ret = bt_mem_zero(n, sizeof(**ret));
	for (uint64_t i = 0; i < n; i++) {
		int fd = LISTEN_FDS_START + (int)i;

		if (bt_fd_set_cloexec(fd, 1) == 0)
			(*ret)[taken++] = fd;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return taken;
}
