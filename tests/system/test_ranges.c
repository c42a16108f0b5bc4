/*
 * Several ranges of a file in one answer: multipart/byteranges.
 */

#include "tests/system/slow_disk.h"
#include "tests/system/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF "workers 1; server { route / { root @DIR@/site; } }\n"

enum { SMALL = 1000, LARGE = 3000000 };

struct span {
	size_t offset, length;
};

static const struct {
	const char *range;
	struct span spans[4];
} rows[] = {
	{ "0-0,-1", { { 0, 1 }, { 999, 1 } } },
	{ "500-600, 10-19", { { 10, 10 }, { 500, 101 } } },
	{ "0-9,20-29,40-49,60-",
	    { { 0, 10 }, { 20, 10 }, { 40, 10 }, { 60, 940 } } },
	{ "0-9,5-14,100-109", { { 0, 15 }, { 100, 10 } } },
	{ "0-9,2000-,100-109", { { 0, 10 }, { 100, 10 } } },
};

/* What stands in the answer's Content-Type behind `boundary=`. */
static const char *
boundary_of(const struct reply *r)
{
	const char *type = reply_field(r, "Content-Type");
	const char *name = "multipart/byteranges; boundary=";

	ck_assert_ptr_nonnull(type);
	ck_assert_int_eq(strncmp(type, name, strlen(name)), 0);
	return scratch_printf("%s", type + strlen(name));
}

/* Wants a part at `at`; returns what is behind it. */
static const char *
wants_part(const char *at, const char *boundary, struct span span, size_t size,
    const char *content)
{
	const char *head = scratch_printf("\r\n--%s\r\n"
					  "Content-Type: text/plain; "
					  "charset=utf-8\r\n"
					  "Content-Range: bytes "
					  "%zu-%zu/%zu\r\n\r\n",
	    boundary, span.offset, span.offset + span.length - 1, size);

	ck_assert_msg(strncmp(at, head, strlen(head)) == 0, "not %s but %.*s",
	    head, (int)strlen(head), at);
	at += strlen(head);
	ck_assert_int_eq(memcmp(at, content + span.offset, span.length), 0);
	return at + span.length;
}

static void
wants_parts(const struct reply *r, const struct span *spans, size_t size,
    const char *content)
{
	const char *boundary, *at = r->content, *end;

	ck_assert_uint_eq(r->status, 206);
	reply_wants(r, "Content-Range", NULL);
	ck_assert(!r->chunked);
	boundary = boundary_of(r);
	for (int i = 0; i < 4 && spans[i].length > 0; i++)
		at = wants_part(at, boundary, spans[i], size, content);
	end = scratch_printf("\r\n--%s--\r\n", boundary);
	ck_assert_str_eq(at, end);
	ck_assert_uint_eq(
	    (size_t)(at - r->content) + strlen(end), r->content_n);
}

static char *
make_file(const char *name, size_t n)
{
	char *content = scratch_alloc(n);

	scratch_noise(content, n, 7);
	for (size_t i = 0; i < n; i++)
		content[i] = (char)('a' + (content[i] & 15));
	scratch_file(name, content, n);
	return content;
}

START_TEST(of_a_small_file)
{
	char *content = make_file("site/small.txt", SMALL);
	struct daemon *d = daemon_start(CONF);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < BT_ROWS(rows); i++) {
		client_set_context(rows[i].range);
		wants_parts(
		    client_get(c, "/small.txt",
			scratch_printf("Range: bytes=%s\r\n", rows[i].range)),
		    rows[i].spans, SMALL, content);
	}
	daemon_stop(d);
}
END_TEST

START_TEST(of_a_large_file)
{
	static const struct span spans[4] = { { 7, 1000000 },
		{ 1500000, 1000001 }, { 2999990, 10 } };
	char *content = make_file("site/large.txt", LARGE);
	struct daemon *d = daemon_start(CONF);
	struct client *c = daemon_connect(d);

	for (int i = 0; i < 3; i++)
		wants_parts(client_get(c, "/large.txt",
				"Range: bytes=7-1000006, 1500000-2500000, "
				"-10\r\n"),
		    spans, LARGE, content);
	daemon_stop(d);
}
END_TEST

