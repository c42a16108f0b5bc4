/*
 * Reads replies as RFC 9112 has them and forgives nothing: a proxy in front of
 * the server would not either.
 */

#include "tests/system/reply.h"

#include "tests/system/scratch.h"
#include "tests/system/wait.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_BYTES_MAX (64 * 1024)

static void
wrong(const struct client *c, const char *what)
{
	size_t n = c->end - c->at;

	ck_abort_msg("%s: %s: %.*s", client_context(), what,
	    (int)(n > 800 ? 800 : n), c->in ? c->in + c->at : "");
}

/* The offset behind the next LF from `from`, which has to be a CRLF. */
static size_t
line_end(struct client *c, size_t from)
{
	int64_t deadline = wait_deadline();

	for (;;) {
		char *lf = c->end > c->at + from
		    ? memchr(c->in + c->at + from, '\n', c->end - c->at - from)
		    : NULL;

		if (lf != NULL) {
			size_t end = (size_t)(lf - (c->in + c->at)) + 1;

			if (end - from < 2 || lf[-1] != '\r')
				wrong(c, "a line without CR");
			if (memchr(c->in + c->at + from, '\r',
				end - from - 2) != NULL)
				wrong(c, "a bare CR");
			return end;
		}
		if (c->end - c->at - from > HEAD_BYTES_MAX)
			wrong(c, "an endless line");
		if (!client_fill(c, deadline))
			wrong(c, "the connection ended amid a line");
	}
}

/* The length of the head, the empty line included. */
static size_t
head_end(struct client *c)
{
	size_t at = 0, end;

	while ((end = line_end(c, at)) - at > 2)
		at = end;
	return end;
}

static bool
is_token(const char *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)at[i]) &&
		    (at[i] == '\0' || strchr("!#$%&'*+-.^_`|~", at[i]) == NULL))
			return false;
	return n > 0;
}

/* Takes the head off the buffer into the reply and checks its lines. */
static void
take_head(struct client *c, struct reply *r)
{
	size_t n = head_end(c);
	char *head = scratch_printf("%.*s", (int)n, c->in + c->at);

	if (strlen(head) != n)
		wrong(c, "a NUL in the head");
	if (strncmp(head, "HTTP/1.1 ", 9) != 0 ||
	    !isdigit((unsigned char)head[9]) ||
	    !isdigit((unsigned char)head[10]) ||
	    !isdigit((unsigned char)head[11]) || head[12] != ' ')
		wrong(c, "not a status line");
	for (const char *line = strstr(head, "\r\n") + 2; *line != '\r';
	     line = strstr(line, "\r\n") + 2) {
		const char *colon = strchr(line, ':');

		if (colon == NULL || !is_token(line, (size_t)(colon - line)) ||
		    colon[1] != ' ')
			wrong(c, "not a field line");
	}
	scratch_free(c->head);
	c->head = head;
	c->at += n;
	r->status = (unsigned)strtoul(head + 9, NULL, 10);
	r->head = head;
	r->bytes += n;
}

const char *
reply_field(const struct reply *r, const char *name)
{
	const char *line = r->head, *value = NULL;
	size_t n = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL && line[2] != '\r') {
		line += 2;
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		ck_assert_msg(value == NULL, "%s: %s twice: %s",
		    client_context(), name, r->head);
		value = scratch_printf(
		    "%.*s", (int)strcspn(line + n + 2, "\r"), line + n + 2);
	}
	return value;
}

void
reply_wants(const struct reply *r, const char *name, const char *value)
{
	const char *is = reply_field(r, name);

	ck_assert_msg((is == NULL) == (value == NULL) &&
		(is == NULL || strcmp(is, value) == 0),
	    "%s: wanted %s: %s in\n%s", client_context(), name,
	    value ? value : "(none)", r->head);
}

void
reply_wants_content(const struct reply *r, const void *bytes, size_t n)
{
	const char *want = bytes;
	size_t i = 0;

	ck_assert_msg(r->content_n == n,
	    "%s: %zu bytes of content, not %zu: %.200s", client_context(),
	    r->content_n, n, r->content);
	while (i < n && r->content[i] == want[i])
		i++;
	ck_assert_msg(i == n, "%s: content differs at %zu of %zu",
	    client_context(), i, n);
}

void
reply_wants_text(const struct reply *r, const char *text)
{
	reply_wants_content(r, text, strlen(text));
}

/* `Sun, 06 Nov 1994 08:49:37 GMT` */
static bool
is_date(const char *s)
{
	static const char shape[] = "Aaa, 00 Aaa 0000 00:00:00 GMT";

	if (s == NULL || strlen(s) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == '0'       ? !isdigit((unsigned char)s[i])
			: shape[i] == 'A' ? !isupper((unsigned char)s[i])
			: shape[i] == 'a' ? !islower((unsigned char)s[i])
					  : s[i] != shape[i])
			return false;
	return true;
}

