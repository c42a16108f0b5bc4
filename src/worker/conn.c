/*
 * The connection as a state machine.  advance() does all that can be done
 * without waiting: requests in the buffer are answered one after the other into
 * the output, which is then sent with one call; settle() names what the
 * connection waits for next, and so its deadline and what the loop watches.
 * Worker, on the loop.
 */

#include "worker/conn.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "handlers/work.h"
#include "worker/exchange.h"
#include "worker/handback.h"
#include "worker/output.h"
#include "worker/pace.h"
#include "worker/proxied.h"
#include "worker/tunnel.h"
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CONN_MAGIC 0x636f6e6eu

/* After our last answer the client's sending is read away: so long without … */
#define LINGER_MS 5000
/* … a byte, and so long in all; then a reset is what it gets. */
#define LINGER_MOST_MS 30000
/* What an application holds is its own matter, and a tunnel has a timer. */
#define HELD_MS (365LL * 24 * 3600 * 1000)
/* Who connected just before a stop has so long to send a request. */
#define LAST_CALL_MS 500
/* A head that began is put aside in a block of its own up to this size. */
#define STASH_BYTES_MAX 2048
/* Less room than this, and what waits is moved to the front before reading. */
#define READ_ROOM_MIN 4096

static const struct phase {
	const char *name;
	size_t timeout; /* offset into struct bt_conf; 0: none of its */
} phases[BT_CONN_PHASES] = {
#define TIMEOUT(member) offsetof(struct bt_conf, member)
	[BT_CONN_FRESH] = { "fresh", TIMEOUT(header_timeout_ms) },
	[BT_CONN_IDLE] = { "idle", TIMEOUT(keepalive_timeout_ms) },
	[BT_CONN_HEAD] = { "head", TIMEOUT(header_timeout_ms) },
	[BT_CONN_CONTENT] = { "content", TIMEOUT(body_timeout_ms) },
	[BT_CONN_WORK] = { "work", TIMEOUT(worker_timeout_ms) },
	[BT_CONN_HELD] = { "held", 0 },
	[BT_CONN_SEND] = { "send", TIMEOUT(send_timeout_ms) },
	[BT_CONN_LINGER] = { "linger", 0 },
	[BT_CONN_TUNNEL] = { "tunnel", 0 },
	[BT_CONN_CLOSED] = { "closed", 0 },
#undef TIMEOUT
};

static void on_event(evutil_socket_t, short, void *);

static struct bt_conn *
conn_from(void *arg)
{
	struct bt_conn *c = arg;

	assert(c->magic == CONN_MAGIC);
	return c;
}

void
bt_conn_describe(const void *conn, char *out, size_t size)
{
	const struct bt_conn *c = conn;
	char host[BT_ADDR_TEXT_MAX];
	struct bt_addr peer;

	bt_baton_peer(&c->baton, &peer);
	bt_addr_format_host(&peer, host);
	snprintf(out, size, "conn %llu from %s, exchange %u, %s",
	    (unsigned long long)c->baton.id, host, c->baton.requests + 1,
	    phases[c->phase].name);
}

static int64_t
phase_ms(const struct bt_conn *c, enum bt_conn_phase phase)
{
	const char *conf = (const char *)c->worker->conf;
	int64_t ms;

	if (phases[phase].timeout == 0)
		return phase == BT_CONN_LINGER ? LINGER_MS : HELD_MS;
	ms = *(const int64_t *)(const void *)(conf + phases[phase].timeout);
	if (phase == BT_CONN_FRESH && c->worker->draining && ms > LAST_CALL_MS)
		return LAST_CALL_MS;
	return ms;
}

/*
 * The one place that changes the phase.  Connections in a phase share its
 * duration, so each list is sorted by deadline as long as who enters, or
 * enters again, goes to its end.
 */
static void
conn_enter(struct bt_conn *c, enum bt_conn_phase phase)
{
	struct bt_conn_list *lists = c->worker->phases;
	int64_t deadline_ms = c->worker->now.ms + phase_ms(c, phase);

	c->moved = false;
	bt_pace_begin(c, phase);
	if (c->phase == phase && c->deadline_ms == deadline_ms)
		return;
	TAILQ_REMOVE(&lists[c->phase], c, phase_link);
	c->phase = (uint8_t)phase;
	c->deadline_ms = deadline_ms;
	TAILQ_INSERT_TAIL(&lists[phase], c, phase_link);
}

