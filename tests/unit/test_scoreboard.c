/*
 * scoreboard/scoreboard.c: the ledger, also while it is being written.
 */

#include "scoreboard/scoreboard.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SLOTS 3
#define CONNECTIONS 1000000 /* of the concurrent test, to each slot */

static struct bt_scoreboard *board;

static void
make_board(void)
{
	ck_assert_int_eq(bt_scoreboard_new(SLOTS, &board), 0);
}

static void
free_board(void)
{
	bt_scoreboard_free(board);
}

START_TEST(new_is_zero)
{
	static const struct bt_score_slot slot;
	static const struct bt_score_master master;
	struct bt_ledger l, zero;

	ck_assert_uint_eq(board->slots_n, SLOTS);
	ck_assert_mem_eq(&board->master, &master, sizeof(master));
	for (int i = 0; i < SLOTS; i++)
		ck_assert_mem_eq(&board->slots[i], &slot, sizeof(slot));
	memset(&zero, 0, sizeof(zero));
	memset(&l, 0xff, sizeof(l));
	bt_ledger_read(board, &l);
	ck_assert_mem_eq(&l, &zero, sizeof(l));
	bt_scoreboard_free(NULL);
}
END_TEST

/* Master, slot and worker write to cache lines of their own. */
START_TEST(writers_share_no_cache_line)
{
	const uintptr_t line = 64;

	for (int i = 0; i < SLOTS; i++) {
		struct bt_score_slot *s = &board->slots[i];

		ck_assert_uint_eq((uintptr_t)s % line, 0);
		ck_assert_uint_eq((uintptr_t)&s->worker % line, 0);
		ck_assert_uint_eq(sizeof(*s) % line, 0);
	}
	ck_assert_uint_eq((uintptr_t)&board->master % line, 0);
}
END_TEST

START_TEST(every_reason_has_a_name)
{
	for (int i = 0; i < BT_CLOSE_REASONS; i++) {
		ck_assert_ptr_nonnull(bt_close_reason_names[i]);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(
			    bt_close_reason_names[i], bt_close_reason_names[k]);
	}
}
END_TEST

/* What one slot counted, and what follows from it. */
static const struct {
	const char *name;
	uint64_t dealt, taken, done, back, crashed, lost;
	uint64_t in_channel, open, load;
} slots[] = {
	{ "nothing", 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ "in the channel", 5, 0, 0, 0, 0, 0, 5, 0, 5 },
	{ "open", 5, 5, 0, 0, 0, 0, 0, 5, 5 },
	{ "some of each", 10, 8, 3, 1, 0, 0, 2, 4, 6 },
	{ "all done", 10, 10, 10, 0, 0, 0, 0, 0, 0 },
	{ "all handed back", 10, 10, 0, 10, 0, 0, 0, 0, 0 },
	{ "a crash", 10, 9, 3, 0, 6, 0, 1, 0, 1 },
	/* what was lost is nobody's load, or the slot would fill up with it */
	{ "lost on the way", 10, 7, 7, 0, 0, 3, 0, 0, 0 },
	{ "all at once", 20, 15, 5, 2, 1, 2, 3, 7, 10 },
	/* a step under way: the worker was faster than the master's count */
	{ "taken before counted", 4, 5, 0, 0, 0, 0, 0, 5, 4 },
	{ "done before counted", 4, 5, 5, 0, 0, 0, 0, 0, 0 },
	{ "many", UINT64_C(1) << 40, (UINT64_C(1) << 40) - 1,
	    (UINT64_C(1) << 40) - 3, 0, 0, 0, 1, 2, 3 },
};

/* What was taken was dealt, whether it has been counted yet or not. */
static uint64_t
dealt_in(int row)
{
	uint64_t out = slots[row].taken + slots[row].lost;

	return slots[row].dealt > out ? slots[row].dealt : out;
}

static void
fill_slot(struct bt_score_slot *s, int row)
{
	bt_score_set(&s->dealt, slots[row].dealt);
	bt_score_set(&s->crashed, slots[row].crashed);
	bt_score_set(&s->worker.taken, slots[row].taken);
	bt_score_set(&s->worker.done, slots[row].done);
	bt_score_set(&s->worker.handed_back, slots[row].back);
	bt_score_set(&s->worker.lost, slots[row].lost);
}

START_TEST(ledger_of_one_slot)
{
	struct bt_ledger l;

	fill_slot(&board->slots[1], _i);
	bt_ledger_read(board, &l);
	ck_assert_uint_eq(l.dealt, dealt_in(_i));
	ck_assert_uint_eq(l.taken, slots[_i].taken);
	ck_assert_uint_eq(l.done, slots[_i].done);
	ck_assert_uint_eq(l.handed_back, slots[_i].back);
	ck_assert_uint_eq(l.crashed, slots[_i].crashed);
	ck_assert_uint_eq(l.lost, slots[_i].lost);
	ck_assert_uint_eq(l.in_channel, slots[_i].in_channel);
	ck_assert_uint_eq(l.open, slots[_i].open);
	ck_assert_uint_eq(bt_score_slot_load(&board->slots[1]), slots[_i].load);
	ck_assert_uint_eq(bt_score_slot_load(&board->slots[0]), 0);
}
END_TEST

