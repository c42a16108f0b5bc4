/*
 * The segment: a memfd, mapped by all at once and in its full size, of which
 * only what is used takes memory.  Master and workers.
 */

#include "app/shared.h"

#include "app/memory.h"
#include "app/revoked.h"
#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x62747368u
#define VERSION 1 /* grows with every change of what is in it */
#define PAGE 4096u

static size_t
round_up(size_t n)
{
	return (n + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static size_t
revoked_at(void)
{
	return round_up(sizeof(struct bt_shared));
}

static size_t
memory_at(void)
{
	return revoked_at() + round_up(bt_revoked_bytes());
}

static size_t
all_bytes(void)
{
	return memory_at() + round_up(bt_memory_bytes());
}

/* NULL, and errno. */
static struct bt_shared *
map(int fd)
{
	void *p = mmap(NULL, all_bytes(), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, all_bytes(), MADV_DONTDUMP);
	return p;
}

static int
lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int r;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	r = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -r;
}

int
bt_shared_new(struct bt_shared **ret, int *ret_fd)
{
	struct bt_shared *s;
	int fd, r;

	fd = memfd_create("baton-continuations", MFD_CLOEXEC);
	if (fd == -1)
		return -errno;
	if (ftruncate(fd, (off_t)all_bytes()) == -1) {
		r = -errno;
		bt_fd_close(&fd);
		return r;
	}
	if ((s = map(fd)) == NULL) {
		r = -errno;
		bt_fd_close(&fd);
		return r;
	}
	s->version = VERSION;
	s->bytes = all_bytes();
	s->revoked_at = revoked_at();
	s->memory_at = memory_at();
	randombytes_buf(s->secret, sizeof(s->secret));
	r = lock_init(&s->lock);
	bt_memory_init(bt_shared_memory(s));
	s->magic = MAGIC;
	if (r < 0) {
		bt_shared_close(s);
		bt_fd_close(&fd);
		return r;
	}
	*ret = s;
	*ret_fd = fd;
	return 0;
}

int
bt_shared_open(int fd, struct bt_shared **ret)
{
	struct bt_shared *s;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -errno;
	if ((size_t)st.st_size != all_bytes())
		return -EPROTO;
	if ((s = map(fd)) == NULL)
		return -errno;
	if (s->magic != MAGIC || s->version != VERSION ||
	    s->bytes != all_bytes()) {
		bt_shared_close(s);
		return -EPROTO;
	}
	*ret = s;
	return 0;
}

void
bt_shared_close(struct bt_shared *s)
{
	if (s != NULL)
		munmap(s, all_bytes());
}

struct bt_revoked *
bt_shared_revoked(struct bt_shared *s)
{
	return (struct bt_revoked *)(void *)((char *)s + s->revoked_at);
}

struct bt_memory *
bt_shared_memory(struct bt_shared *s)
{
	return (struct bt_memory *)(void *)((char *)s + s->memory_at);
}

void
bt_shared_lock(struct bt_shared *s)
{
	int r = pthread_mutex_lock(&s->lock);

	if (r == EOWNERDEAD) {
		bt_memory_repair(bt_shared_memory(s));
		atomic_fetch_add(&s->repairs, 1);
		pthread_mutex_consistent(&s->lock);
		r = 0;
	}
	assert(r == 0);
}

void
bt_shared_unlock(struct bt_shared *s)
{
	pthread_mutex_unlock(&s->lock);
}
