/*
 * The table of servers, their confs from templates, and their starts.
 */

#include "tests/torture/server.h"

#include "tests/torture/content.h"
#include "tests/torture/generation.h"
#include "tests/torture/manager.h"
#include "tests/torture/origin.h"
#include "tests/torture/say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE_US 50000
#define TEXT_MAX 16384
#define WORD_MAX 512

static const struct server_kind table[] = {
	{ .name = "baton",
	    .program = "build/plain/baton",
	    .argv = { "@PROGRAM@", "-c", "@CONF@" },
	    .reload = { "@PROGRAM@", "-s", "reload", "-c", "@CONF@" },
	    .is_baton = true,
	    .has_files = true,
	    .has_echo = true,
	    .has_proxy = true },
	{ .name = "nginx",
	    .program = "/usr/sbin/nginx",
	    .argv = { "@PROGRAM@", "-c", "@CONF@" },
	    .reload = { "@PROGRAM@", "-c", "@CONF@", "-s", "reload" },
	    .has_files = true },
	{ .name = "haproxy",
	    .program = "/usr/sbin/haproxy",
	    .argv = { "@PROGRAM@", "-W", "-f", "@CONF@" },
	    .reload_signal = SIGUSR2,
	    .stop_signal = SIGTERM },
	{ .name = "haproxy-idle-close-on-response",
	    .program = "/usr/sbin/haproxy",
	    .argv = { "@PROGRAM@", "-W", "-f", "@CONF@" },
	    .reload_signal = SIGUSR2,
	    .stop_signal = SIGTERM },
	{ .name = "caddy",
	    .program = "/usr/bin/caddy",
	    .argv = { "@PROGRAM@", "run", "--config", "@CONF@", "--adapter",
		"caddyfile" },
	    .reload = { "@PROGRAM@", "reload", "--config", "@CONF@",
		"--adapter", "caddyfile" },
	    .has_files = true },
	{ .name = "apache2",
	    .program = "/usr/sbin/apache2",
	    .argv = { "@PROGRAM@", "-f", "@CONF@", "-DFOREGROUND" },
	    .reload = { "@PROGRAM@", "-f", "@CONF@", "-k", "graceful" },
	    .has_files = true },
	{ .name = "lighttpd",
	    .program = "/usr/sbin/lighttpd",
	    .argv = { "@PROGRAM@", "-D", "-f", "@CONF@" },
	    .reload_signal = SIGUSR1,
	    .has_files = true },
	{ .name = "h2o",
	    .program = "/usr/bin/h2o",
	    .argv = { "@PROGRAM@", "-m", "master", "-c", "@CONF@" },
	    .reload_signal = SIGHUP,
	    .has_files = true },
};

/* ---- words and templates */

/* nginx upgrades itself only when it is one. */
static bool
is_daemon(const struct server *s)
{
	return !s->kind->is_baton && s->options->actions != NULL &&
	    strstr(s->options->actions, "upgrade") != NULL;
}

/* What stands for @NAME@; false when there is no such name. */
static bool
value_of(const struct server *s, const char *name, size_t n, char *out)
{
	const struct options *o = s->options;
	const struct {
		const char *name, *text;
		unsigned number;
	} values[] = {
		{ "DIR", s->dir, 0 },
		{ "EXTRA", o->extra, 0 },
		{ "PROGRAM", o->program ? o->program : s->kind->program, 0 },
		{ "DAEMON", is_daemon(s) ? "on" : "off", 0 },
		{ "PORT", NULL, s->port },
		{ "ORIGIN", NULL, s->origin_port },
		{ "WORKERS", NULL, o->workers },
		{ "GEN", NULL, s->generation },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strlen(values[i].name) != n ||
		    strncmp(values[i].name, name, n) != 0)
			continue;
		if (values[i].text != NULL)
			snprintf(out, WORD_MAX, "%s", values[i].text);
		else
			snprintf(out, WORD_MAX, "%u", values[i].number);
		return true;
	}
	if (n == 4 && strncmp(name, "CONF", n) == 0) {
		snprintf(out, WORD_MAX, "%s/conf", s->dir);
		return true;
	}
	return false;
}

static void
expand(const struct server *s, const char *text, char *out, size_t room)
{
	size_t n = 0;

	while (*text != '\0' && n + WORD_MAX < room) {
		const char *end = *text == '@' ? strchr(text + 1, '@') : NULL;

		if (end != NULL &&
		    value_of(s, text + 1, (size_t)(end - text - 1), out + n)) {
			n += strlen(out + n);
			text = end + 1;
		} else
			out[n++] = *text++;
	}
	out[n] = '\0';
}

/* `is_it`: the server itself, and not who speaks to it. */
static pid_t
start(const struct server *s, const char *const *words, const char *log,
    bool is_it)
{
	char text[10][WORD_MAX * 2], path[WORD_MAX];
	const char *argv[11] = { NULL };
	struct process p = { .argv = argv, .out = path };

	for (size_t i = 0; i < 10 && words[i] != NULL; i++) {
		expand(s, words[i], text[i], sizeof(text[i]));
		argv[i] = text[i];
	}
	snprintf(path, sizeof(path), "%s/%s", s->dir, log);
	if (is_it && s->kind->is_baton)
		manager_pass(&p, s->listen_fd, s->options->stores);
	return process_start(&p);
}

/* ---- confs */

