/*
 * The store in memory that workers share: against a naive model, under
 * pressure, and when somebody dies amid a change.
 */

#include "app/memory.h"

#include "app/revoked.h"
#include "app/shared.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW 2000000000
#define LATER (NOW + 3600)

static struct bt_shared *shared;
static struct bt_memory *memory;
static int fd;

static void
setup(void)
{
	ck_assert_int_eq(bt_keys_init(), 0);
	ck_assert_int_eq(bt_shared_new(&shared, &fd), 0);
	memory = bt_shared_memory(shared);
	bt_memory_set_limit(memory, 1024 * 1024);
}

static void
teardown(void)
{
	bt_shared_close(shared);
	close(fd);
}

/* A name as a keyed hash would be: no two begin alike for long. */
static void
name_of(unsigned i, unsigned char out[static BT_NAME_BYTES])
{
	uint64_t h = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (unsigned k = 0; k < BT_NAME_BYTES; k++) {
		h ^= h >> 29;
		h *= UINT64_C(0xbf58476d1ce4e5b9);
		out[k] = (unsigned char)(h >> 56);
	}
}

/* The content that the name has: its length and each byte tell. */
static struct bt_str
content_of(unsigned i, char *out)
{
	size_t n = (i * 7919u) % 3000;

	memset(out, (int)(i % 251), n);
	return (struct bt_str){ out, n };
}

static int
put(unsigned i, int64_t expires_s, bool spills)
{
	unsigned char name[BT_NAME_BYTES];
	char bytes[3000];

	name_of(i, name);
	return bt_memory_put(
	    memory, name, content_of(i, bytes), expires_s, NOW, spills);
}

/* -ENOENT, or 0, and then it has to be the content that was put. */
static int
get(unsigned i, int64_t now_s)
{
	unsigned char name[BT_NAME_BYTES];
	struct bt_buf b = { 0 };
	char bytes[3000];
	int r;

	name_of(i, name);
	r = bt_memory_get(memory, name, now_s, &b);
	if (r == 0)
		ck_assert_msg(
		    bt_str_equal(bt_buf_str(&b), content_of(i, bytes)), "%u",
		    i);
	bt_buf_fini(&b);
	return r;
}

static int
forget(unsigned i)
{
	unsigned char name[BT_NAME_BYTES];

	name_of(i, name);
	return bt_memory_remove(memory, name);
}

START_TEST(keeps_what_it_was_given)
{
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(put(i, LATER, false), 0);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(get(i, NOW), 0);
	ck_assert_int_eq(get(200, NOW), -ENOENT);
	ck_assert_int_eq(put(7, LATER, false), 0); /* once */
	ck_assert_uint_eq(bt_memory_counts(memory).records, 200);
	ck_assert_int_eq(forget(7), 0);
	ck_assert_int_eq(forget(7), -ENOENT);
	ck_assert_int_eq(get(7, NOW), -ENOENT);
	ck_assert_int_eq(get(8, LATER), 0);
	ck_assert_int_eq(get(8, LATER + 1), -ENOENT); /* expired */
	ck_assert_uint_eq(bt_memory_counts(memory).records, 199);
}
END_TEST

/* The oldest go; who was looked at stays. */
START_TEST(least_recently_used_goes_first)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < 20000; i++) {
		ck_assert_int_eq(put(i, LATER, false), 0);
		ck_assert_int_eq(get(0, NOW), 0); /* in use all the time */
	}
	for (unsigned i = 1; i < 20000; i++) {
		bool there = get(i, NOW) == 0;

		/* from some point on all of them */
		ck_assert_msg(there || kept == 0, "%u", i);
		kept += there;
	}
	ck_assert_uint_gt(kept, 400);
	ck_assert_uint_le(bt_memory_counts(memory).bytes, 1024 * 1024);
	ck_assert_uint_eq(bt_memory_counts(memory).lost, 20000 - 1 - kept);
}
END_TEST

