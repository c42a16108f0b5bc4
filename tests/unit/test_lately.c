/*
 * master/lately.c: rates of the last moment, and trouble that becomes events.
 */

#include "master/lately.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 2
#define BEGIN 1000000

static struct bt_scoreboard *board;
static struct bt_lately lately;

static void
make_board(void)
{
	ck_assert_int_eq(bt_scoreboard_new(SLOTS, &board), 0);
	lately = (struct bt_lately){ 0 };
}

static void
free_board(void)
{
	bt_scoreboard_free(board);
}

static size_t
events(struct bt_event ret[static BT_EVENTS])
{
	return bt_events_read(&board->master.events, ret);
}

START_TEST(no_rates_before_a_sample)
{
	struct bt_lately_rates r = bt_lately_read(&lately, board, BEGIN);

	ck_assert_double_eq(r.over_s, 0);
	ck_assert_double_eq(r.requests, 0);
}
END_TEST

START_TEST(rates_are_of_the_last_moment)
{
	struct bt_score_worker *w = &board->slots[0].worker;
	struct bt_lately_rates r;

	bt_score_add(&w->requests, 1000000); /* long ago */
	bt_lately_look(&lately, board, BEGIN);
	bt_score_add(&w->requests, 100);
	bt_score_add(&board->slots[1].worker.requests, 100);
	bt_score_add(&board->master.accepted, 20);
	bt_score_add(&w->bytes_out, 4000);
	/* too early to be a sample of its own */
	bt_lately_look(&lately, board, BEGIN + BT_LATELY_MS - 1);
	r = bt_lately_read(&lately, board, BEGIN + 2000);
	ck_assert_double_eq(r.over_s, 2);
	ck_assert_double_eq(r.requests, 100);
	ck_assert_double_eq(r.accepted, 10);
	ck_assert_double_eq(r.bytes_out, 2000);
	bt_lately_look(&lately, board, BEGIN + 2000);
	bt_lately_look(&lately, board, BEGIN + 4000);
	r = bt_lately_read(&lately, board, BEGIN + 4000);
	ck_assert_double_eq(r.over_s, 2);
	ck_assert_double_eq(r.requests, 0);
}
END_TEST

START_TEST(trouble_is_said_once_and_summed)
{
	uint64_t *lost = &board->slots[1].worker.log_lines_lost;
	struct bt_event got[BT_EVENTS];

	bt_score_add(lost, 5); /* before we looked: old news */
	bt_lately_look(&lately, board, BEGIN);
	ck_assert_uint_eq(events(got), 0);
	bt_score_add(lost, 7);
	bt_lately_look(&lately, board, BEGIN + 1000);
	ck_assert_uint_eq(events(got), 1);
	ck_assert_str_eq(
	    got[0].text, "7 lines of the access log could not be written");
	bt_score_add(lost, 2);
	bt_lately_look(&lately, board, BEGIN + 2000);
	bt_score_add(lost, 3);
	bt_lately_look(&lately, board, BEGIN + 3000);
	ck_assert_uint_eq(events(got), 1);
	bt_lately_look(&lately, board, BEGIN + 1000 + BT_LATELY_QUIET_MS);
	ck_assert_uint_eq(events(got), 2);
	ck_assert_str_eq(
	    got[0].text, "5 lines of the access log could not be written");
}
END_TEST

START_TEST(each_kind_is_said)
{
	struct bt_event got[BT_EVENTS];

	bt_lately_look(&lately, board, BEGIN);
	bt_score_add(&board->slots[0].worker.log_lines_lost, 1);
	bt_score_add(&board->slots[0].worker.limited, 2);
	bt_score_add(&board->master.refused_for_connections, 3);
	bt_score_add(&board->master.refused_for_rate, 4);
	bt_score_add(&board->master.pauses_descriptors, 5);
	bt_lately_look(&lately, board, BEGIN + 1000);
	ck_assert_uint_eq(events(got), BT_LATELY_KINDS);
	for (unsigned i = 0; i < BT_LATELY_KINDS; i++) {
		const char *digit = strpbrk(got[i].text, "0123456789");

		ck_assert_ptr_nonnull(digit);
		ck_assert_uint_eq(
		    strtoul(digit, NULL, 10), BT_LATELY_KINDS - i);
	}
}
END_TEST

BT_UNIT_SUITE(lately)
{
	TCase *tc = bt_unit_case(s, "samples");

	tcase_add_checked_fixture(tc, make_board, free_board);
	tcase_add_test(tc, no_rates_before_a_sample);
	tcase_add_test(tc, rates_are_of_the_last_moment);
	tcase_add_test(tc, trouble_is_said_once_and_summed);
	tcase_add_test(tc, each_kind_is_said);
}
