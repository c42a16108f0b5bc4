/*
 * `root FOLDER`: files.  The path of the request, decoded and normalized, is
 * opened beneath the root by the kernel's own rules (openat2), so that nothing
 * outside of it can be reached.  A path that ends in / is a folder: its index
 * is sent; a folder without the slash is redirected to it.  Worker, on the
 * loop.
 */

#include "handlers/reply.h"
#include "handlers/rows.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "handlers/file_cache.h"
#include "http/conditional.h"
#include "http/range.h"
#include "http/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	int fd;             /* the number stays: the cache knows it by that */
	int64_t checked_ms; /* that it is still what the path names */
	dev_t dev;
	ino_t ino;
};

/*
 * The path may name another folder by now: a site is put in place by a rename
 * of a symlink.  While it names none, the folder that we have is served.
 */
static void
check_folder(struct folder *f, const char *path)
{
	struct stat st;
	int fd;

	if (f->fd != -1 &&
	    (stat(path, &st) == -1 ||
		(st.st_dev == f->dev && st.st_ino == f->ino)))
		return;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		bt_fd_close(&fd);
		return;
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	if (f->fd == -1)
		f->fd = bt_fd_take(&fd);
	else
		dup3(fd, f->fd, O_CLOEXEC);
	bt_fd_close(&fd);
}

static int
start(struct bt_route *route)
{
	struct folder *f = bt_mem_zero(1, sizeof(*f));

	f->fd = -1;
	route->state = f;
	check_folder(f, route->conf->root.p);
	/* it may be mounted, or made, later: tried again when it is asked for
	 */
	if (f->fd == -1)
		return -errno;
	if (route->services->says && !bt_file_can_open(f->fd))
		bt_log_error(NULL, ENOSYS,
		    "files cannot be opened: openat2, which a seccomp filter "
		    "may forbid (RestrictSUIDSGID= of systemd)");
	return 0;
}

static void
stop(struct bt_route *route)
{
	struct folder *f = route->state;

	if (f != NULL)
		bt_fd_close(&f->fd);
	free(f);
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

static int
find(struct bt_exchange *x, struct bt_str path, struct bt_file **ret)
{
	const struct bt_services *s = x->route->services;
	int64_t valid_ms = x->route->conf->scope.file_cache_valid_ms;
	struct folder *f = x->route->state;

	if (f->fd == -1 || s->now->ms - f->checked_ms >= valid_ms) {
		check_folder(f, x->route->conf->root.p);
		f->checked_ms = s->now->ms;
	}
	if (f->fd == -1)
		return -errno;
	return bt_file_cache_find(
	    s->files, f->fd, path, s->now->ms, valid_ms, ret);
}

/* The first index file of a folder that is there; `path` ends in / or is "". */
static int
find_index(struct bt_exchange *x, struct bt_str path, struct bt_file **ret)
{
	const struct bt_conf_route *conf = x->route->conf;
	char name[PATH_MAX];

	for (size_t i = 0; i < conf->index_n; i++) {
		struct bt_str index = conf->index[i];
		int r;

		if (path.n + index.n > sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, path.p, path.n);
		memcpy(name + path.n, index.p, index.n);
		r = find(x, (struct bt_str){ name, path.n + index.n }, ret);
		if (r == 0 && (*ret)->kind == BT_FILE_REGULAR)
			return 0;
		if (r == 0)
			bt_file_unref(*ret);
		else if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

/* A folder that has no index is not shown: 403, as long as it is there. */
static int
find_in_folder(struct bt_exchange *x, struct bt_str path, struct bt_file **ret)
{
	struct bt_file *folder;
	int r = find_index(x, path, ret);

	if (r != -ENOENT)
		return r;
	if (path.n > 0)
		path.n--; /* its slash */
	if ((r = find(x, path, &folder)) < 0)
		return r;
	r = folder->kind == BT_FILE_FOLDER ? -EACCES : -ENOTDIR;
	bt_file_unref(folder);
	return r;
}

/* To the same path with a slash, the query kept. */
static void
redirect_to_slash(struct bt_exchange *x)
{
	const struct bt_request *r = &x->request;
	struct bt_str path = bt_path_encode(r->path, &x->arena);

	bt_reply_redirect(x, 301,
	    bt_arena_printf(&x->arena, "%.*s/%s%.*s", BT_STR_ARG(path),
		r->has_query ? "?" : "", BT_STR_ARG(r->query)));
}

static void
reply_part(struct bt_exchange *x, const struct bt_file *f, unsigned status,
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
reply_range(struct bt_exchange *x, const struct bt_file *f,
    const struct bt_validators *validators)
{
	const struct bt_request *r = &x->request;
	struct bt_range range[1];
	size_t n;

	if (r->method != BT_METHOD_GET || !r->known[BT_FIELD_RANGE] ||
	    !bt_condition_if_range(
		r, validators, x->route->services->now->wall_s))
		return false;
	switch (bt_range_parse(
	    bt_request_known(r, BT_FIELD_RANGE), f->size, range, 1, &n)) {
	case BT_RANGE_NONE:
	case BT_RANGE_MULTIPLE: /* a whole answer is always right */
		return false;
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
reply_not_modified(struct bt_exchange *x, const struct bt_file *f)
{
	/* the lines that a 200 would have, but for those of the content */
	bt_reply_bytes(x, 304,
	    bt_arena_printf(&x->arena, "ETag: %.*s\r\n", BT_STR_ARG(f->etag)),
	    BT_STR_NONE);
}

static void
reply_with(struct bt_exchange *x, struct bt_file *f)
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

static void
answer(struct bt_exchange *x)
{
	const struct bt_str path = { x->request.path.p + 1,
		x->request.path.n - 1 };
	struct bt_file *f;
	int r;

	if (path.n == 0 || path.p[path.n - 1] == '/')
		r = find_in_folder(x, path, &f);
	else
		r = find(x, path, &f);
	if (r < 0) {
		bt_reply_error(x, status_of(r), BT_STR_NONE);
	} else if (f->kind == BT_FILE_FOLDER) {
		bt_file_unref(f);
		redirect_to_slash(x);
	} else {
		reply_with(x, f);
	}
}

const struct bt_handler bt_handler_static = {
	.name = "root",
	.methods = BT_METHODS_READ,
	.start = start,
	.stop = stop,
	.answer = answer,
};