static void
watch(struct bt_conn *c, short events)
{
	if (c->watching == events)
		return;
	if (c->watching)
		event_del(&c->event);
	c->watching = events;
	if (events == 0)
		return;
	event_assign(&c->event, c->worker->base, c->fd, events | EV_PERSIST,
	    on_event, c);
	event_add(&c->event, NULL);
}

static void
input_give_back(struct bt_conn *c)
{
	if (c->in.data == NULL)
		return;
	if (c->in.cap == c->worker->buffer_bytes)
		bt_pool_give(&c->worker->buffers, c->in.data);
	else
		free(c->in.data);
	c->in = (struct bt_input){ 0 };
}

static void
output_give_back(struct bt_conn *c)
{
	bt_pool_give(&c->worker->buffers, c->out.data);
	c->out = (struct bt_output){ 0 };
}

/*
 * A head that is not complete waits in a block of its own size, so that slow
 * heads cost what they have sent and not a buffer each.
 */
static void
input_stash(struct bt_conn *c)
{
	size_t n = c->in.end - c->in.at;
	char *stash;

	if (n > STASH_BYTES_MAX || c->in.cap != c->worker->buffer_bytes)
		return;
	stash = bt_mem_new(n);
	memcpy(stash, c->in.data + c->in.at, n);
	input_give_back(c);
	c->in = (struct bt_input){ .data = stash, .end = n, .cap = n };
}

/* A whole buffer, what waits in it, and room behind that. */
static void
input_prepare(struct bt_conn *c)
{
	struct bt_worker *w = c->worker;
	struct bt_input *in = &c->in;
	size_t n = in->end - in->at;

	if (in->cap != w->buffer_bytes) {
		char *data = bt_pool_take(&w->buffers);

		if (n > 0)
			memcpy(data, in->data + in->at, n);
		free(in->data);
		*in = (struct bt_input){
			.data = data, .end = n, .cap = w->buffer_bytes
		};
	} else if (n == 0) {
		in->at = in->end = in->keep;
	} else if (in->cap - in->end < READ_ROOM_MIN && in->at > in->keep) {
		memmove(in->data + in->keep, in->data + in->at, n);
		in->at = in->keep;
		in->end = in->keep + n;
	}
}

/* Reads once; what comes of it is in c->in, c->eof, or c is closed. */
static void
conn_read(struct bt_conn *c)
{
	struct bt_input *in = &c->in;
	ssize_t n;

	input_prepare(c);
	if (in->end == in->cap)
		return;
	/* what is read is lost with us; a request that is known stays so */
	if (c->x == NULL)
		bt_guard_set(&c->worker->guard, c->fd, BT_GUARD_NONE);
	do
		n = recv(c->fd, in->data + in->end, in->cap - in->end, 0);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		in->end += (size_t)n;
		if (c->phase == BT_CONN_CONTENT)
			c->window.bytes += (uint32_t)n;
		bt_score_add(&c->worker->score->bytes_in, (uint64_t)n);
	} else if (n == 0) {
		c->eof = true;
	} else if (errno != EAGAIN) {
		bt_conn_close(c, BT_CLOSE_RESET);
	}
}

void
bt_conn_set_last(struct bt_conn *c, enum bt_close_reason why)
{
	if (!c->last)
		c->reason = (uint8_t)why;
	c->last = true;
}

/*
 * The head stays where it is until its exchange is over: if that is at the end
 * of the buffer, behind others, it is moved to the front first, or there would
 * be no room for the content.
 */
static void
make_room_behind(struct bt_input *in, struct bt_str *head)
{
	size_t begin = (size_t)(head->p - in->data);

	if (begin == 0 || in->cap - begin - head->n >= READ_ROOM_MIN)
		return;
	memmove(in->data, head->p, in->end - begin);
	head->p = in->data;
	in->end -= begin;
}

