/*
 * Batons over a UNIX socketpair.  A message is a header, a record for each
 * connection, then their bytes, with the descriptors in the order of the
 * records: the connection's, then the one that goes with it, if there is one.
 * Both ends run the same binary, so the layout is that of the structs.
 * Master and worker, on the loop.
 */

#include "channel/channel.h"

#include "base/fd.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC 0x6276u /* another one when the layout changes */

struct header {
	uint16_t magic;
	uint16_t message; /* enum bt_message */
	uint32_t count;   /* records */
};

struct record {
	struct bt_baton baton;
	union bt_amid amid;
};

/* The largest message: a full batch without bytes, or one with all of them. */
#define RECORDS_MAX (BT_CHANNEL_BATCH_MAX * sizeof(struct record))
#define MESSAGE_MAX \
	(sizeof(struct header) + sizeof(struct record) + BT_BATON_BYTES_MAX)
#define SOCKET_BUFFER (1024 * 1024)

struct bt_channel {
	int fd;
	char *in; /* MESSAGE_MAX bytes, allocated at the first receive */
};

_Static_assert(sizeof(struct header) + RECORDS_MAX <= MESSAGE_MAX,
    "a full batch must fit into a message");
_Static_assert(sizeof(struct header) % _Alignof(struct record) == 0,
    "records must be aligned in the message");

static struct bt_channel *
channel_new(int *fd)
{
	const int bytes = SOCKET_BUFFER;
	struct bt_channel *c = bt_mem_zero(1, sizeof(*c));

	/* more than wmem_max is cut to it, which is enough, too */
	setsockopt(*fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	c->fd = bt_fd_take(fd);
	return c;
}

int
bt_channel_pair(struct bt_channel **ret_near, struct bt_channel **ret_far)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, fd) == -1)
		return -errno;
	*ret_near = channel_new(&fd[0]);
	*ret_far = channel_new(&fd[1]);
	return 0;
}

struct bt_channel *
bt_channel_adopt(int *fd)
{
	return channel_new(fd);
}

uint32_t
bt_channel_layout(void)
{
	return (uint32_t)MAGIC << 16 | (uint32_t)sizeof(struct record);
}

void
bt_channel_free(struct bt_channel *c)
{
	if (c == NULL)
		return;
	bt_fd_close(&c->fd);
	free(c->in);
	free(c);
}

int
bt_channel_fd(const struct bt_channel *c)
{
	return c->fd;
}

static int
send_message(int fd, const struct msghdr *msg)
{
	ssize_t r;

	do
		r = sendmsg(fd, msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r == -1 && errno == EINTR);
	if (r >= 0)
		return 0;
	switch (errno) {
	case ENOBUFS:
		return -EAGAIN;
	case ECONNRESET: /* the first time, if it left messages unread */
	case ENOTCONN:
		return -EPIPE;
	default:
		return -errno;
	}
}

/* The descriptors in their order; how many. */
static size_t
collect(
    const struct bt_handover *h, size_t n, int fds[static BT_CHANNEL_BATCH_MAX])
{
	size_t fds_n = 0;

	for (size_t i = 0; i < n; i++) {
		fds[fds_n++] = h[i].fd;
		if (bt_baton_is_pair(&h[i].baton))
			fds[fds_n++] = h[i].with_fd;
	}
	return fds_n;
}

size_t
bt_channel_fit(const struct bt_handover *h, size_t n)
{
	size_t size = sizeof(struct header), fds = 0, i;

	for (i = 0; i < n; i++) {
		size += sizeof(struct record) + h[i].baton.bytes;
		fds += bt_baton_is_pair(&h[i].baton) ? 2 : 1;
		if (size > MESSAGE_MAX || fds > BT_CHANNEL_BATCH_MAX)
			break;
	}
	return i;
}

