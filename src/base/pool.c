/*
 * Blocks that are borrowed and given back.  Under AddressSanitizer a block that
 * was given back is poisoned, so that its use after that is seen.  Worker, on
 * the loop.
 */

#include "base/pool.h"

#include "base/mem.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

struct bt_pool_free {
	struct bt_pool_free *next;
};

void
bt_pool_init(struct bt_pool *p, size_t size, unsigned keep)
{
	*p = (struct bt_pool){ .size = size, .keep = keep };
}

void *
bt_pool_take(struct bt_pool *p)
{
	struct bt_pool_free *block = p->free;

	p->lent++;
	if (block == NULL)
		return bt_mem_new(p->size);
	p->free = block->next;
	p->free_n--;
	UNPOISON(block, p->size);
	return block;
}

void
bt_pool_give(struct bt_pool *p, void *block)
{
	struct bt_pool_free *first = block;

	if (block == NULL)
		return;
	p->lent--;
	if (p->free_n >= p->keep) {
		free(block);
		return;
	}
	first->next = p->free;
	p->free = first;
	p->free_n++;
	/* the link at its head stays readable */
	POISON((char *)block + sizeof(*first), p->size - sizeof(*first));
}

void
bt_pool_fini(struct bt_pool *p)
{
	struct bt_pool_free *block;

	while ((block = p->free) != NULL) {
		p->free = block->next;
		UNPOISON(block, p->size);
		free(block);
	}
	p->free_n = 0;
}
