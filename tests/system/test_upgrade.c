/*
 * Upgrade: the same process becomes the program that is installed now, and
 * nobody's connection ends; a program that is not up to it changes nothing.
 */

#include "tests/system/site.h"
#include "tests/system/system.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 30 };

static const char *real; /* the program as it was built */

/* Puts a file in the place of the program, as a package manager does. */
static void
install(const char *from)
{
	const char *fresh = scratch_path("baton.new");
	size_t n;
	char *bytes;
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;

	ck_assert_msg(fd != -1 && fstat(fd, &st) == 0, "%s", from);
	n = (size_t)st.st_size;
	bytes = malloc(n);
	ck_assert_int_eq(read(fd, bytes, n), (ssize_t)n);
	close(fd);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	free(bytes);
	ck_assert_int_eq(rename(fresh, scratch_path("baton")), 0);
}

/* A program which is a script: $REAL is the one that was built. */
static void
install_script(const char *lines)
{
	install(scratch_text("script",
	    scratch_printf(
		"#!/bin/sh\nREAL=%s DIR=%s\n%s\n", real, scratch(), lines)));
}

static struct daemon *
start(const char *conf)
{
	real = scratch_printf("%s", spawn_program());
	install(real);
	setenv("BATON", scratch_path("baton"), 1);
	return daemon_start(conf);
}

static struct spawn_result
ask(struct daemon *d, const char *verb)
{
	struct spawn_result r;

	/* with the one that was built: that in its place may be anything */
	setenv("BATON", real, 1);
	r = spawn_run_with("-s", verb, "-c", d->conf);
	setenv("BATON", scratch_path("baton"), 1);
	return r;
}

static void
upgrade(struct daemon *d)
{
	struct spawn_result r = ask(d, "upgrade");

	ck_assert_msg(
	    r.status == 0, "upgrade: exit %d, %s%s", r.status, r.out, r.err);
}

static void
upgrade_with(struct daemon *d, const char *conf)
{
	daemon_rewrite(d, conf);
	upgrade(d);
}

/* Whether the process runs the file that is there now. */
static bool
runs_installed(struct daemon *d)
{
	struct stat running, installed;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)d->pid);
	ck_assert_int_eq(stat(path, &running), 0);
	ck_assert_int_eq(stat(scratch_path("baton"), &installed), 0);
	return running.st_ino == installed.st_ino;
}

/* --- forth --- */

START_TEST(keeps_every_connection)
{
	char *big = site_make_big();
	struct client *idle[MANY], *half, *busy, *post, *piped;
	struct daemon *d;
	double accepted;

	d = start(site_conf("", "one"));
	for (int i = 0; i < MANY; i++) {
		idle[i] = daemon_connect(d);
		if (i % 2)
			site_wants(idle[i], "one");
	}
	half = daemon_connect(d);
	client_puts(half, "GET / HTTP/1.1\r\nHo");
	busy = client_tcp_narrow("127.0.0.1", d->port, 4096);
	client_puts(busy, "GET /files/big HTTP/1.1\r\nHost: t\r\n\r\n" GET);
	client_peek(busy, 1000);
	post = daemon_connect(d);
	client_puts(post,
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: "
	    "10\r\n\r\n01234");
	client_peek(post, 15);
	piped = daemon_connect(d);
	accepted = metrics_ledger(daemon_metrics(d)).accepted;
	install(real);
	ck_assert(!runs_installed(d));
	upgrade_with(d, site_conf("", "two"));
	ck_assert(runs_installed(d));
	client_puts(half, "st: t\r\n\r\n");
	reply_wants_text(client_read(half, "GET"), "two");
	client_puts(post, "56789" GET);
	reply_wants_text(client_read(post, "POST"), "0123456789");
	reply_wants_text(client_read(post, "GET"), "two");
	reply_wants_content(client_read(busy, "GET"), big, SITE_BIG);
	reply_wants_text(client_read(busy, "GET"), "two");
	client_puts(piped, GET GET GET);
	for (int i = 0; i < 3; i++)
		reply_wants_text(client_read(piped, "GET"), "two");
	for (int i = 0; i < MANY; i++)
		site_wants(idle[i], "two");
	site_wants(daemon_connect(d), "two");
	/* the books go on */
	ck_assert(metrics_ledger(daemon_metrics(d)).accepted >= accepted);
	ck_assert(metrics_sum(daemon_metrics(d), "baton_generation") == 2);
	daemon_stop(d);
}
END_TEST

