/*
 * The folder of a route.  Its descriptor keeps its number when another folder
 * takes its place, as the file cache knows it by that.  Worker, on the loop.
 */

#include "handlers/folder.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct bt_folder {
	const char *path;
	int fd;             /* -1: none, */
	int error;          /* and why, when it was last looked for */
	int64_t checked_ms; /* that it is still what the path names */
	dev_t dev;
	ino_t ino;
	struct look *look; /* under way */
};

/* Opening it on a thread: touches only what is its own. */
struct look {
	struct bt_job job;
	struct bt_folder *folder; /* the loop's */
	int fd;                   /* or negative errno */
	char path[];
};

static int
open_folder(const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = resolve };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd == -1 && resolve == 0) /* where openat2 is forbidden */
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 ? -errno : (int)fd;
}

/* What the path names now takes the place of what it named before. */
static void
replace(struct bt_folder *f, int *fd)
{
	struct stat st;

	if (fstat(*fd, &st) == 0 &&
	    (f->fd == -1 || st.st_dev != f->dev || st.st_ino != f->ino)) {
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		if (f->fd == -1)
			f->fd = bt_fd_take(fd);
		else
			dup3(*fd, f->fd, O_CLOEXEC);
	}
	bt_fd_close(fd);
}

int
bt_folder_new(const char *path, struct bt_folder **ret)
{
	struct bt_folder *f = bt_mem_zero(1, sizeof(*f));
	int r = open_folder(path, 0), fd = r;

	f->path = path;
	f->fd = -1;
	f->error = r < 0 ? r : -EIO;
	if (r >= 0)
		replace(f, &fd);
	*ret = f;
	return r < 0 ? r : 0;
}

void
bt_folder_free(struct bt_folder *f)
{
	if (f == NULL)
		return;
	if (f->look != NULL)
		f->look->folder = NULL;
	bt_fd_close(&f->fd);
	free(f);
}

static struct look *
look_from(struct bt_job *job)
{
	return (struct look *)((char *)job - offsetof(struct look, job));
}

static void
look_run(struct bt_job *job)
{
	struct look *look = look_from(job);

	look->fd = open_folder(look->path, 0);
}

static void
look_done(struct bt_job *job)
{
	struct look *look = look_from(job);

	if (look->folder != NULL) {
		look->folder->look = NULL;
		if (look->fd >= 0)
			replace(look->folder, &look->fd);
		else
			look->folder->error = look->fd;
	}
	if (look->fd >= 0)
		close(look->fd);
	free(look);
}

static void
look_start(struct bt_folder *f, struct bt_offload *offload)
{
	size_t n = strlen(f->path) + 1;
	struct look *look = bt_mem_new(sizeof(*look) + n);

	look->job = (struct bt_job){ .run = look_run, .done = look_done };
	look->folder = f;
	look->fd = -EAGAIN;
	memcpy(look->path, f->path, n);
	if (bt_offload_submit(offload, &look->job) == 0)
		f->look = look;
	else
		free(look);
}

int
bt_folder_fd(struct bt_folder *f, struct bt_offload *offload, int64_t now_ms,
    int64_t valid_ms)
{
	int fd;

	if (f->fd != -1 && now_ms - f->checked_ms < valid_ms)
		return f->fd;
	fd = open_folder(f->path, RESOLVE_CACHED);
	f->checked_ms = now_ms;
	if (fd >= 0)
		replace(f, &fd);
	else if (fd != -EAGAIN && fd != -EINVAL)
		f->error = fd;
	else if (f->look == NULL)
		look_start(f, offload);
	return f->fd != -1 ? f->fd : f->error;
}
