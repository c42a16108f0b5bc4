/* src/master/limits.c: who comes in, with seats that others leave */

#include "master/limits.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct bt_score_master score;
static struct bt_limits l;
static struct bt_conf conf;
static uint64_t last_id;

static void
setup(void)
{
	l = (struct bt_limits){ .score = &score };
	ck_assert_int_eq(bt_limits_init(&l), 0);
	conf = (struct bt_conf){ .limit_connections = 3 };
	bt_limits_set(&l, &conf);
}

static void
teardown(void)
{
	bt_limits_fini(&l);
}

/* A connection of 10.x.y.z. */
static struct bt_baton
from(uint32_t address)
{
	struct bt_baton b = { .id = ++last_id, .family = AF_INET };

	address = htonl(10u << 24 | address);
	memcpy(b.host, &address, 4);
	return b;
}

static void
leave(const struct bt_baton *b)
{
	bt_seats_leave(l.shared, b->seat);
}

START_TEST(so_many_at_a_time)
{
	struct bt_baton b[4], other = from(2);

	for (int i = 0; i < 3; i++) {
		b[i] = from(1);
		ck_assert(bt_limits_admit(&l, &b[i]));
		ck_assert_uint_ne(b[i].seat, 0);
	}
	b[3] = from(1);
	ck_assert(!bt_limits_admit(&l, &b[3]));
	ck_assert(bt_limits_admit(&l, &other));
	ck_assert_uint_eq(score.refused_for_connections, 1);
	for (int i = 0; i < 1000; i++) {
		leave(&b[i % 3]);
		b[i % 3] = from(1);
		ck_assert(bt_limits_admit(&l, &b[i % 3]));
		b[3] = from(1);
		ck_assert(!bt_limits_admit(&l, &b[3]));
	}
	/* one for each that was open at a time, not for each that came */
	ck_assert_uint_le(l.used, 8);
}
END_TEST

START_TEST(unix_sockets_are_exempt)
{
	for (int i = 0; i < 10; i++) {
		struct bt_baton b = { .id = ++last_id, .family = AF_UNIX };

		ck_assert(bt_limits_admit(&l, &b));
		ck_assert_uint_eq(b.seat, 0);
	}
}
END_TEST

START_TEST(a_worker_dies)
{
	struct bt_baton b[3], more;

	for (unsigned i = 0; i < 3; i++) {
		b[i] = from(1);
		ck_assert(bt_limits_admit(&l, &b[i]));
		bt_limits_deal(&l, &b[i], i / 2);
	}
	bt_limits_return(&l, &b[0]); /* it was rescued */
	more = from(1);
	bt_limits_end(&l, 1, false); /* b[2] is gone */
	ck_assert(bt_limits_admit(&l, &more));
	more = from(1);
	ck_assert(!bt_limits_admit(&l, &more));
	bt_limits_end(&l, 0, false); /* b[1] */
	ck_assert(bt_limits_admit(&l, &more));
	more = from(1);
	ck_assert(!bt_limits_admit(&l, &more));
}
END_TEST

/* Nobody is refused who is in; but he counts from now on. */
START_TEST(turned_on_later)
{
	struct bt_baton b[5], more = from(1);

	conf.limit_connections = 0;
	bt_limits_set(&l, &conf);
	ck_assert(!l.on);
	for (int i = 0; i < 5; i++)
		b[i] = from(1);
	conf.limit_connections = 4;
	bt_limits_set(&l, &conf);
	ck_assert(l.on);
	for (int i = 0; i < 5; i++) {
		bt_limits_return(&l, &b[i]);
		ck_assert_uint_ne(b[i].seat, 0);
	}
	ck_assert(!bt_limits_admit(&l, &more));
	leave(&b[0]);
	ck_assert(!bt_limits_admit(&l, &more));
	leave(&b[1]);
	ck_assert(bt_limits_admit(&l, &more));
}
END_TEST

/* A seat of another master, before an upgrade, is none. */
START_TEST(seats_of_others)
{
	struct bt_baton mine = from(1), foreign = from(1);

	ck_assert(bt_limits_admit(&l, &mine));
	foreign.seat = mine.seat;
	bt_limits_deal(&l, &foreign, 7);
	bt_limits_end(&l, 7, false);
	bt_limits_return(&l, &foreign);
	ck_assert_uint_ne(foreign.seat, mine.seat);
	foreign.seat = 12345678;
	bt_limits_return(&l, &foreign);
	ck_assert_uint_lt(foreign.seat, 10);
	mine = from(1);
	ck_assert(!bt_limits_admit(&l, &mine));
}
END_TEST

START_TEST(rate_of_new_ones)
{
	struct bt_baton b;
	int in = 0;

	conf.limit_rate = 1;
	conf.limit_rate_burst = 2;
	bt_limits_set(&l, &conf);
	for (int i = 0; i < 20; i++) {
		b = from(1);
		in += bt_limits_admit(&l, &b);
		leave(&b);
	}
	ck_assert_int_ge(in, 2);
	ck_assert_int_lt(in, 20);
	ck_assert_uint_eq(score.refused_for_rate, 20 - (unsigned)in);
	ck_assert_uint_eq(score.refused_for_connections, 0);
	b = from(2);
	ck_assert(bt_limits_admit(&l, &b));
}
END_TEST

/* Against a count of its own: many addresses that come and go. */
START_TEST(agrees_with_a_plain_count)
{
	enum { ADDRESSES = 2000, OPEN = 3000, STEPS = 60000 };
	unsigned *count = calloc(ADDRESSES, sizeof(*count)), seed = 1;
	struct bt_baton *open = calloc(OPEN, sizeof(*open));
	uint32_t *whose = calloc(OPEN, sizeof(*whose));

	for (int step = 0; step < STEPS; step++) {
		uint32_t at, address;

		seed = seed * 1103515245 + 12345;
		at = (seed >> 8) % OPEN;
		seed = seed * 1103515245 + 12345;
		/* some come more often */
		address = (seed >> 8) % (step % 2 ? ADDRESSES : 100);
		if (open[at].id != 0) {
			leave(&open[at]);
			count[whose[at]]--;
		}
		open[at] = from(address);
		whose[at] = address;
		ck_assert_int_eq(
		    bt_limits_admit(&l, &open[at]), count[address] < 3);
		if (open[at].seat == 0)
			open[at].id = 0;
		else
			count[address]++;
	}
	ck_assert_uint_lt(l.used, 4 * OPEN);
	ck_assert_uint_le(l.addresses_cap, 8 * ADDRESSES);
	free(count);
	free(open);
	free(whose);
}
END_TEST

BT_UNIT_SUITE(limits)
{
	TCase *tc = bt_unit_case(s, "limits");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, so_many_at_a_time);
	tcase_add_test(tc, unix_sockets_are_exempt);
	tcase_add_test(tc, a_worker_dies);
	tcase_add_test(tc, turned_on_later);
	tcase_add_test(tc, seats_of_others);
	tcase_add_test(tc, rate_of_new_ones);
	tcase_add_test(tc, agrees_with_a_plain_count);
}
