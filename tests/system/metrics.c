/*
 * Reads /metrics.
 */

#include "tests/system/metrics.h"

#include "tests/system/scratch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	char name[96], labels[160];
	double value;
};

struct metrics {
	size_t n, cap;
	struct sample *samples;
};

/* What has been said of the family that the samples belong to. */
struct family {
	char name[96];
	bool help, type, histogram;
};

static void
read_comment(const char *line, struct family *f)
{
	char word[8], name[96], rest[256];

	ck_assert_msg(
	    sscanf(line, "# %7s %95s %255[^\n]", word, name, rest) == 3,
	    "not a comment with a meaning: %s", line);
	if (strcmp(word, "HELP") == 0) {
		ck_assert_msg(
		    strcmp(f->name, name) != 0, "HELP twice: %s", line);
		snprintf(f->name, sizeof(f->name), "%s", name);
		f->help = true;
		f->type = f->histogram = false;
		return;
	}
	ck_assert_msg(strcmp(word, "TYPE") == 0 && strcmp(f->name, name) == 0 &&
		!f->type &&
		(strcmp(rest, "counter") == 0 || strcmp(rest, "gauge") == 0 ||
		    strcmp(rest, "histogram") == 0),
	    "TYPE is wrong: %s", line);
	if (strcmp(rest, "counter") == 0)
		ck_assert_msg(strlen(name) > 6 &&
			strcmp(name + strlen(name) - 6, "_total") == 0,
		    "a counter that does not end in _total: %s", name);
	f->type = true;
	f->histogram = strcmp(rest, "histogram") == 0;
}

/* A histogram's samples have names of their own. */
static bool
is_of(const struct family *f, const char *name, size_t n)
{
	static const char *const suffixes[] = { "_bucket", "_sum", "_count" };
	size_t own = strlen(f->name);

	if (!f->histogram)
		return own == n && strncmp(name, f->name, n) == 0;
	for (int i = 0; i < 3; i++)
		if (own + strlen(suffixes[i]) == n &&
		    strncmp(name, f->name, own) == 0 &&
		    strncmp(name + own, suffixes[i], n - own) == 0)
			return true;
	return false;
}

static void
read_sample(const char *line, const struct family *f, struct sample *s)
{
	size_t n = strcspn(line, "{ ");
	const char *at = line + n;
	char *end;

	ck_assert_msg(
	    n < sizeof(s->name) && f->type && f->help && is_of(f, line, n),
	    "a sample outside of its family: %s", line);
	snprintf(s->name, sizeof(s->name), "%.*s", (int)n, line);
	if (*at == '{') {
		const char *close = strchr(at, '}');

		ck_assert_msg(
		    close != NULL && (size_t)(close - at) < sizeof(s->labels),
		    "labels: %s", line);
		snprintf(s->labels, sizeof(s->labels), ",%.*s,",
		    (int)(close - at - 1), at + 1);
		at = close + 1;
	}
	s->value = strtod(at + 1, &end);
	ck_assert_msg(*at == ' ' && end > at + 1 && *end == '\0',
	    "not a value: %s", line);
}

const struct metrics *
metrics_parse(const char *text)
{
	struct metrics *m = scratch_alloc(sizeof(*m));
	struct family f = { .name = "" };

	ck_assert_msg(*text != '\0' && text[strlen(text) - 1] == '\n',
	    "the metrics do not end in a line");
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		const char *line = scratch_printf("%.*s", (int)n, text);

		if (m->n == m->cap) {
			m->cap = 2 * m->cap + 64;
			m->samples = scratch_resize(
			    m->samples, m->cap * sizeof(*m->samples));
		}
		if (*line == '#')
			read_comment(line, &f);
		else
			read_sample(line, &f, &m->samples[m->n++]);
		text += n + 1;
	}
	return m;
}

double
metrics_where(const struct metrics *m, const char *name, const char *label,
    const char *value)
{
	const char *want =
	    label ? scratch_printf(",%s=\"%s\",", label, value) : "";
	double sum = 0;
	size_t found = 0;

	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->samples[i].name, name) == 0 &&
		    strstr(m->samples[i].labels, want) != NULL) {
			sum += m->samples[i].value;
			found++;
		}
	ck_assert_msg(found > 0, "no metric %s%s", name, want);
	return sum;
}

double
metrics_sum(const struct metrics *m, const char *name)
{
	return metrics_where(m, name, NULL, NULL);
}

double
metrics_of(const struct metrics *m, const char *name, unsigned worker)
{
	return metrics_where(m, name, "worker", scratch_printf("%u", worker));
}

struct metrics_ledger
metrics_ledger(const struct metrics *m)
{
#define SUM(name) metrics_sum(m, "baton_connections_" name)
	return (struct metrics_ledger){ .accepted = SUM("accepted_total"),
		.returned = SUM("returned_total"),
		.dealt = SUM("dealt_total"),
		.held = SUM("held"),
		.refused = SUM("refused_total"),
		.taken = SUM("taken_total"),
		.in_channel = SUM("in_channel"),
		.open = SUM("open"),
		.done = SUM("done_total"),
		.handed_back = SUM("handed_back_total"),
		.crashed = SUM("crashed_total"),
		.returning = SUM("returning"),
		.lost = SUM("lost_total") };
#undef SUM
}

bool
metrics_ledger_balances(const struct metrics_ledger *l)
{
	return l->accepted + l->returned == l->dealt + l->held + l->refused &&
	    l->dealt == l->taken + l->in_channel &&
	    l->taken == l->open + l->done + l->handed_back + l->crashed &&
	    l->handed_back == l->returned + l->returning && l->lost == 0;
}
