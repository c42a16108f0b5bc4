/*
 * Starts and stops the daemon, in the test's process.
 */

#include "tests/system/daemon.h"

#include "tests/system/proc.h"
#include "tests/system/scratch.h"
#include "tests/system/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Set when the test's text does not. */
static const struct {
	const char *directive, *value;
} presets[] = {
	{ "workers", "2" },
	{ "pid_file", "@DIR@/baton.pid" },
	{ "control", "@DIR@/baton.sock" },
	{ "error_log", "stderr info" },
	{ "access_log", "@DIR@/access.log combined" },
	{ "drain_timeout", "20s" },
};

static const char admin_server[] = "server {\n"
				   "\tlisten unix:@DIR@/admin.sock;\n"
				   "\troute = /metrics { metrics; }\n"
				   "}\n";

/* Whether the word begins a statement somewhere in the text. */
static bool
has_directive(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += n)
		if ((at == text || strchr(" \t\n;{}", at[-1]) != NULL) &&
		    isspace((unsigned char)at[n]))
			return true;
	return false;
}

/* The text with every `from` replaced. */
static char *
replaced(const char *text, const char *from, const char *to)
{
	char *out = scratch_printf("%s", "");
	const char *hit;

	while ((hit = strstr(text, from)) != NULL) {
		out = scratch_printf(
		    "%s%.*s%s", out, (int)(hit - text), text, to);
		text = hit + strlen(from);
	}
	return scratch_printf("%s%s", out, text);
}

/* Gives a `listen` to each server that has none. */
static char *
with_listens(const char *text)
{
	static const char word[] = "server {";
	char *out = scratch_printf("%s", "");
	const char *hit;

	while ((hit = strstr(text, word)) != NULL) {
		const char *body = hit + sizeof(word) - 1;
		const char *first = body + strspn(body, " \t\n");

		out = scratch_printf("%s%.*s%s", out, (int)(body - text), text,
		    strncmp(first, "listen", 6) == 0
			? ""
			: " listen 127.0.0.1:@PORT@;");
		text = body;
	}
	return scratch_printf("%s%s", out, text);
}

static char *
expanded(const char *text, unsigned port)
{
	const char *program = spawn_program(), *slash = strrchr(program, '/');

	text = replaced(text, "@DIR@", scratch());
	text = replaced(text, "@BUILD@",
	    scratch_printf("%.*s", (int)(slash - program), program));
	return replaced(text, "@PORT@", scratch_printf("%u", port));
}

const char *
daemon_write_conf(const char *name, const char *conf, unsigned port)
{
	const char *text = scratch_printf("%s", "");

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (!has_directive(conf, presets[i].directive))
			text = scratch_printf("%s%s %s;\n", text,
			    presets[i].directive, presets[i].value);
	text =
	    scratch_printf("%s%s\n%s", text, with_listens(conf), admin_server);
	return scratch_text(name, expanded(text, port));
}

void
daemon_rewrite(struct daemon *d, const char *conf)
{
	d->conf = daemon_write_conf("baton.conf", conf, d->port);
}

void
daemon_reload(struct daemon *d)
{
	struct spawn_result r = spawn_run_with("-s", "reload", "-c", d->conf);

	ck_assert_msg(
	    r.status == 0, "reload: exit %d, %s%s", r.status, r.out, r.err);
}

void
daemon_reload_with(struct daemon *d, const char *conf)
{
	daemon_rewrite(d, conf);
	daemon_reload(d);
}

int
daemon_listener(const char *host, unsigned *ret_port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} addr = { .six = { .sin6_family = AF_INET6 } };
	socklen_t len = sizeof(addr.six);
	int fd;

	if (inet_pton(AF_INET6, host, &addr.six.sin6_addr) != 1) {
		len = sizeof(addr.four);
		addr.four = (struct sockaddr_in){ .sin_family = AF_INET };
		ck_assert_int_eq(
		    inet_pton(AF_INET, host, &addr.four.sin_addr), 1);
	}
	fd = socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, &addr.any, len) == -1 ||
	    listen(fd, 4096) == -1 || getsockname(fd, &addr.any, &len) == -1)
		ck_abort_msg("listen on %s: %s", host, strerror(errno));
	*ret_port = ntohs(addr.any.sa_family == AF_INET ? addr.four.sin_port
							: addr.six.sin6_port);
	return fd;
}

static int
notify_socket(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_uint_lt(strlen(path), sizeof(un.sun_path));
	strcpy(un.sun_path, path);
	unlink(path); /* of a daemon before */
	if (fd == -1 || bind(fd, (void *)&un, sizeof(un)) == -1)
		ck_abort_msg("bind %s: %s", path, strerror(errno));
	return fd;
}

/* Returns at READY=1. */
static void
await_ready(struct daemon *d)
{
	int64_t deadline = wait_deadline();
	char message[1024] = "";

	while (strstr(message, "READY=1") == NULL) {
		int status = 0;
		ssize_t n;

		if (waitpid(d->pid, &status, WNOHANG) == d->pid)
			ck_abort_msg("the daemon ended at its start (%d): %s",
			    status, daemon_stderr(d));
		if (!wait_for(d->notify_fd, POLLIN, wait_deadline_in(50))) {
			ck_assert_msg(wait_deadline_in(0) < deadline,
			    "the daemon is not ready: %s", daemon_stderr(d));
			continue;
		}
		n = recv(d->notify_fd, message, sizeof(message) - 1, 0);
		message[n > 0 ? n : 0] = '\0';
		d->notified = scratch_printf(
		    "%s%s\n", d->notified ? d->notified : "", message);
	}
}

