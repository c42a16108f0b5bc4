/*
 * Content of a request in the framing that its server was told of.  Worker, on
 * the loop.
 */

#include "proxy/framing.h"

#include "proxy/message.h"

#include <stdio.h>

/* A chunk's size line and its end. */
#define FRAME_BYTES 12
#define LAST_CHUNK "0\r\n"

/* What has come of a trailer section goes behind the content, at once. */
size_t
bt_framing_room(struct bt_proxying *p)
{
	size_t frame = FRAME_BYTES + sizeof(LAST_CHUNK) + 2;

	return bt_proxying_room(
	    p, p->chunked ? frame + p->x->parser.trailers.n : 0);
}

char *
bt_framing_place(const struct bt_proxying *p)
{
	return p->out.data + p->out.end + (p->chunked ? FRAME_BYTES : 0);
}

void
bt_framing_put(struct bt_proxying *p, struct bt_str piece)
{
	char *at = p->out.data + p->out.end;

	if (p->chunked)
		at += sprintf(at, "%zx\r\n", piece.n);
	memmove(at, piece.p, piece.n);
	at += piece.n;
	if (p->chunked) {
		memcpy(at, "\r\n", 2);
		at += 2;
	}
	p->out.end = (uint32_t)(at - p->out.data);
}

void
bt_framing_put_end(struct bt_proxying *p)
{
	char *at = p->out.data + p->out.end;

	if (p->chunked) {
		memcpy(at, LAST_CHUNK, sizeof(LAST_CHUNK) - 1);
		at += sizeof(LAST_CHUNK) - 1;
		at += bt_proxy_write_trailers(p, at);
		memcpy(at, "\r\n", 2);
		p->out.end = (uint32_t)(at + 2 - p->out.data);
	}
	p->complete = true;
}
