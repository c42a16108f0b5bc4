/*
 * What of a file is in memory is asked by reading a byte of it under
 * RWF_NOWAIT: mincore(2) and cachestat(2) answer only to who may write it.
 * Worker: the loop asks, offload threads fetch.
 */

#include "base/pages.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECE_BYTES (64 * 1024)

ssize_t
bt_pages_read(int fd, char *out, size_t n, uint64_t offset)
{
	/* cppcheck-suppress ctuuninitvar ; it is written to */
	const struct iovec iov = { out, n };
	ssize_t r;

	do
		r = preadv2(fd, &iov, 1, (off_t)offset, RWF_NOWAIT);
	while (r == -1 && errno == EINTR);
	if (r >= 0)
		return r;
	return errno == EOPNOTSUPP ? -EAGAIN : -errno;
}

static bool
is_ready(int fd, uint64_t offset)
{
	char byte;

	return bt_pages_read(fd, &byte, 1, offset) != -EAGAIN;
}

size_t
bt_pages_ready(int fd, uint64_t offset, size_t n)
{
	size_t ready = 0, at;

	for (at = 0; at < n;) {
		if (!is_ready(fd, offset + at))
			return at;
		ready = at;
		/* at the steps of the file, not of the caller */
		at += BT_PAGES_STEP - (offset + at) % BT_PAGES_STEP;
	}
	return n == 0 || is_ready(fd, offset + n - 1) ? n : ready;
}

size_t
bt_pages_ready_lately(struct bt_pages_seen *seen, int fd, uint64_t offset,
    size_t n, int64_t now_ms)
{
	/* who sends a large file looks at it a MiB at a time */
	size_t i = ((unsigned)fd * 31 + (offset >> 20)) % 256, ready;

	if (seen->of[i].n == n && seen->of[i].fd == fd &&
	    seen->of[i].offset == offset &&
	    now_ms - seen->of[i].at_ms < BT_PAGES_LATELY_MS)
		return n;
	ready = bt_pages_ready(fd, offset, n);
	if (ready == n) {
		seen->of[i].fd = fd;
		seen->of[i].offset = offset;
		seen->of[i].n = n;
		seen->of[i].at_ms = now_ms;
	}
	return ready;
}

void
bt_pages_fetch(int fd, uint64_t offset, size_t n)
{
	char piece[PIECE_BYTES];
	ssize_t r;

	while (n > 0) {
		r = pread(fd, piece, n < sizeof(piece) ? n : sizeof(piece),
		    (off_t)offset);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return;
		offset += (uint64_t)r;
		n -= (size_t)r;
	}
}
