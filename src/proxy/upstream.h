#ifndef BT_PROXY_UPSTREAM_H
#define BT_PROXY_UPSTREAM_H

/*
 * The servers behind a proxy, as one worker sees them: which of them is next,
 * which cannot be connected to, the connections that are kept, and the requests
 * that are held until one of them is back.
 *
 * What all workers know together is in standing.h.
 *
 * Context: worker, on the loop.
 */

#include "base/pool.h"
#include "proxy/check.h"
#include "proxy/link.h"
#include "proxy/standing.h"

struct bt_name;
struct bt_proxying;
struct bt_upstream;

TAILQ_HEAD(bt_proxying_list, bt_proxying);

/* One server. */
struct bt_origin {
	const struct bt_conf_origin *conf;
	struct bt_upstream *upstream;
	struct bt_addr addr;
	struct bt_name *name; /* whose addresses those are in turn; or NULL */
	struct bt_link_list idle; /* the one used last in front */
	unsigned idle_n;
	unsigned busy_n; /* links that are lent, and tunnels */
	int64_t share;   /* of the turns, see choose.c */
	struct bt_standing_origin *standing;
};

struct bt_upstream {
	const struct bt_conf_upstream *conf;
	struct bt_upstreams *all;
	struct bt_origin *origins;
	struct bt_proxying_list held; /* who came first in front */
	unsigned held_n;
	unsigned waits_n;    /* with those of them that try just now */
	uint64_t held_bytes; /* of their contents, see holding.h */
	int64_t looked_ms;   /* for those that waited for too long */
	int64_t ends_ms;     /* none of them before that */
	struct bt_standing *standing;
	struct event *timer; /* while somebody is held … */
	int64_t due_us;      /* … when that is */
	struct bt_checks *checks;
};

/* All those of a worker, by their number in the conf. */
struct bt_upstreams {
	const struct bt_services *services;
	struct bt_upstream *list;
	unsigned n;
	struct event *news; /* of the other workers; NULL: there is none */
	struct bt_pool blocks;
	size_t block_bytes; /* a head and some content fit in one */
};

struct bt_upstreams *bt_upstreams_new(const struct bt_services *);

/* Accepts NULL.  No exchange is under way any more. */
void bt_upstreams_free(struct bt_upstreams *);

/*
 * The next server for a request, as `balance` says, among those that it has not
 * tried; one that is down only where no other is left, a backup before that.
 * In choose.c.
 *
 * Returns: NULL when all were tried.
 */
struct bt_origin *bt_upstream_choose(
    struct bt_upstream *, const struct bt_proxying *);

/*
 * What stands for the origin in another worker, perhaps of another conf: by the
 * text that names it, never 0.
 */
uint32_t bt_origin_id(const struct bt_origin *);

/* The first one with that id, or NULL. */
struct bt_origin *bt_upstreams_find_origin(struct bt_upstreams *, uint32_t id);

/* bt_services.origin */
bool bt_upstreams_report(
    const struct bt_services *, size_t i, struct bt_origin_report *ret);

/* It has one busy more, or less, beside its links. */
void bt_origin_take(struct bt_origin *);
void bt_origin_give(struct bt_origin *);

/* Others are asked before it, while one of them is not down.  In choose.c. */
bool bt_origin_is_down(const struct bt_origin *, int64_t now_us);

/* Whether one of the other servers is not down.  In choose.c. */
bool bt_upstream_has_another(
    const struct bt_upstream *, const struct bt_origin *);

/* It could not be connected to, or broke off before an answer. */
void bt_origin_failed(struct bt_origin *);

/*
 * Whether the request may go on its way at once: the upstream is trusted, or it
 * is the request's turn.
 */
bool bt_upstream_lets_pass(struct bt_upstream *, struct bt_proxying *);

/*
 * It waits, in its order, until bt_proxying_try() is called for it.  -EAGAIN:
 * there are too many.
 */
int bt_upstream_hold(struct bt_upstream *, struct bt_proxying *);

/* It has waited for try_duration, and is not tried again. */
void bt_upstream_gave_up(struct bt_upstream *, struct bt_proxying *);

/* It has a connection now. */
void bt_upstream_released(struct bt_upstream *, struct bt_proxying *);

/* It was answered (`well`), or ends otherwise; also one that is held. */
void bt_upstream_leave(struct bt_upstream *, struct bt_proxying *, bool well);

/* It could not be answered, and is not tried again. */
void bt_upstream_lost(struct bt_upstream *, struct bt_proxying *);

#endif
