/* src/master/dealer.c: with real channels and a real scoreboard, no process */

#include "master/dealer.h"
#include "tests/unit/unit.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS 4

static struct bt_scoreboard *board;
static struct bt_slot slots[SLOTS];
static struct bt_dealer dealer;
static int blocked_err;
static uint64_t last_id;

static void
on_blocked(struct bt_slot *s, int err)
{
	s->blocked = true;
	blocked_err = err;
}

static void
setup(void)
{
	ck_assert_int_eq(bt_scoreboard_new(SLOTS, &board), 0);
	for (unsigned i = 0; i < SLOTS; i++) {
		slots[i] = (struct bt_slot){ .index = i,
			.state = BT_SLOT_READY,
			.score = &board->slots[i] };
		ck_assert_int_eq(
		    bt_channel_pair(&slots[i].near, &slots[i].far), 0);
	}
	dealer = (struct bt_dealer){ .slots = slots,
		.slots_n = SLOTS,
		.dispatch = BT_DISPATCH_ROUND_ROBIN,
		.connections_max = 1000,
		.score = &board->master,
		.on_blocked = on_blocked };
	bt_dealer_init(&dealer);
	blocked_err = 0;
	last_id = 0;
}

static void
teardown(void)
{
	bt_dealer_fini(&dealer);
	for (unsigned i = 0; i < SLOTS; i++) {
		bt_channel_free(slots[i].near);
		bt_channel_free(slots[i].far);
	}
	bt_scoreboard_free(board);
}

/* What accepting does, with descriptors of /dev/null. */
static void
come(size_t n)
{
	struct bt_handover *h = bt_dealer_room(&dealer, n);

	for (size_t i = 0; i < n; i++) {
		h[i] = (struct bt_handover){ .fd = open("/dev/null",
						 O_RDONLY | O_CLOEXEC),
			.baton.id = ++last_id };
		ck_assert_int_ge(h[i].fd, 0);
	}
	bt_score_add(&board->master.accepted, n);
	bt_dealer_take(&dealer, n);
}

/* What a worker does: takes one message, returns how many, and their ids. */
static int
take(unsigned slot, uint64_t *ids)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	enum bt_message message;
	unsigned lost;
	int n = bt_channel_recv(slots[slot].far, h, &message, &lost);

	for (int i = 0; i < n; i++) {
		ids[i] = h[i].baton.id;
		close(h[i].fd);
	}
	if (n > 0) {
		ck_assert_int_eq(message, BT_MESSAGE_HANDOVER);
		bt_score_add(&board->slots[slot].worker.taken, (uint64_t)n);
	}
	return n;
}

static void
finish(unsigned slot, uint64_t n)
{
	bt_score_add(&board->slots[slot].worker.done, n);
}

static void
assert_balance(void)
{
	struct bt_ledger l;

	bt_ledger_read(board, &l);
	ck_assert_uint_eq(l.accepted, l.dealt + l.held + l.refused);
	ck_assert_uint_eq(l.held, dealer.pending_n);
	ck_assert_uint_eq(l.dealt, l.taken + l.in_channel);
	ck_assert_uint_eq(l.lost, 0);
}

START_TEST(turns_are_exact_across_bursts)
{
	static const size_t bursts[] = { 1, 2, 3, 5, 1, 7, 253, 16 };
	uint64_t ids[BT_CHANNEL_BATCH_MAX], want[SLOTS];
	size_t total = 0;

	for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
		come(bursts[i]);
		ck_assert_uint_eq(bt_dealer_deal(&dealer), bursts[i]);
		total += bursts[i];
	}
	ck_assert_uint_eq(dealer.pending_n, 0);
	for (unsigned s = 0; s < SLOTS; s++) {
		uint64_t dealt = board->slots[s].dealt;

		ck_assert_uint_eq(dealt, total / SLOTS + (s < total % SLOTS));
		want[s] = s + 1;
		for (int n; (n = take(s, ids)) > 0;) {
			for (int i = 0; i < n; i++, want[s] += SLOTS)
				ck_assert_uint_eq(ids[i], want[s]);
		}
	}
	assert_balance();
}
END_TEST

