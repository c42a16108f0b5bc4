/*
 * `echo`: streams the request's content back, for every method, while it
 * arrives.  What has been read and not yet been sent waits in a window of
 * fixed size; when that is full the client's sending is held up, not our
 * memory.  Worker, on the loop.
 */

#include "handlers/reply.h"
#include "handlers/rows.h"

#include <errno.h>

#define WINDOW_BYTES (32 * 1024)

struct echo {
	size_t at, end; /* what waits is window[at..end) */
	bool complete;
	char window[WINDOW_BYTES];
};

static size_t
room(struct baton_exchange *x)
{
	const struct echo *e = x->state;

	return WINDOW_BYTES - e->end;
}

static void
content(struct baton_exchange *x, struct bt_str piece)
{
	struct echo *e = x->state;

	memcpy(e->window + e->end, piece.p, piece.n);
	e->end += piece.n;
}

static void
content_end(struct baton_exchange *x)
{
	struct echo *e = x->state;

	if (e != NULL)
		e->complete = true;
}

static ssize_t
pull(struct baton_exchange *x, char *out, size_t n)
{
	struct echo *e = x->state;
	size_t waiting = e->end - e->at;

	if (waiting == 0)
		return e->complete ? 0 : -EAGAIN;
	if (n > waiting)
		n = waiting;
	memcpy(out, e->window + e->at, n);
	e->at += n;
	if (e->at == e->end)
		e->at = e->end = 0;
	return (ssize_t)n;
}

static struct bt_str
content_type(struct baton_exchange *x)
{
	struct bt_str type =
	    bt_request_known(&x->request, BT_FIELD_CONTENT_TYPE);

	if (type.n == 0)
		return BT_STR("Content-Type: application/octet-stream\r\n");
	return bt_arena_printf(
	    &x->arena, "Content-Type: %.*s\r\n", BT_STR_ARG(type));
}

static void
answer(struct baton_exchange *x)
{
	const struct bt_request *r = &x->request;
	struct echo *e;

	if (!bt_request_has_content(r)) {
		bt_reply_bytes(x, 200, BT_STR_NONE, BT_STR_NONE);
		return;
	}
	e = bt_arena_alloc(&x->arena, sizeof(*e));
	e->at = e->end = 0;
	e->complete = false;
	x->state = e;
	x->wants_content = r->method != BT_METHOD_HEAD; /* else: dropped */
	bt_reply_stream(x, 200, content_type(x),
	    r->chunked ? BT_LENGTH_UNKNOWN : r->content_length, pull);
}

const struct bt_handler bt_handler_echo = {
	.name = "echo",
	.methods = BT_METHODS_ALL,
	.answer = answer,
	.room = room,
	.content = content,
	.content_end = content_end,
};
