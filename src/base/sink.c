/*
 * Places for lines.  O_NONBLOCK belongs to the open file, which we may share
 * with the shell that started us, so pipes and terminals that we were given are
 * opened once more; sockets can be told with each send(2).  Any process.
 */

#include "base/sink.h"

#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FLAGS (O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static enum bt_sink_kind
kind_of(int fd)
{
	int type = SOCK_STREAM;
	socklen_t n = sizeof(type);
	struct stat st;

	if (fstat(fd, &st) == -1 || S_ISREG(st.st_mode))
		return BT_SINK_FILE;
	if (!S_ISSOCK(st.st_mode))
		return BT_SINK_PIPE;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n);
	return type == SOCK_DGRAM ? BT_SINK_SYSLOG : BT_SINK_STREAM;
}

/* An open file of our own, where that is needed and can be had. */
static int
open_standard(int fd)
{
	char path[32];
	int own;

	if (kind_of(fd) != BT_SINK_PIPE)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | FLAGS);
	return own == -1 ? fd : own;
}

/*
 * With its reading end held by us, too, a FIFO can be opened before anybody
 * reads, and what was written while its reader is away waits for the next one.
 */
static int
open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | FLAGS, 0640), both;

	if (fd == -1 && errno != ENXIO)
		return -errno;
	if (fd != -1 && kind_of(fd) == BT_SINK_FILE)
		return fd;
	both = open(path, O_RDWR | FLAGS);
	if (both == -1)
		return fd == -1 ? -errno : fd;
	bt_fd_close(&fd);
	return both;
}

static const char *
syslog_path(const char *place)
{
	return place[strlen("syslog")] == ':' ? place + strlen("syslog:")
					      : "/dev/log";
}

static bool
is_syslog(const char *place)
{
	return strcmp(place, "syslog") == 0 ||
	    strncmp(place, "syslog:", strlen("syslog:")) == 0;
}

int
bt_sink_connect(const struct bt_sink *s, const char *place)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = syslog_path(place);

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	if (connect(s->fd, (const struct sockaddr *)&addr, sizeof(addr)) == -1)
		return -errno;
	return 0;
}

static int
open_syslog(const char *place, struct bt_sink *ret)
{
	struct bt_sink s = { .kind = BT_SINK_SYSLOG };
	int r;

	s.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s.fd == -1)
		return -errno;
	if ((r = bt_sink_connect(&s, place)) < 0) {
		bt_fd_close(&s.fd);
		return r;
	}
	*ret = s;
	return 0;
}

int
bt_sink_open(const char *place, struct bt_sink *ret)
{
	int fd;

	if (is_syslog(place))
		return open_syslog(place, ret);
	if (strcmp(place, "stderr") == 0)
		fd = open_standard(STDERR_FILENO);
	else if (strcmp(place, "stdout") == 0)
		fd = open_standard(STDOUT_FILENO);
	else
		fd = open_file(place);
	if (fd < 0)
		return fd;
	*ret = (struct bt_sink){ .fd = fd, .kind = kind_of(fd) };
	return 0;
}

void
bt_sink_close(struct bt_sink *s)
{
	if (s->fd > STDERR_FILENO)
		bt_fd_close(&s->fd);
	s->fd = -1;
}

void
bt_sink_take(struct bt_sink *s, int *fd)
{
	bt_sink_close(s);
	s->fd = bt_fd_take(fd);
	s->kind = kind_of(s->fd);
	s->torn = false;
}

static ssize_t
put(const struct bt_sink *s, const char *p, size_t n)
{
	bool socket = s->kind == BT_SINK_STREAM || s->kind == BT_SINK_SYSLOG;
	ssize_t done;

	do
		done = socket ? send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL)
			      : write(s->fd, p, n);
	while (done == -1 && errno == EINTR);
	return done == -1 ? -errno : done;
}

/*
 * On a full disk part of a line may be the last that went.  Nothing can take it
 * back, but what comes next begins a line.
 */
static ssize_t
put_to_file(struct bt_sink *s, const char *lines, size_t n)
{
	ssize_t done;

	if (s->torn && (done = put(s, "\n", 1)) < 0)
		return done;
	done = put(s, lines, n);
	s->torn = done < 0 || (done > 0 && lines[done - 1] != '\n');
	return done;
}

/* How many bytes of lines go out together: one line, if it is long. */
static size_t
whole_lines(const char *lines, size_t n)
{
	const char *end = NULL;

	if (n <= BT_SINK_PIPE_LINE_MAX)
		return n;
	end = memrchr(lines, '\n', BT_SINK_PIPE_LINE_MAX);
	if (end == NULL)
		end = memchr(lines, '\n', n);
	return end == NULL ? n : (size_t)(end - lines) + 1;
}

ssize_t
bt_sink_write(struct bt_sink *s, const char *lines, size_t n)
{
	size_t at = 0, piece;
	ssize_t done;

	if (s->kind == BT_SINK_FILE)
		return put_to_file(s, lines, n);
	if (s->kind == BT_SINK_SYSLOG)
		return put(s, lines, n);
	while (at < n) {
		piece = whole_lines(lines + at, n - at);
		done = put(s, lines + at, piece);
		if (done < 0)
			return at > 0 ? (ssize_t)at : done;
		at += (size_t)done;
		if ((size_t)done < piece)
			break;
	}
	return (ssize_t)at;
}
