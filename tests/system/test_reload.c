/*
 * Reload: a new conf is in force when the asker hears so, and nobody's
 * connection is closed by it.
 */

#include "tests/system/site.h"
#include "tests/system/system.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 40 };

/* --- connections in every phase --- */

START_TEST(idle_connections_are_kept)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *used[MANY], *fresh[MANY];

	for (int i = 0; i < MANY; i++) {
		used[i] = daemon_connect(d);
		site_wants(used[i], "one");
		fresh[i] = daemon_connect(d);
	}
	daemon_reload_with(d, site_conf("", "two"));
	for (int i = 0; i < MANY; i++) {
		site_wants(used[i], "two");
		site_wants(fresh[i], "two");
	}
	for (int round = 0; round < 5; round++)
		daemon_reload(d);
	for (int i = 0; i < MANY; i++)
		site_wants(used[i], "two");
	ck_assert(metrics_ledger(daemon_metrics(d)).returned >= 2 * MANY);
	daemon_stop(d);
}
END_TEST

/* The head so far travels with the connection, of any length. */
START_TEST(amid_a_head)
{
	static const size_t sizes[] = { 1, 30, 3000, 14000 };
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c[BT_ROWS(sizes)];

	for (int i = 0; i < BT_ROWS(sizes); i++) {
		char *head = scratch_alloc(sizes[i] + 64);

		c[i] = daemon_connect(d);
		if (i % 2)
			site_wants(c[i], "one");
		strcpy(head, "GET / HTTP/1.1\r\nHost: t\r\nX: ");
		for (size_t n = strlen(head); n < sizes[i]; n++)
			head[n] = 'x';
		ck_assert(client_send(c[i], head, sizes[i]));
	}
	daemon_reload_with(d, site_conf("", "two"));
	client_puts(c[0], "ET / HTTP/1.1\r\nHost: t\r\n\r\n");
	for (int i = 1; i < BT_ROWS(sizes); i++)
		client_puts(c[i], "\r\n\r\n");
	for (int i = 0; i < BT_ROWS(sizes); i++)
		reply_wants_text(client_read(c[i], "GET"), "two");
	daemon_stop(d);
}
END_TEST

/* An answer that is under way is finished; the next one is the new conf's. */
START_TEST(amid_an_answer)
{
	char *big = site_make_big();
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 4096);
	pid_t workers[PROC_CHILDREN_MAX];
	struct reply *r;

	client_puts(c, "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 1000);
	daemon_reload_with(d, site_conf("", "two"));
	/* the file goes along: no old worker lingers for it */
	while (daemon_workers(d, workers) != 2)
		daemon_metrics(d);
	daemon_reload(d);
	while (daemon_workers(d, workers) != 2)
		daemon_metrics(d);
	r = client_read(c, "GET");
	reply_wants_content(r, big, SITE_BIG);
	ck_assert(!r->closes);
	site_wants(c, "two");
	daemon_stop(d);
	/* and is logged once, as what was asked for */
	ck_assert_ptr_nonnull(strstr(scratch_read("access.log", NULL),
	    scratch_printf("\"GET /files/big HTTP/1.1\" 200 %d ", SITE_BIG)));
}
END_TEST

/* What was sent behind the request that is being answered is answered, too. */
START_TEST(pipelined_behind_an_answer)
{
	char *big = site_make_big();
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 4096);

	client_puts(c,
	    GET "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n" GET
		"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"
		"hello" GET);
	client_peek(c, 1000);
	daemon_reload_with(d, site_conf("", "two"));
	reply_wants_text(client_read(c, "GET"), "one");
	reply_wants_content(client_read(c, "GET"), big, SITE_BIG);
	reply_wants_text(client_read(c, "GET"), "two");
	reply_wants_text(client_read(c, "POST"), "hello");
	reply_wants_text(client_read(c, "GET"), "two");
	site_wants(c, "two");
	daemon_stop(d);
}
END_TEST

/* More of them than travel with a connection. */
START_TEST(pipelined_without_end)
{
	enum { REQUESTS = 8000 };
	char *all = scratch_alloc(REQUESTS * sizeof(GET)), *at = all;
	char *big = site_make_big();
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 4096);

	for (int i = 0; i < REQUESTS; i++)
		at = stpcpy(at, GET);
	client_puts(c, "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 1000);
	client_push(c, all, (size_t)(at - all), 100);
	client_close(c);

	c = daemon_connect(d);
	client_puts(c, "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n");
	daemon_reload_with(d, site_conf("", "two"));
	client_puts(c, all);
	reply_wants_content(client_read(c, "GET"), big, SITE_BIG);
	for (int i = 0; i < REQUESTS; i++)
		reply_wants_text(client_read(c, "GET"), "two");
	daemon_stop(d);
}
END_TEST

