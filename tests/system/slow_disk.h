#ifndef BT_TESTS_SLOW_DISK_H
#define BT_TESTS_SLOW_DISK_H

/*
 * A disk that answers when the test says so: a FUSE file system that the test
 * itself serves, in a mount namespace of its own.  Names and contents are
 * cached by the kernel as on a disk, once they have been read.
 */

#include <stdbool.h>
#include <stddef.h>

struct slow_disk;

/* In its root there are `tiny.txt` (SLOW_DISK_TINY), and `big.bin`. */
#define SLOW_DISK_TINY "from a slow disk\n"
enum { SLOW_DISK_BIG = 3 * 1024 * 1024 + 17 };

/* The byte of big.bin at `i`. */
static inline char
slow_disk_byte(size_t i)
{
	return (char)('a' + i % 23 + i / 65536 % 3);
}

/*
 * Mounts it at that folder.  NULL where that is not allowed, after a word on
 * stderr: the test has nothing to say then.
 */
struct slow_disk *slow_disk_mount(const char *folder);

/* From now on lookups, and reads, wait. */
void slow_disk_hold(struct slow_disk *);

/* Returns when something waits for the disk. */
void slow_disk_await(struct slow_disk *);

/* What waits goes on, and nothing waits any more. */
void slow_disk_release(struct slow_disk *);

void slow_disk_unmount(struct slow_disk *);

#endif
