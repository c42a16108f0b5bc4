/*
 * What comes faster than it is taken.  The order of what is in it:
 *
 *	taken ◀── front ◀── file ◀── back ◀── added
 *
 * where front and back are blocks in memory.  One job at a time moves blocks
 * between them and the file.  Worker, on the loop; run() on offload threads.
 */

#include "proxy/spool.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

/* In memory before the file is begun, and while it is written once more. */
#define BACK_MAX 8
/* Of the file at a time. */
#define FRONT_MAX 4
/* The file; past it the server waits for the client. */
#define FILE_BYTES_MAX (UINT64_C(1) << 30)

struct block {
	TAILQ_ENTRY(block) link;
	uint32_t at, end;
	char bytes[];
};

TAILQ_HEAD(block_list, block);

/* Blocks on their way to the file, or from it. */
struct move {
	struct bt_job job;
	struct bt_spool *spool; /* NULL: nobody's any more */
	struct bt_pool *pool;
	struct block_list blocks;
	int fd; /* -1: none yet; what is the spool's comes back */
	off_t offset;
	bool writes;
	int error; /* negative errno */
};

struct bt_spool {
	struct bt_offload *offload;
	struct bt_pool *pool;
	size_t block_bytes;
	void (*wake)(void *);
	void *arg;
	struct block_list front, back;
	unsigned back_n;
	struct move *move; /* under way */
	int fd;
	uint64_t file_at, file_end; /* what is in it */
	bool no_file;               /* it could not be written … */
	int trouble;                /* … for that reason */
	int error;                  /* it could not be read */
};

struct bt_spool *
bt_spool_new(struct bt_offload *offload, struct bt_pool *pool,
    size_t block_bytes, void (*wake)(void *), void *arg)
{
	struct bt_spool *s = bt_mem_zero(1, sizeof(*s));

	s->offload = offload;
	s->pool = pool;
	s->block_bytes = block_bytes - sizeof(struct block);
	s->wake = wake;
	s->arg = arg;
	s->fd = -1;
	TAILQ_INIT(&s->front);
	TAILQ_INIT(&s->back);
	return s;
}

static void
give_blocks(struct bt_pool *pool, struct block_list *list)
{
	struct block *b;

	while ((b = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, b, link);
		bt_pool_give(pool, b);
	}
}

static void
move_free(struct move *m)
{
	give_blocks(m->pool, &m->blocks);
	bt_fd_close(&m->fd);
	free(m);
}

void
bt_spool_free(struct bt_spool *s)
{
	if (s == NULL)
		return;
	if (s->move != NULL) {
		s->move->spool = NULL;
		if (bt_offload_cancel(s->offload, &s->move->job))
			move_free(s->move);
	}
	give_blocks(s->pool, &s->front);
	give_blocks(s->pool, &s->back);
	bt_fd_close(&s->fd);
	free(s);
}

static struct block *
block_new(struct bt_spool *s, struct block_list *list)
{
	struct block *b = bt_pool_take(s->pool);

	b->at = b->end = 0;
	TAILQ_INSERT_TAIL(list, b, link);
	return b;
}

char *
bt_spool_room(struct bt_spool *s, size_t *ret_n)
{
	struct block *b = TAILQ_LAST(&s->back, block_list);

	if (b == NULL || b->end == s->block_bytes) {
		if (s->back_n >= BACK_MAX)
			return NULL;
		b = block_new(s, &s->back);
		s->back_n++;
	}
	*ret_n = s->block_bytes - b->end;
	return b->bytes + b->end;
}

void
bt_spool_add(struct bt_spool *s, size_t n)
{
	TAILQ_LAST(&s->back, block_list)->end += (uint32_t)n;
}

/* A file without a name, on a disk rather than in memory. */
static int
open_file(void)
{
	static const char *const folders[] = { "/var/tmp", "/tmp" };
	int fd = -1, r = 0;

	for (size_t i = 0; i < 2 && fd == -1; i++) {
		fd = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		r = -errno;
	}
	return fd == -1 ? r : fd;
}

