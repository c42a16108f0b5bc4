/*
 * The process's own memory, from /proc/self/statm: the kernel keeps these
 * counters, so that reading them does not depend on how much there is.  Worker.
 */

#include "worker/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
bt_memory_open(void)
{
	return open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

uint64_t
bt_memory_read(int fd)
{
	unsigned long long size, resident, shared;
	char text[128];
	ssize_t n;

	if (fd == -1 || (n = pread(fd, text, sizeof(text) - 1, 0)) <= 0)
		return 0;
	text[n] = '\0';
	/* pages; shared: of files and of shared memory */
	if (sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 ||
	    resident < shared)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
