/*
 * Memory that dies together.  Blocks of one size, kept in a list; what is
 * larger gets a block of its own behind the newest.  Any process.
 */

#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES 4096

struct bt_arena_block {
	struct bt_arena_block *next;
	_Alignas(max_align_t) char bytes[];
};

static struct bt_arena_block *
block_new(size_t n)
{
	return bt_mem_new(sizeof(struct bt_arena_block) + n);
}

void *
bt_arena_alloc(struct bt_arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	struct bt_arena_block *block;
	void *p;

	if (n == 0)
		n = 1; /* an address of its own, never NULL */
	if (n > SIZE_MAX / 2)
		return bt_mem_new(n); /* cannot be had: ends the process */
	n = (n + align - 1) & ~(align - 1);
	if ((size_t)(a->end - a->at) < n) {
		if (n > BLOCK_BYTES / 4) { /* the newest stays in use */
			block = block_new(n);
			if (a->blocks == NULL) {
				block->next = NULL;
				a->blocks = block;
			} else {
				block->next = a->blocks->next;
				a->blocks->next = block;
			}
			return block->bytes;
		}
		block = block_new(BLOCK_BYTES);
		block->next = a->blocks;
		a->blocks = block;
		a->at = block->bytes;
		a->end = block->bytes + BLOCK_BYTES;
	}
	p = a->at;
	a->at += n;
	return p;
}

void *
bt_arena_zero(struct bt_arena *a, size_t n)
{
	return memset(bt_arena_alloc(a, n), 0, n);
}

struct bt_str
bt_arena_copy(struct bt_arena *a, struct bt_str s)
{
	char *copy = bt_arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return (struct bt_str){ copy, s.n };
}

char *
bt_arena_strdup(struct bt_arena *a, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(bt_arena_alloc(a, n), s, n);
}

struct bt_str
bt_arena_printf(struct bt_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *text;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	text = bt_arena_alloc(a, (size_t)n + 1);
	text[0] = '\0';
	vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return (struct bt_str){ text, (size_t)n };
}

void
bt_arena_reset(struct bt_arena *a)
{
	struct bt_arena_block *keep, *b, *next;

	/* `end` lies in the newest block when that is one of the usual size */
	keep = a->end != NULL ? a->blocks : NULL;
	for (b = keep ? keep->next : a->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = keep;
	if (keep != NULL) {
		keep->next = NULL;
		a->at = keep->bytes;
	} else {
		a->at = a->end = NULL;
	}
}

void
bt_arena_fini(struct bt_arena *a)
{
	struct bt_arena_block *b, *next;

	for (b = a->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct bt_arena){ 0 };
}
