#include "tests/system/dns.h"

#include "tests/system/system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESSES_MAX 8
#define HEADER_BYTES 12
#define TYPE_A 1

struct dns {
	int fd;
	unsigned port;
	pthread_mutex_t mutex;
	pthread_cond_t was_asked;
	enum dns_mood mood;
	unsigned ttl_s, n, asked;
	struct in_addr addresses[ADDRESSES_MAX];
};

static unsigned char *
put16(unsigned char *at, unsigned n)
{
	*at++ = (unsigned char)(n >> 8);
	*at++ = (unsigned char)n;
	return at;
}

/* The end of the question that begins behind the header; NULL: there is none.
 */
static unsigned char *
question_end(unsigned char *packet, size_t n)
{
	size_t i = HEADER_BYTES;

	while (i < n && packet[i] != 0)
		i += packet[i] + 1u;
	return i + 5 <= n ? packet + i + 5 : NULL;
}

static unsigned char *
put_answer(unsigned char *at, const struct dns *d, unsigned i)
{
	at = put16(at, 0xc000 | HEADER_BYTES); /* the name asked for */
	at = put16(at, TYPE_A);
	at = put16(at, 1);
	at = put16(at, d->ttl_s >> 16);
	at = put16(at, d->ttl_s & 0xffff);
	at = put16(at, 4);
	memcpy(at, &d->addresses[i], 4);
	return at + 4;
}

/* Makes an answer of the question; returns its bytes. */
static size_t
reply_to(const struct dns *d, unsigned char *packet, size_t n)
{
	unsigned char *end = question_end(packet, n), *at = packet + 2;
	bool of_a = end != NULL && end[-3] == TYPE_A;
	unsigned answers = of_a && d->mood == DNS_ANSWERS ? d->n : 0;
	unsigned code = d->mood == DNS_UNKNOWN ? 3 : 0;

	if (d->mood == DNS_BROKEN)
		code = 2;
	if (end == NULL)
		return 0;
	at = put16(at, 0x8180 | code);
	at = put16(at, 1);
	at = put16(at, answers);
	at = put16(at, 0);
	put16(at, 0); /* EDNS of the question is not repeated */
	for (unsigned i = 0; i < answers; i++)
		end = put_answer(end, d, i);
	return (size_t)(end - packet);
}

static void *
run(void *arg)
{
	unsigned char packet[1024];
	struct sockaddr_in from;
	struct dns *d = arg;

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n =
		    recvfrom(d->fd, packet, 512, 0, (void *)&from, &len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n < HEADER_BYTES)
			return NULL;
		pthread_mutex_lock(&d->mutex);
		n = d->mood == DNS_SILENT
		    ? 0
		    : (ssize_t)reply_to(d, packet, (size_t)n);
		d->asked++;
		pthread_cond_broadcast(&d->was_asked);
		pthread_mutex_unlock(&d->mutex);
		if (n > 0)
			sendto(d->fd, packet, (size_t)n, 0, (void *)&from, len);
	}
}

struct dns *
dns_start(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	struct dns *d = calloc(1, sizeof(*d));
	pthread_t thread;

	ck_assert_ptr_nonnull(d);
	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(d->fd, -1);
	ck_assert_int_eq(bind(d->fd, (void *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(d->fd, (void *)&sin, &len), 0);
	d->port = ntohs(sin.sin_port);
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->was_asked, NULL);
	d->mood = DNS_UNKNOWN;
	ck_assert_int_eq(pthread_create(&thread, NULL, run, d), 0);
	return d;
}

unsigned
dns_port(const struct dns *d)
{
	return d->port;
}

void
dns_set(struct dns *d, enum dns_mood mood, unsigned ttl_s,
    const char *const *addresses)
{
	pthread_mutex_lock(&d->mutex);
	d->mood = mood;
	d->ttl_s = ttl_s;
	for (d->n = 0; addresses != NULL && addresses[d->n] != NULL; d->n++)
		ck_assert_int_eq(
		    inet_pton(AF_INET, addresses[d->n], &d->addresses[d->n]),
		    1);
	pthread_mutex_unlock(&d->mutex);
}

void
dns_wait_asked(struct dns *d, unsigned n)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pthread_mutex_lock(&d->mutex);
	n += d->asked;
	while (r == 0 && d->asked < n)
		r = pthread_cond_timedwait(&d->was_asked, &d->mutex, &until);
	pthread_mutex_unlock(&d->mutex);
	ck_assert_msg(r == 0, "the DNS server is not asked");
}