/* A request that has begun is the old conf's; it is finished there. */
START_TEST(amid_content)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *counted = daemon_connect(d),
		      *chunked = daemon_connect(d);

	client_puts(counted,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "10\r\n\r\n01234");
	client_puts(chunked,
	    "POST /echo HTTP/1.1\r\nHost: t\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n5\r\n01");
	client_peek(counted, 15);
	client_peek(chunked, 15);
	daemon_reload_with(d, site_conf("", "two"));
	client_puts(counted, "56789" GET);
	client_puts(chunked, "234\r\n5\r\n56789\r\n0\r\n\r\n" GET);
	reply_wants_text(client_read(counted, "POST"), "0123456789");
	reply_wants_text(client_read(chunked, "POST"), "0123456789");
	reply_wants_text(client_read(counted, "GET"), "two");
	reply_wants_text(client_read(chunked, "GET"), "two");
	site_wants(counted, "two");
	site_wants(chunked, "two");
	daemon_stop(d);
}
END_TEST

/* Who asked for the end of the connection gets it, once. */
START_TEST(last_answers_stay_last)
{
	char *big = site_make_big();
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c = client_tcp_narrow("127.0.0.1", d->port, 4096);
	struct reply *r;

	client_puts(c,
	    "GET /files/big HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	client_peek(c, 1000);
	daemon_reload(d);
	r = client_read(c, "GET");
	reply_wants_content(r, big, SITE_BIG);
	ck_assert(r->closes);
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

/* Who neither reads nor sends does not keep the old generation for ever. */
START_TEST(cut_at_drain_timeout)
{
	pid_t workers[PROC_CHILDREN_MAX];
	struct daemon *d =
	    daemon_start(site_conf("workers 1; drain_timeout 300ms;", "one"));
	struct client *stuck = daemon_connect(d), *idle = daemon_connect(d);

	site_wants(idle, "one");
	client_puts(stuck,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n"
	    "01234");
	client_peek(stuck, 15);
	ck_assert_uint_eq(daemon_workers(d, workers), 1);
	daemon_reload_with(
	    d, site_conf("workers 1; drain_timeout 300ms;", "two"));
	site_wants(idle, "two");
	while (proc_is_alive(workers[0]))
		site_wants(idle, "two");
	ck_assert_ptr_nonnull(
	    strstr(daemon_stderr(d), "1 connections are cut"));
	ck_assert(metrics_where(daemon_metrics(d), "baton_worker_closed_total",
		      "reason", "drain_timeout") == 1);
	daemon_stop(d);
}
END_TEST

/* --- the verdict --- */

static const struct {
	const char *conf, *says;
} bad_confs[] = {
	{ "workerz 2; server { route / { echo; } }", "workerz" },
	{ "server { route / { echo; }", "baton.conf:" },
	{ "workers 1000000; server { route / { echo; } }", "workers" },
	{ "access_log /nowhere/at/all combined; server { route / { echo; } }",
	    "/nowhere/at/all" },
	{ "error_log /nowhere/else info; server { route / { echo; } }",
	    "/nowhere/else" },
	{ "user nobody-has-this-name; server { route / { echo; } }",
	    "nobody-has-this-name" },
	{ "server { listen 192.0.2.1:9; route / { echo; } }", "192.0.2.1:9" },
};

START_TEST(bad_conf_changes_nothing)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c = daemon_connect(d);
	pid_t before[PROC_CHILDREN_MAX], after[PROC_CHILDREN_MAX];
	size_t n = daemon_workers(d, before);
	const struct metrics *m;
	struct spawn_result r;

	if (strncmp(bad_confs[_i].conf, "user", 4) == 0 && geteuid() != 0) {
		daemon_stop(d);
		return; /* there it has no effect */
	}
	site_wants(c, "one");
	daemon_rewrite(d, bad_confs[_i].conf);
	r = spawn_run_with("-s", "reload", "-c", d->conf);
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.err, bad_confs[_i].says) != NULL ||
		strstr(r.out, bad_confs[_i].says) != NULL,
	    "it says: %s%s", r.out, r.err);
	site_wants(c, "one");
	/* the asker reads the conf, too, and may have seen it first */
	kill(d->pid, SIGHUP);
	do
		m = daemon_metrics(d);
	while (metrics_sum(m, "baton_reloads_failed_total") < 1);
	ck_assert(metrics_sum(m, "baton_reloads_total") == 0);
	ck_assert(metrics_sum(m, "baton_generation") == 1);
	ck_assert_uint_eq(daemon_workers(d, after), n);
	ck_assert_mem_eq(before, after, n * sizeof(before[0]));
	ck_assert_ptr_nonnull(strstr(daemon_stderr(d), bad_confs[_i].says));
	/* and a good one is taken behind it */
	daemon_reload_with(d, site_conf("", "two"));
	site_wants(c, "two");
	daemon_stop(d);
}
END_TEST

