/*
 * Idle connections over a restart: the test is the service manager, which
 * stores descriptors for whoever is started next.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"

enum { STORE_MAX = 7, BIG = 4 * 1024 * 1024 };

static struct {
	int fds[STORE_MAX];
	size_t n;
	char names[256]; /* as in LISTEN_FDNAMES, with one for the listener */
	bool barrier;    /* it waited for us */
} store;

static struct origin origin;

static const char *
conf_of(const char *text)
{
	return scratch_printf(
	    "server { listen unix:@DIR@/site.sock; "
	    "route = / { return 200 \"%s\"; } route /echo { echo; } "
	    "route /files { root @DIR@/site; } "
	    "route /app/ { proxy http://127.0.0.1:%u/ "
	    "{ try_duration 60s; } } }\n",
	    text, origin.port ? origin.port : 1);
}

static struct client *
enter(void)
{
	return client_unix(scratch_path("site.sock"));
}

/* Takes one message of the daemon's. */
static void
take_message(int fd)
{
	char text[512], name[64] = "";
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control;
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	const char *at;
	int got[64];
	size_t got_n = 0;

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	if (cmsg != NULL) {
		got_n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(got, CMSG_DATA(cmsg), got_n * sizeof(int));
	}
	if ((at = strstr(text, "FDNAME=")) != NULL)
		sscanf(at, "FDNAME=%63s", name);
	if (strstr(text, "FDSTORE=1") != NULL) {
		for (size_t i = 0; i < got_n; i++) {
			ck_assert_uint_lt(store.n, STORE_MAX);
			store.fds[store.n++] = got[i];
			strcat(strcat(store.names, ":"), name);
		}
		return;
	}
	store.barrier |= strstr(text, "BARRIER=1") != NULL;
	for (size_t i = 0; i < got_n; i++)
		close(got[i]);
}

/*
 * How many of them are anything: who has closed just before, as we do where the
 * metrics are asked for, may not have been noticed.
 */
static size_t
stored(void)
{
	size_t n = 0;

	for (size_t i = 0; i < store.n; i++) {
		struct pollfd p = { .fd = store.fds[i] };

		n += poll(&p, 1, 0) == 0;
	}
	return n;
}

static void
begin_stop(struct daemon *d)
{
	if (d->admin != NULL)
		client_close(d->admin);
	d->admin = NULL;
	strcpy(store.names, "listener");
	store.n = 0;
	store.barrier = false;
	kill(d->pid, SIGTERM);
}

/* Stores what it wants to be stored. */
static void
await_end(struct daemon *d)
{
	while (!store.barrier) {
		ck_assert(wait_for(d->notify_fd, POLLIN, wait_deadline()));
		take_message(d->notify_fd);
	}
	daemon_ended(d, 0);
}

static void
stop(struct daemon *d)
{
	begin_stop(d);
	await_end(d);
}

static struct daemon *
start(const char *text)
{
	struct daemon *d;

	setenv("LISTEN_FDNAMES", store.names, 1);
	d = daemon_start_with(conf_of(text), store.fds, store.n);
	for (size_t i = 0; i < store.n; i++)
		close(store.fds[i]);
	store.n = 0;
	return d;
}

static void
wants(struct client *c, const char *text)
{
	reply_wants_text(client_expect(c, GET, 200), text);
}

START_TEST(idle_connections_outlive_a_restart)
{
	struct client *idle[2], *fresh, *half, *busy;
	struct daemon *d;

	setenv("FDSTORE", "64", 1);
	strcpy(store.names, "listener");
	d = start("one");
	for (int i = 0; i < 2; i++)
		wants(idle[i] = enter(), "one");
	fresh = enter();
	half = enter();
	client_puts(half, "GET / HTTP/1.1\r\nHo");
	busy = enter();
	client_puts(busy,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "10\r\n\r\n01234");
	client_peek(busy, 15);
	/* the others were read by now, in a worker or the other */
	for (int i = 0; i < 4; i++)
		daemon_metrics(d);
	begin_stop(d);
	/* what is in flight is finished, and its connection parked like others
	 */
	client_puts(busy, "56789");
	reply_wants_text(client_read(busy, "POST"), "0123456789");
	await_end(d);
	ck_assert_uint_eq(stored(), 6); /* five connections and the list */
	/* sent while nobody is there */
	client_puts(idle[0], GET);
	client_puts(half, "st: t\r\n\r\n");
	d = start("two");
	reply_wants_text(client_read(idle[0], "GET"), "two");
	reply_wants_text(client_read(half, "GET"), "two");
	wants(idle[1], "two");
	wants(fresh, "two");
	wants(busy, "two");
	/* and the service manager shall let go of them */
	ck_assert_ptr_nonnull(
	    strstr(d->notified, "FDSTOREREMOVE=1\nFDNAME=baton-connection\n"));
	ck_assert_ptr_nonnull(
	    strstr(d->notified, "FDSTOREREMOVE=1\nFDNAME=baton-list\n"));
	unsetenv("FDSTORE");
	daemon_stop(d);
}
END_TEST

/* The client left while nobody was there. */
START_TEST(clients_that_left_meanwhile)
{
	struct client *gone, *left;
	struct daemon *d;

	setenv("FDSTORE", "64", 1);
	strcpy(store.names, "listener");
	d = start("one");
	wants(gone = enter(), "one");
	wants(left = enter(), "one");
	stop(d);
	ck_assert_uint_eq(store.n, 3);
	client_close(gone);
	d = start("two");
	wants(left, "two");
	unsetenv("FDSTORE");
	daemon_stop(d);
}
END_TEST

