/*
 * `proxy`: what goes to the server behind, what comes back, and what becomes of
 * both when one side breaks off.  The test is the server.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct origin origin;

/* One worker, and / goes to the origin; `block` may be a whole one. */
static struct daemon *
start(const char *block)
{
	return daemon_start(scratch_printf(
	    "workers 1;\n"
	    "server {\n"
	    "    max_body_size 1g;\n"
	    "    route / { proxy http://127.0.0.1:%u%s }\n"
	    "    route /v1/ { proxy http://127.0.0.1:%u/api/; }\n"
	    "    route /bare/ { proxy http://127.0.0.1:%u/; }\n"
	    "    route = /fixed { return 200 x; }\n"
	    "}\n",
	    origin.port, block[0] ? block : ";", origin.port, origin.port));
}

START_TEST(head_of_the_request)
{
	struct daemon *d;
	struct client *c, *o;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c,
	    "PUT /a%20b?q=1&r HTTP/1.1\r\n"
	    "Host: example.org:8080\r\n"
	    "X-One: 1\r\n"
	    "Connection: keep-alive, X-Mine\r\n"
	    "X-Mine: 2\r\n"
	    "Keep-Alive: timeout=5\r\n"
	    "TE: trailers\r\n"
	    "Upgrade: h2c\r\n"
	    "Expect: 100-continue\r\n"
	    "X-Forwarded-For: 192.0.2.1\r\n"
	    "Forwarded: for=192.0.2.1\r\n"
	    "Via: 1.0 other\r\n"
	    "Content-Length: 3\r\n\r\nabc");
	o = origin_accept(&origin);
	ck_assert_str_eq(origin_read(o),
	    "PUT /a%20b?q=1&r HTTP/1.1\r\n"
	    "Host: example.org:8080\r\n"
	    "X-One: 1\r\n"
	    "X-Forwarded-For: 127.0.0.1\r\n"
	    "X-Forwarded-Proto: http\r\n"
	    "X-Forwarded-Host: example.org:8080\r\n"
	    "Forwarded: for=127.0.0.1;proto=http;"
	    "host=\"example.org:8080\"\r\n"
	    "Via: 1.0 other, 1.1 baton\r\n"
	    "Content-Length: 3\r\n\r\n");
	ck_assert_int_eq(memcmp(client_peek(o, 3), "abc", 3), 0);
	client_skip(o, 3);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "PUT"), "ok");
	daemon_stop(d);
}
END_TEST

/* The server may answer before the client has sent any content. */
START_TEST(head_without_its_content)
{
	struct daemon *d;
	struct client *c, *o;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c,
	    "POST / HTTP/1.1\r\nHost: t\r\nProxy: http://x/\r\n"
	    "Content-Length: 5\r\n\r\n");
	o = origin_accept(&origin);
	ck_assert_ptr_null(strstr(origin_read(o), "\r\nProxy:"));
	client_puts(
	    o, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
	ck_assert_uint_eq(client_read(c, "POST")->status, 401);
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *asked, *sent;
} targets[] = {
	{ "/", "/" },
	{ "/a?", "/a?" },
	{ "/a%2Fb", "/a%2Fb" },
	{ "/%41", "/%41" },
	{ "//a/./b/../c?x=/../", "/a/c?x=/../" },
	{ "/v1/", "/api/" },
	{ "/v1/x%20y?z", "/api/x%20y?z" },
	{ "/x/../v1/y", "/api/y" },
	{ "/bare/x", "/x" },
	{ "http://other.example:81/p?q", "/p?q" },
};

START_TEST(target_of_the_request)
{
	struct client *c, *o;
	struct daemon *d;
	const char *head;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c,
	    scratch_printf(
		"GET %s HTTP/1.1\r\nHost: h\r\n\r\n", targets[_i].asked));
	o = origin_accept(&origin);
	head = origin_read(o);
	ck_assert_msg(
	    strncmp(head,
		scratch_printf("GET %s HTTP/1.1\r\nHost: %s\r\n",
		    targets[_i].sent,
		    targets[_i].asked[0] == 'h' ? "other.example:81" : "h"),
		strlen(targets[_i].sent) + 20) == 0,
	    "%s became %s", targets[_i].asked, head);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/* Answers, and what the client gets; `end`: the origin closes behind it. */
