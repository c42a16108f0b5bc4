/*
 * channel/channel.c: batons over a UNIX socketpair.
 */

#include "base/fd.h"
#include "base/mem.h"
#include "channel/channel.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define BATCH BT_CHANNEL_BATCH_MAX
#define MAGIC 0x6276u
/* Of a connection in a message: its baton, and what is left of its file. */
#define RECORD (sizeof(struct bt_baton) + 2 * sizeof(uint64_t))

static struct bt_channel *near, *far;
static struct bt_handover out[BATCH], in[BATCH];
static enum bt_message message;
static unsigned lost;

static void
make_pair(void)
{
	bt_fd_raise_limit();
	ck_assert_int_eq(bt_channel_pair(&near, &far), 0);
	message = BT_MESSAGES;
	lost = 0xdead;
}

static void
free_pair(void)
{
	bt_channel_free(near);
	bt_channel_free(far);
}

/* A descriptor that can be told from others: an inode of its own. */
static int
token(void)
{
	int fd = memfd_create("token", 0);

	ck_assert_int_ne(fd, -1);
	return fd;
}

static ino_t
inode(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Fills out[0] to out[n - 1]; the baton's id is the descriptor's inode. */
static void
prepare(size_t n, uint32_t bytes)
{
	static char text[BT_BATON_BYTES_MAX + BATCH];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 31 + i / 256);
	for (size_t i = 0; i < n; i++) {
		int fd = token();

		out[i] = (struct bt_handover){ .fd = fd,
			.bytes = bytes ? text + i : NULL,
			.baton = { .accepted_us = (int64_t)i + 1,
			    .id = inode(fd),
			    .requests = (uint32_t)i,
			    .bytes = bytes,
			    .listen = 7,
			    .family = AF_INET,
			    .port = (uint16_t)(1024 + i),
			    .host = { 192, 0, 2, (uint8_t)i } } };
	}
}

static void
close_out(size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		bt_fd_close(&out[i].fd);
}

/* out[from] to out[from + n - 1] arrived as in[0] to in[n - 1], in order. */
static void
expect_arrived(size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct bt_handover *sent = &out[from + i];

		ck_assert_mem_eq(
		    &in[i].baton, &sent->baton, sizeof(in[i].baton));
		ck_assert_uint_eq(inode(in[i].fd), sent->baton.id);
		ck_assert_int_eq(fcntl(in[i].fd, F_GETFD), FD_CLOEXEC);
		if (sent->baton.bytes == 0)
			ck_assert_ptr_null(in[i].bytes);
		else
			ck_assert_mem_eq(
			    in[i].bytes, sent->bytes, sent->baton.bytes);
		bt_fd_close(&in[i].fd);
	}
}

static void
expect_nothing(struct bt_channel *c)
{
	lost = 0xdead;
	message = BT_MESSAGES;
	ck_assert_int_eq(bt_channel_recv(c, in, &message, &lost), -EAGAIN);
	ck_assert_uint_eq(lost, 0xdead); /* untouched on failure */
	ck_assert_int_eq(message, BT_MESSAGES);
}

START_TEST(pair_is_closed_on_exec_and_never_blocks)
{
	const struct bt_channel *ends[] = { near, far };

	for (int i = 0; i < 2; i++) {
		int fd = bt_channel_fd(ends[i]);

		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	}
	expect_nothing(near);
	expect_nothing(far);
	bt_channel_free(NULL);
}
END_TEST

START_TEST(pair_without_descriptors)
{
	struct rlimit limit, none;
	struct bt_channel *a = near, *b = far;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	ck_assert_int_eq(bt_channel_pair(&a, &b), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert(a == near && b == far);
}
END_TEST

/* Batches of every length, there and back on the same pair. */
START_TEST(batches)
{
	size_t n = (size_t)_i;
	int before = bt_fd_count();

	prepare(n, _i % 3 ? 0 : 100);
	ck_assert_int_eq(
	    bt_channel_send(near, BT_MESSAGE_HANDOVER, out, n), (int)n);
	ck_assert_int_eq(
	    bt_channel_send(far, BT_MESSAGE_HANDOVER, out, n), (int)n);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), (int)n);
	ck_assert_int_eq(message, BT_MESSAGE_HANDOVER);
	expect_arrived(0, n);
	ck_assert_int_eq(bt_channel_recv(near, in, &message, &lost), (int)n);
	expect_arrived(0, n);
	expect_nothing(far);
	close_out(0, n);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

