#ifndef BT_WORKER_MEMORY_H
#define BT_WORKER_MEMORY_H

/*
 * The memory that is this process's own: anonymous and resident, that is what
 * it allocated or changed, and what it has of its parent's.  Context: worker.
 */

#include <stdint.h>

/* Opens what tells of it: a descriptor, or -1 where there is no /proc. */
int bt_memory_open(void);

/* Bytes, or 0 when they are not known.  One system call. */
uint64_t bt_memory_read(int fd);

#endif
