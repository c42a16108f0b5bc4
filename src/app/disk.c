/*
 * Files of records.  A file is written beside its place and gets its name when
 * all of it is on the disk; its time of modification is when it expires, so the
 * sweep need not read it.  Everything is opened below the folder, by names that
 * we made; offload threads of workers.
 */

#include "app/disk.h"

#include "app/record.h"
#include "base/fd.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders below the folder, by the first bits of a name. */
#define FOLDERS 1024u
/* Looked through by one call of the sweep. */
#define SWEEP_FOLDERS 16u
/* An unfinished file of that age is nobody's. */
#define STALE_S 600

#define MAGIC 0x31636e74u /* of a file; changes with its layout */
#define SUM_BYTES 16

struct header {
	uint32_t magic, bytes;
	unsigned char sum[SUM_BYTES]; /* of what follows */
};

struct bt_disk {
	char *folder;
	uint64_t bytes_max, files_max;
	_Atomic uint64_t *bytes, *files;
	pthread_mutex_t lock; /* of the following */
	int fd;               /* of the folder; -1: not opened yet */
	_Atomic unsigned next_temporary;
	/* the sweep's, which one thread does at a time */
	unsigned next_folder;
	uint64_t seen_bytes, seen_files;
};

/* `3ff/0123...`: a folder, and the name in hex. */
struct path {
	char folder[4], file[2 * BT_NAME_BYTES + 1];
	char all[sizeof("3ff/") + 2 * BT_NAME_BYTES];
};

static struct path
path_of(const unsigned char name[static BT_NAME_BYTES])
{
	struct path p;

	snprintf(p.folder, sizeof(p.folder), "%03x",
	    (unsigned)(name[0] | name[1] << 8) % FOLDERS);
	sodium_bin2hex(p.file, sizeof(p.file), name, BT_NAME_BYTES);
	snprintf(p.all, sizeof(p.all), "%s/%s", p.folder, p.file);
	return p;
}

