/*
 * `gzip`: what is coded is the same when it is decoded, and only those get it
 * who want it, of what gains by it.
 */

#include "tests/system/system.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define SERVER \
	"gzip on;\n" \
	"server {\n" \
	"  route / { root @DIR@/site; autoindex on; }\n" \
	"  route /off/ { root @DIR@/site; gzip off; }\n" \
	"  route /as-it-is/ { root @DIR@/site; cache_control no-transform; " \
	"}\n" \
	"  route = /text { return 200 \"line 0 of it\\nline 1 of it\\nline 2 " \
	"of it\\nline 3 of it\\n\"; gzip_min_size 10; }\n" \
	"  route = /short { return 200 \"short\"; }\n" \
	"  route = /error { return 404 \"line 0 of it\\nline 1 of it\\nline " \
	"2 of it\\nline 3 of it\\n\"; gzip_min_size 10; }\n" \
	"}\n"

#define WANTS "Accept-Encoding: gzip\r\n"

enum { MIDDLE = 300000, BIG = 1024 * 1024 + 1 };

/* Lines which repeat themselves, but not each other. */
static char *
make_text(size_t n)
{
	char *text = scratch_alloc(n + 32);

	for (size_t at = 0, i = 0; at < n; i++)
		at += (size_t)sprintf(text + at, "line %zu of it\n", i);
	text[n] = '\0';
	return text;
}

static struct daemon *
start(void)
{
	char *noise = scratch_alloc(5000);

	scratch_text("site/small.txt", make_text(5000));
	scratch_text("site/middle.js", make_text(MIDDLE));
	scratch_text("site/big.txt", make_text(BIG));
	scratch_text("site/tiny.txt", make_text(1000));
	scratch_text("site/photo.jpg", make_text(5000));
	scratch_text("site/beside.txt", make_text(5000));
	scratch_text("site/beside.txt.gz", "made before");
	scratch_text("site/off/small.txt", make_text(5000));
	scratch_text("site/as-it-is/small.txt", make_text(5000));
	scratch_noise(noise, 5000, 1);
	scratch_file("site/noise.txt", noise, 5000);
	return daemon_start(SERVER);
}

/* Wants that the content, decoded, is that text. */
static void
wants_decoded(const struct reply *r, const char *text, size_t n)
{
	char *out = scratch_alloc(n + 1);
	z_stream z = { 0 };

	ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)r->content;
	z.avail_in = (uInt)r->content_n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)n + 1;
	ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	ck_assert_uint_eq(z.total_out, n);
	ck_assert_uint_eq(z.avail_in, 0);
	ck_assert_int_eq(memcmp(out, text, n), 0);
	inflateEnd(&z);
}

static const struct {
	const char *target, *fields;
	unsigned status;
	bool coded, varies;
	size_t n; /* of the text */
} rows[] = {
	{ "/small.txt", WANTS, 200, true, true, 5000 },
	{ "/middle.js", WANTS, 200, true, true, MIDDLE },
	{ "/text", WANTS, 200, true, true, 52 },
	{ "/small.txt", "Accept-Encoding: br;q=0, *\r\n", 200, true, true,
	    5000 },
	/* the client does not want it */
	{ "/small.txt", "", 200, false, true, 5000 },
	{ "/small.txt", "Accept-Encoding: gzip;q=0\r\n", 200, false, true,
	    5000 },
	{ "/small.txt", "Accept-Encoding: identity, gzip;q=0.5\r\n", 200, false,
	    true, 5000 },
	/* it gains nothing, or is not for us */
	{ "/tiny.txt", WANTS, 200, false, true, 1000 },
	{ "/short", WANTS, 200, false, true, 0 },
	{ "/big.txt", WANTS, 200, false, true, BIG },
	{ "/noise.txt", WANTS, 200, false, true, 0 },
	{ "/photo.jpg", WANTS, 200, false, false, 5000 },
	{ "/off/small.txt", WANTS, 200, false, false, 5000 },
	{ "/as-it-is/small.txt", WANTS, 200, false, false, 5000 },
	{ "/error", WANTS, 404, false, false, 0 },
	/* a part is of the answer without a coding */
	{ "/small.txt", WANTS "Range: bytes=0-9\r\n", 206, false, true, 10 },
};