/* The copy in the queue lives on when the sender has closed its own. */
START_TEST(sent_is_the_queues)
{
	int before = bt_fd_count();

	prepare(3, 5);
	ck_assert_int_eq(bt_channel_send(near, BT_MESSAGE_HANDOVER, out, 3), 3);
	close_out(0, 3);
	ck_assert_int_eq(bt_fd_count(), before);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 3);
	expect_arrived(0, 3);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

/* Different amounts with each: nothing, one byte, much. */
START_TEST(bytes_travel_with_their_own)
{
	static const uint32_t amounts[] = { 0, 1, 4096, 0, 20000, 7, 0 };

	prepare(ROWS(amounts), 1);
	for (int i = 0; i < ROWS(amounts); i++) {
		out[i].baton.bytes = amounts[i];
		if (amounts[i] == 0)
			out[i].bytes = NULL;
	}
	ck_assert_int_eq(
	    bt_channel_send(near, BT_MESSAGE_HANDOVER, out, ROWS(amounts)),
	    ROWS(amounts));
	ck_assert_int_eq(
	    bt_channel_recv(far, in, &message, &lost), ROWS(amounts));
	expect_arrived(0, ROWS(amounts));
	close_out(0, ROWS(amounts));
}
END_TEST

/* What does not fit into one message is left to the next one. */
static const struct {
	uint32_t bytes;
	size_t n;
} loads[] = {
	{ BT_BATON_BYTES_MAX, 1 },
	{ BT_BATON_BYTES_MAX, 3 },
	{ BT_BATON_BYTES_MAX / 2, 4 },
	{ BT_BATON_BYTES_MAX / 2 - 100, 5 },
	{ 1000, BATCH },
	{ 1, BATCH },
};

START_TEST(bytes_beyond_one_message)
{
	size_t n = loads[_i].n, sent = 0, messages = 0;

	prepare(n, loads[_i].bytes);
	while (sent < n) {
		int r = bt_channel_send(
		    near, BT_MESSAGE_HANDOVER, out + sent, n - sent);

		ck_assert_int_ge(r, 1);
		ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), r);
		expect_arrived(sent, (size_t)r);
		sent += (size_t)r;
		messages++;
	}
	ck_assert_uint_ge(messages * (BT_BATON_BYTES_MAX + RECORD),
	    n * (loads[_i].bytes + RECORD));
	close_out(0, n);
}
END_TEST

START_TEST(order_is_kept)
{
	size_t at = 0;

	prepare(60, 3);
	for (size_t n = 1; at < 60; at += n, n = n % 7 + 1) {
		if (n > 60 - at)
			n = 60 - at;
		ck_assert_int_eq(
		    bt_channel_send(near, BT_MESSAGE_HANDOVER, out + at, n),
		    (int)n);
		ck_assert_int_eq(bt_channel_notify(near, BT_MESSAGE_DRAIN), 0);
	}
	for (at = 0; at < 60;) {
		int r = bt_channel_recv(far, in, &message, &lost);

		ck_assert_int_ge(r, 1);
		expect_arrived(at, (size_t)r);
		at += (size_t)r;
		ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 0);
		ck_assert_int_eq(message, BT_MESSAGE_DRAIN);
	}
	expect_nothing(far);
	close_out(0, 60);
}
END_TEST

START_TEST(notifies)
{
	static const enum bt_message all[] = { BT_MESSAGE_ROOM,
		BT_MESSAGE_DRAIN, BT_MESSAGE_LOGS };

	for (int i = 0; i < ROWS(all); i++) {
		ck_assert_int_eq(bt_channel_notify(near, all[i]), 0);
		ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 0);
		ck_assert_int_eq(message, all[i]);
	}
}
END_TEST

