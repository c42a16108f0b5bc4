/*
 * Several logs, formats of one's own, and logs that nobody reads: they cost
 * lines, which are counted, and never a request.
 */

#include "tests/system/system.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct wanted {
	const char *name, *text;
};

static bool
has_text(void *arg)
{
	const struct wanted *w = arg;
	const char *text = scratch_read(w->name, NULL);

	return text != NULL && strstr(text, w->text) != NULL;
}

static const char *
await_text(const char *name, const char *text)
{
	struct wanted w = { name, text };

	wait_until(has_text, &w, scratch_printf("%s in %s", text, name));
	return scratch_read(name, NULL);
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (; text != NULL && (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static bool
matches(const char *text, const char *pattern)
{
	bool found;
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return found;
}

#define MATCHES(text, pattern) \
	ck_assert_msg(matches(text, pattern), "wanted %s in\n%s", pattern, text)

START_TEST(one_for_each_place)
{
	struct daemon *d = daemon_start(
	    "access_log @DIR@/main.log;\n"
	    "server { name a; access_log @DIR@/a.log status;\n"
	    "  route / { return 200 x; }\n"
	    "  route /off { return 200 x; access_log off; }\n"
	    "  route /both { return 200 x; access_log @DIR@/both.log;\n"
	    "    access_log @DIR@/a.log status; } }\n"
	    "server { name b; route / { return 404; } }\n"
	    "log_format status '$host $status $uri';\n");
	struct client *c = daemon_connect(d);

	client_expect(c, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", 200);
	client_expect(c, "GET /off/2 HTTP/1.1\r\nHost: a\r\n\r\n", 200);
	client_expect(c, "GET /both/3 HTTP/1.1\r\nHost: a\r\n\r\n", 200);
	client_expect(c, "GET /4 HTTP/1.1\r\nHost: b\r\n\r\n", 404);
	/* what is not understood is the default server's */
	client_puts(c, "NONSENSE\r\n\r\n");
	ck_assert_uint_eq(client_read(c, "GET")->status, 400);
	await_text("a.log", "400");
	MATCHES(scratch_read("a.log", NULL),
	    "^a 200 /1\na 200 /both/3\n[^ ]* 400 -\n$");
	MATCHES(await_text("both.log", "/3"), "^[^\n]*/both/3[^\n]*\n$");
	await_text("main.log", "/4");
	ck_assert_uint_eq(count(scratch_read("main.log", NULL), "GET /4"), 1);
	ck_assert_uint_eq(count(scratch_read("main.log", NULL), "200 1"), 0);
	daemon_stop(d);
}
END_TEST

START_TEST(json)
{
	struct daemon *d =
	    daemon_start("server { access_log @DIR@/a.log json;"
			 " name s; route /r { return 200 abc; } }");

	client_expect(daemon_connect(d),
	    "GET /r/%22?q=~ HTTP/1.1\r\nHost: t:80\r\n"
	    "User-Agent: a\"b\\\tc\xc3\xa9\xff\r\nReferer: r\r\n\r\n",
	    200);
	MATCHES(await_text("a.log", "\n"),
	    "^\\{\"time\":\"20[0-9-]{8}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}\","
	    "\"msec\":[0-9]{10}\\.[0-9]{3},\"remote_addr\":\"127\\.0\\.0\\.1\","
	    "\"remote_user\":\"\",\"scheme\":\"http\",\"host\":\"t\","
	    "\"method\":\"GET\",\"uri\":\"/r/%22\\?q=~\","
	    "\"protocol\":\"HTTP/1\\.1\",\"status\":200,"
	    "\"bytes_sent\":[0-9]{3},\"body_bytes_sent\":3,"
	    "\"request_time\":[0-9]+\\.[0-9]{3},\"referer\":\"r\","
	    "\"user_agent\":\"a\\\\\"b\\\\\\\\\\\\u0009c\xc3\xa9\\\\\\\\xFF\","
	    "\"server\":\"s\",\"route\":\"/r\",\"connection\":[0-9]+,"
	    "\"connection_requests\":1,\"worker\":[01],"
	    "\"request_id\":\"[0-9a-f]{32}\"\\}\n$");
	daemon_stop(d);
}
END_TEST

/* The page shows the id that is in the log. */
START_TEST(request_ids_are_the_same)
{
	struct daemon *d = daemon_start(
	    "log_format id '$request_id $connection_requests';"
	    "server { access_log @DIR@/a.log id; route / { return 404; } }");
	struct client *c = daemon_connect(d);
	char ids[3][33], wanted[128];

	for (int i = 0; i < 3; i++) {
		struct reply *r =
		    client_get(c, "/", "Accept: application/json\r\n");
		const char *id = strstr(r->content, "\"request_id\":\"");

		ck_assert_ptr_nonnull(id);
		memcpy(ids[i], id + strlen("\"request_id\":\""), 32);
		ids[i][32] = '\0';
	}
	snprintf(wanted, sizeof(wanted), "%s 1\n%s 2\n%s 3\n", ids[0], ids[1],
	    ids[2]);
	ck_assert_str_eq(await_text("a.log", " 3\n"), wanted);
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *format, *line;
} formats[] = {
	{ "'$remote_addr - $remote_user [$time_local] \"$request\" '\n"
	  "    '$status $body_bytes_sent \"$http_referer\" '\n"
	  "    '\"$http_user_agent\" \"$http_x_forwarded_for\"'",
	    "127.0.0.1 - - [" },
	{ "escape=json '{\"x\":\"$http_x_forwarded_for\"}'",
	    "{\"x\":\"\\\"1\\\"\"}\n" },
	{ "escape=default '$http_x_forwarded_for'", "\\x221\\x22\n" },
	{ "$bytes_sent-$body_bytes_sent", "" },
};

/* As nginx' conf files have them. */
START_TEST(own_formats)
{
	struct daemon *d =
	    daemon_start(scratch_printf("log_format own %s;\n"
					"server { access_log @DIR@/a.log own;"
					"route / { return 200 x; } }",
		formats[_i].format));
	struct reply *r =
	    client_get(daemon_connect(d), "/", "X-Forwarded-For: \"1\"\r\n");
	const char *line;

	ck_assert_uint_eq(r->status, 200);
	line = await_text("a.log", "\n");
	ck_assert_msg(
	    strncmp(line, formats[_i].line, strlen(formats[_i].line)) == 0,
	    "%s", line);
	if (formats[_i].line[0] == '\0')
		ck_assert_str_eq(line, scratch_printf("%zu-1\n", r->bytes));
	daemon_stop(d);
}
END_TEST

static void
make_fifo(const char *name)
{
	ck_assert_int_eq(mkfifo(scratch_path(name), 0600), 0);
}

/* All lines that are in the FIFO now. */
static char *
read_fifo(const char *name)
{
	int fd = open(scratch_path(name), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *text = scratch_alloc(4 * 1024 * 1024);
	size_t n = 0;
	ssize_t got;

	ck_assert_int_ne(fd, -1);
	while ((got = read(fd, text + n, 65536)) > 0)
		n += (size_t)got;
	close(fd);
	return text;
}

static bool
fifo_has_lines(void *text)
{
	char **all = text;

	*all = scratch_printf("%s%s", *all, read_fifo("fifo"));
	return count(*all, "\n") >= 3;
}

/* Neither the start, nor a request, nor reopening waits for its reader. */
START_TEST(a_fifo_needs_no_reader)
{
	struct daemon *d;
	struct client *c;
	char *all = scratch_printf("%s", "");

	make_fifo("fifo");
	make_fifo("errors");
	d = daemon_start("error_log @DIR@/errors info;\n"
			 "log_format own '$uri';\n"
			 "server { access_log @DIR@/fifo own;\n"
			 "route / { return 200 x; } }");
	c = daemon_connect(d);
	client_get(c, "/1", "");
	kill(d->pid, SIGUSR1);
	client_get(c, "/2", "");
	daemon_reload(d);
	client_get(c, "/3", "");
	wait_until(fifo_has_lines, &all, "lines in the FIFO");
	ck_assert_str_eq(all, "/1\n/2\n/3\n");
	ck_assert_ptr_nonnull(strstr(read_fifo("errors"), "master"));
	daemon_stop(d);
}
END_TEST

enum { LINE_BYTES = 1000, CLIENTS = 8, EACH = 100 };

static bool
are_counted(void *daemon)
{
	return metrics_sum(daemon_metrics(daemon),
		   "baton_worker_log_lines_lost_total") > 0;
}

/*
 * Two workers and a pipe that is too small: every line that went in is whole,
 * and the others are counted.
 */
START_TEST(lines_of_a_full_pipe_are_whole)
{
	struct daemon *d;
	struct client *c[CLIENTS];
	char agent[LINE_BYTES], *text;
	unsigned lines = 0;

	memset(agent, 'u', sizeof(agent) - 1);
	agent[sizeof(agent) - 1] = '\0';
	make_fifo("fifo");
	d = daemon_start("log_format own '<$http_user_agent>';\n"
			 "server { access_log @DIR@/fifo own;\n"
			 "route / { return 200 x; } }");
	for (int i = 0; i < CLIENTS; i++)
		c[i] = daemon_connect(d);
	for (int j = 0; j < EACH; j++)
		for (int i = 0; i < CLIENTS; i++)
			ck_assert_uint_eq(
			    client_get(c[i], "/",
				scratch_printf("User-Agent: %s\r\n", agent))
				->status,
			    200);
	/* 800 KB: the pipe has 64 of them, each worker keeps as much */
	wait_until(are_counted, d, "lost lines");
	text = read_fifo("fifo");
	for (char *at = text, *lf; *at != '\0'; at = lf + 1, lines++) {
		lf = strchr(at, '\n');
		ck_assert_ptr_nonnull(lf);
		ck_assert_int_eq(lf - at, LINE_BYTES - 1 + 2);
		ck_assert_int_eq(at[0], '<');
		ck_assert_int_eq(lf[-1], '>');
	}
	ck_assert_uint_ge(lines, 50);
	daemon_stop(d);
}
END_TEST

static bool
all_are_counted(void *daemon)
{
	return metrics_sum(daemon_metrics(daemon),
		   "baton_worker_log_lines_lost_total") == 10;
}

START_TEST(a_full_disk_costs_lines_and_nothing_else)
{
	struct daemon *d = daemon_start("server { access_log /dev/full;\n"
					"access_log @DIR@/a.log;\n"
					"route / { return 200 x; } }");
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(client_get(c, "/", "")->status, 200);
	wait_until(all_are_counted, d, "lost lines");
	await_text("a.log", "GET");
	ck_assert_uint_eq(count(scratch_read("a.log", NULL), "\n"), 10);
	daemon_stop(d);
}
END_TEST

static bool
is_there(void *name)
{
	return scratch_exists(name);
}

/* All of them are opened again, and two confs in turn do not mix them up. */
START_TEST(all_are_reopened)
{
	static const char *const names[] = { "a.log", "b.log", "c.log" };
	struct daemon *d = daemon_start(
	    "log_format own '$host $uri';"
	    "server { name a; access_log @DIR@/a.log own;"
	    "  route / { return 200 x; } }"
	    "server { name b; access_log @DIR@/b.log own;"
	    "  access_log @DIR@/c.log own; route / { return 200 x; } }");
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    rename(scratch_path(names[i]),
			scratch_printf("%s.1", scratch_path(names[i]))),
		    0);
	kill(d->pid, SIGUSR1);
	for (int i = 0; i < 3; i++)
		wait_until(is_there, (void *)(uintptr_t)names[i], names[i]);
	/* they are dealt behind what tells the workers */
	for (int i = 0; i < 4; i++) {
		c = daemon_connect(d);
		client_expect(c, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", 200);
		client_expect(c, "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n", 200);
	}
	daemon_stop(d);
	ck_assert_str_eq(
	    scratch_read("a.log", NULL), "a /1\na /1\na /1\na /1\n");
	ck_assert_str_eq(
	    scratch_read("b.log", NULL), "b /2\nb /2\nb /2\nb /2\n");
	ck_assert_str_eq(
	    scratch_read("c.log", NULL), "b /2\nb /2\nb /2\nb /2\n");
	ck_assert_str_eq(scratch_read("a.log.1", NULL), "");
}
END_TEST

static bool
stderr_has_line(void *daemon)
{
	return strstr(daemon_stderr(daemon), "in-the-stream 200\n") != NULL;
}

/* As containers want it; the error log may be the same stream. */
START_TEST(to_a_stream)
{
	struct daemon *d = daemon_start("log_format own '$uri $status';"
					"server { access_log stderr own;"
					"route / { return 200 x; } }");

	client_get(daemon_connect(d), "/in-the-stream", "");
	wait_until(stderr_has_line, d, "a line on stderr");
	daemon_stop(d);
}
END_TEST

START_TEST(errors_to_syslog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *path = scratch_path("log");
	struct daemon *d;
	char text[4096];
	bool master = false, worker = false;

	strcpy(addr.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	d = daemon_start("error_log syslog:@DIR@/log info;\n"
			 "server { route / { return 200 x; } }");
	kill(d->pid, SIGHUP); /* an old worker has something to say */
	while (!master || !worker) {
		ssize_t n;

		ck_assert_int_ne(
		    wait_for(fd, 1 /* POLLIN */, wait_deadline()), 0);
		n = recv(fd, text, sizeof(text) - 1, 0);
		ck_assert_int_gt(n, 0);
		text[n] = '\0';
		MATCHES(text,
		    "^<(30|28|27)>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} "
		    "baton\\[[0-9]+\\]: (master|worker [0-9]+)[:,]");
		master |= strstr(text, ": master: ") != NULL;
		worker |= strstr(text, ": worker ") != NULL;
	}
	client_get(daemon_connect(d), "/", "");
	daemon_stop(d);
	close(fd);
}
END_TEST

BT_SYSTEM_SUITE(logs)
{
	TCase *tc = bt_system_case(s, "formats");

	tcase_add_test(tc, one_for_each_place);
	tcase_add_test(tc, json);
	tcase_add_test(tc, request_ids_are_the_same);
	tcase_add_loop_test(tc, own_formats, 0, BT_ROWS(formats));
	tc = bt_system_case(s, "places");
	tcase_add_test(tc, a_fifo_needs_no_reader);
	tcase_add_test(tc, lines_of_a_full_pipe_are_whole);
	tcase_add_test(tc, a_full_disk_costs_lines_and_nothing_else);
	tcase_add_test(tc, all_are_reopened);
	tcase_add_test(tc, to_a_stream);
	tcase_add_test(tc, errors_to_syslog);
}
