/*
 * How long a new connection waits for its answer, while something else may be
 * going on: connects, asks, reads to the end, again and again, with a pause in
 * between so that it is no load of its own.
 *
 *	probe PORT PATH SECONDS
 *
 * Prints the number of answers, p50, p99 and the longest, in milliseconds.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PROBES_MAX 100000

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Milliseconds; less than 0 when there was no answer. */
static double
ask(unsigned port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char request[256], answer[4096];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	double begun = now_ms();
	int n = snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", path);
	ssize_t got, all = 0;

	if (fd == -1 || connect(fd, (void *)&to, sizeof(to)) == -1 ||
	    write(fd, request, (size_t)n) != n) {
		close(fd);
		return -1;
	}
	while ((got = read(fd, answer, sizeof(answer))) > 0)
		all += got;
	close(fd);
	return all > 0 ? now_ms() - begun : -1;
}

int
main(int argc, char **argv)
{
	static double times[PROBES_MAX];
	const struct timespec pause = { 0, 2000000 };
	size_t n = 0;
	double end;

	if (argc < 4) {
		fprintf(stderr, "usage: probe PORT PATH SECONDS\n");
		return 2;
	}
	end = now_ms() + atof(argv[3]) * 1e3;
	while (now_ms() < end && n < PROBES_MAX) {
		double ms = ask((unsigned)atoi(argv[1]), argv[2]);

		if (ms >= 0)
			times[n++] = ms;
		nanosleep(&pause, NULL);
	}
	if (n == 0)
		return 1;
	qsort(times, n, sizeof(times[0]), compare);
	printf("%zu %.2f %.2f %.2f\n", n, times[n / 2], times[n * 99 / 100],
	    times[n - 1]);
	return 0;
}
