/*
 * The test's folder and memory.  In the test's own process, but for the root.
 */

#include "tests/system/scratch.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *root;
static char *folder;

/* What scratch_alloc() gave, found again by its header. */
struct block {
	struct block *next, **link;
	max_align_t data[];
};
static struct block *blocks;

const char *
scratch_root_make(void)
{
	const char *tmp = getenv("TMPDIR");

	if (asprintf(&root, "%s/baton-system-XXXXXX",
		tmp && *tmp ? tmp : "/tmp") == -1 ||
	    mkdtemp(root) == NULL) {
		perror("scratch folder");
		exit(2);
	}
	chmod(root, 0755); /* workers may have become somebody else */
	return root;
}

void
scratch_root_free(void)
{
	free(root);
	root = NULL;
}

const char *
scratch(void)
{
	if (folder == NULL) {
		folder = scratch_printf("%s/XXXXXX", root);
		if (mkdtemp(folder) == NULL)
			ck_abort_msg("mkdtemp %s: %s", folder, strerror(errno));
		chmod(folder, 0755);
	}
	return folder;
}

static void
block_link(struct block *b)
{
	b->next = blocks;
	b->link = &blocks;
	if (blocks != NULL)
		blocks->link = &b->next;
	blocks = b;
}

void *
scratch_alloc(size_t n)
{
	struct block *b = calloc(1, sizeof(*b) + n);

	if (b == NULL)
		ck_abort_msg("out of memory");
	block_link(b);
	return b->data;
}

/* The block of what scratch_alloc() gave, out of the list. */
static struct block *
block_unlink(void *data)
{
	struct block *b = (struct block *)(void *)((char *)data -
	    offsetof(struct block, data));

	*b->link = b->next;
	if (b->next != NULL)
		b->next->link = b->link;
	return b;
}

void
scratch_free(void *data)
{
	if (data != NULL)
		free(block_unlink(data));
}

void *
scratch_resize(void *data, size_t n)
{
	struct block *b;

	if (data == NULL)
		return scratch_alloc(n);
	b = realloc(block_unlink(data), sizeof(*b) + n);
	if (b == NULL)
		ck_abort_msg("out of memory");
	block_link(b);
	return b->data;
}

char *
scratch_printf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = scratch_alloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

char *
scratch_join(const void *bytes, size_t n, const char *text)
{
	char *both = scratch_alloc(n + strlen(text) + 1);

	memcpy(both, bytes, n);
	strcpy(both + n, text);
	return both;
}

char *
scratch_path(const char *name)
{
	return scratch_printf("%s/%s", scratch(), name);
}

static void
make_parents(char *path)
{
	for (char *at = path + strlen(scratch()) + 1; (at = strchr(at, '/'));
	     at++) {
		*at = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			ck_abort_msg("mkdir %s: %s", path, strerror(errno));
		*at = '/';
	}
}

char *
scratch_file(const char *name, const void *bytes, size_t n)
{
	char *path = scratch_path(name);
	const char *at = bytes;
	int fd;

	make_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1)
		ck_abort_msg("open %s: %s", path, strerror(errno));
	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done <= 0)
			ck_abort_msg("write %s: %s", path, strerror(errno));
		at += done;
		n -= (size_t)done;
	}
	close(fd);
	return path;
}

char *
scratch_text(const char *name, const char *text)
{
	return scratch_file(name, text, strlen(text));
}

char *
scratch_read(const char *name, size_t *ret_n)
{
	char *path = scratch_path(name), *text = NULL;
	size_t n = 0, cap = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd == -1)
		return NULL;
	do {
		if (cap - n < 4096)
			text = scratch_resize(text, cap = 2 * cap + 8192);
		got = read(fd, text + n, cap - n - 1);
		if (got == -1)
			ck_abort_msg("read %s: %s", path, strerror(errno));
		n += (size_t)got;
	} while (got > 0);
	close(fd);
	text[n] = '\0';
	if (ret_n != NULL)
		*ret_n = n;
	return text;
}

bool
scratch_exists(const char *name)
{
	return access(scratch_path(name), F_OK) == 0;
}

void
scratch_noise(char *out, size_t n, unsigned seed)
{
	uint64_t x = 0x9e3779b97f4a7c15u + seed;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[i] = (char)(x >> 24);
	}
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void
scratch_remove(void)
{
	if (folder != NULL)
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	folder = NULL;
	while (blocks != NULL) {
		struct block *next = blocks->next;

		free(blocks);
		blocks = next;
	}
}
