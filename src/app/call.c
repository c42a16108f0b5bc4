/*
 * From a request to the functions of its application, and back.  Worker, on the
 * loop.
 */

#include "app/call.h"

#include "app/form.h"
#include "app/suspend.h"
#include "base/clock.h"
#include "base/log.h"
#include "handlers/rows.h"

#include <assert.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>

/* A content that is collected, where nobody says how large it may be. */
#define CONTENT_BYTES_MAX (1024 * 1024)

struct bt_call *
bt_call_of(const struct baton_exchange *x)
{
	assert(x->route != NULL && x->route->handler == &bt_handler_app);
	return x->state;
}

bool
bt_call_is_over(const struct bt_call *c)
{
	const struct baton_exchange *x = c->x;

	return x->refused || x->route->handler != &bt_handler_app ||
	    x->state != c;
}

bool
bt_call_is_open(const struct bt_call *c)
{
	return !bt_call_is_over(c) && !c->x->head_written;
}

const char *
bt_call_text(struct bt_call *c, struct bt_str s)
{
	if (s.p == NULL || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
		return NULL;
	return bt_arena_copy(&c->x->arena, s).p;
}

void
bt_call_set_ready(struct bt_call *c)
{
	struct bt_call **end = &c->place->calls_ready;

	if (c->ready)
		return;
	while (*end != NULL)
		end = &(*end)->next_ready;
	*end = c;
	c->next_ready = NULL;
	c->ready = true;
	event_active(c->place->ready, EV_TIMEOUT, 0);
}

void
bt_call_unset_ready(struct bt_call *c)
{
	struct bt_call **at = &c->place->calls_ready;

	if (!c->ready)
		return;
	while (*at != c)
		at = &(*at)->next_ready;
	*at = c->next_ready;
	c->ready = false;
}

/* --- around the application's functions --- */

static const char *
name_of(const struct bt_call *c)
{
	return c->way ? c->way->name : "no route";
}

static void
say_slow(struct bt_call *c, int64_t us)
{
	const struct bt_services *s = c->place->services;
	const struct bt_log log = { s->describe, c->x };
	bool *said = &c->place->slow[bt_place_index(c->place, c->way)];

	bt_score_add(&s->score->slow_callbacks, 1);
	if (*said)
		return;
	*said = true;
	bt_log_warn(&log, 0,
	    "%s, \"%s\": a function took %lld ms, in which this worker did "
	    "nothing else (slow_callback)",
	    c->place->library->app.name, name_of(c), (long long)(us / 1000));
}

/* Something will bring an answer, or has. */
static bool
is_answered(const struct bt_call *c)
{
	const struct baton_exchange *x = c->x;

	return !bt_call_is_open(c) || x->reply.status != 0 || x->work != NULL ||
	    c->timers_n > 0 || c->held || x->stages_wait || x->leave_waits ||
	    (x->wants_content && !c->content_over);
}

int64_t
bt_call_enter(struct bt_call *c)
{
	return c->depth++ == 0 && c->place->services->conf->slow_callback_ms
	    ? bt_clock_us()
	    : 0;
}

void
bt_call_leave(struct bt_call *c, int64_t entered_us)
{
	const struct bt_services *s = c->place->services;

	if (entered_us != 0) {
		int64_t us = bt_clock_us() - entered_us;

		if (us >= s->conf->slow_callback_ms * 1000)
			say_slow(c, us);
	}
	if (--c->depth == 0 && !is_answered(c)) {
		const struct bt_log log = { s->describe, c->x };

		bt_log_error(&log, 0, "%s, \"%s\" has given no answer",
		    c->place->library->app.name, name_of(c));
		bt_reply_error(c->x, 500, BT_STR_NONE);
	}
}

/* --- the life of a call --- */

static void
on_end(struct baton_exchange *x, enum baton_end end, void *arg)
{
	struct bt_call *c = arg;

	bt_call_unset_ready(c);
	bt_call_stop_timers(c);
	bt_call_free_events(c);
	bt_form_free(c);
	bt_buf_fini(&c->content);
	bt_buf_fini(&c->printed);
	bt_buf_fini(&c->fields);
}

/* What is behind the route's path; begins with a slash. */
static struct bt_str
rest_of(const struct baton_exchange *x)
{
	struct bt_str path = x->request.path, prefix = x->route->conf->path;

	if (x->route->conf->exact || prefix.n > path.n)
		return BT_STR("/");
	if (prefix.n > 0 && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	path.p += prefix.n;
	path.n -= prefix.n;
	return path.n > 0 ? path : BT_STR("/");
}

static struct bt_call *
call_new(struct baton_exchange *x)
{
	struct bt_call *c = bt_arena_zero(&x->arena, sizeof(*c));
	struct bt_end *e = bt_arena_zero(&x->arena, sizeof(*e));

	c->x = x;
	c->place = x->route->state;
	c->rest = rest_of(x);
	c->path = bt_arena_copy(&x->arena, x->request.path);
	*e = (struct bt_end){ x->ends, on_end, c };
	x->ends = e;
	x->state = c;
	x->watch_gone = true;
	return c;
}

static void
run(struct bt_call *c)
{
	int64_t entered = bt_call_enter(c);

	if (c->way->resume != NULL)
		bt_score_add(&c->place->services->score->resumed[c->store], 1);
	if (c->way->resume != NULL)
		c->way->resume(c->x, c->state.p, c->state.n);
	else
		c->way->answer(c->x);
	bt_call_leave(c, entered);
}

static uint64_t
content_max(const struct bt_call *c)
{
	uint64_t most = c->x->route->conf->scope.max_body_bytes;
	uint64_t own = c->way->content_max;

	if (most == 0)
		most = UINT64_MAX;
	if (own == 0 && c->way->mode == BATON_CONTENT_WHOLE &&
	    most == UINT64_MAX)
		own = CONTENT_BYTES_MAX;
	return own != 0 && own < most ? own : most;
}

static void
run_resumed(struct bt_call *c)
{
	if (c->is_lost)
		bt_suspend_answer_lost(c);
	else
		run(c);
}

/* A form may name the continuation that it is for. */
static void
run_form(struct bt_call *c)
{
	struct bt_str token;

	if (c->way->resume == NULL &&
	    bt_form_find(c, BT_STR(BT_TOKEN_FIELD), &token))
		bt_suspend_resume(c, token, run_resumed);
	else
		run(c);
}

/* All of the content is there. */
static void
finish_content(struct bt_call *c)
{
	int64_t entered;

	c->content_over = true;
	if (c->way->mode == BATON_CONTENT_STREAM) {
		entered = bt_call_enter(c);
		c->way->content(c->x, NULL, 0);
		bt_call_leave(c, entered);
	} else if (c->form == NULL || bt_form_finish(c)) {
		run_form(c);
	}
}

/* Its methods are those that some route of the path has. */
static void
refuse(struct bt_call *c)
{
	struct baton_exchange *x = c->x;
	unsigned allowed = c->allowed;

	if (allowed == 0)
		bt_reply_error(x, 404, BT_STR_NONE);
	else if (x->request.method == BT_METHOD_OPTIONS)
		bt_reply_bytes(x, 204,
		    bt_arena_printf(&x->arena, "Allow: %.*s\r\n",
			BT_STR_ARG(bt_methods_format(
			    allowed | BT_METHOD_BIT(BT_METHOD_OPTIONS),
			    &x->arena))),
		    BT_STR_NONE);
	else
		bt_reply_not_allowed(x, allowed);
}

void
bt_call_begin(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);
	unsigned status;

	if (c->is_lost) {
		bt_suspend_answer_lost(c);
		return;
	}
	if (c->way == NULL) {
		refuse(c);
		return;
	}
	if (x->content_over) {
		if (c->way->mode == BATON_CONTENT_STREAM)
			run(c);
		if (c->way->mode != BATON_CONTENT_FORM || bt_form_begin(c))
			finish_content(c);
		return;
	}
	status = bt_parser_limit(&x->parser, &x->request, content_max(c));
	if (status != 0) {
		bt_reply_error(x, status, BT_STR_NONE);
		x->reply.close = true;
		return;
	}
	if (c->way->mode == BATON_CONTENT_FORM && !bt_form_begin(c))
		return;
	x->wants_content = true;
	if (c->way->mode == BATON_CONTENT_STREAM)
		run(c);
}

/* Whose it is is known: through its stages, to it. */
static void
pass_stages(struct bt_call *c)
{
	const struct baton_place *p = c->place;

	bt_stages_run_more(
	    c->x, &p->lines[bt_place_index(p, c->way)], bt_call_begin);
}

static void
answer(struct baton_exchange *x)
{
	struct baton_place *place = x->route->state;
	struct bt_call *c;
	struct bt_str token;
	int64_t entered;

	if (place == NULL) { /* it could not be started: was logged */
		bt_reply_error(x, 500, BT_STR_NONE);
		return;
	}
	c = call_new(x);
	entered = bt_call_enter(c); /* its stages, too */
	if (bt_suspend_token(c, &token)) {
		bt_suspend_resume(c, token, pass_stages);
	} else {
		c->way = bt_ways_find(place->library->routes,
		    place->library->routes_n, x->request.method, c->rest,
		    c->params, &c->params_n, &c->allowed);
		pass_stages(c);
	}
	bt_call_leave(c, entered);
}

static size_t
room(struct baton_exchange *x)
{
	return bt_call_of(x)->paused ? 0 : SIZE_MAX;
}

static void
content(struct baton_exchange *x, struct bt_str piece)
{
	struct bt_call *c = bt_call_of(x);
	int64_t entered;

	switch (c->way->mode) {
	case BATON_CONTENT_WHOLE:
		bt_buf_append(&c->content, piece.p, piece.n);
		break;
	case BATON_CONTENT_FORM:
		bt_form_feed(c, piece);
		break;
	case BATON_CONTENT_STREAM:
		entered = bt_call_enter(c);
		c->way->content(x, piece.p, piece.n);
		bt_call_leave(c, entered);
		break;
	}
}

static void
content_end(struct baton_exchange *x)
{
	finish_content(bt_call_of(x));
}

const struct bt_handler bt_handler_app = {
	.name = "app",
	.methods = BT_METHODS_ALL,
	.start = bt_place_start,
	.stop = bt_place_stop,
	.answer = answer,
	.room = room,
	.content = content,
	.content_end = content_end,
};

/* --- its stage, the first behind baton's --- */

/* What the application has added to the answer. */
static enum baton_step
leave(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);

	if (c->fields.len > 0)
		x->reply.fields = bt_arena_printf(&x->arena, "%.*s%.*s",
		    BT_STR_ARG(x->reply.fields),
		    BT_STR_ARG(bt_buf_str(&c->fields)));
	return bt_suspend_leave(c);
}

