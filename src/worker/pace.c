/*
 * The least pace of a client, over a window.  Apache's MinRate lets a client
 * that was fast once be slow for as long as it has paid for in advance; a
 * window forgets, and needs no more than a counter.  Worker, on the loop.
 */

#include "worker/pace.h"

#include "worker/worker.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

/* What the kernel holds and the client has not acknowledged. */
static uint32_t
unsent(const struct bt_conn *c)
{
	int n;

	return ioctl(c->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (uint32_t)n : 0;
}

/* The rate's worth of a whole window; a rate of 0 is content with a byte. */
static bool
is_enough(uint64_t bytes, uint64_t rate, int64_t window_ms)
{
	return bytes > 0 && bytes >= rate * (uint64_t)window_ms / 1000;
}

void
bt_pace_begin(struct bt_conn *c, enum bt_conn_phase phase)
{
	c->window.bytes = 0;
	/* the buffer is full, which is rare: one more call to know how much */
	if (phase == BT_CONN_SEND)
		c->window.unsent = unsent(c);
}

bool
bt_pace_is_kept(const struct bt_conn *c)
{
	const struct bt_conf *conf = c->worker->conf;

	switch ((enum bt_conn_phase)c->phase) {
	case BT_CONN_CONTENT:
		return conf->min_body_rate == 0 ||
		    is_enough(c->window.bytes, conf->min_body_rate,
			conf->body_timeout_ms);
	case BT_CONN_SEND:
		return bt_pace_suffices(c, c->window.bytes);
	case BT_CONN_FRESH:
	case BT_CONN_IDLE:
	case BT_CONN_HEAD:
	case BT_CONN_WORK:
	case BT_CONN_HELD:
	case BT_CONN_LINGER:
	case BT_CONN_TUNNEL:
	case BT_CONN_CLOSED:
	case BT_CONN_PHASES:
		break;
	}
	return true;
}

uint64_t
bt_pace_taken(const struct bt_conn *c)
{
	uint64_t given = (uint64_t)c->window.bytes + c->window.unsent;
	uint32_t left = unsent(c);

	return given > left ? given - left : 0;
}

bool
bt_pace_suffices(const struct bt_conn *c, uint64_t taken)
{
	const struct bt_conf *conf = c->worker->conf;

	return is_enough(taken, conf->min_send_rate, conf->send_timeout_ms);
}