/* Who has fewer gets all until there is no difference, then it is turns. */
START_TEST(level_prefers_the_fewest)
{
	come(100);
	bt_dealer_deal(&dealer); /* 25 each */
	for (unsigned s = 1; s < SLOTS; s++)
		board->slots[s].worker.taken = board->slots[s].worker.done = 20;
	dealer.level = true;
	come(20);
	bt_dealer_deal(&dealer);
	ck_assert_uint_eq(board->slots[0].dealt, 25);
	for (unsigned s = 1; s < SLOTS; s++) {
		ck_assert_uint_ge(board->slots[s].dealt, 25 + 6);
		ck_assert_uint_le(board->slots[s].dealt, 25 + 7);
	}
	dealer.level = false;
	come(SLOTS);
	bt_dealer_deal(&dealer);
	ck_assert_uint_eq(board->slots[0].dealt, 26);
}
END_TEST

START_TEST(a_burst_is_one_message_for_each_slot)
{
	int before = bt_fd_count();

	come(40);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 40);
	ck_assert_int_eq(bt_fd_count(), before); /* our copies are closed */
	for (unsigned s = 0; s < SLOTS; s++) {
		uint64_t ids[BT_CHANNEL_BATCH_MAX];

		ck_assert_uint_eq(board->slots[s].messages, 1);
		ck_assert_int_eq(take(s, ids), 10);
		ck_assert_int_eq(take(s, ids), -EAGAIN);
	}
}
END_TEST

START_TEST(more_than_a_message_holds)
{
	uint64_t ids[BT_CHANNEL_BATCH_MAX];
	size_t got = 0;

	for (unsigned s = 1; s < SLOTS; s++)
		slots[s].state = BT_SLOT_EMPTY;
	come(600);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 600);
	for (int n; (n = take(0, ids)) > 0;)
		for (int i = 0; i < n; i++)
			ck_assert_uint_eq(ids[i], ++got);
	ck_assert_uint_eq(got, 600);
	ck_assert_uint_eq(board->slots[0].messages, 3);
}
END_TEST

static const enum bt_slot_state unfit[] = { BT_SLOT_EMPTY, BT_SLOT_STARTING,
	BT_SLOT_LEAVING, BT_SLOT_RESTING };

START_TEST(slots_that_cannot_take_are_skipped)
{
	slots[1].state = unfit[_i];
	come(9);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 9);
	ck_assert_uint_eq(board->slots[0].dealt, 3);
	ck_assert_uint_eq(board->slots[1].dealt, 0);
	ck_assert_uint_eq(board->slots[2].dealt, 3);
	ck_assert_uint_eq(board->slots[3].dealt, 3);
}
END_TEST

START_TEST(stale_slots_are_skipped)
{
	slots[1].stale = true;
	come(9);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 9);
	ck_assert_uint_eq(board->slots[1].dealt, 0);
	for (unsigned s = 0; s < SLOTS; s++)
		slots[s].stale = true;
	come(4);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 0);
	ck_assert_uint_eq(dealer.pending_n, 4);
	slots[1].stale = false;
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 4);
	ck_assert_uint_eq(board->slots[1].dealt, 4);
	assert_balance();
}
END_TEST

START_TEST(full_slots_hold_and_ask_for_room)
{
	uint64_t ids[BT_CHANNEL_BATCH_MAX];

	dealer.connections_max = 2;
	come(11);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 8);
	ck_assert_uint_eq(dealer.pending_n, 3);
	assert_balance();
	for (unsigned s = 0; s < SLOTS; s++)
		ck_assert_uint_eq(board->slots[s].want_room, 1);
	/* again, without room: nothing moves and it comes back */
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 0);
	/* one connection of slot 2 ends: the eldest that is held goes there */
	ck_assert_int_eq(take(2, ids), 2);
	finish(2, 1);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 1);
	ck_assert_int_eq(take(2, ids), 1);
	ck_assert_uint_eq(ids[0], 9);
	ck_assert_uint_eq(dealer.pending_n, 2);
	ck_assert_uint_eq(dealer.pending[0].baton.id, 10);
	assert_balance();
}
END_TEST

