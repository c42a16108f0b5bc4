/*
 * Seats of connections, in shared memory.  Made by the master before the first
 * fork.
 */

#include "scoreboard/seats.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

int
bt_seats_new(uint32_t n, struct bt_seats **ret)
{
	struct bt_seats *seats =
	    mmap(NULL, sizeof(*seats) + n, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (seats == MAP_FAILED)
		return -errno;
	seats->n = n;
	*ret = seats;
	return 0;
}

void
bt_seats_free(struct bt_seats *seats)
{
	if (seats != NULL)
		munmap(seats, sizeof(*seats) + seats->n);
}
