/*
 * The client's sockets and bytes; answers are taken apart in reply.c.
 */

#include "tests/system/client.h"

#include "tests/system/reply.h"
#include "tests/system/scratch.h"
#include "tests/system/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 4096
#define READ_BYTES 4096 /* at least so much room for each read */

static struct client *clients[CLIENTS_MAX];
static size_t clients_n;
static const char *context = "";

void
client_set_context(const char *what)
{
	context = what;
}

const char *
client_context(void)
{
	return context;
}

struct client *
client_new(int *fd)
{
	struct client *c = scratch_alloc(sizeof(*c));

	ck_assert_uint_lt(clients_n, CLIENTS_MAX);
	c->fd = *fd;
	*fd = -1;
	fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
	clients[clients_n++] = c;
	return c;
}

static struct client *
connected(int family, const void *addr, socklen_t len, int receive_bytes)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1)
		ck_abort_msg("%s: socket: %s", context, strerror(errno));
	if (receive_bytes > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
		    sizeof(receive_bytes));
	if (connect(fd, addr, len) == -1)
		ck_abort_msg("%s: connect: %s", context, strerror(errno));
	if (family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return client_new(&fd);
}

struct client *
client_tcp_narrow(const char *host, unsigned port, int bytes)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, host, &four.sin_addr) == 1) {
		four.sin_port = htons((uint16_t)port);
		return connected(AF_INET, &four, sizeof(four), bytes);
	}
	ck_assert_int_eq(inet_pton(AF_INET6, host, &six.sin6_addr), 1);
	six.sin6_port = htons((uint16_t)port);
	return connected(AF_INET6, &six, sizeof(six), bytes);
}

struct client *
client_tcp(const char *host, unsigned port)
{
	return client_tcp_narrow(host, port, 0);
}

struct client *
client_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	ck_assert_uint_lt(strlen(path), sizeof(un.sun_path));
	strcpy(un.sun_path, path);
	return connected(AF_UNIX, &un, sizeof(un), 0);
}

void
client_close(struct client *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	scratch_free(c->in);
	scratch_free(c->head);
	scratch_free(c->content);
	*c = (struct client){ .fd = -1 };
	for (size_t i = 0; i < clients_n; i++)
		if (clients[i] == c)
			clients[i--] = clients[--clients_n];
}

void
client_reset(struct client *c)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	client_close(c);
}

void
client_close_all(void)
{
	while (clients_n > 0)
		client_close(clients[0]);
}

void
client_finish_sending(struct client *c)
{
	shutdown(c->fd, SHUT_WR);
}

int
client_fd(const struct client *c)
{
	return c->fd;
}

/* Reads once what is there: false when nothing is, or nothing will be. */
static bool
read_some(struct client *c)
{
	ssize_t n;

	if (c->eof || c->reset)
		return false;
	if (c->at > 0 && c->at == c->end)
		c->at = c->end = 0;
	if (c->cap - c->end < READ_BYTES) {
		c->cap = 2 * c->cap + 2 * READ_BYTES;
		c->in = scratch_resize(c->in, c->cap);
	}
	n = recv(c->fd, c->in + c->end, c->cap - c->end, 0);
	if (n > 0)
		c->end += (size_t)n;
	else if (n == 0)
		c->eof = true;
	else if (errno == ECONNRESET || errno == EPIPE)
		c->reset = true;
	else if (errno != EAGAIN && errno != EINTR)
		ck_abort_msg("%s: recv: %s", context, strerror(errno));
	return n > 0;
}

bool
client_fill(struct client *c, int64_t deadline_ms)
{
	while (!read_some(c)) {
		if (c->eof || c->reset)
			return false;
		if (!wait_for(c->fd, POLLIN, deadline_ms))
			ck_abort_msg("%s: nothing more came, after %zu bytes: "
				     "%.*s",
			    context, c->end - c->at,
			    (int)(c->end - c->at > 800 ? 800 : c->end - c->at),
			    c->in ? c->in + c->at : "");
	}
	return true;
}

bool
client_send(struct client *c, const void *bytes, size_t n)
{
	const char *at = bytes;
	int64_t deadline = wait_deadline();

	while (n > 0) {
		ssize_t sent = send(c->fd, at, n, MSG_NOSIGNAL);

		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
			deadline = wait_deadline();
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET) {
			while (read_some(c))
				;
			return false;
		}
		if (errno != EAGAIN && errno != EINTR)
			ck_abort_msg("%s: send: %s", context, strerror(errno));
		if (read_some(c))
			continue;
		if (!wait_for(c->fd, POLLOUT | (c->eof ? 0 : POLLIN), deadline))
			ck_abort_msg("%s: the server takes no more", context);
	}
	return true;
}

void
client_puts(struct client *c, const char *text)
{
	if (!client_send(c, text, strlen(text)))
		ck_abort_msg("%s: the connection ended while sending: %.200s",
		    context, text);
}

size_t
client_push(struct client *c, const void *bytes, size_t n, int64_t ms)
{
	const char *at = bytes;
	size_t done = 0;

	while (done < n) {
		ssize_t sent = send(c->fd, at + done, n - done, MSG_NOSIGNAL);

		if (sent > 0)
			done += (size_t)sent;
		else if (errno != EAGAIN ||
		    !wait_for(c->fd, POLLOUT, wait_deadline_in(ms)))
			break;
	}
	return done;
}

const char *
client_peek(struct client *c, size_t n)
{
	int64_t deadline = wait_deadline();

	while (c->end - c->at < n)
		if (!client_fill(c, deadline))
			ck_abort_msg("%s: the connection ended: %zu of %zu",
			    context, c->end - c->at, n);
	return c->in + c->at;
}

const char *
client_peek_all(struct client *c, size_t *ret_n)
{
	int64_t deadline = wait_deadline();

	while (client_fill(c, deadline))
		;
	*ret_n = c->end - c->at;
	return c->in + c->at;
}

size_t
client_waiting(struct client *c)
{
	while (read_some(c))
		;
	return c->end - c->at;
}

void
client_skip(struct client *c, size_t n)
{
	while (n > 0) {
		size_t here = c->end - c->at;

		if (here > n)
			here = n;
		c->at += here;
		n -= here;
		if (n > 0 && !client_fill(c, wait_deadline()))
			ck_abort_msg("%s: the connection ended", context);
	}
}

static void
expect_end(struct client *c)
{
	int64_t deadline = wait_deadline();

	while (client_fill(c, deadline))
		;
	if (c->end > c->at)
		ck_abort_msg("%s: wanted the end of the connection, got %zu "
			     "bytes: %.*s",
		    context, c->end - c->at,
		    (int)(c->end - c->at > 800 ? 800 : c->end - c->at),
		    c->in + c->at);
}

void
client_expect_eof(struct client *c)
{
	expect_end(c);
	ck_assert_msg(!c->reset, "%s: reset, not closed", context);
}

void
client_expect_end(struct client *c)
{
	expect_end(c);
}
