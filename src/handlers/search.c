/*
 * The search for a file.  Worker: on the loop or on an offload thread.
 */

#include "handlers/search.h"

#include <errno.h>
#include <limits.h>

static int
look(struct bt_search *s, struct bt_str path, enum bt_coding coding,
    struct bt_file **ret)
{
	if (s->files == NULL)
		return bt_file_open(
		    s->root_fd, path, coding, BT_FILE_WAIT, ret);
	return bt_file_cache_find(s->files, s->root_fd, path, coding, s->now_ms,
	    s->conf->scope.file_cache_valid_ms, ret);
}

/* The first index file of a folder that is there; `path` ends in / or is "". */
static int
look_for_index(struct bt_search *s, struct bt_str path)
{
	char name[PATH_MAX];

	for (size_t i = 0; i < s->conf->index_n; i++) {
		struct bt_str index = s->conf->index[i];
		int r;

		if (path.n + index.n > sizeof(name))
			return -ENAMETOOLONG;
		if (path.n > 0)
			memcpy(name, path.p, path.n);
		memcpy(name + path.n, index.p, index.n);
		r = look(s, (struct bt_str){ name, path.n + index.n },
		    BT_CODING_IDENTITY, &s->file);
		if (r == 0 && s->file->kind == BT_FILE_REGULAR)
			return 0;
		if (r == 0) {
			bt_file_unref(s->file);
			s->file = NULL;
		} else if (r != -ENOENT) {
			return r;
		}
	}
	return -ENOENT;
}

static int
look_in_folder(struct bt_search *s, struct bt_str path)
{
	int r = look_for_index(s, path);

	s->found = BT_FOUND_FILE;
	if (r != -ENOENT)
		return r;
	if (path.n > 0)
		path.n--; /* its slash */
	r = look(s, path, BT_CODING_IDENTITY, &s->file);
	if (r == 0 && s->file->kind != BT_FILE_FOLDER)
		return -ENOTDIR;
	s->found = BT_FOUND_FOLDER;
	return r;
}

static int
look_for_file(struct bt_search *s, struct bt_str path)
{
	int r = look(s, path, BT_CODING_IDENTITY, &s->file);

	if (r == 0)
		s->found = s->file->kind == BT_FILE_FOLDER ? BT_FOUND_SLASH
							   : BT_FOUND_FILE;
	return r;
}

/* What is older than the file was made from another one. */
static bool
is_current(const struct bt_file *coded, const struct bt_file *f)
{
	return coded->kind == BT_FILE_REGULAR &&
	    coded->modified_s >= f->modified_s;
}

/* Which codings lie beside the file. */
static int
look_beside(struct bt_search *s)
{
	struct bt_file *f = s->file;
	unsigned codings = 0;

	if (s->files != NULL && f->codings_ms != -1 &&
	    s->now_ms - f->codings_ms < s->conf->scope.file_cache_valid_ms)
		return 0;
	for (enum bt_coding c = BT_CODING_GZIP; c < BT_CODINGS; c++) {
		struct bt_file *coded = NULL;
		int r = look(s, f->path, c, &coded);

		if (r == -EINPROGRESS)
			return r;
		if (r == 0 && is_current(coded, f))
			codings |= BT_CODING_BIT(c);
		if (s->files == NULL && codings & BT_CODING_BIT(c))
			s->coded[c] = coded;
		else
			bt_file_unref(coded);
	}
	bt_file_set_codings(f, codings, s->now_ms);
	return 0;
}

static bool
is_folder(struct bt_str path)
{
	return path.n == 0 || path.p[path.n - 1] == '/';
}

/* `try_files`: what is not there, or is not what it is to be, is passed over.
 */
static int
try_one(struct bt_search *s, struct bt_str path)
{
	int r =
	    is_folder(path) ? look_in_folder(s, path) : look_for_file(s, path);

	if (r == 0 && s->found == BT_FOUND_SLASH) { /* only $uri/ means it */
		bt_file_unref(s->file);
		s->file = NULL;
		return -ENOENT;
	}
	/* the folder of which the path is that without its slash */
	if (r == 0 && !is_folder(s->path) && path.n == s->path.n + 1 &&
	    is_folder(path) && bt_str_has_prefix(path, s->path))
		s->found = BT_FOUND_SLASH;
	return r;
}

static int
try_all(struct bt_search *s)
{
	for (size_t i = 0; i < s->tries_n; i++) {
		int r = try_one(s, s->tries[i]);

		if (r == 0 || r == -EINPROGRESS)
			return r;
	}
	return -ENOENT;
}

int
bt_search_run(struct bt_search *s)
{
	int r;

	if (s->tries_n > 0)
		r = try_all(s);
	else
		r = is_folder(s->path) ? look_in_folder(s, s->path)
				       : look_for_file(s, s->path);
	if (r == 0 && s->found == BT_FOUND_FILE && s->codings)
		r = look_beside(s);
	return r;
}

void
bt_search_keep(struct bt_search *s, struct bt_file_cache *files, int64_t now_ms)
{
	s->files = files;
	s->now_ms = now_ms;
	bt_file_cache_add(files, s->root_fd, s->file, now_ms);
	if (s->file->codings_ms != -1)
		s->file->codings_ms = now_ms;
	for (unsigned c = 0; c < BT_CODINGS; c++)
		if (s->coded[c] != NULL)
			bt_file_cache_add(
			    files, s->root_fd, s->coded[c], now_ms);
}

struct bt_file *
bt_search_choose(const struct bt_search *s, const struct bt_request *r)
{
	struct bt_file *f = s->file, *coded;
	enum bt_coding c;

	if (!s->codings || f->codings == 0)
		return bt_file_ref(f);
	c = bt_accept_coding(r, f->codings);
	if (c == BT_CODING_IDENTITY)
		return bt_file_ref(f);
	if (s->coded[c] != NULL)
		return bt_file_ref(s->coded[c]);
	if (bt_file_cache_find(s->files, s->root_fd, f->path, c, s->now_ms,
		s->conf->scope.file_cache_valid_ms, &coded) == 0)
		return coded;
	return bt_file_ref(f);
}

void
bt_search_fini(struct bt_search *s)
{
	bt_file_unref(s->file);
	s->file = NULL;
	for (unsigned c = 0; c < BT_CODINGS; c++) {
		bt_file_unref(s->coded[c]);
		s->coded[c] = NULL;
	}
}
