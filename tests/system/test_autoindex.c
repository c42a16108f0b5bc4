/*
 * `autoindex`: a folder without an index shows what would be served in it, as
 * the client wants it, and nothing else.
 */

#include "tests/system/system.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVER \
	"server {\n" \
	"  route / { root @DIR@/site; autoindex on; cache_control " \
	"max-age=1h; }\n" \
	"  route /off/ { root @DIR@/site; }\n" \
	"  route /dots/ { root @DIR@/site; autoindex on; dotfiles on; " \
	"}\n" \
	"}\n"

static struct daemon *
start(void)
{
	scratch_text("site/list/a.txt", "0123456789");
	scratch_text("site/list/sub/x", "");
	scratch_text("site/list/.secret", "");
	scratch_text("site/indexed/index.html", "index\n");
	scratch_text("site/off/a.txt", "");
	scratch_text("site/dots/.seen", "");
	return daemon_start(SERVER);
}

static const struct {
	const char *target, *accept;
	unsigned status;
	const char *type, *has, *has_not;
} rows[] = {
	{ "/list/", "", 200, "text/html; charset=utf-8", "./a.txt", ".secret" },
	{ "/list/", "Accept: application/json\r\n", 200, "application/json",
	    "{\"name\":\"a.txt\",\"type\":\"file\",\"size\":10,", ".secret" },
	{ "/list/", "Accept: text/plain\r\n", 200, "text/plain; charset=utf-8",
	    "\t10\ta.txt\n", ".secret" },
	{ "/list/", "Accept: image/png\r\n", 200, "text/html; charset=utf-8",
	    "./sub/", NULL },
	{ "/list/?sort=size&order=desc", "", 200, NULL, "aria-sort=descending",
	    NULL },
	{ "/list/?sort=%22%3E%3Cscript%3E", "", 200, NULL, "./a.txt",
	    "script" },
	{ "/", "", 200, NULL, "./list/", NULL },
	{ "/indexed/", "", 200, NULL, "index\n", NULL },
	{ "/list", "", 301, NULL, NULL, NULL },
	{ "/list/sub/../../list/", "", 200, NULL, "./a.txt", NULL },
	{ "/none/", "", 404, NULL, NULL, NULL },
	{ "/list/.secret/", "", 404, NULL, NULL, NULL },
	{ "/off/", "", 403, NULL, NULL, NULL },
	{ "/dots/", "", 200, NULL, "./.seen", NULL },
};

START_TEST(lists)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, rows[_i].target, rows[_i].accept);

	ck_assert_uint_eq(r->status, rows[_i].status);
	if (rows[_i].type != NULL) {
		reply_wants(r, "Content-Type", rows[_i].type);
		reply_wants(r, "Vary", "Accept");
		reply_wants(r, "Cache-Control", "no-cache");
		ck_assert_ptr_nonnull(
		    strstr(reply_field(r, "Content-Security-Policy"),
			"default-src 'none'"));
	}
	if (rows[_i].has != NULL)
		ck_assert_msg(
		    strstr(r->content, rows[_i].has) != NULL, "%s", r->content);
	if (rows[_i].has_not != NULL)
		ck_assert_ptr_null(strstr(r->content, rows[_i].has_not));
	daemon_stop(d);
}
END_TEST

START_TEST(head_and_pipelining)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, "/list/", "");
	const char *length = scratch_printf("%zu", r->content_n);

	r = client_expect(c, "HEAD /list/ HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	reply_wants(r, "Content-Length", length);
	for (int i = 0; i < 20; i++)
		client_puts(c,
		    "GET /list/ HTTP/1.1\r\nHost: t\r\n\r\n"
		    "GET /list/a.txt HTTP/1.1\r\nHost: t\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		ck_assert_uint_eq(client_read(c, "GET")->status, 200);
		reply_wants_text(client_read(c, "GET"), "0123456789");
	}
	daemon_stop(d);
}
END_TEST

/* Names that would break a page, each link leads to its file. */
START_TEST(odd_names)
{
	struct daemon *d;
	struct client *c;
	struct reply *r;

	scratch_text("site/odd/a\n\"<b>%20'&#?", "odd");
	scratch_text("site/odd/\xff\xfe", "bytes");
	d = start();
	c = daemon_connect(d);
	r = client_get(c, "/odd/", "");
	ck_assert_ptr_nonnull(
	    strstr(r->content, "\"./a%0A%22%3Cb%3E%2520%27%26%23%3F\""));
	ck_assert_ptr_nonnull(strstr(r->content, "\"./%FF%FE\""));
	ck_assert_ptr_null(strstr(r->content, "<b>"));
	reply_wants_text(
	    client_get(c, "/odd/a%0A%22%3Cb%3E%2520%27%26%23%3F", ""), "odd");
	reply_wants_text(client_get(c, "/odd/%FF%FE", ""), "bytes");
	daemon_stop(d);
}
END_TEST

/* More than are shown: the page says so, and is whole. */
START_TEST(ten_thousand)
{
	enum { N = 10001 };
	struct daemon *d = start();
	struct reply *r;
	size_t lines = 0;

	for (int i = 0; i < N; i++)
		scratch_text(scratch_printf("site/many/%05d", i), "");
	r = client_get(daemon_connect(d), "/many/", "Accept: text/plain\r\n");
	for (size_t i = 0; i < r->content_n; i++)
		lines += r->content[i] == '\n';
	ck_assert_uint_eq(lines, N - 1);
	r = client_get(daemon_connect(d), "/many/", "");
	ck_assert_ptr_nonnull(strstr(r->content, "10000 are shown"));
	daemon_stop(d);
}
END_TEST

/* Those who go while a thread lists for them take nothing along. */
START_TEST(clients_that_go)
{
	struct daemon *d = start();

	for (int i = 0; i < 50; i++) {
		struct client *c = daemon_connect(d);

		client_puts(c, "GET /list/ HTTP/1.1\r\nHost: t\r\n\r\n");
		client_reset(c);
	}
	ck_assert_uint_eq(
	    client_get(daemon_connect(d), "/list/", "")->status, 200);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(autoindex)
{
	TCase *tc = bt_system_case(s, "listing");

	tcase_add_loop_test(tc, lists, 0, BT_ROWS(rows));
	tcase_add_test(tc, head_and_pipelining);
	tcase_add_test(tc, odd_names);
	tcase_add_test(tc, ten_thousand);
	tcase_add_test(tc, clients_that_go);
}
