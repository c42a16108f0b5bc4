/* proxy/spool.c: what is added is taken, through memory or a file. */

#include "proxy/spool.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>

enum { BLOCK = 1024, BYTES = 200000, PATIENCE_MS = 10000 };

static struct bt_offload *offload;
static struct bt_pool pool;
static struct bt_spool *spool;
static unsigned woken;
static size_t added, taken;

static void
on_wake(void *arg)
{
	woken++;
}

static void
setup(void)
{
	ck_assert_int_eq(bt_offload_new(1, 4, &offload), 0);
	bt_pool_init(&pool, BLOCK, 4);
	spool = bt_spool_new(offload, &pool, BLOCK, on_wake, NULL);
	added = taken = woken = 0;
}

/* No block is lost, with whatever is in it or on its way. */
static void
teardown(void)
{
	bt_spool_free(spool);
	bt_offload_free(offload);
	ck_assert_uint_eq(pool.lent, 0);
	bt_pool_fini(&pool);
}

static void
await_wake(void)
{
	struct pollfd p = { .fd = bt_offload_fd(offload), .events = POLLIN };
	unsigned before = woken;

	while (woken == before) {
		ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
		bt_offload_collect(offload);
	}
}

/* The byte at that place of the stream. */
static char
byte(size_t i)
{
	return (char)(i % 251 + i / 4096);
}

/* As much as there is room for, at most up to `end`. */
static void
add_until(size_t end)
{
	char *at;
	size_t n;

	while (added < end && (at = bt_spool_room(spool, &n)) != NULL) {
		ck_assert_uint_gt(n, 0);
		n = n < end - added ? n : end - added;
		for (size_t i = 0; i < n; i++)
			at[i] = byte(added + i);
		bt_spool_add(spool, n);
		added += n;
	}
}

/* At most so many; what take() says when there is nothing. */
static ssize_t
take(size_t n)
{
	char out[3000];
	ssize_t r =
	    bt_spool_take(spool, out, n < sizeof(out) ? n : sizeof(out));

	for (ssize_t i = 0; i < r; i++)
		ck_assert_int_eq(out[i], byte(taken + (size_t)i));
	if (r > 0)
		taken += (size_t)r;
	return r;
}

static void
take_all(void)
{
	while (taken < added) {
		ssize_t r = take(777);

		ck_assert(r > 0 || r == -EAGAIN);
		if (r == -EAGAIN)
			await_wake();
	}
	ck_assert_int_eq(take(1), 0);
}

START_TEST(in_memory)
{
	for (size_t end = 1; end < 5000; end += 700) {
		add_until(end);
		ck_assert_uint_eq(added, end);
		take_all();
	}
	ck_assert_uint_eq(woken, 0);
}
END_TEST

/* It all goes in before anything is taken. */
START_TEST(through_the_file)
{
	for (unsigned round = 0; round < 3; round++) {
		size_t end = added + BYTES;

		while (added < end) {
			add_until(end);
			if (added == end)
				break;
			bt_spool_spill(spool);
			add_until(end); /* while that is written */
			await_wake();
		}
		take_all();
	}
	ck_assert_int_eq(bt_spool_take_trouble(spool), 0);
}
END_TEST

/* Slowly, while more is added. */
START_TEST(both_at_once)
{
	while (taken < BYTES) {
		size_t before = added + taken;

		add_until(BYTES);
		bt_spool_spill(spool);
		take(300 + taken % 1000);
		if (added + taken == before)
			await_wake();
	}
}
END_TEST

/* No file may be written: what there is in memory is not lost. */
START_TEST(without_a_file)
{
	const struct rlimit none = { 0, 0 };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	add_until(BYTES);
	ck_assert_uint_lt(added, BYTES);
	bt_spool_spill(spool);
	await_wake();
	ck_assert_int_eq(bt_spool_take_trouble(spool), -EFBIG);
	ck_assert_int_eq(bt_spool_take_trouble(spool), 0);
	while (taken < BYTES) {
		add_until(BYTES);
		bt_spool_spill(spool);
		ck_assert_int_gt(take(500), 0);
	}
	ck_assert_uint_eq(woken, 1);
}
END_TEST

static sem_t begun, idle;

static void
wait_idle(struct bt_job *job)
{
	sem_post(&begun);
	sem_wait(&idle);
}

static void
done_idle(struct bt_job *job)
{
}

/* The threads have too much to do: nothing is lost by that. */
START_TEST(read_on_the_spot)
{
	enum { JOBS = 16 };
	static struct bt_job jobs[JOBS];
	unsigned n = 0;

	add_until(BYTES);
	bt_spool_spill(spool);
	await_wake();
	add_until(BYTES);
	sem_init(&begun, 0, 0);
	sem_init(&idle, 0, 0);
	for (; n < JOBS; n++) {
		jobs[n] =
		    (struct bt_job){ .run = wait_idle, .done = done_idle };
		if (bt_offload_submit(offload, &jobs[n]) < 0)
			break;
		if (n == 0) /* the one thread has it, and takes no other */
			sem_wait(&begun);
	}
	ck_assert_uint_lt(n, JOBS);
	while (taken < added)
		ck_assert_int_gt(take(777), 0);
	for (unsigned i = 0; i < n; i++)
		sem_post(&idle);
}
END_TEST

/* It goes while a thread may be writing it, or reading from it. */
START_TEST(left_amid)
{
	add_until(BYTES);
	bt_spool_spill(spool);
	if (_i > 0) {
		await_wake();
		ck_assert_int_eq(take(1), -EAGAIN);
	}
}
END_TEST

BT_UNIT_SUITE(spool)
{
	TCase *tc = bt_unit_case(s, "spool");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, in_memory);
	tcase_add_test(tc, through_the_file);
	tcase_add_test(tc, both_at_once);
	tcase_add_test(tc, without_a_file);
	tcase_add_test(tc, read_on_the_spot);
	tcase_add_loop_test(tc, left_amid, 0, 2);
}
