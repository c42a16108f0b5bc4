/*
 * One exchange on its way through another server.  Worker, on the loop.
 */

#include "proxy/proxying.h"

#include "base/fd.h"
#include "base/log.h"
#include "proxy/buffering.h"
#include "proxy/holding.h"
#include "proxy/message.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

/* Content that surely stays in the block behind its head, to be repeated. */
#define KEPT_CONTENT_BYTES 4096
/* A head waits so long for the first of its content, to go with that. */
#define HEAD_MS 5
/* A server that goes with its answer is gone by then. */
#define DOUBT_MS 3
/* A request that has broken so many connections is why they broke. */
#define BROKEN_MAX 4
/* Of the answer's head. */
#define ANSWER_HEAD_MAX(all) ((all)->services->conf->max_header_bytes)

static void answer_from(struct bt_proxying *);

static struct bt_upstreams *
all_of(const struct bt_proxying *p)
{
	return p->upstream->all;
}

static void
give_block(struct bt_proxying *p, struct bt_proxy_bytes *b)
{
	bt_pool_give(&all_of(p)->blocks, b->data);
	*b = (struct bt_proxy_bytes){ 0 };
}

static void
drop_link(struct bt_proxying *p)
{
	if (p->link != NULL)
		bt_link_give(p->link, false);
	p->link = NULL;
}

/* Says what the server did. */
static void
complain(const struct bt_proxying *p, int error, const char *what)
{
	struct bt_log log = { all_of(p)->services->describe, p->x };
	struct bt_str who = p->link != NULL ? p->link->origin->conf->text
					    : p->upstream->conf->name;

	bt_log_warn(&log, error, "upstream %.*s: %s", BT_STR_ARG(who), what);
}

static void
fail(struct bt_proxying *p, unsigned status)
{
	drop_link(p);
	p->step = BT_PROXY_OVER;
	p->x->wants_content = false;
	p->x->watch_gone = false;
	bt_holding_end(p);
	bt_upstream_leave(p->upstream, p, false);
	bt_reply_error(p->x, status,
	    status == 503 ? BT_STR("Retry-After: 1\r\n") : BT_STR_NONE);
}

/* It has another reply: its content broke a rule, or was too slow. */
static bool
is_refused(struct bt_proxying *p)
{
	if (!p->x->refused || p->for_refused)
		return false;
	drop_link(p);
	p->step = BT_PROXY_OVER;
	bt_upstream_leave(p->upstream, p, false);
	return true;
}

/* RFC 9110, 9.2.2 */
bool
bt_proxying_is_repeatable(enum bt_method m)
{
	switch (m) {
	case BT_METHOD_GET:
	case BT_METHOD_HEAD:
	case BT_METHOD_PUT:
	case BT_METHOD_DELETE:
	case BT_METHOD_OPTIONS:
		return true;
	case BT_METHOD_POST:
	case BT_METHOD_PATCH:
	case BT_METHOD_TRACE:
	case BT_METHOD_OTHER:
	case BT_METHODS:
		return false;
	}
	return false;
}

static bool
may_be_repeated(const struct bt_proxying *p)
{
	if (p->lost || p->hinted || p->in.end > 0)
		return false;
	return !p->sent || p->repeatable;
}

/* What was to be sent is so again, from its begin. */
static void
rewind_request(struct bt_proxying *p)
{
	p->out.at = 0;
	p->sent = false;
	if (p->in.data != NULL)
		give_block(p, &p->in);
	p->scan = (struct bt_head_scan){ 0 };
}

static void
too_late(struct bt_proxying *p)
{
	if (p->until_ms > 0)
		complain(p, 0,
		    p->timed_out
			? "did not accept, try_duration is over"
			: "cannot be connected to, try_duration is over");
	bt_upstream_gave_up(p->upstream, p);
	fail(p, p->timed_out ? 504 : 502);
}

static void
hold(struct bt_proxying *p)
{
	p->step = BT_PROXY_HELD;
	if (bt_upstream_hold(p->upstream, p) == 0) {
		/* an interim answer may not be said twice */
		p->x->may_move = !p->hinted;
		return;
	}
	complain(p, 0, "is not there, and as many wait as hold_requests says");
	fail(p, 503);
}

/* No server is left in this round. */
static void
wait_for_one(struct bt_proxying *p)
{
	p->tried = 0;
	if (p->until_ms > all_of(p)->services->now->ms) {
		hold(p);
		return;
	}
	if (p->has_failed)
		bt_upstream_lost(p->upstream, p);
	too_late(p);
}