START_TEST(no_slot_at_all_holds)
{
	for (unsigned s = 0; s < SLOTS; s++)
		slots[s].state = BT_SLOT_RESTING;
	come(5);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 0);
	ck_assert_uint_eq(dealer.pending_n, 5);
	slots[3].state = BT_SLOT_READY;
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 5);
	ck_assert_uint_eq(board->slots[3].dealt, 5);
	assert_balance();
}
END_TEST

/* Fills the channel of the slot until it refuses. */
START_TEST(a_full_channel_blocks_its_slot_alone)
{
	uint64_t ids[BT_CHANNEL_BATCH_MAX], dealt0;

	dealer.connections_max = 1000000;
	while (!slots[0].blocked) {
		come(1);
		dealer.next = 0;
		ck_assert_uint_eq(bt_dealer_deal(&dealer), 1);
		/* the others are read, as by workers that keep up */
		for (unsigned s = 1; s < SLOTS; s++)
			take(s, ids);
		ck_assert_uint_lt(last_id, 100000);
	}
	ck_assert_int_eq(blocked_err, -EAGAIN);
	ck_assert_uint_eq(dealer.pending_n, 0); /* another slot took it */
	dealt0 = board->slots[0].dealt;
	come(6);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 6);
	ck_assert_uint_eq(board->slots[0].dealt, dealt0);
	assert_balance();
	/* and when all are blocked it waits for one, in order */
	for (unsigned s = 1; s < SLOTS; s++)
		slots[s].blocked = true;
	come(2);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 0);
	ck_assert_uint_eq(dealer.pending_n, 2);
	slots[1].blocked = false;
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 2);
	assert_balance();
}
END_TEST

/* Two slots refuse their shares of one burst: the rest goes on in order. */
START_TEST(refused_shares_keep_their_order)
{
	uint64_t ids[BT_CHANNEL_BATCH_MAX];

	dealer.connections_max = 1000000;
	for (unsigned s = 0; s < 3; s++) {
		while (bt_channel_notify(slots[s].near, BT_MESSAGE_LOGS) == 0)
			;
	}
	come(12);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 12);
	ck_assert_uint_eq(board->slots[3].dealt, 12);
	/* its own turns first, then what the others refused, eldest first */
	ck_assert_int_eq(take(3, ids), 3);
	ck_assert_uint_eq(ids[0], 4);
	ck_assert_uint_eq(ids[1], 8);
	ck_assert_uint_eq(ids[2], 12);
	ck_assert_int_eq(take(3, ids), 9);
	for (int i = 1; i < 9; i++)
		ck_assert_uint_gt(ids[i], ids[i - 1]);
	assert_balance();
}
END_TEST

START_TEST(least_connections)
{
	dealer.dispatch = BT_DISPATCH_LEAST_CONNECTIONS;
	board->slots[0].dealt = 5;
	board->slots[1].dealt = 9;
	board->slots[1].worker.done = 6; /* 3 open */
	board->slots[2].dealt = 4;
	board->slots[3].dealt = 5;
	bt_score_set(&board->master.accepted, 5 + 9 + 4 + 5);
	come(3); /* to 1, 1 or 2, 2 or 1: then 4 and 5 are level */
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 3);
	ck_assert_uint_eq(bt_score_slot_load(&board->slots[0]), 5);
	ck_assert_uint_eq(bt_score_slot_load(&board->slots[1]), 5);
	ck_assert_uint_eq(bt_score_slot_load(&board->slots[2]), 5);
	ck_assert_uint_eq(bt_score_slot_load(&board->slots[3]), 5);
	/* equals take turns */
	come(4);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 4);
	for (unsigned s = 0; s < SLOTS; s++)
		ck_assert_uint_eq(bt_score_slot_load(&board->slots[s]), 6);
}
END_TEST

