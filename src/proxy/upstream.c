/*
 * The servers behind a proxy, and who waits for them.  Worker, on the loop.
 */

#include "proxy/upstream.h"

#include "base/mem.h"
#include "proxy/proxying.h"

#include <errno.h>
#include <stdlib.h>

/* Who waits for too long is looked for so often. */
#define LOOK_MS 100
/* Room for content in a block, behind the largest head. */
#define BLOCK_CONTENT_BYTES (16 * 1024)
#define BLOCKS_KEPT 64

static void release(struct bt_upstream *);
static void say_longest(const struct bt_upstreams *);

static struct bt_score_worker *
score_of(const struct bt_upstream *u)
{
	return u->all->services->score;
}

static int64_t
interval_us(const struct bt_proxying *p)
{
	return p->conf->try_interval_ms * 1000;
}

/* When it may go, where it came first of all, or until the next look. */
static int64_t
wait_us(const struct bt_upstream *u, const struct bt_proxying *first)
{
	int64_t us =
	    atomic_load_explicit(&u->standing->next_us, memory_order_relaxed) -
	    u->all->services->now->us;

	/* one that is on its way, or came first elsewhere, has news for us */
	if (us <= 0 || us > LOOK_MS * 1000 ||
	    !bt_standing_is_first(u->standing, first->x->begun_us))
		us = LOOK_MS * 1000;
	return us > 1000 ? us : 1000;
}

static void
arm(struct bt_upstream *u)
{
	const struct bt_proxying *first = TAILQ_FIRST(&u->held);
	int64_t us, due_us;

	if (first == NULL)
		return;
	us = wait_us(u, first);
	due_us = u->all->services->now->us + us;
	if (event_pending(u->timer, EV_TIMEOUT, NULL) && u->due_us <= due_us)
		return;
	u->due_us = due_us;
	event_add(u->timer, &(struct timeval){ .tv_usec = us });
}

static void
say_who_waits(struct bt_upstream *u)
{
	const struct bt_proxying *first = TAILQ_FIRST(&u->held);

	bt_standing_waits(u->standing, first != NULL ? first->x->begun_us : 0);
}

static void
remove_held(struct bt_upstream *u, struct bt_proxying *p)
{
	TAILQ_REMOVE(&u->held, p, held_next);
	p->is_held = false;
	u->held_n--;
	say_who_waits(u);
}

/* It does not wait any more, for good, for which there is a counter. */
static void
count_end(struct bt_upstream *u, struct bt_proxying *p, uint64_t *counter)
{
	struct bt_score_worker *score = score_of(u);

	if (!p->waits)
		return;
	p->waits = false;
	u->waits_n--;
	bt_score_set(&score->held_requests, score->held_requests - 1);
	bt_score_add(counter, 1);
}

static void
ends_by(struct bt_upstream *u, const struct bt_proxying *p)
{
	if (p->until_ms < u->ends_ms)
		u->ends_ms = p->until_ms;
}

/* Those that have waited for long enough get their answer. */
static void
give_up(struct bt_upstream *u, int64_t now_ms)
{
	struct bt_proxying *p, *next;
	bool any = false;

	if (now_ms < u->looked_ms + LOOK_MS || now_ms < u->ends_ms)
		return;
	u->looked_ms = now_ms;
	u->ends_ms = INT64_MAX;
	for (p = TAILQ_FIRST(&u->held); p != NULL; p = next) {
		next = TAILQ_NEXT(p, held_next);
		if (p->until_ms > now_ms) {
			ends_by(u, p);
			continue;
		}
		remove_held(u, p);
		any = true;
		bt_proxying_give_up(p);
		/* its connection goes on: what it begins waits behind */
		next = TAILQ_FIRST(&u->held);
	}
	if (any)
		bt_standing_tell(u->standing);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct bt_upstream *u = arg;
	const struct bt_services *services = u->all->services;

	services->turn(services);
	give_up(u, services->now->ms);
	release(u);
	say_longest(u->all);
	arm(u);
}

/* Another worker says that things have changed: perhaps it is our turn. */
static void
on_news(evutil_socket_t fd, short events, void *arg)
{
	struct bt_upstreams *all = arg;

	all->services->turn(all->services);
	for (unsigned i = 0; i < all->n; i++) {
		struct bt_upstream *u = &all->list[i];

		if (u->held_n > 0) {
			release(u);
			arm(u);
		}
	}
}

