/* src/master/slot.c: real forks, with workers of a few lines */

#include "master/slot.h"
#include "tests/unit/unit.h"

#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_S 20

static struct bt_slots set;
static struct bt_slot *slot; /* the one in use */
static unsigned news[BT_SLOT_SHEDS + 1];
static struct bt_handover back[16]; /* what came to on_back */
static size_t back_n;
static int listener_like; /* a descriptor which a worker must not have */

/* Waits for one message and answers each connection of it; EOF: -EPIPE. */
static int
serve(struct bt_heritage *h)
{
	struct bt_handover batons[BT_CHANNEL_BATCH_MAX];
	struct pollfd p = { .fd = bt_channel_fd(h->channel), .events = POLLIN };
	struct bt_score_worker *w = &h->board->slots[h->slot].worker;
	enum bt_message message;
	unsigned lost;
	int n;

	if (poll(&p, 1, DEADLINE_S * 1000) != 1)
		return -ETIMEDOUT;
	n = bt_channel_recv(h->channel, batons, &message, &lost);
	for (int i = 0; i < n; i++) {
		bt_score_add(&w->taken, 1);
		if (write(batons[i].fd, "x", 1) != 1)
			return -EIO;
		close(batons[i].fd);
		bt_score_add(&w->done, 1);
	}
	if (n >= 0 && message == BT_MESSAGE_DRAIN)
		return -EPIPE;
	return n;
}

static int
until_drain(struct bt_heritage *h)
{
	int n;

	bt_channel_notify(h->channel, BT_MESSAGE_ROOM);
	while ((n = serve(h)) >= 0)
		;
	return n == -EPIPE ? 0 : 9;
}

/* Takes nothing: what is dealt to it stays in the channel. */
static int
deaf(struct bt_heritage *h)
{
	bt_channel_notify(h->channel, BT_MESSAGE_ROOM);
	pause(); /* no signal is handled: it ends here or not at all */
	return 1;
}

/* Takes one connection, counts it, and dies with it open. */
static int
dies_amid(struct bt_heritage *h)
{
	struct bt_handover batons[BT_CHANNEL_BATCH_MAX];
	struct pollfd p = { .fd = bt_channel_fd(h->channel), .events = POLLIN };
	enum bt_message message;
	unsigned lost;
	int n;

	bt_channel_notify(h->channel, BT_MESSAGE_ROOM);
	poll(&p, 1, DEADLINE_S * 1000);
	n = bt_channel_recv(h->channel, batons, &message, &lost);
	bt_score_add(
	    &h->board->slots[h->slot].worker.taken, n > 0 ? (uint64_t)n : 0);
	raise(SIGKILL);
	return 1;
}

static int
dies_at_once(struct bt_heritage *h)
{
	return 3;
}

/* Reports by its exit status what it should have shed and did not. */
static int
inspects(struct bt_heritage *h)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP,
		SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE };
	struct sigaction act;
	sigset_t mask;
	char name[16];
	int fds = bt_fd_count();

	if (fcntl(listener_like, F_GETFD) != -1)
		return 10;
	/* the standard ones, a log of its own, and the far end */
	if (fds != 3 + (bt_log_fd() > STDERR_FILENO) + 1)
		return 11;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(int); i++) {
		sigaction(ignored[i], NULL, &act);
		if (act.sa_handler != SIG_IGN)
			return 12;
	}
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int i = 1; i < NSIG; i++)
		if (sigismember(&mask, i) == 1)
			return 14;
	prctl(PR_GET_NAME, name);
	if (strcmp(name, "baton: worker 0") != 0)
		return 15;
	bt_channel_notify(h->channel, BT_MESSAGE_ROOM);
	return serve(h) == -EPIPE ? 0 : 16;
}

static void
on_news(void *arg, struct bt_slot *s, enum bt_slot_news what)
{
	news[what]++;
	event_base_loopbreak(set.base);
}

static void
on_back(void *arg, struct bt_handover *h, size_t n)
{
	ck_assert_uint_le(back_n + n, 16);
	for (size_t i = 0; i < n; i++)
		back[back_n++] = h[i];
}

