#ifndef BT_BASE_PAGES_H
#define BT_BASE_PAGES_H

/*
 * Whether a file's bytes are in memory, so that reading or sending them does
 * not wait for a disk.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * How many bytes from `offset` on, of `n`, can be had without waiting
 * (preadv2(2), RWF_NOWAIT).  Looks at one page in each BT_PAGES_STEP, and at
 * the last: files come into memory, and go, in runs that are longer than that.
 * At the end of the file, or where it cannot be read, it says yes: who reads
 * there is told, and does not wait.
 *
 * Returns: 0 .. n; 0, too, where the file system cannot say.
 */
size_t bt_pages_ready(int fd, uint64_t offset, size_t n);

/* What was found to be in memory lately; all zero: nothing. */
struct bt_pages_seen {
	struct {
		uint64_t offset, n; /* n: 0 in one that is not used */
		int64_t at_ms;
		int fd;
	} of[256];
};

/* So long it is believed without another look. */
#define BT_PAGES_LATELY_MS 100

/*
 * The same, for what is sent soon: of bytes that are sent again and again only
 * the first look costs something.  They were used a moment ago, so they are the
 * last that the kernel would give up; but a descriptor that was closed
 * meanwhile, and is another file now, is believed, too.
 */
size_t bt_pages_ready_lately(
    struct bt_pages_seen *, int fd, uint64_t offset, size_t n, int64_t now_ms);

#define BT_PAGES_STEP (64 * 1024)

/* Brings them into memory.  Waits for the disk: on an offload thread. */
void bt_pages_fetch(int fd, uint64_t offset, size_t n);

/*
 * As pread(2), but without waiting.
 *
 * Returns: bytes read, 0 at the end; -EAGAIN when it would wait, or the file
 *          system cannot say; another negative errno.
 */
ssize_t bt_pages_read(int fd, char *out, size_t n, uint64_t offset);

#endif
