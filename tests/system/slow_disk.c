/*
 * The FUSE protocol (linux/fuse.h), as much of it as two files need, served by
 * a thread of the test.
 */

#include "tests/system/slow_disk.h"

#include "tests/system/scratch.h"
#include "tests/system/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOT = FUSE_ROOT_ID, TINY, BIG };
enum { REQUEST_BYTES = 64 * 1024 + 4096, VALID_S = 3600 };

struct slow_disk {
	int fd, waits_fd; /* readable while something waits */
	const char *folder;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t released;
	bool held;
	char *big;
};

static const struct node {
	uint64_t id;
	const char *name;
	uint32_t mode;
	uint64_t size;
} nodes[] = {
	{ ROOT, "", S_IFDIR | 0755, 0 },
	{ TINY, "tiny.txt", S_IFREG | 0644, sizeof(SLOW_DISK_TINY) - 1 },
	{ BIG, "big.bin", S_IFREG | 0644, SLOW_DISK_BIG },
};

static void
answer(
    struct slow_disk *d, uint64_t unique, int error, const void *data, size_t n)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + n),
		.error = error,
		.unique = unique };
	struct iovec iov[2] = { { &out, sizeof(out) },
		{ (void *)(uintptr_t)data, n } };

	/* who asked may have gone: ENOENT */
	if (writev(d->fd, iov, n ? 2 : 1) == -1 && errno != ENOENT)
		perror("slow disk");
}

static struct fuse_attr
attr_of(const struct node *node)
{
	return (struct fuse_attr){ .ino = node->id,
		.size = node->size,
		.blocks = (node->size + 511) / 512,
		.mtime = 1700000000,
		.mode = node->mode,
		.nlink = 1,
		.blksize = 4096 };
}

/* The kernel asks only for what it was told of. */
static const struct node *
node_at(uint64_t id)
{
	return &nodes[id >= ROOT && id <= BIG ? id - ROOT : 0];
}

static void
answer_lookup(struct slow_disk *d, uint64_t unique, const char *name)
{
	for (size_t i = 1; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		struct fuse_entry_out out = { .nodeid = nodes[i].id,
			.entry_valid = VALID_S,
			.attr_valid = VALID_S,
			.attr = attr_of(&nodes[i]) };

		if (strcmp(nodes[i].name, name) == 0) {
			answer(d, unique, 0, &out, sizeof(out));
			return;
		}
	}
	answer(d, unique, -ENOENT, NULL, 0);
}

static void
answer_read(struct slow_disk *d, const struct fuse_in_header *in,
    const struct fuse_read_in *read_in)
{
	const struct node *node = node_at(in->nodeid);
	const char *bytes = node->id == TINY ? SLOW_DISK_TINY : d->big;
	uint64_t at =
	    read_in->offset < node->size ? read_in->offset : node->size;
	uint64_t n = node->size - at;

	answer(d, in->unique, 0, bytes + at,
	    n < read_in->size ? (size_t)n : read_in->size);
}

static void
answer_init(
    struct slow_disk *d, uint64_t unique, const struct fuse_init_in *init)
{
	const struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = init->max_readahead,
		.max_write = 65536 };

	answer(d, unique, 0, &out, sizeof(out));
}

/* What a disk takes its time for waits here, when the test wants that. */
static void
wait_while_held(struct slow_disk *d)
{
	uint64_t one = 1;

	pthread_mutex_lock(&d->lock);
	if (d->held && write(d->waits_fd, &one, sizeof(one)) == -1)
		perror("slow disk");
	while (d->held)
		pthread_cond_wait(&d->released, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static void
serve(struct slow_disk *d, const struct fuse_in_header *in)
{
	const void *body = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(d, in->unique, body);
		break;
	case FUSE_LOOKUP:
		wait_while_held(d);
		answer_lookup(d, in->unique, body);
		break;
	case FUSE_READ:
		wait_while_held(d);
		answer_read(d, in, body);
		break;
	case FUSE_GETATTR: {
		const struct fuse_attr_out out = { .attr_valid = VALID_S,
			.attr = attr_of(node_at(in->nodeid)) };

		answer(d, in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_OPEN:
	case FUSE_OPENDIR: {
		const struct fuse_open_out out = { .open_flags =
						       FOPEN_KEEP_CACHE };

		answer(d, in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(d, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* want no answer */
	default:
		answer(d, in->unique, -ENOSYS, NULL, 0);
		break;
	}
}

static void *
thread_main(void *arg)
{
	_Alignas(8) static char request[REQUEST_BYTES];
	struct slow_disk *d = arg;

	for (;;) {
		ssize_t n = read(d->fd, request, sizeof(request));

		if (n == -1 && (errno == EINTR || errno == ENOENT))
			continue;
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			return NULL; /* ENODEV: it is unmounted */
		serve(d, (const struct fuse_in_header *)(void *)request);
	}
}

/* A namespace of the test's own: the mount goes with the test. */
static bool
mount_at(int fd, const char *folder)
{
	char options[128];

	snprintf(options, sizeof(options),
	    "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	return unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("slow", folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

struct slow_disk *
slow_disk_mount(const char *folder)
{
	struct slow_disk *d = scratch_alloc(sizeof(*d));

	d->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (d->fd == -1 || !mount_at(d->fd, folder)) {
		fprintf(stderr, "skipped: no FUSE file system here: %s\n",
		    strerror(errno));
		return NULL;
	}
	d->folder = folder;
	d->big = scratch_alloc(SLOW_DISK_BIG);
	for (size_t i = 0; i < SLOW_DISK_BIG; i++)
		d->big[i] = slow_disk_byte(i);
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
	close(d->fd);
	close(d->waits_fd);
}
