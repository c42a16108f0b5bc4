/*
 * The slow disk: a file system that a thread of the test serves, and a gate
 * before everything that a disk takes its time for.
 */

#include "tests/system/slow_disk.h"

#include "tests/system/fuse.h"
#include "tests/system/scratch.h"
#include "tests/system/wait.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <unistd.h>

enum { TINY = 2, BIG };

struct slow_disk {
	struct fuse_disk fuse;
	int waits_fd; /* readable while something waits */
	const char *folder;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t released;
	bool held;
};

static uint64_t
find(void *disk, const char *name)
{
	return strcmp(name, "tiny.txt") == 0 ? TINY
	    : strcmp(name, "big.bin") == 0   ? BIG
					     : 0;
}

static uint64_t
size(void *disk, uint64_t file)
{
	return file == TINY ? sizeof(SLOW_DISK_TINY) - 1 : SLOW_DISK_BIG;
}

static void
read_file(void *disk, uint64_t file, uint64_t offset, char *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = file == TINY ? SLOW_DISK_TINY[offset + i]
				      : slow_disk_byte(offset + i);
}

/* What a disk takes its time for waits here, when the test wants that. */
static void
wait_while_held(void *disk)
{
	struct slow_disk *d = disk;
	uint64_t one = 1;

	pthread_mutex_lock(&d->lock);
	if (d->held && write(d->waits_fd, &one, sizeof(one)) == -1)
		perror("slow disk");
	while (d->held)
		pthread_cond_wait(&d->released, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static void *
thread_main(void *disk)
{
	struct slow_disk *d = disk;

	fuse_serve(&d->fuse);
	return NULL;
}

struct slow_disk *
slow_disk_mount(const char *folder)
{
	struct slow_disk *d = scratch_alloc(sizeof(*d));

	d->fuse = (struct fuse_disk){ .fd = fuse_mount(folder),
		.find = find,
		.size = size,
		.read = read_file,
		.wait = wait_while_held,
		.arg = d };
	if (d->fuse.fd < 0) {
		fprintf(stderr, "skipped: no FUSE file system here: %s\n",
		    strerror(-d->fuse.fd));
		return NULL;
	}
	d->folder = folder;
	d->waits_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->released, NULL);
	ck_assert_int_eq(pthread_create(&d->thread, NULL, thread_main, d), 0);
	return d;
}

void
slow_disk_hold(struct slow_disk *d)
{
	pthread_mutex_lock(&d->lock);
	d->held = true;
	pthread_mutex_unlock(&d->lock);
}

void
slow_disk_await(struct slow_disk *d)
{
	uint64_t n;

	ck_assert_msg(wait_for(d->waits_fd, POLLIN, wait_deadline()) != 0,
	    "nothing waits for the slow disk");
	ck_assert_int_eq(read(d->waits_fd, &n, sizeof(n)), sizeof(n));
}

void
slow_disk_release(struct slow_disk *d)
{
	pthread_mutex_lock(&d->lock);
	d->held = false;
	pthread_cond_broadcast(&d->released);
	pthread_mutex_unlock(&d->lock);
}

void
slow_disk_unmount(struct slow_disk *d)
{
	slow_disk_release(d);
	ck_assert_int_eq(umount2(d->folder, MNT_DETACH | MNT_FORCE), 0);
	pthread_join(d->thread, NULL);
	close(d->fuse.fd);
	close(d->waits_fd);
}
