#ifndef BATON_APP_H
#define BATON_APP_H

/*
 * An application: one shared object that defines `baton_app`, named in the conf
 * by `app FILE { key value; … }`.
 *
 * It is loaded by the master before it forks, so its code and its constants are
 * shared by all workers; but first in a child of the master, so that one that
 * crashes there is an error in the conf.  Then each worker starts it.  All of
 * its functions run on the loop of a worker, which serves others while they do
 * not: they never block; what would is for baton_offload() (work.h).
 *
 * Which function is told what: an exchange is one request and its answer.
 */

#include <baton/export.h>
#include <stddef.h>
#include <stdint.h>

#define BATON_API_MAJOR 1 /* grows when applications must be rebuilt */
#define BATON_API_MINOR 0 /* grows with additions */

struct baton_exchange; /* a request and its answer: request.h, reply.h */
struct baton_place;    /* the application in one route of one worker */
struct baton_file;     /* a part of a form: form.h */

/* What a stage says of an exchange. */
enum baton_step {
	BATON_NEXT,     /* it goes on */
	BATON_ANSWERED, /* the stage has answered: it goes no further */
	BATON_WAIT,     /* work for it is under way; baton_go_on() ends that */
};

/*
 * A stage stands before and behind what answers: requests pass through enter()
 * in the order of the list, answers through leave() in the opposite one.  Both
 * may be NULL.  baton's own (limit_rate, allow, basic_auth, gzip) are of this
 * type, and stand around those of an application.
 */
struct baton_stage {
	const char *name;
	enum baton_step (*enter)(struct baton_exchange *);
	/*
	 * The status and the fields may be changed: baton_reply_status(),
	 * baton_reply_field().  NEXT or WAIT.
	 */
	enum baton_step (*leave)(struct baton_exchange *);
};

/* How the content of a request comes to a route. */
enum baton_content {
	/* collected in memory; answer() is called when all of it is there */
	BATON_CONTENT_WHOLE,
	/* a form (form.h), taken apart as it comes; answer() as above */
	BATON_CONTENT_FORM,
	/* answer() is called at once, then content() for each piece */
	BATON_CONTENT_STREAM,
};

struct baton_route {
	/*
	 * `METHOD[,METHOD…] PATTERN`; `*` is every method; GET answers HEAD
	 * too.  The pattern is compared with the decoded path behind the path
	 * of the conf's route, segment by segment: `/users/:id` has one segment
	 * as the parameter "id", `/files/` followed by `*rest` has all that are
	 * left, slashes too.  The most specific pattern wins, whatever the
	 * order: literal before `:`, `:` before `*`.
	 */
	const char *on;
	/* Answers: now, or later (work.h). */
	void (*answer)(struct baton_exchange *);
	enum baton_content mode;
	/*
	 * Content past so many bytes is 413.  0: what the conf's max_body_size
	 * says, which holds in any case; WHOLE without both: 1 MiB.
	 */
	uint64_t content_max;
	/* STREAM: a piece, valid during the call; `n` is 0 once, at the end. */
	void (*content)(struct baton_exchange *, const void *piece, size_t n);
	/* FORM: see form.h; NULL: files are kept in memory like fields. */
	void (*file)(struct baton_exchange *, const struct baton_file *,
	    const void *piece, size_t n);
	/* Around this route, inside those of the application.  NULL-ended. */
	const struct baton_stage *const *stages;
};

/*
 * A function by which conversations go on (suspend.h).  It is known by its
 * name, which must stay what it is while continuations of it live.
 */
struct baton_resume {
	const char *name;
	/* `n` bytes of state; valid until the exchange ends. */
	void (*answer)(struct baton_exchange *, const void *state, size_t n);
	/*
	 * The versions of its state which it understands; the newest one is
	 * written into what is suspended.  Others are answered with 410.
	 */
	uint8_t version, oldest;
	/* As in struct baton_route. */
	enum baton_content mode;
	uint64_t content_max;
	void (*content)(struct baton_exchange *, const void *piece, size_t n);
	void (*file)(struct baton_exchange *, const struct baton_file *,
	    const void *piece, size_t n);
};

enum baton_setting_type {
	BATON_TEXT,     /* any word */
	BATON_PATH,     /* an absolute path */
	BATON_COUNT,    /* digits */
	BATON_SIZE,     /* bytes: 64k, 1m */
	BATON_DURATION, /* milliseconds: 200ms, 5s, 1h */
	BATON_SWITCH,   /* on or off: 1 or 0 */
};

