#ifndef BT_TORTURE_REPLY_H
#define BT_TORTURE_REPLY_H

/* Reads one answer of HTTP/1.1 as it arrives. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum reply_state {
	REPLY_HEAD,
	REPLY_BODY,       /* Content-Length is known: `left` */
	REPLY_CHUNK_SIZE, /* a line */
	REPLY_CHUNK,      /* `left` bytes and CRLF */
	REPLY_TRAILER,    /* lines up to an empty one */
	REPLY_DONE
};

enum { REPLY_LINE_MAX = 1024 };

struct reply {
	enum reply_state state;
	bool begun; /* a byte of it was seen */
	bool close; /* Connection: close */
	int status;
	uint64_t left;
	size_t line_n; /* of the head, or of a chunk's line */
	char line[REPLY_LINE_MAX];
};

void reply_init(struct reply *);

/*
 * Takes bytes up to the end of the answer (state REPLY_DONE); content goes to
 * `on_content`.
 *
 * Returns: how many it took, -1 when this is no HTTP.
 */
ssize_t reply_feed(struct reply *, const char *p, size_t n,
    void (*on_content)(void *arg, const char *, size_t), void *arg);

#endif
