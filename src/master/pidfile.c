/*
 * The PID file.  Master.
 */

#include "master/pidfile.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
bt_pidfile_write(const char *path)
{
	char temp[PATH_MAX], text[32];
	int fd, n, r = 0;

	/* beside it, since rename() must not leave the file system */
	if (snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid()) >=
	    (int)sizeof(temp))
		return -ENAMETOOLONG;
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd == -1 && errno == EEXIST && unlink(temp) == 0)
		/* of a predecessor that was killed amid this */
		fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd == -1)
		return -errno;
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (write(fd, text, (size_t)n) != n)
		r = errno ? -errno : -EIO;
	else if (rename(temp, path) == -1)
		r = -errno;
	bt_fd_close(&fd);
	if (r < 0)
		unlink(temp);
	return r;
}

void
bt_pidfile_remove(const char *path)
{
	char text[32];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	n = read(fd, text, sizeof(text) - 1);
	bt_fd_close(&fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (atoi(text) == (int)getpid())
		unlink(path);
}
