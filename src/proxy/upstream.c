/*
 * The servers behind a proxy, and who waits for them.  Worker, on the loop.
 */

#include "proxy/upstream.h"

#include "base/mem.h"
#include "proxy/proxying.h"

#include <stdlib.h>

/* Others come before one that failed for so long. */
#define DOWN_MS 10000
/* As many answers in a row, and it is trusted again. */
#define SUCCESSES_ENOUGH 8
/* Room for content in a block, behind the largest head. */
#define BLOCK_CONTENT_BYTES (16 * 1024)
#define BLOCKS_KEPT 64

static void release(struct bt_upstream *);

static void
arm(struct bt_upstream *u)
{
	const struct bt_proxying *first = TAILQ_FIRST(&u->held);
	struct timeval tv;

	if (first == NULL || event_pending(u->timer, EV_TIMEOUT, NULL))
		return;
	tv.tv_sec = first->conf->try_interval_ms / 1000;
	tv.tv_usec = first->conf->try_interval_ms % 1000 * 1000;
	event_add(u->timer, &tv);
}

static void
remove_held(struct bt_upstream *u, struct bt_proxying *p)
{
	TAILQ_REMOVE(&u->held, p, held_next);
	p->is_held = false;
	u->held_n--;
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct bt_upstream *u = arg;
	const struct bt_services *services = u->all->services;
	struct bt_proxying *p, *next;

	services->turn(services);
	for (p = TAILQ_FIRST(&u->held); p != NULL; p = next) {
		next = TAILQ_NEXT(p, held_next);
		if (p->until_ms > services->now->ms)
			continue;
		remove_held(u, p);
		bt_proxying_give_up(p);
		/* its connection goes on: what it begins waits behind */
		next = TAILQ_FIRST(&u->held);
	}
	release(u);
	arm(u);
}

static void
upstream_init(struct bt_upstream *u, struct bt_upstreams *all,
    const struct bt_conf_upstream *conf)
{
	u->conf = conf;
	u->all = all;
	u->origins = bt_mem_zero(conf->origins_n, sizeof(u->origins[0]));
	TAILQ_INIT(&u->held);
	u->timer = evtimer_new(all->services->loop, on_timer, u);
	for (size_t i = 0; i < conf->origins_n; i++) {
		struct bt_origin *o = &u->origins[i];

		o->conf = &conf->origins[i];
		o->upstream = u;
		o->addr = conf->origins[i].addr;
		TAILQ_INIT(&o->idle);
	}
}

struct bt_upstreams *
bt_upstreams_new(const struct bt_services *services)
{
	const struct bt_conf *conf = services->conf;
	struct bt_upstreams *all = bt_mem_zero(1, sizeof(*all));

	all->services = services;
	all->n = conf->upstreams_n;
	all->list = bt_mem_zero(all->n, sizeof(all->list[0]));
	all->block_bytes = conf->max_header_bytes + BLOCK_CONTENT_BYTES;
	bt_pool_init(&all->blocks, all->block_bytes, BLOCKS_KEPT);
	for (const struct bt_conf_upstream *u = conf->upstreams; u; u = u->next)
		upstream_init(&all->list[u->id], all, u);
	return all;
}

static void
upstream_fini(struct bt_upstream *u)
{
	for (size_t i = 0; i < u->conf->origins_n; i++) {
		struct bt_origin *o = &u->origins[i];
		struct bt_link *l;

		while ((l = TAILQ_FIRST(&o->idle)) != NULL) {
			TAILQ_REMOVE(&o->idle, l, next);
			bt_link_give(l, false);
		}
	}
	free(u->origins);
	if (u->timer != NULL)
		event_free(u->timer);
}

void
bt_upstreams_free(struct bt_upstreams *all)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->n; i++)
		upstream_fini(&all->list[i]);
	bt_pool_fini(&all->blocks);
	free(all->list);
	free(all);
}