START_TEST(codes)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	char *text = make_text(rows[_i].n);

	/* the second time from what was kept */
	for (int i = 0; i < 2; i++) {
		struct reply *r =
		    client_get(c, rows[_i].target, rows[_i].fields);

		ck_assert_uint_eq(r->status, rows[_i].status);
		reply_wants(
		    r, "Content-Encoding", rows[_i].coded ? "gzip" : NULL);
		reply_wants(
		    r, "Vary", rows[_i].varies ? "Accept-Encoding" : NULL);
		if (rows[_i].coded) {
			ck_assert_uint_lt(r->content_n, rows[_i].n);
			wants_decoded(r, text, rows[_i].n);
			reply_wants(r, "Accept-Ranges", NULL);
		} else if (rows[_i].n > 0) {
			reply_wants_content(r, text, rows[_i].n);
		}
	}
	daemon_stop(d);
}
END_TEST

START_TEST(validators)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, "/small.txt", WANTS);
	const char *length = scratch_printf("%zu", r->content_n);
	const char *etag = scratch_printf("%s", reply_field(r, "ETag"));

	ck_assert_msg(strncmp(etag, "W/\"", 3) == 0, "%s", etag);
	r = client_expect(
	    c, "HEAD /small.txt HTTP/1.1\r\nHost: t\r\n" WANTS "\r\n", 200);
	reply_wants(r, "Content-Encoding", "gzip");
	reply_wants(r, "Content-Length", length);
	reply_wants(r, "ETag", etag);
	r = client_get(c, "/small.txt",
	    scratch_printf(WANTS "If-None-Match: %s\r\n", etag));
	ck_assert_uint_eq(r->status, 304);
	reply_wants(r, "Vary", "Accept-Encoding");
	/* a part of what is not coded does not fit what is */
	r = client_get(c, "/small.txt",
	    scratch_printf(WANTS "Range: bytes=0-9\r\nIf-Range: %s\r\n", etag));
	ck_assert_uint_eq(r->status, 200);
	/* what lies beside the file needs no thread */
	r = client_get(c, "/beside.txt", WANTS);
	reply_wants_text(r, "made before");
	reply_wants(r, "Content-Encoding", "gzip");
	daemon_stop(d);
}
END_TEST

/* Another file of that name is coded anew. */
START_TEST(file_changes)
{
	struct daemon *d =
	    daemon_start("workers 1; file_cache_valid 0; gzip on;\n"
			 "server { route / { root @DIR@/site; } }\n");
	struct client *c = daemon_connect(d);
	char *text;

	for (size_t n = 5000; n < 5004; n++) {
		text = make_text(n);
		scratch_text("site/x.txt", text);
		for (int i = 0; i < 2; i++)
			wants_decoded(client_get(c, "/x.txt", WANTS), text, n);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(pipelined_with_others)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	char *text = make_text(MIDDLE);

	for (int i = 0; i < 20; i++)
		client_puts(c,
		    "GET /middle.js HTTP/1.1\r\nHost: t\r\n" WANTS "\r\n"
		    "GET /short HTTP/1.1\r\nHost: t\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		wants_decoded(client_read(c, "GET"), text, MIDDLE);
		reply_wants_text(client_read(c, "GET"), "short");
	}
	daemon_stop(d);
}
END_TEST

/* Those who go while a thread codes for them. */
START_TEST(clients_that_go)
{
	struct daemon *d = start();

	for (int i = 0; i < 40; i++) {
		struct client *c = daemon_connect(d);

		client_puts(c, "GET / HTTP/1.1\r\nHost: t\r\n" WANTS "\r\n");
		client_reset(c);
		c = daemon_connect(d);
		client_puts(c,
		    scratch_printf(
			"GET /middle.js?%d HTTP/1.1\r\nHost: t\r\n" WANTS
			"\r\n",
			i));
		client_reset(c);
	}
	ck_assert_uint_eq(
	    client_get(daemon_connect(d), "/small.txt", WANTS)->status, 200);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(gzip)
{
	TCase *tc = bt_system_case(s, "coding");

	tcase_add_loop_test(tc, codes, 0, BT_ROWS(rows));
	tcase_add_test(tc, validators);
	tcase_add_test(tc, file_changes);
	tcase_add_test(tc, pipelined_with_others);
	tcase_add_test(tc, clients_that_go);
}