static void
upstream_init(struct bt_upstream *u, struct bt_upstreams *all,
    const struct bt_conf_upstream *conf)
{
	u->conf = conf;
	u->all = all;
	u->standing = bt_standing_of(conf);
	u->origins = bt_mem_zero(conf->origins_n, sizeof(u->origins[0]));
	TAILQ_INIT(&u->held);
	u->timer = evtimer_new(all->services->loop, on_timer, u);
	for (size_t i = 0; i < conf->origins_n; i++) {
		struct bt_origin *o = &u->origins[i];

		o->conf = &conf->origins[i];
		o->upstream = u;
		o->addr = conf->origins[i].addr;
		o->standing = &u->standing->origins[i];
		TAILQ_INIT(&o->idle);
	}
	u->checks = bt_checks_new(u);
}

struct bt_upstreams *
bt_upstreams_new(const struct bt_services *services)
{
	const struct bt_conf *conf = services->conf;
	struct bt_upstreams *all = bt_mem_zero(1, sizeof(*all));

	all->services = services;
	bt_standings_enter(services->board, services->worker);
	if (bt_standings_news_fd() != -1) {
		all->news = event_new(services->loop, bt_standings_news_fd(),
		    EV_READ | EV_ET | EV_PERSIST, on_news, all);
		event_add(all->news, NULL);
	}
	if (services->score->held_requests > 0) { /* with one that died */
		bt_score_add(&services->score->held_left,
		    services->score->held_requests);
		bt_score_set(&services->score->held_requests, 0);
	}
	bt_score_set(&services->score->held_bytes, 0);
	bt_score_set(&services->score->held_longest_s, 0);
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
	bt_checks_free(u->checks);
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
	if (all->news != NULL)
		event_free(all->news);
	for (unsigned i = 0; i < all->n; i++)
		upstream_fini(&all->list[i]);
	bt_pool_fini(&all->blocks);
	free(all->list);
	free(all);
}

uint32_t
bt_origin_id(const struct bt_origin *o)
{
	uint32_t id = bt_str_hash(o->conf->text, false);

	return id != 0 ? id : 1;
}

struct bt_origin *
bt_upstreams_find_origin(struct bt_upstreams *all, uint32_t id)
{
	for (unsigned i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->list[i].conf->origins_n; k++)
			if (bt_origin_id(&all->list[i].origins[k]) == id)
				return &all->list[i].origins[k];
	return NULL;
}

bool
bt_upstreams_report(
    const struct bt_services *services, size_t i, struct bt_origin_report *ret)
{
	const struct bt_upstreams *all = services->upstreams;

	for (unsigned k = 0; k < all->n; k++) {
		const struct bt_upstream *u = &all->list[k];

		if (i >= u->conf->origins_n) {
			i -= u->conf->origins_n;
			continue;
		}
		*ret = (struct bt_origin_report){
			.upstream = u->conf->name,
			.server = u->origins[i].conf->text,
			.up = !bt_origin_is_down(
			    &u->origins[i], services->now->us),
		};
		return true;
	}
	return false;
}

void
bt_origin_take(struct bt_origin *o)
{
	o->busy_n++;
}

void
bt_origin_give(struct bt_origin *o)
{
	o->busy_n--;
}

void
bt_origin_failed(struct bt_origin *o)
{
	bt_standing_origin_failed(o->standing, o->upstream->conf,
	    o->upstream->all->services->now->us);
}

/* Of all that wait in this worker. */
static void
say_longest(const struct bt_upstreams *all)
{
	struct bt_score_worker *score = all->services->score;
	int64_t now_us = all->services->now->us, longest_us = 0;

	for (unsigned i = 0; i < all->n; i++) {
		const struct bt_proxying *p = TAILQ_FIRST(&all->list[i].held);

		if (p != NULL && now_us - p->x->begun_us > longest_us)
			longest_us = now_us - p->x->begun_us;
	}
	bt_score_set(&score->held_longest_s, (uint64_t)longest_us / 1000000);
}

static bool
claim(struct bt_upstream *u, struct bt_proxying *p)
{
	if (!bt_standing_claim(u->standing, p->x->begun_us,
		u->all->services->now->us, interval_us(p)))
		return false;
	p->claimed = true;
	return true;
}

/*
 * One that never failed is not doubted for what can be repeated; else the first
 * ones are the test of it.
 */
