#include "tests/system/origin.h"

#include "tests/system/system.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Port 0: a free one. */
static void
take_port(struct origin *o, unsigned port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int one = 1;

	o->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(o->fd, -1);
	ck_assert_int_eq(
	    setsockopt(o->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	ck_assert_int_eq(bind(o->fd, (void *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(o->fd, (void *)&sin, &len), 0);
	o->port = ntohs(sin.sin_port);
}

void
origin_reserve(struct origin *o)
{
	take_port(o, 0);
}

void
origin_restart(struct origin *o)
{
	origin_stop(o);
	take_port(o, o->port);
}

void
origin_listen(struct origin *o)
{
	ck_assert_int_eq(listen(o->fd, 64), 0);
}

void
origin_start(struct origin *o)
{
	origin_reserve(o);
	origin_listen(o);
}

void
origin_stop(struct origin *o)
{
	close(o->fd);
	o->fd = -1;
}

bool
origin_is_up(const struct origin *o)
{
	socklen_t len = sizeof(int);
	int listens = 0;

	ck_assert_int_eq(
	    getsockopt(o->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len), 0);
	return listens;
}

bool
origin_is_called(struct origin *o)
{
	return wait_is_now(o->fd, POLLIN);
}

struct client *
origin_accept(struct origin *o)
{
	int fd;

	ck_assert_msg(wait_for(o->fd, POLLIN, wait_deadline()) != 0,
	    "nobody connects to the origin");
	fd = accept4(o->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ne(fd, -1);
	return client_new(&fd);
}

const char *
origin_read(struct client *c)
{
	const char *bytes, *end;
	size_t n = 4;
	char *head;

	for (;;) {
		bytes = client_peek(c, n);
		end = memmem(bytes, n, "\r\n\r\n", 4);
		if (end != NULL)
			break;
		n++;
	}
	head = scratch_printf("%.*s", (int)(end + 4 - bytes), bytes);
	client_skip(c, (size_t)(end + 4 - bytes));
	return head;
}

void
origin_answer(struct client *c, const char *text)
{
	origin_read(c);
	client_puts(c, text);
}
