#ifndef BT_TESTS_PROC_H
#define BT_TESTS_PROC_H

/* What the kernel tells of a process in /proc. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROC_CHILDREN_MAX = 64 };

/* The children of a process, in the order of their birth; how many. */
size_t proc_children(pid_t, pid_t ret[PROC_CHILDREN_MAX]);

bool proc_is_alive(pid_t);

/* Whether its name begins so; false when it is gone. */
bool proc_is_named(pid_t, const char *prefix);

/* Its command line as ps shows it, up to the first argument; "" when it is
 * gone. */
void proc_command(pid_t, char *ret, size_t size);

/* KiB of resident memory that is its own (anonymous), without files. */
long proc_memory_kb(pid_t);

/*
 * Whether the process at that pid_t * is stopped by a signal; waits for
 * something, which one whose loop spins never does.  For wait_until().
 */
bool proc_is_stopped(void *pid);
bool proc_is_asleep(void *pid);

/* Its open descriptors. */
int proc_descriptors(pid_t);

/* The highest number of its open descriptors. */
int proc_descriptor_max(pid_t);

/* The effective user. */
uid_t proc_user(pid_t);

#endif
