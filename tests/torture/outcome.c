/*
 * Counters, and the windows in which actions may cost something.
 */

#include "tests/torture/outcome.h"

#include "tests/torture/loop.h"
#include "tests/torture/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WINDOWS 32

const char *const outcome_names[OUTCOMES] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_RESET] = "reset",
	[OUTCOME_LOST] = "lost",
	[OUTCOME_IDLE_CLOSED] = "closed",
	[OUTCOME_TOLD] = "told",
	[OUTCOME_TRUNCATED] = "cut",
	[OUTCOME_CONTENT] = "content",
	[OUTCOME_ORDER] = "order",
	[OUTCOME_STATUS] = "status",
	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_OLD_CONF] = "old conf",
	[OUTCOME_TUNNEL] = "tunnel",
	[OUTCOME_RESTED] = "rested",
};

struct outcome_window {
	unsigned mask;
	int64_t from_us, to_us;
	int64_t born_before_us;
};

static struct outcome_window windows[WINDOWS]; /* the last ones, in a ring */
static unsigned windows_n;
static uint64_t counts[OUTCOME_KINDS_MAX][OUTCOMES];
static uint64_t allowed[OUTCOME_KINDS_MAX][OUTCOMES];

struct outcome_window *
outcome_allow(unsigned mask)
{
	struct outcome_window *w = &windows[windows_n++ % WINDOWS];

	*w = (struct outcome_window){ .mask = mask,
		.from_us = loop_now_us(),
		.to_us = INT64_MAX,
		.born_before_us = INT64_MAX };
	return w;
}

void
outcome_allow_until(struct outcome_window *w, int64_t grace_us)
{
	w->born_before_us = loop_now_us();
	w->to_us = w->born_before_us + grace_us;
}

static int
is_allowed(enum outcome o, int64_t born_us, int64_t at_us, int64_t lag_us)
{
	for (unsigned i = 0; i < WINDOWS; i++) {
		const struct outcome_window *w = &windows[i];

		if ((w->mask & OUTCOME_BIT(o)) != 0 && at_us >= w->from_us &&
		    at_us - lag_us <= w->to_us && born_us < w->born_before_us)
			return 1;
	}
	return 0;
}

void
outcome_note(unsigned kind, enum outcome o, unsigned n, int64_t born_us,
    int64_t at_us, int64_t lag_us)
{
	if (o != OUTCOME_OK && is_allowed(o, born_us, at_us, lag_us)) {
		allowed[kind][o] += n;
		return;
	}
	counts[kind][o] += n;
}

uint64_t
outcome_of(unsigned kind, enum outcome o)
{
	return counts[kind][o];
}

uint64_t
outcome_sum(enum outcome o)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < OUTCOME_KINDS_MAX; i++)
		sum += counts[i][o];
	return sum;
}

static void
print_row(const char *name, const uint64_t *row)
{
	printf("  %-12s", name);
	for (int o = 0; o < OUTCOMES; o++)
		printf("%*" PRIu64, o == 0 ? 10 : 9, row[o]);
	putchar('\n');
}

/* Those of kinds that had to bear something. */
static void
print_costs(const char *const names[OUTCOME_KINDS_MAX])
{
	static const uint64_t none[OUTCOMES];
	char name[32];

	for (unsigned i = 0; i < OUTCOME_KINDS_MAX; i++) {
		if (names[i] == NULL ||
		    memcmp(allowed[i], none, sizeof(none)) == 0)
			continue;
		snprintf(name, sizeof(name), "(%s)", names[i]);
		print_row(name, allowed[i]);
	}
}

void
outcome_print(const char *const names[OUTCOME_KINDS_MAX])
{
	printf("  %-12s", "");
	for (int o = 0; o < OUTCOMES; o++)
		printf("%*s", o == 0 ? 10 : 9, outcome_names[o]);
	putchar('\n');
	for (unsigned i = 0; i < OUTCOME_KINDS_MAX; i++)
		if (names[i] != NULL)
			print_row(names[i], counts[i]);
	puts("  and what an action may cost:");
	print_costs(names);
}
