/*
 * One exchange, from a head in the buffer to its end.  Worker, on the loop.
 */

#include "worker/exchange.h"

#include "base/fd.h"
#include "handlers/stage.h"
#include "handlers/work.h"
#include "http/forwarded.h"
#include "worker/output.h"
#include "worker/worker.h"

#include <unistd.h>

static struct baton_exchange *
exchange_new(struct bt_conn *c)
{
	struct bt_worker *w = c->worker;
	struct baton_exchange *x = bt_pool_take(&w->exchanges);

	/* the request is filled by the parser, or by forget_request() */
	x->services = &w->services;
	x->user = BT_STR_NONE;
	x->stages = 0;
	x->behind = 0;
	x->stages_wait = x->leaves = x->leave_waits = false;
	x->work = NULL;
	x->ends = NULL;
	x->watch_gone = x->may_move = x->refused = x->cut = x->moves = false;
	x->again = (c->baton.flags & BT_BATON_HELD) != 0;
	x->conn = c;
	x->route = NULL;
	x->state = NULL;
	x->wants_content = false;
	x->reply = (struct bt_reply){ 0 };
	x->error = (struct bt_error){ 0 };
	x->arena = w->arena; /* the worker's, with the block it has */
	w->arena = (struct bt_arena){ 0 };
	x->baton = x->peer = &c->baton;
	x->https = false;
	x->head_written = x->reply_over = false;
	x->content_begun = x->content_over = x->continue_sent = false;
	x->handed_over = false;
	x->begun_us = x->again ? c->times.begun_us : w->now.us;
	c->baton.flags &= (uint16_t)~BT_BATON_HELD;
	x->asked_bytes = 0;
	x->sent = x->ready = 0;
	x->head_bytes = 0;
	c->x = x;
	return x;
}

/* What there is of a request that was never understood: nothing. */
static void
forget_request(struct bt_request *r)
{
	memset(r, 0, offsetof(struct bt_request, fields));
	r->method = BT_METHOD_OTHER;
	r->minor = 1;
}

static void
release_reply(struct baton_exchange *x)
{
	bt_work_forget(x);
	bt_reply_drop(x);
}

void
bt_exchange_refuse(struct bt_conn *c, unsigned status, enum bt_close_reason why)
{
	struct baton_exchange *x = c->x;

	if (x == NULL) {
		x = exchange_new(c);
		forget_request(&x->request);
	}
	release_reply(x);
	x->refused = true;
	bt_stages_end(x);
	if (x->route != NULL)
		bt_stages_take(x);
	bt_reply_error(x, status, BT_STR_NONE);
	x->reply.close = true;
	x->content_over = true;
	x->wants_content = false;
	c->linger = true;
	bt_conn_set_last(c, why);
}

static enum bt_close_reason
cause_of(unsigned status)
{
	switch (status) {
	case 413:
		return BT_CLOSE_BODY_SIZE;
	case 414:
	case 431:
		return BT_CLOSE_HEADER_SIZE;
	default:
		return BT_CLOSE_BAD_REQUEST;
	}
}

void
bt_exchange_reject(struct bt_conn *c, unsigned status)
{
	bt_exchange_refuse(c, status, cause_of(status));
}

/* The descriptor is the exchange's own. */
static void
close_file(void *fd)
{
	close((int)(intptr_t)fd);
}

void
bt_exchange_resume(struct bt_conn *c, int *fd, uint64_t offset, uint64_t rest)
{
	struct baton_exchange *x = exchange_new(c);
	int own = bt_fd_take(fd);

	forget_request(&x->request);
	bt_reply_file(x, 200, BT_STR_NONE, own, offset, rest);
	bt_reply_on_release(x, close_file, (void *)(intptr_t)own);
	x->head_written = x->content_over = x->handed_over = true;
}

bool
bt_exchange_is_file_only(const struct bt_conn *c)
{
	const struct baton_exchange *x = c->x;

	return x->head_written && !x->reply_over && x->content_over &&
	    x->reply.kind == BT_BODY_FILE && c->out.at == c->out.end;
}

/* HTTP/1.0 cannot say that content follows but by its length. */
static bool
needs_length(const struct bt_request *r)
{
	return r->minor == 0 && !r->known[BT_FIELD_CONTENT_LENGTH] &&
	    (r->method == BT_METHOD_POST || r->method == BT_METHOD_PUT ||
		r->method == BT_METHOD_PATCH);
}

/* The client that a trusted proxy has asked for takes the proxy's place. */
static void
learn_client(struct baton_exchange *x)
{
	const struct bt_conf *conf = x->services->conf;
	struct bt_baton *baton;
	struct bt_addr addr;

	bt_baton_peer(x->baton, &addr);
	if (!bt_forwarded_find(
		&x->request, conf->proxies, conf->proxies_n, &addr, &x->https))
		return;
	baton = bt_arena_alloc(&x->arena, sizeof(*baton));
	*baton = *x->baton;
	bt_baton_set_peer(baton, &addr);
	x->baton = baton;
}

