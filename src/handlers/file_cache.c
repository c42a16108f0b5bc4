/*
 * The file cache: a hash table of entries, in a list from the most to the least
 * recently used.  An entry lives while it is cached or somebody sends it.
 * Worker, on the loop.
 */

#include "handlers/file_cache.h"

#include "base/fd.h"
#include "base/mem.h"
#include "http/date.h"
#include "http/media.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096
/* A rename beneath the root makes openat2(2) give up; so often it may. */
#define OPEN_TRIES 8

struct entry {
	struct bt_file file;         /* first: a bt_file is its entry */
	struct bt_file_cache *cache; /* NULL: not cached any more */
	TAILQ_ENTRY(entry) used;
	struct entry *chain; /* same bucket */
	uint32_t hash;
	unsigned refs; /* senders, and the cache */
	int root_fd;
	int64_t checked_ms;
	struct stat st; /* as it was opened */
	size_t path_n;
	char etag[64];
	char fields[256];
	char bytes[]; /* path, NUL, content */
};

struct bt_file_cache {
	TAILQ_HEAD(entries, entry) used; /* most recent first */
	struct entry **buckets;
	unsigned buckets_n; /* a power of two */
	unsigned entries_n, entries_max;
	size_t bytes, bytes_max;
	unsigned fds, fds_max;
	uint64_t hits, misses;
};

struct bt_file_cache *
bt_file_cache_new(unsigned entries_max, size_t bytes_max, unsigned fds_max)
{
	struct bt_file_cache *c = bt_mem_zero(1, sizeof(*c));

	TAILQ_INIT(&c->used);
	for (c->buckets_n = 64; c->buckets_n < entries_max; c->buckets_n *= 2)
		;
	c->buckets = bt_mem_zero(c->buckets_n, sizeof(struct entry *));
	c->entries_max = entries_max;
	c->bytes_max = bytes_max;
	c->fds_max = fds_max;
	return c;
}

static size_t
entry_bytes(const struct entry *e)
{
	return sizeof(*e) + e->path_n + 1 + e->file.content.n;
}

static void
entry_unref(struct entry *e)
{
	if (--e->refs > 0)
		return;
	bt_fd_close(&e->file.fd);
	free(e);
}

static void
evict(struct bt_file_cache *c, struct entry *e)
{
	struct entry **at = &c->buckets[e->hash & (c->buckets_n - 1)];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	TAILQ_REMOVE(&c->used, e, used);
	c->entries_n--;
	c->bytes -= entry_bytes(e);
	c->fds -= e->file.fd != -1;
	e->cache = NULL;
	entry_unref(e);
}

void
bt_file_cache_free(struct bt_file_cache *c)
{
	if (c == NULL)
		return;
	while (!TAILQ_EMPTY(&c->used))
		evict(c, TAILQ_FIRST(&c->used));
	free(c->buckets);
	free(c);
}

/* Makes room for `e`, which may push out all others, but never itself. */
static void
insert(struct bt_file_cache *c, struct entry *e)
{
	struct entry **bucket = &c->buckets[e->hash & (c->buckets_n - 1)];

	c->entries_n++;
	c->bytes += entry_bytes(e);
	c->fds += e->file.fd != -1;
	e->cache = c;
	e->refs++;
	e->chain = *bucket;
	*bucket = e;
	TAILQ_INSERT_HEAD(&c->used, e, used);
	while (c->entries_n > 1 &&
	    (c->entries_n > c->entries_max || c->bytes > c->bytes_max ||
		c->fds > c->fds_max))
		evict(c, TAILQ_LAST(&c->used, entries));
}

