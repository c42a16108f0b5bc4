#ifndef BT_TESTS_FUSE_H
#define BT_TESTS_FUSE_H

/*
 * A file system of one folder, served by who mounts it: for tests, and for
 * bench/, in which a disk has to be slow.  The kernel caches its names and
 * contents as those of a disk.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_disk {
	int fd; /* fuse_mount()'s */
	/* A file of that name: its number, 2 or more, or 0. */
	uint64_t (*find)(void *arg, const char *name);
	uint64_t (*size)(void *arg, uint64_t file);
	void (*read)(
	    void *arg, uint64_t file, uint64_t offset, char *out, size_t n);
	/* Called before a name is looked for, or read: takes its time. */
	void (*wait)(void *arg);
	void *arg;
};

/*
 * Mounts one at that folder, in a mount namespace of the caller's own: the
 * mount goes with the process.
 *
 * Returns: its descriptor, or negative errno: FUSE, or mounting, is not there.
 */
int fuse_mount(const char *folder);

/* Answers until it is unmounted; several threads may, for one disk. */
void fuse_serve(const struct fuse_disk *);

#endif
