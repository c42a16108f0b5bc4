/*
 * Suspended conversations: in every store, on any worker, through whatever
 * happens to the server; and the attacks that worked on the model.
 */

#include "tests/system/system.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUTE(path, chain) \
	"  route " path " { app @BUILD@/test-apps/probe.so; " \
	"continuations " chain "; }\n"
#define SERVER \
	"server {\n" ROUTE("/url", "url") ROUTE("/memory", "memory 1m") ROUTE( \
	    "/disk", "disk @DIR@/store") ROUTE("/chain", \
	    "url 200, disk @DIR@/store") ROUTE("/spill", \
	    "memory 1m, disk @DIR@/store") "  route /other { app " \
					   "@BUILD@/test-apps/other.so; " \
					   "continuations url, memory 1m; }\n" \
					   "}\n"

static const char *const stores[] = { "/url", "/memory", "/disk" };
enum { STORES = sizeof(stores) / sizeof(stores[0]) };

static const char *
get(const char *target)
{
	return scratch_printf(
	    "GET %s HTTP/1.1\r\nHost: t.example\r\n\r\n", target);
}

/* The URL that stands behind `name=` in a content. */
static const char *
url_of(const struct reply *r, const char *name)
{
	const char *at = strstr(r->content, scratch_printf("%s=/", name));

	ck_assert_msg(at != NULL, "no %s in: %s", name, r->content);
	at += strlen(name) + 1;
	return scratch_printf("%.*s", (int)strcspn(at, "\n"), at);
}

/* Begins a conversation; returns the URL of one of its continuations. */
static const char *
suspend(
    struct client *c, const char *store, const char *query, const char *name)
{
	return url_of(
	    client_expect(
		c, get(scratch_printf("%s/suspend?%s", store, query)), 200),
	    name);
}

static const char *
token_of(const char *url)
{
	return strstr(url, "c=") + 2;
}

static void
wants(struct client *c, const char *url, unsigned status, const char *text)
{
	struct reply *r = client_expect(c, get(url), status);

	ck_assert_msg(
	    text == NULL || strstr(r->content, text) != NULL, "%s", r->content);
}

/* --- what can be done with them --- */

START_TEST(any_worker_resumes)
{
	struct daemon *d = daemon_start("workers 3;\n" SERVER);
	struct client *c[6];

	for (unsigned i = 0; i < 6; i++) /* two on each worker */
		c[i] = daemon_connect(d);
	for (unsigned s = 0; s < STORES; s++) {
		const char *url = suspend(c[0], stores[s], "state=x17", "show");

		ck_assert_uint_lt(strlen(url), s == 0 ? 121 : 61);
		/* of the path that was asked for */
		ck_assert_ptr_eq(
		    strstr(url, scratch_printf("%s/suspend?c=", stores[s])),
		    url);
		for (unsigned i = 0; i < 6; i++)
			wants(c[i], url, 200, "state 3 x17 GET\n");
		/* and by POST, with a content */
		ck_assert_ptr_nonnull(
		    strstr(client_expect(c[1],
			       scratch_printf("POST %s HTTP/1.1\r\nHost: t\r\n"
					      "Content-Length: 3\r\n\r\nabc",
				   url),
			       200)
			       ->content,
			"x17 POST"));
	}
	daemon_stop(d);
}
END_TEST

static bool
is_answered(struct client *c, const char *url)
{
	return strstr(client_expect(c, get(url), 200)->content, "state 3 x17");
}

static bool
has_two_workers(void *d)
{
	pid_t workers[PROC_CHILDREN_MAX];

	return daemon_workers(d, workers) == 2;
}

START_TEST(they_outlive_the_workers)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *url[STORES];
	pid_t workers[PROC_CHILDREN_MAX];

	for (unsigned s = 0; s < STORES; s++)
		url[s] = suspend(c, stores[s], "state=x17", "show");
	daemon_reload(d);
	for (unsigned s = 0; s < STORES; s++)
		ck_assert(is_answered(c, url[s]));
	ck_assert_int_eq(
	    spawn_run_with("-s", "upgrade", "-c", d->conf).status, 0);
	for (unsigned s = 0; s < STORES; s++)
		ck_assert(is_answered(c, url[s]));
	client_close(c);
	wait_until(has_two_workers, d, "the end of the old workers");
	daemon_workers(d, workers);
	kill(workers[0], SIGKILL);
	kill(workers[1], SIGKILL);
	c = daemon_connect(d);
	for (unsigned s = 0; s < STORES; s++)
		ck_assert(is_answered(c, url[s]));
	daemon_stop(d);
}
END_TEST

