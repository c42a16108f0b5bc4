#ifndef BT_APP_CALL_H
#define BT_APP_CALL_H

/*
 * A call: what an exchange is to the application that answers it.  It stands in
 * the exchange's `state` and dies with it.  Worker, on the loop.
 */

#include "app/place.h"
#include "handlers/reply.h"

#include <baton/reply.h>

struct bt_call_write;
struct bt_set_cookie;
struct bt_timer;
struct bt_form_state;
struct bt_events_state;

struct bt_call {
	struct baton_exchange *x;
	struct baton_place *place;
	const struct bt_way *way; /* NULL: none fits */
	struct bt_str rest;       /* of the path, behind the route's */
	struct bt_param params[BT_PARAMS_MAX];
	unsigned params_n;
	unsigned allowed; /* the methods that the path has */
	void *data;       /* the application's */
	unsigned depth;   /* of its functions that run for this call now */
	/* what may bring an answer later */
	unsigned timers_n;
	bool held;
	bool stage_may_go_on; /* the one that waits */
	struct bt_timer *timers;
	bool ready; /* in the place's list */
	struct bt_call *next_ready;
	/* the request's content */
	struct bt_buf content;
	bool paused, content_over;
	struct bt_form_state *form;
	/* the answer */
	struct bt_buf printed;
	struct bt_buf fields; /* whole lines, added to the reply's */
	bool fields_sent;
	baton_pull_fn *pull;
	void *pull_arg;
	struct bt_events_state *events;
	/* a conversation */
	struct bt_str path; /* of its URLs */
	bool is_lost;
	enum baton_lost lost;
	enum bt_store_kind store; /* where it was */
	struct bt_str state;
	unsigned version;
	bool in_conversation;
	uint64_t conversation;
	uint32_t generation;
	struct bt_call_write *writes;  /* before its answer may leave */
	struct bt_set_cookie *cookies; /* that its answer sets */
};

struct bt_set_cookie {
	struct bt_set_cookie *next;
	struct bt_str name, value;
};

/* The call of an exchange that an application answers; asserted. */
struct bt_call *bt_call_of(const struct baton_exchange *);

/*
 * Around each function of the application that is called for it.  The second
 * one sees to it that there will be an answer, and counts one that was slow.
 */
int64_t bt_call_enter(struct bt_call *);
void bt_call_leave(struct bt_call *, int64_t entered_us);

/* baton has answered in its place: none of its functions is called any more. */
bool bt_call_is_over(const struct bt_call *);

/* The answer can be changed: nothing of it was sent, and it counts. */
bool bt_call_is_open(const struct bt_call *);

/* The way is known, its stages were passed: content, then the application. */
void bt_call_begin(struct baton_exchange *);

/* A copy in the exchange's memory, NUL-ended; NULL when it has a NUL. */
const char *bt_call_text(struct bt_call *, struct bt_str);

/* To be looked at again in the next turn. */
void bt_call_set_ready(struct bt_call *);
void bt_call_unset_ready(struct bt_call *);

/* work.c: frees the timers. */
void bt_call_stop_timers(struct bt_call *);

/* events.c */
void bt_call_free_events(struct bt_call *);

#endif
