#ifndef BT_MASTER_SLOT_H
#define BT_MASTER_SLOT_H

/*
 * A slot is a worker's place: its channel, its counters, and whichever process
 * works there now.  Both ends of the channel live in the master: what a worker
 * that dies has not taken is taken back out, and dealt again.
 *
 * There are more slots than workers: two generations stand side by side while
 * one takes over from the other.
 */

#include "channel/heritage.h"

#include <sys/types.h>

struct event;
struct event_base;

/*
 *   EMPTY -> STARTING -> READY -> LEAVING -> EMPTY
 *                ^          |        |
 *                '---- RESTING <-----'    a worker died, another is due
 */
enum bt_slot_state {
	BT_SLOT_EMPTY,    /* nobody works here, and nobody shall */
	BT_SLOT_STARTING, /* forked; has not said yet that its loop runs */
	BT_SLOT_READY,    /* can be dealt to */
	BT_SLOT_LEAVING,  /* shall drain: not dealt to any more */
	BT_SLOT_RESTING,  /* died too often: its successor comes by timer */
	BT_SLOT_STATES,
};

extern const char *const bt_slot_state_names[BT_SLOT_STATES];

struct bt_slots;

/* What the watch knows of its worker's heart. */
struct bt_pulse {
	uint64_t beat_ms;  /* the last one that was seen */
	int64_t silent_ms; /* since then */
	bool aborted;      /* at worker_timeout */
};

struct bt_slot {
	struct bt_slots *set;
	unsigned index; /* of slots and of board->slots */
	enum bt_slot_state state;
	uint32_t generation;           /* of the conf that its worker has */
	pid_t pid;                     /* 0: none */
	struct bt_channel *near, *far; /* NULL until first used */
	struct bt_score_slot *score;
	struct event *readable; /* near: the worker speaks */
	struct event *writable; /* near: blocked, because it was full */
	struct event *retry;    /* blocked for another reason: time to try */
	struct event *rested;   /* RESTING: time for the successor */
	int64_t started_ms;
	uint64_t requests_before; /* the slot's, when its worker started */
	unsigned quick_deaths; /* in a row, each within a second of its birth */
	bool blocked;      /* the channel refused; one of the two is armed */
	unsigned refusals; /* of the channel, in a row */
	bool killed;       /* by the master: no successor */
	bool worked;       /* its worker was ready */
	pid_t guard;       /* of its worker; 0: none */
	uint64_t back;     /* connections that its workers have handed back */
	unsigned rescuers; /* guards of workers that died, at work */
	uint64_t rescuing; /* connections that they may still hand back */
	uint64_t rescued;  /* that they have handed back */
	bool stop_came;    /* while all of these were at work */
	bool stale;        /* its loop does not turn: not dealt to */
	struct bt_pulse pulse;
	bool owes_farewell, owes_logs; /* messages still to be sent */
	enum bt_message farewell;      /* LEAVING: DRAIN or RETIRE */
	bool still_begins; /* RETIRE was said, and not yet acknowledged */
	bool sheds;        /* SHED was said, and not yet acknowledged */

	/* the dealer's, during one deal */
	uint64_t load;
	int first, last; /* of the pending that it gets; -1: none */
	uint64_t turn;   /* the deal in which these were set */
};

/* What the slots tell the master. */
enum bt_slot_news {
	BT_SLOT_IS_READY, /* the worker's loop runs */
	BT_SLOT_HAS_ROOM, /* a connection was closed, or the channel emptied */
	BT_SLOT_SETTLED,  /* all that could be rescued of a dead worker is back
			   */
	BT_SLOT_DIED,     /* unasked: the state says whether a successor came */
	BT_SLOT_LEFT,     /* its worker ended after it was told to leave */
	BT_SLOT_RETIRES,  /* no request begins there any more */
	BT_SLOT_SHEDS,    /* it handed back what it could of what was asked */
};
typedef void bt_slot_news_fn(void *arg, struct bt_slot *, enum bt_slot_news);

/*
 * Connections that a worker handed back.
 * Ownership: the descriptors are the callee's; bytes are valid in the call.
 */
typedef void bt_slot_back_fn(void *arg, struct bt_handover *, size_t n);

struct bt_rescuer;

/* The access logs of a conf, opened. */
struct bt_log_files {
	int *fds;
	uint32_t *ids; /* bt_log_file_id() */
	size_t n;
};

