/*
 * A million continuations in each store: what one takes, and how long it takes
 * to keep one and to find it again, without HTTP around it.
 *
 *	continuations N FOLDER [THREADS]
 *
 * Prints a line for each store: name, records, bytes of each beyond its state,
 * microseconds to put (p50, p99) and to get (p50, p99).
 */

#include "app/disk.h"
#include "app/memory.h"
#include "app/record.h"
#include "app/shared.h"
#include "app/token.h"
#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define STATE_BYTES 100
#define THREADS_MAX 64

static size_t n;
static struct bt_keys keys;

struct times {
	uint32_t *ns;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
report(const char *store, double each, uint32_t *put, uint32_t *get)
{
	qsort(put, n, sizeof(*put), compare);
	qsort(get, n, sizeof(*get), compare);
	printf("%s %zu %.1f %.2f %.2f %.2f %.2f\n", store, n, each,
	    put[n / 2] / 1e3, put[n / 100 * 99] / 1e3, get[n / 2] / 1e3,
	    get[n / 100 * 99] / 1e3);
	fflush(stdout);
}

/* The `i`th record: encoded, and its name. */
static void
record_of(size_t i, struct bt_buf *b, unsigned char name[static BT_NAME_BYTES])
{
	char state[STATE_BYTES] = "";
	struct bt_record r = { .app = 1,
		.resume = 2,
		.conversation = i * UINT64_C(0x9e3779b97f4a7c15),
		.expires_s = bt_clock_wall_s() + 3600,
		.state = { state, sizeof(state) } };

	memcpy(state, &i, sizeof(i));
	r.expires_s -= r.expires_s % 3600; /* the same each time */
	r.expires_s += 7200;
	bt_buf_clear(b);
	bt_record_encode(&r, b);
	bt_keys_name(&keys, bt_buf_str(b), name);
}

static void
run_url(uint32_t *put, uint32_t *get)
{
	unsigned char name[BT_NAME_BYTES];
	struct bt_arena a = { 0 };
	struct bt_buf b = { 0 };
	size_t text = 0;

	for (size_t i = 0; i < n; i++) {
		struct bt_str token, back;
		int64_t t0, t1;

		record_of(i, &b, name);
		t0 = now_ns();
		token = bt_token_seal(&keys, 1, bt_buf_str(&b), &a);
		t1 = now_ns();
		put[i] = (uint32_t)(t1 - t0);
		if (bt_token_open(&keys, 1, token, &a, &back) < 0)
			abort();
		get[i] = (uint32_t)(now_ns() - t1);
		text = token.n;
		bt_arena_reset(&a);
	}
	report("url", (double)text - STATE_BYTES, put, get);
	bt_arena_fini(&a);
	bt_buf_fini(&b);
}

static void
run_memory(uint32_t *put, uint32_t *get)
{
	unsigned char name[BT_NAME_BYTES];
	struct bt_buf b = { 0 }, found = { 0 };
	struct bt_shared *shared;
	struct bt_memory *m;
	struct stat st;
	int64_t wall_s = bt_clock_wall_s();
	int fd;

	if (bt_shared_new(&shared, &fd) < 0)
		abort();
	m = bt_shared_memory(shared);
	bt_memory_set_limit(m, BT_MEMORY_MAX);
	for (size_t i = 0; i < n; i++) {
		int64_t t0;

		record_of(i, &b, name);
		t0 = now_ns();
		bt_shared_lock(shared);
		if (bt_memory_put(m, name, bt_buf_str(&b), wall_s + 3600,
			wall_s, false) < 0)
			abort();
		bt_shared_unlock(shared);
		put[i] = (uint32_t)(now_ns() - t0);
	}
	for (size_t i = 0; i < n; i++) {
		int64_t t0;

		record_of((i * 7919) % n, &b, name);
		bt_buf_clear(&found);
		t0 = now_ns();
		bt_shared_lock(shared);
		if (bt_memory_get(m, name, wall_s, &found) < 0)
			abort();
		bt_shared_unlock(shared);
		get[i] = (uint32_t)(now_ns() - t0);
	}
	fstat(fd, &st);
	report("memory", (double)st.st_blocks * 512 / (double)n - STATE_BYTES,
	    put, get);
	bt_buf_fini(&b);
	bt_buf_fini(&found);
	bt_shared_close(shared);
}

/* --- the disk, by several threads at a time as the workers' --- */

static struct bt_disk *disk;
static size_t next;
static uint32_t *times;
static bool putting;

static void *
disk_thread(void *arg)
{
	unsigned char name[BT_NAME_BYTES];
	struct bt_buf b = { 0 }, found = { 0 };
	size_t i;

	while ((i = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < n) {
		int64_t t0;
		int r;

		record_of(putting ? i : (i * 7919) % n, &b, name);
		bt_buf_clear(&found);
		t0 = now_ns();
		r = putting ? bt_disk_put(disk, name, bt_buf_str(&b),
				  bt_clock_wall_s() + 3600)
			    : bt_disk_get(disk, name, &found);
		times[i] = (uint32_t)(now_ns() - t0);
		if (r < 0) {
			fprintf(stderr, "disk: %s\n", strerror(-r));
			exit(1);
		}
	}
	bt_buf_fini(&b);
	bt_buf_fini(&found);
	return NULL;
}

static void
run_threads(unsigned threads, bool put, uint32_t *ns)
{
	pthread_t all[THREADS_MAX];

	putting = put;
	times = ns;
	next = 0;
	for (unsigned t = 0; t < threads; t++)
		pthread_create(&all[t], NULL, disk_thread, NULL);
	for (unsigned t = 0; t < threads; t++)
		pthread_join(all[t], NULL);
}

static void
run_disk(const char *folder, unsigned threads, uint32_t *put, uint32_t *get)
{
	static _Atomic uint64_t bytes, files;

	disk =
	    bt_disk_new(folder, UINT64_MAX / 2, UINT64_MAX / 2, &bytes, &files);
	run_threads(threads, true, put);
	run_threads(threads, false, get);
	for (unsigned i = 0; i < 64; i++)
		bt_disk_sweep(disk, bt_clock_wall_s());
	report("disk", (double)bytes / (double)files - STATE_BYTES, put, get);
	bt_disk_free(disk);
}

int
main(int argc, char **argv)
{
	static const unsigned char secret[BT_KEY_BYTES] = "for the bench";
	unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 4;
	uint32_t *put, *get;

	if (argc < 3 || (n = strtoul(argv[1], NULL, 10)) < 100 || threads < 1 ||
	    threads > THREADS_MAX || bt_keys_init() < 0) {
		fprintf(stderr, "usage: continuations N FOLDER [THREADS]\n");
		return 2;
	}
	bt_keys_of(&keys, secret);
	put = bt_mem_zero(n, sizeof(*put));
	get = bt_mem_zero(n, sizeof(*get));
	run_url(put, get);
	run_memory(put, get);
	run_disk(argv[2], threads, put, get);
	free(put);
	free(get);
	return 0;
}