/* What a worker handed back comes before what nobody has served yet. */
START_TEST(handed_back_ones_are_in_front)
{
	uint64_t ids[BT_CHANNEL_BATCH_MAX];
	struct bt_handover back[2];
	char bytes[] = "head so far";

	for (unsigned i = 0; i < SLOTS; i++)
		slots[i].state = BT_SLOT_STARTING;
	come(3);
	bt_dealer_deal(&dealer);
	for (int i = 0; i < 2; i++)
		back[i] = (struct bt_handover){ .fd = open("/dev/null",
						    O_RDONLY | O_CLOEXEC),
			.bytes = bytes,
			.baton = {
			    .id = 100 + (uint64_t)i, .bytes = sizeof(bytes) } };
	bt_score_add(&board->master.accepted, 2);
	bt_dealer_take_back(&dealer, back, 2);
	memset(bytes, 'x', sizeof(bytes)); /* they were copied */
	slots[2].state = BT_SLOT_READY;
	ck_assert_str_eq(dealer.pending[0].bytes, "head so far");
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 5);
	ck_assert_int_eq(take(2, ids), 5);
	ck_assert_uint_eq(ids[0], 100);
	ck_assert_uint_eq(ids[1], 101);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(ids[2 + i], 1 + (uint64_t)i);
	assert_balance();
}
END_TEST

/* Room is kept for what an old generation still has. */
START_TEST(old_generations_keep_their_places)
{
	uint64_t ids[BT_CHANNEL_BATCH_MAX];

	dealer.connections_max = 2;
	dealer.slots_n = 2;
	come(4);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 4);
	ck_assert_int_eq(take(0, ids), 2);
	ck_assert_int_eq(take(1, ids), 2);
	/* slots 2 and 3 take over */
	dealer.slots_n = SLOTS;
	dealer.generation = slots[2].generation = slots[3].generation = 1;
	come(3);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 0);
	/* one of the old ends by itself: a stranger has its place */
	finish(0, 1);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 1);
	slots[0].state = slots[1].state = BT_SLOT_LEAVING;
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 0);
	/* and when they have given up all, there is room for them first */
	bt_score_add(&slots[0].score->worker.handed_back, 1);
	bt_score_add(&slots[1].score->worker.handed_back, 2);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 0);
	bt_score_add(&board->master.returned, 3);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 2);
	ck_assert_uint_eq(dealer.pending_n, 0);
}
END_TEST

START_TEST(what_is_held_at_the_end_is_refused)
{
	int before = bt_fd_count();

	for (unsigned s = 0; s < SLOTS; s++)
		slots[s].state = BT_SLOT_EMPTY;
	come(7);
	bt_dealer_deal(&dealer);
	bt_dealer_fini(&dealer);
	ck_assert_int_eq(bt_fd_count(), before);
	ck_assert_uint_eq(board->master.refused, 7);
	assert_balance();
}
END_TEST

BT_UNIT_SUITE(dealer)
{
	TCase *tc = bt_unit_case(s, "deal");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, handed_back_ones_are_in_front);
	tcase_add_test(tc, old_generations_keep_their_places);
	tcase_add_test(tc, turns_are_exact_across_bursts);
	tcase_add_test(tc, level_prefers_the_fewest);
	tcase_add_test(tc, a_burst_is_one_message_for_each_slot);
	tcase_add_test(tc, more_than_a_message_holds);
	tcase_add_loop_test(tc, slots_that_cannot_take_are_skipped, 0,
	    sizeof(unfit) / sizeof(unfit[0]));
	tcase_add_test(tc, stale_slots_are_skipped);
	tcase_add_test(tc, full_slots_hold_and_ask_for_room);
	tcase_add_test(tc, no_slot_at_all_holds);
	tcase_add_test(tc, a_full_channel_blocks_its_slot_alone);
	tcase_add_test(tc, refused_shares_keep_their_order);
	tcase_add_test(tc, least_connections);
	tcase_add_test(tc, what_is_held_at_the_end_is_refused);
}