static struct entry *
lookup(const struct bt_file_cache *c, int root_fd, struct bt_str path,
    uint32_t hash)
{
	struct entry *e;

	for (e = c->buckets[hash & (c->buckets_n - 1)]; e; e = e->chain)
		if (e->hash == hash && e->root_fd == root_fd &&
		    e->path_n == path.n &&
		    memcmp(e->bytes, path.p, path.n) == 0)
			return e;
	return NULL;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/*
 * Whether the path still names the file that was opened.  Names are followed
 * here as usual: what counts is that it is the same inode, unchanged.
 */
static bool
still_valid(const struct entry *e)
{
	const char *path = e->path_n ? e->bytes : ".";
	struct stat st;

	return fstatat(e->root_fd, path, &st, 0) == 0 &&
	    st.st_dev == e->st.st_dev && st.st_ino == e->st.st_ino &&
	    st.st_mode == e->st.st_mode && st.st_size == e->st.st_size &&
	    same_time(&st.st_mtim, &e->st.st_mtim) &&
	    same_time(&st.st_ctim, &e->st.st_ctim);
}

static int
open_beneath(int root_fd, const char *path)
{
	struct open_how how = {
		/* non-blocking: a FIFO without a writer must not hold us up */
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	unsigned tries = 0;
	long fd;

	/* EAGAIN is also a lease (F_SETLEASE) that its holder has to give up,
	 * for which it has lease-break-time, 45 s: not ours to wait for */
	do
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	while (fd == -1 &&
	    (errno == EINTR || (errno == EAGAIN && ++tries < OPEN_TRIES)));
	return fd == -1 ? -errno : (int)fd;
}

bool
bt_file_can_open(int root_fd)
{
	int fd = open_beneath(root_fd, ".");

	if (fd >= 0)
		close(fd);
	return fd != -ENOSYS;
}

/* Reads a small file whole; -EAGAIN when its size is not what it was. */
static int
read_small(int fd, char *out, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, out + got, n - got, (off_t)got);

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

static void
describe(struct entry *e)
{
	struct bt_file *f = &e->file;
	char date[BT_DATE_BYTES + 1];
	int n;

	f->size = (uint64_t)e->st.st_size;
	f->modified_s = e->st.st_mtim.tv_sec > 0 ? e->st.st_mtim.tv_sec : 0;
	/* strong: which file, changed when to the nanosecond, how long */
	n = snprintf(e->etag, sizeof(e->etag), "\"%llx-%llx.%lx-%llx\"",
	    (unsigned long long)e->st.st_ino,
	    (unsigned long long)e->st.st_mtim.tv_sec, e->st.st_mtim.tv_nsec,
	    (unsigned long long)f->size);
	f->etag = (struct bt_str){ e->etag, (size_t)n };
	f->type = bt_media_type((struct bt_str){ e->bytes, e->path_n });
	bt_date_format(f->modified_s, date);
	n = snprintf(e->fields, sizeof(e->fields),
	    "Content-Type: %.*s\r\n"
	    "Last-Modified: %s\r\n"
	    "ETag: %s\r\n"
	    "Accept-Ranges: bytes\r\n",
	    BT_STR_ARG(f->type), date, e->etag);
	f->fields = (struct bt_str){ e->fields, (size_t)n };
}

/* Makes the entry of an open descriptor, which it takes. */
static int
entry_new(int *fd, int root_fd, struct bt_str path, struct entry **ret)
{
	struct entry *e;
	struct stat st;
	size_t content_n = 0;
	int r;

	if (fstat(*fd, &st) == -1)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -ENODEV;
	if (S_ISREG(st.st_mode) && st.st_size <= BT_FILE_SMALL_MAX)
		content_n = (size_t)st.st_size;
	e = bt_mem_new(sizeof(*e) + path.n + 1 + content_n);
	memset(e, 0, sizeof(*e));
	e->refs = 1;
	e->root_fd = root_fd;
	e->st = st;
	e->path_n = path.n;
	memcpy(e->bytes, path.p, path.n);
	e->bytes[path.n] = '\0';
	e->file.fd = -1;
	e->file.kind = S_ISREG(st.st_mode) ? BT_FILE_REGULAR : BT_FILE_FOLDER;
	if (S_ISREG(st.st_mode) && st.st_size > BT_FILE_SMALL_MAX) {
		e->file.fd = bt_fd_take(fd);
	} else if (content_n > 0) {
		char *content = e->bytes + path.n + 1;

		if ((r = read_small(*fd, content, content_n)) < 0) {
			free(e);
			return r;
		}
		e->file.content = (struct bt_str){ content, content_n };
	}
	describe(e);
	*ret = e;
	return 0;
}

static int
open_entry(int root_fd, struct bt_str path, struct entry **ret)
{
	char name[PATH_BYTES_MAX];
	int fd, r;

	if (path.n >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	if (memchr(name, '\0', path.n) != NULL)
		return -ENOENT;
	for (int tries = 0;; tries++) {
		fd = open_beneath(root_fd, path.n ? name : ".");
		if (fd < 0)
			return fd;
		r = entry_new(&fd, root_fd, path, ret);
		bt_fd_close(&fd);
		if (r != -EAGAIN || tries == 3) /* it shrank while we read */
			return r == -EAGAIN ? -EIO : r;
	}
}

int
bt_file_cache_find(struct bt_file_cache *c, int root_fd, struct bt_str path,
    int64_t now_ms, int64_t valid_ms, struct bt_file **ret)
{
	uint32_t hash = bt_str_hash(path, false) + (uint32_t)root_fd;
	struct entry *e = lookup(c, root_fd, path, hash);
	int r;

	if (e != NULL && now_ms - e->checked_ms >= valid_ms) {
		if (still_valid(e)) {
			e->checked_ms = now_ms;
		} else {
			evict(c, e);
			e = NULL;
		}
	}
	if (e != NULL) {
		c->hits++;
		if (TAILQ_FIRST(&c->used) != e) {
			TAILQ_REMOVE(&c->used, e, used);
			TAILQ_INSERT_HEAD(&c->used, e, used);
		}
	} else {
		c->misses++;
		if ((r = open_entry(root_fd, path, &e)) < 0)
			return r;
		e->hash = hash;
		e->checked_ms = now_ms;
		insert(c, e);
		e->refs--; /* the opener's; the cache's remains */
	}
	e->refs++;
	*ret = &e->file;
	return 0;
}

void
bt_file_unref(void *file)
{
	entry_unref((struct entry *)file);
}

void
bt_file_cache_counts(
    const struct bt_file_cache *c, uint64_t *ret_hits, uint64_t *ret_misses)
{
	*ret_hits = c->hits;
	*ret_misses = c->misses;
}
