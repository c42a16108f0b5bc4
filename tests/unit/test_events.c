/*
 * scoreboard/events.c: the last lines, in order, whole, whoever writes
 * meanwhile.
 */

#include "scoreboard/events.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(none)
{
	static const struct bt_events events;
	struct bt_event got[BT_EVENTS];

	ck_assert_uint_eq(bt_events_read(&events, got), 0);
}
END_TEST

START_TEST(latest_first_and_bounded)
{
	struct bt_events events = { 0 };
	struct bt_event got[BT_EVENTS];

	for (unsigned i = 1; i <= 3 * BT_EVENTS + 5; i++) {
		size_t n;

		bt_events_add(&events, "event %u", i);
		n = bt_events_read(&events, got);
		ck_assert_uint_eq(n, i < BT_EVENTS ? i : BT_EVENTS);
		for (size_t k = 0; k < n; k++) {
			char want[32];

			snprintf(
			    want, sizeof(want), "event %u", (unsigned)(i - k));
			ck_assert_str_eq(got[k].text, want);
			ck_assert_uint_eq(got[k].number, i - k);
			ck_assert_uint_gt(got[k].time_s, 1500000000);
		}
	}
}
END_TEST

START_TEST(long_ones_are_cut_between_characters)
{
	for (int before = 0; before < 4; before++) {
		struct bt_events events = { 0 };
		struct bt_event got[BT_EVENTS];
		char text[3 * BT_EVENT_TEXT] = "";
		size_t n;

		memset(text, 'x', (size_t)before);
		while (strlen(text) < BT_EVENT_TEXT + 10)
			strcat(text, "\xe2\x82\xac"); /* the euro sign */
		bt_events_add(&events, "%s", text);
		ck_assert_uint_eq(bt_events_read(&events, got), 1);
		n = strlen(got[0].text);
		ck_assert_uint_lt(n, BT_EVENT_TEXT);
		ck_assert_uint_ge(n, BT_EVENT_TEXT - 4);
		ck_assert_uint_eq((n - (size_t)before) % 3, 0);
	}
}
END_TEST

START_TEST(control_characters_do_not_pass)
{
	struct bt_events events = { 0 };
	struct bt_event got[BT_EVENTS];

	bt_events_add(&events, "%s", "a\x1b[31mb\r\nc\td\x7f\xc3\xa9");
	ck_assert_uint_eq(bt_events_read(&events, got), 1);
	ck_assert_str_eq(got[0].text, "a?[31mb??c?d?\xc3\xa9");
}
END_TEST

/* Each line is one letter all along: half of two would show. */
START_TEST(whole_while_written)
{
	struct bt_events *events = mmap(NULL, sizeof(*events),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct bt_event got[BT_EVENTS];
	int status, seen = 0;
	pid_t pid;

	ck_assert_ptr_ne(events, MAP_FAILED);
	ck_assert_int_ne(pid = fork(), -1);
	if (pid == 0) {
		for (int i = 0; i < 300000; i++) {
			char text[101];

			memset(text, 'a' + i % 26, 100);
			text[100] = '\0';
			bt_events_add(events, "%s", text);
		}
		_exit(0);
	}
	do {
		size_t n = bt_events_read(events, got);

		for (size_t i = 0; i < n; i++) {
			ck_assert_uint_eq(strlen(got[i].text), 100);
			ck_assert_int_eq(got[i].text[0],
			    'a' + (int)((got[i].number - 1) % 26));
			ck_assert_uint_eq(
			    strspn(got[i].text, (char[]){ got[i].text[0], 0 }),
			    100);
			seen++;
		}
	} while (waitpid(pid, &status, WNOHANG) == 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_gt(seen, 0);
	munmap(events, sizeof(*events));
}
END_TEST

BT_UNIT_SUITE(events)
{
	TCase *tc = bt_unit_case(s, "ring");

	tcase_add_test(tc, none);
	tcase_add_test(tc, latest_first_and_bounded);
	tcase_add_test(tc, long_ones_are_cut_between_characters);
	tcase_add_test(tc, control_characters_do_not_pass);
	tcase_add_test(tc, whole_while_written);
}