/* With a store behind it nothing goes that is not there by now. */
START_TEST(spills_before_it_forgets)
{
	struct bt_memory_victim v[64];
	struct bt_buf copy = { 0 };
	unsigned refused = 0, spilled = 0, i = 0;
	size_t n;

	for (; i < 3000 && refused == 0; i++)
		refused += put(i, LATER, true) == -ENOSPC;
	ck_assert_uint_eq(refused, 1);
	ck_assert(bt_memory_is_high(memory));
	while ((n = bt_memory_victims(memory, NOW, v, 64, &copy)) > 0) {
		for (size_t k = 0; k < n; k++) {
			char bytes[3000];

			/* from the oldest on, with their contents */
			ck_assert(bt_str_equal(
			    v[k].bytes, content_of(spilled, bytes)));
			ck_assert_int_eq(v[k].expires_s, LATER);
			spilled++;
		}
		bt_memory_spilled(memory, v, n);
		bt_buf_clear(&copy);
	}
	ck_assert_uint_eq(spilled, i - 1);
	ck_assert(!bt_memory_is_high(memory));
	ck_assert_int_eq(get(0, NOW), 0); /* still there */
	for (unsigned k = 0; k < 100; k++)
		ck_assert_int_eq(put(i + k, LATER, true), 0);
	ck_assert_uint_eq(bt_memory_counts(memory).lost, 0);
	bt_buf_fini(&copy);
}
END_TEST

START_TEST(expired_ones_make_way)
{
	for (unsigned i = 0; i < 3000; i++)
		ck_assert_int_eq(put(i, NOW - 1, true), 0);
	ck_assert_uint_eq(bt_memory_counts(memory).lost, 0);
}
END_TEST

START_TEST(its_size_changes)
{
	unsigned there = 0;

	for (unsigned i = 0; i < 1000; i++)
		put(i, LATER, false);
	bt_memory_set_limit(memory, 8 * 1024 * 1024);
	for (unsigned i = 1000; i < 4000; i++)
		put(i, LATER, false);
	for (unsigned i = 1000; i < 4000; i++)
		ck_assert_int_eq(get(i, NOW), 0);
	bt_memory_set_limit(memory, 1024 * 1024);
	for (unsigned i = 4000; i < 12000; i++)
		while (put(i, LATER, false) != 0)
			; /* making way for one that is much smaller */
	for (unsigned i = 0; i < 12000; i++)
		there += get(i, NOW) == 0;
	ck_assert_uint_lt(there, 1000);
	ck_assert_int_eq(get(11999, NOW), 0);
}
END_TEST

static bool
is_there(unsigned i)
{
	return get(i, NOW) == 0;
}

/* Random operations; what is there is what was put, what was removed is not. */
START_TEST(model_agrees)
{
	enum { NAMES = 2000 };
	static bool removed[NAMES];

	srandom((unsigned)_i);
	for (unsigned step = 0; step < 60000; step++) {
		unsigned i = (unsigned)random() % NAMES;

		switch (random() % 4) {
		case 0:
		case 1:
			ck_assert_int_eq(put(i, LATER, false), 0);
			removed[i] = false;
			ck_assert(is_there(i));
			break;
		case 2:
			if (is_there(i))
				ck_assert(!removed[i]);
			break;
		case 3:
			forget(i);
			removed[i] = true;
			ck_assert(!is_there(i));
			break;
		}
		if (step % 5000 == 0) { /* at any time */
			struct bt_memory_counts before =
			    bt_memory_counts(memory);

			bt_memory_repair(memory);
			ck_assert_uint_eq(
			    bt_memory_counts(memory).records, before.records);
			ck_assert_uint_eq(
			    bt_memory_counts(memory).bytes, before.bytes);
		}
	}
}
END_TEST

/* --- processes --- */

static void
work_forever(unsigned seed)
{
	srandom(seed);
	for (;;) {
		unsigned i = (unsigned)random() % 3000;
		struct bt_buf b = { 0 };

		bt_shared_lock(shared);
		if (random() % 3 == 0)
			forget(i);
		else if (random() % 2 == 0)
			put(i, LATER, false);
		else
			get(i, NOW);
		bt_shared_unlock(shared);
		bt_buf_fini(&b);
	}
}

/* Killed again and again wherever they are: what is there stays right. */
START_TEST(killed_amid_a_change)
{
	enum { WORKERS = 3, ROUNDS = 120 };
	pid_t pid[WORKERS] = { 0 };
	int status;

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned w = round % WORKERS;

		if (pid[w] > 0) {
			kill(pid[w], SIGKILL);
			waitpid(pid[w], &status, 0);
			ck_assert(
			    WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		}
		pid[w] = fork();
		ck_assert_int_ge(pid[w], 0);
		if (pid[w] == 0)
			work_forever(round);
		for (unsigned i = 0; i < 300; i++) {
			bt_shared_lock(shared);
			get((unsigned)random() % 3000, NOW);
			bt_shared_unlock(shared);
		}
	}
	for (unsigned w = 0; w < WORKERS; w++) {
		kill(pid[w], SIGKILL);
		waitpid(pid[w], &status, 0);
	}
	bt_shared_lock(shared);
	for (unsigned i = 0; i < 3000; i++)
		get(i, NOW);
	ck_assert_uint_le(bt_memory_counts(memory).bytes, 1024 * 1024);
	bt_shared_unlock(shared);
}
END_TEST

