/*
 * What an answer waits for: work on the threads, timers, something of the
 * application's own.  Worker, on the loop.
 */

#include "handlers/work.h"

#include "app/call.h"
#include "base/mem.h"

#include <baton/work.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

/* --- timers --- */

struct bt_timer {
	struct bt_timer *next;
	struct bt_call *call;
	struct event event;
	void (*fn)(struct baton_exchange *, void *);
	void *arg;
};

static void
timer_remove(struct bt_timer *t)
{
	struct bt_timer **at = &t->call->timers;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->call->timers_n--;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct bt_timer *t = arg;
	struct bt_call *c = t->call;
	const struct bt_services *s = c->place->services;
	void (*fn)(struct baton_exchange *, void *) = t->fn;
	void *fn_arg = t->arg;
	int64_t entered;

	s->turn(s);
	timer_remove(t);
	free(t);
	if (bt_call_is_over(c))
		return;
	entered = bt_call_enter(c);
	fn(c->x, fn_arg);
	bt_call_leave(c, entered);
	s->resume(c->x);
}

static struct bt_timer *
timer_add(struct bt_call *c, unsigned ms, event_callback_fn on,
    void (*fn)(struct baton_exchange *, void *), void *arg)
{
	const struct timeval after = { ms / 1000, (ms % 1000) * 1000 };
	struct bt_timer *t = bt_mem_zero(1, sizeof(*t));

	*t = (struct bt_timer){
		.next = c->timers, .call = c, .fn = fn, .arg = arg
	};
	c->timers = t;
	c->timers_n++;
	evtimer_assign(&t->event, c->place->services->loop, on, t);
	evtimer_add(&t->event, &after);
	return t;
}

static void
timer_cancel(struct bt_timer *t)
{
	timer_remove(t);
	evtimer_del(&t->event);
	free(t);
}

void
bt_call_stop_timers(struct bt_call *c)
{
	struct bt_timer *t;

	while ((t = c->timers) != NULL) {
		c->timers = t->next;
		c->timers_n--;
		evtimer_del(&t->event);
		free(t);
	}
}

void
baton_timer(struct baton_exchange *x, unsigned ms,
    void (*fn)(struct baton_exchange *, void *arg), void *arg)
{
	timer_add(bt_call_of(x), ms, on_timer, fn, arg);
}

/* --- waiting --- */

void
baton_hold(struct baton_exchange *x)
{
	bt_call_of(x)->held = true;
}

void
baton_go_on(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);

	c->held = false;
	c->stage_may_go_on = true;
	bt_call_set_ready(c);
}

/* --- work beside the loop --- */

struct app_work {
	struct bt_work work;
	struct bt_call *call; /* while `work.x` is there */
	struct baton_offload how;
	void *arg;
	struct bt_timer *deadline; /* NULL: none, or over */
};

static void
run(struct bt_work *work)
{
	struct app_work *w = (struct app_work *)work;

	w->how.run(w->arg);
}

static void
work_free(struct app_work *w)
{
	if (w->how.release != NULL)
		w->how.release(w->arg);
	free(w);
}

static void
done(struct bt_work *work)
{
	struct app_work *w = (struct app_work *)work;

	if (work->x != NULL && w->deadline != NULL)
		timer_cancel(w->deadline);
	if (work->x != NULL && !bt_call_is_over(w->call)) {
		int64_t entered = bt_call_enter(w->call);

		w->how.done(work->x, w->arg);
		bt_call_leave(w->call, entered);
	}
	work_free(w);
}

/* It took too long: its answer is for nobody any more. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct bt_timer *t = arg;
	struct bt_call *c = t->call;
	struct baton_exchange *x = c->x;
	const struct bt_services *s = c->place->services;

	s->turn(s);
	timer_cancel(t);
	if (bt_call_is_over(c))
		return;
	bt_work_forget(x);
	bt_score_add(&s->score->offload_timeouts, 1);
	if (bt_call_is_open(c)) {
		bt_reply_drop(x);
		bt_reply_busy(x);
	}
	s->resume(x);
}

int
baton_offload(
    struct baton_exchange *x, const struct baton_offload *how, void *arg)
{
	struct bt_call *c = bt_call_of(x);
	struct app_work *w = bt_mem_zero(1, sizeof(*w));
	int r;

	w->work.run = run;
	w->work.done = done;
	w->call = c;
	w->how = *how;
	w->arg = arg;
	r = x->work != NULL || !bt_call_is_open(c) ? -EBUSY
						   : bt_work_start(x, &w->work);
	if (r == 0) {
		if (how->deadline_ms > 0)
			w->deadline = timer_add(
			    c, how->deadline_ms, on_deadline, NULL, NULL);
		return 0;
	}
	work_free(w);
	if (r != -EBUSY && bt_call_is_open(c)) {
		bt_score_add(&c->place->services->score->offload_refused, 1);
		bt_reply_drop(x);
		bt_reply_busy(x);
		r = -EAGAIN;
	}
	return r;
}
