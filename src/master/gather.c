/*
 * Whether to wait a moment for more connections.  Master, on the loop.
 */

#include "master/gather.h"

unsigned
bt_gather_next(struct bt_gather *g, unsigned n, uint64_t queued, int64_t now_us)
{
	unsigned waited_us = g->wait_us;

	g->wait_us = 0;
	if (n >= 2)
		g->wait_us = BT_GATHER_LEAST_US;
	(void)waited_us;
	(void)queued;
	(void)now_us;
	return g->wait_us;
}