/* Hands a connection back, retires, and leaves. */
static int
gives_back(struct bt_heritage *h)
{
	struct bt_handover batons[BT_CHANNEL_BATCH_MAX];
	struct pollfd p = { .fd = bt_channel_fd(h->channel), .events = POLLIN };
	struct bt_score_worker *w = &h->board->slots[h->slot].worker;
	enum bt_message message;
	unsigned lost;
	int n;

	bt_channel_notify(h->channel, BT_MESSAGE_ROOM);
	do {
		poll(&p, 1, DEADLINE_S * 1000);
		n = bt_channel_recv(h->channel, batons, &message, &lost);
		for (int i = 0; i < n; i++) {
			bt_score_add(&w->taken, 1);
			batons[i].baton.bytes = 3;
			batons[i].bytes = "abc";
			bt_channel_send(
			    h->channel, BT_MESSAGE_HANDOVER, &batons[i], 1);
			bt_score_add(&w->handed_back, 1);
			close(batons[i].fd);
		}
	} while (n >= 0 && message != BT_MESSAGE_RETIRE);
	bt_channel_notify(h->channel, BT_MESSAGE_RETIRING);
	return n >= 0 ? 0 : 9;
}

/* Hands a connection back, and dies before it has counted that. */
static int
dies_amid_giving(struct bt_heritage *h)
{
	struct bt_handover batons[BT_CHANNEL_BATCH_MAX];
	struct pollfd p = { .fd = bt_channel_fd(h->channel), .events = POLLIN };
	enum bt_message message;
	unsigned lost;

	bt_channel_notify(h->channel, BT_MESSAGE_ROOM);
	poll(&p, 1, DEADLINE_S * 1000);
	if (bt_channel_recv(h->channel, batons, &message, &lost) == 1) {
		bt_score_add(&h->board->slots[h->slot].worker.taken, 1);
		bt_channel_send(h->channel, BT_MESSAGE_HANDOVER, batons, 1);
	}
	raise(SIGKILL);
	return 9;
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	bt_slots_reap(&set);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	ck_abort_msg("nothing happened in time");
}

static struct event *child, *deadline;

static void
setup(void)
{
	const struct timeval tv = { .tv_sec = DEADLINE_S };

	bt_log_open("/dev/null", BT_LOG_ERROR);
	memset(news, 0, sizeof(news));
	back_n = 0;
	set = (struct bt_slots){ .base = event_base_new(),
		.on_news = on_news,
		.on_back = on_back,
		.generation = 7 };
	ck_assert_int_eq(bt_scoreboard_new(4, &set.board), 0);
	bt_slots_init(&set);
	slot = &set.all[0];
	child = evsignal_new(set.base, SIGCHLD, on_child, NULL);
	deadline = evtimer_new(set.base, on_deadline, NULL);
	event_add(child, NULL);
	event_add(deadline, &tv);
	listener_like = open("/dev/null", O_RDONLY);
}

static void
teardown(void)
{
	/* one that a failed test left behind */
	for (unsigned i = 0; i < set.n; i++)
		if (set.all[i].pid > 0)
			kill(set.all[i].pid, SIGKILL);
	event_free(child);
	event_free(deadline);
	bt_slots_fini(&set);
	event_base_free(set.base);
	bt_scoreboard_free(set.board);
	close(listener_like);
}

/* Runs the loop until there were `n` of this kind in all. */
static void
await(enum bt_slot_news what, unsigned n)
{
	while (news[what] < n)
		event_base_dispatch(set.base);
}

static void
start(bt_worker_run_fn *run)
{
	set.run = run;
	ck_assert_int_eq(bt_slot_start(slot), 0);
	ck_assert_int_eq(slot->state, BT_SLOT_STARTING);
	await(BT_SLOT_IS_READY, news[BT_SLOT_IS_READY] + 1);
	ck_assert_int_eq(slot->state, BT_SLOT_READY);
}

