#ifndef BT_TESTS_ORIGIN_H
#define BT_TESTS_ORIGIN_H

/*
 * A server behind a proxy, played by the test: it takes the connections that
 * baton makes, reads its requests as they came and answers with any bytes.
 */

#include "tests/system/client.h"

struct origin {
	int fd;
	unsigned port;
};

/* Listens on 127.0.0.1 and a free port. */
void origin_start(struct origin *);

/* Has the port, but refuses connections until origin_listen(). */
void origin_reserve(struct origin *);
void origin_listen(struct origin *);

void origin_stop(struct origin *);

/* Refuses connections from now on, until origin_listen(), on the same port. */
void origin_restart(struct origin *);

bool origin_is_up(const struct origin *);

/* Waits for the next connection. */
struct client *origin_accept(struct origin *);

/* Whether there is one; does not wait. */
bool origin_is_called(struct origin *);

/* Reads the head of a request; returns it, NUL-terminated. */
const char *origin_read(struct client *);

/* Takes the next request of that connection, and answers with that text. */
void origin_answer(struct client *, const char *text);

#endif