/* A slot that is ahead must not hide what is missing in another one. */
START_TEST(ledger_sums_slot_by_slot)
{
	struct bt_ledger l;
	uint64_t early = 0;

	for (int i = 0; i < SLOTS; i++) {
		int row = (_i + i) % ROWS(slots);

		fill_slot(&board->slots[i], row);
		early += dealt_in(row) - slots[row].dealt;
	}
	bt_score_set(&board->master.held, 4);
	bt_score_set(&board->master.refused, 2);
	bt_score_set(&board->master.accepted, 77);
	bt_ledger_read(board, &l);
	/* what a worker took before it was counted is held no longer */
	ck_assert_uint_eq(l.held, 4 - early);
	ck_assert_uint_eq(l.refused, 2);
	ck_assert_uint_eq(l.accepted, 77);
	for (int i = 0; i < SLOTS; i++) {
		int row = (_i + i) % ROWS(slots);

		l.in_channel -= slots[row].in_channel;
		l.open -= slots[row].open;
		l.dealt -= dealt_in(row);
		l.taken -= slots[row].taken;
		l.done -= slots[row].done;
		l.handed_back -= slots[row].back;
		l.crashed -= slots[row].crashed;
		l.lost -= slots[row].lost;
	}
	ck_assert_uint_eq(l.in_channel | l.open | l.dealt | l.taken | l.done |
		l.handed_back | l.crashed | l.lost,
	    0);
}
END_TEST

START_TEST(no_slots)
{
	struct bt_scoreboard *empty;
	struct bt_ledger l;

	ck_assert_int_eq(bt_scoreboard_new(0, &empty), 0);
	bt_ledger_read(empty, &l);
	ck_assert_uint_eq(l.dealt, 0);
	bt_scoreboard_free(empty);
}
END_TEST

START_TEST(counts_survive_their_writer)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		bt_score_add(&board->slots[0].worker.taken, 3);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_uint_eq(bt_score_get(&board->slots[0].worker.taken), 3);
}
END_TEST

/*
 * The whole line in one process, so that each step follows the one before it
 * within nanoseconds: one connection is refused, one dealt, which is lost, done
 * or handed back.
 */
static void
be_the_line(void)
{
	struct bt_score_master *m = &board->master;

	for (uint64_t i = 0; i < SLOTS * CONNECTIONS; i++) {
		struct bt_score_slot *s = &board->slots[i % SLOTS];
		struct bt_score_worker *w = &s->worker;

		bt_score_add(&m->accepted, 2);
		bt_score_set(&m->held, 2);
		bt_score_set(&m->held, 1);
		bt_score_add(&m->refused, 1);
		bt_score_set(&m->held, 0);
		bt_score_add(&s->dealt, 1);
		if (i % 16 == 0) {
			bt_score_add(&w->lost, 1);
			continue;
		}
		bt_score_add(&w->taken, 1);
		bt_score_add(i % 5 ? &w->done : &w->handed_back, 1);
	}
}

static void
expect_no_negative(const struct bt_ledger *l)
{
	ck_assert_uint_ge(l->accepted, l->dealt + l->held + l->refused);
	ck_assert_uint_ge(l->dealt, l->taken + l->lost);
	ck_assert_uint_ge(l->taken, l->done + l->handed_back + l->crashed);
	ck_assert_uint_eq(l->in_channel, l->dealt - l->taken - l->lost);
	ck_assert_uint_eq(l->open, l->taken - l->done - l->handed_back);
}

/* Written as fast as one can, and no reading is impossible. */
START_TEST(never_negative_while_written)
{
	struct bt_ledger l;
	int status, readings = 0;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		be_the_line();
		_exit(0);
	}
	do {
		for (int i = 0; i < 100; i++) {
			bt_ledger_read(board, &l);
			expect_no_negative(&l);
		}
		for (int i = 0; i < SLOTS; i++)
			ck_assert_uint_le(
			    bt_score_slot_load(&board->slots[i]), CONNECTIONS);
		readings++;
	} while (waitpid(pid, &status, WNOHANG) == 0);
	ck_assert_int_eq(status, 0);
	bt_ledger_read(board, &l);
	expect_no_negative(&l);
	ck_assert_uint_eq(l.accepted, 2 * SLOTS * CONNECTIONS);
	ck_assert_uint_eq(l.dealt, SLOTS * CONNECTIONS);
	ck_assert_uint_eq(l.refused, SLOTS * CONNECTIONS);
	ck_assert_uint_eq(l.held | l.in_channel | l.open, 0);
	ck_assert_int_gt(readings, 1);
}
END_TEST

BT_UNIT_SUITE(scoreboard)
{
	TCase *tc = bt_unit_case(s, "ledger");

	tcase_add_checked_fixture(tc, make_board, free_board);
	tcase_add_test(tc, new_is_zero);
	tcase_add_test(tc, writers_share_no_cache_line);
	tcase_add_test(tc, every_reason_has_a_name);
	tcase_add_loop_test(tc, ledger_of_one_slot, 0, ROWS(slots));
	tcase_add_loop_test(tc, ledger_sums_slot_by_slot, 0, ROWS(slots));
	tcase_add_test(tc, no_slots);
	tc = bt_unit_case(s, "shared");
	tcase_add_checked_fixture(tc, make_board, free_board);
	tcase_add_test(tc, counts_survive_their_writer);
	tcase_add_test(tc, never_negative_while_written);
}
