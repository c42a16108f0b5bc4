#ifndef BT_SCOREBOARD_SCOREBOARD_H
#define BT_SCOREBOARD_SCOREBOARD_H

/*
 * Counters in memory shared by the master and the workers, the
 * one thing they share besides the channel.  Every counter has one writer; all
 * others only read.  Counters of a slot go on when its worker is replaced.
 *
 * The ledger, which balances at every moment but for steps under way:
 *
 *   accepted + returned = dealt + held + refused   held: in the master
 *   dealt       = taken + lost + in channel
 *   taken       = open + done + handed back + crashed
 *   handed back = returned + returning
 *
 * A connection that a worker hands back is returned to the master and dealt
 * again: it is counted once more in the first two lines.  One that the master
 * itself takes back out of a channel counts as taken and handed back, one that
 * is rescued when its worker dies as handed back; while a rescue is under way,
 * what the worker had counts as open.
 *
 * `lost` counts descriptors that a message announced and that did not arrive.
 *
 * A step is written left to right in these lines: first where the connection
 * comes from (held goes down), then where it goes (dealt goes up); taken before
 * done.  Readers go the other way, and so never see one twice.
 */

#include "base/siphash.h"
#include "scoreboard/events.h"
#include "scoreboard/histogram.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_SCORE_LINE _Alignas(64)

/* Why a connection ended; labels of a metric, in this order. */
enum bt_close_reason {
	BT_CLOSE_CLIENT,         /* EOF between requests */
	BT_CLOSE_DONE,           /* the answer was the last: close was agreed */
	BT_CLOSE_RESET,          /* the client reset, or left amid a request */
	BT_CLOSE_IDLE_TIMEOUT,   /* keepalive_timeout */
	BT_CLOSE_HEADER_TIMEOUT, /* 408 */
	BT_CLOSE_BODY_TIMEOUT,   /* 408 */
	BT_CLOSE_SEND_TIMEOUT,
	BT_CLOSE_BAD_REQUEST, /* 4xx, 5xx of the parser */
	BT_CLOSE_ERROR,       /* our own: an answer could not be finished */
	BT_CLOSE_DRAIN,       /* the server stops */
	BT_CLOSE_BODY_RATE,   /* 408: min_body_rate */
	BT_CLOSE_SEND_RATE,   /* min_send_rate */
	BT_CLOSE_HEADER_SIZE, /* 414, 431: max_header_size */
	BT_CLOSE_BODY_SIZE,   /* 413: max_body_size */
	BT_CLOSE_KEEPALIVE_REQUESTS,
	BT_CLOSE_DRAIN_TIMEOUT,  /* cut: it was not done in time */
	BT_CLOSE_TUNNEL_TIMEOUT, /* tunnel_timeout */
	BT_CLOSE_REASONS,
};

extern const char *const bt_close_reason_names[BT_CLOSE_REASONS];

enum {
	BT_SCORE_STORES = 3, /* URL, memory, disk */
	BT_SCORE_LOSSES = 6, /* enum baton_lost */
};

extern const char *const bt_score_store_names[BT_SCORE_STORES];
extern const char *const bt_score_loss_names[BT_SCORE_LOSSES];

/* Written by the slot's worker alone. */
struct bt_score_worker {
	BT_SCORE_LINE uint64_t
	    heartbeat_ms;     /* bt_clock_ms() of its last turn */
	uint64_t taken;       /* connections received */
	uint64_t done;        /* connections closed */
	uint64_t handed_back; /* connections returned to the master */
	uint64_t lost;        /* announced descriptors that did not arrive */
	uint64_t requests;    /* heads that were parsed */
	uint64_t bytes_in, bytes_out;
	uint64_t responses[6]; /* by class: [2] is 2xx; [0] is unused */
	uint64_t closed[BT_CLOSE_REASONS];
	uint64_t log_lines_lost;
	uint64_t file_cache_hits, file_cache_misses;
	uint64_t limited; /* requests answered with 429 by limit_rate */
	/* applications */
	uint64_t slow_callbacks;   /* past slow_callback */
	uint64_t offload_refused;  /* work: the queue was full */
	uint64_t offload_timeouts; /* work: past its deadline */
	/* continuations: by where they are kept; by why they do not go on */
	uint64_t suspended[BT_SCORE_STORES], resumed[BT_SCORE_STORES];
	uint64_t not_resumed[BT_SCORE_LOSSES];
	uint64_t continuations_spilled; /* from memory to disk */
	uint64_t continuations_refused; /* no store could take them */
	/* gauges of all workers, which one of them writes */
	uint64_t memory_store_records, memory_store_bytes, memory_store_lost;
	uint64_t disk_store_records, disk_store_bytes;
	/*
	 * proxies: connections tried and failed; requests that waited for a
	 * server, holds = held_requests + held_released + held_given_up +
	 * held_left + held_moved
	 */
	uint64_t proxy_connects, proxy_connects_failed;
	uint64_t holds, held_released;
	uint64_t held_given_up;  /* past try_duration */
	uint64_t held_left;      /* their client went */
	uint64_t held_moved;     /* to another worker, where they wait again */
	uint64_t held_refused;   /* past hold_requests: never held */
	uint64_t held_requests;  /* gauge */
	uint64_t held_bytes;     /* gauge: of contents, in memory and files */
	uint64_t held_longest_s; /* gauge: of those */
	uint64_t tunnels;        /* gauge: connections that are one */
	uint64_t tunnels_begun;
	uint64_t memory_bytes; /* gauge: its own, resident */
	int32_t guard_pid;     /* written before it is ready; 0: none */
};

