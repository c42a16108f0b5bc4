#ifndef BT_CHANNEL_HERITAGE_H
#define BT_CHANNEL_HERITAGE_H

/*
 * All that a worker inherits from the master, in one struct: what is not named
 * here was shed before the worker began.
 */

#include "channel/channel.h"
#include "conf/conf.h"
#include "scoreboard/rates.h"
#include "scoreboard/scoreboard.h"
#include "scoreboard/seats.h"

struct bt_heritage {
	const struct bt_conf *conf;
	struct bt_scoreboard *board;
	struct bt_seats *seats;     /* of connections that count for a limit */
	struct bt_rates *rates;     /* of requests by address */
	unsigned slot;              /* index into board->slots */
	uint32_t generation;        /* of the conf */
	bool is_first;              /* it says what is true of all of them */
	struct bt_channel *channel; /* the far end; EOF: the master is gone */
	int *log_fds;               /* of the conf's log_files; or NULL */
};

/*
 * What stands for a log file's path where its descriptor travels: workers of an
 * older conf may have others.
 */
static inline uint32_t
bt_log_file_id(const char *path)
{
	return bt_str_hash(bt_str_of(path), false);
}

/*
 * A worker's life, in its process, after the master's child has shed what is
 * not in the heritage and reset its signals.
 *
 * Returns: the exit status: 0 after a drain, else what went wrong was logged.
 */
typedef int bt_worker_run_fn(struct bt_heritage *);

/* What the master calls and does not know: it is of other rooms. */
struct bt_hooks {
	bt_worker_run_fn *run; /* a worker's life, called in each child */
	/* in the child that reads a conf first; see bt_conf_check_apps_by() */
	bt_conf_check_apps_fn *check_apps;
	/*
	 * Loads what the conf names, before the first worker of it is forked.
	 * 0; negative errno, and `errors` has lines for people.
	 */
	int (*load)(struct bt_conf *, struct bt_buf *errors);
	/* A descriptor that each worker keeps, made by load(); -1: none. */
	int (*kept_fd)(void);
	/*
	 * A descriptor that the next program shall have, too, which stays
	 * theirs; -1: none.
	 */
	int (*shared_fd)(void);
	/* What it was given, before load(); takes it.  0, or negative errno. */
	int (*adopt_shared)(int *fd);
};

#endif
