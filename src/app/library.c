/*
 * Loading a shared object, and looking through it.  Master, and the child in
 * which it is tried first.
 */

#include "app/library.h"

#include "base/fd.h"
#include "base/mem.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS_MAX 4096
#define FILE_BYTES_MAX (1024LL * 1024 * 1024)

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

uint32_t
bt_library_id(const char *name)
{
	return bt_str_hash(bt_str_of(name), false);
}

/* A copy in memory of what is in the file now.  The descriptor, or less. */
static int
copy_file(const char *file)
{
	struct stat st;
	int from, to, r = 0;

	if ((from = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		return -errno;
	if (fstat(from, &st) == -1)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
		r = -ENOEXEC;
	if (r < 0) {
		bt_fd_close(&from);
		return r;
	}
	to = memfd_create(file, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (to == -1 && errno == EINVAL) /* before Linux 6.3 */
		to = memfd_create("baton-app", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to == -1)
		r = -errno;
	for (off_t at = 0; r == 0 && at < st.st_size;) {
		ssize_t n = sendfile(to, from, &at, (size_t)(st.st_size - at));

		if (n == -1 && errno != EINTR)
			r = -errno;
		else if (n == 0)
			r = -EIO; /* it got shorter */
	}
	bt_fd_close(&from);
	if (r < 0) {
		bt_fd_close(&to);
		return r;
	}
	fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return to;
}

/* The message of dlopen() without the name that only we know it by. */
static void
put_dl_error(struct bt_buf *why)
{
	const char *text = dlerror(), *colon;

	if (text == NULL)
		text = "it cannot be loaded";
	if (strncmp(text, "/proc/", 6) == 0 &&
	    (colon = strstr(text, ": ")) != NULL)
		text = colon + 2;
	bt_buf_puts(why, text);
}

/* The `i`th row of an array whose rows may be shorter, or longer, than ours. */
static void
copy_row(void *to, size_t to_size, const void *rows, size_t row_size, size_t i)
{
	memset(to, 0, to_size);
	memcpy(to, (const char *)rows + i * row_size,
	    row_size < to_size ? row_size : to_size);
}

/* A name that a log line, a conf and a URL can have. */
static bool
is_name(const char *name)
{
	size_t n = 0;

	for (; name != NULL && name[n] != '\0'; n++)
		if (!isalnum((unsigned char)name[n]) &&
		    strchr("-_.", name[n]) == NULL)
			return false;
	return n > 0 && n <= 64;
}

static int
check_app(struct bt_library *l, const struct baton_app *app, struct bt_buf *why)
{
	if (app->api_major != BATON_API_MAJOR) {
		bt_buf_printf(why,
		    "it was built for version %u of the API, this baton has "
		    "version %u.%u",
		    app->api_major, BATON_API_MAJOR, BATON_API_MINOR);
		return -ENOEXEC;
	}
	if (app->api_minor > BATON_API_MINOR) {
		bt_buf_printf(why,
		    "it needs version %u.%u of the API, this baton has "
		    "%u.%u",
		    app->api_major, app->api_minor, BATON_API_MAJOR,
		    BATON_API_MINOR);
		return -ENOEXEC;
	}
	copy_row(&l->app, sizeof(l->app), app, app->size, 0);
	if (l->app.size < offsetof(struct baton_app, routes) ||
	    (l->app.routes && !l->app.route_size) ||
	    (l->app.resumes && !l->app.resume_size) ||
	    (l->app.settings && !l->app.setting_size)) {
		bt_buf_puts(why, "its baton_app has no BATON_APP_HEAD");
		return -ENOEXEC;
	}
	if (!is_name(l->app.name)) {
		bt_buf_puts(why,
		    "it has no name, or one with other than letters, digits "
		    "and - _ .");
		return -ENOEXEC;
	}
	l->id = bt_library_id(l->app.name);
	return 0;
}

static size_t
count_rows(const void *rows, size_t row_size)
{
	size_t n = 0;

	/* each begins with a name, which the last one has not */
	if (rows == NULL)
		return 0;
	while (n < ROWS_MAX &&
	    *(const char *const *)(const void *)((const char *)rows +
		n * row_size) != NULL)
		n++;
	return n;
}

static int
read_routes(struct bt_library *l, struct bt_buf *buf)
{
	const char *why;

	l->routes_n = count_rows(l->app.routes, l->app.route_size);
	l->routes =
	    bt_arena_zero(&l->arena, (l->routes_n + 1) * sizeof(l->routes[0]));
	for (size_t i = 0; i < l->routes_n; i++) {
		struct bt_way *w = &l->routes[i];
		struct baton_route row;

		copy_row(
		    &row, sizeof(row), l->app.routes, l->app.route_size, i);
		*w = (struct bt_way){ .name = row.on,
			.answer = row.answer,
			.mode = row.mode,
			.content_max = row.content_max,
			.content = row.content,
			.file = row.file,
			.stages = row.stages };
		why = row.answer == NULL ? "it has no answer()"
		    : row.mode == BATON_CONTENT_STREAM && row.content == NULL
		    ? "its content has no content()"
		    : NULL;
		if (why != NULL ||
		    bt_way_parse(w, row.on, &l->arena, &why) < 0) {
			bt_buf_printf(buf, "route \"%s\": %s", row.on, why);
			return -ENOEXEC;
		}
	}
	bt_ways_sort(l->routes, l->routes_n);
	for (size_t i = 1; i < l->routes_n; i++)
		if (bt_ways_clash(&l->routes[i - 1], &l->routes[i])) {
			bt_buf_printf(buf,
			    "routes \"%s\" and \"%s\" take the same requests",
			    l->routes[i - 1].name, l->routes[i].name);
			return -ENOEXEC;
		}
	return 0;
}

static int
read_resumes(struct bt_library *l, struct bt_buf *buf)
{
	const char *why;

	l->resumes_n = count_rows(l->app.resumes, l->app.resume_size);
	l->resumes = bt_arena_zero(
	    &l->arena, (l->resumes_n + 1) * sizeof(l->resumes[0]));
	for (size_t i = 0; i < l->resumes_n; i++) {
		struct bt_way *w = &l->resumes[i];
		struct baton_resume row;

		copy_row(
		    &row, sizeof(row), l->app.resumes, l->app.resume_size, i);
		why = row.answer == NULL ? "it has no answer()"
		    : row.oldest > row.version
		    ? "its oldest version is newer than its version"
		    : row.mode == BATON_CONTENT_STREAM && row.content == NULL
		    ? "its content has no content()"
		    : bt_library_resume(l, bt_library_id(row.name)) != NULL
		    ? "there are two of that name, or the names collide"
		    : NULL;
		if (why != NULL) {
			bt_buf_printf(buf, "resume \"%s\": %s", row.name, why);
			return -ENOEXEC;
		}
		*w = (struct bt_way){ .name = row.name,
			.id = bt_library_id(row.name),
			.resume = row.answer,
			.version = row.version,
			.oldest = row.oldest,
			.mode = row.mode,
			.content_max = row.content_max,
			.content = row.content,
			.file = row.file };
	}
	return 0;
}

static int
read_settings(struct bt_library *l, struct bt_buf *why)
{
	l->settings_n = count_rows(l->app.settings, l->app.setting_size);
	l->settings = bt_arena_zero(
	    &l->arena, (l->settings_n + 1) * sizeof(l->settings[0]));
	for (size_t i = 0; i < l->settings_n; i++) {
		copy_row(&l->settings[i], sizeof(l->settings[i]),
		    l->app.settings, l->app.setting_size, i);
		if (!is_name(l->settings[i].name)) {
			bt_buf_printf(why, "setting \"%s\" is no name",
			    l->settings[i].name);
			return -ENOEXEC;
		}
	}
	return 0;
}

static int
open_handle(struct bt_library *l, struct bt_buf *why)
{
	char name[64];
	int r;

	if ((r = copy_file(l->file)) < 0) {
		bt_buf_puts(
		    why, r == -ENOEXEC ? "it is not a file" : strerror(-r));
		return r;
	}
	l->fd = r;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", l->fd);
	l->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (l->handle == NULL && access(name, F_OK) == -1) /* no /proc */
		l->handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
	if (l->handle != NULL)
		return 0;
	put_dl_error(why);
	return -ENOEXEC;
}

int
bt_library_open(const char *file, struct bt_library **ret, struct bt_buf *why)
{
	struct bt_library *l = bt_mem_zero(1, sizeof(*l));
	const struct baton_app *app = NULL;
	int r;

	l->refs = 1;
	l->fd = -1;
	l->file = bt_mem_strdup(file);
	if ((r = open_handle(l, why)) == 0 &&
	    (app = dlsym(l->handle, "baton_app")) == NULL) {
		bt_buf_puts(
		    why, "it is no application: it does not define baton_app");
		r = -ENOEXEC;
	}
	if (r < 0 || (r = check_app(l, app, why)) < 0 ||
	    (r = read_routes(l, why)) < 0 || (r = read_resumes(l, why)) < 0 ||
	    (r = read_settings(l, why)) < 0) {
		bt_library_unref(l);
		return r;
	}
	*ret = l;
	return 0;
}

struct bt_library *
bt_library_ref(struct bt_library *l)
{
	l->refs++;
	return l;
}

void
bt_library_unref(struct bt_library *l)
{
	if (l == NULL || --l->refs > 0)
		return;
	bt_arena_fini(&l->arena);
	if (l->handle != NULL)
		dlclose(l->handle);
	bt_fd_close(&l->fd);
	free(l->file);
	free(l);
}

const struct bt_way *
bt_library_resume(const struct bt_library *l, uint32_t id)
{
	for (size_t i = 0; i < l->resumes_n; i++)
		if (l->resumes[i].name != NULL && l->resumes[i].id == id)
			return &l->resumes[i];
	return NULL;
}