/* One block, whole. */
static int
write_block(struct move *m, struct block *b, off_t at)
{
	while (b->at < b->end) {
		ssize_t n = pwrite(m->fd, b->bytes + b->at, b->end - b->at, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EIO : -errno;
		b->at += (uint32_t)n;
		at += n;
	}
	return 0;
}

static int
read_block(struct move *m, struct block *b, off_t at)
{
	uint32_t done = 0;

	while (done < b->end) {
		ssize_t n =
		    pread(m->fd, b->bytes + done, b->end - done, at + done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EIO : -errno;
		done += (uint32_t)n;
	}
	return 0;
}

static void
run(struct bt_job *job)
{
	struct move *m =
	    (struct move *)((char *)job - offsetof(struct move, job));
	off_t at = m->offset;
	struct block *b;

	if (m->fd == -1 && (m->fd = open_file()) < 0) {
		m->error = m->fd;
		m->fd = -1;
		return;
	}
	TAILQ_FOREACH(b, &m->blocks, link)
	{
		m->error =
		    m->writes ? write_block(m, b, at) : read_block(m, b, at);
		if (m->error < 0)
			return;
		at += b->end;
	}
}

/* What could not be written is the first of what waits to be. */
static void
take_back(struct bt_spool *s, struct move *m)
{
	struct block *b;

	while ((b = TAILQ_LAST(&m->blocks, block_list)) != NULL) {
		TAILQ_REMOVE(&m->blocks, b, link);
		b->at = 0;
		TAILQ_INSERT_HEAD(&s->back, b, link);
		s->back_n++;
	}
}

static uint64_t
bytes_of(const struct block_list *list)
{
	const struct block *b;
	uint64_t n = 0;

	TAILQ_FOREACH(b, list, link)
	n += b->end;
	return n;
}

/* What it has moved is the spool's. */
static void
conclude(struct bt_spool *s, struct move *m)
{
	s->move = NULL;
	s->fd = bt_fd_take(&m->fd);
	if (m->writes && m->error < 0) {
		s->no_file = true;
		s->trouble = m->error;
		take_back(s, m);
	} else if (m->writes)
		s->file_end += bytes_of(&m->blocks);
	else if (m->error < 0)
		s->error = m->error;
	else {
		s->file_at += bytes_of(&m->blocks);
		TAILQ_CONCAT(&s->front, &m->blocks, link);
	}
	if (s->file_at == s->file_end)
		s->file_at = s->file_end = 0;
	move_free(m);
}

static void
done(struct bt_job *job)
{
	struct move *m =
	    (struct move *)((char *)job - offsetof(struct move, job));
	struct bt_spool *s = m->spool;

	if (s == NULL) {
		move_free(m);
		return;
	}
	conclude(s, m);
	s->wake(s->arg);
}

static struct move *
move_new(struct bt_spool *s, bool writes)
{
	struct move *m = bt_mem_zero(1, sizeof(*m));

	m->job = (struct bt_job){ .run = run, .done = done };
	m->spool = s;
	m->pool = s->pool;
	m->fd = bt_fd_take(&s->fd);
	m->writes = writes;
	TAILQ_INIT(&m->blocks);
	return m;
}

/* False: the threads have too much to do; the blocks are still in it. */
static bool
move_start(struct bt_spool *s, struct move *m)
{
	if (bt_offload_submit(s->offload, &m->job) < 0) {
		s->fd = bt_fd_take(&m->fd);
		return false;
	}
	s->move = m;
	return true;
}

void
bt_spool_spill(struct bt_spool *s)
{
	struct move *m;

	if (s->move != NULL || s->no_file || s->file_end >= FILE_BYTES_MAX ||
	    s->back_n < BACK_MAX)
		return;
	m = move_new(s, true);
	m->offset = (off_t)s->file_end;
	TAILQ_CONCAT(&m->blocks, &s->back, link);
	s->back_n = 0;
	if (!move_start(s, m)) {
		take_back(s, m); /* another time */
		move_free(m);
	}
}

int
bt_spool_take_trouble(struct bt_spool *s)
{
	int r = s->trouble;

	s->trouble = 0;
	return r;
}

static void
start_read(struct bt_spool *s)
{
	struct move *m = move_new(s, false);
	uint64_t rest = s->file_end - s->file_at;

	m->offset = (off_t)s->file_at;
	for (unsigned i = 0; i < FRONT_MAX && rest > 0; i++) {
		struct block *b = block_new(s, &m->blocks);

		b->end =
		    (uint32_t)(rest < s->block_bytes ? rest : s->block_bytes);
		rest -= b->end;
	}
	if (move_start(s, m))
		return;
	/* too much to do already: the disk is waited for after all */
	m->fd = bt_fd_take(&s->fd);
	run(&m->job);
	conclude(s, m);
}

/* Of the blocks in front. */
static ssize_t
take_front(struct bt_spool *s, char *out, size_t room)
{
	struct block *b;
	size_t n = 0;

	while (n < room && (b = TAILQ_FIRST(&s->front)) != NULL) {
		size_t part = b->end - b->at;

		if (part > room - n)
			part = room - n;
		memcpy(out + n, b->bytes + b->at, part);
		b->at += (uint32_t)part;
		n += part;
		if (b->at == b->end) {
			TAILQ_REMOVE(&s->front, b, link);
			bt_pool_give(s->pool, b);
		}
	}
	return (ssize_t)n;
}

ssize_t
bt_spool_take(struct bt_spool *s, char *out, size_t room)
{
	ssize_t n = take_front(s, out, room);

	if (n > 0)
		return n;
	if (s->error < 0)
		return s->error;
	if (s->move == NULL && s->file_at < s->file_end) {
		start_read(s);
		if (s->move == NULL)
			return s->error < 0 ? s->error
					    : take_front(s, out, room);
	}
	if (s->move != NULL)
		return -EAGAIN;
	TAILQ_CONCAT(&s->front, &s->back, link);
	s->back_n = 0;
	return take_front(s, out, room);
}
