/*
 * The coded answers of a worker.  The key names the file and its validator, so
 * that one which was made from an older file is not found any more, and goes in
 * its time.  Worker, on the loop.
 */

#include "handlers/gzip_cache.h"

#include "base/mem.h"
#include "handlers/gzip.h"

#include <stdlib.h>

#define BUCKETS 1024

TAILQ_HEAD(entries, bt_gzip_entry);

struct bt_gzip {
	size_t bytes, bytes_max;
	struct entries used; /* the one that was used last in front */
	struct bt_gzip_entry *buckets[BUCKETS];
};

struct bt_gzip *
bt_gzip_new(size_t bytes_max)
{
	struct bt_gzip *g = bt_mem_zero(1, sizeof(*g));

	g->bytes_max = bytes_max;
	TAILQ_INIT(&g->used);
	return g;
}

static size_t
weight(const struct bt_gzip_entry *e)
{
	return sizeof(*e) + e->key.n + e->coded.n;
}

void
bt_gzip_entry_unref(void *arg)
{
	struct bt_gzip_entry *e = arg;

	if (--e->refs > 0)
		return;
	free((void *)(uintptr_t)e->key.p);
	free((void *)(uintptr_t)e->coded.p);
	free(e);
}

static void
drop(struct bt_gzip_entry *e)
{
	struct bt_gzip *g = e->cache;
	struct bt_gzip_entry **link = &g->buckets[e->hash % BUCKETS];

	while (*link != e)
		link = &(*link)->chain;
	*link = e->chain;
	TAILQ_REMOVE(&g->used, e, used);
	g->bytes -= weight(e);
	e->cache = NULL;
	bt_gzip_entry_unref(e);
}

void
bt_gzip_free(struct bt_gzip *g)
{
	struct bt_gzip_entry *e;

	if (g == NULL)
		return;
	while ((e = TAILQ_FIRST(&g->used)) != NULL)
		drop(e);
	free(g);
}

struct bt_gzip_entry *
bt_gzip_find(struct bt_gzip *g, struct bt_str key)
{
	uint32_t hash = bt_str_hash(key, false);
	struct bt_gzip_entry *e = g->buckets[hash % BUCKETS];

	while (e != NULL && (e->hash != hash || !bt_str_equal(e->key, key)))
		e = e->chain;
	if (e == NULL)
		return NULL;
	TAILQ_REMOVE(&g->used, e, used);
	TAILQ_INSERT_HEAD(&g->used, e, used);
	e->refs++;
	return e;
}

static void
keep(struct bt_gzip *g, struct bt_gzip_entry *e)
{
	struct bt_gzip_entry *old = bt_gzip_find(g, e->key), *last;

	if (old != NULL) { /* two were coded at the same time */
		drop(old);
		bt_gzip_entry_unref(old);
	}
	e->cache = g;
	e->refs++;
	e->chain = g->buckets[e->hash % BUCKETS];
	g->buckets[e->hash % BUCKETS] = e;
	TAILQ_INSERT_HEAD(&g->used, e, used);
	g->bytes += weight(e);
	while (g->bytes > g->bytes_max &&
	    (last = TAILQ_LAST(&g->used, entries)) != NULL && last != e)
		/* the analyzer does not see that drop() takes it off */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		drop(last);
}

struct bt_gzip_entry *
bt_gzip_add(struct bt_gzip *g, struct bt_str key, struct bt_str coded)
{
	struct bt_gzip_entry *e = bt_mem_zero(1, sizeof(*e));

	e->refs = 1;
	e->coded = coded;
	if (key.n == 0)
		return e;
	e->key = (struct bt_str){ bt_mem_strndup(key.p, key.n), key.n };
	e->hash = bt_str_hash(key, false);
	keep(g, e);
	return e;
}
