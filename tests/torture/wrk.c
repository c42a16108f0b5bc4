/*
 * Runs wrk, and reads what it printed.
 */

#include "tests/torture/wrk.h"

#include "tests/torture/say.h"

#include <stdio.h>
#include <string.h>

static bool is_under_way;
static struct process_end end;

static void
on_end(void *arg, int status)
{
	is_under_way = false;
}

static void
log_path(const struct server *s, char *out, size_t room)
{
	snprintf(out, room, "%s/wrk.log", s->dir);
}

void
wrk_start(const struct server *s, const struct options *o)
{
	char connections[32], seconds[32], url[64], path[128];
	const char *argv[] = { "wrk", "-t1", "-c", connections, "-d", seconds,
		"--timeout", "60s", url, NULL };
	struct process p = { .argv = argv, .out = path };

	if (o->wrk == 0)
		return;
	snprintf(connections, sizeof(connections), "%u", o->wrk);
	snprintf(seconds, sizeof(seconds), "%us", o->seconds);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/gen", s->port);
	log_path(s, path, sizeof(path));
	is_under_way = true;
	process_await(&end, process_start(&p), on_end, NULL);
}

bool
wrk_is_over(void)
{
	return !is_under_way;
}

void
wrk_judge(const struct server *s, bool may_fail)
{
	static const char *const signs[] = { "Socket errors",
		"Non-2xx or 3xx" };
	char path[128], line[512];
	FILE *f;

	log_path(s, path, sizeof(path));
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, "requests in") != NULL)
			say("wrk: %s", line + strspn(line, " "));
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
			if (strstr(line, signs[i]) != NULL)
				(may_fail ? say : say_failed)(
				    "wrk: %s", line + strspn(line, " "));
	}
	fclose(f);
}
