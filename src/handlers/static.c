/*
 * `root FOLDER`: files.  The path of the request, decoded and normalized, is
 * searched for beneath the root (handlers/search.h); what would wait for a disk
 * is searched for on an offload thread.  A path that ends in / is a folder: its
 * index is sent; a folder without the slash is redirected to it.  Worker, on
 * the loop.
 */

#include "handlers/rows.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "handlers/autoindex.h"
#include "handlers/folder.h"
#include "handlers/parts.h"
#include "handlers/search.h"
#include "handlers/vars.h"
#include "handlers/work.h"
#include "http/conditional.h"
#include "http/range.h"
#include "http/uri.h"

#include <errno.h>
#include <stdlib.h>

/* A request for more ranges than that gets the whole (RFC 9110, 14.2). */
#define RANGES_MAX 64

static int
start(struct bt_route *route)
{
	struct bt_folder *folder;
	int fd, r = bt_folder_new(route->conf->root.p, &folder);

	route->state = folder;
	/* it may be mounted, or made, later: looked for when it is asked for */
	if (r < 0)
		return r;
	fd = bt_folder_fd(folder, route->services->now->ms, INT64_MAX);
	if (route->services->says && !bt_file_can_open(fd))
		bt_log_error(NULL, ENOSYS,
		    "files cannot be opened: openat2, which a seccomp filter "
		    "may forbid (RestrictSUIDSGID= of systemd)");
	return 0;
}

static void
stop(struct bt_route *route)
{
	bt_folder_free(route->state);
}

static unsigned
status_of(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM:
		return 403;
	case EAGAIN: /* in somebody's hands for a moment */
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return 503;
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ENAMETOOLONG:
	case ELOOP:  /* symlinks that go round, */
	case EXDEV:  /* or leave the root */
	case ENODEV: /* FIFOs, sockets, devices */
	case ENXIO:
		return 404;
	default:
		return 500;
	}
}

/* To the same path with a slash, the query kept. */
static void
redirect_to_slash(struct baton_exchange *x)
{
	const struct bt_request *r = &x->request;
	struct bt_str path = bt_path_encode(r->path, &x->arena);

	bt_reply_redirect(x, 301,
	    bt_arena_printf(&x->arena, "%.*s/%s%.*s", BT_STR_ARG(path),
		r->has_query ? "?" : "", BT_STR_ARG(r->query)));
}

static void
reply_part(struct baton_exchange *x, const struct bt_file *f, unsigned status,
    struct bt_str fields, uint64_t offset, uint64_t length)
{
	if (f->fd != -1)
		bt_reply_file(x, status, fields, f->fd, offset, length);
	else
		bt_reply_bytes(x, status, fields,
		    length > 0
			? (struct bt_str){ f->content.p + offset, length }
			: BT_STR_NONE);
}

/* True when a Range was answered. */
static bool
reply_range(struct baton_exchange *x, const struct bt_file *f,
    const struct bt_validators *validators)
{
	const struct bt_request *r = &x->request;
	struct bt_range range[RANGES_MAX];
	size_t n;

	if (r->method != BT_METHOD_GET || !r->known[BT_FIELD_RANGE] ||
	    !bt_condition_if_range(
		r, validators, x->route->services->now->wall_s))
		return false;
	switch (bt_range_parse(bt_request_known(r, BT_FIELD_RANGE), f->size,
	    range, RANGES_MAX, &n)) {
	case BT_RANGE_NONE: /* a whole answer is always right */
		return false;
	case BT_RANGE_MULTIPLE:
		bt_parts_reply(x, f, range, n);
		return true;
	case BT_RANGE_SINGLE:
		reply_part(x, f, 206,
		    bt_arena_printf(&x->arena,
			"%.*sContent-Range: bytes %llu-%llu/%llu\r\n",
			BT_STR_ARG(f->fields),
			(unsigned long long)range->offset,
			(unsigned long long)(range->offset + range->length - 1),
			(unsigned long long)f->size),
		    range->offset, range->length);
		return true;
	case BT_RANGE_UNSATISFIABLE:
		bt_reply_error(x, 416,
		    bt_arena_printf(&x->arena,
			"Content-Range: bytes */%llu\r\n",
			(unsigned long long)f->size));
		return true;
	}
	return false;
}