START_TEST(logs_travel_too)
{
	struct bt_handover logs[2] = { { .fd = token() }, { .fd = token() } };

	for (int n = 1; n <= 2; n++) {
		ck_assert_int_eq(
		    bt_channel_send(near, BT_MESSAGE_LOGS, logs, (size_t)n), n);
		ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), n);
		ck_assert_int_eq(message, BT_MESSAGE_LOGS);
		for (int i = 0; i < n; i++) {
			ck_assert_uint_eq(inode(in[i].fd), inode(logs[i].fd));
			ck_assert_ptr_null(in[i].bytes);
			bt_fd_close(&in[i].fd);
		}
	}
	bt_fd_close(&logs[0].fd);
	bt_fd_close(&logs[1].fd);
}
END_TEST

/* Full is said, not waited for; what went in comes out, what did not stays. */
START_TEST(full_loses_nothing)
{
	static const struct {
		size_t n;
		uint32_t bytes;
	} kinds[] = { { 1, 0 }, { 8, 0 }, { BATCH, 0 }, { 1, 60000 } };
	const size_t n = kinds[_i].n;
	int before = bt_fd_count(), r;
	size_t sent = 0, got = 0, again = 0;

	prepare(n, kinds[_i].bytes);
	while ((r = bt_channel_send(near, BT_MESSAGE_HANDOVER, out, n)) > 0)
		sent += (size_t)r;
	if (r != -ETOOMANYREFS) /* a limit of its own, for those not root */
		ck_assert_int_eq(r, -EAGAIN);
	ck_assert_uint_ge(sent, n);
	/* the sender still has what it could not send */
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(inode(out[i].fd), out[i].baton.id);
	for (int k = 0; k < 3; k++) { /* room again after each message taken */
		r = bt_channel_recv(far, in, &message, &lost);
		ck_assert_int_eq(r, (int)n);
		got += (size_t)r;
		expect_arrived(0, n);
		while ((r = bt_channel_send(
			    near, BT_MESSAGE_HANDOVER, out, n)) > 0)
			again += (size_t)r;
	}
	ck_assert_uint_gt(again, 0);
	while ((r = bt_channel_recv(far, in, &message, &lost)) > 0) {
		got += (size_t)r;
		expect_arrived(0, (size_t)r);
	}
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_uint_eq(got, sent + again);
	close_out(0, n);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

/* A receiver that runs out of descriptors gets some of a batch at most. */
START_TEST(truncated_is_closed_and_counted)
{
	static const unsigned room[] = { 0, 1, 2, 7, 9 };
	const unsigned n = 10;
	struct rlimit limit, low;
	int before = bt_fd_count(), top, r;

	prepare(n, 10);
	ck_assert_int_eq(
	    bt_channel_send(near, BT_MESSAGE_HANDOVER, out, n), (int)n);
	ck_assert_int_eq(
	    bt_channel_send(near, BT_MESSAGE_HANDOVER, out, n), (int)n);
	/* close ours, so that numbers below the limit are dense again */
	top = out[0].fd;
	close_out(0, n);
	ck_assert_int_eq(bt_fd_count(), before);
	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = (rlim_t)top + room[_i];
	setrlimit(RLIMIT_NOFILE, &low);
	r = bt_channel_recv(far, in, &message, &lost);
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_int_eq(r, -EBADMSG);
	ck_assert_uint_eq(lost, n);
	ck_assert_int_eq(message, BT_MESSAGES);
	ck_assert_int_eq(bt_fd_count(), before);
	/* the channel goes on with the next message */
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), (int)n);
	expect_arrived(0, n);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

/* Logs are no connections. */
START_TEST(truncated_logs_cost_no_connection)
{
	struct bt_handover logs[2] = { { .fd = token() }, { .fd = token() } };
	struct rlimit limit, low;
	int before;

	ck_assert_int_eq(bt_channel_send(near, BT_MESSAGE_LOGS, logs, 2), 2);
	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = (rlim_t)logs[1].fd + 1;
	before = bt_fd_count();
	setrlimit(RLIMIT_NOFILE, &low);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), -EBADMSG);
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_uint_eq(lost, 0);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

struct raw_header {
	uint16_t magic, message;
	uint32_t count;
};

