/*
 * `proxy`: what becomes of messages on their way: fields that the conf sets
 * and hides.  The test is the server.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <string.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct origin origin;

/* One worker, and / goes to the origin with that in the proxy's block. */
static struct daemon *
start(const char *inside, const char *scope)
{
	origin_start(&origin);
	return daemon_start(
	    scratch_printf("workers 1;\n"
			   "server {\n"
			   "    %s\n"
			   "    route / { proxy http://127.0.0.1:%u { %s } }\n"
			   "}\n",
		scope, origin.port, inside));
}

/* What is set, and the lines that the server gets; NULL: has none of that. */
static const struct {
	const char *conf, *has, *has_not;
} set[] = {
	{ "set_header X-Real-IP $remote_addr;", "\r\nX-Real-IP: 127.0.0.1\r\n",
	    "10.9.9.9" },
	{ "set_header x-one new;", "\r\nx-one: new\r\n", "X-One" },
	{ "set_header X-One '';", "\r\nX-Two: 2\r\n", "X-One" },
	{ "set_header X-One $arg_none;", "\r\nX-Two: 2\r\n", "X-One" },
	{ "set_header X-One \"$http_x_two of ${method}\";",
	    "\r\nX-One: 2 of GET\r\n", "X-One: 1" },
	{ "set_header Host inner.example;", "\r\nHost: inner.example\r\n",
	    "\r\nHost: h\r\n" },
	{ "set_header Host inner.example;", "\r\nX-Forwarded-Host: h\r\n",
	    "X-Forwarded-Host: inner" },
	{ "set_header Host $arg_none;", "\r\nHost: h\r\n", "Host: \r\n" },
	{ "set_header X-Forwarded-For '';", "\r\nX-Forwarded-Proto: http\r\n",
	    "X-Forwarded-For" },
	{ "set_header Forwarded ''; set_header Via ''; "
	  "set_header X-Forwarded-Proto https;",
	    "\r\nX-Forwarded-Proto: https\r\n", "\r\nForwarded" },
	{ "set_header Cookie '';", "\r\nX-Two: 2\r\n", "Cookie" },
	{ "set_header X-Query $arg_q;", "\r\nX-Query: a%0d%0ab\r\n", "\nb" },
};

START_TEST(fields_of_requests)
{
	struct daemon *d = start(set[_i].conf, "");
	struct client *c = daemon_connect(d), *o;
	const char *head;

	client_puts(c,
	    "GET /?q=a%0d%0ab HTTP/1.1\r\nHost: h\r\nX-One: 1\r\n"
	    "X-Two: 2\r\nX-Real-IP: 10.9.9.9\r\nCookie: a=b\r\n\r\n");
	o = origin_accept(&origin);
	head = origin_read(o);
	ck_assert_msg(
	    strstr(head, set[_i].has) != NULL, "%s: %s", set[_i].conf, head);
	ck_assert_msg(strstr(head, set[_i].has_not) == NULL, "%s: %s",
	    set[_i].conf, head);
	client_puts(o, OK);
	reply_wants_text(client_read(c, "GET"), "ok");
	daemon_stop(d);
}
END_TEST

/* What is hidden, and what add_header and cache_control put there. */
static const struct {
	const char *inside, *scope, *field, *value;
} answers[] = {
	{ "", "", "X-Powered-By", "cold fusion" },
	{ "hide_header x-powered-by;", "", "X-Powered-By", NULL },
	{ "hide_header X-Other X-Powered-By;", "", "X-Powered-By", NULL },
	{ "hide_header X-Powered-By;", "", "Server", "origin" },
	{ "hide_header Server;", "", "Server", NULL },
	{ "", "add_header X-New $uri;", "X-New", "/" },
	{ "hide_header X-Powered-By;", "add_header X-Powered-By tea;",
	    "X-Powered-By", "tea" },
	{ "", "cache_control no-store;", "Cache-Control", "max-age=5" },
	{ "hide_header Cache-Control;", "cache_control no-store;",
	    "Cache-Control", "no-store" },
};

START_TEST(fields_of_answers)
{
	struct daemon *d = start(answers[_i].inside, answers[_i].scope);
	struct client *c = daemon_connect(d), *o;
	struct reply *r;

	client_set_context(answers[_i].inside);
	client_puts(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	o = origin_accept(&origin);
	origin_answer(o,
	    "HTTP/1.1 200 OK\r\nServer: origin\r\n"
	    "X-Powered-By: cold fusion\r\nCache-Control: max-age=5\r\n"
	    "Content-Length: 2\r\n\r\nok");
	r = client_read(c, "GET");
	reply_wants_text(r, "ok");
	reply_wants(r, answers[_i].field, answers[_i].value);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(proxy_messages)
{
	TCase *tc = bt_system_case(s, "fields");

	tcase_add_loop_test(tc, fields_of_requests, 0, BT_ROWS(set));
	tcase_add_loop_test(tc, fields_of_answers, 0, BT_ROWS(answers));
}
