/*
 * The command line: each option does what baton -h says, failures exit with 1
 * and a message that helps, and checking leaves nothing behind.
 */

#include "tests/system/system.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define GOOD_SERVER "server { route / { return 200 \"hello\\n\"; } }\n"

static void
wants(const char *text, const char *part)
{
	ck_assert_msg(
	    strstr(text, part) != NULL, "wanted '%s' in:\n%.2000s", part, text);
}

/* The number of names in the scratch folder. */
static int
count_files(void)
{
	DIR *dir = opendir(scratch());
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* The long names that everybody tries first are known, too. */
START_TEST(version)
{
	struct spawn_result r = spawn_run_with(_i ? "--version" : "-V");

	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.out, "baton " BT_VERSION "\n");
	ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(help)
{
	static const char *const options[] = { "-c FILE", "-t", "-T", "-s",
		"reload", "upgrade", "reopen", "quit", "stop", "status",
		"-l ADDR:PORT", "-r DIR", "-V", "-h" };
	struct spawn_result r = spawn_run_with(_i ? "--help" : "-h");

	ck_assert_int_eq(r.status, 0);
	for (int i = 0; i < BT_ROWS(options); i++)
		wants(r.out, options[i]);
	ck_assert_str_eq(r.err, "");
}
END_TEST

static const struct {
	const char *args[5];
	const char *says;
} misuses[] = {
	{ { "-x" }, "-x" },
	{ { "-c" }, "-c" },
	{ { "-s" }, "-s" },
	{ { "-l", "127.0.0.1:1" }, "-r" },
	{ { "-r", "/tmp" }, "-l" },
	{ { "surplus" }, "usage" },
	{ { "surplus" }, "\"surplus\"" },
	{ { "reload" }, "did you mean -s reload" },
	{ { "--dance" }, "unknown option --dance" },
	{ { "-s", "dance" }, "dance" },
};

START_TEST(misuse)
{
	const char *args[8] = { NULL };
	const char *conf = daemon_write_conf("good.conf", GOOD_SERVER, 1);
	struct spawn_result r;
	size_t n = 0;

	while (misuses[_i].args[n] != NULL) {
		args[n] = misuses[_i].args[n];
		n++;
	}
	if (n == 2 && strcmp(args[0], "-s") == 0) {
		args[n++] = "-c";
		args[n++] = conf;
	}
	r = spawn_run(args);
	ck_assert_int_ne(r.status, 0);
	ck_assert_str_eq(r.out, "");
	wants(r.err, misuses[_i].says);
}
END_TEST

START_TEST(missing_conf)
{
	const char *path = scratch_path("none.conf");
	struct spawn_result r = spawn_run_with("-t", "-c", path);

	ck_assert_int_eq(r.status, 1);
	wants(r.err, path);
	wants(r.err, "No such file");
	r = spawn_run_with("-c", path);
	ck_assert_int_eq(r.status, EX_CONFIG);
	wants(r.err, path);
}
END_TEST

/* Port 1 and folders that do not exist: nothing of it is touched. */
START_TEST(check_good)
{
	const char *conf = daemon_write_conf("good.conf",
	    "pid_file /nonexistent/a.pid;\ncontrol /nonexistent/a.sock;\n"
	    "server { listen 192.0.2.1:1; route / { root /nonexistent; } "
	    "}\n" GOOD_SERVER,
	    1);
	int before = count_files();
	struct spawn_result r = spawn_run_with("-t", "-c", conf);

	ck_assert_msg(r.status == 0, "%s", r.err);
	ck_assert_int_eq(count_files(), before + 2); /* its stdout and stderr */
}
END_TEST

static const struct {
	const char *conf;
	unsigned line, column; /* column 0: any */
	const char *says;
} bad_confs[] = {
	{ "workres 2;\nserver { listen 1; }\n", 1, 1, "workers" },
	{ "workers 2;\nworkers 3;\nserver { listen 1; }\n", 2, 1, "workers" },
	{ "workers 100000;\nserver { listen 1; }\n", 1, 9, "100000" },
	{ "workers two;\nserver { listen 1; }\n", 1, 9, "two" },
	{ "workers 2\nserver { listen 1; }\n", 0, 0, ";" },
	{ "server {\n\tlisten 1;\n\tworkers 2;\n}\n", 3, 2, "workers" },
	{ "server {\n\tlisten 1;\n", 1, 0, "never closed" },
	{ "server {\n\tlisten 1;\n\troute / { return 200 \"x; }\n}\n", 3, 0,
	    "quote" },
	{ "server {\n\tlisten 1;\n\troute / { return 999; }\n}\n", 3, 0,
	    "999" },
	{ "server {\n\tlisten nowhere:80;\n}\n", 2, 9, "nowhere" },
	{ "keepalive_timeout 5parsecs;\nserver { listen 1; }\n", 1, 0,
	    "5parsecs" },
	{ "include /nonexistent.conf;\nserver { listen 1; }\n", 1, 0,
	    "/nonexistent.conf" },
	{ "}\nserver { listen 1; }\n", 1, 1, "}" },
};

/* file:line:column: what, the line, and a caret under the column. */
START_TEST(check_bad)
{
	const char *path = scratch_text("bad.conf", bad_confs[_i].conf);
	struct spawn_result r = spawn_run_with("-t", "-c", path);
	const char *caret;

	ck_assert_int_eq(r.status, 1);
	ck_assert_str_eq(r.out, "");
	wants(r.err, scratch_printf("%s:", path));
	if (bad_confs[_i].line > 0)
		wants(
		    r.err, scratch_printf("%s:%u:", path, bad_confs[_i].line));
	if (bad_confs[_i].column > 0)
		wants(r.err,
		    scratch_printf("%s:%u:%u: ", path, bad_confs[_i].line,
			bad_confs[_i].column));
	wants(r.err, bad_confs[_i].says);
	caret = strchr(r.err, '^');
	ck_assert_msg(caret != NULL, "no caret:\n%s", r.err);
	ck_assert_msg(strspn(caret, "^~\n") >= 1, "%s", r.err);
	/* the same conf does not start, and says the same */
	r = spawn_run_with("-c", path);
	ck_assert_int_eq(r.status, EX_CONFIG);
	wants(r.err, bad_confs[_i].says);
}
END_TEST

/*
 * In the journal they are errors, and the caret is still below its word: at the
 * start, and in ExecReload=.
 */
START_TEST(bad_conf_in_the_journal)
{
	const char *path = scratch_text("bad.conf", "\tworkres 2;\n");
	const char *start[] = { "-c", path, NULL };
	const char *reload[] = { "-s", "reload", "-c", path, NULL };
	struct spawn s = { .args = _i ? reload : start,
		.out = "out",
		.err = "err",
		.journal = true };

	ck_assert_int_eq(WEXITSTATUS(wait_exit(spawn_start(&s), "baton")),
	    _i ? 1 : EX_CONFIG);
	ck_assert_str_eq(scratch_read("err", NULL),
	    scratch_printf("<3>%s:1:2: unknown directive \"workres\", did you "
			   "mean \"workers\"?\n"
			   "<3>        workres 2;\n"
			   "<3>        ^\n",
		path));
}
END_TEST

START_TEST(all_errors_in_one_go)
{
	const char *path = scratch_text("bad.conf",
	    "workres 2;\n"
	    "server {\n"
	    "\tlisten 127.0.0.1:8080;\n"
	    "\troute / { retrun 200; }\n"
	    "\tlisten nowhere;\n"
	    "}\n"
	    "header_timeout never;\n");
	struct spawn_result r = spawn_run_with("-t", "-c", path);

	ck_assert_int_eq(r.status, 1);
	wants(r.err, scratch_printf("%s:1:1: ", path));
	wants(r.err, scratch_printf("%s:4:12: ", path));
	wants(r.err, scratch_printf("%s:5:9: ", path));
	wants(r.err, scratch_printf("%s:7:16: ", path));
	wants(r.err, "return"); /* did you mean */
}
END_TEST

/* What -T prints is a conf, and means the same. */
START_TEST(dump)
{
	const char *conf = daemon_write_conf("good.conf",
	    "keepalive_timeout 1500ms;\nmax_body_size 12k;\n"
	    "server {\n"
	    "  name example.org *.example.net;\n"
	    "  add_header X-Quote \"a \\\"b\\\" \\\\ ; { }\" always;\n"
	    "  allow 10.0.0.0/8; deny all;\n"
	    "  route / { root /srv/www; index index.html index.htm; }\n"
	    "  route = /t { return 200 \"two\\nlines\\n\"; }\n"
	    "  route = /none { return 204; }\n"
	    "  route = /old { redirect 301 /new; }\n"
	    "  route /echo { echo; max_body_size 1g; }\n"
	    "}\n",
	    8080);
	struct spawn_result r = spawn_run_with("-T", "-c", conf), again;
	const char *copy;

	ck_assert_msg(r.status == 0, "%s", r.err);
	wants(r.out, "worker_connections"); /* defaults too */
	wants(r.out, "send_timeout");
	copy = scratch_text("copy.conf", r.out);
	again = spawn_run_with("-T", "-c", copy);
	ck_assert_msg(again.status == 0, "%s\nof\n%s", again.err, r.out);
	/* but for the first line, a comment that names the file */
	ck_assert_str_eq(strchr(again.out, '\n'), strchr(r.out, '\n'));
}
END_TEST

START_TEST(include_and_glob)
{
	struct daemon *d;
	struct client *c;

	scratch_text("sites/a.conf", "route = /a { return 200 \"a\"; }\n");
	scratch_text("sites/b.conf", "route = /b { return 200 \"b\"; }\n");
	d = daemon_start("server { include @DIR@/sites/*.conf; }");
	c = daemon_connect(d);
	reply_wants_text(client_get(c, "/a", ""), "a");
	reply_wants_text(client_get(c, "/b", ""), "b");
	daemon_stop(d);
}
END_TEST

START_TEST(quick_mode)
{
	struct daemon *d;
	struct client *c;

	scratch_text("site/index.html", "<p>quick\n");
	scratch_text("site/a b.txt", "spaced\n");
	d = daemon_start_args((const char *const[]){
	    "-l", "127.0.0.1:@PORT@", "-r", "@DIR@/site", NULL });
	c = daemon_connect(d);
	reply_wants_text(client_get(c, "/", ""), "<p>quick\n");
	reply_wants_text(client_get(c, "/a%20b.txt", ""), "spaced\n");
	ck_assert_uint_eq(client_get(c, "/none", "")->status, 404);
	client_close(c);
	daemon_stop(d);
}
END_TEST

START_TEST(quick_mode_errors)
{
	struct spawn_result r;

	r = spawn_run_with("-l", "nowhere:x", "-r", scratch());
	ck_assert_int_eq(r.status, 1);
	wants(r.err, "nowhere:x");
	r = spawn_run_with("-l", "127.0.0.1:1", "-r", "/nonexistent/folder");
	ck_assert_int_eq(r.status, 1);
	wants(r.err, "/nonexistent/folder");
}
END_TEST

START_TEST(port_in_use)
{
	unsigned port;
	int fd = daemon_listener("127.0.0.1", &port);
	const char *conf = daemon_write_conf("baton.conf", GOOD_SERVER, port);
	struct spawn_result r = spawn_run_with("-c", conf);

	ck_assert_int_eq(r.status, 1);
	wants(r.err, scratch_printf("127.0.0.1:%u", port));
	wants(r.err, "in use");
	ck_assert(!scratch_exists("baton.pid"));
	ck_assert(!scratch_exists("baton.sock"));
	ck_assert(!scratch_exists("admin.sock"));
	close(fd);
}
END_TEST

START_TEST(ask_nobody)
{
	static const char *const verbs[] = { "status", "quit", "stop", "reopen",
		"reload" };
	const char *conf = daemon_write_conf("baton.conf", GOOD_SERVER, 1);
	struct spawn_result r = spawn_run_with("-s", verbs[_i], "-c", conf);

	ck_assert_int_eq(r.status, 1);
	wants(r.err, scratch_path("baton.sock"));
}
END_TEST

/* A socket file without anybody behind it is a message, too, not a hang. */
START_TEST(ask_the_dead)
{
	struct daemon *d = daemon_start(GOOD_SERVER);
	struct spawn_result r;

	daemon_kill(d);
	ck_assert(scratch_exists("baton.sock"));
	r = spawn_run_with("-s", "status", "-c", d->conf);
	ck_assert_int_eq(r.status, 1);
	wants(r.err, scratch_path("baton.sock"));
}
END_TEST

START_TEST(ask_status)
{
	struct daemon *d = daemon_start(GOOD_SERVER);
	struct spawn_result r = spawn_run_with("-s", "status", "-c", d->conf);

	ck_assert_msg(r.status == 0, "%s", r.err);
	wants(r.out, scratch_printf("%d", (int)d->pid));
	daemon_stop(d);
}
END_TEST

/* Whoever is amid editing the conf file can still rotate logs, and stop. */
START_TEST(ask_with_a_wrong_conf)
{
	static const char *const verbs[] = { "status", "reopen", "reload",
		"upgrade", "quit" };
	struct daemon *d = daemon_start(GOOD_SERVER);
	const char *conf = daemon_write_conf(
	    "wrong.conf", "workres 2;\nserver { listen 1 route / {\n", 1);

	for (int i = 0; i < BT_ROWS(verbs); i++) {
		bool refused = i == 2 || i == 3;
		struct spawn_result r =
		    spawn_run_with("-s", verbs[i], "-c", conf);

		ck_assert_msg(r.status == refused, "%s: %s", verbs[i], r.err);
		wants(r.err, refused ? "unknown directive" : "is wrong now");
	}
	daemon_ended(d, 0);
}
END_TEST

/* They wait for the outcome: then nobody is there any more. */
START_TEST(ask_for_the_end)
{
	static const char *const verbs[] = { "quit", "stop" };
	struct daemon *d = daemon_start(GOOD_SERVER);
	struct client *c = daemon_connect(d);
	struct spawn_result r;

	client_expect(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	if (_i == 1) { /* `stop` may cut what is open, and say so */
		client_close(c);
		daemon_check_ledger(d);
		client_close_all();
	}
	r = spawn_run_with("-s", verbs[_i], "-c", d->conf);
	ck_assert_msg(r.status == 0, "%s", r.err);
	ck_assert_msg(
	    !scratch_exists("baton.sock"), "the control socket is left");
	ck_assert_msg(!scratch_exists("baton.pid"), "the pid file is left");
	if (_i == 0)
		client_expect_eof(c);
	daemon_ended(d, 0);
}
END_TEST

/* As in a container, where nobody made /run/baton before. */
START_TEST(a_folder_in_run_is_made)
{
	struct daemon *d =
	    daemon_start("pid_file @DIR@/run/baton.pid;\n" GOOD_SERVER);
	char text[32];

	snprintf(text, sizeof(text), "%d\n", (int)d->pid);
	ck_assert_str_eq(scratch_read("run/baton.pid", NULL), text);
	daemon_stop(d);
}
END_TEST

/* A guard is one by its name as soon as it runs, which nobody waits for. */
static bool
are_two_of_each(void *daemon)
{
	const struct daemon *d = daemon;
	pid_t children[PROC_CHILDREN_MAX];
	size_t n = proc_children(d->pid, children), workers = 0, guards = 0;
	char line[256];

	for (size_t i = 0; i < n; i++) {
		proc_command(children[i], line, sizeof(line));
		workers += strncmp(line, "baton: worker ", 14) == 0;
		guards += strncmp(line, "baton: guard ", 13) == 0;
	}
	return workers == 2 && guards == 2;
}

/* What ps and `systemctl status` show tells them apart. */
START_TEST(processes_say_who_they_are)
{
	struct daemon *d = daemon_start("workers 2;\n" GOOD_SERVER);
	char line[256];

	wait_until(are_two_of_each, d, "two workers and two guards");
	proc_command(d->pid, line, sizeof(line));
	wants(line, "/baton");
	daemon_stop(d);
}
END_TEST

/*
 * A file system that remembers no name which is not there, as tmpfs, cannot say
 * without waiting that one is missing.
 */
START_TEST(a_missing_folder_is_404)
{
	struct daemon *d = daemon_start(
	    "server { route / { root /dev/shm/baton-has-none; } }");
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(client_get(c, "/", "")->status, 404);
	daemon_stop(d);
}
END_TEST

/* Not once by each worker; again by the next generation. */
START_TEST(a_missing_folder_is_said_once)
{
	struct daemon *d =
	    daemon_start("workers 3;\nserver { route / { root @DIR@/none; } }");
	const char *said = "route /: root ";
	const char *first, *second;

	ck_assert_uint_eq(client_get(daemon_connect(d), "/", "")->status, 404);
	first = strstr(daemon_stderr(d), said);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, said));
	daemon_reload(d);
	first = strstr(daemon_stderr(d), said);
	second = strstr(first + 1, said);
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_null(strstr(second + 1, said));
	daemon_stop(d);
}
END_TEST