/* Begins the next exchange when its head is in the buffer. */
static bool
begin_next(struct bt_conn *c)
{
	struct bt_input *in = &c->in;
	struct bt_str bytes, head;
	unsigned status;

	if (in->at == in->end)
		return false;
	if (bt_proxied_is_due(c) && (!bt_proxied_read(c) || in->at == in->end))
		return false;
	bytes = (struct bt_str){ in->data + in->at, in->end - in->at };
	switch (bt_head_find(&c->scan, bytes, c->worker->conf->max_header_bytes,
	    &head, &status)) {
	case BT_PARSE_MORE:
		return false;
	case BT_PARSE_REFUSED:
		bt_exchange_reject(c, status);
		return true;
	case BT_PARSE_DONE:
		make_room_behind(in, &head);
		in->at = (size_t)(head.p + head.n - in->data);
		in->keep = in->at;
		c->scan = (struct bt_head_scan){ 0 };
		if (!bt_output_is_pending(c))
			bt_guard_set(&c->worker->guard, c->fd, BT_GUARD_ASKED);
		bt_exchange_begin(c, head);
		return true;
	}
	return false;
}

/* Our side is over: say so, and read away what the client still sends. */
static void
linger(struct bt_conn *c)
{
	shutdown(c->fd, SHUT_WR);
	input_give_back(c);
	output_give_back(c);
	c->linger_until_ms = c->worker->now.ms + LINGER_MOST_MS;
	conn_enter(c, BT_CONN_LINGER);
	watch(c, EV_READ);
}

static void
linger_read(struct bt_conn *c)
{
	char *scrap = bt_pool_take(&c->worker->buffers);
	ssize_t n;

	do
		n = recv(c->fd, scrap, c->worker->buffer_bytes, 0);
	while (n == -1 && errno == EINTR);
	bt_pool_give(&c->worker->buffers, scrap);
	if (n == 0 || (n == -1 && errno != EAGAIN) ||
	    c->worker->now.ms >= c->linger_until_ms)
		bt_conn_close(c, c->reason);
	else if (n > 0)
		conn_enter(c, BT_CONN_LINGER);
}

/* Nothing is in progress and no request will follow. */
static void
conn_end(struct bt_conn *c)
{
	if (!c->eof && (c->linger || c->in.at < c->in.end))
		linger(c);
	else
		bt_conn_close(c, c->reason);
}

static void
wait_for(struct bt_conn *c, enum bt_conn_phase phase, short events)
{
	/*
	 * A head has its time in all, content and the taking of an answer as
	 * much as was paid for, the others from the last progress.
	 */
	if (c->phase != phase || (c->moved && bt_pace_is_kept(c)))
		conn_enter(c, phase);
	watch(c, events);
}

/* Whether more content could be taken if it came. */
static bool
wants_more_content(const struct bt_conn *c)
{
	struct baton_exchange *x = c->x;

	return !c->eof && x != NULL && !x->content_over && !x->stages_wait &&
	    (!x->wants_content || x->route->handler->room(x) > 0);
}

void
bt_conn_leave(struct bt_conn *c)
{
	struct bt_worker *w = c->worker;

	watch(c, 0);
	input_give_back(c);
	output_give_back(c);
	TAILQ_REMOVE(&w->phases[c->phase], c, phase_link);
	c->phase = BT_CONN_CLOSED;
	TAILQ_INSERT_TAIL(&w->closed, c, phase_link);
	w->conns_n--;
}

static void
settle_idle(struct bt_conn *c)
{
	bool waiting = c->in.at < c->in.end;

	if (c->last || c->eof) {
		bt_conn_set_last(c, waiting ? BT_CLOSE_RESET : BT_CLOSE_CLIENT);
		conn_end(c);
		return;
	}
	output_give_back(c);
	if (waiting) {
		input_stash(c);
		wait_for(c, BT_CONN_HEAD, EV_READ);
	} else if (c->worker->draining && c->baton.requests > 0) {
		bt_conn_close(c, BT_CLOSE_DRAIN);
	} else {
		input_give_back(c);
		bt_guard_set_idle(&c->worker->guard, c->fd, c->baton.requests);
		wait_for(c, c->baton.requests ? BT_CONN_IDLE : BT_CONN_FRESH,
		    EV_READ);
	}
}

/*
 * What tells that the client went away, where somebody wants to know: by edges,
 * for the next request may lie there already, and is not to be read yet.
 */
static short
farewell(const struct bt_conn *c)
{
	return c->x->watch_gone ? EV_READ | EV_CLOSED | EV_ET : 0;
}

/*
 * Nothing is wanted of the client but that it stays.  While a request is asked
 * of others the watch for the next one stays as it is: to change it and back
 * would be four system calls for each request, and usually nothing comes
 * before the answer.  What comes nevertheless is seen by on_event().
 */
