/*
 * Allocation that cannot fail, for what our own code sizes.  Any process.
 */

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	if (p == NULL) {
		fputs("baton: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
bt_mem_new(size_t n)
{
	return must(malloc(n ? n : 1));
}

void *
bt_mem_zero(size_t count, size_t size)
{
	return must(calloc(count ? count : 1, size ? size : 1));
}

void *
bt_mem_resize(void *old, size_t count, size_t size)
{
	if (count == 0)
		count = 1;
	return must(reallocarray(old, count, size));
}

void *
bt_mem_try(size_t n)
{
	return malloc(n ? n : 1);
}

char *
bt_mem_strndup(const char *s, size_t n)
{
	char *copy = bt_mem_new(n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
bt_mem_strdup(const char *s)
{
	return bt_mem_strndup(s, strlen(s));
}
