/*
 * worker/pace.c: when a client has earned another window.
 */

#include "tests/unit/unit.h"

#include "worker/pace.h"
#include "worker/worker.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A second's window each. */
static const struct {
	enum bt_conn_phase phase;
	uint64_t body_rate, send_rate;
	uint32_t bytes;
	bool kept;
} rows[] = {
	{ BT_CONN_CONTENT, 100, 5, 0, false },
	{ BT_CONN_CONTENT, 100, 5, 99, false },
	{ BT_CONN_CONTENT, 100, 5, 100, true },
	{ BT_CONN_CONTENT, 100, 5, UINT32_MAX, true },
	{ BT_CONN_CONTENT, 0, 5, 1, true },
	{ BT_CONN_CONTENT, 0, 5, 0, true }, /* it moved: the answer did */
	{ BT_CONN_SEND, 5, 100, 99, false },
	{ BT_CONN_SEND, 5, 100, 100, true },
	{ BT_CONN_SEND, 5, 0, 1, true },
	{ BT_CONN_SEND, 5, 0, 0, false },
	{ BT_CONN_IDLE, 100, 100, 0, true },
	{ BT_CONN_HEAD, 100, 100, 0, true },
	{ BT_CONN_LINGER, 100, 100, 0, true },
};

START_TEST(window)
{
	const struct bt_conf conf = { .body_timeout_ms = 1000,
		.send_timeout_ms = 1000,
		.min_body_rate = rows[_i].body_rate,
		.min_send_rate = rows[_i].send_rate };
	struct bt_worker worker = { .conf = &conf };
	struct bt_conn c = { .worker = &worker,
		.fd = -1,
		.phase = (uint8_t)rows[_i].phase,
		.window.bytes = rows[_i].bytes };

	ck_assert_int_eq(bt_pace_is_kept(&c), rows[_i].kept);
}
END_TEST

/* What waits in the kernel counts when the client takes it, not before. */
START_TEST(taken_from_the_kernel)
{
	struct bt_worker worker = { 0 };
	struct bt_conn c = { .worker = &worker };
	char bytes[1000];
	uint64_t taken;
	int fd[2];

	memset(bytes, 'x', sizeof(bytes));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	c.fd = fd[0];
	ck_assert_int_eq(write(fd[0], bytes, sizeof(bytes)), 1000);
	bt_pace_begin(&c, BT_CONN_SEND);
	ck_assert_uint_ge(c.window.unsent, 1000);
	ck_assert_uint_eq(bt_pace_taken(&c), 0);
	ck_assert_int_eq(read(fd[1], bytes, sizeof(bytes)), 1000);
	taken = bt_pace_taken(&c);
	ck_assert_uint_ge(taken, 1000);
	c.window.bytes += 500; /* went to the kernel, and was taken as well */
	ck_assert_uint_eq(bt_pace_taken(&c), taken + 500);
	bt_pace_begin(&c, BT_CONN_SEND);
	ck_assert_uint_eq(bt_pace_taken(&c), 0);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

BT_UNIT_SUITE(pace)
{
	TCase *tc = bt_unit_case(s, "pace");

	tcase_add_loop_test(
	    tc, window, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, taken_from_the_kernel);
}
