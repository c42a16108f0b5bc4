/*
 * Descriptors.  Any process.
 */

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

void
bt_fd_close(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void
bt_fd_close_all(const int *fds, size_t n)
{
	int saved = errno, least, most;
	size_t i;

	if (n == 0)
		return;
	least = most = fds[0];
	for (i = 1; i < n; i++) {
		least = fds[i] < least ? fds[i] : least;
		most = fds[i] > most ? fds[i] : most;
	}
	/* as many numbers as descriptors: all between are of this list */
	if (n > 1 && (size_t)(most - least) + 1 == n &&
	    close_range((unsigned)least, (unsigned)most, 0) == 0) {
		errno = saved;
		return;
	}
	for (i = 0; i < n; i++)
		close(fds[i]);
	errno = saved;
}

int
bt_fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return -errno;
	return 0;
}

int
bt_fd_set_cloexec(int fd, int on)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags == -1)
		return -errno;
	flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
	return fcntl(fd, F_SETFD, flags) == -1 ? -errno : 0;
}

unsigned long
bt_fd_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = limit;

		raised.rlim_cur = raised.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur;
}

int
bt_fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n - 1; /* the folder's own */
}