static bool
has_conditions(const struct bt_request *r)
{
	return r->known[BT_FIELD_IF_NONE_MATCH] ||
	    r->known[BT_FIELD_IF_MODIFIED_SINCE] ||
	    r->known[BT_FIELD_IF_MATCH] ||
	    r->known[BT_FIELD_IF_UNMODIFIED_SINCE];
}

static void
reply_not_modified(struct baton_exchange *x, const struct bt_file *f)
{
	bool varies = f->coding != BT_CODING_IDENTITY || f->codings != 0;

	/* the lines that a 200 would have, but for those of the content */
	bt_reply_bytes(x, 304,
	    bt_arena_printf(&x->arena, "ETag: %.*s\r\n%s", BT_STR_ARG(f->etag),
		varies ? "Vary: Accept-Encoding\r\n" : ""),
	    BT_STR_NONE);
}

/* Takes the reference. */
static void
reply_with(struct baton_exchange *x, struct bt_file *f)
{
	struct bt_validators validators = { f->etag, f->modified_s };

	bt_reply_on_release(x, bt_file_unref, f);
	if (has_conditions(&x->request)) {
		switch (bt_condition_evaluate(&x->request, &validators,
		    x->route->services->now->wall_s)) {
		case BT_CONDITION_PROCEED:
			break;
		case BT_CONDITION_NOT_MODIFIED:
			reply_not_modified(x, f);
			return;
		case BT_CONDITION_FAILED:
			bt_reply_error(x, 412, BT_STR_NONE);
			return;
		}
	}
	if (!reply_range(x, f, &validators))
		reply_part(x, f, 200, f->fields, 0, f->size);
}

/* What the search came to. */
static void
conclude(struct baton_exchange *x, const struct bt_search *s, int r)
{
	if (r < 0) {
		bt_reply_error(x,
		    s->tries_n > 0 && r == -ENOENT ? s->conf->tries_status
						   : status_of(r),
		    BT_STR_NONE);
		return;
	}
	switch (s->found) {
	case BT_FOUND_FILE:
		reply_with(x, bt_search_choose(s, &x->request));
		return;
	case BT_FOUND_FOLDER:
		if (x->route->conf->scope.autoindex)
			bt_autoindex_answer(x, s->root_fd, s->file->path);
		else
			bt_reply_error(x, 403, BT_STR_NONE);
		return;
	case BT_FOUND_SLASH:
		redirect_to_slash(x);
		return;
	}
}

/* A search on a thread, with paths of its own behind it. */
struct search_work {
	struct bt_work work;
	struct bt_search search;
	bool look_for_root; /* it may be another folder by now: */
	int root_fd;        /* its own, or -1 */
	int result;
};

/* Copies it to `*at`, which moves behind it. */
static struct bt_str
copy_path(char **at, struct bt_str path)
{
	struct bt_str copy = { *at, path.n };

	if (path.n > 0)
		memcpy(*at, path.p, path.n);
	*at += path.n;
	return copy;
}

static void
search_run(struct bt_work *work)
{
	struct search_work *w = (struct search_work *)work;
	int r = 0;

	if (w->look_for_root &&
	    (r = bt_folder_open(w->search.conf->root.p)) >= 0)
		w->search.root_fd = w->root_fd = r;
	/* while the path names none, the one of before is served */
	w->result = w->search.root_fd == -1 ? r : bt_search_run(&w->search);
}

/* The cache knows the root by the number that it has for good. */
static void
take_root(struct baton_exchange *x, struct search_work *w)
{
	if (w->look_for_root)
		w->search.root_fd = bt_folder_take(
		    x->route->state, &w->root_fd, x->services->now->ms);
}

static void
search_done(struct bt_work *work)
{
	struct search_work *w = (struct search_work *)work;
	struct baton_exchange *x = work->x;

	if (x != NULL) {
		take_root(x, w);
		if (w->result == 0)
			bt_search_keep(&w->search, x->services->files,
			    x->services->now->ms);
		conclude(x, &w->search, w->result);
	}
	bt_search_fini(&w->search);
	bt_fd_close(&w->root_fd);
	free(w);
}

