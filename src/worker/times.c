/*
 * Durations of answers.  The clock is that of the loop's turn, or of the last
 * send: reading it once more for each send costs some 20 ns, once more for each
 * answer of a pipelined batch would cost a quarter of the answer.  Worker, on
 * the loop.
 */

#include "worker/times.h"

#include "base/clock.h"
#include "handlers/reply.h"
#include "worker/worker.h"

static void
count(struct bt_conn *c, enum bt_time what, uint32_t *n)
{
	struct bt_worker *w = c->worker;

	if (*n > 0)
		bt_histogram_add(
		    &w->times->of[what], w->now.us - c->times.begun_us, *n);
	*n = 0;
}

/*
 * Those that wait have one beginning: one with another beginning does not wait
 * for the same send as they, or they have waited for a client that is slow; so
 * they are counted now.
 */
static struct bt_times *
join(struct bt_conn *c)
{
	struct bt_times *t = &c->times;

	if (t->begun_us != c->x->begun_us) {
		count(c, BT_TIME_FIRST_BYTE, &t->heads);
		count(c, BT_TIME_ANSWER, &t->ends);
		t->begun_us = c->x->begun_us;
	}
	return t;
}

void
bt_times_head(struct bt_conn *c)
{
	join(c)->heads++;
}

void
bt_times_end(struct bt_conn *c)
{
	struct bt_times *t = join(c);

	t->ends++;
	if (c->out.at == c->out.end)
		count(c, BT_TIME_ANSWER, &t->ends);
}

void
bt_times_sent(struct bt_conn *c)
{
	c->worker->now.us = bt_clock_us();
	count(c, BT_TIME_FIRST_BYTE, &c->times.heads);
	if (c->out.at == c->out.end)
		count(c, BT_TIME_ANSWER, &c->times.ends);
}

void
bt_times_taken(struct bt_worker *w, const struct bt_baton *b)
{
	if (!(b->flags & BT_BATON_TAKEN))
		bt_histogram_add(&w->times->of[BT_TIME_QUEUE],
		    w->now.us - b->accepted_us, 1);
}
