/*
 * Answers that are taken before their clients take them.  The server's socket
 * is read while there is room in the spool, whatever the client does; when the
 * answer is complete the connection to the server is free for the next one.
 * Worker, on the loop.
 */

#include "proxy/buffering.h"

#include "base/log.h"
#include "proxy/message.h"
#include "proxy/spool.h"

#include <errno.h>
#include <sys/socket.h>

/* Whether more of the answer is wanted; what is to be sent always goes. */
static void
watch(struct bt_proxying *p, bool read)
{
	short events = read ? EV_READ : 0;

	if (p->link == NULL)
		return;
	if (p->out.at < p->out.end)
		events |= EV_WRITE;
	bt_link_watch(p->link, events, p->conf->read_timeout_ms);
}

static ssize_t
next_bytes(struct bt_proxying *p, char *at, size_t room)
{
	struct bt_proxy_bytes *in = &p->in;
	size_t n = in->end - in->at;
	ssize_t r;

	if (n > 0) { /* came with the head */
		n = n < room ? n : room;
		memcpy(at, in->data + in->at, n);
		in->at += (uint32_t)n;
		return (ssize_t)n;
	}
	do
		r = recv(p->link->fd, at, room, 0);
	while (r == -1 && errno == EINTR);
	p->filled = r == (ssize_t)room;
	return r == -1 ? -errno : r;
}

/* Content of what has come at `at`. */
static void
take(struct bt_proxying *p, char *at, size_t n)
{
	size_t consumed, content;
	unsigned status;

	if (p->response.until_close) {
		bt_spool_add(p->spool, n);
		return;
	}
	switch (bt_parser_content(&p->parser, &p->response.message, at, n,
	    &consumed, &content, &status)) {
	case BT_PARSE_REFUSED:
		bt_proxying_break_off(
		    p, 0, "the chunks of its answer are wrong");
		break;
	case BT_PARSE_DONE:
		bt_spool_add(p->spool, content);
		p->x->reply.trailers = bt_proxy_answer_trailers(p);
		bt_proxying_finish(p, consumed < n || p->in.at < p->in.end);
		break;
	case BT_PARSE_MORE:
		bt_spool_add(p->spool, content);
		break;
	}
}

static void
read_on(struct bt_proxying *p)
{
	while (p->step == BT_PROXY_ANSWER) {
		size_t room = 0;
		char *at = bt_spool_room(p->spool, &room);
		ssize_t n;

		if (at == NULL)
			return; /* the next event makes some */
		n = next_bytes(p, at, room);
		if (n == -EAGAIN)
			return;
		if (n == 0 && p->response.until_close)
			bt_proxying_finish(p, false);
		else if (n <= 0)
			bt_proxying_break_off(p, n == 0 ? -ECONNRESET : (int)n,
			    "closed amid its answer");
		else
			take(p, at, (size_t)n);
	}
}

static void
on_spool(void *arg)
{
	struct bt_proxying *p = arg;
	struct baton_exchange *x = p->x;
	struct bt_log log = { x->services->describe, x };
	int r = bt_spool_take_trouble(p->spool);

	if (r < 0)
		bt_log_warn(&log, r,
		    "no file in /var/tmp for the answer: the server waits for "
		    "its client");
	watch(p, true);
	x->services->resume(x);
}

void
bt_buffering_start(struct bt_proxying *p)
{
	struct bt_upstreams *all = p->upstream->all;

	p->spool = bt_spool_new(all->services->offload, &all->blocks,
	    all->block_bytes, on_spool, p);
	watch(p, true);
	read_on(p);
}

void
bt_buffering_end(struct bt_proxying *p)
{
	bt_spool_free(p->spool);
	p->spool = NULL;
}

void
bt_buffering_on_event(struct bt_proxying *p, short events)
{
	size_t room;

	if ((events & EV_TIMEOUT) && (p->link->watching & EV_READ)) {
		bt_proxying_break_off(
		    p, -ETIMEDOUT, "is silent amid its answer");
		return;
	}
	if (events & EV_WRITE)
		bt_proxying_flush(p);
	if (!(events & EV_READ))
		return;
	if (bt_spool_room(p->spool, &room) == NULL) {
		/* and the client has had its chance since the last event */
		bt_spool_spill(p->spool);
		watch(p, bt_spool_room(p->spool, &room) != NULL);
	}
	read_on(p);
}

ssize_t
bt_buffering_pull(struct baton_exchange *x, char *out, size_t room)
{
	struct bt_proxying *p = x->state;
	ssize_t n = bt_spool_take(p->spool, out, room);
	size_t left;

	if (p->link != NULL && !(p->link->watching & EV_READ) &&
	    bt_spool_room(p->spool, &left) != NULL)
		watch(p, true);
	if (n != 0)
		return n;
	return p->step == BT_PROXY_OVER ? p->broken : -EAGAIN;
}