START_TEST(conf_file_is_gone)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c = daemon_connect(d);
	const char *aside = scratch_path("aside.conf");

	ck_assert_int_eq(rename(d->conf, aside), 0);
	kill(d->pid, SIGHUP);
	while (metrics_sum(daemon_metrics(d), "baton_reloads_failed_total") < 1)
		site_wants(c, "one");
	ck_assert_ptr_nonnull(strstr(daemon_stderr(d), "baton.conf"));
	ck_assert_int_eq(rename(aside, d->conf), 0);
	daemon_reload(d);
	site_wants(c, "one");
	daemon_stop(d);
}
END_TEST

START_TEST(without_a_conf_file)
{
	struct daemon *d;
	struct client *c;

	scratch_text("site/index.html", "here");
	d = daemon_start_args((const char *const[]){
	    "-l", "127.0.0.1:@PORT@", "-r", "@DIR@/site", NULL });
	c = daemon_connect(d);
	client_expect(c, GET, 200);
	kill(d->pid, SIGHUP);
	while (strstr(daemon_stderr(d), "no conf file") == NULL)
		client_expect(c, GET, 200);
	client_close(c);
	kill(d->pid, SIGTERM);
	daemon_ended(d, 0);
}
END_TEST

/* systemd's Type=notify-reload */
START_TEST(told_to_systemd)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	char seen[4096] = "", message[512];
	const char *reloading;

	kill(d->pid, SIGHUP);
	while (strstr(seen, "RELOADING=1") == NULL ||
	    strstr(strstr(seen, "RELOADING=1"), "READY=1") == NULL) {
		ssize_t n;

		ck_assert(wait_for(d->notify_fd, POLLIN, wait_deadline()));
		n = recv(d->notify_fd, message, sizeof(message) - 1, 0);
		message[n > 0 ? n : 0] = '\0';
		ck_assert_uint_lt(
		    strlen(seen) + strlen(message), sizeof(seen) - 2);
		strcat(strcat(seen, message), "\n");
	}
	reloading = strstr(seen, "RELOADING=1");
	ck_assert_ptr_nonnull(strstr(reloading, "MONOTONIC_USEC="));
	ck_assert_ptr_nonnull(strstr(reloading, "generation 2"));
	daemon_stop(d);
}
END_TEST

/* Those that come while one is under way become one. */
START_TEST(asked_by_many_at_once)
{
	enum { ASKERS = 8 };
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *c = daemon_connect(d);
	const char *args[] = { "-s", "reload", "-c", d->conf, NULL };
	pid_t asker[ASKERS];
	double reloads;

	site_wants(c, "one");
	daemon_rewrite(d, site_conf("", "two"));
	for (int i = 0; i < ASKERS; i++) {
		struct spawn s = { .args = args,
			.out = scratch_printf("ask%d.out", i),
			.err = scratch_printf("ask%d.err", i) };

		asker[i] = spawn_start(&s);
	}
	for (int i = 0; i < ASKERS; i++)
		ck_assert_int_eq(wait_exit(asker[i], "an asker"), 0);
	site_wants(c, "two");
	reloads = metrics_sum(daemon_metrics(d), "baton_reloads_total");
	ck_assert_msg(reloads >= 1 && reloads <= ASKERS, "%g", reloads);
	daemon_stop(d);
}
END_TEST

/* A stop wins, and whoever waits for the verdict hears it. */
START_TEST(stopped_meanwhile)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	const char *args[] = { "-s", "reload", "-c", d->conf, NULL };
	struct spawn s = { .args = args, .out = "ask.out", .err = "ask.err" };
	pid_t asker = spawn_start(&s);

	kill(d->pid, SIGTERM);
	wait_exit(asker, "the asker");
	daemon_ended(d, 0);
}
END_TEST

/* --- what may change --- */