/* What waits in the master crosses, too. */
START_TEST(held_connections_cross)
{
	struct daemon *d =
	    start(site_conf("workers 1; worker_connections 2;", "x"));
	struct client *first = daemon_connect(d), *second = daemon_connect(d),
		      *held[5];

	site_wants(first, "x");
	site_wants(second, "x");
	for (int i = 0; i < 5; i++)
		client_puts(held[i] = daemon_connect(d), GET);
	install(real);
	upgrade(d);
	site_wants(first, "x");
	site_wants(second, "x");
	client_close(first);
	client_close(second);
	for (int i = 0; i < 5; i++) {
		reply_wants_text(client_read(held[i], "GET"), "x");
		client_close(held[i]);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(again_and_again)
{
	struct daemon *d = start(site_conf("", "0"));
	pid_t workers[PROC_CHILDREN_MAX];
	struct client *c[MANY];
	int descriptors = 0;

	for (int i = 0; i < MANY; i++)
		site_wants(c[i] = daemon_connect(d), "0");
	for (int n = 1; n <= 6; n++) {
		const char *text = scratch_printf("%d", n);

		install(real);
		if (n % 3 == 0)
			daemon_reload_with(d, site_conf("", text));
		else
			upgrade_with(d, site_conf("", text));
		for (int i = 0; i < MANY; i++)
			site_wants(c[i], text);
		while (daemon_workers(d, workers) != 2)
			site_wants(c[0], text);
		if (n == 2)
			descriptors = proc_descriptors(d->pid);
	}
	/* channels of slots stay, two for each that was in use at a time */
	ck_assert_int_le(proc_descriptors(d->pid), descriptors + 8);
	daemon_stop(d);
}
END_TEST

START_TEST(by_signal_without_a_conf_file)
{
	struct daemon *d;
	struct client *c;

	real = scratch_printf("%s", spawn_program());
	install(real);
	setenv("BATON", scratch_path("baton"), 1);
	scratch_text("site/index.html", "here");
	d = daemon_start_args((const char *const[]){
	    "-l", "127.0.0.1:@PORT@", "-r", "@DIR@/site", NULL });
	c = daemon_connect(d);
	client_expect(c, GET, 200);
	install(real);
	kill(d->pid, SIGUSR2);
	while (strstr(daemon_stderr(d), "upgraded to") == NULL)
		reply_wants_text(client_expect(c, GET, 200), "here");
	ck_assert(runs_installed(d));
	client_close(c);
	kill(d->pid, SIGTERM);
	daemon_ended(d, 0);
}
END_TEST

START_TEST(told_to_systemd)
{
	struct daemon *d = start(site_conf("", "one"));
	char seen[8192] = "", message[512];
	const char *at;

	kill(d->pid, SIGUSR2);
	while ((at = strstr(seen, "RELOADING=1")) == NULL ||
	    (at = strstr(at, "READY=1")) == NULL) {
		ssize_t n;

		ck_assert(wait_for(d->notify_fd, POLLIN, wait_deadline()));
		n = recv(d->notify_fd, message, sizeof(message) - 1, 0);
		message[n > 0 ? n : 0] = '\0';
		ck_assert_uint_lt(
		    strlen(seen) + strlen(message), sizeof(seen) - 2);
		strcat(strcat(seen, message), "\n");
	}
	ck_assert_ptr_nonnull(
	    strstr(at, scratch_printf("MAINPID=%d", (int)d->pid)));
	daemon_stop(d);
}
END_TEST

/* Reloads and upgrades that come together: all hear a good verdict. */
START_TEST(asked_by_many_at_once)
{
	enum { ASKERS = 8 };
	struct daemon *d = start(site_conf("", "one"));
	struct client *c = daemon_connect(d);
	pid_t asker[ASKERS];

	site_wants(c, "one");
	daemon_rewrite(d, site_conf("", "two"));
	setenv("BATON", real, 1);
	for (int i = 0; i < ASKERS; i++) {
		const char *args[] = { "-s", i % 2 ? "upgrade" : "reload", "-c",
			d->conf, NULL };
		struct spawn s = { .args = args,
			.out = scratch_printf("ask%d.out", i),
			.err = scratch_printf("ask%d.err", i) };

		asker[i] = spawn_start(&s);
	}
	for (int i = 0; i < ASKERS; i++) {
		int status = wait_exit(asker[i], "an asker");

		ck_assert_msg(status == 0, "%d: %s", i,
		    scratch_read(scratch_printf("ask%d.err", i), NULL));
	}
	site_wants(c, "two");
	daemon_stop(d);
}
END_TEST

/* A process that asks for upgrades and exits with 0 when all were done. */
static pid_t
upgrade_beside(struct daemon *d, int n)
{
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	for (int i = 0; i < n; i++) {
		install(real);
		if (ask(d, "upgrade").status != 0)
			_exit(1);
	}
	_exit(0);
}

START_TEST(under_load)
{
	struct daemon *d = start(site_conf("", "x"));
	int n = wait_is_sanitized() ? 4 : 12, status = -1;
	struct client *c[MANY];
	pid_t upgrader;

	for (int i = 0; i < MANY; i++)
		c[i] = daemon_connect(d);
	upgrader = upgrade_beside(d, n);
	while (waitpid(upgrader, &status, WNOHANG) == 0)
		site_load(d, c, MANY, "x");
	ck_assert_int_eq(status, 0);
	daemon_stop(d);
}
END_TEST

/* --- and back --- */

static const struct {
	const char *what; /* of a script; or "/path": that file; "": none */
	const char *says;
} bad_programs[] = {
	{ "exit 3", "exit 3" },
	{ "echo something else", "no baton" },
	{ "echo it lacks a library >&2; exit 127", "lacks a library" },
	{ "kill -SEGV $$", "SIGSEGV" },
	{ "/bin/true", "no baton" },
	{ "/etc/passwd", "Exec format" },
	{ "", "No such file" },
	/* one of another version of what is handed over */
	{ "sed 's/baton-crossing 1/baton-crossing 99/' "
	  "/dev/fd/$(echo $BATON_TAKEOVER | cut -d' ' -f2) > $DIR/crossing\n"
	  "exec 9<> $DIR/crossing\n"
	  "BATON_TAKEOVER='rehearse 9 -1 0' exec $REAL \"$@\"",
	    "baton-crossing 99" },
	/* those who are good at rehearsals only */
	{ "case $BATON_TAKEOVER in forth*) echo 'nonsense;' > $DIR/more.conf;; "
	  "esac; exec $REAL \"$@\"",
	    "nonsense" },
	{ "case $BATON_TAKEOVER in forth*) echo 'server { listen 192.0.2.1:9; "
	  "route / { echo; } }' > $DIR/more.conf;; esac; exec $REAL \"$@\"",
	    "192.0.2.1:9" },
};

START_TEST(bad_program_changes_nothing)
{
	const char *what = bad_programs[_i].what;
	struct daemon *d = start(site_conf("include @DIR@/more*.conf;", "one"));
	pid_t before[PROC_CHILDREN_MAX], after[PROC_CHILDREN_MAX];
	size_t n = daemon_workers(d, before);
	struct client *c = daemon_connect(d), *half = daemon_connect(d);
	struct spawn_result r;

	site_wants(c, "one");
	client_puts(half, "GET / HT");
	if (what[0] == '\0')
		unlink(scratch_path("baton"));
	else if (what[0] == '/')
		install(what);
	else
		install_script(what);
	r = ask(d, "upgrade");
	ck_assert_msg(r.status == 1, "exit %d: %s%s", r.status, r.out, r.err);
	ck_assert_msg(
	    strstr(r.err, bad_programs[_i].says) != NULL, "it says: %s", r.err);
	ck_assert_ptr_nonnull(strstr(daemon_stderr(d), "no upgrade"));
	ck_assert_uint_eq(daemon_workers(d, after), n);
	ck_assert_mem_eq(before, after, n * sizeof(before[0]));
	site_wants(c, "one");
	client_puts(half, "TP/1.1\r\nHost: t\r\n\r\n");
	reply_wants_text(client_read(half, "GET"), "one");
	site_wants(daemon_connect(d), "one");
	/* and a good one is taken behind it */
	install(real);
	unlink(scratch_path("more.conf"));
	upgrade(d);
	site_wants(c, "one");
	daemon_stop(d);
}
END_TEST

static const struct {
	int signal;
	const char *says;
} late_ends[] = { { SIGALRM, "not ready in time" }, { SIGSEGV, "SIGSEGV" } };

/* Whether the master is a program that is not ready, but on its guard. */
static bool
is_guarded(void *daemon)
{
	const struct daemon *d = daemon;
	unsigned long long caught = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)d->pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "SigCgt: %llx", &caught) == 1)
			break;
	fclose(f);
	return (caught & 1ull << (SIGALRM - 1)) != 0;
}