int
bt_channel_send(struct bt_channel *c, enum bt_message message,
    const struct bt_handover *h, size_t n)
{
	struct record records[BT_CHANNEL_BATCH_MAX];
	struct iovec iov[2 + BT_CHANNEL_BATCH_MAX];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(BT_CHANNEL_BATCH_MAX * sizeof(int))];
	} control;
	struct header header = { MAGIC, (uint16_t)message, 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_control = control.bytes };
	int fds[BT_CHANNEL_BATCH_MAX], r;
	struct cmsghdr *cmsg;
	size_t fds_n;

	assert(n >= 1 && n <= BT_CHANNEL_BATCH_MAX);
	assert(h[0].baton.bytes <= BT_BATON_BYTES_MAX);
	n = bt_channel_fit(h, n);
	header.count = (uint32_t)n;
	iov[0] = (struct iovec){ &header, sizeof(header) };
	iov[1] = (struct iovec){ records, n * sizeof(records[0]) };
	msg.msg_iovlen = 2;
	fds_n = collect(h, n, fds);
	msg.msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
	cmsg = &control.align;
	*cmsg = (struct cmsghdr){ .cmsg_len = CMSG_LEN(fds_n * sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(cmsg), fds, fds_n * sizeof(int));
	for (size_t i = 0; i < n; i++) {
		records[i] = (struct record){ h[i].baton, h[i].amid };
		if (h[i].baton.bytes > 0)
			iov[msg.msg_iovlen++] =
			    (struct iovec){ (void *)(uintptr_t)h[i].bytes,
				    h[i].baton.bytes };
	}
	r = send_message(c->fd, &msg);
	return r < 0 ? r : (int)n;
}

int
bt_channel_notify(struct bt_channel *c, enum bt_message message)
{
	struct header header = { MAGIC, (uint16_t)message, 0 };
	struct iovec iov = { &header, sizeof(header) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return send_message(c->fd, &msg);
}

/*
 * recvmsg() of one message; 0 at EOF.
 *
 * An end that closes with messages unread resets the other, which says so once,
 * before it gives what is in its own queue: that must not be taken for the end.
 */
static ssize_t
recv_message(int fd, struct msghdr *msg)
{
	ssize_t len;

	do
		len = recvmsg(fd, msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (len == -1 && (errno == EINTR || errno == ECONNRESET));
	return len == -1 ? -errno : len;
}

/* Collects the descriptors of a received message; returns their number. */
static size_t
descriptors_of(struct msghdr *msg, int fds[static BT_CHANNEL_BATCH_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count && n < BT_CHANNEL_BATCH_MAX; i++)
			memcpy(&fds[n++], CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(int));
	}
	return n;
}

/* A descriptor with any other message would be nobody's to close. */
static bool
may_carry(unsigned message, unsigned n)
{
	switch ((enum bt_message)message) {
	case BT_MESSAGE_HANDOVER:
	case BT_MESSAGE_RESCUE:
		return n > 0;
	case BT_MESSAGE_LOGS:
		return true;
	case BT_MESSAGE_ROOM:
	case BT_MESSAGE_DRAIN:
	case BT_MESSAGE_RETIRE:
	case BT_MESSAGE_PARK:
	case BT_MESSAGE_RETIRING:
	case BT_MESSAGE_SHED:
		return n == 0;
	case BT_MESSAGES:
		break;
	}
	return false;
}

/* True when header, records and bytes agree with each other. */
static bool
well_formed(const char *in, size_t len, size_t fds_n, struct header *ret)
{
	size_t want, fds = 0;

	if (len < sizeof(*ret))
		return false;
	memcpy(ret, in, sizeof(*ret));
	if (ret->magic != MAGIC || ret->count > BT_CHANNEL_BATCH_MAX ||
	    !may_carry(ret->message, ret->count))
		return false;
	want = sizeof(*ret) + ret->count * sizeof(struct record);
	if (len < want)
		return false;
	for (uint32_t i = 0; i < ret->count; i++) {
		struct record record;

		memcpy(&record, in + sizeof(*ret) + i * sizeof(record),
		    sizeof(record));
		want += record.baton.bytes;
		fds += bt_baton_is_pair(&record.baton) ? 2 : 1;
	}
	return len == want && fds == fds_n;
}

/*
 * How many connections a bad message cost: those that it announced, though not
 * all may have arrived, or those that came without being announced.
 */
static unsigned
lost_with(const char *in, size_t len, size_t fds_n)
{
	struct header header = { 0, 0, 0 };

	if (len >= sizeof(header))
		memcpy(&header, in, sizeof(header));
	if (header.magic != MAGIC || header.count > BT_CHANNEL_BATCH_MAX)
		return (unsigned)fds_n;
	if (header.message == BT_MESSAGE_LOGS)
		return 0;
	return header.count > fds_n ? header.count : (unsigned)fds_n;
}

int
bt_channel_recv(struct bt_channel *c,
    struct bt_handover h[static BT_CHANNEL_BATCH_MAX],
    enum bt_message *ret_message, unsigned *ret_lost)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(BT_CHANNEL_BATCH_MAX * sizeof(int))];
	} control;
	int fds[BT_CHANNEL_BATCH_MAX];
	struct header header = { 0, 0, 0 };
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	const char *bytes;
	size_t fds_n;
	ssize_t len;

	if (c->in == NULL)
		c->in = bt_mem_new(MESSAGE_MAX);
	iov = (struct iovec){ c->in, MESSAGE_MAX };
	len = recv_message(c->fd, &msg);
	if (len < 0)
		return (int)len;
	fds_n = descriptors_of(&msg, fds);
	if (len == 0 && fds_n == 0)
		return -EPIPE;
	if ((msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) ||
	    !well_formed(c->in, (size_t)len, fds_n, &header)) {
		bt_fd_close_all(fds, fds_n);
		*ret_lost = lost_with(c->in, (size_t)len, fds_n);
		return -EBADMSG;
	}
	bytes = c->in + sizeof(header) + header.count * sizeof(struct record);
	fds_n = 0;
	for (size_t i = 0; i < header.count; i++) {
		struct record record;

		memcpy(&record, c->in + sizeof(header) + i * sizeof(record),
		    sizeof(record));
		h[i].baton = record.baton;
		h[i].amid = record.amid;
		/* well_formed() has counted them */
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
		h[i].fd = fds[fds_n++];
		h[i].with_fd =
		    bt_baton_is_pair(&h[i].baton) ? fds[fds_n++] : -1;
		h[i].bytes = h[i].baton.bytes ? bytes : NULL;
		bytes += h[i].baton.bytes;
	}
	*ret_message = (enum bt_message)header.message;
	return (int)header.count;
}