/* What may stand between the braces of `app FILE { … }`, each once. */
struct baton_setting {
	const char *name;
	enum baton_setting_type type;
	const char *preset; /* NULL: it must be given */
	uint64_t min, max;  /* of a number; both 0: any */
};

/* Why a continuation does not go on. */
enum baton_lost {
	BATON_LOST_BAD,      /* altered, cut, not ours: 400 */
	BATON_LOST_UNKNOWN,  /* nothing is stored under it: 404 */
	BATON_LOST_EXPIRED,  /* its lifetime is over: 410 */
	BATON_LOST_REVOKED,  /* its conversation went on, or ended: 410 */
	BATON_LOST_USED,     /* it was for once: 410 */
	BATON_LOST_OUTDATED, /* of a function or version no longer there: 410 */
};

struct baton_app {
	uint16_t api_major, api_minor; /* another major is refused */
	/* of this struct and of the rows: fields are only appended */
	uint32_t size, route_size, resume_size, setting_size;
	const char *name;    /* continuations belong to it: keep it */
	const char *version; /* for people; may be NULL */
	const struct baton_route *routes;     /* ends with .on == NULL */
	const struct baton_resume *resumes;   /* … .name == NULL; or NULL */
	const struct baton_setting *settings; /* … .name == NULL; or NULL */
	/* Around all routes and resumes.  NULL-ended, or NULL. */
	const struct baton_stage *const *stages;
	/*
	 * In each worker, before its first exchange and after its last one.
	 * start() returns 0, or a negative errno: then its route answers 500.
	 */
	int (*start)(struct baton_place *);
	void (*stop)(struct baton_place *);
	/*
	 * Answers in place of baton's page when a continuation is followed that
	 * does not go on; the answer has the status of the page unless it names
	 * another.  NULL: baton's page.
	 */
	void (*lost)(struct baton_exchange *, enum baton_lost);
};

#define BATON_APP_HEAD \
	.api_major = BATON_API_MAJOR, .api_minor = BATON_API_MINOR, \
	.size = sizeof(struct baton_app), \
	.route_size = sizeof(struct baton_route), \
	.resume_size = sizeof(struct baton_resume), \
	.setting_size = sizeof(struct baton_setting)

/* The one symbol of a shared object that baton looks for. */
extern BATON_API const struct baton_app baton_app;
#define BATON_APP const struct baton_app baton_app

/* Where an exchange is answered. */
BATON_API struct baton_place *baton_place(struct baton_exchange *);

/*
 * The application's own, of this worker: kept for it, never looked at.
 * Ownership: the application's; start() makes it, stop() frees it.
 */
BATON_API void baton_place_set_data(struct baton_place *, void *);
BATON_API void *baton_place_data(const struct baton_place *);

/*
 * The value of a setting in the conf, or its preset, as text.
 *
 * Returns: NULL when the application has no setting of that name.
 * Ownership: valid as long as the place.
 */
BATON_API const char *baton_place_text(
    const struct baton_place *, const char *name);

/* The same as a number: bytes, milliseconds, 0 or 1; 0 where there is none. */
BATON_API uint64_t baton_place_number(
    const struct baton_place *, const char *name);

/* The worker's number, from 0. */
BATON_API unsigned baton_place_worker(const struct baton_place *);

/* The libevent loop of the worker: for timers and descriptors of one's own. */
struct event_base;
BATON_API struct event_base *baton_place_loop(const struct baton_place *);

/* The exchange's own pointer, NULL at first: for what comes later. */
BATON_API void baton_set_data(struct baton_exchange *, void *);
BATON_API void *baton_data(const struct baton_exchange *);

/* Memory that is freed when the exchange ends; never NULL. */
BATON_API void *baton_alloc(struct baton_exchange *, size_t)
    __attribute__((returns_nonnull));
BATON_API char *baton_printf(struct baton_exchange *, const char *fmt, ...)
    __attribute__((returns_nonnull, format(printf, 2, 3)));

/* How an exchange ended. */
enum baton_end {
	BATON_END_SENT, /* the kernel has the whole answer */
	BATON_END_GONE, /* its client went away before */
	BATON_END_CUT,  /* by us: a timeout, a limit, a stop */
};

/*
 * Calls `fn` once when the exchange is over; several are called in the opposite
 * order.  It may look at the request, and frees what the exchange had.
 */
BATON_API void baton_on_end(struct baton_exchange *,
    void (*fn)(struct baton_exchange *, enum baton_end, void *arg), void *arg);

enum baton_level { BATON_ERROR, BATON_WARN, BATON_INFO, BATON_DEBUG };

/* A line in the error log, with the client and the exchange in front. */
BATON_API void baton_log(struct baton_exchange *, enum baton_level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
