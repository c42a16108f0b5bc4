/*
 * The logs: one whole line for each request, in the combined format, with the
 * bytes that were sent; reopened on SIGUSR1.
 */

#include "tests/system/system.h"

#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVER \
	"server { route = / { return 200 \"hello\\n\"; } " \
	"route /echo { echo; } route = /none { return 204; } " \
	"route /site { root @DIR@; } }\n"

struct lines {
	const char *name;
	size_t wanted;
};

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; text != NULL && (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

static bool
has_lines(void *arg)
{
	struct lines *l = arg;

	return count_lines(scratch_read(l->name, NULL)) >= l->wanted;
}

/* The log's text once it has that many lines: exactly that many. */
static const char *
await_lines(const char *name, size_t n)
{
	struct lines l = { name, n };
	const char *text;

	wait_until(has_lines, &l, "lines in the access log");
	text = scratch_read(name, NULL);
	ck_assert_msg(count_lines(text) == n, "not %zu lines:\n%s", n, text);
	return text;
}

static void
matches(const char *text, const char *pattern)
{
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&re, text, 0, NULL, 0) == 0, "wanted %s in\n%s",
	    pattern, text);
	regfree(&re);
}

#define STAMP \
	"\\[[0-3][0-9]/[A-Z][a-z]{2}/20[0-9]{2}(:[0-9]{2}){3} " \
	"[+-][0-9]{4}\\]"

static const struct {
	const char *request, *line;
} rows[] = {
	{ "GET /?a=b HTTP/1.1\r\nHost: t\r\n",
	    "\"GET /\\?a=b HTTP/1\\.1\" 200 6 \"-\" \"-\"" },
	{ "GET / HTTP/1.1\r\nHost: t\r\nReferer: http://r/\r\nUser-Agent: u/1 "
	  "(x)\r\n",
	    "\"GET / HTTP/1\\.1\" 200 6 \"http://r/\" \"u/1 \\(x\\)\"" },
	{ "HEAD / HTTP/1.1\r\nHost: t\r\n",
	    "\"HEAD / HTTP/1\\.1\" 200 0 \"-\" \"-\"" },
	{ "GET /none HTTP/1.0\r\nConnection: keep-alive\r\n",
	    "\"GET /none HTTP/1\\.0\" 204 0 \"-\" \"-\"" },
	{ "GET /site/hundred HTTP/1.1\r\nHost: t\r\n",
	    "\"GET /site/hundred HTTP/1\\.1\" 200 100 \"-\" \"-\"" },
	{ "GET /site/hundred HTTP/1.1\r\nHost: t\r\nRange: bytes=0-9\r\n",
	    "\"GET /site/hundred HTTP/1\\.1\" 206 10 \"-\" \"-\"" },
	{ "GET / HTTP/1.1\r\nHost: t\r\nUser-Agent: a\"b\\c\xff\r\n",
	    "\"GET / HTTP/1\\.1\" 200 6 \"-\" "
	    "\"a\\\\x22b\\\\x5[cC]c\\\\x[fF][fF]\"" },
	{ "DELETE /site/hundred HTTP/1.1\r\nHost: t\r\n",
	    "\"DELETE /site/hundred HTTP/1\\.1\" 405 [1-9][0-9]* \"-\" \"-\"" },
};

START_TEST(combined)
{
	struct daemon *d;
	char hundred[100];

	scratch_noise(hundred, sizeof(hundred), 1);
	scratch_file("site/hundred", hundred, sizeof(hundred));
	d = daemon_start(SERVER);
	client_ask(
	    daemon_connect(d), scratch_printf("%s\r\n", rows[_i].request));
	matches(await_lines("access.log", 1),
	    scratch_printf(
		"^127\\.0\\.0\\.1 - - " STAMP " %s\n$", rows[_i].line));
	daemon_stop(d);
}
END_TEST

START_TEST(common)
{
	struct daemon *d =
	    daemon_start("access_log @DIR@/access.log common;\n" SERVER);

	client_get(daemon_connect(d), "/", "Referer: x\r\n");
	matches(await_lines("access.log", 1),
	    "^127\\.0\\.0\\.1 - - " STAMP " \"GET / HTTP/1\\.1\" 200 6\n$");
	daemon_stop(d);
}
END_TEST

/* What was sent, not what was meant: an echo's bytes, chunking not counted. */
START_TEST(bytes_of_a_stream)
{
	struct daemon *d = daemon_start(SERVER);

	client_expect(daemon_connect(d),
	    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
	    "chunked\r\n\r\n"
	    "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n",
	    200);
	matches(await_lines("access.log", 1),
	    "\"POST /echo HTTP/1\\.1\" 200 8 \"-\" \"-\"\n$");
	daemon_stop(d);
}
END_TEST