/* With a key file, and on disk, they outlive the master too. */
START_TEST(they_outlive_the_master)
{
	const char *conf = scratch_printf("continuation_keys %s;\n" SERVER,
	    scratch_text("keys",
		"# one\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"));
	struct daemon *d;
	struct client *c;
	const char *url, *file;

	chmod(scratch_path("keys"), 0600);
	d = daemon_start(conf);
	c = daemon_connect(d);
	url = suspend(c, "/url", "state=x17", "show");
	file = suspend(c, "/disk", "state=x17", "show");
	daemon_stop(d);
	/* another key seals now, the first one still opens */
	scratch_text("keys",
	    "0011223344556677001122334455667700112233445566770011223344556677\n"
	    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n");
	d = daemon_start(conf);
	c = daemon_connect(d);
	ck_assert(is_answered(c, url));
	ck_assert(is_answered(c, file));
	url = suspend(c, "/url", "state=x17", "show");
	daemon_stop(d);
	scratch_text("keys", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n");
	d = daemon_start(conf);
	c = daemon_connect(d);
	wants(c, url, 400, NULL);
	daemon_stop(d);
}
END_TEST

START_TEST(forward_and_finish)
{
	const char *store = stores[_i];
	struct daemon *d = daemon_start(SERVER);
	struct client *a = daemon_connect(d), *b = daemon_connect(d);
	const char *first = suspend(a, store, "state=one", "show");
	const char *page = scratch_printf("%s/suspend?state=two", store);
	struct reply *r = client_expect(a, get(page), 200);
	const char *show = url_of(r, "show"), *forward = url_of(r, "forward"),
		   *next, *finish;

	r = client_expect(b, get(forward), 200);
	next = url_of(r, "show");
	finish = url_of(r, "finish");
	wants(a, show, 410, NULL); /* back is not possible … */
	wants(a, forward, 410, NULL);
	wants(a, next, 200, "forwarded"); /* … forward is */
	wants(b, next, 200, "forwarded");
	wants(a, first, 200, "one"); /* another conversation */
	wants(a, finish, 200, "finished");
	wants(b, next, 410, NULL);
	wants(b, finish, 410, NULL);
	daemon_reload(d);
	wants(b, next, 410, NULL);
	ck_assert_int_eq(
	    spawn_run_with("-s", "upgrade", "-c", d->conf).status, 0);
	wants(b, next, 410, NULL);
	wants(a, first, 200, "one");
	daemon_stop(d);
}
END_TEST

START_TEST(once_is_once)
{
	const char *store = stores[_i];
	struct daemon *d = daemon_start(SERVER);
	struct client *c[4];

	for (unsigned i = 0; i < 4; i++)
		c[i] = daemon_connect(d);
	for (unsigned round = 0; round < 20; round++) {
		const char *url = suspend(c[0], store, "state=a&once", "show");
		unsigned good = 0;

		for (unsigned i = 0; i < 4; i++)
			client_puts(c[i], get(url));
		for (unsigned i = 0; i < 4; i++) {
			unsigned status = client_read(c[i], "GET")->status;

			good += status == 200;
			ck_assert(status == 200 || status == 410);
		}
		ck_assert_uint_eq(good, 1);
	}
	daemon_stop(d);
}
END_TEST

static bool
is_over(void *arg)
{
	void **both = arg;

	return client_ask(both[0], get(both[1]))->status == 410;
}

START_TEST(lifetime_ends)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *url = suspend(c, "/url", "state=a&life=1", "show");
	void *both[] = { c, (void *)(uintptr_t)url };

	wait_until(is_over, both, "the end of its lifetime");
	/* and the next one is as good as the first */
	for (unsigned s = 0; s < STORES; s++)
		ck_assert(
		    is_answered(c, suspend(c, stores[s], "state=x17", "show")));
	daemon_stop(d);
}
END_TEST

START_TEST(bound_to_a_cookie)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	for (unsigned s = 0; s < STORES; s++) {
		const char *url = suspend(
		    c, stores[s], "state=x17&cookie=sid&set=42", "show");
		const char *with = "GET %s HTTP/1.1\r\nHost: t\r\n"
				   "Cookie: a=b; sid=%s\r\n\r\n";

		client_expect(c, get(url), 400);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		client_expect(c, scratch_printf(with, url, "43"), 400);
		client_expect(c, scratch_printf(with, url, "42"), 200);
#pragma GCC diagnostic pop
	}
	daemon_stop(d);
}
END_TEST

