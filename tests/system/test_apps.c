/*
 * Applications: what tests/apps/probe.c asks of the API, seen from outside; and
 * what happens to them, and to everybody else, when one is wrong.
 */

#include "tests/system/system.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APP(more) \
	"workers 1;\n" \
	"server {\n" \
	"  route / { app @BUILD@/test-apps/probe.so { greeting hi; } }\n" \
	"  route /below { app @BUILD@/test-apps/probe.so; }\n" \
	"  route /refuses { app @BUILD@/test-apps/probe.so { greeting no; } " \
	"}\n" \
	"  route = /plain { return 200 plain; }\n" more "}\n"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: t.example\r\n\r\n"

#define FORM(target, more, text) \
	"POST " target " HTTP/1.1\r\nHost: t\r\nContent-Type: " \
	"application/x-www-form-urlencoded" more "\r\n@" text
#define PARTS(target, text) \
	"POST " target " HTTP/1.1\r\nHost: t\r\nContent-Type: " \
	"multipart/form-data; boundary=xyz\r\n@" text

/* The content behind @ gets its length. */
static const char *
with_length(const char *request)
{
	const char *at = strchr(request, '@');

	if (at == NULL)
		return request;
	return scratch_printf("%.*sContent-Length: %zu\r\n\r\n%s",
	    (int)(at - request), request, strlen(at + 1), at + 1);
}

/* --- routes, reading, answering --- */

static const struct row {
	const char *request;
	unsigned status;
	const char *text; /* a part of the content, or NULL */
	const char *field, *value;
} rows[] = {
	{ GET("/"), 200, "staged", "Content-Type",
	    "text/plain; charset=utf-8" },
	{ GET("/nowhere"), 404, NULL, NULL, NULL },
	{ GET("/read/7"), 200, "id=7\n", NULL, NULL },
	{ GET("/read/a%20b"), 200, "id=a b\n", NULL, NULL },
	{ GET("/read/here"), 200, "staged", NULL, NULL },
	{ GET("/read/7/"), 200, "more=\n", NULL, NULL },
	{ GET("/read/7/x/y%2Fz"), 200, "more=x/y", NULL, NULL },
	{ GET("/read/"), 404, NULL, NULL, NULL },
	{ GET("/below/read/7"), 200, "rest=/read/7\n", NULL, NULL },
	{ GET("/below"), 200, "staged", NULL, NULL },
	{ GET("/below/"), 200, "staged", NULL, NULL },
	{ GET("/belowx"), 404, NULL, NULL, NULL },
	{ GET("/read/7?q=a+b%26&q=2"), 200, "q=a b&\n", NULL, NULL },
	{ GET("/read/7?q"), 200, "q=\n", NULL, NULL },
	{ GET("/read/7?q=a%00b"), 200, "q=(none)\n", NULL, NULL },
	{ GET("/read/7?q=%c3%a4"), 200, "q=\xc3\xa4\n", NULL, NULL },
	{ GET("/read/7"), 200, "greeting=hi\nstarted=yes\n", NULL, NULL },
	{ GET("/refuses/read/7"), 500, NULL, NULL, NULL },
	{ GET("/below/read/7"), 200, "greeting=hello\n", NULL, NULL },
	{ GET("/read/7"), 200,
	    "host=t.example\nscheme=http\nclient=127.0.0.1\nuser=(none)", NULL,
	    NULL },
	{ "GET /read/7 HTTP/1.1\r\nHost: t\r\nCookie: a=1; sid=42; sid=43\r\n"
	  "X-Many: one\r\nx-many: two\r\n\r\n",
	    200, "cookie=42\n", NULL, NULL },
	{ "GET /read/7 HTTP/1.1\r\nHost: t\r\nX-Many: one\r\n"
	  "x-many: two\r\n\r\n",
	    200, "x-many=one\nx-many=two\n", NULL, NULL },
	{ "PURGE /read/7 HTTP/1.1\r\nHost: t\r\n\r\n", 200, "method=PURGE",
	    NULL, NULL },
	{ "TRACE /read/7 HTTP/1.1\r\nHost: t\r\n\r\n", 405, NULL, NULL, NULL },
	{ GET("/whole"), 405, NULL, "Allow", "POST, PUT, OPTIONS" },
	{ "OPTIONS /whole HTTP/1.1\r\nHost: t\r\n\r\n", 204, NULL, "Allow",
	    "POST, PUT, OPTIONS" },
	{ "DELETE / HTTP/1.1\r\nHost: t\r\n\r\n", 405, NULL, "Allow",
	    "GET, HEAD, OPTIONS" },
	{ "POST /whole HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc",
	    200, "3 294\n", NULL, NULL },
	{ "POST /whole HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked"
	  "\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
	    200, "3 294\n", NULL, NULL },
	{ "PUT /whole HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 200,
	    "0 0\n", NULL, NULL },
	/* forms */
	{ FORM("/form", "", "a=1&b=x+y%21&a=2"), 200, "a=1\na1=2\nb=x y!\n",
	    NULL, NULL },
	{ FORM("/form", "; charset=utf-8", "a"), 200,
	    "a=\na1=(none)\nb=(none)\n", NULL, NULL },
	{ "POST /form HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 200,
	    "a=(none)", NULL, NULL },
	{ PARTS("/form",
	      "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
	      "1\r\n--xy\r\n--xyz\r\n"
	      "content-disposition: form-data; name=file; "
	      "filename=\"C:\\dir\\f.txt\"\r\nContent-Type: text/x\r\n\r\n"
	      "some\r\ntext\r\n--xyz--\r\n"),
	    200, "a=1\r\n--xy\na1=(none)\nb=(none)\nfile=f.txt text/x 10 some",
	    NULL, NULL },
	{ GET("/fields"), 201, "good\n", "Set-Cookie",
	    "sid=42; Path=/; HttpOnly; SameSite=Lax" },
	{ GET("/fields"), 201, "good\n", "X-Good", "yes" },
	{ GET("/fields"), 201, "good\n", "X-Two", NULL },
	{ GET("/file"), 200, "23456", "Content-Length", "5" },
	{ GET("/redirect"), 303, NULL, "Location", "/elsewhere" },
	{ GET("/nothing"), 500, NULL, NULL, NULL },
	{ GET("/escaped?q=%22%3Cb%3E%27%26"), 200,
	    "title=\"&quot;&lt;b&gt;&#39;&amp;\">{\"q\":\"\\\"<b>'&\"}", NULL,
	    NULL },
	{ GET("/later"), 200, "later\n", NULL, NULL },
	{ GET("/work"), 200, "worked\n", NULL, NULL },
	{ GET("/work?ms=300&deadline=20"), 503, NULL, "Retry-After", "1" },
	{ GET("/block"), 200, "blocked\n", NULL, NULL },
	{ GET("/plain"), 200, "plain", NULL, NULL },
	/* stages: ours around theirs, answers in the opposite order */
	{ GET("/?stop"), 403, "stopped by a stage\n", NULL, NULL },
	{ GET("/staged?wait"), 200, "staged\n", NULL, NULL },
	{ GET("/staged?leave"), 202, "staged\n", NULL, NULL },
	{ GET("/staged?wait&leave"), 202, "staged\n", NULL, NULL },
};