static void
connect_failed(struct bt_proxying *p, struct bt_origin *o, int error)
{
	bt_origin_failed(o);
	bt_score_add(&all_of(p)->services->score->proxy_connects_failed, 1);
	p->has_failed = true;
	p->timed_out = error == -ETIMEDOUT;
	/* one that waits says so when it gives up */
	if (p->until_ms == 0)
		complain(p, error, "cannot connect");
}

static void
ask(struct bt_proxying *p)
{
	p->step = BT_PROXY_ASK;
	bt_upstream_released(p->upstream, p);
	if (!p->head_made) {
		size_t n;

		p->out.data = bt_pool_take(&all_of(p)->blocks);
		n = bt_proxy_write_request(
		    p, p->out.data, all_of(p)->block_bytes);
		if (n == 0) {
			complain(p, 0, "the head of the request is too long");
			fail(p, 431);
			return;
		}
		p->out.end = (uint32_t)n;
		p->head_made = true;
		p->chunked = p->x->request.chunked;
		p->complete = p->for_page ||
		    (p->x->content_over && !bt_holding_is_first(p));
	}
	/* else it goes with the content, where that has room behind it */
	if (bt_holding_is_first(p))
		bt_holding_send(p);
	else if (p->complete || p->out.at > 0 || p->x->content_begun ||
	    p->out.end > all_of(p)->block_bytes / 2)
		bt_proxying_flush(p);
	else
		bt_link_watch(p->link, EV_READ, HEAD_MS);
}

/*
 * What may be sent once only is not sent to a server that has just answered for
 * the first time and perhaps goes with that: its kernel takes connections until
 * it has gone, and then resets them.
 */
static void
connected(struct bt_proxying *p)
{
	if (p->repeatable || !bt_standing_is_in_doubt(p->upstream->standing)) {
		ask(p);
		return;
	}
	p->step = BT_PROXY_DOUBT;
	bt_link_watch(p->link, EV_READ, DOUBT_MS);
}

/* More content than is kept for a repetition, or nobody knows how much. */
static bool
has_much_content(const struct bt_request *r)
{
	return r->chunked || r->content_length > KEPT_CONTENT_BYTES;
}

void
bt_proxying_try(struct bt_proxying *p)
{
	struct bt_upstream *u = p->upstream;
	bool fresh = !p->repeatable || has_much_content(&p->x->request);
	struct bt_origin *o;
	int r;

	if (is_refused(p))
		return;
	if (p->until_ms > all_of(p)->services->now->ms &&
	    !bt_upstream_lets_pass(u, p)) {
		hold(p);
		return;
	}
	p->x->may_move = false;
	while ((o = bt_upstream_choose(u, p)) != NULL) {
		p->tried |= UINT64_C(1) << (o - u->origins);
		r = bt_link_open(o, p, fresh, &p->link);
		if (r < 0) {
			connect_failed(p, o, r);
			continue;
		}
		if (p->link->connected) {
			connected(p);
			return;
		}
		p->step = BT_PROXY_CONNECT;
		bt_link_watch(p->link, EV_WRITE, p->conf->connect_timeout_ms);
		return;
	}
	wait_for_one(p);
}

void
bt_proxying_give_up(struct bt_proxying *p)
{
	struct baton_exchange *x = p->x;

	if (is_refused(p))
		return;
	too_late(p);
	all_of(p)->services->resume(x);
}

/* The link broke, or was silent for too long, before an answer. */
static void
ask_failed(struct bt_proxying *p, int error, const char *what)
{
	bool stale = p->link->used && error != -ETIMEDOUT;

	p->timed_out = error == -ETIMEDOUT;
	if (!stale)
		bt_origin_failed(p->link->origin);
	if (!stale && p->sent)
		p->broken_n++;
	if (p->timed_out || !may_be_repeated(p) || p->broken_n > BROKEN_MAX) {
		/* who is silent is there, and who is not may not be missed */
		if (!p->timed_out &&
		    !bt_upstream_has_another(p->upstream, p->link->origin))
			bt_upstream_lost(p->upstream, p);
		complain(p, error, what);
		fail(p, p->timed_out ? 504 : 502);
		return;
	}
	if (!stale)
		p->has_failed = true;
	else
		p->tried = 0; /* it was kept for too long: that says nothing */
	drop_link(p);
	rewind_request(p);
	bt_proxying_try(p);
}

size_t
bt_proxying_room(struct bt_proxying *p, size_t reserve)
{
	struct bt_proxy_bytes *out = &p->out;
	size_t size = all_of(p)->block_bytes;

	if (p->step != BT_PROXY_ASK && p->step != BT_PROXY_ANSWER)
		return 0;
	if (out->at == out->end && p->sent &&
	    size - out->end < size / 4 + reserve) {
		out->at = out->end = 0;
		p->lost = true;
	}
	return size - out->end > reserve ? size - out->end - reserve : 0;
}

