#ifndef BT_BASE_ARENA_H
#define BT_BASE_ARENA_H

/*
 * Memory that dies together: what an exchange, or a conf, allocates.  `{0}` is
 * a valid empty arena and costs nothing until it is used.
 */

#include "base/str.h"

struct bt_arena_block;

struct bt_arena {
	struct bt_arena_block *blocks; /* newest first */
	char *at, *end;                /* what is free in the newest */
};

/* `n` bytes aligned for any type, never NULL; freed with the arena. */
void *bt_arena_alloc(struct bt_arena *, size_t n)
    __attribute__((returns_nonnull));
void *bt_arena_zero(struct bt_arena *, size_t n)
    __attribute__((returns_nonnull));

/* A copy with a NUL behind it (not counted). */
struct bt_str bt_arena_copy(struct bt_arena *, struct bt_str);
char *bt_arena_strdup(struct bt_arena *, const char *);

/* printf into the arena, NUL-terminated. */
struct bt_str bt_arena_printf(struct bt_arena *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees everything but one block of the usual size, kept for the next use. */
void bt_arena_reset(struct bt_arena *);

/* Frees everything. */
void bt_arena_fini(struct bt_arena *);

#endif