/* 0: the first choice; the others in the order in which they are tried. */
static unsigned
rank(const struct bt_origin *o, int64_t now_ms)
{
	return (o->conf->backup ? 1u : 0u) +
	    (o->down_until_ms > now_ms ? 2u : 0u);
}

/*
 * Smooth weighted round-robin: each gets its weight added, the one that has
 * most is next and pays the sum of them, so turns are spread evenly.
 */
struct bt_origin *
bt_upstream_choose(struct bt_upstream *u, uint64_t tried)
{
	int64_t now_ms = u->all->services->now->ms;
	struct bt_origin *best = NULL;
	unsigned best_rank = 4;
	int sum = 0;

	for (size_t i = 0; i < u->conf->origins_n; i++)
		if (!(tried & UINT64_C(1) << i) &&
		    rank(&u->origins[i], now_ms) < best_rank)
			best_rank = rank(&u->origins[i], now_ms);
	for (size_t i = 0; i < u->conf->origins_n; i++) {
		struct bt_origin *o = &u->origins[i];

		if ((tried & UINT64_C(1) << i) || rank(o, now_ms) != best_rank)
			continue;
		o->share += (int)o->conf->weight;
		sum += (int)o->conf->weight;
		if (best == NULL || o->share > best->share)
			best = o;
	}
	if (best != NULL)
		best->share -= sum;
	return best;
}

void
bt_origin_failed(struct bt_origin *o)
{
	o->down_until_ms = o->upstream->all->services->now->ms + DOWN_MS;
}

static void
count_released(struct bt_upstream *u, struct bt_proxying *p)
{
	p->is_released = true;
	u->released++;
}

bool
bt_upstream_lets_pass(struct bt_upstream *u, struct bt_proxying *p)
{
	if (!u->careful || p->is_released)
		return true;
	if (u->held_n > 0 || u->released >= u->window)
		return false;
	count_released(u, p);
	return true;
}

static void
drop_released(struct bt_upstream *u, struct bt_proxying *p)
{
	if (!p->is_released)
		return;
	p->is_released = false;
	u->released--;
}

void
bt_upstream_hold(struct bt_upstream *u, struct bt_proxying *p)
{
	struct bt_proxying *other = TAILQ_LAST(&u->held, bt_proxying_list);

	if (p->has_failed) { /* and was not only behind others */
		u->careful = true;
		u->window = 1;
		u->successes = 0;
		p->has_failed = false;
	}
	drop_released(u, p);
	while (other != NULL && other->x->begun_us > p->x->begun_us)
		other = TAILQ_PREV(other, bt_proxying_list, held_next);
	if (other != NULL)
		TAILQ_INSERT_AFTER(&u->held, other, p, held_next);
	else
		TAILQ_INSERT_HEAD(&u->held, p, held_next);
	p->is_held = true;
	u->held_n++;
	arm(u);
}

/* Those that may go on their way do, until one of them fails. */
static void
release(struct bt_upstream *u)
{
	struct bt_proxying *p;

	while ((p = TAILQ_FIRST(&u->held)) != NULL &&
	    (!u->careful || u->released < u->window)) {
		struct baton_exchange *x = p->x;

		remove_held(u, p);
		count_released(u, p);
		bt_proxying_try(p);
		if (p->is_held)
			return;
		u->all->services->resume(x);
	}
}

void
bt_upstream_leave(struct bt_upstream *u, struct bt_proxying *p, bool well)
{
	if (p->is_held)
		remove_held(u, p);
	drop_released(u, p);
	if (!well || !u->careful)
		return;
	if (++u->successes >= SUCCESSES_ENOUGH)
		u->careful = false;
	u->window = 1u << (u->successes - 1);
	/* one answer alone proves little: the next one goes with the timer */
	if (u->successes > 1 && u->held_n > 0)
		event_active(u->timer, EV_TIMEOUT, 0);
}
