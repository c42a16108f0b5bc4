/*
 * A 206 with several ranges: a stream, as its parts come from here and there,
 * and are short.  What is not in memory is fetched beside the loop.  Worker, on
 * the loop.
 */

#include "handlers/parts.h"

#include "base/pages.h"
#include "handlers/fetch.h"
#include "http/byteranges.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

struct parts {
	struct bt_byteranges set;
	const struct bt_file *file;
	size_t at; /* the part under way; set.n: the close delimiter */
	char head[BT_BYTERANGES_HEAD_MAX];
	size_t head_n, head_at;
	uint64_t done;      /* of the part's bytes */
	uint64_t ready_end; /* what was fetched, up to here, is not asked for */
};

static void
begin_part(struct parts *p, size_t i)
{
	p->at = i;
	p->head_n = bt_byteranges_head(&p->set, i, p->head);
	p->head_at = 0;
	p->done = 0;
}

/* So many bytes of the file, or -EAGAIN: they are fetched. */
static ssize_t
read_file(struct baton_exchange *x, struct parts *p, char *out, size_t n)
{
	const struct bt_file *f = p->file;
	const struct bt_range *r = &p->set.ranges[p->at];
	uint64_t offset = r->offset + p->done;
	ssize_t got;

	if (f->fd == -1) {
		memcpy(out, f->content.p + offset, n);
		return (ssize_t)n;
	}
	if (x->work != NULL)
		return -EAGAIN;
	if (offset < p->ready_end) {
		if (n > p->ready_end - offset)
			n = (size_t)(p->ready_end - offset);
		got = pread(f->fd, out, n, (off_t)offset);
		return got > 0 ? got : got == 0 ? -EIO : -errno;
	}
	got = bt_pages_read(f->fd, out, n, offset);
	if (got == -EAGAIN) {
		p->ready_end = offset + n;
		bt_fetch_start(x, f->fd, offset, n);
		return x->work != NULL ? -EAGAIN : read_file(x, p, out, n);
	}
	return got != 0 ? got : -EIO; /* it was cut behind our back */
}

static ssize_t
pull(struct baton_exchange *x, char *out, size_t room)
{
	struct parts *p = x->state;
	uint64_t rest;
	ssize_t n;

	if (p->head_at < p->head_n) {
		size_t head = p->head_n - p->head_at;

		if (head > room)
			head = room;
		memcpy(out, p->head + p->head_at, head);
		p->head_at += head;
		return (ssize_t)head;
	}
	if (p->at == p->set.n)
		return 0;
	rest = p->set.ranges[p->at].length - p->done;
	n = read_file(x, p, out, rest < room ? (size_t)rest : room);
	if (n < 0)
		return n;
	p->done += (uint64_t)n;
	if (p->done == p->set.ranges[p->at].length)
		begin_part(p, p->at + 1);
	return n;
}

/* One that nobody can have put into the file beforehand. */
static void
make_boundary(char out[BT_BYTERANGES_BOUNDARY_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[BT_BYTERANGES_BOUNDARY_BYTES / 2] = { 0 };

	/* of what the kernel has anyway: it cannot wait, nor fail */
	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) == -1)
		bytes[0] = 1;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
}

/* The file's lines, but with the type of the whole. */
static struct bt_str
fields_of(struct baton_exchange *x, const struct parts *p)
{
	/* its first line is its type */
	size_t first = sizeof("Content-Type: \r\n") - 1 + p->file->type.n;

	return bt_arena_printf(&x->arena,
	    "Content-Type: multipart/byteranges; boundary=%.*s\r\n%.*s",
	    BT_BYTERANGES_BOUNDARY_BYTES, p->set.boundary,
	    (int)(p->file->fields.n - first), p->file->fields.p + first);
}

void
bt_parts_reply(struct baton_exchange *x, const struct bt_file *f,
    const struct bt_range *ranges, size_t n)
{
	struct parts *p = bt_arena_zero(&x->arena, sizeof(*p));
	struct bt_range *own = bt_arena_alloc(&x->arena, n * sizeof(*own));

	memcpy(own, ranges, n * sizeof(*own));
	p->set = (struct bt_byteranges){
		.ranges = own, .n = n, .size = f->size, .type = f->type
	};
	make_boundary(p->set.boundary);
	p->file = f;
	begin_part(p, 0);
	x->state = p;
	bt_reply_stream(
	    x, 206, fields_of(x, p), bt_byteranges_length(&p->set), pull);
}