/* It hangs, or dies, as the master: the one before is back. */
START_TEST(put_back_by_signal)
{
	struct daemon *d = start(site_conf("", "one"));
	const char *args[] = { "-s", "upgrade", "-c", d->conf, NULL };
	struct client *c = daemon_connect(d);
	struct spawn s = { .args = args, .out = "ask.out", .err = "ask.err" };
	pid_t asker;

	site_wants(c, "one");
	/* a conf that may be a pipe, and which nobody writes */
	install_script("case $BATON_TAKEOVER in forth*) cd $DIR; "
		       "mv baton.conf kept; mkfifo baton.conf;; esac\n"
		       "exec $REAL \"$@\"");
	setenv("BATON", real, 1);
	asker = spawn_start(&s);
	wait_until(is_guarded, d, "the new program");
	kill(d->pid, late_ends[_i].signal);
	wait_exit(asker, "the asker");
	ck_assert_msg(
	    strstr(scratch_read("ask.err", NULL), late_ends[_i].says) != NULL,
	    "it says: %s", scratch_read("ask.err", NULL));
	site_wants(c, "one");
	site_wants(daemon_connect(d), "one");
	ck_assert_int_eq(
	    rename(scratch_path("kept"), scratch_path("baton.conf")), 0);
	install(real);
	upgrade(d);
	site_wants(c, "one");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(upgrade)
{
	TCase *t = bt_system_case(s, "forth");

	tcase_add_test(t, keeps_every_connection);
	tcase_add_test(t, held_connections_cross);
	tcase_add_test(t, again_and_again);
	tcase_add_test(t, by_signal_without_a_conf_file);
	tcase_add_test(t, told_to_systemd);
	tcase_add_test(t, asked_by_many_at_once);
	tcase_add_test(t, under_load);

	t = bt_system_case(s, "back");
	tcase_add_loop_test(
	    t, bad_program_changes_nothing, 0, BT_ROWS(bad_programs));
	tcase_add_loop_test(t, put_back_by_signal, 0, BT_ROWS(late_ends));
}
