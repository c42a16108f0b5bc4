/*
 * Descriptors.  Any process.
 */

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

#define NEIGHBOURS_MAX 256

/*
 * True when the descriptors are all the numbers from the least to the most, in
 * any order.  Each must be there once: with one named twice as many numbers as
 * descriptors would be there too, and one of them somebody else's.
 */
static bool
are_neighbours(const int *fds, size_t n, int *ret_least)
{
	bool seen[NEIGHBOURS_MAX] = { false };
	int least = fds[0];

	if (n > NEIGHBOURS_MAX)
		return false;
	for (size_t i = 1; i < n; i++)
		least = fds[i] < least ? fds[i] : least;
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)((long)fds[i] - least);

		if (at >= n || seen[at])
			return false;
		seen[at] = true;
	}
	*ret_least = least;
	return least >= 0;
}

void
bt_fd_close_all(const int *fds, size_t n)
{
	int saved = errno, least;

	if (n < 2 || !are_neighbours(fds, n, &least) ||
	    close_range(
		(unsigned)least, (unsigned)least + (unsigned)n - 1, 0) == -1)
		for (size_t i = 0; i < n; i++)
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
bt_fd_fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd == -1)
		return -errno;
	close(fd);
	return 0;
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