static void
wait_for_others(struct bt_conn *c, enum bt_conn_phase phase)
{
	wait_for(c, phase, c->watching == EV_READ ? EV_READ : farewell(c));
}

/* Whether its watch for reading is only one that was left. */
static bool
is_left_watching(const struct bt_conn *c)
{
	return (c->phase == BT_CONN_HELD || c->phase == BT_CONN_WORK) &&
	    c->watching == EV_READ && !wants_more_content(c);
}

/* Names what the connection waits for, now that nothing moves any more. */
static void
settle(struct bt_conn *c)
{
	bool sending = bt_output_is_pending(c);
	short read = wants_more_content(c) ? EV_READ : 0;

	if (bt_handback_try(c))
		bt_worker_check_done(c->worker);
	else if (c->x != NULL && c->x->work != NULL && c->out.at < c->out.end)
		wait_for(c, BT_CONN_WORK, (short)(EV_WRITE | read));
	else if (c->x != NULL && c->x->work != NULL && read)
		wait_for(c, BT_CONN_WORK, read);
	else if (c->x != NULL && c->x->work != NULL)
		wait_for_others(c, BT_CONN_WORK);
	else if (sending)
		wait_for(c, BT_CONN_SEND, (short)(EV_WRITE | read));
	else if (c->x == NULL)
		settle_idle(c);
	else if (read)
		wait_for(c, BT_CONN_CONTENT, read);
	else
		wait_for_others(c, BT_CONN_HELD);
}

/* Its server speaks another protocol now, and so does it. */
static void
become_tunnel(struct bt_conn *c)
{
	struct bt_reply *r = &c->x->reply;
	struct bt_tunnel *t = bt_tunnel_new(c, &r->fd, r->origin, r->idle_ms);

	r->origin = NULL;
	if (c->in.at < c->in.end)
		bt_tunnel_send_up(
		    t, c->in.data + c->in.at, c->in.end - c->in.at);
	if (r->bytes.n > 0)
		bt_tunnel_send_down(t, r->bytes.p, r->bytes.n);
	bt_exchange_end(c);
	watch(c, 0);
	input_give_back(c);
	output_give_back(c);
	c->tunnel = t;
	conn_enter(c, BT_CONN_TUNNEL);
	bt_tunnel_go(t);
}

static bool
advance_exchange(struct bt_conn *c)
{
	bool moved = bt_exchange_take_content(c);

	moved |= bt_output_fill(c);
	if (c->x != NULL && bt_exchange_is_over(c)) {
		if (c->x->reply.kind == BT_BODY_TUNNEL && !c->last) {
			become_tunnel(c);
			return true;
		}
		bt_exchange_end(c);
		moved = true;
	}
	c->moved |= moved;
	return moved;
}

/* Does all that can be done without waiting. */
static void
advance(struct bt_conn *c)
{
	while (c->phase < BT_CONN_LINGER) {
		bool moved = false;

		if (c->x == NULL && !c->last && !bt_output_is_full(c) &&
		    !bt_handback_is_due(c))
			moved = begin_next(c);
		if (c->x != NULL)
			moved |= advance_exchange(c);
		if (moved)
			continue;
		if (!bt_output_is_pending(c) || !bt_output_flush(c) ||
		    bt_output_is_pending(c))
			break;
	}
	if (c->phase < BT_CONN_LINGER)
		settle(c);
}

void
bt_conn_resume(struct bt_conn *c)
{
	c->moved = true;
	advance(c);
}

