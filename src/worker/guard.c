/*
 * The process beside a worker that outlives it, just long enough.  Not a byte
 * of its memory is the worker's any more: what made the worker die cannot make
 * the guard.  Until then it must not close or open a descriptor, since that
 * would be the worker's, too.
 */

#include "worker/guard.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stack.h"
#include "base/title.h"
#include "channel/heritage.h"
#include "http/date.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors of a worker that are not connections have low numbers. */
#define OTHERS_MAX 4096
/* For a channel that is full, in all. */
#define DEAL_MS 5000
#define RETRY_MS 10
/* What clients still send behind a request that got a 502 is read away. */
#define LINGER_MS 2000

#define BAD_GATEWAY \
	"HTTP/1.1 502 Bad Gateway\r\n" \
	"Server: baton\r\n" \
	"Date: %s\r\n" \
	"Content-Length: 0\r\n" \
	"Connection: close\r\n" \
	"\r\n"

/* --- the worker is dead --- */

/* One batch into the channel; what it does not take in time stays. */
static void
send_batch(struct bt_channel *channel, const struct bt_handover *h, size_t n,
    int64_t deadline_ms)
{
	struct pollfd writable = { .fd = bt_channel_fd(channel),
		.events = POLLOUT };
	int fds[BT_CHANNEL_BATCH_MAX];
	size_t at = 0;

	while (at < n && bt_clock_ms() < deadline_ms) {
		int r =
		    bt_channel_send(channel, BT_MESSAGE_RESCUE, h + at, n - at);

		if (r == -EPIPE)
			return; /* the master is gone */
		if (r == -EAGAIN)
			poll(&writable, 1, DEAL_MS);
		if (r == -EAGAIN || r == -ETOOMANYREFS || r == -ENOMEM)
			poll(NULL, 0, RETRY_MS);
		else if (r < 0)
			return;
		for (int i = 0; i < r; i++)
			fds[i] = h[at + (size_t)i].fd;
		if (r > 0) {
			bt_fd_close_all(fds, (size_t)r);
			at += (size_t)r;
		}
	}
}

/* False: it cannot be dealt again. */
static bool
describe(const struct bt_guard *g, unsigned fd, struct bt_handover *ret)
{
	*ret = (struct bt_handover){ .fd = (int)fd, .with_fd = -1 };
	switch ((enum bt_guard_state)g->states[fd]) {
	case BT_GUARD_TUNNEL:
		ret->baton = g->of[fd].baton;
		if (ret->baton.with_fd >= g->n)
			return false;
		ret->with_fd = (int)ret->baton.with_fd;
		ret->amid = g->of[ret->with_fd].amid;
		return true;
	case BT_GUARD_IDLE:
		ret->baton = g->of[fd].baton;
		return true;
	case BT_GUARD_NONE:
	case BT_GUARD_ASKED:
		break;
	}
	return false;
}

static void
deal_idle_again(const struct bt_guard *g, struct bt_channel *channel)
{
	int64_t deadline_ms = bt_clock_ms() + DEAL_MS;
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	size_t n = 0;

	for (unsigned fd = 0; fd < g->n; fd++) {
		if (!describe(g, fd, &h[n]))
			continue;
		n++;
		if (n == BT_CHANNEL_BATCH_MAX) {
			send_batch(channel, h, n, deadline_ms);
			n = 0;
		}
	}
	if (n > 0)
		send_batch(channel, h, n, deadline_ms);
}

