/* proxy/standing.c: what the workers know together, and who may go. */

#include "proxy/standing.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000, INTERVAL = 50 * MS, SECOND = 1000 * MS };

static struct bt_standing standing;

static void
setup(void)
{
	memset(&standing, 0, sizeof(standing));
	standing.slots_n = 2;
	bt_standings_enter(NULL, 0);
}

/* In that worker the first one that waits began then. */
static void
waits(unsigned slot, int64_t begun)
{
	bt_standings_enter(NULL, slot);
	bt_standing_waits(&standing, begun);
	bt_standings_enter(NULL, 0);
}

/* A request that began then asks at `now`. */
static bool
claim(int64_t begun, int64_t now)
{
	return bt_standing_claim(&standing, begun, now, INTERVAL);
}

static void
answered(int64_t now)
{
	bt_standing_answered(&standing, standing.epoch, true, now);
}

static void
failed(int64_t now)
{
	bt_standing_failed(&standing, standing.epoch, now, INTERVAL);
}

START_TEST(first_alone_then_trusted)
{
	int64_t now = SECOND;
	unsigned n = 0;

	ck_assert(!bt_standing_is_trusted(&standing));
	ck_assert(claim(1, now));
	ck_assert(!claim(2, now));
	ck_assert(!claim(2, now + INTERVAL)); /* the first is on its way */
	answered(now + MS);
	ck_assert(!claim(2, now + MS)); /* one answer alone proves little */
	ck_assert(claim(2, now + 2 * MS));
	ck_assert(!claim(3, now + 2 * MS));
	answered(now + 3 * MS);
	now += 3 * MS;
	while (claim(3, now))
		n++;
	ck_assert_uint_eq(n, 2);
	for (unsigned i = 0; i < BT_STANDING_ENOUGH; i++) {
		answered(now);
		claim(4, now);
	}
	ck_assert(bt_standing_is_trusted(&standing));
}
END_TEST

START_TEST(failure_begins_anew)
{
	int64_t now = SECOND;
	uint32_t before;

	for (unsigned i = 0; i < 2 * BT_STANDING_ENOUGH; i++) {
		claim(1, now += INTERVAL);
		answered(now);
	}
	ck_assert(bt_standing_is_trusted(&standing));
	before = standing.epoch;
	failed(now);
	ck_assert(!bt_standing_is_trusted(&standing));
	/* what was on its way before says nothing: no failure, no answer */
	bt_standing_failed(&standing, before, now + 10 * INTERVAL, INTERVAL);
	for (unsigned i = 0; i < 2 * BT_STANDING_ENOUGH; i++)
		bt_standing_answered(&standing, before, true, now);
	ck_assert(!bt_standing_is_trusted(&standing));
	ck_assert(!bt_standing_is_in_doubt(&standing));
	ck_assert(!claim(1, now));
	ck_assert(claim(1, now + INTERVAL));
	ck_assert(!claim(1, now + INTERVAL));
}
END_TEST

/* Who is away for a moment is found before its interval is over. */
START_TEST(looked_for_more_often_at_first)
{
	int64_t now = SECOND, begun, last = 0, longest = 0;
	unsigned n = 0;

	ck_assert(claim(1, now));
	answered(now);
	ck_assert(bt_standing_is_in_doubt(&standing));
	failed(now);
	for (begun = now; now < begun + 64 * INTERVAL; now += MS / 4)
		if (claim(1, now)) {
			failed(now);
			/* late by a sixteenth of the time, and a look of ours
			 */
			ck_assert_int_le(
			    now - last, MS + MS / 4 + (now - begun) / 16);
			ck_assert_int_le(now - last, INTERVAL + MS / 4);
			longest = now - last;
			last = now;
			n++;
		} else if (n == 0) {
			last = begun;
		}
	ck_assert_int_ge(longest, INTERVAL);
	ck_assert_uint_le(n, 48 + 90); /* 16 + 64 while it is near */
}
END_TEST

/* One probe in an interval, whoever asks, and that of who came first. */
START_TEST(one_probe_and_the_first)
{
	unsigned claims[2] = { 0 };
	int64_t now = SECOND;

	failed(now);
	waits(0, 20);
	waits(1, 10);
	for (; now < 2 * SECOND; now += MS) {
		for (unsigned w = 0; w < 2; w++) {
			bt_standings_enter(NULL, w);
			if (claim(20 - 10 * w, now)) {
				claims[w]++;
				failed(now);
			}
		}
	}
	bt_standings_enter(NULL, 0);
	ck_assert_uint_ge(claims[1], SECOND / INTERVAL - 1);
	ck_assert_uint_le(claims[1], SECOND / INTERVAL + 1);
	ck_assert_uint_eq(claims[0], 0);
	ck_assert(!bt_standing_is_first(&standing, 20));
	/* it leaves: the other one's turn */
	waits(1, 0);
	ck_assert(bt_standing_is_first(&standing, 20));
	ck_assert(claim(20, now + INTERVAL));
}
END_TEST

/* Whose turn it is has much else to do: others wait for a while, no more. */
START_TEST(first_that_is_late)
{
	failed(SECOND);
	waits(1, 10);
	ck_assert(!claim(20, SECOND + INTERVAL));
	ck_assert(!claim(20, SECOND + INTERVAL + 99 * MS));
	ck_assert(claim(20, SECOND + INTERVAL + 100 * MS));
}
END_TEST