/* Each has its own validators; If-Range decides for all of them. */
START_TEST(only_of_what_is_meant)
{
	struct daemon *d;
	struct client *c;
	struct reply *r;
	const char *etag;

	make_file("site/small.txt", SMALL);
	d = daemon_start(CONF);
	c = daemon_connect(d);
	etag = scratch_printf(
	    "%s", reply_field(client_get(c, "/small.txt", ""), "ETag"));
	r = client_get(c, "/small.txt",
	    scratch_printf("Range: bytes=0-1,5-6\r\nIf-Range: %s\r\n", etag));
	ck_assert_uint_eq(r->status, 206);
	reply_wants(r, "ETag", etag);
	r = client_get(
	    c, "/small.txt", "Range: bytes=0-1,5-6\r\nIf-Range: \"other\"\r\n");
	ck_assert_uint_eq(r->status, 200);
	r = client_get(c, "/small.txt", "Range: bytes=5000-5001,6000-\r\n");
	ck_assert_uint_eq(r->status, 416);
	reply_wants(r, "Content-Range", "bytes */1000");
	daemon_stop(d);
}
END_TEST

/* A set that is too large is no reason to do the work. */
START_TEST(more_than_anybody_needs)
{
	char set[2000] = "Range: bytes=";
	struct daemon *d;
	struct reply *r;

	make_file("site/small.txt", SMALL);
	d = daemon_start(CONF);
	for (int i = 0; i < 65; i++)
		sprintf(
		    set + strlen(set), "%s%d-%d", i ? "," : "", 10 * i, 10 * i);
	strcat(set, "\r\n");
	r = client_get(daemon_connect(d), "/small.txt", set);
	ck_assert_uint_eq(r->status, 200);
	ck_assert_uint_eq(r->content_n, SMALL);
	daemon_stop(d);
}
END_TEST

/* What is not in memory is fetched for each part. */
START_TEST(from_a_slow_disk)
{
	struct slow_disk *disk;
	struct daemon *d;
	struct client *c, *other;
	struct reply *r;
	const char *at, *boundary;

	scratch_text("site/slow/x", "");
	disk = slow_disk_mount(scratch_path("site/slow"));
	if (disk == NULL)
		return;
	d = daemon_start(CONF);
	c = daemon_connect(d);
	client_expect(c, "HEAD /slow/big.bin HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	slow_disk_hold(disk);
	client_puts(c,
	    "GET /slow/big.bin HTTP/1.1\r\nHost: t\r\n"
	    "Range: bytes=100000-199999,2000000-2000009\r\n\r\n");
	slow_disk_await(disk);
	other = daemon_connect(d);
	client_expect(other, "GET /none HTTP/1.1\r\nHost: t\r\n\r\n", 404);
	slow_disk_release(disk);
	r = client_read(c, "GET");
	boundary = boundary_of(r);
	at = strstr(r->content, "\r\n\r\n") + 4;
	for (size_t i = 0; i < 100000; i++)
		ck_assert_int_eq(at[i], slow_disk_byte(100000 + i));
	at = strstr(at + 100000, "\r\n\r\n") + 4;
	for (size_t i = 0; i < 10; i++)
		ck_assert_int_eq(at[i], slow_disk_byte(2000000 + i));
	ck_assert_str_eq(at + 10, scratch_printf("\r\n--%s--\r\n", boundary));
	daemon_stop(d);
	slow_disk_unmount(disk);
}
END_TEST

BT_SYSTEM_SUITE(ranges)
{
	TCase *tc = bt_system_case(s, "several");

	tcase_add_test(tc, of_a_small_file);
	tcase_add_test(tc, of_a_large_file);
	tcase_add_test(tc, only_of_what_is_meant);
	tcase_add_test(tc, more_than_anybody_needs);
	tcase_add_test(tc, from_a_slow_disk);
}
