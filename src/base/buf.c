/*
 * A byte buffer that grows.  Any process.
 */

#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP_FIRST 64
#define CAP_MOST (SIZE_MAX / 2) /* no object is larger: malloc() refuses it */

static size_t
grown(size_t cap, size_t need)
{
	if (cap == 0)
		cap = CAP_FIRST;
	while (cap < need)
		cap *= 2;
	return cap;
}

char *
bt_buf_reserve(struct bt_buf *b, size_t n)
{
	size_t need;

	if (n >= CAP_MOST || b->len + n >= CAP_MOST)
		need = SIZE_MAX; /* ends the process below */
	else
		need = b->len + n + 1; /* the NUL */
	if (need > b->cap) {
		size_t cap = need < CAP_MOST ? grown(b->cap, need) : need;

		b->data = bt_mem_resize(b->data, cap, 1);
		b->cap = cap;
		b->data[b->len] = '\0';
	}
	return b->data + b->len;
}

void
bt_buf_append(struct bt_buf *b, const void *bytes, size_t n)
{
	char *at = bt_buf_reserve(b, n);

	if (n > 0)
		memcpy(at, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
bt_buf_puts(struct bt_buf *b, const char *s)
{
	bt_buf_append(b, s, strlen(s));
}

void
bt_buf_putc(struct bt_buf *b, char c)
{
	bt_buf_append(b, &c, 1);
}

void
bt_buf_printf(struct bt_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		char *at = bt_buf_reserve(b, (size_t)n);

		vsnprintf(at, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
bt_buf_fini(struct bt_buf *b)
{
	free(b->data);
	*b = (struct bt_buf){ 0 };
}
