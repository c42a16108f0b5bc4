/*
 * A strict little reader: what a server must not send is an error here.
 */

#include "tests/torture/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
reply_init(struct reply *r)
{
	r->state = REPLY_HEAD;
	r->begun = r->close = false;
	r->status = 0;
	r->left = 0;
	r->line_n = 0;
}

/* The value of a field in the head, or NULL; it ends with CRLF. */
static const char *
field(const struct reply *r, const char *name)
{
	size_t n = strlen(name);
	const char *at = r->line;

	while ((at = strstr(at, "\r\n")) != NULL) {
		at += 2;
		if (strncasecmp(at, name, n) == 0 && at[n] == ':')
			return at + n + 1 + strspn(at + n + 1, " \t");
	}
	return NULL;
}

static int
take_head(struct reply *r)
{
	const char *value;
	int minor;

	if (sscanf(r->line, "HTTP/1.%d %3d", &minor, &r->status) != 2)
		return -1;
	if (r->status / 100 == 1) { /* another follows */
		r->line_n = 0;
		return 0;
	}
	value = field(r, "Connection");
	r->close = (value != NULL && strncasecmp(value, "close", 5) == 0) ||
	    (value == NULL && minor == 0);
	r->line_n = 0;
	value = field(r, "Transfer-Encoding");
	if (value != NULL && strncasecmp(value, "chunked", 7) == 0) {
		r->state = REPLY_CHUNK_SIZE;
		return 0;
	}
	value = field(r, "Content-Length");
	if (value == NULL)
		return -1;
	r->left = strtoull(value, NULL, 10);
	r->state = r->left > 0 ? REPLY_BODY : REPLY_DONE;
	return 0;
}

static int
take_chunk_size(struct reply *r)
{
	char *end;

	r->left = strtoull(r->line, &end, 16);
	if (end == r->line)
		return -1;
	r->line_n = 0;
	r->state = r->left > 0 ? REPLY_CHUNK : REPLY_TRAILER;
	r->left += r->left > 0 ? 2 : 0; /* its CRLF */
	return 0;
}

static bool
ends_with(const struct reply *r, const char *end)
{
	size_t n = strlen(end);

	return r->line_n >= n && memcmp(r->line + r->line_n - n, end, n) == 0;
}

/* A byte of a head, a chunk's line or the trailer. */
static int
take_byte(struct reply *r, char c)
{
	if (r->line_n + 1 >= REPLY_LINE_MAX)
		return -1;
	r->line[r->line_n++] = c;
	r->line[r->line_n] = '\0';
	if (c != '\n')
		return 0;
	if (r->state == REPLY_HEAD)
		return ends_with(r, "\r\n\r\n") ? take_head(r) : 0;
	if (r->state == REPLY_CHUNK_SIZE)
		return take_chunk_size(r);
	if (r->line_n == 2)
		r->state = REPLY_DONE;
	r->line_n = 0;
	return 0;
}

/* How much of a piece is content, and how much of it is taken. */
static size_t
take_content(struct reply *r, size_t n, size_t *ret_content)
{
	uint64_t end = r->state == REPLY_CHUNK ? 2 : 0;
	uint64_t content = r->left > end ? r->left - end : 0;

	if (n > r->left)
		n = (size_t)r->left;
	*ret_content = n < content ? n : (size_t)content;
	r->left -= n;
	if (r->left == 0)
		r->state =
		    r->state == REPLY_CHUNK ? REPLY_CHUNK_SIZE : REPLY_DONE;
	return n;
}

ssize_t
reply_feed(struct reply *r, const char *p, size_t n,
    void (*on_content)(void *arg, const char *, size_t), void *arg)
{
	size_t at = 0;

	while (at < n && r->state != REPLY_DONE) {
		r->begun = true;
		if (r->state == REPLY_BODY || r->state == REPLY_CHUNK) {
			size_t content;
			size_t taken = take_content(r, n - at, &content);

			if (content > 0)
				on_content(arg, p + at, content);
			at += taken;
		} else if (take_byte(r, p[at++]) == -1)
			return -1;
	}
	return (ssize_t)at;
}
