/*
 * Errors are complete answers: a page for people, JSON or text where the client
 * likes that better, with the id of the request, and nothing of what was sent.
 */

#include "tests/system/system.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER \
	"header_timeout 100ms; max_header_size 1k; max_body_size 10;\n" \
	"server { route / { return 404; } route /echo { echo; }\n" \
	"route /old { redirect 301 /new; } route /c503 { return 503; } }\n"

enum { ID_BYTES = 32 };

/* What stands behind `mark` is an id; it is copied. */
static void
take_id(const struct reply *r, const char *mark, char id[ID_BYTES + 1])
{
	const char *at = strstr(r->content, mark);

	ck_assert_msg(at != NULL, "no %s in\n%s", mark, r->content);
	at += strlen(mark);
	for (int i = 0; i < ID_BYTES; i++)
		ck_assert_msg(isdigit((unsigned char)at[i]) ||
			(at[i] >= 'a' && at[i] <= 'f'),
		    "no id: %.40s", at);
	ck_assert(!isalnum((unsigned char)at[ID_BYTES]));
	memcpy(id, at, ID_BYTES);
	id[ID_BYTES] = '\0';
}

#define HTML "text/html; charset=utf-8"
#define JSON "application/json"
#define TEXT "text/plain; charset=utf-8"

static const struct {
	const char *target, *accept;
	unsigned status;
	const char *type, *has;
} forms[] = {
	{ "/x", "", 404, HTML, "<title>404 Not Found</title>" },
	{ "/x", "Accept: */*\r\n", 404, HTML, "<h1>Not Found</h1>" },
	{ "/x", "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n", 404,
	    HTML, "<!doctype html>\n<html lang=\"en\">\n" },
	{ "/x", "Accept: image/png\r\n", 404, HTML, "Not Found" },
	{ "/x", "Accept: application/json\r\n", 404, JSON,
	    "{\"status\":404,\"error\":\"Not Found\",\"request_id\":\"" },
	{ "/c503", "Accept: application/json, text/html;q=0.9\r\n", 503, JSON,
	    "{\"status\":503,\"error\":\"Service Unavailable\"," },
	{ "/x", "Accept: text/plain\r\n", 404, TEXT,
	    "404 Not Found\nThere is nothing" },
	{ "/old", "", 301, HTML, "Moved Permanently" },
	{ "/old", "Accept: text/plain\r\n", 301, TEXT,
	    "301 Moved Permanently\n" },
	{ "/x", "Accept: text/plain\r\nAccept: application/json;q=0.5\r\n", 404,
	    TEXT, "404" },
};

static const char *
mark_of(const char *type)
{
	return strcmp(type, HTML) == 0 ? "Request <code>"
	    : strcmp(type, JSON) == 0  ? "\"request_id\":\""
				       : "\nRequest ";
}

START_TEST(as_the_client_likes_it)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, forms[_i].target, forms[_i].accept);
	char id[ID_BYTES + 1], length[32];

	ck_assert_uint_eq(r->status, forms[_i].status);
	reply_wants(r, "Content-Type", forms[_i].type);
	reply_wants(r, "Vary", "Accept");
	ck_assert_ptr_nonnull(reply_field(r, "Date"));
	ck_assert_ptr_nonnull(reply_field(r, "Server"));
	ck_assert_msg(strstr(r->content, forms[_i].has) != NULL, "no %s in\n%s",
	    forms[_i].has, r->content);
	take_id(r, mark_of(forms[_i].type), id);
	ck_assert_int_eq(r->content[r->content_n - 1], '\n');
	/* and the same head for HEAD */
	snprintf(length, sizeof(length), "%zu", r->content_n);
	r = client_ask(c,
	    scratch_printf("HEAD %s HTTP/1.1\r\nHost: t\r\n%s\r\n",
		forms[_i].target, forms[_i].accept));
	reply_wants(r, "Content-Type", forms[_i].type);
	reply_wants(r, "Content-Length", length);
	daemon_stop(d);
}
END_TEST

