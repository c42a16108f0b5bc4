#ifndef BT_TORTURE_KINDS_H
#define BT_TORTURE_KINDS_H

/* How the kinds of clients behave: a row each. */

#include "tests/torture/client.h"
#include "tests/torture/content.h"
#include "tests/torture/random.h"

enum { KINDS = 10, KIND_TUNNEL = KINDS - 1, KINDS_DEPTH_MAX = 8 };

struct kind {
	const char *name;
	unsigned count;         /* when nothing else is said */
	unsigned depth;         /* requests that are sent together */
	int64_t think_us;       /* mean pause behind an answer */
	bool is_away;           /* see client.h */
	bool is_fresh;          /* a connection for each request */
	unsigned pieces;        /* writes that a request takes */
	int64_t piece_pause_us; /* mean time between them */
	int64_t read_pause_us;  /* between two reads: a slow reader */
	bool needs_files, needs_proxy;
	/* chooses the next request; `number` is its own.  NULL: tunnel.c */
	void (*choose)(struct ask *, uint64_t number, struct random *,
	    const struct client_field *);
};

extern const struct kind kinds[KINDS];

/* How many of them: what the list kind=count,... says, or the table. */
unsigned kinds_count(
    const struct kind *, const char *list, const struct client_field *);

#endif
