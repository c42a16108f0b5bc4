#ifndef BT_HANDLERS_HANDLER_H
#define BT_HANDLERS_HANDLER_H

/*
 * What can answer.  A handler is one file and one row of bt_handlers[]; it
 * describes the reply (handlers/reply.h), the worker sends it.  All of it runs
 * on the loop of a worker: a handler never blocks.
 */

#include "conf/conf.h"
#include "http/request.h"
#include "scoreboard/rates.h"
#include "scoreboard/scoreboard.h"

#include <baton/app.h>

struct baton_exchange;
struct bt_file_cache;
struct bt_offload;
struct bt_auth;
struct bt_gzip;
struct bt_stores;
struct bt_upstreams;
struct event_base;

/* The time of this turn of the loop. */
struct bt_now {
	int64_t us;     /* bt_clock_us(), of its begin or of its last send */
	int64_t ms;     /* the same clock, of its begin */
	int64_t wall_s; /* since 1970 */
};

/* What all workers know together of a server behind us. */
struct bt_origin_report {
	struct bt_str upstream, server; /* as the conf names them */
	bool up;                        /* it is not passed over */
};

/* What the worker lends to its handlers. */
struct bt_services {
	const struct bt_conf *conf;
	struct bt_scoreboard *board;
	struct bt_score_worker *score;
	struct bt_rates *rates; /* of requests by client address */
	const struct bt_now *now;
	struct bt_file_cache *files;
	unsigned worker; /* its slot */
	bool says;       /* what is wrong for every worker; one does */
	struct bt_offload *offload;
	struct bt_auth *auth; /* of basic_auth */
	struct bt_gzip *gzip;
	struct bt_stores *stores; /* of continuations; NULL: no application */
	struct bt_upstreams *upstreams; /* of proxies; NULL: none */
	/*
	 * The server number `i` of all upstreams, from 0; false: there are not
	 * so many.  NULL: no proxies.
	 */
	bool (*origin)(
	    const struct bt_services *, size_t i, struct bt_origin_report *ret);
	struct event_base *loop;
	/* Begins a turn: callbacks of `loop` say so first. */
	void (*turn)(const struct bt_services *);
	/* Who it is about: for struct bt_log, `of` an exchange. */
	void (*describe)(const void *exchange, char *out, size_t size);
	/* The connection of an exchange goes on: its reply is described now. */
	void (*resume)(struct baton_exchange *);
	/* The address that its client has connected to; AF_UNSPEC: unknown. */
	void (*local)(const struct baton_exchange *, struct bt_addr *ret);
	/*
	 * An interim answer (1xx) with those lines goes out before the answer;
	 * one for which there is no room is left out.
	 */
	void (*interim)(
	    struct baton_exchange *, unsigned status, struct bt_str fields);
};

/* Of the loop's events: those of one turn are served in this order. */
enum bt_priority { BT_PRIORITY_FIRST, BT_PRIORITY_USUAL, BT_PRIORITIES };

#define BT_STAGES_MAX 32

/* Stages in the order of requests, and which of them have what to do. */
struct bt_line {
	const struct baton_stage *stages[BT_STAGES_MAX];
	unsigned n;
	uint32_t before, behind; /* sets of indexes */
};

/* A route as a worker runs it. */
struct bt_route {
	const struct bt_conf_route *conf;
	const struct bt_conf_server *server; /* NULL: of an unknown listener */
	const struct bt_handler *handler;
	const struct bt_services *services;
	/* `add_header`, as whole lines: on good answers, and on all of them */
	struct bt_str fields, fields_always;
	bool varies; /* there are more, with variables */
	/* `fields` begins with so many bytes of `cache_control` */
	size_t fresh_bytes;
	struct bt_line line; /* its stages (handlers/stage.h) */
	void *state;         /* the handler's, made by start() */
};

struct bt_handler {
	const char *name;
	unsigned methods; /* others get 405; OPTIONS is answered for it */
	/*
	 * Prepares a route when the worker starts.  0, or negative errno:
	 * the worker logs it and the route answers 500.
	 */
	int (*start)(struct bt_route *);
	/* Frees `state`. */
	void (*stop)(struct bt_route *);
	/*
	 * The head is there, the content may not be.  Describes the reply, now
	 * or when the work that it gives (handlers/work.h) is done; sets
	 * x->wants_content when content() shall get what the client sends, else
	 * it is read and dropped.
	 */
	void (*answer)(struct baton_exchange *);
	/* How many bytes content() can take now; 0 stops the reading. */
	size_t (*room)(struct baton_exchange *);
	/* A piece of the content, at most as much as room() said. */
	void (*content)(struct baton_exchange *, struct bt_str);
	/* The content is complete. */
	void (*content_end)(struct baton_exchange *);
};

/* By enum bt_handler_kind; NONE is the row that answers 404. */
extern const struct bt_handler *const bt_handlers[BT_HANDLER_KINDS];

#endif
