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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct bt_folder {
	const char *path;
	int fd;             /* -1: none */
	int64_t checked_ms; /* that it is still what the path names */
	dev_t dev;
	ino_t ino;
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

int
bt_folder_open(const char *path)
{
	return open_folder(path, 0);
}

int
bt_folder_take(struct bt_folder *f, int *fd, int64_t now_ms)
{
	struct stat st;

	f->checked_ms = now_ms;
	if (*fd != -1 && fstat(*fd, &st) == 0 &&
	    (f->fd == -1 || st.st_dev != f->dev || st.st_ino != f->ino)) {
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		if (f->fd == -1)
			f->fd = bt_fd_take(fd);
		else
			dup3(*fd, f->fd, O_CLOEXEC);
	}
	bt_fd_close(fd);
	return f->fd;
}

int
bt_folder_new(const char *path, struct bt_folder **ret)
{
	struct bt_folder *f = bt_mem_zero(1, sizeof(*f));
	int r = bt_folder_open(path), fd = r;

	f->path = path;
	f->fd = -1;
	if (r >= 0)
		bt_folder_take(f, &fd, 0);
	*ret = f;
	return r < 0 ? r : 0;
}

void
bt_folder_free(struct bt_folder *f)
{
	if (f == NULL)
		return;
	bt_fd_close(&f->fd);
	free(f);
}

int
bt_folder_last_fd(const struct bt_folder *f)
{
	return f->fd;
}

int
bt_folder_fd(struct bt_folder *f, int64_t now_ms, int64_t valid_ms)
{
	int r, fd;

	if (f->fd != -1 && now_ms - f->checked_ms < valid_ms)
		return f->fd;
	r = fd = open_folder(f->path, RESOLVE_CACHED);
	if (r >= 0)
		return bt_folder_take(f, &fd, now_ms);
	if (r == -EAGAIN || r == -EINVAL) /* a kernel that does not know it */
		return -EINPROGRESS;
	f->checked_ms = now_ms;
	return f->fd != -1 ? f->fd : r;
}
