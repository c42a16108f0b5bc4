/*
 * Both ends of what a proxy is measured with, where wrk and nginx cannot be
 * them.
 *
 *	proxy_ends silent PORT          takes requests, and never answers
 *	proxy_ends echo PORT            switches protocols, and sends all back
 *	proxy_ends hold PORT N PATH     asks on N connections, and holds them
 *	proxy_ends tunnels PORT N SECONDS
 *	proxy_ends ask PORT N BYTES     asks N times at once
 *
 * `hold` writes a line when all have asked, and ends when its input does; that
 * one of them was answered is a failure.  `tunnels` opens N WebSockets, writes
 * a line, and reads one; then it sends a message of 64 bytes on each, and the
 * next as soon as that is back.  It writes how many came back, and the 50th and
 * the 99th percentile of the time that they took, in ms.  `ask` sends N
 *requests with so much content, and writes how many got a 200, after how many
 *seconds the last one ended, and those percentiles; a recent ab asks once
 *before it opens another connection.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, FRAME_BYTES = 6 + 64, TIMES = 4 * 1000 * 1000 };
/* Nothing is waited for longer than that. */
enum { PATIENCE_S = 10, ASK_PATIENCE_S = 40 };

/* A masked text frame of 64 bytes. */
static const char frame[FRAME_BYTES + 1] = "\x81\xc0\1\2\3\4"
					   "0123456789abcdef0123456789abcdef"
					   "0123456789abcdef0123456789abcdef";
static float times_ms[TIMES];

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in
address(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int
listen_at(unsigned port)
{
	struct sockaddr_in a = address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&a, sizeof(a)) == -1 || listen(fd, 4096) == -1)
		fail("listen");
	return fd;
}

static int
connect_to(unsigned port, const char *request)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_in a = address(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd == -1 || connect(fd, (void *)&a, sizeof(a)) == -1)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) == -1)
		fail("send");
	return fd;
}

static void
watch(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		fail("epoll_ctl");
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Every client of ours has the key of RFC 6455, 1.3. */
static void
answer_echo(int fd)
{
	static const char switching[] =
	    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
	char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN))
		close(fd);
	else if (n > 4 && memcmp(bytes, "GET ", 4) == 0)
		send(fd, switching, sizeof(switching) - 1, MSG_NOSIGNAL);
	else if (n > 0)
		send(fd, bytes, (size_t)n, MSG_NOSIGNAL);
}

static void
answer_silent(int fd)
{
	char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN))
		close(fd);
}

static void
serve(unsigned port, void (*answer)(int))
{
	int listener = listen_at(port), ep = epoll_create1(0);
	struct epoll_event events[EVENTS];

	watch(ep, listener);
	for (;;) {
		int n = epoll_wait(ep, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd != listener)
				answer(fd);
			else if ((fd = accept(listener, NULL, NULL)) != -1)
				watch(ep, fd);
		}
	}
}

/* Until a line is read, or there is no more. */
static void
await_line(const char *say)
{
	int c;

	puts(say);
	fflush(stdout);
	do
		c = getchar();
	while (c != EOF && c != '\n');
}

static void
hold(unsigned port, unsigned n, const char *path)
{
	int ep = epoll_create1(0);
	struct epoll_event event;
	char request[256];

	/* a server that has a name answers what is for another one */
	snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", path, port);
	for (unsigned i = 0; i < n; i++)
		watch(ep, connect_to(port, request));
	await_line("held");
	if (epoll_wait(ep, &event, 1, 0) != 0) {
		fputs("not all of them are held\n", stderr);
		exit(1);
	}
}

