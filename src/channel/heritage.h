#ifndef BT_CHANNEL_HERITAGE_H
#define BT_CHANNEL_HERITAGE_H

/*
 * All that a worker inherits from the master, in one struct: what is not named
 * here was shed before the worker began.
 */

#include "channel/channel.h"
#include "conf/conf.h"
#include "scoreboard/scoreboard.h"

struct bt_heritage {
	const struct bt_conf *conf;
	struct bt_scoreboard *board;
	unsigned slot;              /* index into board->slots */
	uint32_t generation;        /* of the conf */
	struct bt_channel *channel; /* the far end; EOF: the master is gone */
	int access_log_fd;          /* -1: off */
};

/*
 * A worker's life, in its process, after the master's child has shed what is
 * not in the heritage and reset its signals.
 *
 * Returns: the exit status: 0 after a drain, else what went wrong was logged.
 */
typedef int bt_worker_run_fn(struct bt_heritage *);

#endif