/* Deals a connection to the slot; returns the client's end. */
static int
deal(void)
{
	struct bt_handover h = { 0 };
	int fd[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	h.fd = fd[1];
	ck_assert_int_eq(
	    bt_channel_send(slot->near, BT_MESSAGE_HANDOVER, &h, 1), 1);
	bt_score_add(&slot->score->dealt, 1);
	close(fd[1]);
	return fd[0];
}

/* What the client sees within the deadline: 1 an answer, 0 an end. */
static ssize_t
outcome(int client)
{
	struct pollfd p = { .fd = client, .events = POLLIN };
	char byte;
	ssize_t n = -1;

	if (poll(&p, 1, DEADLINE_S * 1000) == 1)
		n = read(client, &byte, 1);
	close(client);
	return n;
}

static void
leave(void)
{
	bt_slot_drain(slot);
	await(BT_SLOT_LEFT, news[BT_SLOT_LEFT] + 1);
	ck_assert_int_eq(slot->state, BT_SLOT_EMPTY);
	ck_assert_int_eq(slot->score->pid, 0);
}

START_TEST(serves_and_leaves)
{
	start(until_drain);
	ck_assert_int_eq(slot->score->pid, slot->pid);
	ck_assert_uint_eq(slot->score->generation, 7);
	ck_assert_int_eq(outcome(deal()), 1);
	leave();
	ck_assert_uint_eq(news[BT_SLOT_DIED], 0);
	ck_assert_uint_eq(slot->score->crashed, 0);
}
END_TEST

START_TEST(child_has_only_its_own)
{
	bt_log_open("stderr", BT_LOG_ERROR);
	start(inspects);
	leave();
	ck_assert_uint_eq(news[BT_SLOT_DIED], 0);
}
END_TEST

START_TEST(what_came_back_did_not_crash)
{
	int client;

	start(dies_amid_giving);
	set.run = until_drain;
	client = deal();
	await(BT_SLOT_DIED, 1);
	ck_assert_uint_eq(back_n, 1);
	ck_assert_int_eq(write(back[0].fd, "x", 1), 1);
	ck_assert_int_eq(outcome(client), 1);
	close(back[0].fd);
	ck_assert_uint_eq(slot->score->worker.handed_back, 1);
	ck_assert_uint_eq(slot->score->crashed, 0);
	await(BT_SLOT_IS_READY, 2);
	leave();
}
END_TEST

START_TEST(queue_is_given_back)
{
	int client[5];

	start(deaf);
	for (int i = 0; i < 5; i++)
		client[i] = deal();
	set.run = until_drain;
	kill(slot->pid, SIGKILL);
	await(BT_SLOT_DIED, 1);
	ck_assert_uint_eq(back_n, 5);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(write(back[i].fd, "x", 1), 1);
		ck_assert_int_eq(outcome(client[i]), 1);
		close(back[i].fd);
	}
	ck_assert_uint_eq(slot->score->started, 2);
	ck_assert_uint_eq(slot->score->crashed, 0);
	ck_assert_uint_eq(bt_score_slot_load(slot->score), 0);
	await(BT_SLOT_IS_READY, 2);
	leave();
}
END_TEST

START_TEST(open_connections_are_counted_as_crashed)
{
	int client;

	start(dies_amid);
	set.run = until_drain;
	client = deal();
	await(BT_SLOT_DIED, 1);
	ck_assert_int_le(outcome(client), 0);
	ck_assert_uint_eq(slot->score->crashed, 1);
	ck_assert_uint_eq(bt_score_slot_load(slot->score), 0);
	await(BT_SLOT_IS_READY, 2);
	ck_assert_int_eq(outcome(deal()), 1);
	leave();
	ck_assert_uint_eq(slot->score->crashed, 1);
}
END_TEST

