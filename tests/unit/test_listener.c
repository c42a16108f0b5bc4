/* src/master/listener.c: real sockets on the loopback, the kernel's ports */

#include "master/listener.h"
#include "tests/unit/unit.h"

#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_S 20

static struct bt_scoreboard *board;
static struct bt_slot slot;
static struct bt_dealer dealer;
static struct bt_listeners set;
static struct bt_conf conf;
static struct bt_conf_listen listens[3];
static struct event *deadline;
static char dir[64], path[100];

static void
on_blocked(struct bt_slot *s, int err)
{
	ck_abort_msg("the channel is not full");
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	ck_abort_msg("nothing happened in time");
}

static void
listen_at(const char *text)
{
	struct bt_conf_listen *l = &listens[conf.listens_n++];
	const char *why;

	*l = (struct bt_conf_listen){ .backlog = 128 };
	ck_assert_int_eq(bt_addr_parse(bt_str_of(text), &l->addr, &why), 0);
}

static struct bt_limits limits; /* off */

static void
setup(void)
{
	const struct timeval tv = { .tv_sec = DEADLINE_S };

	bt_log_open("/dev/null", BT_LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/bt-unit-listen-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	ck_assert_int_eq(bt_scoreboard_new(1, &board), 0);
	slot = (struct bt_slot){ .state = BT_SLOT_READY,
		.score = &board->slots[0] };
	ck_assert_int_eq(bt_channel_pair(&slot.near, &slot.far), 0);
	dealer = (struct bt_dealer){ .slots = &slot,
		.slots_n = 1,
		.connections_max = 1000,
		.score = &board->master,
		.on_blocked = on_blocked };
	bt_dealer_init(&dealer);
	conf = (struct bt_conf){ .listens = listens };
	limits = (struct bt_limits){ .score = &board->master };
	set = (struct bt_listeners){ .base = event_base_new(),
		.dealer = &dealer,
		.limits = &limits,
		.score = &board->master };
	deadline = evtimer_new(set.base, on_deadline, NULL);
	event_add(deadline, &tv);
}

static void
teardown(void)
{
	bt_listeners_close(&set);
	event_free(deadline);
	event_base_free(set.base);
	bt_dealer_fini(&dealer);
	bt_channel_free(slot.near);
	bt_channel_free(slot.far);
	bt_scoreboard_free(board);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
open_all(void)
{
	ck_assert_int_eq(bt_listeners_open(&set, &conf, NULL, 0), 0);
	bt_listeners_resume(&set, BT_PAUSE_START);
}

static int
client_of(size_t i)
{
	struct bt_addr a = { .len = sizeof(a.ss) };
	int fd;

	ck_assert_int_eq(getsockname(set.all[i]->fd, (void *)&a.ss, &a.len), 0);
	fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (void *)&a.ss, a.len), 0);
	return fd;
}

/* Runs the loop until so many were accepted in all. */
static void
await(uint64_t accepted)
{
	while (board->master.accepted < accepted)
		event_base_loop(set.base, EVLOOP_ONCE);
}

static const char *const addresses[] = { "127.0.0.1:0", "[::1]:0" };

