#ifndef BT_TESTS_METRICS_H
#define BT_TESTS_METRICS_H

/* The Prometheus text format, read as strictly as it is specified. */

#include <stdbool.h>
#include <stddef.h>

struct metrics;

/*
 * Takes the text apart: every sample has to follow the HELP and TYPE of its
 * family.  Fails the test for anything else.
 */
const struct metrics *metrics_parse(const char *text);

/* The sum over all samples of that name; fails when there is none. */
double metrics_sum(const struct metrics *, const char *name);
/* The sample of `worker="n"`. */
double metrics_of(const struct metrics *, const char *name, unsigned worker);
/* The sum of the samples that have `label="value"`. */
double metrics_where(const struct metrics *, const char *name,
    const char *label, const char *value);

struct metrics_ledger {
	double accepted, returned, dealt, held, refused;
	double taken, in_channel;
	double open, done, handed_back, crashed;
	double returning;
	double lost;
};

struct metrics_ledger metrics_ledger(const struct metrics *);

/* The four lines of the ledger, and lost is 0. */
bool metrics_ledger_balances(const struct metrics_ledger *);

#endif