static void
open_tunnel(int ep, unsigned port)
{
	char request[256], answer[4096];
	size_t have = 0;
	int fd;

	snprintf(request, sizeof(request),
	    "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	    port);
	fd = connect_to(port, request);
	while (memmem(answer, have, "\r\n\r\n", 4) == NULL) {
		ssize_t n = recv(fd, answer + have, sizeof(answer) - have, 0);

		if (n <= 0)
			fail("no tunnel");
		have += (size_t)n;
	}
	if (memcmp(answer, "HTTP/1.1 101", 12) != 0) {
		fprintf(stderr, "no tunnel: %.40s\n", answer);
		exit(1);
	}
	watch(ep, fd);
}

static int
compare_times(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void
tunnels(unsigned port, unsigned n, double seconds)
{
	double *sent = calloc(n + 64, sizeof(*sent)), until;
	struct epoll_event events[EVENTS];
	int ep = epoll_create1(0), first = ep + 1;
	unsigned done = 0;
	char bytes[256];

	for (unsigned i = 0; i < n; i++)
		open_tunnel(ep, port);
	await_line("open");
	until = now_ms() + seconds * 1e3;
	for (unsigned i = 0; i < n; i++) {
		sent[i] = now_ms();
		send(first + (int)i, frame, FRAME_BYTES, MSG_NOSIGNAL);
	}
	while (now_ms() < until) {
		int k = epoll_wait(ep, events, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			int fd = events[i].data.fd;

			if (recv(fd, bytes, FRAME_BYTES, MSG_WAITALL) !=
				FRAME_BYTES ||
			    memcmp(bytes, frame, FRAME_BYTES) != 0) {
				fputs("not the frame that was sent\n", stderr);
				exit(1);
			}
			if (done < TIMES)
				times_ms[done] =
				    (float)(now_ms() - sent[fd - first]);
			done++;
			sent[fd - first] = now_ms();
			send(fd, frame, FRAME_BYTES, MSG_NOSIGNAL);
		}
	}
	if (done == 0 || done > TIMES)
		fail("too few or too many");
	qsort(times_ms, done, sizeof(times_ms[0]), compare_times);
	printf("%u %.3f %.3f\n", done, (double)times_ms[done / 2],
	    (double)times_ms[(size_t)done * 99 / 100]);
}

struct asked {
	int fd;
	size_t sent;
	bool answered; /* by a 200 */
};

/* Returns: whether it ended. */
static bool
go_on(struct asked *a, uint32_t events, const char *request, size_t bytes)
{
	char answer[4096];
	ssize_t n;

	while ((events & EPOLLOUT) && a->sent < bytes) {
		n = send(a->fd, request + a->sent, bytes - a->sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1)
			break;
		a->sent += (size_t)n;
	}
	while ((n = recv(a->fd, answer, sizeof(answer), MSG_DONTWAIT)) > 0)
		if (n > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0)
			a->answered = true;
	return n == 0 || (n == -1 && errno != EAGAIN);
}

static void
ask(unsigned port, unsigned n, size_t content_bytes)
{
	struct asked *asked = calloc(n, sizeof(*asked));
	char *request = malloc(content_bytes + 256);
	double begun = now_ms();
	int ep = epoll_create1(0);
	unsigned answered = 0, ended = 0;
	struct epoll_event event;
	size_t bytes;

	bytes = (size_t)sprintf(request,
	    "%s / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    content_bytes > 0 ? "POST" : "GET", port, content_bytes);
	memset(request + bytes, 'x', content_bytes);
	bytes += content_bytes;
	for (unsigned i = 0; i < n; i++) {
		event.events = EPOLLIN | EPOLLOUT | EPOLLET;
		event.data.u32 = i;
		asked[i].fd = connect_to(port, "");
		epoll_ctl(ep, EPOLL_CTL_ADD, asked[i].fd, &event);
	}
	while (
	    ended < n && epoll_wait(ep, &event, 1, ASK_PATIENCE_S * 1000) > 0) {
		struct asked *a = &asked[event.data.u32];

		if (!go_on(a, event.events, request, bytes))
			continue;
		close(a->fd);
		if (a->answered)
			times_ms[answered++] = (float)(now_ms() - begun);
		ended++;
	}
	qsort(times_ms, answered, sizeof(times_ms[0]), compare_times);
	printf("%u %.3f %.1f %.1f\n", answered, (now_ms() - begun) / 1e3,
	    (double)times_ms[answered / 2],
	    (double)times_ms[(size_t)answered * 99 / 100]);
}

int
main(int argc, char **argv)
{
	struct rlimit limit;
	const char *what = argc > 2 ? argv[1] : "";
	unsigned port = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (strcmp(what, "silent") == 0)
		serve(port, answer_silent);
	else if (strcmp(what, "echo") == 0)
		serve(port, answer_echo);
	else if (strcmp(what, "hold") == 0 && argc == 5)
		hold(port, (unsigned)atoi(argv[3]), argv[4]);
	else if (strcmp(what, "tunnels") == 0 && argc == 5)
		tunnels(port, (unsigned)atoi(argv[3]), atof(argv[4]));
	else if (strcmp(what, "ask") == 0 && argc == 5)
		ask(port, (unsigned)atoi(argv[3]), (size_t)atol(argv[4]));
	else {
		fputs("usage: proxy_ends silent|echo PORT\n"
		      "       proxy_ends hold PORT N PATH\n"
		      "       proxy_ends tunnels PORT N SECONDS\n"
		      "       proxy_ends ask PORT N BYTES\n",
		    stderr);
		return 2;
	}
	return 0;
}