void
bt_handover_close(struct bt_handover *h)
{
	bt_fd_close(&h->fd);
	if (bt_baton_is_pair(&h->baton))
		bt_fd_close(&h->with_fd);
}

void
bt_baton_set_peer(struct bt_baton *b, const struct bt_addr *a)
{
	const struct sockaddr_in *in4 = (const void *)&a->ss;
	const struct sockaddr_in6 *in6 = (const void *)&a->ss;

	b->family = a->ss.ss_family;
	b->port = bt_addr_port(a);
	memset(b->host, 0, sizeof(b->host));
	if (b->family == AF_INET)
		memcpy(b->host, &in4->sin_addr, 4);
	else if (b->family == AF_INET6)
		memcpy(b->host, &in6->sin6_addr, 16);
}

void
bt_baton_peer(const struct bt_baton *b, struct bt_addr *ret)
{
	struct sockaddr_in *in4 = (void *)&ret->ss;
	struct sockaddr_in6 *in6 = (void *)&ret->ss;

	*ret = (struct bt_addr){ .ss.ss_family = b->family };
	if (b->family == AF_INET) {
		memcpy(&in4->sin_addr, b->host, 4);
		in4->sin_port = htons(b->port);
		ret->len = sizeof(*in4);
	} else if (b->family == AF_INET6) {
		memcpy(&in6->sin6_addr, b->host, 16);
		in6->sin6_port = htons(b->port);
		ret->len = sizeof(*in6);
	} else {
		ret->len = sizeof(sa_family_t);
	}
}
