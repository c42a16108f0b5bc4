/*
 * The floor: what a request costs when a server only reads and writes.  One
 * process for each CPU, each with its own listening socket (SO_REUSEPORT) and
 * epoll; it parses nothing: an answer for every empty line that comes.  The
 * answers of a batch go out with one call.  HTTP/1.0 and `Connection: close`
 * are closed.
 *
 * usage: floor PORT PROCESSES CONTENT-BYTES (0: `hello, world`)
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 512, IN_BYTES = 32768, BATCH_MAX = 64 };

static char answers[BATCH_MAX * 2048];
static size_t answer_n;

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
make_answers(unsigned content_n)
{
	char one[2048], content[1024];
	int n;

	if (content_n > sizeof(content))
		content_n = sizeof(content);
	memset(content, 'x', sizeof(content));
	if (content_n == 0) {
		content_n = 13;
		memcpy(content, "hello, world\n", content_n);
	}
	n = snprintf(one, sizeof(one),
	    "HTTP/1.1 200 OK\r\nServer: floor\r\n"
	    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
	    "Content-Type: text/plain\r\nContent-Length: %u\r\n\r\n%.*s",
	    content_n, (int)content_n, content);
	answer_n = (size_t)n;
	for (int i = 0; i < BATCH_MAX; i++)
		memcpy(answers + (size_t)i * answer_n, one, answer_n);
}

static int
listen_at(unsigned port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    listen(fd, 4096) == -1)
		fail("listen");
	return fd;
}

/* How many heads end in these bytes; requests come whole from our clients. */
static int
count_heads(const char *in, size_t n)
{
	const char *at = in, *end = in + n;
	int heads = 0;

	while ((at = memmem(at, (size_t)(end - at), "\r\n\r\n", 4)) != NULL) {
		at += 4;
		heads++;
	}
	return heads < BATCH_MAX ? heads : BATCH_MAX;
}

/* Returns false when the connection is over. */
static bool
serve(int fd)
{
	static char in[IN_BYTES];
	ssize_t n = recv(fd, in, sizeof(in), 0);
	bool last;
	size_t out;

	if (n == -1 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	out = (size_t)count_heads(in, (size_t)n) * answer_n;
	last = memmem(in, (size_t)n, "HTTP/1.0", 8) != NULL;
	/* the last answer goes with the FIN */
	if (send(fd, answers, out, MSG_NOSIGNAL | (last ? MSG_MORE : 0)) !=
	    (ssize_t)out)
		return false;
	return !last;
}

static void
run(unsigned port)
{
	struct epoll_event events[EVENTS], ev = { .events = EPOLLIN };
	int listener = listen_at(port), ep = epoll_create1(0);

	ev.data.fd = listener;
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(ep, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				if (!serve(fd))
					close(fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL,
				    SOCK_NONBLOCK)) != -1) {
				if (!serve(fd)) {
					close(fd);
					continue;
				}
				ev.data.fd = fd;
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
			}
		}
	}
}

int
main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: floor PORT PROCESSES CONTENT-BYTES\n", stderr);
		return 2;
	}
	make_answers((unsigned)atoi(argv[3]));
	for (int i = 0; i < atoi(argv[2]); i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			run((unsigned)atoi(argv[1]));
		}
	}
	while (wait(NULL) > 0)
		;
	return 1;
}