START_TEST(redirect_then_resume)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r =
	    client_expect(c, get("/url/suspend?state=x17&redirect"), 303);
	const char *url = scratch_printf("%s", reply_field(r, "Location"));

	ck_assert(is_answered(c, url));
	ck_assert(is_answered(c, url));
	daemon_stop(d);
}
END_TEST

/* A token in a form stands for one in the query. */
START_TEST(token_in_a_form)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	for (unsigned s = 0; s < STORES; s++) {
		const char *url = suspend(c, stores[s], "state=x17", "show");
		const char *content =
		    scratch_printf("a=1&c=%s&b=2", token_of(url));
		struct reply *r = client_expect(c,
		    scratch_printf("POST %s/form HTTP/1.1\r\nHost: t\r\n"
				   "Content-Type: "
				   "application/x-www-form-urlencoded\r\n"
				   "Content-Length: %zu\r\n\r\n%s",
			stores[s], strlen(content), content),
		    200);

		ck_assert_ptr_nonnull(strstr(r->content, "state 3 x17 POST"));
	}
	daemon_stop(d);
}
END_TEST

/* The application may answer what does not go on; the status stays. */
START_TEST(application_answers_lost_ones)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	wants(c, "/url/?hook&c=sAAAA", 400, "lost 0\n");
	wants(c, "/memory/?hook&c=rAAAAAAAAAAAAAAAAAAAAAA", 404, "lost 1\n");
	wants(c, "/url/?c=sAAAA", 400, "Bad Request");
	daemon_stop(d);
}
END_TEST

/* --- an application that changes --- */

START_TEST(outdated_ones_are_gone)
{
	const char *program = spawn_program();
	int folder = (int)(strrchr(program, '/') - program);
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_expect(c, get("/url/suspend?state=x17"), 200);
	const char *show = url_of(r, "show"), *forward = url_of(r, "forward"),
		   *finish = url_of(r, "finish");

	daemon_reload_with(d,
	    scratch_printf("server { route /url { app "
			   "%.*s/test-apps/probe_next.so; } }",
		folder, program));
	wants(c, show, 410, NULL);   /* a version that is too old */
	wants(c, finish, 410, NULL); /* no such function */
	wants(c, forward, 200, "next, version 0, 3 bytes\n");
	daemon_stop(d);
}
END_TEST

/* --- attacks --- */

/* Each byte of a token altered, and each length. */
START_TEST(altered_ones_are_refused)
{
	const char *store = stores[_i];
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *url = suspend(c, store, "state=x17", "show");
	size_t n = strlen(url), begin = (size_t)(token_of(url) - url);

	for (size_t i = begin; i < n; i++) {
		char *bad = scratch_printf("%s", url);
		unsigned status;

		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		status = client_ask(c, get(bad))->status;
		ck_assert_msg(
		    status == 400 || (_i > 0 && status == 404), "%s", bad);
		bad[i] = '\0';
		status = client_ask(c, get(bad))->status;
		if (i > begin)
			ck_assert_uint_eq(status, 400);
	}
	client_expect(c, get(scratch_printf("%sA", url)), 400);
	client_expect(c, get(scratch_printf("%s==", url)), 400);
	ck_assert(is_answered(c, url));
	client_expect(c, get(scratch_printf("%s%%00", url)), 400);
	daemon_stop(d);
}
END_TEST

START_TEST(of_another_application)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *url = suspend(c, "/url", "state=x17", "show");
	const char *name = suspend(c, "/memory", "state=x17", "show");

	client_expect(
	    c, get(scratch_printf("/other?c=%s", token_of(url))), 400);
	client_expect(
	    c, get(scratch_printf("/other?c=%s", token_of(name))), 404);
	/* the same application elsewhere is the same */
	ck_assert(
	    is_answered(c, scratch_printf("/memory/x/y?c=%s", token_of(url))));
	daemon_stop(d);
}
END_TEST

static const struct probe {
	const char *token;
	unsigned status;
} probes[] = {
	{ "", 200 }, /* none */
	{ "x", 400 },
	{ "s", 400 },
	{ "r", 400 },
	{ "r../../../../etc/passwd", 400 },
	{ "r..%2f..%2fetc%2fpasswd", 400 },
	{ "rAAAAAAAAAAAAAAAAAAAAAA", 404 },
	{ "rAAAAAAAAAAAAAAAAAAAAAB", 400 }, /* not the text of any name */
	{ "module:function", 400 },
	{ "s%73", 400 },
};

