/*
 * Opening files beneath a root.  On the loop only what the kernel has in its
 * caches is opened and read: RESOLVE_CACHED for the names, RWF_NOWAIT for the
 * content; the same call on an offload thread waits.
 */

#include "handlers/file.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/pages.h"
#include "http/date.h"
#include "http/media.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096
#define VARY "Vary: Accept-Encoding\r\n"
/* A rename beneath the root makes openat2(2) give up; so often it may. */
#define OPEN_TRIES 8

static int
open_beneath(int root_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve,
	};
	unsigned tries = 0;
	long fd;

	/* EAGAIN is also a lease (F_SETLEASE) that its holder has to give up,
	 * for which it has lease-break-time, 45 s: not ours to wait for */
	do
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	while (fd == -1 &&
	    (errno == EINTR ||
		(errno == EAGAIN && resolve == 0 && ++tries < OPEN_TRIES)));
	if (fd >= 0)
		return (int)fd;
	return errno == EAGAIN && resolve != 0 ? -EINPROGRESS : -errno;
}

/* With BT_FILE_CACHED all that can wait is left out; old kernels just wait. */
static int
open_waiting(
    int root_fd, const char *path, uint64_t flags, enum bt_file_wait wait)
{
	int fd = wait == BT_FILE_CACHED
	    ? open_beneath(root_fd, path, flags, RESOLVE_CACHED)
	    : -EINVAL;

	return fd == -EINVAL ? open_beneath(root_fd, path, flags, 0) : fd;
}

bool
bt_file_can_open(int root_fd)
{
	int fd = open_beneath(root_fd, ".", O_RDONLY, 0);

	if (fd >= 0)
		close(fd);
	return fd != -ENOSYS;
}

/* Reads a small file whole; -EAGAIN when its size is not what it was. */
static int
read_small(int fd, char *out, size_t n, enum bt_file_wait wait)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = wait == BT_FILE_CACHED
		    ? bt_pages_read(fd, out + got, n - got, got)
		    : pread(fd, out + got, n - got, (off_t)got);

		if (wait == BT_FILE_CACHED && r == -EAGAIN)
			return -EINPROGRESS;
		if (wait == BT_FILE_CACHED && r < 0)
			return (int)r;
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -errno;
		if (r == 0)
			return -EAGAIN;
		got += (size_t)r;
	}
	return 0;
}

static const struct bt_str endings[BT_CODINGS] = {
	[BT_CODING_IDENTITY] = { "", 0 },
	[BT_CODING_GZIP] = { ".gz", 3 },
	[BT_CODING_ZSTD] = { ".zst", 4 },
	[BT_CODING_BR] = { ".br", 3 },
};

/* The name beneath the root, with a NUL. */
static int
format_name(struct bt_str path, enum bt_coding coding, char out[PATH_BYTES_MAX])
{
	struct bt_str ending = endings[coding];

	if (path.n == 0)
		path = BT_STR(".");
	if (path.n + ending.n >= PATH_BYTES_MAX)
		return -ENAMETOOLONG;
	if (memchr(path.p, '\0', path.n) != NULL)
		return -ENOENT;
	memcpy(out, path.p, path.n);
	memcpy(out + path.n, ending.p, ending.n);
	out[path.n + ending.n] = '\0';
	return 0;
}

static void
describe(struct bt_file *f)
{
	struct bt_str coding = bt_coding_name(f->coding);
	char date[BT_DATE_BYTES + 1];
	int n;

	f->size = (uint64_t)f->st.st_size;
	f->modified_s = f->st.st_mtim.tv_sec > 0 ? f->st.st_mtim.tv_sec : 0;
	/* strong: which file, changed when to the nanosecond, how long */
	n = snprintf(f->etag_bytes, sizeof(f->etag_bytes),
	    "\"%llx-%llx.%lx-%llx\"", (unsigned long long)f->st.st_ino,
	    (unsigned long long)f->st.st_mtim.tv_sec, f->st.st_mtim.tv_nsec,
	    (unsigned long long)f->size);
	f->etag = (struct bt_str){ f->etag_bytes, (size_t)n };
	f->type = bt_media_type(f->path);
	bt_date_format(f->modified_s, date);
	n = snprintf(f->fields_bytes, sizeof(f->fields_bytes),
	    "Content-Type: %.*s\r\n"
	    "Last-Modified: %s\r\n"
	    "ETag: %s\r\n"
	    "Accept-Ranges: bytes\r\n",
	    BT_STR_ARG(f->type), date, f->etag_bytes);
	if (f->coding != BT_CODING_IDENTITY)
		n += snprintf(f->fields_bytes + n,
		    sizeof(f->fields_bytes) - (size_t)n,
		    "Content-Encoding: %.*s\r\n", BT_STR_ARG(coding));
	f->fields = (struct bt_str){ f->fields_bytes, (size_t)n };
	/* behind them, for when it is known that it varies */
	memcpy(f->fields_bytes + n, VARY, sizeof(VARY));
	if (f->coding != BT_CODING_IDENTITY)
		f->fields.n += sizeof(VARY) - 1;
}

