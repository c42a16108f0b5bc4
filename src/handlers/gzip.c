/*
 * `gzip on`.  Only whole answers are coded: a part (206) is one of the answer
 * without a coding, which is another representation, and so the validator of a
 * coded one becomes weak: If-None-Match still finds it, If-Range does not
 * (RFC 9110, 8.8.1 and 13.1.5).  Vary stands on every answer that could have
 * been coded.  Worker: on the loop, but for run().
 */

#include "handlers/gzip.h"

#include "base/mem.h"
#include "handlers/gzip_cache.h"
#include "handlers/work.h"
#include "http/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define LEVEL 5
#define WINDOW_BITS_GZIP (15 + 16)
#define VARY "Vary: Accept-Encoding\r\n"

/* Takes the next line of a head, its CRLF too, off the front. */
static struct bt_str
take_line(struct bt_str *lines)
{
	const char *lf = memchr(lines->p, '\n', lines->n);
	struct bt_str line = { lines->p,
		lf ? (size_t)(lf + 1 - lines->p) : lines->n };

	lines->p += line.n;
	lines->n -= line.n;
	return line;
}

/* The value of a field in lines of ours; .p NULL: not there. */
static struct bt_str
find_value(struct bt_str lines, struct bt_str name)
{
	while (lines.n > 0) {
		struct bt_str line = take_line(&lines);

		if (line.n > name.n + 2 && line.p[name.n] == ':' &&
		    bt_str_equal_nocase(
			(struct bt_str){ line.p, name.n }, name))
			return (struct bt_str){ line.p + name.n + 2,
				line.n - name.n - 4 };
	}
	return BT_STR_NONE;
}

static bool
has_no_transform(struct bt_str lines)
{
	struct bt_str value = find_value(lines, BT_STR("Cache-Control"));

	return value.n > 0 &&
	    memmem(value.p, value.n, "no-transform", 12) != NULL;
}

/* Is the media type one of the conf's?  Its parameters do not count. */
static bool
has_type(const struct bt_conf_scope *scope, struct bt_str type)
{
	const char *end = type.n ? memchr(type.p, ';', type.n) : NULL;

	if (end != NULL)
		type.n = (size_t)(end - type.p);
	type = bt_str_trim(type);
	for (size_t i = 0; i < scope->gzip_types_n; i++) {
		struct bt_str want = scope->gzip_types[i], begin = type;

		if (want.p[want.n - 1] == '*' && --want.n < begin.n)
			begin.n = want.n;
		if (bt_str_equal_nocase(begin, want))
			return true;
	}
	return false;
}

static bool
is_on(const struct bt_route *route)
{
	return route->conf->scope.gzip && !has_no_transform(route->fields);
}

/* Whether the answer, or what it is a part of, is of a kind that is coded. */
static bool
is_candidate(const struct baton_exchange *x)
{
	const struct bt_reply *reply = &x->reply;

	return find_value(reply->fields, BT_STR("Content-Encoding")).p ==
	    NULL &&
	    !has_no_transform(reply->fields) &&
	    has_type(&x->route->conf->scope,
		find_value(reply->fields, BT_STR("Content-Type")));
}

static void
add_vary(struct baton_exchange *x)
{
	struct bt_str vary = find_value(x->reply.fields, BT_STR("Vary"));

	if (bt_str_equal(vary, BT_STR("Accept-Encoding")))
		return;
	x->reply.fields = bt_arena_printf(
	    &x->arena, "%.*s" VARY, BT_STR_ARG(x->reply.fields));
}

/* The lines of the coded answer. */
static struct bt_str
coded_fields(struct baton_exchange *x)
{
	struct bt_str rest = x->reply.fields;
	struct bt_str coding = BT_STR("Content-Encoding: gzip\r\n");
	struct bt_str strong = BT_STR("ETag: \""), weak = BT_STR("ETag: W/\"");
	char *text = bt_arena_alloc(&x->arena, rest.n + coding.n + weak.n),
	     *at = text;

	while (rest.n > 0) {
		struct bt_str line = take_line(&rest);

		if (bt_str_has_prefix(line, BT_STR("Accept-Ranges:")))
			continue;
		if (bt_str_has_prefix(line, strong)) {
			at = mempcpy(at, weak.p, weak.n);
			line.p += strong.n;
			line.n -= strong.n;
		}
		at = mempcpy(at, line.p, line.n);
	}
	at = mempcpy(at, coding.p, coding.n);
	return (struct bt_str){ text, (size_t)(at - text) };
}

/* Sends the coded content in the place of what there was.  Takes the entry. */
static void
replace(struct baton_exchange *x, struct bt_gzip_entry *e)
{
	struct bt_str fields;

	if (e->coded.n == 0) {
		bt_gzip_entry_unref(e);
		return;
	}
	fields = coded_fields(x);
	if (x->reply.release != NULL)
		x->reply.release(x->reply.release_arg);
	bt_reply_bytes(x, x->reply.status, fields, e->coded);
	bt_reply_on_release(x, bt_gzip_entry_unref, e);
}

