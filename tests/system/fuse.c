/*
 * The FUSE protocol (linux/fuse.h), as much of it as a folder of files that
 * are only read needs.
 */

#include "tests/system/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ_BYTES_MAX = 256 * 1024, VALID_S = 3600 };
/* The least that the kernel wants a request to have room for. */
enum { REQUEST_BYTES = 64 * 1024 + 4096 };

static void
answer(const struct fuse_disk *d, uint64_t unique, int error, const void *data,
    size_t n)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + n),
		.error = error,
		.unique = unique };
	struct iovec iov[2] = { { &out, sizeof(out) },
		{ (void *)(uintptr_t)data, n } };

	/* who asked may have gone: ENOENT */
	if (writev(d->fd, iov, n ? 2 : 1) == -1 && errno != ENOENT)
		perror("fuse");
}

static struct fuse_attr
attr_of(const struct fuse_disk *d, uint64_t file)
{
	uint64_t size = file == FUSE_ROOT_ID ? 0 : d->size(d->arg, file);

	return (struct fuse_attr){ .ino = file,
		.size = size,
		.blocks = (size + 511) / 512,
		.mtime = 1700000000,
		.mode = file == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
		.blksize = 4096 };
}

static void
answer_lookup(const struct fuse_disk *d, uint64_t unique, const char *name)
{
	uint64_t file = d->find(d->arg, name);
	struct fuse_entry_out out = {
		.nodeid = file, .entry_valid = VALID_S, .attr_valid = VALID_S
	};

	if (file == 0) {
		answer(d, unique, -ENOENT, NULL, 0);
		return;
	}
	out.attr = attr_of(d, file);
	answer(d, unique, 0, &out, sizeof(out));
}

static void
answer_read(const struct fuse_disk *d, const struct fuse_in_header *in,
    const struct fuse_read_in *asked, char *out)
{
	uint64_t size = d->size(d->arg, in->nodeid);
	uint64_t n = asked->offset < size ? size - asked->offset : 0;

	if (n > asked->size)
		n = asked->size;
	if (n > READ_BYTES_MAX)
		n = READ_BYTES_MAX;
	d->read(d->arg, in->nodeid, asked->offset, out, (size_t)n);
	answer(d, in->unique, 0, out, (size_t)n);
}

static void
answer_init(
    const struct fuse_disk *d, uint64_t unique, const struct fuse_init_in *init)
{
	const struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = init->max_readahead,
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = 65536 };

	answer(d, unique, 0, &out, sizeof(out));
}

static void
answer_attr(const struct fuse_disk *d, const struct fuse_in_header *in)
{
	const struct fuse_attr_out out = { .attr_valid = VALID_S,
		.attr = attr_of(d, in->nodeid) };

	answer(d, in->unique, 0, &out, sizeof(out));
}

static void
serve(const struct fuse_disk *d, const struct fuse_in_header *in, char *out)
{
	const struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE };
	const void *body = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(d, in->unique, body);
		break;
	case FUSE_LOOKUP:
		d->wait(d->arg);
		answer_lookup(d, in->unique, body);
		break;
	case FUSE_READ:
		d->wait(d->arg);
		answer_read(d, in, body, out);
		break;
	case FUSE_GETATTR:
		answer_attr(d, in);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(d, in->unique, 0, &opened, sizeof(opened));
		break;
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

void
fuse_serve(const struct fuse_disk *d)
{
	char *request = malloc(REQUEST_BYTES + READ_BYTES_MAX);

	while (request != NULL) {
		ssize_t n = read(d->fd, request, REQUEST_BYTES);

		if (n == -1 && (errno == EINTR || errno == ENOENT))
			continue;
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			break; /* ENODEV: it is unmounted */
		serve(d, (const struct fuse_in_header *)(void *)request,
		    request + REQUEST_BYTES);
	}
	free(request);
}

int
fuse_mount(const char *folder)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), error;
	char options[128];

	if (fd == -1)
		return -errno;
	snprintf(options, sizeof(options),
	    "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("slow", folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}