START_TEST(number_of_workers)
{
	static const int numbers[] = { 1, 4, 2, 8, 3 };
	struct daemon *d = daemon_start(site_conf("workers 2;", "0"));
	pid_t workers[PROC_CHILDREN_MAX];
	struct client *c[MANY];

	for (int i = 0; i < MANY; i++)
		site_wants(c[i] = daemon_connect(d), "0");
	for (int i = 0; i < BT_ROWS(numbers); i++) {
		const char *text = scratch_printf("%d", i + 1);

		daemon_reload_with(d,
		    site_conf(scratch_printf("workers %d;", numbers[i]), text));
		for (int k = 0; k < MANY; k++)
			site_wants(c[k], text);
		/* an old one may still be on its way out */
		while (daemon_workers(d, workers) != (size_t)numbers[i])
			site_wants(c[0], text);
	}
	daemon_stop(d);
}
END_TEST

/* New workers that cannot take all: the rest is held, and nobody is lost. */
START_TEST(less_room_than_before)
{
	struct daemon *d =
	    daemon_start(site_conf("worker_connections 16;", "1"));
	struct client *c[8];
	struct metrics_ledger l;

	for (int i = 0; i < 8; i++)
		site_wants(c[i] = daemon_connect(d), "1");
	daemon_reload_with(
	    d, site_conf("workers 1; worker_connections 4;", "2"));
	/* whoever is served makes room for the next, as they leave */
	for (int i = 0; i < 8; i++)
		client_puts(c[i], GET);
	for (int served = 0; served < 8;) {
		for (int i = 0; i < 8; i++) {
			if (c[i] == NULL ||
			    !wait_is_now(client_fd(c[i]), POLLIN))
				continue;
			reply_wants_text(client_read(c[i], "GET"), "2");
			client_close(c[i]);
			c[i] = NULL;
			served++;
		}
	}
	l = metrics_ledger(daemon_metrics(d));
	ck_assert(l.refused == 0 && l.lost == 0);
	daemon_stop(d);
}
END_TEST

static bool
is_refused(unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int r = connect(fd, (void *)&in, sizeof(in)) == -1 ? errno : 0;

	close(fd);
	return r == ECONNREFUSED;
}

START_TEST(listeners_come_and_go)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	struct client *kept = daemon_connect(d), *other, *after;
	unsigned port;
	const char *both;
	int fd = daemon_listener("127.0.0.1", &port);

	close(fd); /* its port is free, and ours for a while */
	site_wants(kept, "one");
	both = scratch_printf(
	    "server { route = / { return 200 \"two\"; } }\n"
	    "server { listen 127.0.0.1:%u; listen unix:@DIR@/new.sock; "
	    "route = / { return 200 \"other\"; } }",
	    port);
	daemon_reload_with(d, both);
	other = client_tcp("127.0.0.1", port);
	site_wants(other, "other");
	site_wants(client_unix(scratch_path("new.sock")), "other");
	site_wants(kept, "two");
	daemon_reload_with(d, site_conf("", "three"));
	site_wants(kept, "three");
	site_wants(daemon_connect(d), "three");
	ck_assert_msg(is_refused(port), "port %u is open still", port);
	ck_assert(!scratch_exists("new.sock"));
	/* no server is left for what came in there */
	client_expect(other, GET, 421);
	client_expect_eof(other);
	daemon_reload_with(d, both);
	after = client_tcp("127.0.0.1", port);
	site_wants(after, "other");
	daemon_stop(d);
}
END_TEST

START_TEST(logs_change)
{
	struct daemon *d = daemon_start(
	    site_conf("access_log @DIR@/first.log combined;", "one"));
	struct client *c = daemon_connect(d);

	site_wants(c, "one");
	daemon_reload_with(d,
	    site_conf("access_log @DIR@/second.log combined; "
		      "error_log @DIR@/error.log info;",
		"two"));
	client_get(c, "/second", "");
	daemon_reload_with(d, site_conf("access_log off;", "three"));
	client_get(c, "/third", "");
	daemon_stop(d);
	ck_assert_ptr_nonnull(
	    strstr(scratch_read("first.log", NULL), "GET / HTTP"));
	ck_assert_ptr_nonnull(
	    strstr(scratch_read("second.log", NULL), "GET /second HTTP"));
	ck_assert_ptr_null(strstr(scratch_read("second.log", NULL), "/third"));
	ck_assert_ptr_nonnull(
	    strstr(scratch_read("error.log", NULL), "worker"));
}
END_TEST

