/*
 * Answers, read as a client reads them that trusts nobody.  Fuzzing only.
 */

#include "tests/fuzz/answers.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
	const char *at, *end;
	const char *log;
	bool proxied;
};

/* What one head says. */
struct head {
	unsigned status;
	bool has_length, chunked, close, upgrade;
	uint64_t length;
	unsigned dates;
};

static void
wrong(const struct reader *r, const char *what)
{
	fprintf(stderr, "answers: %s, before: %.200s\n", what,
	    r->at < r->end ? r->at : "(the end)");
	abort();
}

/* Takes a line without its CRLF; false: it is cut. */
static bool
take_line(struct reader *r, const char **line, size_t *n)
{
	const char *lf = memchr(r->at, '\n', (size_t)(r->end - r->at));

	if (lf == NULL)
		return false;
	*line = r->at;
	*n = (size_t)(lf - r->at);
	if (*n == 0 || lf[-1] != '\r')
		wrong(r, "a line that does not end with CRLF");
	--*n;
	for (size_t i = 0; i < *n; i++)
		if ((unsigned char)r->at[i] < ' ' && r->at[i] != '\t')
			wrong(r, "a control byte in a head");
	r->at = lf + 1;
	return true;
}

static void
read_status(struct reader *r, const char *line, size_t n, struct head *h)
{
	char code[4] = "";

	if (n < 13 || strncmp(line, "HTTP/1.1 ", 9) != 0 || line[12] != ' ')
		wrong(r, "no status line");
	memcpy(code, line + 9, 3);
	if (strspn(code, "0123456789") != 3)
		wrong(r, "no status");
	h->status = (unsigned)atoi(code);
	if (h->status < 100 || h->status > 599)
		wrong(r, "no such status");
}

static bool
is_name(const char *line, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(line, name, n) == 0;
}

static void
read_length(struct reader *r, const char *value, size_t n, struct head *h)
{
	char *end;

	if (h->has_length || n == 0 || value[0] < '0' || value[0] > '9')
		wrong(r, "a wrong Content-Length");
	h->has_length = true;
	h->length = strtoull(value, &end, 10);
	if (end != value + n)
		wrong(r, "a wrong Content-Length");
}

static void
read_field(struct reader *r, const char *line, size_t n, struct head *h)
{
	const char *colon = memchr(line, ':', n), *value;
	size_t name = colon ? (size_t)(colon - line) : 0, rest;

	if (name == 0 || memchr(line, ' ', name) != NULL || colon[1] != ' ')
		wrong(r, "no field line");
	value = colon + 2;
	rest = n - name - 2;
	if (is_name(line, name, "Content-Length")) {
		read_length(r, value, rest, h);
	} else if (is_name(line, name, "Transfer-Encoding")) {
		if (h->chunked || !is_name(value, rest, "chunked"))
			wrong(r, "a wrong Transfer-Encoding");
		h->chunked = true;
	} else if (is_name(line, name, "Connection")) {
		h->close = is_name(value, rest, "close");
		h->upgrade = is_name(value, rest, "upgrade");
		if (!h->close && !h->upgrade &&
		    !is_name(value, rest, "keep-alive"))
			wrong(r, "a wrong Connection");
	} else if (is_name(line, name, "Date")) {
		h->dates++;
	}
}

/* false: it is cut. */
static bool
read_head(struct reader *r, struct head *h)
{
	const char *line;
	size_t n;

	*h = (struct head){ 0 };
	if (!take_line(r, &line, &n))
		return false;
	read_status(r, line, n, h);
	do {
		if (!take_line(r, &line, &n))
			return false;
		if (n > 0)
			read_field(r, line, n, h);
	} while (n > 0);
	if (h->status >= 200 &&
	    (h->dates == 0 || (h->dates > 1 && !r->proxied)))
		wrong(r, "not one Date");
	if (h->upgrade != (h->status == 101) || (h->upgrade && !r->proxied))
		wrong(r, "a switch that cannot be");
	if (h->has_length && h->chunked)
		wrong(r, "Content-Length and Transfer-Encoding");
	if ((h->status < 200 || h->status == 204) &&
	    (h->has_length || h->chunked))
		wrong(r, "an announcement of content that cannot be");
	return true;
}

