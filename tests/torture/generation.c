/*
 * Each taken conf has a list of the processes that it replaced, whose ends are
 * watched.
 */

#include "tests/torture/generation.h"

#include "tests/torture/process.h"
#include "tests/torture/say.h"

#include <stdio.h>
#include <stdlib.h>

struct turnover {
	struct turnover *next;
	unsigned number, left; /* processes */
	int64_t taken_us;
	size_t n;
	pid_t pids[PROCESS_CHILDREN_MAX];
	struct process_end *ends;
};

static unsigned last; /* number given out */
static int64_t grace_us;
static struct turnover *pending, *all; /* newest first */
static unsigned turnovers_n;
static int64_t *waits_us; /* of those that are over */
static unsigned waits_n;

void
generation_set_grace(int64_t us)
{
	grace_us = us;
}

unsigned
generation_next(void)
{
	return ++last;
}

void
generation_begin(pid_t master)
{
	if (pending == NULL && (pending = calloc(1, sizeof(*pending))) == NULL)
		say_die("calloc");
	pending->n = process_children(master, pending->pids);
}

void
generation_refused(void)
{
	free(pending);
	pending = NULL;
}

static void
on_gone(void *arg, int status)
{
	struct turnover *t = arg;

	if (--t->left > 0)
		return;
	waits_us = realloc(waits_us, (waits_n + 1) * sizeof(*waits_us));
	if (waits_us == NULL)
		say_die("realloc");
	waits_us[waits_n++] = loop_now_us() - t->taken_us;
}

void
generation_taken(unsigned number)
{
	struct turnover *t = pending;

	if (t == NULL)
		return;
	pending = NULL;
	t->number = number;
	t->taken_us = loop_now_us();
	t->next = all;
	all = t;
	turnovers_n++;
	t->left = (unsigned)t->n;
	t->ends = calloc(t->n + 1, sizeof(*t->ends));
	if (t->ends == NULL)
		say_die("calloc");
	for (size_t i = 0; i < t->n; i++)
		process_await(&t->ends[i], t->pids[i], on_gone, t);
}

unsigned
generation_required(void)
{
	int64_t before = loop_now_us() - grace_us;
	unsigned required = 0;

	for (const struct turnover *t = all; t != NULL; t = t->next)
		if (t->taken_us <= before) {
			required = t->number;
			break;
		}
	return required;
}

unsigned
generation_old_left(void)
{
	unsigned left = 0;

	for (const struct turnover *t = all; t != NULL; t = t->next)
		if (t->left > left)
			left = t->left;
	return left;
}

static int
compare(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

void
generation_print(void)
{
	printf("old generations: %u", turnovers_n);
	if (waits_n > 0) {
		qsort(waits_us, waits_n, sizeof(*waits_us), compare);
		printf(", gone after the verdict in %.0f ms (median), %.0f ms "
		       "(longest)",
		    (double)waits_us[waits_n / 2] / 1000,
		    (double)waits_us[waits_n - 1] / 1000);
	}
	printf("; old processes left: %u\n", generation_old_left());
}