/* Answers those that were asked; returns how many, in the order of `ret`. */
static size_t
refuse_asked(const struct bt_guard *g, struct pollfd *ret)
{
	char date[BT_DATE_BYTES + 1], answer[256];
	size_t n = 0, bytes;

	bt_date_format(bt_clock_wall_s(), date);
	bytes = (size_t)snprintf(answer, sizeof(answer), BAD_GATEWAY, date);
	for (unsigned fd = 0; fd < g->n; fd++) {
		if (g->states[fd] != BT_GUARD_ASKED)
			continue;
		if (send((int)fd, answer, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    -1)
			continue;
		shutdown((int)fd, SHUT_WR);
		ret[n++] = (struct pollfd){ .fd = (int)fd, .events = POLLIN };
	}
	return n;
}

/* Everything but those: now the others end. */
static void
close_others(const struct pollfd *kept, size_t n)
{
	unsigned from = STDERR_FILENO + 1;

	for (size_t i = 0; i < n; i++) {
		if ((unsigned)kept[i].fd > from)
			close_range(from, (unsigned)kept[i].fd - 1, 0);
		from = (unsigned)kept[i].fd + 1;
	}
	close_range(from, ~0u, 0);
}

/* Unread bytes would make the close a reset, and the 502 could go with it. */
static void
linger(struct pollfd *p, size_t n)
{
	int64_t deadline_ms = bt_clock_ms() + LINGER_MS, left_ms;
	static char scrap[64 * 1024];
	size_t open = n;

	while (open > 0 && (left_ms = deadline_ms - bt_clock_ms()) > 0) {
		if (poll(p, n, (int)left_ms) <= 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			ssize_t r;

			if (p[i].fd < 0 || p[i].revents == 0)
				continue;
			r = recv(p[i].fd, scrap, sizeof(scrap), MSG_DONTWAIT);
			if (r == 0 || (r == -1 && errno != EAGAIN)) {
				bt_fd_close(&p[i].fd); /* -1: not polled */
				open--;
			}
		}
	}
}

__attribute__((noreturn)) static void
live(const struct bt_guard *g, const struct bt_heritage *heritage, int worker)
{
	struct pollfd dead = { .fd = worker, .events = POLLIN };
	struct pollfd *asked;
	char name[32];
	size_t n;

	snprintf(name, sizeof(name), "guard %u", heritage->slot);
	bt_log_set_process(name);
	bt_stack_on_fault(name);
	signal(SIGTERM, SIG_IGN); /* who ends the worker ends us */
	while (poll(&dead, 1, -1) != 1)
		;
	asked = bt_mem_zero(g->n, sizeof(*asked));
	deal_idle_again(g, heritage->channel);
	n = refuse_asked(g, asked);
	close_others(asked, n);
	linger(asked, n);
	_exit(0);
}

/* --- the worker --- */

static unsigned
entries_for(const struct bt_conf *conf)
{
	struct rlimit limit = { .rlim_cur = 1024 };
	unsigned n = conf->worker_connections + OTHERS_MAX;

	getrlimit(RLIMIT_NOFILE, &limit);
	return n < limit.rlim_cur ? n : (unsigned)limit.rlim_cur;
}

static size_t
shared_bytes(unsigned n)
{
	return n * (sizeof(union bt_guarded) + sizeof(uint8_t));
}

/*
 * As fork() does it, but for the table that is shared and the parent, who is
 * ours: the master reaps it.  libc has no name for that; with arguments of 0
 * their order, which differs between architectures, does not matter.
 */
static pid_t
clone_beside(unsigned slot)
{
	char ours[16], name[16 + 16];
	long pid;
	int err;

	/* it is born with its name: nobody shall count it as a worker */
	prctl(PR_GET_NAME, ours);
	snprintf(name, sizeof(name),
	    slot < 100 ? "baton: guard %u" : "baton:guard%u", slot);
	bt_title_set(name);
	pid = syscall(
	    SYS_clone, CLONE_FILES | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	err = errno;
	if (pid != 0)
		bt_title_set(ours);
	return pid == -1 ? -err : (pid_t)pid;
}

int
bt_guard_start(struct bt_guard *g, const struct bt_heritage *heritage)
{
	unsigned n = entries_for(heritage->conf);
	struct bt_score_slot *slot = &heritage->board->slots[heritage->slot];
	void *shared;
	pid_t pid;
	int self;

	shared = mmap(NULL, shared_bytes(n), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	*g = (struct bt_guard){ .n = n,
		.of = shared,
		.states = (uint8_t *)shared + n * sizeof(union bt_guarded) };
	self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid = self == -1 ? -errno : clone_beside(heritage->slot);
	if (pid == 0)
		live(g, heritage, self);
	if (pid < 0) {
		bt_fd_close(&self);
		bt_guard_stop(g);
		return pid;
	}
	slot->worker.guard_pid = pid;
	return 0;
}

void
bt_guard_stop(struct bt_guard *g)
{
	if (g->of != NULL)
		munmap(g->of, shared_bytes(g->n));
	*g = (struct bt_guard){ 0 };
}