/* Whose turn it is hangs, or was killed: nobody waits for that. */
START_TEST(first_that_is_gone)
{
	struct bt_scoreboard *board;

	ck_assert_int_eq(bt_scoreboard_new(2, &board), 0);
	failed(SECOND);
	waits(1, 10);
	bt_standings_enter(board, 0);
	board->slots[1].pid = 1;
	ck_assert(!bt_standing_is_first(&standing, 20));
	board->slots[1].stale = 1;
	ck_assert(bt_standing_is_first(&standing, 20));
	board->slots[1].stale = 0;
	board->slots[1].pid = 0;
	ck_assert(claim(20, SECOND + INTERVAL));
	bt_standings_enter(NULL, 0);
	bt_scoreboard_free(board);
}
END_TEST

/* A claim that never ends holds up nobody for ever. */
START_TEST(no_news)
{
	int64_t now = SECOND;

	failed(now);
	ck_assert(claim(1, now += INTERVAL));
	ck_assert(!claim(2, now + SECOND / 2));
	ck_assert(claim(2, now + SECOND));
	ck_assert(!claim(3, now + SECOND + SECOND / 2));
	bt_standing_drop(&standing, standing.epoch);
	bt_standing_drop(&standing, standing.epoch);
	bt_standing_drop(&standing, standing.epoch); /* one too many */
	ck_assert_uint_eq(standing.in_flight, 0);
}
END_TEST

START_TEST(origins)
{
	const struct bt_conf_upstream conf = {
		.fall = 2, .rise = 2, .fail_timeout_ms = 10
	};
	struct bt_standing_origin o = { 0 };

	bt_standing_origin_failed(&o, &conf, SECOND);
	ck_assert(!bt_standing_origin_is_down(&o, true, SECOND));
	bt_standing_origin_failed(&o, &conf, SECOND);
	ck_assert(bt_standing_origin_is_down(&o, true, SECOND));
	ck_assert(!bt_standing_origin_is_down(&o, true, SECOND + 10 * MS));
	bt_standing_origin_well(&o, SECOND + 5 * MS);
	ck_assert(!bt_standing_origin_is_down(&o, true, SECOND));
	ck_assert_int_eq(o.up_since_us, SECOND + 5 * MS);
	/* by its checks, for good */
	bt_standing_origin_checked(&o, &conf, false, SECOND);
	bt_standing_origin_checked(&o, &conf, true, SECOND);
	bt_standing_origin_checked(&o, &conf, false, SECOND);
	ck_assert(!bt_standing_origin_is_down(&o, true, SECOND));
	bt_standing_origin_checked(&o, &conf, false, SECOND);
	ck_assert(bt_standing_origin_is_down(&o, true, 1000 * (int64_t)SECOND));
	ck_assert(
	    !bt_standing_origin_is_down(&o, false, 1000 * (int64_t)SECOND));
	bt_standing_origin_checked(&o, &conf, true, SECOND);
	ck_assert(bt_standing_origin_is_down(&o, true, SECOND));
	bt_standing_origin_checked(&o, &conf, true, 2 * SECOND);
	ck_assert(!bt_standing_origin_is_down(&o, true, SECOND));
	ck_assert_int_eq(o.up_since_us, 2 * SECOND);
}
END_TEST

/* All processes have the same one for the same servers, others another. */
START_TEST(shared)
{
	struct bt_conf_origin a = { .text = BT_STR("127.0.0.1:9000") };
	struct bt_conf_origin b = { .text = BT_STR("127.0.0.1:9001") };
	struct bt_conf_upstream u = { .origins = &a, .origins_n = 1 };
	struct bt_conf_upstream other = { .origins = &b, .origins_n = 1 };
	int status;
	pid_t pid;

	ck_assert_int_eq(bt_standings_make(), 0);
	if ((pid = fork()) == 0) {
		bt_standing_failed(bt_standing_of(&u), 0, SECOND, INTERVAL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(bt_standing_of(&u)->failed);
	ck_assert(!bt_standing_of(&other)->failed);
	ck_assert_ptr_eq(bt_standing_of(&u), bt_standing_of(&u));
}
END_TEST

/* The table is full: a worker has one of its own. */
START_TEST(no_place_left)
{
	struct bt_conf_origin o = { 0 };
	struct bt_conf_upstream u = { .origins = &o, .origins_n = 1 };
	struct bt_standing *own;
	char text[16];

	ck_assert_int_eq(bt_standings_make(), 0);
	for (unsigned i = 0; i < 256; i++) {
		o.text = (struct bt_str){ text,
			(size_t)snprintf(text, sizeof(text), "h%u:80", i) };
		bt_standing_of(&u);
	}
	o.text = BT_STR("one:more");
	own = bt_standing_of(&u);
	ck_assert(!own->failed);
	free(own);
}
END_TEST

BT_UNIT_SUITE(standing)
{
	TCase *tc = bt_unit_case(s, "claims");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, first_alone_then_trusted);
	tcase_add_test(tc, failure_begins_anew);
	tcase_add_test(tc, looked_for_more_often_at_first);
	tcase_add_test(tc, one_probe_and_the_first);
	tcase_add_test(tc, first_that_is_late);
	tcase_add_test(tc, first_that_is_gone);
	tcase_add_test(tc, no_news);
	tc = bt_unit_case(s, "servers");
	tcase_add_test(tc, origins);
	tcase_add_test(tc, shared);
	tcase_add_test(tc, no_place_left);
}