/* Sends what a sound peer never would. */
static void
send_raw(const void *bytes, size_t n, unsigned fds_n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(BATCH * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = token(), fds[BATCH];

	if (fds_n > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_len = CMSG_LEN(fds_n * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		for (unsigned i = 0; i < fds_n; i++)
			fds[i] = fd;
		memcpy(CMSG_DATA(cmsg), fds, fds_n * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(bt_channel_fd(near), &msg, 0), (ssize_t)n);
	close(fd);
}

static const struct {
	const char *name;
	struct raw_header header;
	size_t len; /* of the message, its records' bytes all `fill` */
	unsigned fds;
	uint8_t fill;
	unsigned lost;
} malformed[] = {
	{ "shorter than a header", { MAGIC, 0, 0 }, 7, 0, 0, 0 },
	{ "shorter, with descriptors", { MAGIC, 0, 2 }, 7, 2, 0, 2 },
	{ "one byte", { MAGIC, 0, 0 }, 1, 0, 0, 0 },
	{ "no bytes, but descriptors", { 0, 0, 0 }, 0, 3, 0, 3 },
	{ "another magic", { 0x1234, 0, 1 }, 8 + RECORD, 1, 0, 1 },
	{ "another magic, wild count", { 0x1234, 0, 4000000 }, 8 + RECORD, 1, 0,
	    1 },
	{ "no such message", { MAGIC, BT_MESSAGES, 0 }, 8, 0, 0, 0 },
	{ "no such message, with descriptors", { MAGIC, 77, 2 }, 8 + 2 * RECORD,
	    2, 0, 2 },
	{ "none announced, one came", { MAGIC, 0, 0 }, 8, 1, 0, 1 },
	{ "one announced, none came", { MAGIC, 0, 1 }, 8 + RECORD, 0, 0, 1 },
	{ "one announced, two came", { MAGIC, 0, 1 }, 8 + RECORD, 2, 0, 2 },
	{ "three announced, two came", { MAGIC, 0, 3 }, 8 + 3 * RECORD, 2, 0,
	    3 },
	{ "a handover of nothing", { MAGIC, 0, 0 }, 8, 0, 0, 0 },
	{ "more than a batch", { MAGIC, 0, 254 }, 8 + 254 * RECORD, 253, 0,
	    253 },
	{ "record cut short", { MAGIC, 0, 1 }, 7 + RECORD, 1, 0, 1 },
	{ "no record", { MAGIC, 0, 1 }, 8, 1, 0, 1 },
	{ "bytes that nobody owns", { MAGIC, 0, 1 }, 9 + RECORD, 1, 0, 1 },
	{ "bytes that did not come", { MAGIC, 0, 1 }, 8 + RECORD, 1, 0xff, 1 },
	{ "drain with a descriptor", { MAGIC, BT_MESSAGE_DRAIN, 1 }, 8 + RECORD,
	    1, 0, 1 },
	{ "longer than any message", { MAGIC, 0, 1 }, 70000, 1, 0, 1 },
};

START_TEST(malformed_is_closed_and_counted)
{
	char *raw = bt_mem_zero(1, 80000);
	int before = bt_fd_count();

	memset(raw, malformed[_i].fill, 80000);
	memcpy(raw, &malformed[_i].header, sizeof(malformed[_i].header));
	send_raw(raw, malformed[_i].len, malformed[_i].fds);
	free(raw);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), -EBADMSG);
	ck_assert_msg(lost == malformed[_i].lost, "%s: lost %u",
	    malformed[_i].name, lost);
	ck_assert_int_eq(bt_fd_count(), before);
	/* and what follows is read as if nothing had been */
	prepare(2, 9);
	ck_assert_int_eq(bt_channel_send(near, BT_MESSAGE_HANDOVER, out, 2), 2);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 2);
	expect_arrived(0, 2);
	close_out(0, 2);
}
END_TEST

START_TEST(eof_is_said_again_and_again)
{
	bt_channel_free(near);
	near = NULL;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    bt_channel_recv(far, in, &message, &lost), -EPIPE);
	prepare(1, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
		    bt_channel_send(far, BT_MESSAGE_HANDOVER, out, 1), -EPIPE);
		ck_assert_int_eq(
		    bt_channel_notify(far, BT_MESSAGE_ROOM), -EPIPE);
	}
	close_out(0, 1);
}
END_TEST

