#ifndef BT_BASE_POOL_H
#define BT_BASE_POOL_H

/*
 * Blocks of one size that are borrowed and given back, last in first out, so
 * that the block in use is the one in the processor's cache.  Context: worker,
 * on the loop.
 */

#include <stddef.h>

struct bt_pool_free;

struct bt_pool {
	size_t size; /* of a block, at least a pointer's */
	struct bt_pool_free *free;
	unsigned free_n, keep; /* more than `keep` are returned to malloc */
	unsigned lent;
};

void bt_pool_init(struct bt_pool *, size_t size, unsigned keep);

/* A block, its content undefined; ends the process when memory is out. */
void *bt_pool_take(struct bt_pool *) __attribute__((returns_nonnull));

/* Takes it back; NULL is accepted. */
void bt_pool_give(struct bt_pool *, void *block);

/* Frees what is not lent. */
void bt_pool_fini(struct bt_pool *);

#endif
