#ifndef BT_TESTS_PLACE_H
#define BT_TESTS_PLACE_H

/*
 * Two workers in this process, their loops turned by hand, and the master who
 * deals to them: there is no network between these, and the clock stands still
 * unless somebody moves it.  Connections go from one worker to the other one
 * when it retires.  Fuzzing only.
 */

#include "worker/worker.h"

struct place {
	struct bt_heritage heritage;
	struct bt_worker worker;
	struct bt_channel *near;
};

extern struct place places[2];

/* Where the time that passes stands, for us and for libevent. */
extern int64_t places_clock_ms;

/*
 * Starts both, once, with that conf; it has one access log.
 *
 * Returns: whether they were not started before.
 */
bool places_open(const char *conf);

/* An input begins: nothing is open, and nothing has moved. */
void places_begin(void);

/* Ownership: takes the descriptors. */
void places_deal(struct bt_handover *);

/* Turns the loops once, and for as long as threads work for an answer. */
void places_turn(void);

/* The worker that gets what is dealt retires, for the other one, if that is
 * free; with `parking` it finishes its answers. */
void places_retire(bool parking);

void places_drain(void);

/* Connections that they have. */
unsigned places_conns(void);

/* Sums over both workers of what is only counted. */
struct places_counts {
	uint64_t requests, complete, closed, taken, gone;
	uint64_t orderly; /* BT_CLOSE_DONE, of `complete` */
};

struct places_counts places_count(void);

/* All has ended: pools and books have to be balanced. */
void places_check(void);

/* What was logged since the last call; valid until the next one. */
const char *places_take_log(void);

/* The lowest descriptor that was free when they had been started. */
int places_first_fd(void);

#endif