struct bt_slots {
	struct bt_slot *all; /* n of them */
	unsigned n;
	unsigned used; /* none behind these was ever started */
	struct event_base *base;
	struct bt_scoreboard *board;
	bt_worker_run_fn *run;
	int (*kept_fd)(void); /* struct bt_hooks; or NULL */
	bt_slot_news_fn *on_news;
	bt_slot_back_fn *on_back;
	void *arg;
	/* the newest generation, which every fork inherits */
	const struct bt_conf *conf;
	uint32_t generation;
	uint32_t begun;           /* the newest one that has had a worker */
	struct bt_log_files logs; /* the master's */
	uint32_t reap_from; /* workers of earlier generations are left alone */
	/* what workers know of limits by address */
	struct bt_seats *seats;
	struct bt_rates *rates;
	struct bt_rescuer *rescuers;
	uint64_t crashed_before; /* the stop: of the ledger */
};

/*
 * Makes the slots of `board`, all empty.  Fields below `used` are the caller's
 * to set first.
 */
void bt_slots_init(struct bt_slots *);

/* Frees channels and events, ends guards; what was queued in the channels is
 * closed. */
void bt_slots_fini(struct bt_slots *);

/*
 * Starts a worker in the slot.
 *
 * Returns: 0; negative errno of making the channel or of fork(), and the slot
 *          is as it was.
 * Context: master.  In the child it does not return.
 */
int bt_slot_start(struct bt_slot *);

/*
 * Takes over a worker that another program started, with the channel of its
 * slot: state, pid and generation are the caller's to set.  Nothing is read
 * from it before bt_slot_attach(). Ownership: takes the descriptors.
 */
void bt_slot_adopt(struct bt_slot *, int *near, int *far);

/* Makes it like those that we started. */
void bt_slot_attach(struct bt_slot *);

/*
 * Tells the worker to finish what it has, then to exit.  It is not dealt to any
 * more.  Its end comes as BT_SLOT_LEFT.
 */
void bt_slot_drain(struct bt_slot *);

/*
 * Tells the worker to hand back what it has, then to exit; else as
 * bt_slot_drain().  BT_SLOT_RETIRES says that no request begins there any more;
 * its end, which comes without that, too.
 */
void bt_slot_retire(struct bt_slot *);

/*
 * The same, but every answer is finished where it was begun: the master stops,
 * and parks what it gets back.
 */
void bt_slot_park(struct bt_slot *);

/*
 * Asks the worker to hand back `n` idle connections, or as many as it has;
 * BT_SLOT_SHEDS is its answer.
 *
 * Returns: whether it was asked: not when it is not ready, or has no room.
 */
bool bt_slot_shed(struct bt_slot *, uint64_t n);

/*
 * Takes all that its worker has not taken back out of the channel: connections
 * go to on_back, and notices are said again when the worker is alive.  A
 * message comes to the worker or to us, whole.
 */
void bt_slot_recall(struct bt_slot *);

/* Takes all messages that the worker, or a guard, has sent so far. */
void bt_slot_hear(struct bt_slot *);

/* Sends the logs' descriptors to the worker, now or when there is room. */
void bt_slot_send_logs(struct bt_slot *);

/* Ends the worker now; its end comes as BT_SLOT_LEFT. */
void bt_slot_kill(struct bt_slot *);

/* Waits for room in the channel; `err` is what bt_channel_send() returned. */
void bt_slot_block(struct bt_slot *, int err);

/* Reaps all children that ended: SIGCHLD. */
void bt_slots_reap(struct bt_slots *);

/* Connections that were dealt to the slot and not yet taken by a worker. */
static inline uint64_t
bt_slot_in_channel(const struct bt_slot *s)
{
	uint64_t taken = bt_score_get(&s->score->worker.taken) +
	    bt_score_get(&s->score->worker.lost) +
	    bt_score_get(&s->score->recalled);
	uint64_t dealt = bt_score_get(&s->score->dealt);

	return dealt > taken ? dealt - taken : 0;
}

/*
 * How long to wait before a successor is started, after `quick_deaths` in a
 * row: 0, 100, 200, 400 ... 5000 ms.
 */
int64_t bt_slot_rest_ms(unsigned quick_deaths);

#endif