/* The second one must neither start nor break the first one's socket. */
START_TEST(second_on_the_same_control_socket)
{
	struct daemon *d = daemon_start(GOOD_SERVER);
	const char *conf = daemon_write_conf("second.conf",
	    "pid_file @DIR@/second.pid;\n"
	    "server { listen unix:@DIR@/second.sock; }\n",
	    1);
	struct spawn_result r = spawn_run_with("-c", conf);

	ck_assert_int_eq(r.status, 1);
	wants(r.err, scratch_path("baton.sock"));
	ck_assert(!scratch_exists("second.pid"));
	r = spawn_run_with("-s", "status", "-c", d->conf);
	ck_assert_msg(r.status == 0, "%s", r.err);
	client_expect(
	    daemon_connect(d), "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

/* After a crash the socket file is still there: that does not lock us out. */
START_TEST(start_after_a_crash)
{
	struct daemon *d = daemon_start(GOOD_SERVER), *next;

	daemon_kill(d);
	unlink(scratch_path("notify.sock"));
	next = daemon_start(GOOD_SERVER);
	client_expect(
	    daemon_connect(next), "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	daemon_stop(next);
}
END_TEST

BT_SYSTEM_SUITE(cli)
{
	TCase *tc = bt_system_case(s, "options");

	tcase_add_loop_test(tc, version, 0, 2);
	tcase_add_loop_test(tc, help, 0, 2);
	tcase_add_loop_test(tc, misuse, 0, BT_ROWS(misuses));
	tc = bt_system_case(s, "conf");
	tcase_add_test(tc, missing_conf);
	tcase_add_test(tc, check_good);
	tcase_add_loop_test(tc, check_bad, 0, BT_ROWS(bad_confs));
	tcase_add_loop_test(tc, bad_conf_in_the_journal, 0, 2);
	tcase_add_test(tc, all_errors_in_one_go);
	tcase_add_test(tc, dump);
	tcase_add_test(tc, include_and_glob);
	tc = bt_system_case(s, "quick");
	tcase_add_test(tc, quick_mode);
	tcase_add_test(tc, quick_mode_errors);
	tcase_add_test(tc, port_in_use);
	tc = bt_system_case(s, "control");
	tcase_add_loop_test(tc, ask_nobody, 0, 5);
	tcase_add_test(tc, ask_the_dead);
	tcase_add_test(tc, ask_status);
	tcase_add_test(tc, ask_with_a_wrong_conf);
	tcase_add_loop_test(tc, ask_for_the_end, 0, 2);
	tcase_add_test(tc, second_on_the_same_control_socket);
	tcase_add_test(tc, start_after_a_crash);
	tc = bt_system_case(s, "what is shown");
	tcase_add_test(tc, a_folder_in_run_is_made);
	tcase_add_test(tc, processes_say_who_they_are);
	tcase_add_test(tc, a_missing_folder_is_404);
	tcase_add_test(tc, a_missing_folder_is_said_once);
}