/* Written by the master alone, but for `want_room` and `shed`. */
struct bt_score_slot {
	BT_SCORE_LINE uint64_t dealt; /* connections sent into its channel */
	uint64_t messages;            /* that carried them */
	uint64_t crashed; /* connections that ended with their worker */
	uint64_t
	    recalled;     /* taken back out of its channel, to be dealt again */
	uint64_t rescued; /* of a worker that died, to be dealt again */
	uint64_t started; /* workers that this slot has had */
	uint64_t stale;   /* gauge: 1 while its loop does not turn */
	uint64_t stales;  /* times that it became so */
	uint64_t timeouts; /* workers ended at worker_timeout */
	int32_t pid;       /* 0: none now */
	uint32_t generation;
	/*
	 * Set by the master when it waits for room in this slot; a worker that
	 * closes a connection clears it and sends BT_MESSAGE_ROOM.
	 */
	_Atomic uint32_t want_room;
	/* With BT_MESSAGE_SHED: so many idle ones; the worker takes it to 0. */
	_Atomic uint64_t shed;
	struct bt_score_worker worker;
};

struct bt_score_master {
	BT_SCORE_LINE uint64_t accepted;
	uint64_t held;    /* gauge: accepted, waiting for a slot */
	uint64_t refused; /* closed by the master, undealt */
	uint64_t refused_for_connections, refused_for_rate; /* of these */
	uint64_t returned;    /* handed back by workers, and received */
	uint64_t gathers;     /* times that it waited for more before dealing */
	uint64_t pauses_full; /* the slots or channels were full */
	uint64_t pauses_descriptors; /* EMFILE, ENFILE, ENOBUFS, ENOMEM */
	uint64_t reloads, reloads_failed;
	uint64_t workers; /* gauge: that shall answer */
	uint64_t resizes; /* changes of that number by a signal */
	uint64_t rebalances;
	uint64_t recycled_for_requests, recycled_for_memory;
	uint32_t generation;
	int64_t started_s; /* wall clock */
	struct bt_events events;
};

/* What is measured of every connection, and of every answer. */
enum bt_time {
	BT_TIME_QUEUE,      /* from the accept until a worker takes it */
	BT_TIME_FIRST_BYTE, /* from the whole head to the answer's first byte */
	BT_TIME_ANSWER,     /* from the whole head to the answer's last byte */
	BT_TIMES,
};

/*
 * Written by the slot's worker alone.  They lie behind all slots, as who walks
 * through the slots does not look at them.
 */
struct bt_score_times {
	BT_SCORE_LINE struct bt_histogram of[BT_TIMES];
};

struct bt_scoreboard {
	uint32_t magic, version;
	uint32_t slots_n;
	int fd;                /* the memfd that it lies in, in the master */
	struct bt_sip_key key; /* of the ids of requests */
	struct bt_score_master master;
	struct bt_score_slot slots[]; /* slots_n, then their bt_score_times */
};

/* The sum over all slots and the differences that make the ledger. */
struct bt_ledger {
	uint64_t accepted, returned, dealt, held, refused;
	uint64_t taken, in_channel;
	uint64_t open, done, handed_back, crashed;
	uint64_t returning; /* in a channel, on their way to the master */
	uint64_t lost;
};

/*
 * Adds to a counter that only this process writes; readers elsewhere see either
 * the old or the new value.  Who sees it sees all that was written before it:
 * the ledger depends on that, and on x86 it costs nothing.
 */
static inline void
bt_score_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELEASE);
}

static inline void
bt_score_set(uint64_t *gauge, uint64_t value)
{
	__atomic_store_n(gauge, value, __ATOMIC_RELEASE);
}

static inline uint64_t
bt_score_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

/*
 * Creates the shared memory, all zero.
 *
 * Returns:   0 with `*ret`, or negative errno.
 * Ownership: the caller's, bt_scoreboard_free(); children inherit the mapping.
 */
int bt_scoreboard_new(unsigned slots_n, struct bt_scoreboard **ret);

/*
 * The board that another program made, in its memfd.
 *
 * Returns:   0 with `*ret`; -EPROTO when it has another layout; another
 * negative errno. Ownership: as above; takes the descriptor when it succeeds.
 */
int bt_scoreboard_open(int fd, struct bt_scoreboard **ret);
void bt_scoreboard_free(struct bt_scoreboard *);

/* The slot's durations.  Static, as long as the board is there. */
struct bt_score_times *bt_score_times(struct bt_scoreboard *, unsigned slot);

/* Sums one kind of durations over all slots into `ret`, which it overwrites. */
void bt_score_times_read(
    const struct bt_scoreboard *, enum bt_time, struct bt_histogram *ret);

/*
 * Connections that are the slot's now: in its channel or open in its worker.
 * Never too small, so that a slot is never overfilled.  Context: master.
 */
uint64_t bt_score_slot_load(const struct bt_score_slot *);

/* Reads all counters in an order in which no difference becomes negative. */
void bt_ledger_read(const struct bt_scoreboard *, struct bt_ledger *ret);

#endif
