#ifndef BT_BASE_BUF_H
#define BT_BASE_BUF_H

/*
 * A byte buffer that grows.  `{0}` is a valid empty one.  Kept NUL-terminated
 * once anything was appended, the NUL not counted.  Growth ends the process
 * when memory is out: bound what a peer appends before you append it.
 */

#include "base/str.h"

struct bt_buf {
	char *data; /* NULL until the first append */
	size_t len, cap;
};

void bt_buf_append(struct bt_buf *, const void *bytes, size_t n);
void bt_buf_puts(struct bt_buf *, const char *);
void bt_buf_putc(struct bt_buf *, char);
void bt_buf_printf(struct bt_buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for `n` more bytes behind `len`; the caller writes and adds to len. */
char *bt_buf_reserve(struct bt_buf *, size_t n);

/* Drops the content and keeps the memory. */
static inline void
bt_buf_clear(struct bt_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

/* Frees the memory; the buffer is empty and usable again. */
void bt_buf_fini(struct bt_buf *);

static inline struct bt_str
bt_buf_str(const struct bt_buf *b)
{
	return (struct bt_str){ b->data, b->len };
}

#endif
