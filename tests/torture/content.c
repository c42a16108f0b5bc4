/*
 * Requests and the answers that they must get.
 */

#include "tests/torture/content.h"

#include "tests/torture/random.h"
#include "tests/torture/say.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_MAX 256
#define MARK_FORMAT "E%016" PRIx64 "\n"
#define MARK_BYTES 18

static char *big; /* what /big is */

/* Content of which each part shows whose it is and where it belongs. */
static char
pattern(uint64_t number, size_t at)
{
	return (char)('a' + (number * 31 + at * 7 + (at >> 8)) % 26);
}

static void
write_file(const char *folder, const char *name, const char *bytes, size_t n)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1 || write(fd, bytes, n) != (ssize_t)n)
		say_die(path);
	close(fd);
}

void
content_write_files(const char *folder)
{
	char path[4096];
	char name[32], text[32];

	snprintf(path, sizeof(path), "%s/n", folder);
	if (mkdir(path, 0755) == -1)
		say_die(path);
	for (int i = 0; i < CONTENT_FILES; i++) {
		snprintf(name, sizeof(name), "n/%04d", i);
		snprintf(text, sizeof(text), "N %04d\n", i);
		write_file(folder, name, text, strlen(text));
	}
	big = malloc(CONTENT_BIG_BYTES);
	if (big == NULL)
		say_die("malloc");
	for (size_t i = 0; i < CONTENT_BIG_BYTES; i += sizeof(uint64_t)) {
		uint64_t word = random_mix(i + 1);

		memcpy(big + i, &word, sizeof(word));
	}
	write_file(folder, "big", big, CONTENT_BIG_BYTES);
}

void
content_ask(struct ask *a, enum what what, uint64_t number, size_t bytes)
{
	*a = (struct ask){ .what = what, .number = number, .bytes = bytes };
	if (what == ASK_FILE)
		a->number %= CONTENT_FILES;
}

size_t
content_request_max(const struct ask *a)
{
	return HEAD_MAX + a->bytes + MARK_BYTES;
}

void
content_fill(uint64_t number, size_t n, char *out)
{
	char mark[MARK_BYTES + 1];

	for (size_t i = 0; i < n; i++)
		out[i] = pattern(number, i);
	snprintf(mark, sizeof(mark), MARK_FORMAT, number);
	memcpy(out, mark, n < MARK_BYTES ? n : MARK_BYTES);
}

static const char *
path_of(const struct ask *a, char out[64])
{
	if (a->what == ASK_PROXIED_POST)
		snprintf(out, 64, "proxied/post/%" PRIu64, a->number);
	else
		strcpy(out, a->what == ASK_ECHO ? "echo" : "post");
	return out;
}

size_t
content_request(const struct ask *a, bool last, char *out)
{
	const char *end = last ? "Connection: close\r\n\r\n" : "\r\n";
	char path[64];
	int n = 0;

	switch (a->what) {
	case ASK_GENERATION:
		n = snprintf(out, HEAD_MAX,
		    "GET /gen HTTP/1.1\r\nHost: torture\r\n%s", end);
		break;
	case ASK_FILE:
		n = snprintf(out, HEAD_MAX,
		    "GET /n/%04u HTTP/1.1\r\nHost: torture\r\n%s",
		    (unsigned)a->number, end);
		break;
	case ASK_BIG:
		n = snprintf(out, HEAD_MAX,
		    "GET /big HTTP/1.1\r\nHost: torture\r\n%s", end);
		break;
	case ASK_PROXIED_GET: /* by either route */
		n = snprintf(out, HEAD_MAX,
		    "GET /%s/get/%" PRIu64
		    "/%zu HTTP/1.1\r\nHost: torture\r\n%s",
		    a->number % 4 == 0 ? "buffered" : "proxied", a->number,
		    a->bytes, end);
		break;
	case ASK_ECHO:
	case ASK_POST:
	case ASK_PROXIED_POST:
		n = snprintf(out, HEAD_MAX,
		    "POST /%s HTTP/1.1\r\nHost: torture\r\n"
		    "Content-Type: text/plain\r\nContent-Length: %zu\r\n%s",
		    path_of(a, path), a->bytes, end);
		content_fill(a->number, a->bytes, out + n);
		n += (int)a->bytes;
		break;
	}
	return (size_t)n;
}

static void
check_echo(struct ask *a, const char *piece, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a->at + i >= MARK_BYTES &&
		    piece[i] != pattern(a->number, a->at + i))
			a->is_wrong = true;
}

void
content_check(struct ask *a, const char *piece, size_t n)
{
	for (size_t i = a->at; i < CONTENT_GOT_MAX - 1 && i - a->at < n; i++)
		a->got[i] = piece[i - a->at];
	switch (a->what) {
	case ASK_ECHO:
	case ASK_PROXIED_GET:
	case ASK_PROXIED_POST:
		check_echo(a, piece, n);
		break;
	case ASK_BIG:
		if (a->at + n > CONTENT_BIG_BYTES ||
		    memcmp(big + a->at, piece, n) != 0)
			a->is_wrong = true;
		break;
	case ASK_GENERATION:
	case ASK_FILE:
	case ASK_POST:
		break;
	}
	a->at += n;
}

/* It shows a number; is it ours? */
static enum outcome
verdict_number(const struct ask *a, uint64_t number)
{
	return number == a->number ? OUTCOME_OK : OUTCOME_ORDER;
}

static enum outcome
verdict_content(const struct ask *a, unsigned *ret_generation)
{
	uint64_t number;
	unsigned small;

	switch (a->what) {
	case ASK_GENERATION:
	case ASK_POST:
		if (sscanf(a->got, "GEN %u", &small) != 1)
			break;
		*ret_generation = small;
		return small < a->min_generation ? OUTCOME_OLD_CONF
						 : OUTCOME_OK;
	case ASK_FILE:
		if (sscanf(a->got, "N %u", &small) != 1)
			break;
		return verdict_number(a, small);
	case ASK_ECHO:
	case ASK_PROXIED_GET:
	case ASK_PROXIED_POST:
		if (a->got[0] != 'E' ||
		    sscanf(a->got + 1, "%16" SCNx64, &number) != 1)
			break;
		if (number != a->number)
			return OUTCOME_ORDER;
		return a->is_wrong || a->at != a->bytes ? OUTCOME_CONTENT
							: OUTCOME_OK;
	case ASK_BIG:
		return a->is_wrong || a->at != CONTENT_BIG_BYTES
		    ? OUTCOME_CONTENT
		    : OUTCOME_OK;
	}
	/* the answer to another kind of request, or to none */
	return strncmp(a->got, "GEN ", 4) == 0 ||
		strncmp(a->got, "N ", 2) == 0 || a->got[0] == 'E'
	    ? OUTCOME_ORDER
	    : OUTCOME_CONTENT;
}

enum outcome
content_verdict(
    const struct ask *a, const struct reply *r, unsigned *ret_generation)
{
	*ret_generation = 0;
	if (r->status != 200)
		return OUTCOME_STATUS;
	return verdict_content(a, ret_generation);
}