START_TEST(others_are_refused)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	for (unsigned s = 0; s < STORES; s++) {
		r = client_expect(c,
		    get(scratch_printf(
			"%s/?c=%s", stores[s], probes[_i].token)),
		    probes[_i].status);
		/* nothing of where and how is told */
		ck_assert_ptr_null(strstr(r->content, "store"));
		ck_assert_ptr_null(strstr(r->content, ".so"));
	}
	daemon_stop(d);
}
END_TEST

START_TEST(random_ones_are_refused)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				     "mnopqrstuvwxyz0123456789-_";
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	srandom(7);
	for (unsigned i = 0; i < 3000; i++) {
		char token[130];
		size_t n = i % 2 ? 22 : (size_t)random() % 120;
		unsigned status;

		token[0] = "srz"[random() % 3];
		for (size_t k = 0; k < n; k++)
			token[1 + k] = digits[random() % 64];
		token[1 + n] = '\0';
		status = client_ask(c,
		    get(scratch_printf("%s/?c=%s", stores[i % STORES], token)))
			     ->status;
		ck_assert_msg(status == 400 || status == 404, "%s", token);
		scratch_free(NULL);
	}
	daemon_stop(d);
}
END_TEST

/* What would not fit into a request line is not put into a URL. */
START_TEST(urls_are_never_too_long)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *url;

	/* in the URL as long as it is short, then on disk */
	url = suspend(c, "/chain", "state=ab", "show");
	ck_assert_int_eq(token_of(url)[0], 's');
	url = suspend(c, "/chain", "state=0123456789abcdef&times=3000", "show");
	ck_assert_int_eq(token_of(url)[0], 'r');
	wants(c, url, 200, "state 48000 0123456789abcdef");
	/* nothing that can take it, said so */
	client_expect(c,
	    get("/url/suspend?state=q8w3e7r1t5y9u2i4o6p0a1s3d5f7&times=2100"),
	    200); /* it compresses */
	wants(c, "/url/suspend?state=a&times=70000", 500, NULL);
	daemon_stop(d);
}
END_TEST

/* Under pressure the oldest go, one by one, to the disk if there is one. */
START_TEST(memory_pressure)
{
	enum { N = 400 };
	/* where one chain has a disk behind the memory, all of it has */
	const char *store = _i == 0 ? "/memory" : "/spill";
	struct daemon *d = daemon_start(_i == 0
		? "workers 1;\nserver {\n" ROUTE("/memory", "memory 1m") "}\n"
		: "workers 1;\n" SERVER);
	struct client *c = daemon_connect(d);
	const char *url[N];
	unsigned good = 0;

	for (unsigned i = 0; i < N; i++)
		url[i] = suspend(c, store,
		    scratch_printf("state=%03u7890123456&times=1000", i),
		    "show");
	for (unsigned i = 0; i < N; i++) {
		struct reply *r = client_ask(c, get(url[i]));

		good += r->status == 200;
		ck_assert(r->status == 200 || r->status == 404);
		ck_assert(r->status == 404 ||
		    strstr(r->content, scratch_printf("%03u78", i)) != NULL);
	}
	/* three of 13 KB each time: 1 MiB has room for about 26 times that */
	if (_i == 0)
		ck_assert_msg(good >= 15 && good <= 30, "%u", good);
	else
		ck_assert_uint_eq(good, N);
	ck_assert_uint_eq(
	    client_ask(c, get(url[N - 1]))->status, 200); /* the newest */
	daemon_stop(d);
}
END_TEST

/* Calls `fn` with the path of each record on disk. */
static unsigned
each_file(void (*fn)(const char *path))
{
	DIR *store = opendir(scratch_path("store"));
	struct dirent *e, *f;
	unsigned n = 0;

	ck_assert_ptr_nonnull(store);
	while ((e = readdir(store)) != NULL) {
		const char *path =
		    scratch_printf("%s/%s", scratch_path("store"), e->d_name);
		DIR *folder = e->d_name[0] != '.' ? opendir(path) : NULL;

		while (folder != NULL && (f = readdir(folder)) != NULL)
			if (f->d_name[0] != '.') {
				fn(scratch_printf("%s/%s", path, f->d_name));
				n++;
			}
		if (folder != NULL)
			closedir(folder);
	}
	closedir(store);
	return n;
}

static void
cut_file(const char *path)
{
	ck_assert_int_eq(truncate(path, 30), 0);
}