/* What was sent before the sender went is there, then EOF. */
START_TEST(eof_comes_behind_the_messages)
{
	prepare(3, 5);
	ck_assert_int_eq(bt_channel_send(near, BT_MESSAGE_HANDOVER, out, 3), 3);
	close_out(0, 3);
	bt_channel_free(near);
	near = NULL;
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 3);
	expect_arrived(0, 3);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), -EPIPE);
}
END_TEST

/*
 * An end that closes with something unread resets the other one; that one must
 * still find all that was sent to it, and a sender must hear -EPIPE.
 */
START_TEST(reset_hides_no_message)
{
	prepare(4, 5);
	ck_assert_int_eq(bt_channel_send(near, BT_MESSAGE_HANDOVER, out, 2), 2);
	ck_assert_int_eq(
	    bt_channel_send(near, BT_MESSAGE_HANDOVER, out + 2, 2), 2);
	close_out(0, 4);
	ck_assert_int_eq(bt_channel_notify(far, BT_MESSAGE_ROOM), 0);
	bt_channel_free(near); /* ROOM was not read */
	near = NULL;
	if (_i) {
		ck_assert_int_eq(
		    bt_channel_notify(far, BT_MESSAGE_ROOM), -EPIPE);
		ck_assert_int_eq(
		    bt_channel_notify(far, BT_MESSAGE_ROOM), -EPIPE);
	}
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 2);
	expect_arrived(0, 2);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 2);
	expect_arrived(2, 2);
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), -EPIPE);
}
END_TEST

/* A connection that was never taken ends when the channel is freed. */
START_TEST(freed_queue_leaks_nothing)
{
	int fd[2];
	char c;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	out[0] = (struct bt_handover){ .fd = fd[0] };
	ck_assert_int_eq(bt_channel_send(near, BT_MESSAGE_HANDOVER, out, 1), 1);
	close(fd[0]);
	ck_assert_int_eq(recv(fd[1], &c, 1, MSG_DONTWAIT), -1);
	bt_channel_free(near);
	bt_channel_free(far);
	near = far = NULL;
	ck_assert_int_eq(recv(fd[1], &c, 1, MSG_DONTWAIT), 0);
	close(fd[1]);
}
END_TEST

/* A worker in `far` that takes one message, then ends without a word. */
static void
worker_takes_one_and_dies(void)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		int r = bt_channel_recv(far, in, &message, &lost);

		_exit(r == 2 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/*
 * Slots, not processes, own channels: the master holds both ends, and the
 * successor finds what the dead worker did not take.
 */
START_TEST(queue_survives_its_reader)
{
	int before = bt_fd_count();

	prepare(6, 11);
	for (size_t i = 0; i < 6; i += 2)
		ck_assert_int_eq(
		    bt_channel_send(near, BT_MESSAGE_HANDOVER, out + i, 2), 2);
	close_out(0, 6);
	worker_takes_one_and_dies();
	worker_takes_one_and_dies();
	ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), 2);
	expect_arrived(4, 2);
	expect_nothing(far);
	ck_assert_int_eq(bt_fd_count(), before);
}
END_TEST

static const char *const peers[] = { "192.0.2.7:4711", "[2001:db8::7]:65535",
	"[::ffff:192.0.2.7]:1" };

START_TEST(peers_travel)
{
	struct bt_baton b;
	struct bt_addr a, back;
	const char *why;

	memset(&b, 0xff, sizeof(b)); /* reused: no byte of the last one stays */
	ck_assert_int_eq(bt_addr_parse(bt_str_of(peers[_i]), &a, &why), 0);
	bt_baton_set_peer(&b, &a);
	memset(&back, 0xff, sizeof(back));
	bt_baton_peer(&b, &back);
	ck_assert(bt_addr_equal(&a, &back));
	ck_assert_int_eq(a.len, back.len);
	for (size_t i = a.ss.ss_family == AF_INET ? 4 : 16; i < 16; i++)
		ck_assert_uint_eq(b.host[i], 0);
}
END_TEST