void
bt_file_set_codings(struct bt_file *f, unsigned codings, int64_t now_ms)
{
	if ((codings != 0) != (f->codings != 0))
		f->fields.n += codings ? sizeof(VARY) - 1 : 1 - sizeof(VARY);
	f->codings = codings;
	f->codings_ms = now_ms;
}

/* Makes the file of an open descriptor, which it takes if it keeps it. */
static int
file_new(int *fd, struct bt_str path, enum bt_coding coding,
    enum bt_file_wait wait, struct bt_file **ret)
{
	struct bt_file *f;
	struct stat st;
	size_t content_n = 0;
	bool regular;
	int r;

	if (fstat(*fd, &st) == -1)
		return -errno;
	regular = S_ISREG(st.st_mode);
	if (!regular && !S_ISDIR(st.st_mode))
		return -ENODEV;
	if (regular && st.st_size <= BT_FILE_SMALL_MAX)
		content_n = (size_t)st.st_size;
	f = bt_mem_new(sizeof(*f) + path.n + 1 + content_n);
	memset(f, 0, sizeof(*f));
	f->refs = 1;
	f->st = st;
	f->coding = coding;
	f->codings_ms = -1;
	f->fd = -1;
	f->kind = regular ? BT_FILE_REGULAR : BT_FILE_FOLDER;
	if (path.n > 0)
		memcpy(f->bytes, path.p, path.n);
	f->bytes[path.n] = '\0';
	f->path = (struct bt_str){ f->bytes, path.n };
	if (regular && st.st_size > BT_FILE_SMALL_MAX) {
		f->fd = bt_fd_take(fd);
	} else if (content_n > 0) {
		char *content = f->bytes + path.n + 1;

		if ((r = read_small(*fd, content, content_n, wait)) < 0) {
			free(f);
			return r;
		}
		f->content = (struct bt_str){ content, content_n };
	}
	describe(f);
	*ret = f;
	return 0;
}

int
bt_file_open(int root_fd, struct bt_str path, enum bt_coding coding,
    enum bt_file_wait wait, struct bt_file **ret)
{
	char name[PATH_BYTES_MAX];
	int fd, r;

	if ((r = format_name(path, coding, name)) < 0)
		return r;
	for (int tries = 0;; tries++) {
		/* non-blocking: a FIFO without a writer must not hold us up */
		fd = open_waiting(
		    root_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, wait);
		if (fd < 0)
			return fd;
		r = file_new(&fd, path, coding, wait, ret);
		bt_fd_close(&fd);
		if (r != -EAGAIN || tries == 3) /* it shrank while we read */
			return r == -EAGAIN ? -EIO : r;
	}
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_mode == b->st_mode && a->st_size == b->st_size &&
	    same_time(&a->st_mtim, &b->st_mtim) &&
	    same_time(&a->st_ctim, &b->st_ctim);
}

int
bt_file_check(const struct bt_file *f, int root_fd, enum bt_file_wait wait)
{
	char name[PATH_BYTES_MAX];
	struct stat st;
	bool same;
	int fd;

	if (format_name(f->path, f->coding, name) < 0)
		return -ESTALE;
	/* O_PATH: it asks for the name alone, whatever the file's mode */
	fd = open_waiting(root_fd, name, O_PATH, wait);
	if (fd < 0)
		return fd == -EINPROGRESS ? fd : -ESTALE;
	same = fstat(fd, &st) == 0 && is_same(&st, &f->st);
	close(fd);
	return same ? 0 : -ESTALE;
}

struct bt_file *
bt_file_ref(struct bt_file *f)
{
	f->refs++;
	return f;
}

void
bt_file_unref(void *file)
{
	struct bt_file *f = file;

	if (f == NULL || --f->refs > 0)
		return;
	bt_fd_close(&f->fd);
	free(f);
}