/* What only a restart can change is said, and the rest is taken. */
START_TEST(what_needs_a_restart)
{
	struct daemon *d = daemon_start(site_conf("", "one"));
	const char *conf = d->conf;
	struct client *c = daemon_connect(d);

	daemon_rewrite(d, site_conf("pid_file @DIR@/other.pid;", "two"));
	d->conf = conf;
	daemon_reload(d);
	site_wants(c, "two");
	ck_assert_ptr_nonnull(strstr(daemon_stderr(d), "pid_file changes at"));
	ck_assert(!scratch_exists("other.pid"));
	ck_assert(scratch_exists("baton.pid"));
	daemon_stop(d);
}
END_TEST

/* --- under load --- */

/* A process that reloads `n` times and exits with 0 when all were taken. */
static pid_t
reload_beside(struct daemon *d, int n)
{
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	for (int i = 0; i < n; i++)
		if (spawn_run_with("-s", "reload", "-c", d->conf).status != 0)
			_exit(1);
	_exit(0);
}

START_TEST(under_load)
{
	struct daemon *d = daemon_start(site_conf("", "x"));
	struct client *c[MANY];
	int n = wait_is_sanitized() ? 8 : 25, status = -1;
	pid_t reloader;
	unsigned long requests = 0;

	for (int i = 0; i < MANY; i++)
		c[i] = daemon_connect(d);
	reloader = reload_beside(d, n);
	while (waitpid(reloader, &status, WNOHANG) == 0)
		requests += site_load(d, c, MANY, "x");
	ck_assert_int_eq(status, 0);
	ck_assert_uint_gt(requests, 0);
	ck_assert(metrics_sum(daemon_metrics(d), "baton_reloads_total") == n);
	daemon_stop(d);
}
END_TEST

/* The hundredth generation costs what the first did. */
START_TEST(leaves_nothing_behind)
{
	struct daemon *d = daemon_start(site_conf("", "x"));
	pid_t workers[PROC_CHILDREN_MAX];
	struct client *c[MANY];
	int descriptors, n = wait_is_sanitized() ? 10 : 50;
	long kb;

	for (int i = 0; i < MANY; i++)
		site_wants(c[i] = daemon_connect(d), "x");
	for (int i = 0; i < 5; i++)
		daemon_reload(d);
	while (daemon_workers(d, workers) != 2)
		site_wants(c[0], "x");
	descriptors = proc_descriptors(d->pid);
	kb = proc_memory_kb(d->pid);
	for (int i = 0; i < n; i++) {
		daemon_reload(d);
		site_wants(c[i % MANY], "x");
	}
	while (daemon_workers(d, workers) != 2)
		site_wants(c[0], "x");
	/* channels of slots stay, two for each that was in use at a time */
	ck_assert_int_le(proc_descriptors(d->pid), descriptors + 8);
	if (!wait_is_sanitized())
		ck_assert_msg(proc_memory_kb(d->pid) <= kb + 512,
		    "%ld KiB, then %ld", kb, proc_memory_kb(d->pid));
	for (int i = 0; i < MANY; i++)
		site_wants(c[i], "x");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(reload)
{
	TCase *t = bt_system_case(s, "phases");

	tcase_add_test(t, idle_connections_are_kept);
	tcase_add_test(t, amid_a_head);
	tcase_add_test(t, amid_an_answer);
	tcase_add_test(t, pipelined_behind_an_answer);
	tcase_add_test(t, pipelined_without_end);
	tcase_add_test(t, amid_content);
	tcase_add_test(t, last_answers_stay_last);
	tcase_add_test(t, cut_at_drain_timeout);

	t = bt_system_case(s, "verdict");
	tcase_add_loop_test(t, bad_conf_changes_nothing, 0, BT_ROWS(bad_confs));
	tcase_add_test(t, conf_file_is_gone);
	tcase_add_test(t, without_a_conf_file);
	tcase_add_test(t, told_to_systemd);
	tcase_add_test(t, asked_by_many_at_once);
	tcase_add_test(t, stopped_meanwhile);

	t = bt_system_case(s, "changes");
	tcase_add_test(t, number_of_workers);
	tcase_add_test(t, less_room_than_before);
	tcase_add_test(t, listeners_come_and_go);
	tcase_add_test(t, logs_change);
	tcase_add_test(t, what_needs_a_restart);

	t = bt_system_case(s, "load");
	tcase_add_test(t, under_load);
	tcase_add_test(t, leaves_nothing_behind);
}