/* More than the store takes: the rest is closed, as without a store. */
START_TEST(more_than_the_store_takes)
{
	struct client *c[6];
	struct daemon *d;
	int kept = 0;

	setenv("FDSTORE", "4", 1);
	strcpy(store.names, "listener");
	d = start("one");
	for (int i = 0; i < 6; i++)
		wants(c[i] = enter(), "one");
	stop(d);
	ck_assert_uint_eq(store.n, 4);
	d = start("two");
	for (int i = 0; i < 6; i++) {
		struct reply *r = NULL;

		if (client_send(c[i], GET, sizeof(GET) - 1))
			r = client_try_read(c[i], "GET");
		kept += r != NULL;
	}
	ck_assert_int_eq(kept, 3);
	unsetenv("FDSTORE");
	daemon_stop(d);
}
END_TEST

static bool
is_held(void *arg)
{
	return metrics_sum(daemon_metrics(arg), "baton_worker_proxy_held") == 1;
}

/* With both ends, and bytes that came meanwhile. */
START_TEST(tunnels_outlive_a_restart)
{
	struct client *c, *o;
	struct daemon *d;

	setenv("FDSTORE", "64", 1);
	strcpy(store.names, "listener");
	origin_start(&origin);
	d = start("one");
	c = enter();
	client_puts(c,
	    "GET /app/ HTTP/1.1\r\nHost: t\r\n"
	    "Connection: upgrade\r\nUpgrade: any\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(
	    o, "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n");
	origin_read(c);
	stop(d);
	ck_assert_uint_eq(stored(), 3); /* two ends and the list */
	client_puts(c, "up");
	d = start("two");
	ck_assert_int_eq(memcmp(client_peek(o, 2), "up", 2), 0);
	client_puts(o, "down");
	ck_assert_int_eq(memcmp(client_peek(c, 4), "down", 4), 0);
	client_close(o);
	unsetenv("FDSTORE");
	daemon_stop(d);
}
END_TEST

/* A request that a proxy holds waits on after the restart. */
START_TEST(held_requests_outlive_a_restart)
{
	struct client *c, *o;
	struct daemon *d;

	setenv("FDSTORE", "64", 1);
	strcpy(store.names, "listener");
	origin_reserve(&origin);
	d = start("one");
	c = enter();
	client_puts(c,
	    "POST /app/ HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 4\r\n\r\nba");
	wait_until(is_held, d, "a request that is held");
	stop(d);
	ck_assert_uint_eq(stored(), 2);
	client_puts(c, "se");
	d = start("two");
	wait_until(is_held, d, "a request that is held again");
	origin_listen(&origin);
	o = origin_accept(&origin);
	origin_read(o);
	ck_assert_int_eq(memcmp(client_peek(o, 4), "base", 4), 0);
	client_puts(o, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	reply_wants_text(client_read(c, "POST"), "ok");
	unsetenv("FDSTORE");
	daemon_stop(d);
}
END_TEST

static bool
is_draining(void *arg)
{
	return strstr(daemon_stderr(arg), "draining, was") != NULL;
}

/* An answer is handed back for a reload, and there is no worker any more. */
START_TEST(a_file_that_moves_when_it_stops)
{
	char *noise = scratch_alloc(BIG);
	pid_t workers[PROC_CHILDREN_MAX];
	struct daemon *d;
	struct client *c;
	struct reply *r;
	size_t n;

	setenv("FDSTORE", "64", 1);
	strcpy(store.names, "listener");
	scratch_noise(noise, BIG, 3);
	scratch_file("site/files/big", noise, BIG);
	d = start("one");
	c = enter();
	client_puts(c, "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 1000);
	n = daemon_workers(d, workers);
	for (size_t i = 0; i < n; i++)
		kill(workers[i], SIGSTOP);
	daemon_reload(d);
	begin_stop(d);
	wait_until(is_draining, d, "a master that drains");
	for (size_t i = 0; i < n; i++)
		kill(workers[i], SIGCONT);
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->content_n, BIG);
	ck_assert_int_eq(memcmp(r->content, noise, BIG), 0);
	await_end(d);
	ck_assert_uint_eq(stored(), 2);
	d = start("two");
	wants(c, "two");
	unsetenv("FDSTORE");
	daemon_stop(d);
}
END_TEST

/* What is not ours, or makes no sense, is closed. */
START_TEST(nonsense_in_the_store)
{
	struct daemon *d;
	int fd;

	setenv("FDSTORE", "64", 1);
	strcpy(store.names,
	    "listener:baton-list:baton-connection:baton-connection");
	fd = open(scratch_text("list", "baton-parked 2\n1 2 3\n"),
	    O_RDONLY | O_CLOEXEC);
	store.fds[store.n++] = fd;
	store.fds[store.n++] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	store.fds[store.n++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	d = start("one");
	wants(enter(), "one");
	unsetenv("FDSTORE");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(park)
{
	TCase *t = bt_system_case(s, "restart");

	tcase_add_test(t, idle_connections_outlive_a_restart);
	tcase_add_test(t, clients_that_left_meanwhile);
	tcase_add_test(t, more_than_the_store_takes);
	tcase_add_test(t, a_file_that_moves_when_it_stops);
	tcase_add_test(t, tunnels_outlive_a_restart);
	tcase_add_test(t, held_requests_outlive_a_restart);
	tcase_add_test(t, nonsense_in_the_store);
}
