#ifndef BT_TORTURE_CONTENT_H
#define BT_TORTURE_CONTENT_H

/*
 * What is asked, and whether the answer is that to it.  Every request carries
 * a number which its answer shows, but for the conf's own answer, which shows
 * the generation of the conf.
 */

#include "tests/torture/outcome.h"
#include "tests/torture/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONTENT_FILES = 64, CONTENT_GOT_MAX = 40 };
#define CONTENT_BIG_BYTES (16 * 1024 * 1024)

enum what {
	ASK_GENERATION,   /* GET /gen: "GEN 17\n" */
	ASK_FILE,         /* GET /n/0042: "N 0042\n" */
	ASK_ECHO,         /* POST /echo: its content comes back */
	ASK_POST,         /* POST /post, the same, where a server has no echo */
	ASK_BIG,          /* GET /big */
	ASK_PROXIED_GET,  /* GET /proxied/get/17/4096: that much of 17 */
	ASK_PROXIED_POST, /* POST /proxied/post/17: its content comes back */
};

struct ask {
	enum what what;
	uint64_t number;
	size_t bytes;              /* of the request's content, or asked for */
	unsigned min_generation;   /* that may answer it */
	bool is_wrong;             /* some of it did not match */
	size_t at;                 /* of the answer's content, received */
	char got[CONTENT_GOT_MAX]; /* its begin */
};

/* Writes /n/0000 … and /big below a folder. */
void content_write_files(const char *folder);

void content_ask(struct ask *, enum what, uint64_t number, size_t bytes);

/* The bytes of the request: at most that many, and exactly `format`'s. */
size_t content_request_max(const struct ask *);
size_t content_request(const struct ask *, bool last, char *out);

/* n bytes that show the number, as all content but files does. */
void content_fill(uint64_t number, size_t n, char *out);

/* A piece of the answer's content, in order. */
void content_check(struct ask *, const char *piece, size_t n);

/* The answer is whole; `*ret_generation` is what it showed, else 0. */
enum outcome content_verdict(
    const struct ask *, const struct reply *, unsigned *ret_generation);

#endif
