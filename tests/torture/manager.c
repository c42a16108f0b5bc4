/*
 * sd_notify(3), seen from the other end.
 */

#include "tests/torture/manager.h"

#include "tests/torture/loop.h"
#include "tests/torture/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_MAX_BYTES 24
#define BATCH_MAX 253

struct stored {
	int fd;
	char name[NAME_MAX_BYTES];
};

static struct stored store[MANAGER_STORE_MAX];
static size_t store_n;
static uint64_t store_all;
static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static int notify_fd = -1;
static struct watch watch;
static void (*when_ready)(void *);
static void *ready_arg;

static void
close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static void
store_them(const char *name, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (store_n == MANAGER_STORE_MAX) {
			close_all(fds + i, n - i);
			return;
		}
		store[store_n].fd = fds[i];
		strcpy(store[store_n].name, name);
		store_n++;
		store_all++;
	}
}

static void
remove_named(const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < store_n; i++)
		if (strcmp(store[i].name, name) == 0)
			close(store[i].fd);
		else
			store[kept++] = store[i];
	store_n = kept;
}

static void
on_text(const char *text, const int *fds, size_t n)
{
	const char *at = strstr(text, "FDNAME=");
	char name[NAME_MAX_BYTES] = "stored";

	if (at != NULL)
		sscanf(at, "FDNAME=%23s", name);
	if (strstr(text, "FDSTORE=1") != NULL)
		store_them(name, fds, n);
	else /* of a barrier: that it is closed is the answer */
		close_all(fds, n);
	if (strstr(text, "FDSTOREREMOVE=1") != NULL)
		remove_named(name);
	if (strstr(text, "READY=1") != NULL && when_ready != NULL) {
		void (*call)(void *) = when_ready;

		when_ready = NULL;
		call(ready_arg);
	}
}

/* Takes one message; false: there is none. */
static bool
take(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(BATCH_MAX * sizeof(int))];
	} control;
	char text[1024];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(notify_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fds[BATCH_MAX];
	size_t fds_n = 0;

	if (n < 0)
		return false;
	if (msg.msg_flags & MSG_CTRUNC)
		say_failed("descriptors to be stored were lost: too many");
	if (cmsg != NULL && cmsg->cmsg_type == SCM_RIGHTS) {
		fds_n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), fds_n * sizeof(int));
	}
	text[n] = '\0';
	on_text(text, fds, fds_n);
	return true;
}

static void
on_message(void *arg, uint32_t events)
{
	take();
}

void
manager_open(const char *path)
{
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd == -1 ||
	    bind(notify_fd, (void *)&addr, sizeof(addr)) == -1)
		say_die(path);
	watch.on_event = on_message;
	loop_watch(notify_fd, &watch, EPOLLIN);
}

void
manager_close(void)
{
	if (notify_fd == -1)
		return;
	loop_forget(notify_fd);
	close(notify_fd);
	notify_fd = -1;
}

void
manager_await_ready(void (*on_ready)(void *), void *arg)
{
	when_ready = NULL;
	while (take()) /* what another said, who is gone */
		;
	when_ready = on_ready;
	ready_arg = arg;
}

void
manager_pass(struct process *p, int listen_fd, bool stores)
{
	static int fds[1 + MANAGER_STORE_MAX];
	static char names[(1 + MANAGER_STORE_MAX) * NAME_MAX_BYTES];
	char *end = stpcpy(names, "listener");

	fds[0] = listen_fd;
	for (size_t i = 0; i < store_n; i++) {
		fds[1 + i] = store[i].fd;
		end = stpcpy(stpcpy(end, ":"), store[i].name);
	}
	p->fds = fds;
	p->fds_n = 1 + store_n;
	p->fd_names = names;
	p->notify = addr.sun_path;
	p->store_max = stores ? MANAGER_STORE_MAX : 0;
}

size_t
manager_stored(void)
{
	return store_n;
}

void
manager_print(void)
{
	if (store_all > 0)
		printf("the service manager stored %ju descriptors\n",
		    (uintmax_t)store_all);
}