/* No two requests have one id, on whatever connection, before and after. */
START_TEST(ids_do_not_come_again)
{
	enum { CONNECTIONS = 4, REQUESTS = 5, ROUNDS = 3 };
	enum { ALL = CONNECTIONS * REQUESTS * ROUNDS };
	struct daemon *d = daemon_start(SERVER);
	struct client *c[CONNECTIONS];
	char ids[ALL][ID_BYTES + 1];
	int n = 0;

	for (int i = 0; i < CONNECTIONS; i++)
		c[i] = daemon_connect(d);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CONNECTIONS * REQUESTS; i++)
			take_id(client_get(c[i % CONNECTIONS], "/x",
				    "X-Request-Id: mine\r\n"),
			    "Request <code>", ids[n++]);
		daemon_reload(d);
	}
	for (int i = 0; i < ALL; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(ids[i], ids[j]);
	daemon_stop(d);
	/* another one has others */
	d = daemon_start(SERVER);
	take_id(
	    client_get(daemon_connect(d), "/x", ""), "Request <code>", ids[0]);
	for (int i = 1; i < ALL; i++)
		ck_assert_str_ne(ids[0], ids[i]);
	daemon_stop(d);
}
END_TEST

/* Requests that were not understood, or not to their end. */
static const struct {
	const char *request;
	unsigned status;
	const char *type;
} refused[] = {
	{ "NONSENSE\r\nAccept: application/json\r\n\r\n", 400, HTML },
	{ "GET / HTTP/1.1\r\nHost: t\r\nAccept: application/json\r\n: x\r\n"
	  "\r\n",
	    400, NULL },
	{ "GET / HTTP/1.1\r\nHost: t\r\nAccept: application/json\r\n", 408,
	    HTML },
	{ "GET / HTTP/3.1\r\n\r\n", 505, HTML },
	{ "POST /echo HTTP/1.1\r\nHost: t\r\nAccept: text/plain\r\n"
	  "Content-Length: 11\r\n\r\n",
	    413, TEXT },
	{ "POST /echo HTTP/1.1\r\nHost: t\r\nAccept: application/json\r\n"
	  "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
	    413, JSON },
};

START_TEST(refused_ones_have_pages)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	char id[ID_BYTES + 1];
	struct reply *r;

	client_puts(c, refused[_i].request);
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, refused[_i].status);
	if (refused[_i].type != NULL)
		reply_wants(r, "Content-Type", refused[_i].type);
	take_id(r, mark_of(reply_field(r, "Content-Type")), id);
	daemon_stop(d);
}
END_TEST

START_TEST(too_large_a_head_has_a_page)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	char id[ID_BYTES + 1], field[2000];
	struct reply *r;

	memset(field, 'x', sizeof(field) - 1);
	field[sizeof(field) - 1] = '\0';
	client_puts(c,
	    scratch_printf(
		"GET / HTTP/1.1\r\nHost: t\r\nX: %s\r\n\r\n", field));
	r = client_read(c, "GET");
	ck_assert_uint_eq(r->status, 431);
	reply_wants(r, "Content-Type", HTML);
	take_id(r, "Request <code>", id);
	daemon_stop(d);
}
END_TEST

static const char *const evil[] = {
	"/%3Cscript%3Ealert(1)%3C/script%3E?'script'",
	"/%22onload=%22script",
	"/%0d%0aX-Evil:%20script",
};

/* Nothing of the request is in it, in any form. */
START_TEST(nothing_is_reflected)
{
	static const char *const accepts[] = { "text/html", "application/json",
		"text/plain" };
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);

	for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
		struct reply *r = client_get(c, evil[_i],
		    scratch_printf("Accept: %s\r\nReferer: \"<script>\r\n"
				   "X-Request-Id: <script>\r\n",
			accepts[i]));

		ck_assert_ptr_null(strcasestr(r->content, "script"));
		ck_assert_ptr_null(strcasestr(r->head, "evil"));
	}
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(pages)
{
	TCase *tc = bt_system_case(s, "pages");

	tcase_add_loop_test(tc, as_the_client_likes_it, 0, BT_ROWS(forms));
	tcase_add_test(tc, ids_do_not_come_again);
	tcase_add_loop_test(tc, refused_ones_have_pages, 0, BT_ROWS(refused));
	tcase_add_test(tc, too_large_a_head_has_a_page);
	tcase_add_loop_test(tc, nothing_is_reflected, 0, BT_ROWS(evil));
}