void
bt_exchange_begin(struct bt_conn *c, struct bt_str head)
{
	struct bt_worker *w = c->worker;
	struct baton_exchange *x = exchange_new(c);
	struct bt_request *r = &x->request;
	uint64_t max;
	unsigned status;

	x->asked_bytes = (uint32_t)head.n;
	status = bt_parser_head(&x->parser, head, &x->arena, r);
	if (status != 0) {
		bt_exchange_reject(c, status);
		return;
	}
	bt_score_add(&w->score->requests, x->again ? 0 : 1);
	if (w->conf->proxies_n > 0)
		learn_client(x);
	if (!bt_router_knows(w->router, c->baton.listen)) {
		/* it came through a listener that the conf has no longer */
		bt_exchange_refuse(c, 421, BT_CLOSE_DONE);
		return;
	}
	x->route = bt_router_find(w->router, c->baton.listen, r->host, r->path);
	if (needs_length(r)) {
		bt_exchange_reject(c, 411);
		return;
	}
	x->content_over = !bt_request_has_content(r);
	if (!x->content_over) {
		max = x->route->conf ? x->route->conf->scope.max_body_bytes : 0;
		status = bt_parser_limit(&x->parser, r, max ? max : UINT64_MAX);
		if (status != 0) {
			bt_exchange_reject(c, status);
			return;
		}
	}
	bt_stages_run(x);
}

/*
 * No more of the exchange: what is in the output is sent, as there may be whole
 * answers before this one; then the connection ends, so that an answer that is
 * cut looks like one.
 */
void
bt_exchange_abandon(struct bt_conn *c, enum bt_close_reason why)
{
	struct baton_exchange *x = c->x;

	x->wants_content = false;
	x->content_over = x->reply_over = x->cut = true;
	c->linger = true;
	c->last = true;
	c->reason = (uint8_t)why; /* also where it was to be the last anyway */
}

/* The client broke off, or broke the rules, in the middle of its content. */
static void
content_failed(struct bt_conn *c, unsigned status, enum bt_close_reason why)
{
	if (c->x->head_written || status == 0)
		bt_exchange_abandon(c, why);
	else
		bt_exchange_refuse(c, status, why);
}

/* Nothing has come: a client that waits to be asked is asked. */
static bool
await_content(struct bt_conn *c)
{
	struct baton_exchange *x = c->x;

	if (c->eof) {
		content_failed(c, 0, BT_CLOSE_RESET);
		return true;
	}
	if (!x->wants_content || !x->request.expect_continue ||
	    x->continue_sent || x->head_written)
		return false;
	bt_output_continue(c);
	return x->continue_sent;
}

bool
bt_exchange_take_content(struct bt_conn *c)
{
	struct baton_exchange *x = c->x;
	struct bt_input *in = &c->in;
	size_t n = in->end - in->at, room, consumed, content;
	enum bt_parse parse;
	unsigned status;
	char *bytes;

	if (x->content_over || x->stages_wait)
		return false;
	if (n == 0)
		return await_content(c);
	if (x->wants_content && (room = x->route->handler->room(x)) < n)
		n = room;
	if (n == 0)
		return false;
	bytes = in->data + in->at;
	parse = bt_parser_content(
	    &x->parser, &x->request, bytes, n, &consumed, &content, &status);
	if (parse == BT_PARSE_REFUSED) {
		content_failed(c, status, cause_of(status));
		return true;
	}
	x->content_begun = true;
	in->at += consumed;
	if (content > 0 && x->wants_content)
		x->route->handler->content(
		    x, (struct bt_str){ bytes, content });
	if (parse == BT_PARSE_DONE) {
		x->content_over = true;
		if (x->wants_content)
			x->route->handler->content_end(x);
	}
	return true;
}

bool
bt_exchange_is_over(const struct bt_conn *c)
{
	const struct baton_exchange *x = c->x;

	/* behind its head other bytes follow, not through the output */
	if (x->reply.kind == BT_BODY_TUNNEL && bt_output_is_pending(c))
		return false;
	/* on the last one, content that nobody wants is for the linger */
	return x->reply_over &&
	    (x->content_over || (c->last && !x->wants_content));
}

/* A request that was not understood is its default server's. */
static void
write_log(struct baton_exchange *x, struct bt_worker *w)
{
	const struct bt_route *route = x->route;

	if (route == NULL)
		route = bt_router_default(w->router, x->baton->listen);
	if (route->conf != NULL)
		bt_access_log_add(w->access_log, x, route->conf->scope.logs,
		    route->conf->scope.logs_n);
	else
		bt_access_log_add(
		    w->access_log, x, w->conf->logs, w->conf->logs_n);
}

/* Those who want to know are told how it ended, the last of them first. */
static void
tell_end(struct baton_exchange *x, const struct bt_conn *c)
{
	enum baton_end end = BATON_END_CUT;

	if (x->head_written && x->reply_over && !x->cut)
		end = BATON_END_SENT;
	else if (c->reason == BT_CLOSE_CLIENT || c->reason == BT_CLOSE_RESET)
		end = BATON_END_GONE;
	while (x->ends != NULL) {
		struct bt_end *e = x->ends;

		x->ends = e->next;
		e->fn(x, end, e->arg);
	}
}

void
bt_exchange_end(struct bt_conn *c)
{
	struct bt_worker *w = c->worker;
	struct baton_exchange *x = c->x;

	if (!x->content_over)
		c->linger = true;
	/* the worker where it began has logged it */
	if (w->access_log != NULL && x->head_written && !x->handed_over)
		write_log(x, w);
	/* not one that was cut, nor one that another worker began */
	if (x->head_written && x->reply_over && !x->handed_over)
		bt_times_end(c);
	release_reply(x);
	if (x->ends != NULL)
		tell_end(x, c);
	bt_arena_reset(&x->arena);
	if (w->arena.blocks == NULL)
		w->arena = x->arena;
	else
		bt_arena_fini(&x->arena);
	c->x = NULL;
	c->in.keep = 0;
	c->baton.requests++;
	bt_pool_give(&w->exchanges, x);
}
