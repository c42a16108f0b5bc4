/*
 * Server-sent events: a stream of what the application says when it says it,
 * kept until the client takes it, up to a bound.  Worker, on the loop.
 */

#include "app/call.h"

#include "base/mem.h"

#include <baton/reply.h>
#include <errno.h>
#include <stdlib.h>

#define QUEUE_BYTES_MAX (256 * 1024)

struct bt_events_state {
	struct bt_buf queue; /* what was not taken is [at..len) */
	size_t at;
	bool over;
};

static ssize_t
pull(struct baton_exchange *x, void *arg, char *out, size_t room)
{
	struct bt_events_state *e = arg;
	size_t n = e->queue.len - e->at;

	if (n == 0)
		return e->over ? 0 : -EAGAIN;
	if (n > room)
		n = room;
	memcpy(out, e->queue.data + e->at, n);
	e->at += n;
	if (e->at == e->queue.len) {
		bt_buf_clear(&e->queue);
		e->at = 0;
	}
	return (ssize_t)n;
}

void
baton_reply_events(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);

	if (!bt_call_is_open(c) || c->events != NULL)
		return;
	c->events = bt_mem_zero(1, sizeof(*c->events));
	baton_reply_stream(
	    x, 200, "text/event-stream", BATON_LENGTH_UNKNOWN, pull, c->events);
	baton_reply_field(x, "Cache-Control", "no-store");
}

static bool
has_line_end(const char *s)
{
	return s != NULL && strpbrk(s, "\r\n") != NULL;
}

/* Each line of the data is a line of its own: CR, LF and CRLF end one. */
static void
put_data(struct bt_buf *b, const char *data)
{
	for (;;) {
		size_t n = strcspn(data, "\r\n");

		bt_buf_puts(b, "data: ");
		bt_buf_append(b, data, n);
		bt_buf_putc(b, '\n');
		data += n;
		if (*data == '\0')
			return;
		data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
	}
}

int
baton_event(struct baton_exchange *x, const char *event, const char *id,
    const char *data)
{
	struct bt_call *c = bt_call_of(x);
	struct bt_events_state *e = c->events;

	if (e == NULL || e->over || x->refused)
		return -EPIPE;
	if (has_line_end(event) || has_line_end(id))
		return -EINVAL;
	if (e->queue.len - e->at > QUEUE_BYTES_MAX)
		return -EAGAIN;
	if (id != NULL)
		bt_buf_printf(&e->queue, "id: %s\n", id);
	if (event != NULL)
		bt_buf_printf(&e->queue, "event: %s\n", event);
	put_data(&e->queue, data);
	bt_buf_putc(&e->queue, '\n');
	bt_call_set_ready(c);
	return 0;
}

void
baton_events_end(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);

	if (c->events == NULL)
		return;
	c->events->over = true;
	bt_call_set_ready(c);
}

void
bt_call_free_events(struct bt_call *c)
{
	if (c->events == NULL)
		return;
	bt_buf_fini(&c->events->queue);
	free(c->events);
	c->events = NULL;
}