bool
bt_upstream_lets_pass(struct bt_upstream *u, struct bt_proxying *p)
{
	struct bt_standing *s = u->standing;

	if (p->claimed)
		return true;
	p->epoch = atomic_load_explicit(&s->epoch, memory_order_relaxed);
	if (u->held_n > 0)
		return false;
	if (bt_standing_is_trusted(s) ||
	    (p->repeatable &&
		!atomic_load_explicit(&s->failed, memory_order_relaxed)))
		return true;
	return claim(u, p);
}

static void
drop_claim(struct bt_upstream *u, struct bt_proxying *p)
{
	if (p->claimed)
		bt_standing_drop(u->standing, p->epoch);
	p->claimed = false;
}

void
bt_upstream_lost(struct bt_upstream *u, struct bt_proxying *p)
{
	bt_standing_failed(
	    u->standing, p->epoch, u->all->services->now->us, interval_us(p));
}

/*
 * Behind those that began before it.  Who was held before was among the first,
 * and who is new is among the last: neither goes by all the others.
 */
static void
insert_held(struct bt_upstream *u, struct bt_proxying *p)
{
	struct bt_proxying *other;

	if (p->was_held) {
		other = TAILQ_FIRST(&u->held);
		while (other != NULL && other->x->begun_us < p->x->begun_us)
			other = TAILQ_NEXT(other, held_next);
		if (other != NULL)
			TAILQ_INSERT_BEFORE(other, p, held_next);
		else
			TAILQ_INSERT_TAIL(&u->held, p, held_next);
		return;
	}
	other = TAILQ_LAST(&u->held, bt_proxying_list);
	while (other != NULL && other->x->begun_us > p->x->begun_us)
		other = TAILQ_PREV(other, bt_proxying_list, held_next);
	if (other != NULL)
		TAILQ_INSERT_AFTER(&u->held, other, p, held_next);
	else
		TAILQ_INSERT_HEAD(&u->held, p, held_next);
}

int
bt_upstream_hold(struct bt_upstream *u, struct bt_proxying *p)
{
	struct bt_score_worker *score = score_of(u);

	if (p->has_failed) /* and was not only behind others */
		bt_upstream_lost(u, p);
	p->has_failed = false;
	drop_claim(u, p);
	if (!p->waits && u->waits_n >= u->conf->hold_requests) {
		bt_score_add(&score->held_refused, 1);
		return -EAGAIN;
	}
	insert_held(u, p);
	ends_by(u, p);
	p->is_held = p->was_held = true;
	u->held_n++;
	if (!p->waits) {
		p->waits = true;
		u->waits_n++;
		bt_score_add(&score->holds, 1);
		bt_score_set(&score->held_requests, score->held_requests + 1);
	}
	say_who_waits(u);
	arm(u);
	return 0;
}

/* Those whose turn it is go on their way. */
static void
release(struct bt_upstream *u)
{
	struct bt_proxying *p;

	while ((p = TAILQ_FIRST(&u->held)) != NULL) {
		struct baton_exchange *x = p->x;

		p->epoch = atomic_load_explicit(
		    &u->standing->epoch, memory_order_relaxed);
		if (!claim(u, p))
			return;
		remove_held(u, p);
		bt_proxying_try(p);
		u->all->services->resume(x); /* also one that may move now */
	}
}

void
bt_upstream_gave_up(struct bt_upstream *u, struct bt_proxying *p)
{
	count_end(u, p, &score_of(u)->held_given_up);
}

void
bt_upstream_released(struct bt_upstream *u, struct bt_proxying *p)
{
	count_end(u, p, &score_of(u)->held_released);
}

void
bt_upstream_leave(struct bt_upstream *u, struct bt_proxying *p, bool well)
{
	bool news = (p->is_held || p->claimed) && !p->x->moves;

	if (p->is_held)
		remove_held(u, p);
	count_end(u, p,
	    p->x->moves ? &score_of(u)->held_moved : &score_of(u)->held_left);
	if (well)
		bt_standing_answered(u->standing, p->epoch, p->claimed,
		    u->all->services->now->us);
	else
		drop_claim(u, p);
	p->claimed = false;
	if (!well && !news)
		return;
	if (u->held_n > 0) /* in a turn of its own */
		event_active(u->timer, EV_TIMEOUT, 0);
	if (news)
		bt_standing_tell(u->standing);
}