static void
write_conf(struct server *s, const char *more)
{
	char path[WORD_MAX], aside[WORD_MAX], template[TEXT_MAX] = "";
	char *text;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.conf.in", s->options->confs,
	    s->kind->name);
	f = fopen(path, "re");
	if (f == NULL)
		say_die(path);
	template[fread(template, 1, sizeof(template) - 1, f)] = '\0';
	fclose(f);
	text = malloc(2 * TEXT_MAX);
	if (text == NULL)
		say_die("malloc");
	expand(s, template, text, 2 * TEXT_MAX);
	snprintf(path, sizeof(path), "%s/conf", s->dir);
	snprintf(aside, sizeof(aside), "%s/conf.new", s->dir);
	f = fopen(aside, "we");
	if (f == NULL || fprintf(f, "%s%s", text, more) < 0 || fclose(f) != 0 ||
	    rename(aside, path) == -1)
		say_die(aside);
	free(text);
}

/* For servers whose fixed answers are files: one for each generation. */
static void
write_generation(const struct server *s)
{
	char path[WORD_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/gen/%u", s->dir, s->generation);
	f = fopen(path, "we");
	if (f == NULL || fprintf(f, "GEN %u\n", s->generation) < 0 ||
	    fclose(f) != 0)
		say_die(path);
}

void
server_write_conf(struct server *s)
{
	s->generation = generation_next();
	if (!s->kind->is_baton)
		write_generation(s);
	write_conf(s, "");
}

void
server_write_bad_conf(struct server *s)
{
	s->generation = generation_next();
	write_conf(s, "nonsense on;\n");
}

/* ---- the folder and the socket */

static void
make_folder(struct server *s, const char *name)
{
	char path[WORD_MAX];

	snprintf(path, sizeof(path), "%s%s", s->dir, name);
	if (mkdir(path, 0755) == -1 && errno != EEXIST)
		say_die(path);
}

static int
listen_somewhere(unsigned *ret_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (void *)&addr, n) == -1 ||
	    listen(fd, 4096) == -1 || getsockname(fd, (void *)&addr, &n) == -1)
		say_die("listen");
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

void
server_init(struct server *s, const struct options *o)
{
	char path[WORD_MAX];

	*s = (struct server){ .options = o, .listen_fd = -1 };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, o->server) == 0)
			s->kind = &table[i];
	if (s->kind == NULL) {
		errno = EINVAL;
		say_die(o->server);
	}
	strcpy(s->dir, "/tmp/baton-torture.XXXXXX");
	if (mkdtemp(s->dir) == NULL || chmod(s->dir, 0755) == -1)
		say_die("mkdtemp");
	make_folder(s, "/www");
	make_folder(s, "/gen");
	make_folder(s, "/tmp");
	snprintf(path, sizeof(path), "%s/www", s->dir);
	content_write_files(path);
	s->origin_port = origin_start();
	s->listen_fd = listen_somewhere(&s->port);
	if (!s->kind->is_baton) { /* it binds the port itself */
		close(s->listen_fd);
		s->listen_fd = -1;
		return;
	}
	snprintf(path, sizeof(path), "%s/notify", s->dir);
	manager_open(path);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void
server_fini(struct server *s)
{
	manager_close();
	if (s->listen_fd != -1)
		close(s->listen_fd);
	if (say_failures() > 0)
		say("confs and logs are left in %s", s->dir);
	else
		nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- starting */

/* The master that nginx.pid names. */
static pid_t
read_pid(const struct server *s)
{
	char path[WORD_MAX];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/nginx.pid", s->dir);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid;
}

static void
on_probe(void *arg)
{
	struct server *s = arg;
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)s->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = connect(fd, (void *)&addr, sizeof(addr));

	close(fd);
	if (r == -1) {
		loop_after(&s->probe, PROBE_US);
		return;
	}
	if (is_daemon(s))
		s->pid = read_pid(s);
	s->on_ready(s->arg);
}

void
server_start(struct server *s, void (*on_ready)(void *), void *arg)
{
	if (s->kind->is_baton) {
		manager_await_ready(on_ready, arg);
		s->pid = start(s, s->kind->argv, "server.log", true);
		return;
	}
	s->on_ready = on_ready;
	s->arg = arg;
	s->pid = start(s, s->kind->argv, "server.log", true);
	s->probe = (struct timer){ .on_time = on_probe, .arg = s };
	loop_after(&s->probe, PROBE_US);
}

/* ---- talking to it */

pid_t
server_ask(const struct server *s, const char *verb)
{
	const char *words[] = { "@PROGRAM@", "-s", verb, "-c", "@CONF@", NULL };

	return start(s, words, "asked.log", false);
}

pid_t
server_reload(const struct server *s)
{
	if (s->kind->reload[0] != NULL)
		return start(s, s->kind->reload, "asked.log", false);
	kill(s->pid, s->kind->reload_signal);
	return 0;
}

/* Has the new master come up? */
static void
on_upgrading(void *arg)
{
	pid_t pids[PROCESS_CHILDREN_MAX];
	struct server *s = arg;
	pid_t old = s->pid, pid = read_pid(s);

	if (pid == 0 || pid == old ||
	    process_children(pid, pids) < s->options->workers) {
		loop_after(&s->probe, PROBE_US);
		return;
	}
	s->pid = pid;
	kill(old, SIGQUIT);
	s->on_ready(s->arg);
}

void
server_upgrade_nginx(struct server *s, void (*on_upgraded)(void *), void *arg)
{
	s->on_ready = on_upgraded;
	s->arg = arg;
	s->probe = (struct timer){ .on_time = on_upgrading, .arg = s };
	kill(s->pid, SIGUSR2);
	loop_after(&s->probe, PROBE_US);
}

void
server_check_log(const struct server *s)
{
	static const char *const signs[] = { "Sanitizer",
		"runtime error:", "Assertion `" };
	char path[WORD_MAX], line[4096];
	unsigned shown = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/server.log", s->dir);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
			if (strstr(line, signs[i]) != NULL && shown++ < 5)
				say_failed("the server said: %.*s",
				    (int)strcspn(line, "\n"), line);
	fclose(f);
}
