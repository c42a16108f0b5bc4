#ifndef BT_TORTURE_OUTCOME_H
#define BT_TORTURE_OUTCOME_H

/*
 * What can become of a request or a connection, told apart and counted for
 * each kind of client.  All but OUTCOME_OK have to be 0 in the end; what an
 * operator's action may cost (the connections of a worker that was killed) is
 * counted beside.
 */

#include <stddef.h>
#include <stdint.h>

enum outcome {
	OUTCOME_OK,
	OUTCOME_REFUSED,     /* connecting failed */
	OUTCOME_RESET,       /* a fresh connection ended without an answer */
	OUTCOME_LOST,        /* a reused one did: that request is lost */
	OUTCOME_IDLE_CLOSED, /* closed while nothing was asked */
	OUTCOME_TOLD,        /* Connection: close in an answer, unasked */
	OUTCOME_TRUNCATED,   /* ended amid an answer */
	OUTCOME_CONTENT,     /* the answer is wrong, or is none */
	OUTCOME_ORDER,       /* it is that to another request */
	OUTCOME_STATUS,      /* 5xx, or another status than 200 */
	OUTCOME_TIMEOUT,
	OUTCOME_OLD_CONF, /* begun after the verdict, answered by the old */
	OUTCOME_TUNNEL,   /* one ended while bytes of it were on their way */
	OUTCOME_RESTED,   /* one did when nothing had passed for a second */
	OUTCOMES
};

#define OUTCOME_BIT(o) (1u << (o))

extern const char *const outcome_names[OUTCOMES];

enum { OUTCOME_KINDS_MAX = 16 };

/* An action that may cost something begins; what, is a set of OUTCOME_BITs. */
struct outcome_window *outcome_allow(unsigned mask);

/*
 * It has done what it does: connections made before now may show it, up to
 * `grace_us` from now.
 */
void outcome_allow_until(struct outcome_window *, int64_t grace_us);

/*
 * Counts `n` of them.  `born_us` is when the connection was made, `at_us` when
 * it was noticed, and it happened up to `lag_us` before.
 */
void outcome_note(unsigned kind, enum outcome, unsigned n, int64_t born_us,
    int64_t at_us, int64_t lag_us);

/* Of all kinds. */
uint64_t outcome_sum(enum outcome);
uint64_t outcome_of(unsigned kind, enum outcome);

/* The table; names are of the kinds, NULL where there is none. */
void outcome_print(const char *const names[OUTCOME_KINDS_MAX]);

#endif