/* Closed, half or whole, or reset: whatever lies there to be read. */
static bool
is_gone(const struct bt_conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 &&
	    (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/*
 * The client has closed its side while its answer was waited for.  Work that
 * has begun is finished: perhaps the client still reads.
 */
static void
on_farewell(struct bt_conn *c)
{
	if (!is_gone(c))
		return;
	if (c->x->work != NULL && !bt_work_cancel(c->x)) {
		c->x->watch_gone = false;
		settle(c);
	} else {
		bt_conn_close(c, BT_CLOSE_CLIENT);
	}
}

static void
on_event(evutil_socket_t fd, short events, void *arg)
{
	struct bt_conn *c = conn_from(arg);

	bt_worker_turn(c->worker);
	if (c->phase == BT_CONN_LINGER) {
		linger_read(c);
		return;
	}
	if (is_left_watching(c)) {
		watch(c, farewell(c)); /* it tells at once what is so now */
		return;
	}
	if (c->watching & EV_ET) {
		on_farewell(c);
		return;
	}
	if (events & EV_READ)
		conn_read(c);
	/* with only EV_WRITE, what is pending goes first in advance() */
	advance(c);
}

/* Another worker has begun the answer. */
static void
resume_file(struct bt_conn *c, struct bt_handover *h)
{
	bt_exchange_resume(
	    c, &h->with_fd, h->amid.file.offset, h->amid.file.rest);
	if (h->baton.flags & BT_BATON_LAST) {
		c->linger = true;
		bt_conn_set_last(c, BT_CLOSE_DONE);
	}
}

void
bt_conn_adopt(struct bt_worker *w, struct bt_handover *h)
{
	struct bt_conn *c = bt_pool_take(&w->conns);

	*c = (struct bt_conn){ .magic = CONN_MAGIC,
		.fd = bt_fd_take(&h->fd),
		.worker = w,
		.phase = BT_CONN_FRESH,
		.deadline_ms = w->now.ms + w->conf->header_timeout_ms,
		.baton = h->baton };
	TAILQ_INSERT_TAIL(&w->phases[BT_CONN_FRESH], c, phase_link);
	w->conns_n++;
	if (h->baton.flags & BT_BATON_TUNNEL) {
		c->tunnel = bt_tunnel_adopt(c, h);
		conn_enter(c, BT_CONN_TUNNEL);
		bt_tunnel_go(c->tunnel);
		return;
	}
	bt_proxied_begin(c);
	if (c->phase == BT_CONN_CLOSED)
		return;
	if (h->baton.bytes > 0) { /* another worker has read them */
		input_prepare(c);
		assert(c->in.data != NULL);
		memcpy(c->in.data, h->bytes, h->baton.bytes);
		c->in.end = h->baton.bytes;
		c->baton.bytes = 0;
	}
	if (h->baton.flags & BT_BATON_HELD) /* it has waited since then */
		c->times.begun_us = h->amid.held.begun_us;
	if (h->baton.flags & BT_BATON_FILE)
		resume_file(c, h);
	else /* usually the request is there already: no need to ask epoll */
		conn_read(c);
	advance(c);
}

/* Tells the master that a full slot has room again, if it waits for that. */
static void
tell_room(struct bt_worker *w)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&w->slot->want_room, memory_order_relaxed) &&
	    atomic_exchange(&w->slot->want_room, 0) &&
	    bt_channel_notify(w->heritage->channel, BT_MESSAGE_ROOM) == -EAGAIN)
		atomic_store(&w->slot->want_room, 1); /* the next close does */
}

void
bt_conn_close(struct bt_conn *c, enum bt_close_reason why)
{
	struct bt_worker *w = c->worker;

	if (c->phase == BT_CONN_CLOSED)
		return;
	watch(c, 0);
	bt_conn_set_last(c, why);
	if (c->x != NULL)
		bt_exchange_end(c);
	bt_guard_set(&w->guard, c->fd, BT_GUARD_NONE);
	if (c->phase == BT_CONN_TUNNEL) /* both its ends, or none of them */
		bt_tunnel_free(c->tunnel);
	bt_fd_close(&c->fd);
	bt_seats_leave(w->heritage->seats, c->baton.seat);
	bt_conn_leave(c);
	bt_score_add(&w->score->closed[why], 1);
	bt_score_add(&w->score->done, 1);
	tell_room(w);
	bt_worker_check_done(w);
}

void
bt_conn_reap(struct bt_worker *w)
{
	struct bt_conn *c;

	while ((c = TAILQ_FIRST(&w->closed)) != NULL) {
		TAILQ_REMOVE(&w->closed, c, phase_link);
		c->magic = 0;
		bt_pool_give(&w->conns, c);
	}
}

/* Too little of the content came, or nothing. */
static void
expire_content(struct bt_conn *c)
{
	enum bt_close_reason why =
	    c->window.bytes > 0 ? BT_CLOSE_BODY_RATE : BT_CLOSE_BODY_TIMEOUT;
	struct bt_log log = { bt_conn_describe, c };

	if (c->x->head_written) {
		bt_log_info(&log, 0, "%u bytes of content in %lld ms; closed",
		    c->window.bytes,
		    (long long)c->worker->conf->body_timeout_ms);
		bt_conn_close(c, why);
		return;
	}
	bt_exchange_refuse(c, 408, why);
	advance(c);
}

