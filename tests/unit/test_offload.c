/* base/offload.c: what runs, in which order, and what is given back. */

#include "base/offload.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdint.h>

enum { JOBS = 64, PATIENCE_MS = 10000 };

static struct job {
	struct bt_job job;
	unsigned runs, dones;
	unsigned turn; /* the how-manieth done */
	sem_t *gate;   /* waits for it */
} jobs[JOBS];
static unsigned turns;
static sem_t gate, begun;

static void
run(struct bt_job *job)
{
	struct job *j = (struct job *)job;

	j->runs++;
	if (j->gate != NULL) {
		sem_post(&begun);
		sem_wait(j->gate);
	}
}

static void
done(struct bt_job *job)
{
	struct job *j = (struct job *)job;

	j->dones++;
	j->turn = turns++;
}

static void
setup(void)
{
	turns = 0;
	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	for (unsigned i = 0; i < JOBS; i++)
		jobs[i] = (struct job){ .job = { .run = run, .done = done } };
}

static struct bt_offload *
pool(unsigned threads, unsigned queue_max)
{
	struct bt_offload *o;

	ck_assert_int_eq(bt_offload_new(threads, queue_max, &o), 0);
	return o;
}

/* Until so many are done. */
static void
collect(struct bt_offload *o, unsigned n)
{
	struct pollfd fd = { .fd = bt_offload_fd(o), .events = POLLIN };

	while (turns < n) {
		ck_assert_int_eq(poll(&fd, 1, PATIENCE_MS), 1);
		bt_offload_collect(o);
	}
}

START_TEST(all_run_once_and_are_done_once)
{
	struct bt_offload *o = pool(1u + (unsigned)_i, JOBS);

	for (unsigned i = 0; i < JOBS; i++)
		ck_assert_int_eq(bt_offload_submit(o, &jobs[i].job), 0);
	collect(o, JOBS);
	for (unsigned i = 0; i < JOBS; i++) {
		ck_assert_uint_eq(jobs[i].runs, 1);
		ck_assert_uint_eq(jobs[i].dones, 1);
	}
	bt_offload_free(o);
	ck_assert_uint_eq(turns, JOBS);
}
END_TEST

START_TEST(one_thread_keeps_the_order)
{
	struct bt_offload *o = pool(1, JOBS);

	for (unsigned i = 0; i < JOBS; i++)
		ck_assert_int_eq(bt_offload_submit(o, &jobs[i].job), 0);
	collect(o, JOBS);
	for (unsigned i = 0; i < JOBS; i++)
		ck_assert_uint_eq(jobs[i].turn, i);
	bt_offload_free(o);
}
END_TEST

START_TEST(one_that_waits_does_not_hold_up_the_other_thread)
{
	struct bt_offload *o = pool(2, JOBS);

	jobs[0].gate = &gate;
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(bt_offload_submit(o, &jobs[i].job), 0);
	collect(o, 9);
	ck_assert_uint_eq(jobs[0].dones, 0);
	sem_post(&gate);
	collect(o, 10);
	bt_offload_free(o);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
	struct bt_offload *o = pool(1, 2);

	jobs[0].gate = &gate;
	ck_assert_int_eq(bt_offload_submit(o, &jobs[0].job), 0);
	sem_wait(&begun); /* it is not in the queue any more */
	ck_assert_int_eq(bt_offload_submit(o, &jobs[1].job), 0);
	ck_assert_int_eq(bt_offload_submit(o, &jobs[2].job), 0);
	ck_assert_int_eq(bt_offload_submit(o, &jobs[3].job), -EAGAIN);
	sem_post(&gate);
	collect(o, 3);
	ck_assert_int_eq(bt_offload_submit(o, &jobs[3].job), 0);
	collect(o, 4);
	bt_offload_free(o);
}
END_TEST

START_TEST(what_has_not_begun_can_be_taken_back)
{
	struct bt_offload *o = pool(1, JOBS);

	jobs[0].gate = &gate;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(bt_offload_submit(o, &jobs[i].job), 0);
	sem_wait(&begun);
	ck_assert(!bt_offload_cancel(o, &jobs[0].job));
	ck_assert(bt_offload_cancel(o, &jobs[1].job));
	ck_assert(!bt_offload_cancel(o, &jobs[1].job));
	sem_post(&gate);
	collect(o, 2);
	ck_assert_uint_eq(jobs[1].runs, 0);
	ck_assert_uint_eq(jobs[1].dones, 0);
	ck_assert_uint_eq(jobs[2].dones, 1);
	ck_assert(!bt_offload_cancel(o, &jobs[2].job));
	bt_offload_free(o);
}
END_TEST

START_TEST(the_end_gives_all_of_them_back)
{
	struct bt_offload *o = pool(1, JOBS);

	jobs[0].gate = &gate;
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(bt_offload_submit(o, &jobs[i].job), 0);
	sem_wait(&begun);
	sem_post(&gate);
	bt_offload_free(o);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(jobs[i].dones, 1);
}
END_TEST

START_TEST(without_work_there_is_nothing_to_end)
{
	bt_offload_free(pool(4, 1));
	bt_offload_free(NULL);
}
END_TEST

BT_UNIT_SUITE(offload)
{
	TCase *tc = bt_unit_case(s, "pool");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, all_run_once_and_are_done_once, 0, 4);
	tcase_add_test(tc, one_thread_keeps_the_order);
	tcase_add_test(tc, one_that_waits_does_not_hold_up_the_other_thread);
	tcase_add_test(tc, a_full_queue_refuses);
	tcase_add_test(tc, what_has_not_begun_can_be_taken_back);
	tcase_add_test(tc, the_end_gives_all_of_them_back);
	tcase_add_test(tc, without_work_there_is_nothing_to_end);
}
