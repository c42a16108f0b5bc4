#ifndef BT_BASE_MEM_H
#define BT_BASE_MEM_H

/*
 * Memory whose size we choose: these never return NULL, the process ends with
 * a message instead (a worker's slot is then refilled).  Memory whose size a
 * peer chooses is bounded first and taken with bt_mem_try().
 */

#include <stddef.h>

/* `n` bytes, not cleared; the caller frees them with free(). */
void *bt_mem_new(size_t n) __attribute__((malloc, returns_nonnull));

/* `count` x `size` bytes of zeros; an overflow ends the process too. */
void *bt_mem_zero(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));

/* realloc() that ends the process on failure; an overflow too. */
void *bt_mem_resize(void *, size_t count, size_t size)
    __attribute__((returns_nonnull));

/* `n` bytes, or NULL: for sizes that a peer chose. */
void *bt_mem_try(size_t n) __attribute__((malloc));

/* A copy of `n` bytes with a NUL behind it, the caller's to free(). */
char *bt_mem_strndup(const char *, size_t n)
    __attribute__((malloc, returns_nonnull));
char *bt_mem_strdup(const char *) __attribute__((malloc, returns_nonnull));

#endif
