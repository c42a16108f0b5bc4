/*
 * `autoindex on`.  Reading a folder blocks, and writing ten thousand lines
 * takes a while, so both are work for a thread; the loop negotiates, and sends
 * the result.  Worker, on the loop but for run().
 */

#include "handlers/autoindex.h"

#include "base/mem.h"
#include "handlers/listing.h"
#include "handlers/work.h"
#include "http/accept.h"

#include <errno.h>
#include <stdlib.h>

/* Listings that slow clients hold have no more than that, in one worker. */
#define HELD_BYTES_MAX (64 * 1024 * 1024)

static size_t held_bytes;

/* Only what is ours may be done by the page: nothing but its style. */
#define FIELDS_COMMON \
	"Vary: Accept\r\n" \
	"Cache-Control: no-cache\r\n" \
	"X-Content-Type-Options: nosniff\r\n" \
	"Content-Security-Policy: default-src 'none'; " \
	"style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\r\n"

static const struct bt_str fields[BT_LISTING_FORMATS] = {
	[BT_LISTING_HTML] = { "Content-Type: text/html; "
			      "charset=utf-8\r\n" FIELDS_COMMON,
	    sizeof("Content-Type: text/html; charset=utf-8\r\n" FIELDS_COMMON) -
		1 },
	[BT_LISTING_JSON] = { "Content-Type: "
			      "application/json\r\n" FIELDS_COMMON,
	    sizeof("Content-Type: application/json\r\n" FIELDS_COMMON) - 1 },
	[BT_LISTING_TEXT] = { "Content-Type: text/plain; "
			      "charset=utf-8\r\n" FIELDS_COMMON,
	    sizeof(
		"Content-Type: text/plain; charset=utf-8\r\n" FIELDS_COMMON) -
		1 },
};

struct listing_work {
	struct bt_work work;
	int root_fd;
	bool dotfiles;
	struct bt_listing_order order;
	enum bt_listing_format format;
	int result;
	struct bt_buf out;
	struct bt_str path;  /* beneath the root */
	struct bt_str title; /* of the request */
	char bytes[];
};

static void
run(struct bt_work *work)
{
	struct listing_work *w = (struct listing_work *)work;
	struct bt_listing listing;

	w->result = bt_listing_read(w->root_fd, w->path, w->dotfiles, &listing);
	if (w->result < 0)
		return;
	bt_listing_sort(&listing, w->order);
	bt_listing_write(&listing, w->format, w->title, w->order, &w->out);
	bt_listing_fini(&listing);
}

static void
release(void *arg)
{
	struct bt_buf *b = arg;

	held_bytes -= b->cap;
	bt_buf_fini(b);
}

static unsigned
status_of(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return 503;
	default: /* it was there a moment ago */
		return 404;
	}
}

static void
done(struct bt_work *work)
{
	struct listing_work *w = (struct listing_work *)work;
	struct baton_exchange *x = work->x;
	struct bt_buf *out;

	if (x != NULL && w->result < 0) {
		bt_reply_error(x, status_of(w->result), BT_STR_NONE);
	} else if (x != NULL) {
		out = bt_arena_alloc(&x->arena, sizeof(*out));
		*out = w->out;
		w->out = (struct bt_buf){ 0 };
		held_bytes += out->cap;
		bt_reply_bytes(x, 200, fields[w->format], bt_buf_str(out));
		bt_reply_says_fresh(x);
		bt_reply_on_release(x, release, out);
	}
	bt_buf_fini(&w->out);
	free(w);
}

static enum bt_listing_format
negotiate(const struct bt_request *r)
{
	static const struct bt_str types[BT_LISTING_FORMATS] = {
		[BT_LISTING_HTML] = { "text/html", 9 },
		[BT_LISTING_JSON] = { "application/json", 16 },
		[BT_LISTING_TEXT] = { "text/plain", 10 },
	};
	int i = bt_accept_type(r, types, BT_LISTING_FORMATS);

	return i < 0 ? BT_LISTING_HTML : (enum bt_listing_format)i;
}

void
bt_autoindex_answer(struct baton_exchange *x, int root_fd, struct bt_str path)
{
	const struct bt_request *r = &x->request;
	struct listing_work *w;

	if (held_bytes > HELD_BYTES_MAX) {
		bt_reply_busy(x);
		return;
	}
	w = bt_mem_new(sizeof(*w) + path.n + r->path.n);
	*w = (struct listing_work){ .work = { .run = run, .done = done },
		.root_fd = root_fd,
		.dotfiles = x->route->conf->scope.dotfiles,
		.order = bt_listing_order_parse(r->query),
		.format = negotiate(r),
		.path = { w->bytes, path.n },
		.title = { w->bytes + path.n, r->path.n } };
	if (path.n > 0)
		memcpy(w->bytes, path.p, path.n);
	memcpy(w->bytes + path.n, r->path.p, r->path.n);
	if (bt_work_start(x, &w->work) < 0) {
		free(w);
		bt_reply_busy(x);
	}
}