static const struct {
	const char *method, *answer, *content;
	unsigned status;
	bool end, has_length;
	const char *field, *value;
} answers[] = {
	{ "GET", OK, "ok", 200, false, true, "Via", "1.1 baton" },
	{ "GET", "HTTP/1.1 404 Gone Fishing\r\nContent-Length: 1\r\n\r\nx", "x",
	    404, false, true, NULL, NULL },
	{ "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: s\r\n\r\n",
	    "", 200, false, true, "Server", "s" },
	{ "GET",
	    "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "", 200, false, true, "Date", "Mon, 01 Jan 2024 00:00:00 GMT" },
	{ "GET",
	    "HTTP/1.1 200 OK\r\nConnection: x-mine\r\nX-Mine: 1\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "", 200, false, true, "X-Mine", NULL },
	{ "GET", "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", 200, true,
	    false, NULL, NULL },
	{ "GET", "HTTP/1.0 200 OK\r\n\r\nold", "old", 200, true, false, "Via",
	    "1.0 baton" },
	{ "GET",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n",
	    "abcde", 200, false, false, "Transfer-Encoding", "chunked" },
	{ "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "", 200,
	    false, true, "Content-Length", "7" },
	{ "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, false, NULL,
	    NULL },
	{ "GET", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", "", 304,
	    false, false, "ETag", "\"x\"" },
	{ "GET",
	    "HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK,
	    "ok", 200, false, true, "Link", NULL },
};

START_TEST(answer)
{
	const char *request = scratch_printf(
	    "%s / HTTP/1.1\r\nHost: h\r\n\r\n", answers[_i].method);
	struct client *c, *o;
	struct reply *r;
	struct daemon *d;

	client_set_context(answers[_i].answer);
	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c, request);
	o = origin_accept(&origin);
	origin_answer(o, answers[_i].answer);
	if (answers[_i].end)
		client_close(o);
	r = client_read(c, answers[_i].method);
	ck_assert_uint_eq(r->status, answers[_i].status);
	reply_wants_text(r, answers[_i].content);
	ck_assert_int_eq(r->has_length, answers[_i].has_length);
	if (answers[_i].field != NULL)
		reply_wants(r, answers[_i].field, answers[_i].value);
	/* both connections are kept, where the origin keeps its own */
	client_puts(c, request);
	if (answers[_i].end)
		o = origin_accept(&origin);
	origin_answer(o, OK);
	ck_assert_uint_eq(client_read(c, answers[_i].method)->status, 200);
	daemon_stop(d);
}
END_TEST

/* The same, its bytes one by one. */
START_TEST(answer_byte_by_byte)
{
	struct client *c, *o;
	struct reply *r;
	struct daemon *d;

	client_set_context(answers[_i].answer);
	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c,
	    scratch_printf(
		"%s / HTTP/1.1\r\nHost: h\r\n\r\n", answers[_i].method));
	o = origin_accept(&origin);
	origin_read(o);
	for (const char *p = answers[_i].answer; *p != '\0'; p++)
		ck_assert(client_send(o, p, 1));
	if (answers[_i].end)
		client_close(o);
	r = client_read(c, answers[_i].method);
	ck_assert_uint_eq(r->status, answers[_i].status);
	reply_wants_text(r, answers[_i].content);
	daemon_stop(d);
}
END_TEST

/* What is no answer: 502, and the log says why; then the origin closes. */
static const struct {
	const char *answer, *log;
} refused[] = {
	{ "", "closed before it answered" },
	{ "HTTP/1.1 200 OK\r\nContent-", "closed amid the head" },
	{ "nonsense\r\n\r\n", "not an HTTP/1 head" },
	{ "HTTP/2 200\r\n\r\n", "not an HTTP/1 head" },
	{ "HTTP/1.1 200 OK\n\n", "not an HTTP/1 head" },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "not an HTTP/1 head" },
	{ "HTTP/1.1 20 OK\r\n\r\n", "not an HTTP/1 head" },
	{ "HTTP/1.1 700 OK\r\n\r\n", "a status that is none" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n",
	    "refused" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "refused" },
	{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "refused" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	    "refused" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "refused" },
	{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", "101" },
};

START_TEST(answer_refused)
{
	struct client *c, *o;
	struct daemon *d;
	struct reply *r;

	client_set_context(refused[_i].answer);
	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	/* not idempotent, so it is not repeated */
	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
	o = origin_accept(&origin);
	origin_read(o);
	client_skip(o, 1);
	client_puts(o, refused[_i].answer);
	client_finish_sending(o);
	r = client_read(c, "POST");
	ck_assert_uint_eq(r->status, 502);
	ck_assert_msg(strstr(daemon_stderr(d), refused[_i].log) != NULL,
	    "not in the log: %s", refused[_i].log);
	client_expect_end(o);
	ck_assert(!origin_is_called(&origin));
	client_expect(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

/* A cut answer is a cut answer to the client. */
static const struct {
	const char *answer, *content;
} cut[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "abc" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "3\r\nabc\r\n",
	    "abc" },
	/* what came with the wrong byte is not trusted */
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "3\r\nabc\r\nx",
	    "200 OK" },
};

