/*
 * The loop waits for no disk: while one does not answer, everybody else is
 * served by the same worker.
 */

#include "tests/system/slow_disk.h"
#include "tests/system/system.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define CONF \
	"workers 1;\n" \
	"server { route / { root @DIR@/site; }\n" \
	"         route /hello { return 200 hello; } }\n"

/* A site with a slow folder in it; NULL: there is nothing to test with. */
static struct slow_disk *
mount_slow(void)
{
	scratch_text("site/quick.txt", "quick\n");
	scratch_text("site/slow/x", "");
	return slow_disk_mount(scratch_path("site/slow"));
}

/* Someone else, on the same worker. */
static void
wants_others_served(struct daemon *d)
{
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 20; i++) {
		reply_wants_text(client_get(c, "/hello", ""), "hello");
		reply_wants_text(client_get(c, "/quick.txt", ""), "quick\n");
	}
	client_close(c);
}

static void
wants_big(struct client *c)
{
	struct reply *r = client_read(c, "GET");

	ck_assert_uint_eq(r->status, 200);
	ck_assert_uint_eq(r->content_n, SLOW_DISK_BIG);
	for (size_t i = 0; i < SLOW_DISK_BIG; i++)
		ck_assert_int_eq(r->content[i], slow_disk_byte(i));
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: t\r\n\r\n"

/* The name is looked up on the disk. */
START_TEST(a_name_that_takes_its_time)
{
	struct slow_disk *disk = mount_slow();
	struct daemon *d;
	struct client *c;

	if (disk == NULL)
		return;
	d = daemon_start(CONF);
	c = daemon_connect(d);
	slow_disk_hold(disk);
	client_puts(c, GET("/slow/tiny.txt") GET("/slow/none") GET("/hello"));
	slow_disk_await(disk);
	wants_others_served(d);
	ck_assert_uint_eq(client_waiting(c), 0);
	slow_disk_release(disk);
	reply_wants_text(client_read(c, "GET"), SLOW_DISK_TINY);
	ck_assert_uint_eq(client_read(c, "GET")->status, 404);
	reply_wants_text(client_read(c, "GET"), "hello");
	daemon_stop(d);
	slow_disk_unmount(disk);
}
END_TEST

/* The name is known, the content is not in memory. */
START_TEST(content_that_takes_its_time)
{
	struct slow_disk *disk = mount_slow();
	struct daemon *d;
	struct client *c, *other;

	if (disk == NULL)
		return;
	d = daemon_start(CONF);
	c = daemon_connect(d);
	other = daemon_connect(d);
	client_expect(c, "HEAD /slow/big.bin HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	slow_disk_hold(disk);
	client_puts(c, GET("/slow/big.bin"));
	client_puts(other, GET("/slow/big.bin"));
	slow_disk_await(disk);
	wants_others_served(d);
	slow_disk_release(disk);
	wants_big(c);
	wants_big(other);
	client_puts(c, GET("/slow/big.bin")); /* from memory now */
	wants_big(c);
	daemon_stop(d);
	slow_disk_unmount(disk);
}
END_TEST

START_TEST(who_leaves_meanwhile)
{
	struct slow_disk *disk = mount_slow();
	struct daemon *d;
	struct client *c[8];

	if (disk == NULL)
		return;
	d = daemon_start("offload_threads 1;\n" CONF);
	slow_disk_hold(disk);
	for (int i = 0; i < 8; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i], GET("/slow/tiny.txt"));
	}
	slow_disk_await(disk);
	for (int i = 0; i < 6; i++)
		client_reset(c[i]);
	wants_others_served(d);
	slow_disk_release(disk);
	reply_wants_text(client_read(c[6], "GET"), SLOW_DISK_TINY);
	reply_wants_text(client_read(c[7], "GET"), SLOW_DISK_TINY);
	daemon_stop(d);
	slow_disk_unmount(disk);
}
END_TEST

/* A disk that never answers is not waited for by anybody for ever. */
START_TEST(a_disk_that_hangs)
{
	struct slow_disk *disk = mount_slow();
	struct daemon *d;
	struct client *c;

	if (disk == NULL)
		return;
	d = daemon_start("worker_timeout 1s;\n" CONF);
	c = daemon_connect(d);
	slow_disk_hold(disk);
	client_puts(c, GET("/slow/tiny.txt"));
	ck_assert_uint_eq(client_read(c, "GET")->status, 503);
	client_expect_eof(c);
	wants_others_served(d);
	slow_disk_release(disk);
	daemon_stop(d);
	slow_disk_unmount(disk);
}
END_TEST

/* Who waits is answered by the worker that leaves, and goes on. */
START_TEST(a_reload_meanwhile)
{
	struct slow_disk *disk = mount_slow();
	struct daemon *d;
	struct client *c, *big;

	if (disk == NULL)
		return;
	d = daemon_start(CONF);
	c = daemon_connect(d);
	big = daemon_connect(d);
	client_expect(
	    big, "HEAD /slow/big.bin HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	slow_disk_hold(disk);
	client_puts(big, GET("/slow/big.bin"));
	client_puts(c, GET("/slow/tiny.txt"));
	slow_disk_await(disk);
	daemon_reload(d);
	wants_others_served(d);
	slow_disk_release(disk);
	reply_wants_text(client_read(c, "GET"), SLOW_DISK_TINY);
	wants_big(big);
	client_puts(c, GET("/hello"));
	reply_wants_text(client_read(c, "GET"), "hello");
	daemon_stop(d);
	slow_disk_unmount(disk);
}
END_TEST

static bool
drains(void *daemon)
{
	return strstr(daemon_stderr(daemon), "drains") != NULL;
}

/* It is in flight: a stop waits for it, within drain_timeout. */
START_TEST(a_stop_meanwhile)
{
	struct slow_disk *disk = mount_slow();
	struct daemon *d;
	struct client *c;
	struct reply *r;

	if (disk == NULL)
		return;
	d = daemon_start(CONF);
	c = daemon_connect(d);
	slow_disk_hold(disk);
	client_puts(c, GET("/slow/tiny.txt"));
	slow_disk_await(disk);
	ck_assert_int_eq(kill(d->pid, SIGTERM), 0);
	wait_until(drains, d, "the worker to drain");
	slow_disk_release(disk);
	r = client_read(c, "GET");
	reply_wants_text(r, SLOW_DISK_TINY);
	ck_assert(r->closes);
	daemon_ended(d, 0);
	slow_disk_unmount(disk);
}
END_TEST

BT_SYSTEM_SUITE(slow_disk)
{
	TCase *tc = bt_system_case(s, "disk");

	tcase_add_test(tc, a_name_that_takes_its_time);
	tcase_add_test(tc, content_that_takes_its_time);
	tcase_add_test(tc, who_leaves_meanwhile);
	tcase_add_test(tc, a_disk_that_hangs);
	tcase_add_test(tc, a_reload_meanwhile);
	tcase_add_test(tc, a_stop_meanwhile);
}
