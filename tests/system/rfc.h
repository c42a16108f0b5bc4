#ifndef BT_TESTS_RFC_H
#define BT_TESTS_RFC_H

/*
 * Requirements of RFC 9110 and 9112 on an origin server, a row each, in the
 * order of the sections: what is asked, and how it has to be answered.  The
 * files test_rfc9110_*.c and test_rfc9112.c are such tables, by chapter.
 */

#include "tests/system/system.h"

/* What becomes of the connection after the answer. */
enum rfc_then {
	RFC_STAYS,  /* another request is answered on it */
	RFC_CLOSES, /* it says so, and ends */
};

struct rfc_row {
	const char *section, *what;
	const char *request; /* with `@ETAG@` and `@DATE@` of /files/a.txt */
	unsigned status;
	enum rfc_then then;
	/* `Name: value` the answer has, `-Name` it does not have */
	const char *fields[4];
	const char *content; /* NULL: whatever it is */
};

/*
 * Starts a site with something of everything: /t answers "x", /echo echoes,
 * /old redirects to /t, /gone is 410, /files are a.txt ("0123456789", of 2023)
 * and page.html with page.html.gz; content is at most 1 KiB.
 */
struct daemon *rfc_start(void);

/* Wants every row to be met, on a new connection each. */
void rfc_check(struct daemon *, const struct rfc_row *, size_t n);

/* A test of a table, as START_TEST. */
#define RFC_TEST(name, rows) \
	START_TEST(name) \
	{ \
		struct daemon *d = rfc_start(); \
		rfc_check(d, rows, sizeof(rows) / sizeof((rows)[0])); \
		daemon_stop(d); \
	} \
	END_TEST

#endif
