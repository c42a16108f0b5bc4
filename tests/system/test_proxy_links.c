/*
 * Connections to the servers behind a proxy: how long they are waited for, what
 * is risked on one that was kept, and which are kept.  The test is the server.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/* `mute` never answers: that it is given up tells the time. */
static struct origin origin, mute;

static struct daemon *
start(const char *inside)
{
	origin_start(&origin);
	origin_start(&mute);
	return daemon_start(scratch_printf(
	    "workers 1;\n"
	    "upstream app { server 127.0.0.1:%u; idle_timeout 1s; }\n"
	    "upstream mute { server 127.0.0.1:%u; }\n"
	    "server {\n"
	    "    route / { proxy app { read_timeout 1s; %s } }\n"
	    "    route /api/ { proxy http://127.0.0.1:%u/; }\n"
	    "    route /600ms { proxy mute { read_timeout 600ms;"
	    " try_duration 0s; } }\n"
	    "    route /1500ms { proxy mute { read_timeout 1500ms;"
	    " try_duration 0s; } }\n"
	    "}\n",
	    origin.port, mute.port, inside, origin.port));
}

/* So long has passed when it returns. */
static void
pass(struct daemon *d, const char *time)
{
	struct client *c = daemon_connect(d);

	client_expect(c,
	    scratch_printf("GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", time), 504);
	client_close(c);
}

/* The time that a link was idle is not the server's. */
START_TEST(time_begins_with_the_request)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;

	client_puts(c, GET);
	o = origin_accept(&origin);
	origin_answer(o, OK);
	client_read(c, "GET");
	pass(d, "600ms");
	client_puts(c, GET);
	origin_read(o);
	pass(d, "600ms");
	client_puts(o, OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/* Nor is that which the client takes to send its content. */
START_TEST(time_begins_with_the_last_content)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;

	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
	o = origin_accept(&origin);
	origin_read(o);
	pass(d, "1500ms");
	client_puts(c, "b");
	ck_assert_int_eq(memcmp(client_peek(o, 2), "ab", 2), 0);
	client_skip(o, 2);
	pass(d, "600ms");
	client_puts(o, OK);
	reply_wants_text(client_read(c, "POST"), "ok");
	/* when it has all of it, silence is its own */
	client_puts(
	    c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na");
	o = origin_accept(&origin);
	ck_assert_uint_eq(client_read(c, "POST")->status, 504);
	daemon_stop(d);
}
END_TEST

/*
 * An answer that ends where what is read at once does, and bytes behind it:
 * these lie in the socket still, and are not the answer to the next request.
 */
static const struct {
	const char *head, *end;
} ends[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 32726\r\n\r\n", "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fc4\r\n",
	    "\r\n0\r\n\r\n" },
};

