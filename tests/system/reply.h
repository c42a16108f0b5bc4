#ifndef BT_TESTS_REPLY_H
#define BT_TESTS_REPLY_H

/* Between client.c (bytes) and reply.c (their meaning), for nobody else. */

#include "tests/system/client.h"

struct client {
	int fd;
	char *in; /* what waits is in[at..end) */
	size_t at, end, cap;
	bool eof, reset;
	struct reply reply;
	char *head, *content; /* the memory of it */
};

/* Reads at least a byte; false: the connection is at its end. */
bool client_fill(struct client *, int64_t deadline_ms);

const char *client_context(void);

#endif