static void
append(struct client *c, struct reply *r, char **content, size_t n)
{
	client_peek(c, n);
	*content = scratch_resize(*content, r->content_n + n + 1);
	memcpy(*content + r->content_n, c->in + c->at, n);
	c->at += n;
	r->content_n += n;
	r->bytes += n;
	(*content)[r->content_n] = '\0';
}

/* What stands between the last chunk and the empty line. */
static void
take_trailers(struct client *c, struct reply *r)
{
	size_t end;

	while ((end = line_end(c, 0)) != 2) {
		if (memchr(c->in + c->at, ':', end) == NULL)
			wrong(c, "a trailer field without a name");
		c->at += end;
		r->bytes += end;
		r->trailers++;
	}
}

static void
take_chunks(struct client *c, struct reply *r, char **content)
{
	unsigned long size;

	do {
		size_t end = line_end(c, 0);
		char *rest;

		if (!isxdigit((unsigned char)c->in[c->at]))
			wrong(c, "not a chunk size");
		size = strtoul(c->in + c->at, &rest, 16);
		if (*rest != '\r')
			wrong(c, "something behind the chunk size");
		c->at += end;
		r->bytes += end + 2;
		if (size > 0)
			append(c, r, content, size);
		else
			take_trailers(c, r);
		if (line_end(c, 0) != 2)
			wrong(c, "no CRLF behind a chunk");
		c->at += 2;
	} while (size > 0);
}

static void
take_rest(struct client *c, struct reply *r, char **content)
{
	int64_t deadline = wait_deadline();

	while (client_fill(c, deadline))
		;
	if (c->reset)
		wrong(c, "reset amid the content");
	append(c, r, content, c->end - c->at);
}

static void
take_content(struct client *c, struct reply *r, const char *method)
{
	const char *coding = reply_field(r, "Transfer-Encoding");
	const char *length = reply_field(r, "Content-Length");
	char *content = scratch_alloc(1), *end = NULL;

	r->has_length = length != NULL;
	r->chunked = coding != NULL;
	if (coding != NULL && (length != NULL || strcmp(coding, "chunked")))
		wrong(c, "Transfer-Encoding is wrong");
	if (r->status == 204 && (length != NULL || coding != NULL))
		wrong(c, "204 with a length (RFC 9110, 8.6)");
	if (length != NULL) {
		r->content_n = strtoull(length, &end, 10);
		if (end == length || *end != '\0')
			wrong(c, "Content-Length is wrong");
	}
	if (strcmp(method, "HEAD") == 0 || r->status == 204 ||
	    r->status == 304) {
		r->content_n = 0;
	} else if (coding != NULL) {
		take_chunks(c, r, &content);
	} else if (length != NULL) {
		size_t n = r->content_n;

		r->content_n = 0;
		append(c, r, &content, n);
	} else {
		if (!r->closes)
			wrong(c, "neither a length nor a close");
		take_rest(c, r, &content);
	}
	c->content = content;
	r->content = content;
}

struct reply *
client_try_read(struct client *c, const char *method)
{
	struct reply *r = &c->reply;
	const char *connection;

	*r = (struct reply){ 0 };
	scratch_free(c->head);
	scratch_free(c->content);
	c->head = c->content = NULL;
	if (c->at == c->end && !client_fill(c, wait_deadline()))
		return NULL;
	for (take_head(c, r); r->status < 200; take_head(c, r)) {
		if (r->status != 100 && r->status != 102 && r->status != 103)
			wrong(c, "an interim answer nobody asked for");
		r->interim++;
	}
	if (!is_date(reply_field(r, "Date")))
		ck_abort_msg(
		    "%s: Date is wrong: %s", client_context(), r->head);
	connection = reply_field(r, "Connection");
	r->closes = connection != NULL && strcasecmp(connection, "close") == 0;
	take_content(c, r, method);
	return r;
}

struct reply *
client_read(struct client *c, const char *method)
{
	struct reply *r = client_try_read(c, method);

	if (r == NULL)
		ck_abort_msg("%s: the connection %s without an answer",
		    client_context(), c->reset ? "was reset" : "ended");
	return r;
}

struct reply *
client_ask(struct client *c, const char *request)
{
	client_puts(c, request);
	return client_read(c, strncmp(request, "HEAD ", 5) ? "" : "HEAD");
}

struct reply *
client_expect(struct client *c, const char *request, unsigned status)
{
	struct reply *r = client_ask(c, request);

	ck_assert_msg(r->status == status, "%s: wanted %u: %.300s\n%s%.300s",
	    client_context(), status, request, r->head, r->content);
	return r;
}

struct reply *
client_get(struct client *c, const char *target, const char *fields)
{
	return client_ask(c,
	    scratch_printf(
		"GET %s HTTP/1.1\r\nHost: t\r\n%s\r\n", target, fields));
}
