/*
 * An application that restarts, for a proxy in front of it.
 *
 *	restarting closing PORT AWAY_MS    a process for each request: it
 *answers one, closes its listener, and ends; the next one listens AWAY_MS later
 *	restarting inherited PORT AWAY_MS  the same, but the listener stays
 *open, and the next one inherits it restarting serving PORT            answers
 *one after the other restarting connects PORT           counts connections that
 *are tried; root
 *
 * At the end of its input each ends, and says what it has seen: of connects the
 * number; else how many requests came whole, how many broke off before all of
 * their content was there, and how many connections waited at most for it to
 * accept them.  None lives longer than LIFETIME_S.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIFETIME_S = 300, PATIENCE_S = 2 };

/* What all the processes have seen. */
struct seen {
	unsigned whole, cut, waited;
};
static struct seen *seen;

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int
listen_at(unsigned port)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const void *)&a, sizeof(a)) == -1 ||
	    listen(fd, 4096) == -1)
		fail("listen");
	return fd;
}

/* Of a listener the kernel says there how many it has for accept(). */
static void
count_waiting(int listener)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
	    info.tcpi_unacked > seen->waited)
		seen->waited = info.tcpi_unacked;
}

/* A request is known by its head; content has a length, as ab's. */
static bool
take_request(int fd)
{
	char head[65536 + 1], *end = NULL, *field;
	size_t have = 0, length;
	ssize_t n;

	while (end == NULL) {
		n = recv(fd, head + have, sizeof(head) - 1 - have, 0);
		if (n <= 0) {
			seen->cut += have > 0;
			return false;
		}
		have += (size_t)n;
		head[have] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	field = strcasestr(head, "\r\nContent-Length:");
	length = field != NULL && field < end
	    ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10)
	    : 0;
	have -= (size_t)(end + 4 - head);
	while (have < length) {
		n = recv(fd, head, sizeof(head), 0);
		if (n <= 0) {
			seen->cut++;
			return false;
		}
		have += (size_t)n;
	}
	seen->whole++;
	return true;
}

/* Returns: whether it was a request that could be answered. */
static bool
answer(int fd)
{
	static const char hello[] =
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 6\r\nConnection: close\r\n\r\nhello\n";
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	bool well;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	well = take_request(fd);
	if (well)
		send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
	close(fd);
	return well;
}

/* One request, and this process was all for it. */
static _Noreturn void
be_one(int listener)
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		fd = accept(listener, NULL, NULL);
		count_waiting(listener);
	} while (!answer(fd));
	close(listener);
	_exit(0);
}

/* Waits for so long, or for ever: whether the input ended. */
static bool
input_ends(int also, int ms)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = also, .events = POLLIN } };

	return poll(p, also == -1 ? 1 : 2, ms) > 0 && p[0].revents != 0;
}

static void
restart(unsigned port, int away_ms, bool inherited)
{
	int kept = inherited ? listen_at(port) : -1;

	do {
		int ended[2];
		pid_t child;

		if (pipe(ended) == -1)
			fail("pipe");
		if ((child = fork()) == -1)
			fail("fork");
		if (child == 0)
			be_one(inherited ? kept : listen_at(port));
		close(ended[1]); /* the end that the child has, too */
		if (input_ends(ended[0], -1))
			kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		close(ended[0]);
	} while (!input_ends(-1, away_ms));
}

static void
serve(unsigned port)
{
	int listener = listen_at(port);

	while (!input_ends(listener, -1)) {
		count_waiting(listener);
		answer(accept(listener, NULL, NULL));
	}
}

/* SYN without ACK, on their way to the port: nothing else comes in. */
static void
count_connects(unsigned port)
{
	struct sock_filter lines[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* the IP header's */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { sizeof(lines) / sizeof(lines[0]),
		lines };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP), size = 8 << 20;
	unsigned n = 0;
	char byte;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
		sizeof(filter)) == -1)
		fail("a raw socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	while (!input_ends(fd, -1))
		n += recv(fd, &byte, 1, 0) >= 0;
	printf("%u\n", n);
	exit(0);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	unsigned port = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	bool closing = strcmp(what, "closing") == 0;

	alarm(LIFETIME_S);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		fail("mmap");
	if (argc == 4 && (closing || strcmp(what, "inherited") == 0))
		restart(port, atoi(argv[3]), !closing);
	else if (argc == 3 && strcmp(what, "serving") == 0)
		serve(port);
	else if (argc == 3 && strcmp(what, "connects") == 0)
		count_connects(port);
	else {
		fputs("usage: restarting closing|inherited PORT AWAY_MS\n"
		      "       restarting serving|connects PORT\n",
		    stderr);
		return 2;
	}
	printf("%u %u %u\n", seen->whole, seen->cut, seen->waited);
	return 0;
}
