#ifndef BT_MASTER_CROSSING_H
#define BT_MASTER_CROSSING_H

/*
 * What the master takes along when it becomes another program: a text in a
 * memfd, a line for each thing, its first word naming it, the first line naming
 * the version.  Descriptors stand in it by their numbers, which stay what they
 * are across execve(2).  Knows no events and no processes.
 *
 * A reader refuses a version, or a word, that it does not know: then the
 * program that wrote it goes on.
 */

#include "base/buf.h"
#include "channel/channel.h"

#include <sys/types.h>

#define BT_CROSSING_VERSION 1

struct bt_crossing_listener {
	uint16_t id;
	int fd;
	bool unlink;
	uint64_t dev, ino;
	struct bt_addr addr;
};

struct bt_crossing_slot {
	unsigned index, state;
	pid_t pid, guard;
	uint32_t generation;
	int near, far;
	unsigned farewell;
	bool owes_farewell, owes_logs;
};

struct bt_crossing_client {
	int fd;
	unsigned waits_for;
};

struct bt_crossing {
	char *exe;       /* the path of the program */
	char *conf_file; /* NULL: started with -l and -r */
	char *pid_file;  /* NULL: none */
	int board_fd;
	int shared_fd; /* of what the hooks keep; -1: none */
	uint32_t generation;
	unsigned workers;
	int resize_by;          /* of the workers, asked for and not done */
	uint64_t last_id;       /* of a connection */
	unsigned last_listener; /* its id */
	struct bt_buf conf;     /* in force, as `baton -T` prints it */
	char *control;          /* the path of the socket; NULL: none */
	int control_fd;
	uint64_t control_ino;
	struct bt_crossing_client *clients;
	size_t clients_n;
	struct bt_crossing_listener *listeners;
	size_t listeners_n;
	struct bt_crossing_slot *slots;
	size_t slots_n;
	struct bt_handover *held; /* accepted, and not dealt; with bytes */
	size_t held_n;
	char *failed; /* why it goes back; NULL: it goes forth */
};

/*
 * Writes it into a new memfd, close-on-exec.
 *
 * Returns: the descriptor, the caller's; negative errno.
 */
int bt_crossing_write(const struct bt_crossing *);

/* Adds, to what was written, why it goes back.  0; negative errno. */
int bt_crossing_fail(int fd, struct bt_str why);

/*
 * Reads one.
 *
 * Returns:   0 with `*ret`; -EPROTO when the version or a line is not known,
 * and `errors` says which; another negative errno. Ownership: memory is the
 * caller's, bt_crossing_fini(); what the descriptors are is for him to know.
 */
int bt_crossing_read(int fd, struct bt_crossing *ret, struct bt_buf *errors);

/* Calls `fn` with each descriptor that has to stay open. */
void bt_crossing_each_fd(
    const struct bt_crossing *, void (*fn)(void *arg, int fd), void *arg);

/* Frees the memory; closes nothing. */
void bt_crossing_fini(struct bt_crossing *);

#endif
