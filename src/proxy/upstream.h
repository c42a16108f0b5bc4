#ifndef BT_PROXY_UPSTREAM_H
#define BT_PROXY_UPSTREAM_H

/*
 * The servers behind a proxy, as one worker sees them: which of them is next,
 * which cannot be connected to, the connections that are kept, and the requests
 * that are held until one of them is back.
 *
 * An upstream is trusted until a connection fails.  From then on it is careful:
 * requests wait in the order in which they came, and only as many as `window`
 * are on their way; one of them at first, and every `try_interval`, so that
 * what is down is asked by one and not by all.  Each answer in a row doubles
 * the window; so what is back is not run over, and a server that takes a single
 * request and goes, over and over, gets them one by one.
 *
 * Context: worker, on the loop.
 */

#include "base/pool.h"
#include "proxy/link.h"

struct bt_proxying;
struct bt_upstream;

TAILQ_HEAD(bt_proxying_list, bt_proxying);

/* One server. */
struct bt_origin {
	const struct bt_conf_origin *conf;
	struct bt_upstream *upstream;
	struct bt_addr addr;
	struct bt_link_list idle; /* the one used last in front */
	unsigned idle_n;
	int share;             /* of the turns, see choose() */
	int64_t down_until_ms; /* it failed: others are tried before */
};

struct bt_upstream {
	const struct bt_conf_upstream *conf;
	struct bt_upstreams *all;
	struct bt_origin *origins;
	struct bt_proxying_list held; /* who came first in front */
	unsigned held_n;
	bool careful;
	unsigned window, released, successes; /* while it is careful */
	struct event *timer;
};

/* All those of a worker, by their number in the conf. */
struct bt_upstreams {
	const struct bt_services *services;
	struct bt_upstream *list;
	unsigned n;
	struct bt_pool blocks;
	size_t block_bytes; /* a head and some content fit in one */
};

struct bt_upstreams *bt_upstreams_new(const struct bt_services *);

/* Accepts NULL.  No exchange is under way any more. */
void bt_upstreams_free(struct bt_upstreams *);

/*
 * Whose turn it is, by weight, among those not in `tried` (a set of indexes);
 * one that failed lately only where no other is left, a backup before that.
 *
 * Returns: NULL when all were tried.
 */
struct bt_origin *bt_upstream_choose(struct bt_upstream *, uint64_t tried);

/* It could not be connected to. */
void bt_origin_failed(struct bt_origin *);

/*
 * Whether the request may go on its way at once; if so, while it is careful, it
 * counts as released.
 */
bool bt_upstream_lets_pass(struct bt_upstream *, struct bt_proxying *);

/* It waits, in its order, until bt_proxying_try() is called for it. */
void bt_upstream_hold(struct bt_upstream *, struct bt_proxying *);

/* It was answered (`well`), or ends otherwise; also one that is held. */
void bt_upstream_leave(struct bt_upstream *, struct bt_proxying *, bool well);

#endif