static bool
skip(struct reader *r, uint64_t n)
{
	if ((uint64_t)(r->end - r->at) < n) {
		r->at = r->end;
		return false;
	}
	r->at += n;
	return true;
}

static bool
read_trailers(struct reader *r)
{
	const char *line;
	size_t n;

	do {
		if (!take_line(r, &line, &n))
			return false;
		if (n > 0 && (!r->proxied || memchr(line, ':', n) == NULL))
			wrong(r, "a trailer");
	} while (n > 0);
	return true;
}

static bool
read_chunks(struct reader *r)
{
	for (;;) {
		const char *line;
		char *end;
		size_t n;
		uint64_t size;

		if (!take_line(r, &line, &n))
			return false;
		size = strtoull(line, &end, 16);
		if (n == 0 || end != line + n)
			wrong(r, "a wrong chunk size");
		if (size == 0)
			return read_trailers(r);
		if (!skip(r, size) || !take_line(r, &line, &n))
			return false;
		if (n != 0)
			wrong(r, "a chunk without its end");
	}
}

/* Whether an answer has content, by its request. */
enum content { CONTENT_NONE, CONTENT_THERE, CONTENT_MAYBE };

/*
 * By the next line of the log.  What was refused may not have got as far as to
 * be HEAD, though it begins like that.
 */
static enum content
next_content(struct reader *r, const struct head *h)
{
	const char *request = strstr(r->log, "] \"");
	bool is_head;

	if (request == NULL)
		wrong(r, "an answer that is not in the log");
	is_head = strncmp(request + 3, "HEAD ", 5) == 0;
	r->log = strchr(request, '\n');
	if (r->log == NULL)
		wrong(r, "half a line in the log");
	r->log++;
	if (h->status >= 400 && h->close && (is_head || request[3] == '-'))
		return CONTENT_MAYBE;
	return is_head ? CONTENT_NONE : CONTENT_THERE;
}

/* false: it is cut, or ends with the connection. */
static bool
read_content(struct reader *r, const struct head *h)
{
	enum content content = next_content(r, h);

	if (content == CONTENT_NONE || h->status == 204 || h->status == 304 ||
	    (content == CONTENT_MAYBE && r->at == r->end))
		return true;
	if (h->chunked)
		return read_chunks(r);
	if (h->has_length)
		return skip(r, h->length);
	if (!h->close)
		wrong(r, "content without an end");
	return skip(r, (uint64_t)(r->end - r->at));
}

static struct answers
read_all(struct reader *r, void (*on_answer)(const struct answer *, void *),
    void *arg)
{
	const char *begin = r->at;
	struct answers a = { 0 };
	struct head h;

	while (r->at < r->end && !a.cut && !a.switched) {
		struct answer answer = { .nth = a.n, .head = r->at };

		if (a.announced)
			wrong(r, "bytes behind Connection: close");
		a.cut = !read_head(r, &h);
		a.switched = !a.cut && h.status == 101;
		if (a.cut || a.switched || h.status >= 200)
			a.n++;
		if (a.cut || (h.status < 200 && !a.switched))
			continue;
		answer.status = h.status;
		answer.head_n = (size_t)(r->at - answer.head);
		if (on_answer != NULL)
			on_answer(&answer, arg);
		if (a.switched)
			break;
		a.announced = h.close;
		a.cut = !read_content(r, &h);
	}
	a.behind = (size_t)(r->at - begin);
	return a;
}

struct answers
answers_read(const char *bytes, size_t n, const char *log)
{
	struct reader r = { bytes, bytes + n, log, false };

	return read_all(&r, NULL, NULL);
}

struct answers
answers_read_proxied(const char *bytes, size_t n, const char *log,
    void (*on_answer)(const struct answer *, void *), void *arg)
{
	struct reader r = { bytes, bytes + n, log, true };

	return read_all(&r, on_answer, arg);
}