const struct baton_stage bt_app_stage = {
	.name = "app",
	.leave = leave,
};

/* --- the public functions --- */

struct baton_place *
baton_place(struct baton_exchange *x)
{
	return bt_call_of(x)->place;
}

void
baton_set_data(struct baton_exchange *x, void *data)
{
	bt_call_of(x)->data = data;
}

void *
baton_data(const struct baton_exchange *x)
{
	return bt_call_of(x)->data;
}

void *
baton_alloc(struct baton_exchange *x, size_t n)
{
	return bt_arena_alloc(&x->arena, n);
}

char *
baton_printf(struct baton_exchange *x, const char *fmt, ...)
{
	va_list ap, again;
	char *text;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = bt_arena_alloc(&x->arena, (size_t)(n > 0 ? n : 0) + 1);
	text[0] = '\0';
	if (n > 0)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

void
baton_on_end(struct baton_exchange *x,
    void (*fn)(struct baton_exchange *, enum baton_end, void *), void *arg)
{
	struct bt_end *e = bt_arena_zero(&x->arena, sizeof(*e));

	*e = (struct bt_end){ x->ends, fn, arg };
	x->ends = e;
}

void
baton_log(
    struct baton_exchange *x, enum baton_level level, const char *fmt, ...)
{
	static const enum bt_log_level levels[] = {
		[BATON_ERROR] = BT_LOG_ERROR,
		[BATON_WARN] = BT_LOG_WARN,
		[BATON_INFO] = BT_LOG_INFO,
		[BATON_DEBUG] = BT_LOG_DEBUG,
	};
	const struct bt_log log = { x->services->describe, x };
	struct bt_call *c = bt_call_of(x);
	char text[1024];
	va_list ap;

	if (level > BATON_DEBUG || !bt_log_enabled(levels[level]))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bt_log_write(levels[level], &log, 0, "%s: %s",
	    c->place->library->app.name, text);
}