/* Each on a connection of its own, which is kept, and then by byte. */
START_TEST(answers_are_these)
{
	struct daemon *d = daemon_start(APP(""));
	const struct row *row = &rows[_i];
	struct client *c = daemon_connect(d);
	const char *request = with_length(row->request);

	client_set_context(request);
	for (unsigned i = 0; i < 2; i++) {
		struct reply *r = client_expect(c, request, row->status);

		ck_assert_msg(
		    row->text == NULL || strstr(r->content, row->text) != NULL,
		    "%s: %s", row->request, r->content);
		if (row->field != NULL)
			reply_wants(r, row->field, row->value);
	}
	for (const char *p = request; *p != '\0'; p++)
		client_send(c, p, 1);
	ck_assert_uint_eq(
	    client_read(c, strncmp(row->request, "HEAD", 4) ? "GET" : "HEAD")
		->status,
	    row->status);
	daemon_stop(d);
}
END_TEST

START_TEST(head_has_no_content)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *c = daemon_connect(d);
	struct reply *r;

	r = client_expect(c, "HEAD /file HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	reply_wants(r, "Content-Length", "5");
	client_expect(c, "HEAD /numbers HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	client_expect(c, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

START_TEST(order_of_stages)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *c = daemon_connect(d);
	struct reply *r;
	const char *inner, *outer;

	r = client_expect(c, GET("/staged"), 200);
	inner = strstr(r->head, "X-Order: inner");
	outer = strstr(r->head, "X-Order: outer");
	ck_assert(inner != NULL && outer != NULL && inner < outer);
	daemon_stop(d);
}
END_TEST

/* --- contents --- */

START_TEST(contents_are_bounded)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *c = daemon_connect(d);

	client_puts(c,
	    "POST /whole HTTP/1.1\r\nHost: t\r\n"
	    "Content-Length: 100001\r\n\r\n");
	ck_assert_uint_eq(client_read(c, "POST")->status, 413);
	client_close(c);
	c = daemon_connect(d);
	client_puts(c,
	    "POST /whole HTTP/1.1\r\nHost: t\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n186a1\r\n");
	for (unsigned i = 0; i < 100; i++)
		client_send(c, scratch_alloc(1000), 1000);
	client_send(c, "x", 1);
	ck_assert_uint_eq(client_read(c, "POST")->status, 413);
	client_close(c);
	c = daemon_connect(d);
	client_expect(c, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

/* A streamed one, held up by the application, is whole. */
START_TEST(content_is_streamed)
{
	enum { BYTES = 3000000 };
	struct daemon *d = daemon_start("max_body_size 10m;\n" APP(""));
	struct client *c = daemon_connect(d);

	client_puts(c,
	    scratch_printf("POST /count HTTP/1.1\r\nHost: t\r\n"
			   "Content-Length: %d\r\n\r\n",
		BYTES));
	client_send(c, scratch_alloc(BYTES), BYTES);
	reply_wants_text(client_read(c, "POST"), "3000000 1\n");
	client_expect(c, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

static const struct refused {
	const char *request;
	unsigned status;
} refused[] = {
	{ "POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: text/plain\r\n@a=1",
	    415 },
	{ "POST /form HTTP/1.1\r\nHost: t\r\n@a=1", 415 },
	{ "POST /form HTTP/1.1\r\nHost: t\r\n"
	  "Content-Type: multipart/form-data\r\n@a=1",
	    400 },
	{ PARTS("/form", "--xyz\r\n"), 400 },
	{ PARTS("/form", "--xyz\r\n\r\n\r\n--xyz--\r\n"), 400 },
	{ PARTS("/form", "--xyzw\r\n"), 400 },
	{ PARTS("/form",
	      ""
	      "--xyz\r\nContent-Disposition: form-data; "
	      "name=a\r\n\r\ncut short"),
	    400 },
	{ PARTS("/form", "no delimiter at all"), 400 },
};

START_TEST(forms_that_are_none)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *c = daemon_connect(d);

	client_expect(c, with_length(refused[_i].request), refused[_i].status);
	client_close(c);
	c = daemon_connect(d);
	client_expect(c, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

/* Too many fields, too much in them. */
START_TEST(forms_are_bounded)
{
	struct daemon *d = daemon_start("max_body_size 8m;\n" APP(""));
	struct client *c = daemon_connect(d);
	char *many = scratch_alloc(4 * 1002 + 1);
	char *large = scratch_alloc(1200000 + 1);

	for (unsigned i = 0; i < 1002; i++)
		memcpy(many + 4 * i, "a=1&", 4);
	memset(large, 'x', 1200000);
	client_expect(
	    c, with_length(scratch_printf(FORM("/form", "", "%s"), many)), 413);
	client_close(c);
	c = daemon_connect(d);
	client_puts(c,
	    scratch_printf("POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: "
			   "application/x-www-form-urlencoded\r\n"
			   "Content-Length: 1200000\r\n\r\n"));
	client_send(c, large, 1200000);
	ck_assert_uint_eq(client_read(c, "POST")->status, 413);
	client_close(c);
	daemon_stop(d);
}
END_TEST

/* A large file, in pieces that the application holds up. */
START_TEST(files_are_streamed)
{
	enum { BYTES = 3000000 };
	const char *begin =
		       "--xyz\r\nContent-Disposition: form-data; name=file; "
		       "filename=f\r\n\r\n",
		   *end = "\r\n--xyz\r\nContent-Disposition: form-data; "
			  "name=a\r\n\r\n1\r\n--xyz--\r\n";
	struct daemon *d = daemon_start("max_body_size 8m;\n" APP(""));
	struct client *c = daemon_connect(d);
	char *bytes = scratch_alloc(BYTES);
	unsigned sum = 0;

	for (size_t i = 0; i < BYTES; i++)
		sum += (unsigned char)(bytes[i] = "\r\n--xy\r-"[i % 8]);
	client_puts(c,
	    scratch_printf("POST /upload HTTP/1.1\r\nHost: t\r\nContent-Type: "
			   "multipart/form-data; boundary=xyz\r\n"
			   "Content-Length: %zu\r\n\r\n%s",
		strlen(begin) + BYTES + strlen(end), begin));
	client_send(c, bytes, BYTES);
	client_puts(c, end);
	reply_wants_text(client_read(c, "POST"),
	    scratch_printf("a=1\n%d %u 1\n", BYTES, sum));
	client_expect(c, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

START_TEST(answer_is_streamed)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *c = daemon_connect(d);
	struct reply *r = client_expect(c, GET("/numbers"), 200);

	ck_assert(r->chunked);
	ck_assert_uint_eq(r->content_n, 588890);
	ck_assert_ptr_nonnull(strstr(r->content, "\n99999\n"));
	r = client_expect(c, "GET /numbers HTTP/1.0\r\n\r\n", 200);
	ck_assert(!r->chunked);
	daemon_stop(d);
}
END_TEST

START_TEST(events_are_sent)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *c = daemon_connect(d);
	struct reply *r = client_expect(c, GET("/events"), 200);

	reply_wants(r, "Content-Type", "text/event-stream");
	reply_wants(r, "Cache-Control", "no-store");
	reply_wants_text(r,
	    "id: 3\nevent: tick\ndata: one\ndata: two\n\n"
	    "id: 2\nevent: tick\ndata: one\ndata: two\n\n"
	    "id: 1\nevent: tick\ndata: one\ndata: two\n\n");
	client_expect(c, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

/* --- waiting --- */

static bool
was_counted(void *arg)
{
	const char *const *wanted = arg;
	struct client *c = (struct client *)(uintptr_t)wanted[0];

	return strstr(client_expect(c, GET("/counts"), 200)->content,
		   wanted[1]) != NULL;
}

static void
await_count(struct client *c, const char *text)
{
	const char *wanted[] = { (const char *)c, text };

	wait_until(was_counted, wanted, text);
}

START_TEST(exchanges_wait_for_each_other)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *a = daemon_connect(d), *b = daemon_connect(d);

	client_puts(a, GET("/wait"));
	client_expect(b, GET("/"), 200);
	while (strcmp(client_expect(b, GET("/wake"), 200)->content,
		   "1 0 0\n") != 0)
		;
	reply_wants_text(client_read(a, "GET"), "woken\n");
	client_expect(a, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

START_TEST(clients_that_go_are_told)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *a = daemon_connect(d), *b = daemon_connect(d);

	client_puts(a, GET("/wait"));
	while (
	    strncmp(client_expect(b, GET("/wake"), 200)->content, "1", 1) != 0)
		;
	client_read(a, "GET");
	client_puts(a, GET("/wait"));
	client_close(a);
	await_count(b, "gone=1 ");
	a = daemon_connect(d);
	client_puts(a, GET("/wait"));
	client_reset(a);
	await_count(b, "gone=2 ");
	daemon_stop(d);
}
END_TEST

/* What has not begun for a client that goes never begins; all is released. */
START_TEST(work_of_clients_that_go)
{
	struct daemon *d = daemon_start("offload_threads 1;\n" APP(""));
	struct client *busy = daemon_connect(d), *b = daemon_connect(d);

	client_puts(busy, GET("/work?ms=300"));
	for (unsigned i = 0; i < 20; i++) {
		struct client *c = daemon_connect(d);

		client_puts(c, GET("/work?ms=60000"));
		client_close(c);
	}
	await_count(b, "released=20 ");
	reply_wants_text(client_read(busy, "GET"), "worked\n");
	await_count(b, "released=21 ");
	daemon_stop(d);
}
END_TEST

/* The loop stays free while the threads burn. */
START_TEST(work_is_beside_the_loop)
{
	struct daemon *d = daemon_start("offload_threads 2;\n" APP(""));
	struct client *busy[4], *c = daemon_connect(d);

	for (unsigned i = 0; i < 4; i++) {
		busy[i] = daemon_connect(d);
		client_puts(busy[i], GET("/work?ms=500"));
	}
	for (unsigned i = 0; i < 50; i++)
		client_expect(c, GET("/"), 200);
	ck_assert_uint_eq(client_waiting(busy[0]), 0);
	for (unsigned i = 0; i < 4; i++)
		reply_wants_text(client_read(busy[i], "GET"), "worked\n");
	daemon_stop(d);
}
END_TEST

START_TEST(slow_functions_are_seen)
{
	struct daemon *d = daemon_start("slow_callback 10ms;\n" APP(""));
	struct client *c = daemon_connect(d);
	const char *said;

	client_expect(c, GET("/block"), 200);
	client_expect(c, GET("/block"), 200);
	client_expect(c, GET("/block"), 200);
	ck_assert(metrics_sum(daemon_metrics(d),
		      "baton_worker_slow_callbacks_total") >= 3);
	said = strstr(daemon_stderr(d), "\"GET /block\": a function took");
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_null(strstr(said + 1, "\"GET /block\": a function"));
	daemon_stop(d);
}
END_TEST

/* --- life --- */

/* One that crashes takes its worker; nobody else notices. */
START_TEST(crash_takes_one_worker)
{
	struct daemon *d = daemon_start("workers 2;\nserver { route / { app "
					"@BUILD@/test-apps/probe.so; } }");
	struct client *idle[16], *c = NULL;

	for (unsigned i = 0; i < 16; i++) {
		idle[i] = daemon_connect(d);
		client_expect(idle[i], GET("/"), 200);
	}
	c = daemon_connect(d);
	/* crash_rescue answers who asked for it */
	ck_assert_uint_eq(client_expect(c, GET("/crash"), 502)->closes, 1);
	for (unsigned i = 0; i < 16; i++)
		client_expect(idle[i], GET("/"), 200);
	daemon_stop(d);
}
END_TEST

/* Into app.so, which is written over where it is. */
static void
copy_app(const char *name)
{
	const char *program = spawn_program();
	int folder = (int)(strrchr(program, '/') - program);

	ck_assert_int_eq(system(scratch_printf("cat '%.*s/%s' > '%s'", folder,
			     program, name, scratch_path("app.so"))),
	    0);
}

START_TEST(reload_loads_the_new_file)
{
	const char *conf = "server { route / { app @DIR@/app.so; } }";
	struct spawn_result r;
	struct daemon *d;
	struct client *c;

	copy_app("apps/hello.so");
	d = daemon_start(conf);
	c = daemon_connect(d);
	reply_wants_text(client_expect(c, GET("/"), 200), "hello, world\n");
	/* written over while it is in use, by another one */
	copy_app("test-apps/probe.so");
	reply_wants_text(client_expect(c, GET("/"), 200), "hello, world\n");
	daemon_reload(d);
	reply_wants_text(client_expect(c, GET("/"), 200), "staged\n");
	/* by something else: refused, and the old one goes on */
	scratch_text("app.so", "this is no application");
	r = spawn_run_with("-s", "reload", "-c", d->conf);
	ck_assert_int_eq(r.status, 1);
	reply_wants_text(client_expect(c, GET("/"), 200), "staged\n");
	daemon_stop(d);
}
END_TEST

static bool
has_given_up(void *d)
{
	return strstr(
	    daemon_stderr(d), "it does not come back from being loaded");
}

/* While one hangs that a reload wants to load, everybody is served. */
START_TEST(reload_waits_beside_the_loop)
{
	struct daemon *d = daemon_start(APP(""));
	struct client *c = daemon_connect(d);

	daemon_rewrite(
	    d, "server { route / { app @BUILD@/test-apps/broken_hang.so; } }");
	kill(d->pid, SIGHUP);
	for (unsigned i = 0; i < 50; i++) {
		struct client *fresh = daemon_connect(d);

		client_expect(fresh, GET("/"), 200);
		client_expect(c, GET("/"), 200);
		client_close(fresh);
	}
	ck_assert(!has_given_up(d));
	wait_until(has_given_up, d, "the reload to be refused");
	client_expect(c, GET("/"), 200);
	daemon_stop(d);
}
END_TEST

static const struct wrong {
	const char *route, *error;
} wrongs[] = {
	{ "app @DIR@/none.so;", "No such file or directory" },
	{ "app @DIR@;", "it is not a file" },
	{ "app @DIR@/text.so;", "file too short" },
	{ "app @BUILD@/test-apps/broken_crash.so;",
	    "it crashes while it is loaded: SIGSEGV" },
	{ "app @BUILD@/test-apps/broken_exit.so;",
	    "it ends the process while it is loaded, status 3" },
	{ "app @BUILD@/test-apps/broken_route.so;",
	    "route \"GET users\": the path of a route begins with /" },
	{ "app @BUILD@/test-apps/broken_major.so;",
	    "it was built for version 99 of the API" },
	{ "app @BUILD@/test-apps/broken_none.so;",
	    "it does not define baton_app" },
	{ "app @BUILD@/test-apps/probe.so { greting hi; }",
	    "probe has no setting \"greting\", did you mean \"greeting\"?" },
	{ "app @BUILD@/test-apps/probe.so { limit 2m; }",
	    "limit must be from 1 to 1m, not \"2m\"" },
	{ "app @BUILD@/test-apps/probe.so { pause soon; }", "pause: " },
	{ "app @BUILD@/test-apps/probe.so; continuations url 2k memory 1m;",
	    "is a comma missing before it?" },
	{ "app @BUILD@/test-apps/probe.so; continuations url 9k;",
	    "with max_header_size 16k half of that is the most" },
	{ "app @BUILD@/test-apps/probe.so; continuations paper;",
	    "unknown store \"paper\", expected url, memory or disk" },
	{ "app @BUILD@/test-apps/probe.so; continuations memory;",
	    "memory needs a size" },
	{ "app @BUILD@/test-apps/probe.so; continuations url, url;",
	    "a chain has each kind of store once" },
	{ "app @BUILD@/test-apps/probe.so; continuations url,;",
	    "behind the last comma a store is missing" },
};

START_TEST(wrong_ones_are_told)
{
	const struct wrong *row = &wrongs[_i];
	const char *conf = daemon_write_conf("baton.conf",
	    scratch_printf("server { route / { %s } }", row->route), 1);
	struct spawn_result r;

	scratch_text("text.so", "no ELF");
	r = spawn_run_with("-t", "-c", conf);
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.err, row->error) != NULL, "%s", r.err);
	ck_assert_msg(strstr(r.err, "baton.conf:") != NULL, "%s", r.err);
}
END_TEST

START_TEST(dump_can_be_read_back)
{
	const char *conf = daemon_write_conf("baton.conf",
	    "server { route / { app @BUILD@/test-apps/probe.so { greeting "
	    "\"a b\"; } continuations url 1k, memory 2m, disk @DIR@/c 8m 100; "
	    "continuation_lifetime 5m; } }",
	    1);
	struct spawn_result r = spawn_run_with("-T", "-c", conf), again;

	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "greeting \"a b\";"));
	ck_assert_ptr_nonnull(strstr(r.out,
	    scratch_printf("continuations url 1k, memory 2m, disk %s 8m 100;",
		scratch_path("c"))));
	again = spawn_run_with(
	    "-T", "-c", scratch_text("again.conf", strchr(r.out, '\n') + 1));
	ck_assert_msg(again.status == 0, "%s", again.err);
}
END_TEST

BT_SYSTEM_SUITE(apps)
{
	TCase *tc = bt_system_case(s, "answers");

	tcase_add_loop_test(tc, answers_are_these, 0, BT_ROWS(rows));
	tcase_add_test(tc, head_has_no_content);
	tcase_add_test(tc, order_of_stages);
	tc = bt_system_case(s, "contents");
	tcase_add_test(tc, contents_are_bounded);
	tcase_add_test(tc, content_is_streamed);
	tcase_add_test(tc, answer_is_streamed);
	tcase_add_loop_test(tc, forms_that_are_none, 0, BT_ROWS(refused));
	tcase_add_test(tc, forms_are_bounded);
	tcase_add_test(tc, files_are_streamed);
	tcase_add_test(tc, events_are_sent);
	tc = bt_system_case(s, "waiting");
	tcase_add_test(tc, exchanges_wait_for_each_other);
	tcase_add_test(tc, clients_that_go_are_told);
	tcase_add_test(tc, work_of_clients_that_go);
	tcase_add_test(tc, work_is_beside_the_loop);
	tcase_add_test(tc, slow_functions_are_seen);
	tc = bt_system_case(s, "life");
	tcase_add_test(tc, crash_takes_one_worker);
	tcase_add_test(tc, reload_loads_the_new_file);
	tcase_add_test(tc, reload_waits_beside_the_loop);
	tcase_add_loop_test(tc, wrong_ones_are_told, 0, BT_ROWS(wrongs));
	tcase_add_test(tc, dump_can_be_read_back);
}