START_TEST(nothing_behind_what_is_kept)
{
	enum { AT_ONCE = 32 * 1024 };
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;
	size_t n = AT_ONCE - strlen(ends[_i].head) - strlen(ends[_i].end);
	struct reply *r;

	client_set_context(ends[_i].head);
	client_puts(c, GET GET);
	o = origin_accept(&origin);
	origin_answer(o,
	    scratch_printf("%s%0*d%s"
			   "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		ends[_i].head, (int)n, 7, ends[_i].end));
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->content_n, n);
	origin_answer(origin_accept(&origin), OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/*
 * What lies in a kept connection when the next request comes, in the same turn
 * of the loop, is not its answer.
 */
START_TEST(nothing_before_the_request)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;
	pid_t worker[PROC_CHILDREN_MAX];

	ck_assert_uint_eq(daemon_workers(d, worker), 1);
	client_puts(c, GET);
	o = origin_accept(&origin);
	origin_answer(o, OK);
	client_read(c, "GET");
	ck_assert_int_eq(kill(worker[0], SIGSTOP), 0);
	wait_until(proc_is_stopped, &worker[0], "the worker has stopped");
	client_puts(c, GET);
	client_puts(
	    o, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(kill(worker[0], SIGCONT), 0);
	origin_answer(origin_accept(&origin), OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/* Content that could not be sent twice is not risked on what may be stale. */
START_TEST(much_content_is_not_risked)
{
	enum { BYTES = 500000 };
	const char *content = scratch_printf("%0*d", BYTES, 7);
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;

	client_puts(c, GET);
	origin_answer(origin_accept(&origin), OK);
	client_read(c, "GET");
	client_puts(c,
	    _i == 0 ? scratch_printf("PUT / HTTP/1.1\r\nHost: h\r\n"
				     "Content-Length: %d\r\n\r\n%s",
			  BYTES, content)
		    : scratch_printf("PUT / HTTP/1.1\r\nHost: h\r\n"
				     "Transfer-Encoding: chunked\r\n\r\n"
				     "%x\r\n%s\r\n0\r\n\r\n",
			  BYTES, content));
	o = origin_accept(&origin);
	origin_read(o);
	client_skip(o, BYTES);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "PUT"), "ok");
	daemon_stop(d);
}
END_TEST

/* A little is, and costs a repetition that nobody sees. */
START_TEST(little_content_is_repeated)
{
	struct daemon *d = start("");
	struct client *c = daemon_connect(d), *o;

	client_puts(c, GET);
	o = origin_accept(&origin);
	origin_answer(o, OK);
	client_read(c, "GET");
	client_puts(
	    c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
	origin_read(o);
	client_reset(o);
	o = origin_accept(&origin);
	origin_read(o);
	ck_assert_int_eq(memcmp(client_peek(o, 2), "hi", 2), 0);
	client_skip(o, 2);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "PUT"), "ok");
	daemon_stop(d);
}
END_TEST

/* Each bracket becomes three bytes where the path is written anew. */
static const char *
chunked_request(size_t brackets, size_t pad)
{
	char *text = scratch_printf("POST /api/%0*d HTTP/1.1\r\nHost: h\r\n"
				    "Transfer-Encoding: chunked\r\n"
				    "Pad: x%0*d\r\n\r\n"
				    "2\r\nhi\r\n0\r\n\r\n",
	    (int)brackets, 0, (int)pad, 0);

	memset(text + strlen("POST /api/"), '[', brackets);
	return text;
}

/* How long its head is for the origin, which answers. */
static size_t
head_bytes(struct client *c, const char *request)
{
	static const char content[] = "2\r\nhi\r\n0\r\n\r\n";
	struct client *o;
	size_t n;

	client_puts(c, request);
	o = origin_accept(&origin);
	n = strlen(origin_read(o));
	ck_assert_int_eq(memcmp(client_peek(o, sizeof(content) - 1), content,
			     sizeof(content) - 1),
	    0);
	client_skip(o, sizeof(content) - 1);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "POST"), "ok");
	client_close(o);
	return n;
}

/* A head that leaves no room in the block for content does not wait for it. */
START_TEST(head_that_fills_a_block)
{
	enum { BLOCK = 32 * 1024, NEAR = 24 };
	struct daemon *d = start("");
	struct client *c = daemon_connect(d);
	size_t little = head_bytes(c, chunked_request(1, 1));
	size_t brackets = (BLOCK - NEAR - little) / 3;
	size_t grown = little + 3 * (brackets - 1);

	for (size_t n = BLOCK - NEAR; n <= BLOCK; n++)
		ck_assert_uint_eq(
		    head_bytes(c, chunked_request(brackets, 1 + n - grown)), n);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(proxy_links)
{
	TCase *tc = bt_system_case(s, "time");

	tcase_add_test(tc, time_begins_with_the_request);
	tcase_add_test(tc, time_begins_with_the_last_content);
	tc = bt_system_case(s, "kept");
	tcase_add_loop_test(tc, nothing_behind_what_is_kept, 0, BT_ROWS(ends));
	tcase_add_test(tc, nothing_before_the_request);
	tcase_add_loop_test(tc, much_content_is_not_risked, 0, 2);
	tcase_add_test(tc, little_content_is_repeated);
	tcase_add_test(bt_system_case(s, "heads"), head_that_fills_a_block);
}