/* Many requests on many connections: never half a line, never one too few. */
START_TEST(whole_lines)
{
	enum { CONNECTIONS = 20, REQUESTS = 100 };
	struct daemon *d = daemon_start(SERVER);
	struct client *c[CONNECTIONS];
	const char *text;

	for (int i = 0; i < CONNECTIONS; i++)
		c[i] = daemon_connect(d);
	for (int j = 0; j < REQUESTS; j++)
		for (int i = 0; i < CONNECTIONS; i++)
			client_puts(c[i],
			    scratch_printf("GET /?%d-%d HTTP/1.1\r\nHost: t\r\n"
					   "User-Agent: x\r\n\r\n",
				i, j));
	for (int j = 0; j < REQUESTS; j++)
		for (int i = 0; i < CONNECTIONS; i++)
			client_read(c[i], "GET");
	daemon_stop(d); /* its metrics are in the log, too */
	text = scratch_read("access.log", NULL);
	for (int j = 0; j < REQUESTS; j++)
		for (int i = 0; i < CONNECTIONS; i++)
			ck_assert_msg(
			    strstr(text,
				scratch_printf("\"GET /?%d-%d HTTP/1.1\" "
					       "200 6 \"-\" \"x\"\n",
				    i, j)) != NULL,
			    "no line %d-%d", i, j);
	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1)
		ck_assert_msg(strchr(at, '\n') != NULL &&
			(strncmp(at, "127.0.0.1 - - [", 15) == 0 ||
			    strncmp(at, "unix: - - [", 11) == 0),
		    "not a whole line: %.200s", at);
}
END_TEST

/* A request that was refused is in the log as well. */
START_TEST(refused)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	client_puts(
	    c, "GET / HTTP/1.1\r\nHost: t\r\nContent-Length: x\r\n\r\n");
	ck_assert_uint_eq(client_read(c, "GET")->status, 400);
	matches(await_lines("access.log", 1), "\" 400 [1-9][0-9]* ");
	daemon_stop(d);
}
END_TEST

START_TEST(off)
{
	struct daemon *d = daemon_start("access_log off;\n" SERVER);

	client_get(daemon_connect(d), "/", "");
	daemon_stop(d);
	ck_assert(!scratch_exists("off"));
	ck_assert(!scratch_exists("access.log"));
}
END_TEST

static bool
exists(void *arg)
{
	return scratch_exists(arg);
}

static void
move(const char *from, const char *to)
{
	ck_assert_int_eq(rename(scratch_path(from), scratch_path(to)), 0);
}

enum { BY_SIGNAL, BY_COMMAND, WAYS };

/* As logrotate does it: rename, then tell. New requests are in new files. */
START_TEST(reopen)
{
	struct daemon *d =
	    daemon_start("error_log @DIR@/error.log info;\n" SERVER);
	struct client *old = daemon_connect(d), *c;

	client_get(old, "/?before", "");
	matches(await_lines("access.log", 1), "before");
	move("access.log", "access.1");
	move("error.log", "error.1");
	if (_i == BY_SIGNAL) {
		kill(d->pid, SIGUSR1);
		wait_until(exists, scratch_printf("access.log"), "a new log");
		wait_until(exists, scratch_printf("error.log"), "a new log");
	} else {
		struct spawn_result r =
		    spawn_run_with("-s", "reopen", "-c", d->conf);

		ck_assert_msg(r.status == 0, "%s", r.err);
		ck_assert(scratch_exists("access.log"));
		ck_assert(scratch_exists("error.log"));
	}
	/* dealt after the logs, on the same channels */
	for (int i = 0; i < 4; i++) {
		c = daemon_connect(d);
		client_get(c, "/?after", "");
	}
	matches(await_lines("access.log", 4), "^([^\n]*after[^\n]*\n){4}$");
	client_get(old, "/?after-on-the-old-connection", "");
	matches(await_lines("access.log", 5), "old-connection");
	ck_assert_uint_eq(count_lines(scratch_read("access.1", NULL)), 1);
	daemon_stop(d);
	ck_assert_uint_gt(count_lines(scratch_read("error.log", NULL)), 0);
}
END_TEST

/* The folder is gone: that is said, and the old files go on. */
START_TEST(reopen_fails)
{
	struct daemon *d;
	struct spawn_result r;

	scratch_text("logs/x", "");
	d = daemon_start("access_log @DIR@/logs/access.log;\n" SERVER);
	client_get(daemon_connect(d), "/?one", "");
	await_lines("logs/access.log", 1);
	move("logs", "moved");
	r = spawn_run_with("-s", "reopen", "-c", d->conf);
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.err, "access.log") != NULL, "%s", r.err);
	client_get(daemon_connect(d), "/?two", "");
	matches(await_lines("moved/access.log", 2), "two");
	daemon_stop(d);
}
END_TEST

/* An access log that cannot be opened at the start is an error at the start. */
START_TEST(cannot_open)
{
	const char *conf = daemon_write_conf("baton.conf",
	    "access_log /nonexistent/access.log;\n"
	    "server { listen unix:@DIR@/s.sock; }\n",
	    1);
	struct spawn_result r = spawn_run_with("-c", conf);

	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(
	    strstr(r.err, "/nonexistent/access.log") != NULL, "%s", r.err);
	ck_assert(!scratch_exists("s.sock"));
	ck_assert(!scratch_exists("baton.pid"));
	ck_assert(!scratch_exists("baton.sock"));
}
END_TEST

BT_SYSTEM_SUITE(log)
{
	TCase *tc = bt_system_case(s, "access");

	tcase_add_loop_test(tc, combined, 0, BT_ROWS(rows));
	tcase_add_test(tc, common);
	tcase_add_test(tc, bytes_of_a_stream);
	tcase_add_test(tc, whole_lines);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, off);
	tc = bt_system_case(s, "reopen");
	tcase_add_loop_test(tc, reopen, 0, WAYS);
	tcase_add_test(tc, reopen_fails);
	tcase_add_test(tc, cannot_open);
}
