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
};

/*
 * Reads the answers; `log` has a line for each, in order, in the combined
 * format: the method of the request decides whether an answer to it has
 * content.
 */
struct answers answers_read(const char *bytes, size_t n, const char *log);

#endif
