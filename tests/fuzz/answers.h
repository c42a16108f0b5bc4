#ifndef BT_TESTS_ANSWERS_H
#define BT_TESTS_ANSWERS_H

/*
 * A reader of HTTP/1 answers that shares no code with the server: all that came
 * on a connection is taken apart, and what is not as RFC 9112 has it aborts.
 */

#include <stdbool.h>
#include <stddef.h>

struct answers {
	unsigned n;     /* final ones; those that were cut, too */
	bool cut;       /* the last one is not complete */
	bool announced; /* it said Connection: close */
	bool switched;  /* it is 101, and what is behind it is no HTTP */
	size_t behind;  /* where that begins */
};

/* A final answer, or a 101; the `nth` of the connection, from 0. */
struct answer {
	unsigned nth, status;
	const char *head;
	size_t head_n;
};

/*
 * Reads the answers; `log` has a line for each, in order, in the combined
 * format: the method of the request decides whether an answer to it has
 * content.
 */
struct answers answers_read(const char *bytes, size_t n, const char *log);

/*
 * The same for those of a proxy: another server may have said more than one
 * Date, and trailers, and may have switched protocols.
 */
struct answers answers_read_proxied(const char *bytes, size_t n,
    const char *log, void (*on_answer)(const struct answer *, void *),
    void *arg);

#endif
