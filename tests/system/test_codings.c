/*
 * `precompressed`: what lies beside a file, in a coding, is sent to who takes
 * it.
 */

#include "tests/system/system.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SITE "server { route / { root @DIR@/site; } }\n"

enum { LARGE = 100000 };

/* Its content says which one it is; a large one is sent from its descriptor. */
static void
put_beside(const char *ending, size_t n)
{
	char *text = scratch_alloc(n + 1);

	memset(text, ending[0] ? ending[1] : '-', n);
	scratch_file(scratch_printf("site/page.html%s", ending), text, n);
}

static struct daemon *
start(size_t n)
{
	put_beside("", n);
	put_beside(".br", n / 2);
	put_beside(".zst", n / 2);
	put_beside(".gz", n / 2);
	scratch_text("site/plain.txt", "plain\n");
	return daemon_start(SITE);
}

static const struct {
	const char *accepts, *coding;
} rows[] = {
	{ "", NULL },
	{ "Accept-Encoding: identity\r\n", NULL },
	{ "Accept-Encoding: gzip\r\n", "gzip" },
	{ "Accept-Encoding: gzip, deflate, br, zstd\r\n", "br" },
	{ "Accept-Encoding: gzip, zstd\r\n", "zstd" },
	{ "Accept-Encoding: br;q=0.1, gzip\r\n", "gzip" },
	{ "Accept-Encoding: br;q=0, *;q=0.5\r\n", "zstd" },
	{ "Accept-Encoding: deflate\r\n", NULL },
	{ "Accept-Encoding: identity, gzip;q=0.5\r\n", NULL },
	{ "Accept-Encoding:\r\n", NULL },
};

static void
wants_coding(const struct reply *r, const char *coding, size_t n)
{
	char first = coding == NULL ? '-' : coding[0];

	ck_assert_uint_eq(r->status, 200);
	reply_wants(r, "Content-Encoding", coding);
	reply_wants(r, "Content-Type", "text/html; charset=utf-8");
	ck_assert_uint_eq(r->content_n, coding == NULL ? n : n / 2);
	ck_assert_int_eq(r->content[0], first);
	ck_assert_int_eq(r->content[r->content_n - 1], first);
	if (coding != NULL)
		reply_wants(r, "Vary", "Accept-Encoding");
}

START_TEST(the_one_that_is_liked_best)
{
	static const size_t sizes[] = { 600, LARGE };
	size_t n = sizes[_i];
	struct daemon *d = start(n);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < BT_ROWS(rows); i++) {
		client_set_context(rows[i].accepts);
		wants_coding(client_get(c, "/page.html", rows[i].accepts),
		    rows[i].coding, n);
	}
	/* once it is known that it varies every answer says so */
	reply_wants(client_get(c, "/page.html", ""), "Vary", "Accept-Encoding");
	reply_wants(client_get(c, "/plain.txt", rows[2].accepts), "Vary", NULL);
	/* by its own name it is what it is */
	reply_wants(client_get(c, "/page.html.gz", rows[2].accepts),
	    "Content-Encoding", NULL);
	reply_wants(client_get(c, "/page.html.gz", rows[2].accepts),
	    "Content-Type", "application/gzip");
	daemon_stop(d);
}
END_TEST

START_TEST(each_has_its_own_validators_and_ranges)
{
	struct daemon *d = start(600);
	struct client *c = daemon_connect(d);
	const char *plain, *coded;
	struct reply *r;

	plain = scratch_printf(
	    "%s", reply_field(client_get(c, "/page.html", ""), "ETag"));
	coded = scratch_printf("%s",
	    reply_field(
		client_get(c, "/page.html", "Accept-Encoding: gzip\r\n"),
		"ETag"));
	ck_assert_str_ne(plain, coded);
	r = client_get(c, "/page.html",
	    scratch_printf(
		"Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", coded));
	ck_assert_uint_eq(r->status, 304);
	reply_wants(r, "Vary", "Accept-Encoding");
	r = client_get(c, "/page.html",
	    scratch_printf(
		"Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", plain));
	ck_assert_uint_eq(r->status, 200);
	r = client_get(
	    c, "/page.html", "Accept-Encoding: gzip\r\nRange: bytes=290-\r\n");
	ck_assert_uint_eq(r->status, 206);
	reply_wants(r, "Content-Range", "bytes 290-299/300");
	reply_wants(r, "Content-Encoding", "gzip");
	daemon_stop(d);
}
END_TEST

/* Made from another file than the one that is there now. */
START_TEST(an_older_one_is_not_sent)
{
	const struct timespec then[2] = { { 1700000000, 0 },
		{ 1700000000, 0 } };
	struct daemon *d;

	put_beside("", 100);
	put_beside(".gz", 50);
	ck_assert_int_eq(
	    utimensat(AT_FDCWD, scratch_path("site/page.html.gz"), then, 0), 0);
	d = daemon_start(SITE);
	wants_coding(
	    client_get(daemon_connect(d), "/page.html", rows[2].accepts), NULL,
	    100);
	daemon_stop(d);
}
END_TEST

/* One that appears, or goes, is noticed as any change of a file. */
START_TEST(it_comes_and_goes)
{
	struct daemon *d;
	struct client *c;

	put_beside("", 100);
	d = daemon_start("file_cache_valid 0ms;\n" SITE);
	c = daemon_connect(d);
	wants_coding(client_get(c, "/page.html", rows[2].accepts), NULL, 100);
	put_beside(".gz", 50);
	wants_coding(client_get(c, "/page.html", rows[2].accepts), "gzip", 100);
	ck_assert_int_eq(unlink(scratch_path("site/page.html.gz")), 0);
	wants_coding(client_get(c, "/page.html", rows[2].accepts), NULL, 100);
	reply_wants(client_get(c, "/page.html", ""), "Vary", NULL);
	daemon_stop(d);
}
END_TEST

START_TEST(off)
{
	struct daemon *d;

	put_beside("", 100);
	put_beside(".gz", 50);
	d = daemon_start(
	    "server { route / { root @DIR@/site; precompressed off; } }\n");
	wants_coding(
	    client_get(daemon_connect(d), "/page.html", rows[2].accepts), NULL,
	    100);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(codings)
{
	TCase *tc = bt_system_case(s, "precompressed");

	tcase_add_loop_test(tc, the_one_that_is_liked_best, 0, 2);
	tcase_add_test(tc, each_has_its_own_validators_and_ranges);
	tcase_add_test(tc, an_older_one_is_not_sent);
	tcase_add_test(tc, it_comes_and_goes);
	tcase_add_test(tc, off);
}