bool
bt_proxying_flush(struct bt_proxying *p)
{
	struct bt_proxy_bytes *out = &p->out;
	/* of an answer that the client has still to take no more is wanted */
	short read =
	    p->step == BT_PROXY_ANSWER ? p->link->watching & EV_READ : EV_READ;
	ssize_t n = 0;

	while (out->at < out->end) {
		n = send(p->link->fd, out->data + out->at, out->end - out->at,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		p->sent = true;
		out->at += (uint32_t)n;
		bt_link_renew(p->link);
	}
	/* it may have answered before it closed: that is read first */
	if (n == -1 && errno != EAGAIN)
		out->at = out->end;
	bt_link_watch(p->link,
	    out->at < out->end ? (short)(read | EV_WRITE) : read,
	    p->conf->read_timeout_ms);
	return n != -1;
}

void
bt_proxying_finish(struct bt_proxying *p, bool junk)
{
	bool good = !junk && !p->filled && p->complete &&
	    p->out.at == p->out.end && p->response.message.keep_alive &&
	    !p->response.until_close;

	p->step = BT_PROXY_OVER;
	p->x->wants_content = false; /* what still comes is for nobody */
	bt_holding_end(p);
	bt_link_give(p->link, good);
	p->link = NULL;
}

void
bt_proxying_break_off(struct bt_proxying *p, int error, const char *what)
{
	complain(p, error, what);
	p->broken = error < 0 ? error : -EBADMSG;
	p->step = BT_PROXY_OVER;
	p->x->wants_content = false;
	drop_link(p);
}

void
bt_proxying_lose(struct bt_proxying *p, int error)
{
	static const char what[] = "what was held of the content is lost";

	if (p->step == BT_PROXY_ANSWER) {
		bt_proxying_break_off(p, error, what);
		return;
	}
	complain(p, error, what);
	fail(p, 500);
}

/* Reads of the answer into the block; negative errno, or 0 at its end. */
static ssize_t
read_some(struct bt_proxying *p)
{
	struct bt_proxy_bytes *in = &p->in;
	ssize_t n;

	if (in->data == NULL)
		in->data = bt_pool_take(&all_of(p)->blocks);
	do
		n = recv(p->link->fd, in->data + in->end,
		    all_of(p)->block_bytes - in->end, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -errno;
	in->end += (uint32_t)n;
	p->filled = in->end == all_of(p)->block_bytes;
	return n;
}

static void
refuse_answer(struct bt_proxying *p, const char *why)
{
	char what[128];

	snprintf(what, sizeof(what), "its answer is refused: %s",
	    why != NULL ? why : "not an HTTP/1 head");
	complain(p, 0, what);
	fail(p, 502);
}

/* It is the final one: the server is well. */
static void
answer_begins(struct bt_proxying *p)
{
	p->step = BT_PROXY_ANSWER;
	p->timed_out = false; /* from here on: amid the answer */
	p->x->content_begun = true;
	bt_standing_origin_well(
	    p->link->origin->standing, all_of(p)->services->now->us);
	bt_upstream_leave(p->upstream, p, true);
}

/*
 * An interim answer is for the client, who hears of it at once; but for one in
 * HTTP/1.0, which has none, and a 100 that is ours (RFC 9110, 15.2).
 */
static void
pass_interim(struct bt_proxying *p)
{
	struct bt_pool *blocks = &all_of(p)->blocks;
	struct bt_proxy_bytes *in = &p->in;
	struct baton_exchange *x = p->x;
	char *lines;
	size_t n;

	p->hinted = true;
	if (x->request.minor > 0 &&
	    (p->response.status != 100 || !x->continue_sent)) {
		x->continue_sent |= p->response.status == 100;
		lines = bt_pool_take(blocks);
		n = bt_proxy_write_interim(p, lines, all_of(p)->block_bytes);
		all_of(p)->services->interim(
		    x, p->response.status, (struct bt_str){ lines, n });
		bt_pool_give(blocks, lines);
	}
	/* what follows has all the room again */
	memmove(in->data, in->data + in->at, in->end - in->at);
	in->end -= in->at;
	in->at = 0;
}

/* What the reply did not become: its client was gone, or it was refused. */
static void
end_tunnel(void *arg)
{
	struct bt_reply *r = &((struct baton_exchange *)arg)->reply;

	bt_fd_close(&r->fd);
	if (r->origin != NULL)
		bt_origin_give(r->origin);
}

/* Both sides speak another protocol from here on: the worker has the ends. */
static void
switch_protocols(struct bt_proxying *p)
{
	struct bt_origin *o = p->link->origin;
	struct bt_str behind = { p->in.data + p->in.at, p->in.end - p->in.at };
	struct bt_str fields = bt_proxy_answer_fields(p);
	int fd;

	answer_begins(p);
	fd = bt_link_take_fd(p->link);
	p->link = NULL;
	p->step = BT_PROXY_OVER;
	bt_score_add(&all_of(p)->services->score->tunnels_begun, 1);
	bt_reply_tunnel(
	    p->x, fields, behind, &fd, o, p->conf->tunnel_timeout_ms);
	bt_reply_on_release(p->x, end_tunnel, p->x);
	p->x->reply.forwarded = true;
}

/*
 * Looks for the head of the final answer in what has come.
 *
 * Returns: true when there is nothing more to do without another read.
 */
static bool
take_head(struct bt_proxying *p)
{
	struct bt_proxy_bytes *in = &p->in;
	struct bt_str head;
	const char *why;

	for (;;) {
		struct bt_str bytes = { in->data + in->at, in->end - in->at };

		switch (bt_response_find(
		    &p->scan, bytes, ANSWER_HEAD_MAX(all_of(p)), &head)) {
		case BT_PARSE_MORE:
			return false;
		case BT_PARSE_REFUSED:
			refuse_answer(p,
			    bytes.n > ANSWER_HEAD_MAX(all_of(p))
				? "its head is too long"
				: NULL);
			return true;
		case BT_PARSE_DONE:
			break;
		}
		p->scan = (struct bt_head_scan){ 0 };
		in->at += (uint32_t)head.n;
		why = bt_response_parse(
		    &p->parser, head, p->x->request.method, &p->response);
		if (why == NULL && p->response.status == 101 &&
		    !bt_proxy_switches(p))
			why = "101 to what was not asked for by Upgrade";
		if (why != NULL) {
			refuse_answer(p, why);
			return true;
		}
		if (p->response.status == 101) {
			switch_protocols(p);
			return true;
		}
		if (p->response.status >= 200) {
			answer_from(p);
			return true;
		}
		pass_interim(p);
	}
}

static void
read_answer(struct bt_proxying *p)
{
	ssize_t n = read_some(p);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		ask_failed(p, n == 0 ? -ECONNRESET : (int)n,
		    p->in.end > 0 ? "closed amid the head of its answer"
				  : "closed before it answered");
		return;
	}
	take_head(p);
}

/* Content in chunks, or to the end, or more than has come yet. */
static ssize_t
pull(struct baton_exchange *x, char *out, size_t room)
{
	struct bt_proxying *p = x->state;
	struct bt_proxy_bytes *in = &p->in;

	for (;;) {
		size_t consumed, content;
		unsigned status;
		ssize_t n;

		if (p->step == BT_PROXY_OVER)
			return p->timed_out ? -ETIMEDOUT : p->broken;
		n = (ssize_t)(in->end - in->at);
		if (n > 0) {
			n = n > (ssize_t)room ? (ssize_t)room : n;
			memcpy(out, in->data + in->at, (size_t)n);
			in->at += (uint32_t)n;
		} else {
			do
				n = recv(p->link->fd, out, room, 0);
			while (n == -1 && errno == EINTR);
			p->filled = n == (ssize_t)room;
		}
		if (n == -1 && errno == EAGAIN) {
			p->wants_more = true;
			bt_link_watch(p->link,
			    p->out.at < p->out.end ? EV_READ | EV_WRITE
						   : EV_READ,
			    p->conf->read_timeout_ms);
			return -EAGAIN;
		}
		if (n == 0 && p->response.until_close) {
			bt_proxying_finish(p, false);
			return 0;
		}
		if (n <= 0) {
			int r = n == 0 ? -ECONNRESET : -errno;

			complain(p, r, "closed amid its answer");
			return r;
		}
		if (p->response.until_close)
			return n;
		switch (bt_parser_content(&p->parser, &p->response.message, out,
		    (size_t)n, &consumed, &content, &status)) {
		case BT_PARSE_REFUSED:
			complain(p, 0, "the chunks of its answer are wrong");
			return -EBADMSG;
		case BT_PARSE_DONE:
			x->reply.trailers = bt_proxy_answer_trailers(p);
			bt_proxying_finish(
			    p, consumed < (size_t)n || in->at < in->end);
			return (ssize_t)content;
		case BT_PARSE_MORE:
			if (content > 0)
				return (ssize_t)content;
			break;
		}
	}
}

/* Describes the reply: its head is there, and perhaps all of its content. */
static void
answer_from(struct bt_proxying *p)
{
	struct baton_exchange *x = p->x;
	const struct bt_response *r = &p->response;
	struct bt_proxy_bytes *in = &p->in;
	uint64_t length = r->message.content_length;
	bool bare = x->request.method == BT_METHOD_HEAD || r->status == 204 ||
	    r->status == 304;
	struct bt_str fields = bt_proxy_answer_fields(p);

	answer_begins(p);
	if (bare ||
	    (!r->message.chunked && !r->until_close &&
		in->end - in->at >= length)) {
		bool junk = in->end - in->at > (bare ? 0 : length);

		if (bare)
			bt_reply_stream(x, r->status, fields,
			    r->has_length ? length : BT_LENGTH_UNKNOWN, pull);
		else
			bt_reply_bytes(x, r->status, fields,
			    (struct bt_str){
				in->data + in->at, (size_t)length });
		bt_proxying_finish(p, junk);
	} else {
		if (r->message.chunked && x->request.minor > 0)
			bt_parser_keep_trailers(&p->parser, &x->arena);
		bt_reply_stream(x, r->status, fields,
		    r->message.chunked || r->until_close ? BT_LENGTH_UNKNOWN
							 : length,
		    p->conf->buffers ? bt_buffering_pull : pull);
		if (p->conf->buffers)
			bt_buffering_start(p);
	}
	x->reply.forwarded = true;
}

static void
on_connect(struct bt_proxying *p, short events)
{
	int r = events & EV_TIMEOUT ? -ETIMEDOUT : bt_link_take_error(p->link);

	if (r == 0) {
		connected(p);
		return;
	}
	connect_failed(p, p->link->origin, r);
	drop_link(p);
	bt_proxying_try(p);
}

/* Whatever comes before it is asked is the end of it. */
static void
on_doubt(struct bt_proxying *p, short events)
{
	if (!(events & EV_READ)) {
		ask(p);
		return;
	}
	connect_failed(p, p->link->origin, -ECONNRESET);
	drop_link(p);
	bt_proxying_try(p);
}

static void
on_ask(struct bt_proxying *p, short events)
{
	if ((events & EV_TIMEOUT) && !p->sent && p->out.at == 0) {
		bt_proxying_flush(p); /* its content may take its time */
		return;
	}
	if (events & EV_TIMEOUT) {
		ask_failed(p, -ETIMEDOUT, "does not answer");
		return;
	}
	if ((events & EV_READ) && p->link->used && !p->sent)
		/* it was to wait for content: that answers something else */
		ask_failed(p, -EBADMSG, "says what nobody asked for");
	else if (events & EV_READ)
		read_answer(p);
	if ((events & EV_WRITE) && p->step == BT_PROXY_ASK && p->link != NULL)
		bt_proxying_flush(p);
}

static void
on_answer(struct bt_proxying *p, short events)
{
	if (events & EV_TIMEOUT) {
		complain(p, 0, "is silent amid its answer");
		p->timed_out = true;
		p->step = BT_PROXY_OVER;
		drop_link(p);
	} else {
		if (events & EV_WRITE)
			bt_proxying_flush(p);
		/* the client has still to take what came before */
		if ((events & EV_READ) && !p->wants_more)
			bt_link_watch(p->link,
			    p->out.at < p->out.end ? EV_WRITE : 0,
			    p->conf->read_timeout_ms);
	}
	p->wants_more = false;
}

/* The server has all that came, and the client has not sent the rest yet. */
static bool
waits_for_client(const struct bt_proxying *p)
{
	return (p->step == BT_PROXY_ASK || p->step == BT_PROXY_ANSWER) &&
	    !p->complete && p->out.at == p->out.end;
}

void
bt_proxying_on_event(struct bt_proxying *p, short events)
{
	struct baton_exchange *x = p->x;
	const struct bt_services *services = all_of(p)->services;

	if (is_refused(p))
		return;
	if ((events & EV_TIMEOUT) && waits_for_client(p))
		return; /* body_timeout is for who is slow */
	switch (p->step) {
	case BT_PROXY_CONNECT:
		on_connect(p, events);
		break;
	case BT_PROXY_DOUBT:
		on_doubt(p, events);
		break;
	case BT_PROXY_ASK:
		on_ask(p, events);
		break;
	case BT_PROXY_ANSWER:
		if (p->spool != NULL)
			bt_buffering_on_event(p, events);
		else
			on_answer(p, events);
		break;
	case BT_PROXY_HELD:
	case BT_PROXY_OVER:
		break;
	}
	bt_holding_send(p);
	services->resume(x);
}