START_TEST(tcp_connection_is_dealt_as_it_should_be)
{
	struct bt_handover h[BT_CHANNEL_BATCH_MAX];
	struct bt_addr peer, self = { .len = sizeof(self.ss) };
	enum bt_message message;
	int client, on = 0;
	socklen_t len = sizeof(on);
	unsigned lost;

	listen_at("127.0.0.1:0");
	listen_at(addresses[_i]);
	open_all();
	client = client_of(1);
	await(1);
	ck_assert_int_eq(bt_channel_recv(slot.far, h, &message, &lost), 1);
	ck_assert_uint_eq(h[0].baton.id, 1);
	ck_assert_uint_eq(h[0].baton.listen, set.all[1]->id);
	bt_baton_peer(&h[0].baton, &peer);
	getsockname(client, (void *)&self.ss, &self.len);
	ck_assert(bt_addr_equal(&peer, &self));
	/* inherited from the listener */
	getsockopt(h[0].fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
	ck_assert_int_ne(on, 0);
	ck_assert_int_ne(fcntl(h[0].fd, F_GETFL) & O_NONBLOCK, 0);
	close(h[0].fd);
	close(client);
}
END_TEST

START_TEST(unix_socket_comes_and_goes)
{
	struct stat st;
	char text[BT_ADDR_TEXT_MAX];
	int client;

	snprintf(text, sizeof(text), "unix:%s", path);
	listen_at(text);
	open_all();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0666);
	client = client_of(0);
	await(1);
	close(client);
	bt_listeners_close(&set);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(stale_unix_socket_is_replaced)
{
	char text[BT_ADDR_TEXT_MAX];
	int fd;

	snprintf(text, sizeof(text), "unix:%s", path);
	listen_at(text);
	fd = bt_listener_bind(&listens[0].addr, 1, 0600);
	ck_assert_int_ge(fd, 0);
	/* somebody answers */
	ck_assert_int_eq(bt_listeners_open(&set, &conf, NULL, 0), -EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(fd); /* as if it had been killed */
	open_all();
	close(client_of(0));
	await(1);
}
END_TEST

START_TEST(a_file_is_not_replaced)
{
	char text[BT_ADDR_TEXT_MAX];

	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(text, sizeof(text), "unix:%s", path);
	listen_at(text);
	ck_assert_int_eq(bt_listeners_open(&set, &conf, NULL, 0), -EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(anothers_unix_socket_is_not_removed)
{
	char text[BT_ADDR_TEXT_MAX];
	int fd;

	snprintf(text, sizeof(text), "unix:%s", path);
	listen_at(text);
	open_all();
	unlink(path);
	fd = bt_listener_bind(&listens[0].addr, 1, 0600);
	ck_assert_int_ge(fd, 0);
	bt_listeners_close(&set);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(fd);
}
END_TEST

START_TEST(one_in_use_closes_all)
{
	struct bt_addr bound = { .len = sizeof(bound.ss) };
	int before, taken;

	listen_at("127.0.0.1:0");
	listen_at("127.0.0.1:0");
	taken = bt_listener_bind(&listens[0].addr, 1, 0);
	getsockname(taken, (void *)&bound.ss, &bound.len);
	listens[1].addr = bound;
	before = bt_fd_count();
	ck_assert_int_eq(bt_listeners_open(&set, &conf, NULL, 0), -EADDRINUSE);
	ck_assert_int_eq(bt_fd_count(), before);
	close(taken);
}
END_TEST

START_TEST(inherited_by_address)
{
	struct bt_addr bound = { .len = sizeof(bound.ss) };
	int fds[3], other, mine;

	listen_at("127.0.0.1:0");
	other = bt_listener_bind(&listens[0].addr, 1, 0);
	mine = bt_listener_bind(&listens[0].addr, 1, 0);
	getsockname(mine, (void *)&bound.ss, &bound.len);
	listens[0].addr = bound;
	fds[0] = other;
	fds[1] = open("/dev/null", O_RDONLY);
	fds[2] = mine;
	ck_assert_int_eq(bt_listeners_open(&set, &conf, fds, 3), 0);
	ck_assert_int_eq(set.all[0]->fd, mine);
	ck_assert_int_eq(fds[2], -1);
	ck_assert_int_eq(fds[0], other);
	ck_assert_ptr_eq(bt_listeners_find(&set, &bound), set.all[0]);
	bt_listeners_resume(&set, BT_PAUSE_START);
	close(client_of(0));
	await(1);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(out_of_descriptors_pauses_and_resumes)
{
	struct rlimit limit, none;
	int client;

	listen_at("127.0.0.1:0");
	open_all();
	client = client_of(0);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = (rlim_t)client; /* all numbers below are in use */
	setrlimit(RLIMIT_NOFILE, &none);
	while (board->master.pauses_descriptors == 0)
		event_base_loop(set.base, EVLOOP_ONCE);
	ck_assert_int_eq((int)set.paused, BT_PAUSE_DESCRIPTORS);
	/* it does not spin: nothing is active, and it looks again by timer */
	ck_assert_int_eq(event_base_loop(set.base, EVLOOP_NONBLOCK), 0);
	ck_assert_uint_eq(board->master.pauses_descriptors, 1);
	while (board->master.pauses_descriptors < 3)
		event_base_loop(set.base, EVLOOP_ONCE);
	setrlimit(RLIMIT_NOFILE, &limit);
	await(1);
	ck_assert_uint_eq(board->slots[0].dealt, 1);
	close(client);
}
END_TEST

START_TEST(full_pauses_until_resumed)
{
	int client[3];

	listen_at("127.0.0.1:0");
	dealer.connections_max = 1;
	open_all();
	client[0] = client_of(0);
	await(1);
	client[1] = client_of(0);
	await(2);
	ck_assert_uint_eq(dealer.pending_n, 1);
	ck_assert_int_eq((int)set.paused, BT_PAUSE_FULL);
	ck_assert_uint_eq(board->master.pauses_full, 1);
	client[2] = client_of(0); /* stays in the backlog */
	event_base_loop(set.base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(board->master.accepted, 2);
	/* one ends */
	bt_score_add(&board->slots[0].worker.done, 1);
	ck_assert_uint_eq(bt_dealer_deal(&dealer), 1);
	bt_listeners_resume(&set, BT_PAUSE_FULL);
	await(3);
	ck_assert_uint_eq(board->slots[0].dealt, 2);
	for (int i = 0; i < 3; i++)
		close(client[i]);
}
END_TEST

START_TEST(backlog_is_emptied_at_the_end)
{
	int client[10];

	listen_at("127.0.0.1:0");
	open_all();
	for (int i = 0; i < 10; i++)
		client[i] = client_of(0);
	bt_listeners_empty(&set);
	bt_listeners_close(&set);
	ck_assert_uint_eq(board->slots[0].dealt, 10);
	for (int i = 0; i < 10; i++)
		close(client[i]);
}
END_TEST

BT_UNIT_SUITE(listener)
{
	TCase *tc = bt_unit_case(s, "sockets");

	tcase_set_timeout(tc, 2 * DEADLINE_S);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, tcp_connection_is_dealt_as_it_should_be, 0,
	    sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_test(tc, unix_socket_comes_and_goes);
	tcase_add_test(tc, stale_unix_socket_is_replaced);
	tcase_add_test(tc, a_file_is_not_replaced);
	tcase_add_test(tc, anothers_unix_socket_is_not_removed);
	tcase_add_test(tc, one_in_use_closes_all);
	tcase_add_test(tc, inherited_by_address);
	tcase_add_test(tc, out_of_descriptors_pauses_and_resumes);
	tcase_add_test(tc, full_pauses_until_resumed);
	tcase_add_test(tc, backlog_is_emptied_at_the_end);
}