static struct daemon *
start(const char *const *args, struct daemon *d, const int *fds, size_t n)
{
	int all[SPAWN_FDS_MAX] = { d->listen_fd };
	struct spawn s = { .args = args,
		.fds = all,
		.fds_n = n + 1,
		.notify = scratch_path("notify.sock"),
		.out = "stdout",
		.err = "stderr" };

	ck_assert_uint_lt(n, SPAWN_FDS_MAX);
	for (size_t i = 0; i < n; i++)
		all[i + 1] = fds[i];
	d->notify_fd = notify_socket(s.notify);
	d->pid = spawn_start(&s);
	await_ready(d);
	return d;
}

struct daemon *
daemon_start_with(const char *conf, const int *fds, size_t n)
{
	struct daemon *d = scratch_alloc(sizeof(*d));

	d->listen_fd = daemon_listener("127.0.0.1", &d->port);
	d->conf = daemon_write_conf("baton.conf", conf, d->port);
	return start((const char *const[]){ "-c", d->conf, NULL }, d, fds, n);
}

struct daemon *
daemon_start(const char *conf)
{
	return daemon_start_with(conf, NULL, 0);
}

struct daemon *
daemon_start_args(const char *const *args)
{
	struct daemon *d = scratch_alloc(sizeof(*d));
	const char *expanded_args[16] = { NULL };

	d->listen_fd = daemon_listener("127.0.0.1", &d->port);
	for (size_t i = 0; args[i] != NULL; i++)
		expanded_args[i] = expanded(args[i], d->port);
	return start(expanded_args, d, NULL, 0);
}

struct client *
daemon_connect(struct daemon *d)
{
	return client_tcp("127.0.0.1", d->port);
}

size_t
daemon_workers(struct daemon *d, pid_t ret[])
{
	pid_t all[PROC_CHILDREN_MAX];
	size_t n = 0, all_n = proc_children(d->pid, all);

	/* not their guards, nor who reads a conf for a reload */
	for (size_t i = 0; i < all_n; i++)
		if (proc_is_named(all[i], "baton: worker") ||
		    proc_is_named(all[i], "baton:worker"))
			ret[n++] = all[i];
	return n;
}

const char *
daemon_stderr(struct daemon *d)
{
	const char *text = scratch_read("stderr", NULL);

	return text ? text : "";
}

const struct metrics *
daemon_metrics(struct daemon *d)
{
	static const char request[] =
	    "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n";
	struct reply *r = NULL;

	/* a kept connection may end between two of our questions */
	if (d->admin != NULL &&
	    client_send(d->admin, request, sizeof(request) - 1))
		r = client_try_read(d->admin, "GET");
	if (r == NULL) {
		if (d->admin != NULL)
			client_close(d->admin);
		d->admin = client_unix(scratch_path("admin.sock"));
		r = client_expect(d->admin, request, 200);
	}
	ck_assert_uint_eq(r->status, 200);
	return metrics_parse(r->content);
}

static bool
is_balanced(void *arg)
{
	struct metrics_ledger l = metrics_ledger(daemon_metrics(arg));

	return metrics_ledger_balances(&l) && l.open == 1 && l.held == 0 &&
	    l.in_channel == 0;
}

void
daemon_check_ledger(struct daemon *d)
{
	struct metrics_ledger l;

	wait_until(is_balanced, d, "books that balance, with all clients gone");
	l = metrics_ledger(daemon_metrics(d));
	ck_assert_msg(l.lost == 0 && (l.refused == 0 || d->refuses),
	    "%g connections lost, %g refused", l.lost, l.refused);
}

void
daemon_stop(struct daemon *d)
{
	bool has_books = scratch_exists("admin.sock");
	struct client *admin = d->admin;

	d->admin = NULL;
	if (admin != NULL)
		client_close(admin);
	client_close_all();
	if (has_books)
		daemon_check_ledger(d);
	client_close_all();
	d->admin = NULL;
	kill(d->pid, SIGTERM);
	daemon_ended(d, 0);
}

/* Whether every child of this process is gone, orphans we inherited too. */
static bool
is_childless(void *arg)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

void
daemon_kill(struct daemon *d)
{
	kill(d->pid, SIGKILL);
	wait_exit(d->pid, "the daemon");
	wait_until(is_childless, NULL, "the end of the orphaned workers");
	close(d->listen_fd);
	close(d->notify_fd);
	if (d->admin != NULL)
		client_close(d->admin);
	d->admin = NULL;
}

void
daemon_ended(struct daemon *d, int exit_status)
{
	int status = wait_exit(d->pid, "the daemon");
	pid_t left[PROC_CHILDREN_MAX];
	size_t n = proc_children(getpid(), left);

	spawn_check_report(daemon_stderr(d));
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == exit_status,
	    "wait status %#x, wanted exit %d: %s", (unsigned)status,
	    exit_status, daemon_stderr(d));
	wait_until(is_childless, NULL, "the end of all of its processes");
	/* a leak sanitizer's helper may outlive the worker that it belonged to
	 */
	ck_assert_msg(
	    n == 0 || wait_is_sanitized(), "%zu processes were left", n);
	ck_assert_msg(!scratch_exists("baton.pid"), "the pid file is left");
	ck_assert_msg(!scratch_exists("baton.sock"), "the control is left");
	close(d->listen_fd);
	close(d->notify_fd);
}
