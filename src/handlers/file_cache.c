/*
 * The file cache: a hash table of files, in a list from the most to the least
 * recently used.  A file lives while it is cached or somebody sends it. Worker,
 * on the loop.
 */

#include "handlers/file_cache.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

struct bt_file_cache {
	TAILQ_HEAD(files, bt_file) used; /* most recent first */
	struct bt_file **buckets;
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
	c->buckets = bt_mem_zero(c->buckets_n, sizeof(struct bt_file *));
	c->entries_max = entries_max;
	c->bytes_max = bytes_max;
	c->fds_max = fds_max;
	return c;
}

static size_t
file_bytes(const struct bt_file *f)
{
	return sizeof(*f) + f->path.n + 1 + f->content.n;
}

static void
evict(struct bt_file_cache *c, struct bt_file *f)
{
	struct bt_file **at = &c->buckets[f->hash & (c->buckets_n - 1)];

	while (*at != f)
		at = &(*at)->chain;
	*at = f->chain;
	TAILQ_REMOVE(&c->used, f, used);
	c->entries_n--;
	c->bytes -= file_bytes(f);
	c->fds -= f->fd != -1;
	f->cache = NULL;
	bt_file_unref(f);
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

static uint32_t
hash_of(int root_fd, struct bt_str path, enum bt_coding coding)
{
	return bt_str_hash(path, false) + (uint32_t)root_fd * BT_CODINGS +
	    (uint32_t)coding;
}

static struct bt_file *
lookup(const struct bt_file_cache *c, int root_fd, struct bt_str path,
    enum bt_coding coding, uint32_t hash)
{
	struct bt_file *f;

	for (f = c->buckets[hash & (c->buckets_n - 1)]; f; f = f->chain)
		if (f->hash == hash && f->root_fd == root_fd &&
		    f->coding == coding && bt_str_equal(f->path, path))
			return f;
	return NULL;
}

/* Makes room for `f`, which may push out all others, but never itself. */
static void
insert(struct bt_file_cache *c, struct bt_file *f, int root_fd, uint32_t hash,
    int64_t now_ms)
{
	struct bt_file **bucket = &c->buckets[hash & (c->buckets_n - 1)];

	f->cache = c;
	f->root_fd = root_fd;
	f->hash = hash;
	f->checked_ms = now_ms;
	c->entries_n++;
	c->bytes += file_bytes(f);
	c->fds += f->fd != -1;
	f->chain = *bucket;
	*bucket = bt_file_ref(f);
	TAILQ_INSERT_HEAD(&c->used, f, used);
	while (c->entries_n > 1 &&
	    (c->entries_n > c->entries_max || c->bytes > c->bytes_max ||
		c->fds > c->fds_max))
		evict(c, TAILQ_LAST(&c->used, files));
}

void
bt_file_cache_add(
    struct bt_file_cache *c, int root_fd, struct bt_file *f, int64_t now_ms)
{
	uint32_t hash = hash_of(root_fd, f->path, f->coding);
	struct bt_file *before = lookup(c, root_fd, f->path, f->coding, hash);

	if (before != NULL)
		evict(c, before);
	insert(c, f, root_fd, hash, now_ms);
}

/* 0 when it may be used; -ESTALE, and it is out; -EINPROGRESS. */
static int
validate(struct bt_file_cache *c, struct bt_file *f, int64_t now_ms,
    int64_t valid_ms)
{
	int r;

	if (now_ms - f->checked_ms < valid_ms)
		return 0;
	if ((r = bt_file_check(f, f->root_fd, BT_FILE_CACHED)) == 0)
		f->checked_ms = now_ms;
	else if (r == -ESTALE)
		evict(c, f);
	return r;
}

int
bt_file_cache_find(struct bt_file_cache *c, int root_fd, struct bt_str path,
    enum bt_coding coding, int64_t now_ms, int64_t valid_ms,
    struct bt_file **ret)
{
	uint32_t hash = hash_of(root_fd, path, coding);
	struct bt_file *f = lookup(c, root_fd, path, coding, hash);
	int r = f == NULL ? -ESTALE : validate(c, f, now_ms, valid_ms);

	if (r == 0) {
		c->hits++;
		if (TAILQ_FIRST(&c->used) != f) {
			TAILQ_REMOVE(&c->used, f, used);
			TAILQ_INSERT_HEAD(&c->used, f, used);
		}
		*ret = bt_file_ref(f);
		return 0;
	}
	if (r != -ESTALE)
		return r;
	c->misses++;
	if ((r = bt_file_open(root_fd, path, coding, BT_FILE_CACHED, &f)) < 0)
		return r;
	insert(c, f, root_fd, hash, now_ms);
	*ret = f;
	return 0;
}

void
bt_file_cache_counts(
    const struct bt_file_cache *c, uint64_t *ret_hits, uint64_t *ret_misses)
{
	*ret_hits = c->hits;
	*ret_misses = c->misses;
}
