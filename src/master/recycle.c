/*
 * Recycling: a worker that has answered worker_max_requests, or has grown to
 * worker_max_memory, is followed by another one, in another slot: when that one
 * is ready the old one hands back what it has, as at a reload.  One at a time.
 * Master, on the loop.
 */

#include "base/clock.h"
#include "base/log.h"
#include "master/state.h"

#include <event2/event.h>

/* The scoreboard is looked at so often, while the conf has a limit. */
#define LOOK_MS 250
#define RETRY_MS 1000
/* One that is past worker_max_memory sooner was hardly made for it. */
#define YOUNG_MS 60000
#define REST_MOST_MS 60000
#define YOUNG_WORTH_SAYING 3

enum reason { NONE, REQUESTS, MEMORY };

/*
 * Up to an eighth less than the conf says, by chance: those that started
 * together and take turns would be due together.
 */
static uint64_t
requests_max(const struct bt_master *m, const struct bt_slot *s)
{
	uint64_t max = m->conf->worker_max_requests;
	uint64_t chance = (uint32_t)s->pid * 2654435761u >> 24;

	return max - max * chance / 256 / 8;
}

static uint64_t
requests_of(const struct bt_slot *s)
{
	return bt_score_get(&s->score->worker.requests) - s->requests_before;
}

static enum reason
reason_for(const struct bt_master *m, const struct bt_slot *s)
{
	const struct bt_conf *conf = m->conf;

	if (s->state != BT_SLOT_READY || s->generation != m->generation)
		return NONE;
	if (conf->worker_max_requests > 0 &&
	    requests_of(s) >= requests_max(m, s))
		return REQUESTS;
	if (conf->worker_max_memory > 0 &&
	    bt_score_get(&s->score->worker.memory_bytes) >=
		conf->worker_max_memory)
		return MEMORY;
	return NONE;
}

/* A limit that every worker reaches at once must not become a loop. */
static void
rest_if_young(struct bt_recycle *r, const struct bt_slot *s)
{
	int64_t now_ms = bt_clock_ms(), rest_ms = RETRY_MS;

	if (now_ms - s->started_ms >= YOUNG_MS) {
		r->young = 0;
		return;
	}
	for (unsigned i = 0; i < r->young && rest_ms < REST_MOST_MS; i++)
		rest_ms *= 2;
	r->not_before_ms =
	    now_ms + (rest_ms < REST_MOST_MS ? rest_ms : REST_MOST_MS);
	if (++r->young == YOUNG_WORTH_SAYING)
		bt_log_warn(NULL, 0,
		    "workers reach worker_max_memory within a minute: "
		    "it is too low");
}

static void
begin(struct bt_master *m, struct bt_slot *s, enum reason reason)
{
	struct bt_recycle *r = &m->recycle;
	struct bt_slot *successor = bt_resize_find_empty(m);
	int err = successor ? bt_slot_start(successor) : -1;

	if (err < 0) {
		bt_log_error(NULL, successor ? err : 0,
		    "nobody can take the place of worker %u", s->index);
		r->not_before_ms = bt_clock_ms() + RETRY_MS;
		return;
	}
	r->old = s;
	r->successor = successor;
	r->for_memory = reason == MEMORY;
	bt_log_info(NULL, 0,
	    "worker %u has answered %ju requests and has %ju KiB: worker %u "
	    "takes its place",
	    s->index, (uintmax_t)requests_of(s),
	    (uintmax_t)bt_score_get(&s->score->worker.memory_bytes) / 1024,
	    successor->index);
	bt_events_add(&m->board->master.events,
	    "worker %u is recycled, for its %s: worker %u takes its place",
	    s->index, reason == MEMORY ? "memory" : "number of requests",
	    successor->index);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct bt_master *m = arg;
	struct bt_recycle *r = &m->recycle;

	if (m->state != BT_MASTER_RUNNING || r->successor != NULL ||
	    bt_clock_ms() < r->not_before_ms)
		return;
	for (unsigned i = 0; i < m->slots.used; i++) {
		enum reason reason = reason_for(m, &m->slots.all[i]);

		if (reason != NONE) {
			begin(m, &m->slots.all[i], reason);
			return;
		}
	}
}

void
bt_recycle_watch(struct bt_master *m)
{
	const struct timeval tv = { 0, LOOK_MS * 1000 };
	struct bt_recycle *r = &m->recycle;

	if (r->timer == NULL)
		r->timer = event_new(m->base, -1, EV_PERSIST, on_time, m);
	if (m->conf->worker_max_requests > 0 || m->conf->worker_max_memory > 0)
		event_add(r->timer, &tv);
	else
		event_del(r->timer);
	r->young = 0;
	r->not_before_ms = 0;
}

void
bt_recycle_on_ready(struct bt_master *m, const struct bt_slot *s)
{
	struct bt_recycle *r = &m->recycle;

	if (s != r->successor)
		return;
	if (r->for_memory) {
		bt_score_add(&m->board->master.recycled_for_memory, 1);
		rest_if_young(r, r->old);
	} else {
		bt_score_add(&m->board->master.recycled_for_requests, 1);
	}
	bt_slot_retire(r->old);
	bt_recycle_cancel(m);
}

void
bt_recycle_cancel(struct bt_master *m)
{
	m->recycle.old = m->recycle.successor = NULL;
}