/* It dies, told to leave, before it took what was dealt to it. */
START_TEST(queue_is_given_back_while_leaving)
{
	int client;

	start(deaf);
	client = deal();
	bt_slot_drain(slot);
	ck_assert_int_eq(slot->state, BT_SLOT_LEAVING);
	kill(slot->pid, SIGKILL);
	await(BT_SLOT_LEFT, 1);
	ck_assert_int_eq(slot->state, BT_SLOT_EMPTY);
	ck_assert_uint_eq(slot->score->started, 1);
	ck_assert_uint_eq(back_n, 1);
	ck_assert_uint_eq(slot->score->recalled, 1);
	ck_assert_uint_eq(bt_slot_in_channel(slot), 0);
	ck_assert_int_eq(write(back[0].fd, "x", 1), 1);
	ck_assert_int_eq(outcome(client), 1);
	close(back[0].fd);
}
END_TEST

START_TEST(retires_and_hands_back)
{
	int client;

	start(gives_back);
	client = deal();
	bt_slot_retire(slot);
	bt_slot_retire(slot); /* a second one is not said */
	ck_assert(slot->still_begins);
	await(BT_SLOT_RETIRES, 1);
	ck_assert(!slot->still_begins);
	ck_assert_uint_eq(back_n, 1);
	ck_assert_uint_eq(back[0].baton.bytes, 3);
	await(BT_SLOT_LEFT, 1);
	ck_assert_uint_eq(bt_score_slot_load(slot->score), 0);
	ck_assert_int_eq(write(back[0].fd, "x", 1), 1);
	ck_assert_int_eq(outcome(client), 1);
	close(back[0].fd);
	/* nothing that was meant for it is left for the next one */
	start(until_drain);
	ck_assert_int_eq(outcome(deal()), 1);
	leave();
}
END_TEST

/* What was said to a worker that left is not said to its successor. */
START_TEST(notices_go_with_their_worker)
{
	start(deaf);
	ck_assert_int_eq(bt_channel_notify(slot->near, BT_MESSAGE_RETIRE), 0);
	ck_assert_int_eq(bt_channel_notify(slot->near, BT_MESSAGE_DRAIN), 0);
	bt_slot_kill(slot);
	await(BT_SLOT_LEFT, 1);
	start(until_drain);
	ck_assert_int_eq(outcome(deal()), 1);
	leave();
}
END_TEST

START_TEST(killed_ones_have_no_successor)
{
	int client;

	start(deaf);
	client = deal();
	bt_slot_kill(slot);
	await(BT_SLOT_LEFT, 1);
	ck_assert_int_eq(slot->state, BT_SLOT_EMPTY);
	ck_assert_uint_eq(slot->score->started, 1);
	ck_assert_uint_eq(back_n, 1);
	close(back[0].fd);
	ck_assert_int_eq(outcome(client), 0);
}
END_TEST

START_TEST(repeated_deaths_slow_down)
{
	set.run = dies_at_once;
	ck_assert_int_eq(bt_slot_start(slot), 0);
	await(BT_SLOT_DIED, 1);
	ck_assert_int_eq(slot->state, BT_SLOT_STARTING); /* at once */
	await(BT_SLOT_DIED, 2);
	ck_assert_int_eq(slot->state, BT_SLOT_RESTING);
	await(BT_SLOT_DIED, 3); /* by the timer */
	ck_assert_int_eq(slot->state, BT_SLOT_RESTING);
	ck_assert_uint_eq(slot->score->started, 3);
	bt_slot_drain(slot); /* and it need not come back for that */
	ck_assert_uint_eq(news[BT_SLOT_LEFT], 1);
	ck_assert_int_eq(slot->state, BT_SLOT_EMPTY);
}
END_TEST

START_TEST(last_words_do_not_make_a_successor_ready)
{
	siginfo_t info;

	start(deaf);
	/* a ROOM that nobody has read when the worker is reaped */
	ck_assert_int_eq(bt_channel_notify(slot->far, BT_MESSAGE_ROOM), 0);
	kill(slot->pid, SIGKILL);
	ck_assert_int_eq(
	    waitid(P_PID, (id_t)slot->pid, &info, WEXITED | WNOWAIT), 0);
	bt_slots_reap(&set);
	ck_assert_uint_eq(news[BT_SLOT_DIED], 1);
	ck_assert_int_eq(slot->state, BT_SLOT_STARTING);
	ck_assert_uint_eq(news[BT_SLOT_IS_READY], 1);
	await(BT_SLOT_IS_READY, 2); /* when it says so itself */
	bt_slot_kill(slot);
	await(BT_SLOT_LEFT, 1);
}
END_TEST

