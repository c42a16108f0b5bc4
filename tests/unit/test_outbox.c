/*
 * worker/outbox.c: connections on their way back, with a real channel and a
 * real scoreboard; the test is the master.
 */

#include "tests/unit/unit.h"

#include "worker/outbox.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static struct bt_scoreboard *board;
static struct bt_channel *near;
static struct bt_heritage heritage;
static struct bt_worker worker;

static void
setup(void)
{
	ck_assert_int_eq(bt_scoreboard_new(1, &board), 0);
	heritage = (struct bt_heritage){ .board = board };
	ck_assert_int_eq(bt_channel_pair(&near, &heritage.channel), 0);
	worker = (struct bt_worker){ .heritage = &heritage,
		.slot = &board->slots[0],
		.score = &board->slots[0].worker,
		.base = event_base_new() };
	TAILQ_INIT(&worker.closed);
	worker.outbox = bt_outbox_new(&worker);
}

static void
teardown(void)
{
	bt_outbox_free(worker.outbox);
	event_base_free(worker.base);
	bt_channel_free(near);
	bt_channel_free(heritage.channel);
	bt_scoreboard_free(board);
}

/* Adds a connection; returns its descriptor, which is the outbox's now. */
static int
add(uint64_t id, const char *bytes, size_t n)
{
	struct bt_handover h = { .fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.with_fd = -1,
		.baton = { .id = id, .bytes = (uint32_t)n },
		.bytes = n ? bytes : NULL };

	ck_assert_int_ge(h.fd, 0);
	bt_outbox_add(worker.outbox, &h);
	return h.fd;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* Takes a message; wants ids that go on from *id, and those bytes. */
static int
take(uint64_t *id, const char *bytes, size_t n)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	enum bt_message message;
	unsigned lost;
	int r = bt_channel_recv(near, h, &message, &lost);

	for (int i = 0; i < r; i++) {
		ck_assert_int_eq(message, BT_MESSAGE_HANDOVER);
		ck_assert_uint_eq(h[i].baton.id, ++*id);
		ck_assert_uint_eq(h[i].baton.bytes, n);
		if (n > 0)
			ck_assert_mem_eq(h[i].bytes, bytes, n);
		bt_handover_close(&h[i]);
	}
	return r;
}

/* All of one turn go in one message, and are the master's then. */
START_TEST(one_message)
{
	int fd[3];
	uint64_t id = 0;

	for (int i = 0; i < 3; i++)
		fd[i] = add((uint64_t)i + 1, "abc", 3);
	ck_assert(!bt_outbox_is_empty(worker.outbox));
	ck_assert_uint_eq(worker.score->handed_back, 0);
	bt_outbox_flush(worker.outbox);
	ck_assert(bt_outbox_is_empty(worker.outbox));
	ck_assert_uint_eq(worker.score->handed_back, 3);
	for (int i = 0; i < 3; i++)
		ck_assert(!is_open(fd[i]));
	ck_assert_int_eq(take(&id, "abc", 3), 3);
	ck_assert_int_eq(take(&id, "abc", 3), -EAGAIN);
}
END_TEST

/* The loop sends what was added and not flushed. */
START_TEST(sent_by_the_loop)
{
	uint64_t id = 0;

	add(1, NULL, 0);
	event_base_loop(worker.base, EVLOOP_ONCE);
	ck_assert(bt_outbox_is_empty(worker.outbox));
	ck_assert_int_eq(take(&id, NULL, 0), 1);
}
END_TEST

/* What the channel does not take waits, whole and in order. */
START_TEST(waits_for_room)
{
	enum { N = 40, BYTES = 60000 };
	char bytes[BYTES];
	uint64_t id = 0;
	int r;

	memset(bytes, 'x', sizeof(bytes));
	for (int i = 0; i < N; i++)
		add((uint64_t)i + 1, bytes, sizeof(bytes));
	bt_outbox_flush(worker.outbox);
	ck_assert(!bt_outbox_is_empty(worker.outbox));
	ck_assert_uint_lt(worker.score->handed_back, N);
	while (id < N) {
		r = take(&id, bytes, sizeof(bytes));
		ck_assert(r > 0 || r == -EAGAIN);
		if (r == -EAGAIN)
			event_base_loop(worker.base, EVLOOP_ONCE);
	}
	ck_assert(bt_outbox_is_empty(worker.outbox));
	ck_assert_uint_eq(worker.score->handed_back, N);
	ck_assert_uint_eq(worker.score->done, 0);
}
END_TEST

/* Without a master they end here, and are counted so. */
START_TEST(nobody_there)
{
	int fd = add(1, "abc", 3);

	bt_channel_free(near);
	near = NULL;
	bt_outbox_flush(worker.outbox);
	ck_assert(bt_outbox_is_empty(worker.outbox));
	ck_assert(!is_open(fd));
	ck_assert_uint_eq(worker.score->handed_back, 0);
	ck_assert_uint_eq(worker.score->done, 1);
	ck_assert_uint_eq(worker.score->closed[BT_CLOSE_ERROR], 1);
}
END_TEST

/* The worker ends before they are sent. */
START_TEST(freed_with_some)
{
	int fd = add(1, "abc", 3);

	bt_outbox_free(worker.outbox);
	worker.outbox = NULL;
	ck_assert(!is_open(fd));
	ck_assert_uint_eq(worker.score->done, 1);
	ck_assert_uint_eq(worker.score->closed[BT_CLOSE_DRAIN], 1);
}
END_TEST

BT_UNIT_SUITE(outbox)
{
	TCase *tc = bt_unit_case(s, "outbox");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_message);
	tcase_add_test(tc, sent_by_the_loop);
	tcase_add_test(tc, waits_for_room);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, freed_with_some);
}