/* Who dies with the lock leaves it to the next. */
START_TEST(lock_of_the_dead)
{
	uint64_t before = atomic_load(&shared->repairs);
	pid_t pid;

	ck_assert_int_eq(put(1, LATER, false), 0);
	pid = fork();
	if (pid == 0) {
		bt_shared_lock(shared);
		put(2, LATER, false);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	bt_shared_lock(shared);
	ck_assert_uint_eq(atomic_load(&shared->repairs), before + 1);
	ck_assert_int_eq(get(1, NOW), 0);
	ck_assert_int_eq(get(2, NOW), 0);
	bt_shared_unlock(shared);
}
END_TEST

START_TEST(another_maps_the_same)
{
	struct bt_shared *again;
	char bytes[16] = "";
	int other;

	put(1, LATER, false);
	ck_assert_int_eq(bt_shared_open(fd, &again), 0);
	bt_shared_close(shared);
	shared = again;
	memory = bt_shared_memory(shared);
	ck_assert_int_eq(get(1, NOW), 0);
	other = memfd_create("other", 0);
	ck_assert_int_eq(write(other, bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_int_eq(bt_shared_open(other, &again), -EPROTO);
	close(other);
}
END_TEST

/* --- what was revoked --- */

START_TEST(revoked_is_remembered)
{
	struct bt_revoked *r = bt_shared_revoked(shared);

	ck_assert_uint_eq(bt_revoked_value(r, 77, LATER, NOW), 0);
	bt_revoked_set(r, 77, 1, LATER, NOW);
	bt_revoked_set(r, 77, 2, NOW + 1, NOW); /* never for shorter */
	ck_assert_uint_eq(bt_revoked_value(r, 77, LATER, NOW), 2);
	ck_assert_uint_eq(bt_revoked_value(r, 77, LATER, LATER), 2);
	ck_assert_uint_eq(bt_revoked_value(r, 77, LATER + 9, LATER + 1), 0);
	ck_assert_uint_eq(bt_revoked_value(r, 78, LATER, NOW), 0);
}
END_TEST

/* However many there are, none comes back. */
START_TEST(revoked_never_comes_back)
{
	enum { KEYS = 1000000 };
	struct bt_revoked *r = bt_shared_revoked(shared);
	unsigned refused = 0, forgotten = 0;

	for (uint64_t k = 1; k <= KEYS; k++)
		bt_revoked_set(r, k * UINT64_C(0x9e3779b97f4a7c15), 1,
		    NOW + 1 + (int64_t)(k % 3600), NOW);
	for (uint64_t k = 1; k <= KEYS; k++)
		forgotten +=
		    bt_revoked_value(r, k * UINT64_C(0x9e3779b97f4a7c15),
			NOW + 1 + (int64_t)(k % 3600), NOW) == 0;
	ck_assert_uint_eq(forgotten, 0);
	/* who lives longer than any of them is none of them */
	for (uint64_t k = 1; k <= 1000; k++)
		refused += bt_revoked_value(r, ~k, NOW + 4000, NOW) != 0;
	ck_assert_uint_eq(refused, 0);
}
END_TEST

BT_UNIT_SUITE(app_memory)
{
	TCase *tc = bt_unit_case(s, "records");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, keeps_what_it_was_given);
	tcase_add_test(tc, least_recently_used_goes_first);
	tcase_add_test(tc, spills_before_it_forgets);
	tcase_add_test(tc, expired_ones_make_way);
	tcase_add_test(tc, its_size_changes);
	tcase_add_loop_test(tc, model_agrees, 0, 4);
	tc = bt_unit_case(s, "processes");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, killed_amid_a_change);
	tcase_add_test(tc, lock_of_the_dead);
	tcase_add_test(tc, another_maps_the_same);
	tc = bt_unit_case(s, "revoked");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, revoked_is_remembered);
	tcase_add_test(tc, revoked_never_comes_back);
}