/* A copy of the paths, in one block with the work. */
static struct search_work *
search_work_new(const struct bt_search *s)
{
	size_t bytes = s->tries_n * sizeof(struct bt_str) + s->path.n;
	struct search_work *w;
	struct bt_str *tries;
	char *text;

	for (size_t i = 0; i < s->tries_n; i++)
		bytes += s->tries[i].n;
	w = bt_mem_zero(1, sizeof(*w) + bytes);
	w->search.root_fd = s->root_fd;
	w->search.conf = s->conf;
	w->search.codings = s->codings;
	tries = (struct bt_str *)(w + 1);
	text = (char *)(tries + s->tries_n);
	w->search.path = copy_path(&text, s->path);
	w->search.tries = tries;
	w->search.tries_n = s->tries_n;
	for (size_t i = 0; i < s->tries_n; i++)
		tries[i] = copy_path(&text, s->tries[i]);
	return w;
}

static void
search_on_thread(
    struct baton_exchange *x, const struct bt_search *s, bool look_for_root)
{
	struct search_work *w = search_work_new(s);

	w->work.run = search_run;
	w->work.done = search_done;
	w->root_fd = -1;
	w->look_for_root = look_for_root;
	if (bt_work_start(x, &w->work) < 0) {
		free(w);
		bt_reply_busy(x);
	}
}

/* `/.git/config`, but not `/.well-known/acme-challenge/x`. */
static bool
has_dot_file(struct bt_str path)
{
	const char *end = path.p + path.n;

	for (const char *p = path.p;
	     (p = memchr(p, '/', end - p)) && ++p < end;)
		if (*p == '.' &&
		    !(p == path.p + 1 &&
			bt_str_has_prefix(
			    (struct bt_str){ p, (size_t)(end - p) },
			    BT_STR(".well-known/"))))
			return true;
	return false;
}

/* The paths of `try_files` for this request, beneath the root. */
static void
expand_tries(struct baton_exchange *x, struct bt_search *s)
{
	const struct bt_conf_route *conf = s->conf;
	struct bt_str *tries =
	    bt_arena_alloc(&x->arena, conf->tries_n * sizeof(*tries));

	for (size_t i = 0; i < conf->tries_n; i++) {
		struct bt_str path = bt_template_text(x, &conf->tries[i]);

		/* openat2 would take a leading slash for the system's root */
		while (path.n > 0 && path.p[0] == '/') {
			path.p++;
			path.n--;
		}
		tries[i] = path;
	}
	s->tries = tries;
	s->tries_n = conf->tries_n;
}

static void
answer(struct baton_exchange *x)
{
	const struct bt_services *services = x->services;
	const struct bt_conf_route *conf = x->route->conf;
	struct bt_search s = { .conf = conf,
		.path = { x->request.path.p + 1, x->request.path.n - 1 },
		.codings = conf->scope.precompressed &&
		    x->request.known[BT_FIELD_ACCEPT_ENCODING],
		.files = services->files,
		.now_ms = services->now->ms };
	bool look_for_root;
	int r;

	if (!conf->scope.dotfiles && has_dot_file(x->request.path)) {
		bt_reply_error(x, 404, BT_STR_NONE);
		return;
	}
	if (conf->tries_n > 0)
		expand_tries(x, &s);
	r = bt_folder_fd(
	    x->route->state, s.now_ms, conf->scope.file_cache_valid_ms);
	look_for_root = r == -EINPROGRESS;
	s.root_fd = bt_folder_last_fd(x->route->state);
	if (r >= 0)
		r = bt_search_run(&s);
	if (r == -EINPROGRESS)
		search_on_thread(x, &s, look_for_root);
	else
		conclude(x, &s, r);
	bt_search_fini(&s);
}

const struct bt_handler bt_handler_static = {
	.name = "root",
	.methods = BT_METHODS_READ,
	.start = start,
	.stop = stop,
	.answer = answer,
};
