#ifndef BT_PROXY_STANDING_H
#define BT_PROXY_STANDING_H

/*
 * What all workers know together of an upstream, in shared memory: whether it
 * can be trusted, which of its servers failed, whose turn it is to ask.  So one
 * probe serves all, and who waits in one worker is not passed by who came later
 * in another one.
 *
 * An upstream is trusted after some answers in a row.  Until then, and from a
 * failure on, requests claim their way: a single one first, and not before
 * `next_us`; that is the one which came first.  Each answer but the first lets
 * one more be on its way at a time; so what is back is not run over, and a
 * server that takes one request and goes, over and over, gets them one by one:
 * after its answer the next one connects at once, which shows whether it went.
 * Each failure begins a new epoch: what was on its way before says nothing.
 *
 * There is no lock: what two workers do at once leaves a claim too few or too
 * many, which a second without news makes good.  The memory is the same for the
 * workers of all confs that name the same servers; it goes with the master's
 * program.
 *
 * Each worker says when the first of those that wait there began, and so knows
 * whether its own came first of all.  Who has news writes to a descriptor that
 * all workers watch: nobody has to look again and again.
 */

#include "conf/conf.h"
#include "scoreboard/scoreboard.h"

#include <stdatomic.h>

/* As many answers in a row, and an upstream is trusted. */
#define BT_STANDING_ENOUGH 8

/* Of one server. */
struct bt_standing_origin {
	_Atomic uint32_t fails;         /* in a row */
	_Atomic uint32_t checks_failed; /* in a row, up to `fall` */
	_Atomic uint32_t checks_passed; /* in a row, up to `rise` */
	_Atomic bool checked_down;      /* by its checks */
	_Atomic int64_t down_until_us;  /* others come before */
	_Atomic int64_t up_since_us;    /* after it was down; 0: always */
	_Atomic int64_t check_next_us;  /* who takes it on checks */
};

struct bt_standing {
	_Atomic uint64_t key; /* 0: free */
	_Atomic uint32_t epoch;
	_Atomic uint32_t answers;   /* in a row, of this epoch */
	_Atomic uint32_t in_flight; /* claims, of this epoch */
	_Atomic uint32_t window;    /* in_flight at most */
	_Atomic bool failed;        /* ever */
	_Atomic int64_t next_us;    /* of the next claim, while there is one */
	_Atomic int64_t moved_us;   /* the last claim, answer, or failure */
	_Atomic int64_t away_us;    /* since then none was answered */
	struct bt_standing_origin origins[BT_CONF_ORIGINS_MAX];
	/* by slot: the begin of the first that waits there; 0: none does */
	_Atomic uint32_t slots_n;
	_Atomic int64_t waiting_us[2 * BT_CONF_WORKERS_MAX];
};

/*
 * Makes the memory, once.
 *
 * Returns: 0, or negative errno.  Context: master, before it forks workers that
 * have an upstream.
 */
int bt_standings_make(void);

/*
 * The descriptor that says that somebody has news: an edge for each time.  -1:
 * there is none.  Kept by each worker; static.
 */
int bt_standings_news_fd(void);

/*
 * This process is the worker of that slot: what one before it waited for there
 * is forgotten.
 */
void bt_standings_enter(const struct bt_scoreboard *, unsigned slot);

/*
 * That of the upstream.  Where the memory has no place left, one of this worker
 * alone.  Lives as long as the process.  Context: worker.
 */
struct bt_standing *bt_standing_of(const struct bt_conf_upstream *);

/* Requests may go as they come. */
static inline bool
bt_standing_is_trusted(const struct bt_standing *s)
{
	return atomic_load_explicit(&s->answers, memory_order_relaxed) >=
	    BT_STANDING_ENOUGH;
}

/* It has answered, and may have gone with that. */
static inline bool
bt_standing_is_in_doubt(const struct bt_standing *s)
{
	return !bt_standing_is_trusted(s) &&
	    atomic_load_explicit(&s->answers, memory_order_relaxed) > 0;
}

/*
 * Whether the request that began at `begun_us` may go now.  If so it counts as
 * on its way, in the present epoch, until one of the three calls below.
 */
bool bt_standing_claim(struct bt_standing *, int64_t begun_us, int64_t now_us,
    int64_t interval_us);

/* It was answered; `claimed`: by a claim. */
void bt_standing_answered(
    struct bt_standing *, uint32_t epoch, bool claimed, int64_t now_us);

/* It could not be answered, tried in that epoch: a new one begins. */
void bt_standing_failed(
    struct bt_standing *, uint32_t epoch, int64_t now_us, int64_t interval_us);

/* The claim ends without news. */
void bt_standing_drop(struct bt_standing *, uint32_t epoch);

/* The first of those that wait here began then; 0: nobody waits. */
void bt_standing_waits(struct bt_standing *, int64_t begun_us);

/* Whether nobody waits elsewhere who began before that. */
bool bt_standing_is_first(const struct bt_standing *, int64_t begun_us);

/* It may be another worker's turn: those where somebody waits hear of it. */
void bt_standing_tell(const struct bt_standing *);

/* The server could not be connected to, or broke off before an answer. */
void bt_standing_origin_failed(struct bt_standing_origin *,
    const struct bt_conf_upstream *, int64_t now_us);

/* It answered, or took a connection. */
void bt_standing_origin_well(struct bt_standing_origin *, int64_t now_us);

/* What its check has said. */
void bt_standing_origin_checked(struct bt_standing_origin *,
    const struct bt_conf_upstream *, bool well, int64_t now_us);

/* Others come before it; `checked`: there are checks to say so. */
static inline bool
bt_standing_origin_is_down(
    const struct bt_standing_origin *o, bool checked, int64_t now_us)
{
	return atomic_load_explicit(&o->down_until_us, memory_order_relaxed) >
	    now_us ||
	    (checked &&
		atomic_load_explicit(&o->checked_down, memory_order_relaxed));
}

#endif