START_TEST(peers_without_address)
{
	struct bt_baton b;
	struct bt_addr a = { .ss.ss_family = AF_UNIX, .len = 2 }, back;
	char text[BT_ADDR_TEXT_MAX];

	memset(&b, 0xff, sizeof(b));
	bt_baton_set_peer(&b, &a);
	ck_assert_uint_eq(b.port, 0);
	ck_assert_uint_eq(b.host[0], 0);
	bt_baton_peer(&b, &back);
	ck_assert_str_eq(bt_addr_format(&back, text), "unix:");
	ck_assert_int_eq(back.len, 2);
	a = (struct bt_addr){ 0 };
	bt_baton_set_peer(&b, &a);
	bt_baton_peer(&b, &back);
	ck_assert_str_eq(bt_addr_format(&back, text), "-");
}
END_TEST

/* Every second one has a file: each gets its own, and they count. */
START_TEST(files_travel_with_their_connections)
{
	size_t at = 0;

	prepare(BATCH, 3);
	for (size_t i = 0; i < BATCH; i += 2) {
		out[i].with_fd = token();
		out[i].baton.flags = BT_BATON_FILE;
		out[i].amid.file.offset = inode(out[i].with_fd);
		out[i].amid.file.rest = UINT64_MAX - i;
	}
	while (at < BATCH) {
		size_t descriptors = 0;
		int n = bt_channel_send(
		    near, BT_MESSAGE_HANDOVER, out + at, BATCH - at);

		ck_assert_int_gt(n, 0);
		ck_assert_int_eq(bt_channel_recv(far, in, &message, &lost), n);
		for (int i = 0; i < n; i++) {
			bool has_file = (at + (size_t)i) % 2 == 0;

			descriptors += has_file ? 2 : 1;
			if (!has_file) {
				ck_assert_int_eq(in[i].with_fd, -1);
				continue;
			}
			ck_assert_uint_eq(
			    inode(in[i].with_fd), in[i].amid.file.offset);
			ck_assert_uint_eq(in[i].amid.file.rest,
			    UINT64_MAX - (at + (size_t)i));
			bt_fd_close(&in[i].with_fd);
		}
		ck_assert_uint_le(descriptors, BATCH);
		expect_arrived(at, (size_t)n);
		at += (size_t)n;
	}
	expect_nothing(far);
	for (size_t i = 0; i < BATCH; i++)
		bt_handover_close(&out[i]);
}
END_TEST

BT_UNIT_SUITE(channel)
{
	TCase *tc = bt_unit_case(s, "travel");

	tcase_add_checked_fixture(tc, make_pair, free_pair);
	tcase_add_test(tc, files_travel_with_their_connections);
	tcase_add_test(tc, pair_is_closed_on_exec_and_never_blocks);
	tcase_add_test(tc, pair_without_descriptors);
	tcase_add_loop_test(tc, batches, 1, BATCH + 1);
	tcase_add_test(tc, sent_is_the_queues);
	tcase_add_test(tc, bytes_travel_with_their_own);
	tcase_add_loop_test(tc, bytes_beyond_one_message, 0, ROWS(loads));
	tcase_add_test(tc, order_is_kept);
	tcase_add_test(tc, notifies);
	tcase_add_test(tc, logs_travel_too);
	tc = bt_unit_case(s, "trouble");
	tcase_add_checked_fixture(tc, make_pair, free_pair);
	tcase_add_loop_test(tc, full_loses_nothing, 0, 4);
	tcase_add_loop_test(tc, truncated_is_closed_and_counted, 0, 5);
	tcase_add_test(tc, truncated_logs_cost_no_connection);
	tcase_add_loop_test(
	    tc, malformed_is_closed_and_counted, 0, ROWS(malformed));
	tcase_add_test(tc, eof_is_said_again_and_again);
	tcase_add_test(tc, eof_comes_behind_the_messages);
	tcase_add_loop_test(tc, reset_hides_no_message, 0, 2);
	tcase_add_test(tc, freed_queue_leaks_nothing);
	tcase_add_test(tc, queue_survives_its_reader);
	tc = bt_unit_case(s, "peers");
	tcase_add_loop_test(tc, peers_travel, 0, ROWS(peers));
	tcase_add_test(tc, peers_without_address);
}