/*
 * The kernel has taken nothing for it from us; the client may have taken of
 * what the kernel holds.  If not, that is thrown away with the connection: a
 * close would leave it in memory for as long as the client pretends to read.
 */
static void
expire_send(struct bt_conn *c)
{
	const struct linger reset = { .l_onoff = 1 };
	struct bt_log log = { bt_conn_describe, c };
	uint64_t taken = bt_pace_taken(c);

	if (bt_pace_suffices(c, taken)) {
		conn_enter(c, BT_CONN_SEND);
		return;
	}
	bt_log_info(&log, 0, "client took %llu bytes in %lld ms; reset",
	    (unsigned long long)taken,
	    (long long)c->worker->conf->send_timeout_ms);
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	bt_conn_close(
	    c, taken > 0 ? BT_CLOSE_SEND_RATE : BT_CLOSE_SEND_TIMEOUT);
}

/* A disk, or whatever a thread is in, does not answer. */
static void
expire_work(struct bt_conn *c)
{
	struct bt_log log = { bt_conn_describe, c };

	bt_log_warn(&log, 0, "a thread works on it for %lld ms",
	    (long long)c->worker->conf->worker_timeout_ms);
	if (c->x->head_written) {
		bt_conn_close(c, BT_CLOSE_ERROR);
		return;
	}
	bt_exchange_refuse(c, 503, BT_CLOSE_ERROR);
	advance(c);
}

/* The deadline of its phase is over. */
static void
expire(struct bt_conn *c)
{
	switch ((enum bt_conn_phase)c->phase) {
	case BT_CONN_FRESH: /* an unasked 408 would answer its next request */
		bt_conn_close(c,
		    c->worker->draining ? BT_CLOSE_DRAIN
					: BT_CLOSE_HEADER_TIMEOUT);
		return;
	case BT_CONN_IDLE:
		bt_conn_close(c, BT_CLOSE_IDLE_TIMEOUT);
		return;
	case BT_CONN_HEAD:
		if (bt_proxied_is_due(c)) { /* who sends it reads no answer */
			bt_conn_close(c, BT_CLOSE_HEADER_TIMEOUT);
			return;
		}
		bt_exchange_refuse(c, 408, BT_CLOSE_HEADER_TIMEOUT);
		advance(c);
		return;
	case BT_CONN_CONTENT:
		expire_content(c);
		return;
	case BT_CONN_WORK:
		expire_work(c);
		return;
	case BT_CONN_SEND:
		expire_send(c);
		return;
	case BT_CONN_HELD: /* a year */
	case BT_CONN_TUNNEL:
	case BT_CONN_LINGER:
		bt_conn_close(c, c->reason);
		return;
	case BT_CONN_CLOSED:
	case BT_CONN_PHASES:
		return;
	}
}

void
bt_conn_expire(struct bt_worker *w)
{
	for (unsigned phase = 0; phase < BT_CONN_CLOSED; phase++) {
		struct bt_conn *c;

		while ((c = TAILQ_FIRST(&w->phases[phase])) != NULL &&
		    c->deadline_ms <= w->now.ms)
			expire(c);
	}
}

void
bt_conn_drain_all(struct bt_worker *w)
{
	static const enum bt_conn_phase idle[] = { BT_CONN_IDLE,
		BT_CONN_FRESH };
	struct bt_conn *c, *next;

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		for (c = TAILQ_FIRST(&w->phases[idle[i]]); c; c = next) {
			next = TAILQ_NEXT(c, phase_link);
			/* what was sent before is answered; else it is closed,
			 * but for those whose request may be on its way */
			c->moved = c->phase == BT_CONN_FRESH;
			conn_read(c);
			advance(c);
		}
	bt_tunnels_settle(w);
}

void
bt_conn_close_all(struct bt_worker *w, enum bt_close_reason why)
{
	struct bt_conn *c;

	for (unsigned phase = 0; phase < BT_CONN_CLOSED; phase++)
		while ((c = TAILQ_FIRST(&w->phases[phase])) != NULL)
			bt_conn_close(c, why);
}
