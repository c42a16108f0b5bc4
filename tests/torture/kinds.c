/*
 * The table of clients, and what each of them asks for.
 */

#include "tests/torture/kinds.h"

#include <stdlib.h>
#include <string.h>

static void
choose_generation(struct ask *a, uint64_t number, struct random *r,
    const struct client_field *f)
{
	content_ask(a, ASK_GENERATION, number, 0);
}

static void
choose_small(struct ask *a, uint64_t number, struct random *r,
    const struct client_field *f)
{
	bool file = f->has_files && number % 2 == 0;

	content_ask(a, file ? ASK_FILE : ASK_GENERATION, number, 0);
}

/* Whatever is answered quickly, so that a wrong order shows. */
static void
choose_mixed(struct ask *a, uint64_t number, struct random *r,
    const struct client_field *f)
{
	uint64_t lot = random_below(r, 4);

	if (lot == 1 && f->has_echo)
		content_ask(a, ASK_ECHO, number, 20 + random_below(r, 2000));
	else if (lot > 0 && f->has_files)
		content_ask(a, ASK_FILE, number, 0);
	else
		content_ask(a, ASK_GENERATION, number, 0);
}

static void
choose_post(struct ask *a, uint64_t number, struct random *r,
    const struct client_field *f)
{
	if (f->has_echo)
		content_ask(a, ASK_ECHO, number, 20 + random_below(r, 65536));
	else
		content_ask(a, ASK_POST, number, 20 + random_below(r, 8192));
}

static void
choose_big(struct ask *a, uint64_t number, struct random *r,
    const struct client_field *f)
{
	content_ask(a, ASK_BIG, number, 0);
}

/* Half of them bring content, half of them fetch some. */
static void
choose_proxied(struct ask *a, uint64_t number, struct random *r,
    const struct client_field *f)
{
	content_ask(a, random_below(r, 2) ? ASK_PROXIED_POST : ASK_PROXIED_GET,
	    number, 20 + random_below(r, 65536 - 20));
}

#define MS *1000

const struct kind kinds[KINDS] = {
	{ .name = "busy", .count = 8, .depth = 1, .choose = choose_small },
	{ .name = "thinking",
	    .count = 64,
	    .depth = 1,
	    .think_us = 20 MS,
	    .is_away = true,
	    .choose = choose_generation },
	{ .name = "pipelined",
	    .count = 8,
	    .depth = 8,
	    .think_us = 20 MS,
	    .is_away = true,
	    .choose = choose_mixed },
	{ .name = "post",
	    .count = 16,
	    .depth = 1,
	    .think_us = 20 MS,
	    .is_away = true,
	    .pieces = 4,
	    .piece_pause_us = 2 MS,
	    .choose = choose_post },
	{ .name = "split", /* heads that arrive in pieces */
	    .count = 16,
	    .depth = 1,
	    .think_us = 10 MS,
	    .pieces = 3,
	    .piece_pause_us = 15 MS,
	    .choose = choose_small },
	{ .name = "slow",
	    .count = 4,
	    .depth = 1,
	    .think_us = 200 MS,
	    .read_pause_us = 10 MS,
	    .needs_files = true,
	    .choose = choose_big },
	{ .name = "idle",
	    .count = 1000,
	    .depth = 1,
	    .think_us = 5000 MS,
	    .is_away = true,
	    .choose = choose_generation },
	{ .name = "fresh",
	    .count = 4,
	    .depth = 1,
	    .think_us = 4 MS,
	    .is_fresh = true,
	    .choose = choose_small },
	{ .name = "proxied",
	    .count = 16,
	    .depth = 1,
	    .think_us = 10 MS,
	    .pieces = 2,
	    .piece_pause_us = 1 MS,
	    .needs_proxy = true,
	    .choose = choose_proxied },
	[KIND_TUNNEL] = { .name = "tunnel", .count = 16, .needs_proxy = true },
};

unsigned
kinds_count(
    const struct kind *k, const char *list, const struct client_field *f)
{
	size_t n = strlen(k->name);

	if ((k->needs_files && !f->has_files) ||
	    (k->needs_proxy && !f->has_proxy))
		return 0;
	for (const char *at = list; at != NULL && *at != '\0';) {
		if (strncmp(at, k->name, n) == 0 && at[n] == '=')
			return (unsigned)strtoul(at + n + 1, NULL, 10);
		at += strcspn(at, ",");
		at += *at == ',';
	}
	return k->count;
}