struct bt_disk *
bt_disk_new(const char *folder, uint64_t bytes_max, uint64_t files_max,
    _Atomic uint64_t *bytes, _Atomic uint64_t *files)
{
	struct bt_disk *d = bt_mem_zero(1, sizeof(*d));

	d->folder = bt_mem_strdup(folder);
	d->bytes_max = bytes_max;
	d->files_max = files_max;
	d->bytes = bytes;
	d->files = files;
	d->fd = -1;
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

void
bt_disk_free(struct bt_disk *d)
{
	if (d == NULL)
		return;
	pthread_mutex_destroy(&d->lock);
	bt_fd_close(&d->fd);
	free(d->folder);
	free(d);
}

/* The folder's descriptor; made when it is `needed`. */
static int
open_folder(struct bt_disk *d, bool needed)
{
	int fd, r = 0;

	pthread_mutex_lock(&d->lock);
	if (d->fd == -1) {
		if (needed && mkdir(d->folder, 0700) == -1 && errno != EEXIST)
			r = -errno;
		d->fd = open(d->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (d->fd == -1 && r == 0)
			r = -errno;
	}
	fd = d->fd;
	pthread_mutex_unlock(&d->lock);
	return fd == -1 ? r : fd;
}

static int
sync_folder(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd == -1)
		return -errno;
	if (fsync(fd) == -1)
		r = -errno;
	bt_fd_close(&fd);
	return r;
}

static int
write_all(int fd, const void *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t w = write(fd, (const char *)bytes + at, n - at);

		if (w == -1 && errno != EINTR)
			return -errno;
		at += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

static void
sum_of(struct bt_str bytes, unsigned char out[static SUM_BYTES])
{
	crypto_generichash(
	    out, SUM_BYTES, (const unsigned char *)bytes.p, bytes.n, NULL, 0);
}

static int
fill_file(int fd, const struct bt_disk_record *record)
{
	struct header h = { .magic = MAGIC,
		.bytes = (uint32_t)record->bytes.n };
	struct timespec times[2] = { { .tv_sec = record->expires_s },
		{ .tv_sec = record->expires_s } };
	int r;

	sum_of(record->bytes, h.sum);
	if ((r = write_all(fd, &h, sizeof(h))) < 0 ||
	    (r = write_all(fd, record->bytes.p, record->bytes.n)) < 0)
		return r;
	return futimens(fd, times) == -1 || fsync(fd) == -1 ? -errno : 0;
}

/* What it takes on the disk; files are at least a block. */
static uint64_t
blocks_of(size_t bytes)
{
	return (sizeof(struct header) + bytes + 4095) & ~UINT64_C(4095);
}

static bool
reserve(struct bt_disk *d, uint64_t bytes)
{
	bool room = atomic_fetch_add(d->files, 1) < d->files_max;

	if (atomic_fetch_add(d->bytes, bytes) + bytes <= d->bytes_max && room)
		return true;
	atomic_fetch_sub(d->files, 1);
	atomic_fetch_sub(d->bytes, bytes);
	return false;
}

/* The counters are made true by sweeps, and never below zero. */
static void
release(struct bt_disk *d, uint64_t bytes)
{
	uint64_t n = atomic_load(d->files), b = atomic_load(d->bytes);

	while (n > 0 && !atomic_compare_exchange_weak(d->files, &n, n - 1))
		;
	while (b > 0 &&
	    !atomic_compare_exchange_weak(
		d->bytes, &b, b > bytes ? b - bytes : 0))
		;
}

/* Writes it beside its place. */
static int
write_aside(struct bt_disk *d, int dir, const struct bt_disk_record *record,
    const struct path *p, char temporary[static 64])
{
	int fd, r;

	snprintf(temporary, 64, "%s/tmp-%d-%u", p->folder, (int)getpid(),
	    atomic_fetch_add(&d->next_temporary, 1));
	fd = openat(dir, temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 && errno == ENOENT &&
	    (mkdirat(dir, p->folder, 0700) == 0 || errno == EEXIST)) {
		sync_folder(dir, "."); /* its own entry is to stay, too */
		fd = openat(dir, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	if (fd == -1)
		return -errno;
	r = fill_file(fd, record);
	bt_fd_close(&fd);
	if (r < 0)
		unlinkat(dir, temporary, 0);
	return r;
}

static int
put(struct bt_disk *d, int dir, const struct bt_disk_record *record)
{
	struct path p = path_of(record->name);
	char temporary[64];
	int r;

	if (faccessat(dir, p.all, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* the same bytes */
	if (!reserve(d, blocks_of(record->bytes.n)))
		return -ENOSPC;
	r = write_aside(d, dir, record, &p, temporary);
	if (r == 0 && renameat(dir, temporary, dir, p.all) == -1) {
		r = -errno;
		unlinkat(dir, temporary, 0);
	}
	if (r < 0)
		release(d, blocks_of(record->bytes.n));
	return r < 0 ? r : sync_folder(dir, p.folder);
}

int
bt_disk_put_all(
    struct bt_disk *d, const struct bt_disk_record *records, size_t n)
{
	int dir = open_folder(d, true), r = 0;

	if (dir < 0)
		return dir;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = put(d, dir, &records[i]);
	return r;
}

int
bt_disk_put(struct bt_disk *d, const unsigned char name[static BT_NAME_BYTES],
    struct bt_str bytes, int64_t expires_s)
{
	struct bt_disk_record record = { .expires_s = expires_s,
		.bytes = bytes };

	memcpy(record.name, name, BT_NAME_BYTES);
	return bt_disk_put_all(d, &record, 1);
}

static int
read_file(int fd, struct bt_buf *ret)
{
	unsigned char sum[SUM_BYTES];
	struct header h;
	struct stat st;
	size_t begin = ret->len;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(h) ||
	    st.st_size >
		(off_t)(sizeof(h) + BT_RECORD_STATE_MAX + BT_RECORD_OVERHEAD) ||
	    read(fd, &h, sizeof(h)) != (ssize_t)sizeof(h) || h.magic != MAGIC ||
	    h.bytes != st.st_size - (off_t)sizeof(h))
		return -EBADMSG;
	n = read(fd, bt_buf_reserve(ret, h.bytes + 1), h.bytes);
	if (n != (ssize_t)h.bytes)
		return n == -1 ? -errno : -EBADMSG;
	ret->len += h.bytes;
	sum_of((struct bt_str){ ret->data + begin, h.bytes }, sum);
	if (sodium_memcmp(sum, h.sum, SUM_BYTES) == 0)
		return 0;
	ret->len = begin;
	return -EBADMSG;
}

int
bt_disk_get(struct bt_disk *d, const unsigned char name[static BT_NAME_BYTES],
    struct bt_buf *ret)
{
	struct path p = path_of(name);
	int dir = open_folder(d, false), fd, r;

	if (dir < 0)
		return dir;
	fd = openat(dir, p.all, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno != ELOOP)
		return -errno;
	r = fd == -1 ? -EBADMSG : read_file(fd, ret);
	bt_fd_close(&fd);
	if (r == -EBADMSG)
		bt_disk_remove(d, name);
	return r;
}

int
bt_disk_remove(
    struct bt_disk *d, const unsigned char name[static BT_NAME_BYTES])
{
	struct path p = path_of(name);
	int dir = open_folder(d, false);
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, p.all, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    unlinkat(dir, p.all, 0) == -1)
		return -errno;
	release(d, (uint64_t)st.st_blocks * 512);
	return 0;
}

/* Looks at one file; true when it was taken away. */
static bool
sweep_file(struct bt_disk *d, int dir, const char *name, int64_t now_s)
{
	bool temporary = strncmp(name, "tmp-", 4) == 0;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (temporary ? st.st_ctime + STALE_S < now_s : st.st_mtime < now_s) {
		if (unlinkat(dir, name, 0) == -1)
			return false;
		if (!temporary)
			release(d, (uint64_t)st.st_blocks * 512);
		return true;
	}
	d->seen_files += !temporary;
	d->seen_bytes += (uint64_t)st.st_blocks * 512;
	return false;
}

static int
sweep_folder(struct bt_disk *d, int dir, unsigned folder, int64_t now_s)
{
	char name[4];
	struct dirent *e;
	int fd, n = 0;
	DIR *list;

	snprintf(name, sizeof(name), "%03x", folder);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -errno;
	if ((list = fdopendir(fd)) == NULL) {
		bt_fd_close(&fd);
		return -ENOMEM;
	}
	while ((e = readdir(list)) != NULL)
		if (e->d_name[0] != '.')
			n += sweep_file(d, dirfd(list), e->d_name, now_s);
	closedir(list);
	return n;
}

int
bt_disk_sweep(struct bt_disk *d, int64_t now_s)
{
	int dir = open_folder(d, false), n = 0;

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	for (unsigned i = 0; i < SWEEP_FOLDERS; i++) {
		int r = sweep_folder(d, dir, d->next_folder, now_s);

		n += r > 0 ? r : 0;
		if (++d->next_folder < FOLDERS)
			continue;
		d->next_folder = 0;
		atomic_store(d->files, d->seen_files);
		atomic_store(d->bytes, d->seen_bytes);
		d->seen_files = d->seen_bytes = 0;
	}
	return n;
}
