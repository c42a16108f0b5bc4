/*
 * Work that takes its time: `/data` burns CPU, 4 ms of it, beside the loop or
 *on it, as the conf says; `/` answers at once.  While every thread is busy with
 * the one, the other must not wait: bench/ measures that.
 *
 *	app /usr/lib/baton/data.so { cpu 4ms; offload on; }
 */

#include <baton/baton.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIEVE 65536

/* A piece of work, and what came of it. */
struct piece {
	int64_t cpu_us; /* wanted, then had */
	unsigned rounds, primes;
};

static int64_t
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* The primes below SIEVE, by Eratosthenes: about a tenth of a millisecond. */
static unsigned
count_primes(void)
{
	unsigned char composite[SIEVE];
	unsigned n = 0;

	memset(composite, 0, sizeof(composite));
	for (unsigned i = 2; i < SIEVE; i++) {
		if (composite[i])
			continue;
		n++;
		for (size_t k = (size_t)i * i; k < SIEVE; k += i)
			composite[k] = 1;
	}
	return n;
}

/* On an offload thread, or on the loop. */
static void
run(void *arg)
{
	struct piece *p = arg;
	int64_t begun = cpu_us(), used = 0;

	while (used < p->cpu_us) {
		p->primes = count_primes();
		p->rounds++;
		used = cpu_us() - begun;
	}
	p->cpu_us = used;
}

static void
done(struct baton_exchange *x, void *arg)
{
	const struct piece *p = arg;

	baton_reply_json(x, 200,
	    baton_printf(x, "{\"primes\":%u,\"rounds\":%u,\"cpu_us\":%lld}\n",
		p->primes, p->rounds, (long long)p->cpu_us));
}

static void
data(struct baton_exchange *x)
{
	static const struct baton_offload work = {
		.run = run,
		.done = done,
		.release = free,
	};
	const struct baton_place *place = baton_place(x);
	struct piece *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		baton_reply_busy(x);
		return;
	}
	p->cpu_us = (int64_t)baton_place_number(place, "cpu") * 1000;
	if (baton_place_number(place, "offload")) {
		baton_offload(x, &work, p); /* too much of it: 503 */
		return;
	}
	run(p);
	done(x, p);
	free(p);
}

static void
at_once(struct baton_exchange *x)
{
	baton_reply_static(x, 200, "text/plain; charset=utf-8", "at once\n", 8);
}

static const struct baton_route routes[] = {
	{ .on = "GET /", .answer = at_once },
	{ .on = "GET /data", .answer = data },
	{ 0 },
};

static const struct baton_setting settings[] = {
	{ .name = "cpu",
	    .type = BATON_DURATION,
	    .preset = "4ms",
	    .min = 1,
	    .max = 10000 },
	{ .name = "offload", .type = BATON_SWITCH, .preset = "on" },
	{ 0 },
};

BATON_APP = {
	BATON_APP_HEAD,
	.name = "data",
	.version = "1",
	.routes = routes,
	.settings = settings,
};