static void
flip_file(const char *path)
{
	FILE *f = fopen(path, "r+");

	fseek(f, -1, SEEK_END);
	fputc('~', f);
	fclose(f);
}

static void
link_file(const char *path)
{
	unlink(path);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
}

static void (*const damages[])(
    const char *) = { cut_file, flip_file, link_file };

START_TEST(damaged_files_are_none)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *url = suspend(c, "/disk", "state=x17", "show");

	ck_assert_uint_eq(each_file(damages[_i]), 3);
	wants(c, url, 404, NULL);
	wants(c, url, 404, NULL);
	url = suspend(c, "/disk", "state=x17", "show");
	ck_assert(is_answered(c, url));
	daemon_stop(d);
}
END_TEST

/* A disk that cannot be written: 503, and the rest goes on. */
START_TEST(disk_that_fails)
{
	struct daemon *d;
	struct client *c;

	scratch_text("store", "a file where the folder should be");
	d = daemon_start(SERVER);
	c = daemon_connect(d);
	reply_wants(client_expect(c, get("/disk/suspend?state=a"), 503),
	    "Retry-After", "1");
	wants(c, "/disk/?c=rAAAAAAAAAAAAAAAAAAAAAA", 404, NULL);
	ck_assert(is_answered(c, suspend(c, "/url", "state=x17", "show")));
	daemon_stop(d);
}
END_TEST

/* Who could read them in a log could follow them. */
START_TEST(no_log_has_them)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const char *url[STORES];

	for (unsigned s = 0; s < STORES; s++) {
		url[s] = suspend(c, stores[s], "state=x17", "show");
		ck_assert(is_answered(c, url[s]));
		client_expect(c,
		    scratch_printf("GET /other HTTP/1.1\r\nHost: t\r\n"
				   "Referer: http://t%s\r\n\r\n",
			url[s]),
		    200);
	}
	daemon_stop(d);
	for (unsigned s = 0; s < STORES; s++) {
		const char *log = scratch_read("access.log", NULL);

		ck_assert_ptr_null(strstr(log, token_of(url[s])));
		ck_assert_ptr_nonnull(strstr(log, "?c=***********"));
	}
}
END_TEST

START_TEST(metrics_count_them)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	const struct metrics *m;

	for (unsigned s = 0; s < STORES; s++)
		is_answered(c, suspend(c, stores[s], "state=x17", "show"));
	client_expect(c, get("/url?c=sAAAA"), 400);
	m = daemon_metrics(d);
	ck_assert(metrics_where(m, "baton_worker_continuations_suspended_total",
		      "store", "url") == 3);
	ck_assert(metrics_where(m, "baton_worker_continuations_suspended_total",
		      "store", "disk") == 3);
	ck_assert(metrics_where(m, "baton_worker_continuations_resumed_total",
		      "store", "memory") == 1);
	ck_assert(metrics_where(m, "baton_worker_continuations_lost_total",
		      "reason", "bad") == 1);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(continuations)
{
	TCase *tc = bt_system_case(s, "verbs");

	tcase_add_test(tc, any_worker_resumes);
	tcase_add_test(tc, they_outlive_the_workers);
	tcase_add_test(tc, they_outlive_the_master);
	tcase_add_loop_test(tc, forward_and_finish, 0, STORES);
	tcase_add_loop_test(tc, once_is_once, 0, STORES);
	tcase_add_test(tc, lifetime_ends);
	tcase_add_test(tc, bound_to_a_cookie);
	tcase_add_test(tc, redirect_then_resume);
	tcase_add_test(tc, token_in_a_form);
	tcase_add_test(tc, application_answers_lost_ones);
	tcase_add_test(tc, outdated_ones_are_gone);
	tc = bt_system_case(s, "attacks");
	tcase_add_loop_test(tc, altered_ones_are_refused, 0, STORES);
	tcase_add_test(tc, of_another_application);
	tcase_add_loop_test(tc, others_are_refused, 0, BT_ROWS(probes));
	tcase_add_test(tc, random_ones_are_refused);
	tcase_add_test(tc, urls_are_never_too_long);
	tcase_add_loop_test(tc, memory_pressure, 0, 2);
	tcase_add_loop_test(tc, damaged_files_are_none, 0, BT_ROWS(damages));
	tcase_add_test(tc, disk_that_fails);
	tcase_add_test(tc, no_log_has_them);
	tcase_add_test(tc, metrics_count_them);
}
