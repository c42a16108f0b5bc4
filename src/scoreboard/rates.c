/*
 * Token buckets in shared memory.  A bucket is the time at which it will be
 * full (the theoretical arrival time of the leaky bucket as a meter): in the
 * past, it is full; a token taken moves it one interval on.  So a bucket that
 * is full is the same as one that nobody has, and can be given away.
 */

#include "scoreboard/rates.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

#define NEIGHBOURS 8

struct bucket {
	_Atomic uint64_t key; /* 0: nobody's */
	_Atomic int64_t full_ns;
};

struct bt_rates {
	uint64_t seed[2];
	uint32_t n;
	_Alignas(64) struct bucket buckets[];
};

int
bt_rates_new(uint32_t n, struct bt_rates **ret)
{
	size_t size = sizeof(struct bt_rates) + n * sizeof(struct bucket);
	struct bt_rates *r = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (r == MAP_FAILED)
		return -errno;
	if (getrandom(r->seed, sizeof(r->seed), GRND_NONBLOCK) !=
	    sizeof(r->seed))
		r->seed[0] = (uint64_t)(uintptr_t)r; /* early at boot */
	r->n = n;
	*ret = r;
	return 0;
}

void
bt_rates_free(struct bt_rates *r)
{
	if (r != NULL)
		munmap(r, sizeof(*r) + r->n * sizeof(struct bucket));
}

/* Every bit of the input moves every bit of the output (murmur3's end). */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

static bool
is_mapped(const uint8_t host[static 16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(host, prefix, sizeof(prefix)) == 0;
}

uint64_t
bt_rates_key(
    const struct bt_rates *r, int family, const uint8_t host[static 16])
{
	uint64_t net = 0, key;

	if (family == AF_INET6 && is_mapped(host)) {
		family = AF_INET;
		host += 12;
	}
	if (family == AF_INET)
		memcpy(&net, host, 4);
	else if (family == AF_INET6)
		memcpy(&net, host, 8);
	else
		return 0;
	key = mix(mix(net ^ r->seed[0]) + r->seed[1] + (uint64_t)family);
	return key ? key : 1;
}

/* The address's bucket, found or made. */
static struct bucket *
bucket_of(struct bt_rates *r, uint64_t key, int64_t now_ns)
{
	struct bucket *near =
	    &r->buckets[key & (r->n - 1) & ~(uint64_t)(NEIGHBOURS - 1)];
	struct bucket *fullest = near;
	int64_t least_ns = INT64_MAX;

	for (unsigned i = 0; i < NEIGHBOURS; i++) {
		int64_t full_ns = atomic_load_explicit(
		    &near[i].full_ns, memory_order_relaxed);

		if (atomic_load_explicit(&near[i].key, memory_order_relaxed) ==
		    key)
			return &near[i];
		if (full_ns < least_ns) {
			least_ns = full_ns;
			fullest = &near[i];
		}
	}
	/* of two that take the same one at a time, both have it for a while:
	 * who comes next finds whose it is */
	atomic_store_explicit(&fullest->key, key, memory_order_relaxed);
	if (least_ns > now_ns)
		atomic_store_explicit(
		    &fullest->full_ns, now_ns, memory_order_relaxed);
	return fullest;
}

int64_t
bt_rates_take(
    struct bt_rates *r, uint64_t key, struct bt_rate rate, int64_t now_ms)
{
	int64_t now_ns = now_ms * 1000000, each_ns = 1000000000 / rate.per_s;
	int64_t deepest_ns = now_ns + each_ns * rate.burst;
	struct bucket *b = bucket_of(r, key, now_ns);
	int64_t was_ns =
	    atomic_load_explicit(&b->full_ns, memory_order_relaxed);
	int64_t ns;

	do {
		ns = was_ns > now_ns ? was_ns : now_ns;
		if (ns > deepest_ns) /* of another rate, before a reload */
			ns = deepest_ns;
		else if (ns + each_ns > deepest_ns)
			return (ns + each_ns - deepest_ns + 999999) / 1000000;
		else
			ns += each_ns;
	} while (!atomic_compare_exchange_weak_explicit(&b->full_ns, &was_ns,
	    ns, memory_order_relaxed, memory_order_relaxed));
	return was_ns > deepest_ns ? (each_ns + 999999) / 1000000 : 0;
}
