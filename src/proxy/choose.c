/*
 * Which server of an upstream is next.  Worker, on the loop.
 */

#include "base/siphash.h"
#include "proxy/proxying.h"

/* Weights are counted in parts, so that slow_start can take some of one. */
#define PARTS 64

/* What checks have found stays behind in shared memory when they are over. */
bool
bt_origin_is_down(const struct bt_origin *o, int64_t now_us)
{
	return bt_standing_origin_is_down(
	    o->standing, o->upstream->conf->check != NULL, now_us);
}

/* 0: the first choice; the others in the order in which they are tried. */
static unsigned
rank(const struct bt_origin *o, int64_t now_us)
{
	return (o->conf->backup ? 1u : 0u) +
	    (bt_origin_is_down(o, now_us) ? 2u : 0u);
}

bool
bt_upstream_has_another(const struct bt_upstream *u, const struct bt_origin *o)
{
	int64_t now_us = u->all->services->now->us;

	for (size_t i = 0; i < u->conf->origins_n; i++)
		if (&u->origins[i] != o &&
		    !bt_origin_is_down(&u->origins[i], now_us))
			return true;
	return false;
}

/* Its weight in parts; that of one which is back grows with the time. */
static int64_t
weight_of(const struct bt_origin *o, int64_t now_us)
{
	int64_t whole = (int64_t)o->conf->weight * PARTS, part, since_us;
	int64_t slow_us = o->upstream->conf->slow_start_ms * 1000;

	if (slow_us == 0)
		return whole;
	since_us = atomic_load_explicit(
	    &o->standing->up_since_us, memory_order_relaxed);
	if (since_us == 0 || now_us - since_us >= slow_us)
		return whole;
	part = whole * (now_us - since_us) / slow_us;
	return part > 0 ? part : 1;
}

/* Those that may be chosen: not tried, of the best rank that there is. */
static uint64_t
candidates(const struct bt_upstream *u, uint64_t tried, int64_t now_us)
{
	uint64_t of_rank[4] = { 0 };

	for (size_t i = 0; i < u->conf->origins_n; i++)
		if (!(tried & UINT64_C(1) << i))
			of_rank[rank(&u->origins[i], now_us)] |= UINT64_C(1)
			    << i;
	for (unsigned i = 0; i < 4; i++)
		if (of_rank[i] != 0)
			return of_rank[i];
	return 0;
}

/*
 * Smooth weighted round-robin: each gets its weight added, the one that has
 * most is next and pays the sum of them, so turns are spread evenly.
 */
static struct bt_origin *
by_turns(struct bt_upstream *u, uint64_t set, int64_t now_us)
{
	struct bt_origin *best = &u->origins[__builtin_ctzll(set)];
	int64_t sum = 0;

	for (; set != 0; set &= set - 1) {
		struct bt_origin *o = &u->origins[__builtin_ctzll(set)];
		int64_t weight = weight_of(o, now_us);

		o->share += weight;
		sum += weight;
		if (o->share > best->share)
			best = o;
	}
	best->share -= sum;
	return best;
}

/* The fewest for its weight; among equals by turns. */
static struct bt_origin *
by_connections(struct bt_upstream *u, uint64_t set, int64_t now_us)
{
	const struct bt_origin *best = &u->origins[__builtin_ctzll(set)];
	uint64_t equals = 0;

	for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
		unsigned i = (unsigned)__builtin_ctzll(rest);
		const struct bt_origin *o = &u->origins[i];
		int64_t mine = o->busy_n * weight_of(best, now_us);
		int64_t least = best->busy_n * weight_of(o, now_us);

		if (mine < least) {
			best = o;
			equals = 0;
		}
		if (mine <= least)
			equals |= UINT64_C(1) << i;
	}
	return by_turns(u, equals, now_us);
}

/*
 * Each server draws as many times as its weight says, by the text and its own
 * name, and the highest wins: when one goes, only its share moves elsewhere.
 */
static struct bt_origin *
by_hash(struct bt_upstream *u, uint64_t set, struct bt_str text)
{
	static const struct bt_sip_key none = { { 0, 0 } };
	const struct bt_sip_key key = { { bt_siphash(&none, text).h[0], 0 } };
	struct bt_origin *best = NULL;
	uint64_t highest = 0;

	for (; set != 0; set &= set - 1) {
		struct bt_origin *o = &u->origins[__builtin_ctzll(set)];
		struct bt_sip_key draw = key;

		for (unsigned i = 0; i < o->conf->weight; i++) {
			uint64_t h;

			draw.k[1] = i;
			h = bt_siphash(&draw, o->conf->text).h[0];
			if (best == NULL || h > highest) {
				best = o;
				highest = h;
			}
		}
	}
	return best;
}

static struct bt_str
client_of(const struct baton_exchange *x, char out[static BT_ADDR_TEXT_MAX])
{
	struct bt_addr addr;

	bt_baton_peer(x->baton, &addr);
	return (struct bt_str){ out, bt_addr_format_host(&addr, out) };
}

struct bt_origin *
bt_upstream_choose(struct bt_upstream *u, const struct bt_proxying *p)
{
	int64_t now_us = u->all->services->now->us;
	uint64_t set = candidates(u, p->tried, now_us);
	char text[BT_ADDR_TEXT_MAX];

	if (set == 0)
		return NULL;
	if ((set & (set - 1)) == 0)
		return &u->origins[__builtin_ctzll(set)];
	switch (u->conf->balance) {
	case BT_BALANCE_ROUND_ROBIN:
		break;
	case BT_BALANCE_LEAST_CONNECTIONS:
		return by_connections(u, set, now_us);
	case BT_BALANCE_HASH_ADDRESS:
		return by_hash(u, set, client_of(p->x, text));
	case BT_BALANCE_HASH_URI:
		return by_hash(u, set, p->x->request.target);
	}
	return by_turns(u, set, now_us);
}
