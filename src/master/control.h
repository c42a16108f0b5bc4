#ifndef BT_MASTER_CONTROL_H
#define BT_MASTER_CONTROL_H

/*
 * The control socket: `baton -s` talks to the running master.  The client sends
 * a verb and LF; the answer is any number of lines, of which the last begins
 * with `ok` or `error`; then the master closes.  Who asks for something that
 * takes its time waits for the outcome.
 *
 * The master never waits for a client: their number, what they may send and
 * how long they may take are bounded.
 */

#include "base/addr.h"
#include "base/buf.h"

struct bt_control;        /* the listening side, in the master */
struct bt_control_client; /* who asked */
struct event_base;

/* One row for each verb; the last has no name. */
struct bt_control_verb {
	const char *name;
	/*
	 * Answers with bt_control_end(), now; or with bt_control_wait() puts
	 * the client on hold until bt_control_end_waiting().
	 */
	void (*run)(void *arg, struct bt_control_client *);
};

/* What a client waits for. */
enum bt_control_wait {
	BT_WAIT_NONE,
	BT_WAIT_STOP,
	BT_WAIT_RELOAD,      /* the verdict on the reload under way */
	BT_WAIT_NEXT_RELOAD, /* on the one behind it */
	BT_WAIT_UPGRADE,
};

/*
 * Opens the socket at `path`, mode 0600.
 *
 * Returns:   0 with `*ret`; -EADDRINUSE when a running master answers there;
 *            another negative errno.
 * Ownership: the caller's, bt_control_free(); `verbs` and `arg` stay his.
 */
int bt_control_new(struct event_base *, const char *path,
    const struct bt_control_verb *verbs, void *arg, struct bt_control **ret);

/*
 * The socket that another program opened at `path`.
 * Ownership: as above; takes the descriptor.
 */
struct bt_control *bt_control_adopt(struct event_base *, int *fd,
    const char *path, ino_t ino, const struct bt_control_verb *verbs,
    void *arg);

/*
 * A client of another program's, who waits for that; BT_WAIT_NONE: has not
 * asked yet.  Takes `*fd`.
 */
void bt_control_adopt_client(
    struct bt_control *, int *fd, enum bt_control_wait);

/* What it has that has to stay open in another program. */
int bt_control_fd(const struct bt_control *);
const char *bt_control_path(const struct bt_control *);
ino_t bt_control_ino(const struct bt_control *);

/* Those who wait, or have not asked yet: `*at` begins with 0.  -1: no more. */
int bt_control_next_waiting(
    const struct bt_control *, size_t *at, enum bt_control_wait *ret);

/*
 * Takes no new client and removes the socket's file, so that another master may
 * begin; those who wait can still be answered.  Accepts NULL; may be repeated.
 */
void bt_control_close(struct bt_control *);

/* Closes all and removes the socket's file; accepts NULL. */
void bt_control_free(struct bt_control *);

/* Lines before the last one: append to it, each ended by LF. */
struct bt_buf *bt_control_lines(struct bt_control_client *);

/* The last line, `ok ...` or `error ...`, without LF. */
void bt_control_end(struct bt_control_client *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void bt_control_wait(struct bt_control_client *, enum bt_control_wait);

/* Those who waited for one thing now wait for the other.  Accepts NULL. */
void bt_control_move_waiting(
    struct bt_control *, enum bt_control_wait from, enum bt_control_wait to);

/*
 * Ends the answer of all who wait for that, with lines before it (may be
 * empty).  Accepts NULL.
 */
void bt_control_end_waiting(struct bt_control *, enum bt_control_wait,
    struct bt_str lines, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The address of a socket's path; -ENAMETOOLONG. */
int bt_control_addr(const char *path, struct bt_addr *ret);

#endif
