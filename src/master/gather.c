/*
 * Whether to wait a moment for more connections.  Master, on the loop.
 */

#include "master/gather.h"

static unsigned
wait_for(unsigned mean_16)
{
	unsigned us = mean_16 * BT_GATHER_EARNED_US / 16;

	if (us < BT_GATHER_LEAST_US)
		return BT_GATHER_LEAST_US;
	return us < BT_GATHER_MOST_US ? us : BT_GATHER_MOST_US;
}

/*
 * Those that came together, and those that still queue from before: whoever
 * comes while his elders queue would only queue behind them, and loses nothing
 * by waiting here.
 */
static unsigned
begin(struct bt_gather *g, unsigned n, uint64_t queued, int64_t now_us)
{
	if (n == 0 || n + queued < BT_GATHER_WORTH || now_us < g->not_before_us)
		return 0;
	g->mean_16 = BT_GATHER_WORTH * 16;
	return wait_for(g->mean_16);
}

static unsigned
go_on(struct bt_gather *g, unsigned n, uint64_t queued, int64_t now_us)
{
	g->mean_16 = (3 * g->mean_16 + 16 * n) / 4;
	if (n == 0)
		return 0;
	if (g->mean_16 >= BT_GATHER_WORTH * 16 || n + queued >= BT_GATHER_WORTH)
		return wait_for(g->mean_16);
	/* a trickle: waiting costs it time and saves us nothing */
	g->not_before_us = now_us + BT_GATHER_PENANCE_US;
	return 0;
}

unsigned
bt_gather_next(struct bt_gather *g, unsigned n, uint64_t queued, int64_t now_us)
{
	if (g->wait_us == 0)
		g->wait_us = begin(g, n, queued, now_us);
	else
		g->wait_us = go_on(g, n, queued, now_us);
	return g->wait_us;
}
