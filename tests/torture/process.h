#ifndef BT_TORTURE_PROCESS_H
#define BT_TORTURE_PROCESS_H

/*
 * Other processes: those that we start, and what the kernel tells of them.
 * Whom a process that we started leaves behind becomes our child
 * (PR_SET_CHILD_SUBREAPER), so that nobody is overlooked.
 */

#include "tests/torture/loop.h"

#include <sys/types.h>

enum { PROCESS_CHILDREN_MAX = 256 };

struct process {
	const char *const *argv; /* ends in NULL */
	const char *out;         /* gets stdout and stderr; it is appended */
	const int *fds;          /* passed by LISTEN_FDS */
	size_t fds_n;
	const char *fd_names; /* LISTEN_FDNAMES */
	const char *notify;   /* NOTIFY_SOCKET; NULL: none */
	unsigned store_max;   /* FDSTORE; 0: none */
};

/* Orphans come to us. */
void process_adopt_orphans(void);

/* It gets a SIGKILL when we die. */
pid_t process_start(const struct process *);

/* The end of a process, a child or not; embedded. */
struct process_end {
	struct watch watch;
	int fd; /* of the process */
	pid_t pid;
	void (*on_end)(void *arg, int status); /* 0 when it is no child */
	void *arg;
};

/* Calls once when it has ended; at once when it is gone already. */
void process_await(
    struct process_end *, pid_t, void (*on_end)(void *, int), void *arg);

/* Its children in the order of their birth; how many. */
size_t process_children(pid_t, pid_t ret[PROCESS_CHILDREN_MAX]);

/* Reaps all of ours that have ended. Returns whether others are left. */
int process_reap(void);

int process_descriptors(pid_t);
long process_memory_kb(pid_t); /* anonymous and resident */

#endif