START_TEST(answer_cut)
{
	struct client *c, *o;
	struct daemon *d;
	const char *got;
	size_t n;

	client_set_context(cut[_i].answer);
	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o, cut[_i].answer);
	client_close(o);
	got = client_peek_all(c, &n);
	ck_assert_ptr_ne(
	    memmem(got, n, cut[_i].content, strlen(cut[_i].content)), NULL);
	ck_assert_ptr_eq(memmem(got, n, "\r\n0\r\n", 5), NULL);
	daemon_stop(d);
}
END_TEST

/* Content goes on while it comes, in both framings. */
START_TEST(content_of_the_request)
{
	enum { PIECE = 50000, PIECES = 40 };
	char *piece = scratch_printf("%0*d", PIECE, 7);
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c,
	    scratch_printf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: "
			   "%d\r\n\r\n",
		PIECE * PIECES));
	client_puts(c, piece);
	o = origin_accept(&origin);
	ck_assert_ptr_ne(
	    strstr(origin_read(o), "Content-Length: 2000000\r\n"), NULL);
	for (int i = 0; i < PIECES; i++) {
		ck_assert_int_eq(
		    memcmp(client_peek(o, PIECE), piece, PIECE), 0);
		client_skip(o, PIECE);
		if (i + 1 < PIECES)
			client_puts(c, piece);
	}
	client_puts(o, OK);
	reply_wants_text(client_read(c, "POST"), "ok");
	client_puts(c,
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n");
	o = origin_accept(&origin); /* what may not be repeated is not risked */
	ck_assert_ptr_ne(
	    strstr(origin_read(o), "Transfer-Encoding: chunked\r\n"), NULL);
	ck_assert_int_eq(memcmp(client_peek(o, 8), "3\r\nabc\r\n", 8), 0);
	client_skip(o, 8);
	client_puts(c, "0\r\n\r\n");
	ck_assert_int_eq(memcmp(client_peek(o, 5), "0\r\n\r\n", 5), 0);
	client_skip(o, 5);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "POST"), "ok");
	daemon_stop(d);
}
END_TEST

/* A client that does not read slows the origin, not our memory. */
/* Who waits for the client does not find the origin silent. */
START_TEST(client_that_does_not_read)
{
	enum { BYTES = 64 * 1024 * 1024 };
	char *content = calloc(1, BYTES);
	struct client *c, *o, *silent;
	struct daemon *d;
	size_t n;

	ck_assert_ptr_ne(content, NULL);
	origin_start(&origin);
	d = start(" { read_timeout 300ms; }");
	c = client_tcp_narrow("127.0.0.1", d->port, 65536);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o,
	    scratch_printf(
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BYTES));
	n = client_push(o, content, BYTES, 300);
	ck_assert_uint_lt(n, BYTES / 2);
	client_get(daemon_connect(d), "/fixed", "");
	silent = daemon_connect(d);
	client_expect(silent, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 504);
	ck_assert_ptr_null(strstr(daemon_stderr(d), "amid its answer"));
	ck_assert_int_eq(memcmp(client_peek(c, 15), "HTTP/1.1 200 OK", 15), 0);
	client_close(c);
	client_expect_end(o); /* and is told when the client leaves */
	free(content);
	daemon_stop(d);
}
END_TEST

/* Content that still comes is passed on, and keeps nobody busy. */
START_TEST(client_that_sends_and_does_not_read)
{
	enum { BYTES = 64 * 1024 * 1024, WAIT_MS = 500 };
	char *content = calloc(1, BYTES);
	struct client *c, *o;
	struct daemon *d;
	pid_t worker;

	ck_assert_ptr_ne(content, NULL);
	origin_start(&origin);
	d = start("");
	ck_assert_uint_eq(daemon_workers(d, &worker), 1);
	c = client_tcp_narrow("127.0.0.1", d->port, 65536);
	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx");
	o = origin_accept(&origin);
	origin_read(o);
	client_skip(o, 1);
	client_puts(o,
	    scratch_printf(
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BYTES));
	client_push(o, content, BYTES, WAIT_MS);
	ck_assert_int_eq(send(client_fd(c), "x", 1, 0), 1);
	client_skip(o, 1);
	wait_until(proc_is_asleep, &worker, "a loop that waits");
	client_close(c);
	free(content);
	daemon_stop(d);
}
END_TEST

START_TEST(client_leaves)
{
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_read(o);
	client_close(c);
	client_expect_end(o);
	daemon_stop(d);
}
END_TEST

/* The next request comes while the first is answered; or the client goes then.
 */
