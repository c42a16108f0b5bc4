/* master/crossing.c: what is written is read, and what is not known refused. */

#include "base/mem.h"
#include "master/crossing.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static char *
text_of(const char *s)
{
	char *copy = strdup(s);

	ck_assert_ptr_nonnull(copy);
	return copy;
}

/* One with everything in it, and bytes that no line may have. */
static void
fill(struct bt_crossing *x)
{
	const char *why;

	*x =
	    (struct bt_crossing){ .exe = text_of("/usr/sbin/with space\nbaton"),
		    .conf_file = text_of("etc/baton.conf"),
		    .board_fd = 7,
		    .shared_fd = 6,
		    .generation = 12,
		    .workers = 3,
		    .resize_by = -2,
		    .last_id = 1ull << 40,
		    .last_listener = 65535,
		    .control = text_of("/run/baton.sock"),
		    .control_fd = 8,
		    .control_ino = 1ull << 50 };
	bt_buf_puts(&x->conf, "workers 2;\nslot 1 2 3\nserver { }\n");
	x->clients = calloc(1, sizeof(*x->clients));
	x->clients[x->clients_n++] =
	    (struct bt_crossing_client){ .fd = 9, .waits_for = 2 };
	x->listeners = calloc(2, sizeof(*x->listeners));
	x->listeners[0] = (struct bt_crossing_listener){ .id = 1, .fd = 10 };
	ck_assert_int_eq(
	    bt_addr_parse(BT_STR("[::1]:80"), &x->listeners[0].addr, &why), 0);
	x->listeners[1] = (struct bt_crossing_listener){
		.id = 2, .fd = 11, .unlink = true, .dev = 1ull << 60, .ino = 5
	};
	ck_assert_int_eq(bt_addr_parse(BT_STR("unix:/run/a b.sock"),
			     &x->listeners[1].addr, &why),
	    0);
	x->listeners_n = 2;
	x->slots = calloc(1, sizeof(*x->slots));
	x->slots[x->slots_n++] = (struct bt_crossing_slot){ .index = 4,
		.state = 2,
		.pid = 123,
		.guard = 124,
		.generation = 12,
		.near = 12,
		.far = 13,
		.farewell = 3,
		.owes_logs = true };
	x->held = calloc(2, sizeof(*x->held));
	x->held[0] = (struct bt_handover){ .fd = 14,
		.with_fd = 16,
		.amid.file.offset = 1ull << 40,
		.amid.file.rest = 77,
		.baton = { .accepted_us = -5,
		    .flags = BT_BATON_FILE | BT_BATON_LAST,
		    .id = 77,
		    .requests = 3,
		    .bytes = 6,
		    .listen = 2,
		    .family = 10,
		    .port = 65535,
		    .host = { 255, 0, 1, [15] = 9 } } };
	x->held[0].bytes = bt_mem_strndup("a\n\0b c", 6);
	x->held[1] = (struct bt_handover){ .fd = 15 };
	x->held_n = 2;
}

static int
read_text(const char *bytes, size_t n, struct bt_crossing *x)
{
	struct bt_buf errors = { 0 };
	int fd = memfd_create("test", MFD_CLOEXEC), r;

	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	r = bt_crossing_read(fd, x, &errors);
	if (r == -EPROTO && n > 0)
		ck_assert_uint_gt(errors.len, 0);
	bt_buf_fini(&errors);
	close(fd);
	return r;
}