START_TEST(full_channel_tells_when_it_is_writable)
{
	unsigned n = 0;

	start(deaf);
	while (bt_channel_notify(slot->near, BT_MESSAGE_ROOM) == 0)
		n++;
	ck_assert_uint_gt(n, 10);
	bt_slot_block(slot, -EAGAIN);
	ck_assert(slot->blocked);
	set.run = until_drain; /* its successor reads on */
	kill(slot->pid, SIGKILL);
	await(BT_SLOT_HAS_ROOM, 1);
	ck_assert(!slot->blocked);
	leave();
}
END_TEST

START_TEST(drain_is_said_when_there_is_room)
{
	start(deaf);
	while (bt_channel_notify(slot->near, BT_MESSAGE_ROOM) == 0)
		;
	bt_slot_drain(slot);
	ck_assert(slot->owes_farewell);
	/* what was taken, and not counted, by who dies now */
	bt_score_add(&slot->score->dealt, 1);
	kill(slot->pid, SIGKILL);
	await(BT_SLOT_LEFT, 1);
	ck_assert_uint_eq(slot->score->crashed, 1);
	ck_assert_uint_eq(bt_slot_in_channel(slot), 0);
}
END_TEST

/* Stopped, it takes nothing; what it is to hear comes again, behind nothing. */
START_TEST(recalled_from_a_living_worker)
{
	int client;

	start(until_drain);
	kill(slot->pid, SIGSTOP);
	client = deal();
	bt_slot_drain(slot);
	ck_assert(!slot->owes_farewell); /* it is in the channel */
	bt_slot_recall(slot);
	ck_assert_uint_eq(back_n, 1);
	ck_assert_uint_eq(bt_slot_in_channel(slot), 0);
	ck_assert_uint_eq(bt_score_slot_load(slot->score), 0);
	ck_assert_int_eq(write(back[0].fd, "x", 1), 1);
	ck_assert_int_eq(outcome(client), 1);
	close(back[0].fd);
	kill(slot->pid, SIGCONT);
	await(BT_SLOT_LEFT, 1); /* it has heard the drain */
	ck_assert_uint_eq(slot->score->crashed, 0);
}
END_TEST

static const struct {
	unsigned deaths;
	int64_t ms;
} rests[] = { { 0, 0 }, { 1, 0 }, { 2, 100 }, { 3, 200 }, { 4, 400 },
	{ 5, 800 }, { 6, 1600 }, { 7, 3200 }, { 8, 5000 }, { 9, 5000 },
	{ 4000000000u, 5000 } };

START_TEST(rest)
{
	ck_assert_int_eq(bt_slot_rest_ms(rests[_i].deaths), rests[_i].ms);
}
END_TEST

BT_UNIT_SUITE(slot)
{
	TCase *tc = bt_unit_case(s, "life");

	tcase_set_timeout(tc, 2 * DEADLINE_S);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, serves_and_leaves);
	tcase_add_test(tc, child_has_only_its_own);
	tcase_add_test(tc, queue_is_given_back);
	tcase_add_test(tc, what_came_back_did_not_crash);
	tcase_add_test(tc, open_connections_are_counted_as_crashed);
	tcase_add_test(tc, queue_is_given_back_while_leaving);
	tcase_add_test(tc, retires_and_hands_back);
	tcase_add_test(tc, notices_go_with_their_worker);
	tcase_add_test(tc, killed_ones_have_no_successor);
	tcase_add_test(tc, repeated_deaths_slow_down);
	tcase_add_test(tc, last_words_do_not_make_a_successor_ready);
	tcase_add_test(tc, full_channel_tells_when_it_is_writable);
	tcase_add_test(tc, drain_is_said_when_there_is_room);
	tcase_add_test(tc, recalled_from_a_living_worker);
	tc = bt_unit_case(s, "rest");
	tcase_add_loop_test(tc, rest, 0, sizeof(rests) / sizeof(rests[0]));
}