START_TEST(client_does_not_wait)
{
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_read(o);
	client_puts(c, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
	/* another one's answer: by then that has been seen */
	client_get(daemon_connect(d), "/fixed", "");
	if (_i == 1) {
		client_close(c);
		client_expect_end(o);
	} else {
		client_puts(o, OK);
		reply_wants_text(client_read(c, "GET"), "ok");
		ck_assert_ptr_ne(strstr(origin_read(o), "GET /2 "), NULL);
		client_puts(o, OK);
		reply_wants_text(client_read(c, "GET"), "ok");
		client_expect(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n", 200);
	}
	daemon_stop(d);
}
END_TEST

/* A connection that was kept is closed by the origin: nobody notices. */
START_TEST(kept_and_closed)
{
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o, OK);
	client_read(c, "GET");
	if (_i == 0)
		client_close(o);
	client_puts(c, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
	if (_i == 1) { /* only when it has the next request */
		origin_read(o);
		client_close(o);
	}
	origin_answer(origin_accept(&origin), OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/* What may not be repeated never is: 502, and no second connection. */
START_TEST(never_twice)
{
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	d = start("");
	c = daemon_connect(d);
	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
	o = origin_accept(&origin);
	origin_read(o);
	client_reset(o);
	ck_assert_uint_eq(client_read(c, "POST")->status, 502);
	ck_assert(!origin_is_called(&origin));
	daemon_stop(d);
}
END_TEST

START_TEST(nobody_there)
{
	struct client *c;
	struct daemon *d;

	origin_reserve(&origin);
	d = start(" { try_duration 0s; }");
	c = daemon_connect(d);
	client_expect(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 502);
	ck_assert_ptr_ne(strstr(daemon_stderr(d), "cannot connect"), NULL);
	client_expect(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n", 200);
	daemon_stop(d);
}
END_TEST

START_TEST(nobody_comes)
{
	struct client *c;
	struct daemon *d;

	origin_reserve(&origin);
	d = start(" { try_duration 100ms; try_interval 5ms; }");
	c = daemon_connect(d);
	client_expect(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 502);
	ck_assert_ptr_ne(
	    strstr(daemon_stderr(d), "try_duration is over"), NULL);
	daemon_stop(d);
}
END_TEST

/* Held while nobody is there; answered in their order when somebody is. */
START_TEST(held)
{
	enum { CLIENTS = 12 };
	struct client *c[CLIENTS], *o;
	struct daemon *d;

	origin_reserve(&origin);
	d = start(" { try_duration 60s; try_interval 5ms; }");
	for (int i = 0; i < CLIENTS; i++) {
		c[i] = daemon_connect(d);
		client_puts(c[i],
		    scratch_printf("%s /%d HTTP/1.1\r\nHost: h\r\n"
				   "Content-Length: 1\r\n\r\nx",
			i % 2 ? "POST" : "GET", i));
		/* another one's answer: by then that one is held */
		client_get(daemon_connect(d), "/fixed", "");
	}
	client_close(c[3]); /* it leaves the queue */
	origin_listen(&origin);
	for (int i = 0; i < CLIENTS; i++) {
		const char *head;
		int number;

		if (i == 3)
			continue;
		o = origin_accept(&origin);
		head = origin_read(o);
		number = atoi(strchr(head, '/') + 1);
		ck_assert_int_eq(number, i);
		client_skip(o, 1);
		client_puts(o,
		    "HTTP/1.1 200 OK\r\nConnection: close\r\n"
		    "Content-Length: 2\r\n\r\nok");
		reply_wants_text(
		    client_read(c[i], i % 2 ? "POST" : "GET"), "ok");
		client_close(o);
	}
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(proxy)
{
	TCase *tc = bt_system_case(s, "request");

	tcase_add_test(tc, head_of_the_request);
	tcase_add_test(tc, head_without_its_content);
	tcase_add_loop_test(tc, target_of_the_request, 0, BT_ROWS(targets));
	tcase_add_test(tc, content_of_the_request);
	tc = bt_system_case(s, "answer");
	tcase_add_loop_test(tc, answer, 0, BT_ROWS(answers));
	tcase_add_loop_test(tc, answer_byte_by_byte, 0, BT_ROWS(answers));
	tcase_add_loop_test(tc, answer_refused, 0, BT_ROWS(refused));
	tcase_add_loop_test(tc, answer_cut, 0, BT_ROWS(cut));
	tc = bt_system_case(s, "clients");
	tcase_add_test(tc, client_that_does_not_read);
	tcase_add_test(tc, client_that_sends_and_does_not_read);
	tcase_add_test(tc, client_leaves);
	tcase_add_loop_test(tc, client_does_not_wait, 0, 2);
	tc = bt_system_case(s, "hold and retry");
	tcase_add_loop_test(tc, kept_and_closed, 0, 2);
	tcase_add_test(tc, never_twice);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, nobody_comes);
	tcase_add_test(tc, held);
}