START_TEST(round_trip)
{
	struct bt_crossing x, y;
	struct bt_buf errors = { 0 };
	int fd;

	fill(&x);
	fd = bt_crossing_write(&x);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bt_crossing_fail(fd, BT_STR("no\nway\n")), 0);
	ck_assert_int_eq(bt_crossing_read(fd, &y, &errors), 0);
	close(fd);
	ck_assert_str_eq(y.exe, x.exe);
	ck_assert_str_eq(y.conf_file, x.conf_file);
	ck_assert_ptr_null(y.pid_file);
	ck_assert_int_eq(y.board_fd, 7);
	ck_assert_int_eq(y.shared_fd, 6);
	ck_assert_uint_eq(y.generation, 12);
	ck_assert_uint_eq(y.workers, 3);
	ck_assert_int_eq(y.resize_by, -2);
	ck_assert_uint_eq(y.last_id, x.last_id);
	ck_assert_uint_eq(y.last_listener, 65535);
	ck_assert_str_eq(y.conf.data, x.conf.data);
	ck_assert_str_eq(y.control, x.control);
	ck_assert_int_eq(y.control_fd, 8);
	ck_assert_uint_eq(y.control_ino, x.control_ino);
	ck_assert_uint_eq(y.clients_n, 1);
	ck_assert_mem_eq(y.clients, x.clients, sizeof(*x.clients));
	ck_assert_uint_eq(y.listeners_n, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert(
		    bt_addr_equal(&y.listeners[i].addr, &x.listeners[i].addr));
		ck_assert_int_eq(y.listeners[i].fd, x.listeners[i].fd);
		ck_assert_uint_eq(y.listeners[i].id, x.listeners[i].id);
		ck_assert_uint_eq(y.listeners[i].dev, x.listeners[i].dev);
		ck_assert_uint_eq(y.listeners[i].ino, x.listeners[i].ino);
		ck_assert(y.listeners[i].unlink == x.listeners[i].unlink);
	}
	ck_assert_uint_eq(y.slots_n, 1);
	ck_assert_uint_eq(y.slots[0].index, 4);
	ck_assert_uint_eq(y.slots[0].state, 2);
	ck_assert_int_eq(y.slots[0].pid, 123);
	ck_assert_int_eq(y.slots[0].guard, 124);
	ck_assert_int_eq(y.slots[0].near, 12);
	ck_assert_int_eq(y.slots[0].far, 13);
	ck_assert(!y.slots[0].owes_farewell && y.slots[0].owes_logs);
	ck_assert_uint_eq(y.held_n, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(y.held[i].fd, x.held[i].fd);
		ck_assert_mem_eq(&y.held[i].baton, &x.held[i].baton,
		    sizeof(struct bt_baton));
		ck_assert_uint_eq(
		    y.held[i].amid.file.offset, x.held[i].amid.file.offset);
		ck_assert_uint_eq(
		    y.held[i].amid.file.rest, x.held[i].amid.file.rest);
	}
	ck_assert_mem_eq(y.held[0].bytes, "a\n\0b c", 6);
	ck_assert_ptr_null(y.held[1].bytes);
	ck_assert_int_eq(y.held[0].with_fd, 16);
	ck_assert_str_eq(y.failed, "no\nway\n");
	bt_crossing_fini(&x);
	bt_crossing_fini(&y);
}
END_TEST

/* Cut anywhere it is read up to there, or refused; nothing else. */
START_TEST(cut_anywhere)
{
	struct bt_crossing x, y;
	char bytes[4096];
	ssize_t n;
	int fd;

	fill(&x);
	fd = bt_crossing_write(&x);
	bt_crossing_fini(&x);
	n = pread(fd, bytes, sizeof(bytes), 0);
	close(fd);
	ck_assert(n > 0 && n < (ssize_t)sizeof(bytes));
	for (size_t i = 0; i < (size_t)n; i++) {
		int r = read_text(bytes, i, &y);

		ck_assert(r == 0 || r == -EPROTO);
		if (r == 0)
			bt_crossing_fini(&y);
	}
}
END_TEST

static const char *const refused[] = {
	"",
	"baton-crossing\n",
	"baton-crossing 2\n",
	"something else\n",
	"baton-crossing 1\nunknown 1\n",
	"baton-crossing 1\nchannel 1\n", /* another layout of messages */
	"baton-crossing 1\nmaster 1 2\n",
	"baton-crossing 1\nslot 1 2 3\n",
	"baton-crossing 1\nconf 1000\nshort\n",
	"baton-crossing 1\nexe 99999999999999999999\nx\n",
	"baton-crossing 1\nlistener 1 2 0 0 0 nowhere\n",
	"baton-crossing 1\nheld 1 2 3 4 5 6 7 8 9 10 11 zz 0\n\n",
	("baton-crossing 1\nheld 1 2 3 4 5 6 7 8 9 10 11 "
	 "00000000000000000000000000000000 99999999\n\n"),
};

START_TEST(refuses)
{
	struct bt_crossing x;

	ck_assert_int_eq(
	    read_text(refused[_i], strlen(refused[_i]), &x), -EPROTO);
}
END_TEST

static void
note_fd(void *arg, int fd)
{
	*(uint64_t *)arg |= 1ull << fd;
}

START_TEST(names_its_descriptors)
{
	struct bt_crossing x;
	uint64_t seen = 0;

	fill(&x);
	bt_crossing_each_fd(&x, note_fd, &seen);
	ck_assert_uint_eq(seen, 0x1ffc0); /* 6 to 16 */
	bt_crossing_fini(&x);
}
END_TEST

BT_UNIT_SUITE(crossing)
{
	TCase *tc = bt_unit_case(s, "crossing");

	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_loop_test(
	    tc, refuses, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, names_its_descriptors);
}