/* The coding of one content on a thread, with a copy of all that it needs. */
struct gzip_work {
	struct bt_work work;
	struct bt_gzip *cache;
	unsigned status;
	int fd; /* or -1: `content` is there */
	uint64_t offset;
	struct bt_str key;
	size_t n;
	char *content;
	struct bt_str coded; /* of malloc() */
	bool failed;
	char bytes[]; /* the key */
};

static int
read_content(struct gzip_work *w)
{
	size_t at = 0;

	w->content = bt_mem_try(w->n);
	while (w->content != NULL && at < w->n) {
		ssize_t n = pread(
		    w->fd, w->content + at, w->n - at, (off_t)(w->offset + at));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		at += (size_t)n;
	}
	return w->content != NULL ? 0 : -ENOMEM;
}

/* Codes; what does not get smaller is left empty. */
static int
code(struct gzip_work *w)
{
	z_stream z = { 0 };
	char *out;
	int r;

	if ((out = bt_mem_try(w->n)) == NULL)
		return -ENOMEM;
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, 8,
		Z_DEFAULT_STRATEGY) != Z_OK) {
		free(out);
		return -ENOMEM;
	}
	z.next_in = (Bytef *)w->content;
	z.avail_in = (uInt)w->n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)w->n; /* more than that is not worth it */
	r = deflate(&z, Z_FINISH);
	w->coded = (struct bt_str){ out, w->n - z.avail_out };
	deflateEnd(&z);
	if (r == Z_STREAM_END)
		return 0;
	free(out);
	w->coded = BT_STR_NONE;
	return 0;
}

static void
run(struct bt_work *work)
{
	struct gzip_work *w = (struct gzip_work *)work;

	w->failed = (w->fd != -1 && read_content(w) < 0) || code(w) < 0;
}

static void
work_free(struct gzip_work *w)
{
	if (w->fd != -1)
		close(w->fd);
	free(w->content);
	free((void *)(uintptr_t)w->coded.p);
	free(w);
}

static void
done(struct bt_work *work)
{
	struct gzip_work *w = (struct gzip_work *)work;
	struct baton_exchange *x = work->x;
	struct bt_gzip_entry *e;

	if (x != NULL) {
		x->reply.status = w->status;
		bt_stages_go_on(x);
	}
	if (x != NULL && !w->failed) {
		e = bt_gzip_add(w->cache, w->key, w->coded);
		w->coded = BT_STR_NONE;
		replace(x, e);
	}
	work_free(w);
}

/* What the content was made from, where that has a validator. */
static struct bt_str
key_of(struct baton_exchange *x)
{
	struct bt_str etag = find_value(x->reply.fields, BT_STR("ETag"));

	if (etag.n == 0)
		return BT_STR_NONE;
	return bt_arena_printf(&x->arena, "%p %.*s %.*s",
	    (const void *)x->route, BT_STR_ARG(etag),
	    BT_STR_ARG(x->request.path));
}

static enum baton_step
start(struct baton_exchange *x, struct bt_str key)
{
	const struct bt_reply *reply = &x->reply;
	struct gzip_work *w = bt_mem_zero(1, sizeof(*w) + key.n);

	w->work.run = run;
	w->work.done = done;
	w->cache = x->services->gzip;
	w->status = reply->status;
	w->fd = -1;
	w->n = (size_t)reply->length;
	w->key = (struct bt_str){ w->bytes, key.n };
	if (key.n > 0)
		memcpy(w->bytes, key.p, key.n);
	if (reply->kind == BT_BODY_FILE) {
		w->offset = reply->offset;
		w->fd = fcntl(reply->fd, F_DUPFD_CLOEXEC, 0);
	} else if ((w->content = bt_mem_try(w->n)) != NULL) {
		memcpy(w->content, reply->bytes.p, w->n);
	}
	if ((w->fd == -1 && w->content == NULL) ||
	    bt_work_start(x, &w->work) < 0) {
		work_free(w); /* it is sent as it is */
		return BATON_NEXT;
	}
	x->reply.status = 0; /* not yet */
	return BATON_WAIT;
}

static enum baton_step
leave(struct baton_exchange *x)
{
	const struct bt_reply *reply = &x->reply;
	struct bt_gzip_entry *e;
	struct bt_str key;

	if (reply->status == 304)
		add_vary(x);
	if ((reply->status != 200 && reply->status != 206) || !is_candidate(x))
		return BATON_NEXT;
	add_vary(x);
	if (reply->status != 200 ||
	    (reply->kind != BT_BODY_BYTES && reply->kind != BT_BODY_FILE) ||
	    reply->length < x->route->conf->scope.gzip_min_bytes ||
	    reply->length > BT_GZIP_MAX ||
	    bt_accept_coding(&x->request, BT_CODING_BIT(BT_CODING_GZIP)) !=
		BT_CODING_GZIP)
		return BATON_NEXT;
	key = key_of(x);
	if (key.n > 0 && (e = bt_gzip_find(x->services->gzip, key)) != NULL) {
		replace(x, e);
		return BATON_NEXT;
	}
	return start(x, key);
}

const struct bt_stage bt_stage_gzip = {
	.stage = { .name = "gzip", .leave = leave },
	.is_on = is_on,
};
