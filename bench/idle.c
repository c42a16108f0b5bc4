/*
 * Idle connections: opens so many, makes one request on each, reads the answer,
 * and then only holds them.  They come from several addresses of the loopback
 * network, so that no address runs out of ports.
 *
 * usage: idle PORT CONNECTIONS PATH
 *
 * Writes a line when all are open and answered, and ends when its input does.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PER_ADDRESS = 10000, ANSWER_MS = 10000 };

static char head[1024];
static size_t head_n;

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
raise_limit(unsigned n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n;
	if (limit.rlim_max < n)
		limit.rlim_max = n;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		fail("idle: descriptors");
}

/* The address of the client: 127.0.1.1, 127.0.1.2 and so on. */
static int
connect_from(unsigned i, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000101u + i / PER_ADDRESS) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (fd == -1 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		fail("idle: connect");
	return fd;
}

/* Reads one answer: its head, and as much as that announces. */
static void
ask(int fd)
{
	char in[16384], *end, *length;
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	size_t n = 0, want = sizeof(in);

	if (write(fd, head, head_n) != (ssize_t)head_n)
		fail("idle: request");
	while (n < want) {
		ssize_t r;

		errno = ETIMEDOUT;
		if (poll(&readable, 1, ANSWER_MS) != 1)
			fail("idle: answer");
		errno = ECONNABORTED; /* for an end of file */
		if ((r = read(fd, in + n, sizeof(in) - 1 - n)) <= 0)
			fail("idle: answer");
		n += (size_t)r;
		in[n] = '\0';
		if (want < sizeof(in) || (end = strstr(in, "\r\n\r\n")) == NULL)
			continue;
		length = strcasestr(in, "\r\ncontent-length:");
		want = (size_t)(end + 4 - in) +
		    (length ? strtoul(length + 17, NULL, 10) : 0);
	}
}

int
main(int argc, char **argv)
{
	unsigned n, port;
	char c;

	if (argc != 4) {
		fputs("usage: idle PORT CONNECTIONS PATH\n", stderr);
		return 2;
	}
	port = (unsigned)atoi(argv[1]);
	n = (unsigned)atoi(argv[2]);
	head_n = (size_t)snprintf(head, sizeof(head),
	    "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[3]);
	raise_limit(n + 16);
	for (unsigned i = 0; i < n; i++)
		ask(connect_from(i, port));
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
