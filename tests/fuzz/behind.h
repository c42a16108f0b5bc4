#ifndef BT_TESTS_BEHIND_H
#define BT_TESTS_BEHIND_H

/*
 * Servers behind a proxy: listeners of this process, of which two can go and
 * come back, and the connections that were made to them, with all that passed.
 * Their requests are read by a reader that shares no code with the proxy.
 * Fuzzing only.
 */

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { BEHIND_CONNS_MAX = 64 };

struct behind_conn {
	int fd;            /* -1: closed */
	bool tcp;          /* not UNIX */
	bool over;         /* no more comes */
	bool finished;     /* no more goes */
	struct bt_buf in;  /* all that came */
	struct bt_buf out; /* all that goes; … */
	size_t sent;       /* … so much of it went */
};

struct behind {
	bool narrow; /* what an end has not taken blocks the other one soon */
	bool late;   /* connections wait until they are accepted one by one */
	bool lazy;   /* nothing is read but by behind_read() */
	struct behind_conn *at; /* where something came last; NULL: none yet */
	unsigned conns_n;
	struct behind_conn conns[BEHIND_CONNS_MAX];
};

extern struct behind behind;

/* Finds out, once, where they will listen. */
void behind_choose(
    char first[static 128], char backup[static 128], unsigned *ret_port);

/* All that was before is forgotten; the backup listens. */
void behind_begin(void);

/* The first one and TCP. */
void behind_listen(void);
void behind_stop(void);

/* Accepts, sends what is to go, reads what came. */
void behind_turn(void);

void behind_accept(void); /* one */
void behind_read(void);   /* on all, to the end */

/* What `at` says next. */
void behind_say(const void *bytes, size_t n);

/* The other one that is open is `at`. */
void behind_next(void);

void behind_finish(struct behind_conn *);
void behind_close(struct behind_conn *, bool reset);

/* All is closed. */
void behind_end(void);

/* The number in `?id=` of the last target that came; 0: it had none. */
unsigned behind_last_id(const struct behind_conn *);

/* A request that came, perhaps not to its end. */
struct behind_request {
	unsigned id;                      /* in `?id=`; 0: there is none */
	struct bt_str method, head, rest; /* rest: all behind the head */
	struct bt_str content;            /* without chunks */
	bool complete;
};

/*
 * Reads those of a connection; aborts at what nobody may ask.  The function
 * says whether HTTP goes on.
 */
void behind_check(const struct behind_conn *,
    bool (*on_request)(
	const struct behind_conn *, const struct behind_request *));

#endif
