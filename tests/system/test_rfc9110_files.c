/*
 * RFC 9110, HTTP semantics, chapters 12 to 15: content negotiation, conditional
 * requests, ranges, status codes.  Their rules on a value alone are in
 * tests/unit/test_accept.c, test_conditional.c, test_range.c and
 * test_byteranges.c; here is that they are kept, together and in their order.
 * Not ours: caches and clients; 13.1.5 and 14 for what is no file.
 */

#include "tests/system/rfc.h"

#define A "GET /files/a.txt HTTP/1.1\r\nHost: t\r\n"
#define PAGE "GET /files/page.html HTTP/1.1\r\nHost: t\r\n"
#define BEFORE "Mon, 13 Nov 2023 22:13:20 GMT"
#define STAYS(s) .status = s, .then = RFC_STAYS
#define CLOSES(s) .status = s, .then = RFC_CLOSES
#define HAS(...) .fields = { __VA_ARGS__ }
#define IS(text) .content = text
#define WHOLE STAYS(200), IS("0123456789")

/* clang-format off: tables */
static const struct rfc_row negotiation[] = {
	{ "12.5.3", "no Accept-Encoding", PAGE "\r\n", STAYS(200),
	    HAS("-Content-Encoding"), IS("<p>page\n") },
	{ "12.5.3", "an empty one: no coding", PAGE "Accept-Encoding:\r\n\r\n",
	    STAYS(200), HAS("-Content-Encoding") },
	{ "12.5.3", "a weight of 0", PAGE "Accept-Encoding: gzip;q=0\r\n\r\n",
	    STAYS(200), HAS("-Content-Encoding") },
	{ "12.5.3", "any", PAGE "Accept-Encoding: *\r\n\r\n", STAYS(200),
	    HAS("Content-Encoding: gzip", "Vary: Accept-Encoding") },
	{ "12.5.3", "identity is liked better",
	    PAGE "Accept-Encoding: gzip;q=0.5, identity\r\n\r\n", STAYS(200),
	    HAS("-Content-Encoding", "Vary: Accept-Encoding") },
	{ "12.5.3", "nothing is acceptable: as it is",
	    PAGE "Accept-Encoding: identity;q=0, br\r\n\r\n", STAYS(200) },
	{ "12.5.5", "it varies, whichever is sent", PAGE "\r\n", STAYS(200),
	    HAS("Vary: Accept-Encoding") },
	{ "12.5.5", "it does not where there is one only",
	    A "Accept-Encoding: gzip\r\n\r\n", STAYS(200), HAS("-Vary") },
};
RFC_TEST(rfc9110_12_negotiation, negotiation)

static const struct rfc_row conditions[] = {
	{ "13.1.1", "If-Match that holds", A "If-Match: @ETAG@\r\n\r\n",
	    WHOLE },
	{ "13.1.1", "any", A "If-Match: *\r\n\r\n", WHOLE },
	{ "13.1.1", "one of a list", A "If-Match: \"x\", @ETAG@\r\n\r\n",
	    WHOLE },
	{ "13.1.1", "none", A "If-Match: \"x\"\r\n\r\n", STAYS(412) },
	{ "13.1.1", "compared strongly", A "If-Match: W/@ETAG@\r\n\r\n",
	    STAYS(412) },
	{ "13.1.2", "If-None-Match: 304", A "If-None-Match: @ETAG@\r\n\r\n",
	    STAYS(304), HAS("ETag: @ETAG@") },
	{ "13.1.2", "compared weakly", A "If-None-Match: W/@ETAG@\r\n\r\n",
	    STAYS(304) },
	{ "13.1.2", "any", A "If-None-Match: *\r\n\r\n", STAYS(304) },
	{ "13.1.2", "none of them", A "If-None-Match: \"x\"\r\n\r\n", WHOLE },
	{ "13.1.3", "If-Modified-Since: 304",
	    A "If-Modified-Since: @DATE@\r\n\r\n", STAYS(304) },
	{ "13.1.3", "before that", A "If-Modified-Since: " BEFORE "\r\n\r\n",
	    WHOLE },
	{ "13.1.3", "is not asked beside If-None-Match",
	    A "If-None-Match: \"x\"\r\nIf-Modified-Since: @DATE@\r\n\r\n",
	    WHOLE },
	{ "13.1.4", "If-Unmodified-Since that holds",
	    A "If-Unmodified-Since: @DATE@\r\n\r\n", WHOLE },
	{ "13.1.4", "and that does not",
	    A "If-Unmodified-Since: " BEFORE "\r\n\r\n", STAYS(412) },
	{ "13.1.4", "is not asked beside If-Match",
	    A "If-Match: @ETAG@\r\nIf-Unmodified-Since: " BEFORE "\r\n\r\n",
	    WHOLE },
	{ "13.1.5", "If-Range with the validator",
	    A "Range: bytes=2-4\r\nIf-Range: @ETAG@\r\n\r\n", STAYS(206),
	    IS("234") },
	{ "13.1.5", "with another: the whole",
	    A "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n\r\n", WHOLE },
	{ "13.1.5", "with a weak one: the whole",
	    A "Range: bytes=2-4\r\nIf-Range: W/@ETAG@\r\n\r\n", WHOLE },
	{ "13.1.5", "with the date",
	    A "Range: bytes=2-4\r\n"
	      "If-Range: @DATE@\r\n\r\n",
	    STAYS(206), IS("234") },
	{ "13.1.5", "with another date: the whole",
	    A "Range: bytes=2-4\r\nIf-Range: " BEFORE "\r\n\r\n", WHOLE },
	{ "13.2.1", "not where the answer would be an error",
	    "GET /none HTTP/1.1\r\nHost: t\r\nIf-None-Match: *\r\n\r\n",
	    STAYS(404) },
	{ "13.2.2", "If-Match goes first",
	    A "If-Match: \"x\"\r\nIf-None-Match: @ETAG@\r\n\r\n", STAYS(412) },
	{ "13.2.2", "then If-None-Match",
	    A "If-Match: @ETAG@\r\nIf-None-Match: @ETAG@\r\n\r\n", STAYS(304) },
	{ "13.2.2", "and Range last",
	    A "If-None-Match: @ETAG@\r\n"
	      "Range: bytes=0-1\r\nIf-Range: @ETAG@\r\n\r\n",
	    STAYS(304) },
	{ "13.2.2", "HEAD is as GET",
	    "HEAD /files/a.txt HTTP/1.1\r\nHost: t\r\n"
	    "If-None-Match: @ETAG@\r\n\r\n",
	    STAYS(304) },
	{ "13.2.2", "each coding has its own",
	    PAGE "Accept-Encoding: gzip\r\nIf-None-Match: @ETAG@\r\n\r\n",
	    STAYS(200), IS("coded") },
};
RFC_TEST(rfc9110_13_conditions, conditions)

static const struct rfc_row ranges[] = {
	{ "14.1.2", "first and last", A "Range: bytes=2-4\r\n\r\n", STAYS(206),
	    HAS("Content-Range: bytes 2-4/10", "Content-Length: 3"),
	    IS("234") },
	{ "14.1.2", "to the end", A "Range: bytes=7-\r\n\r\n", STAYS(206),
	    HAS("Content-Range: bytes 7-9/10"), IS("789") },
	{ "14.1.2", "past the end", A "Range: bytes=7-999\r\n\r\n", STAYS(206),
	    HAS("Content-Range: bytes 7-9/10"), IS("789") },
	{ "14.1.2", "the last ones", A "Range: bytes=-3\r\n\r\n", STAYS(206),
	    IS("789") },
	{ "14.1.2", "more than there are", A "Range: bytes=-99\r\n\r\n",
	    STAYS(206), IS("0123456789") },
	{ "14.1.2", "the last before the first is malformed",
	    A "Range: bytes=4-2\r\n\r\n", WHOLE },
	{ "14.2", "another unit is passed over", A "Range: lines=1-2\r\n\r\n",
	    WHOLE },
	{ "14.2", "so is what is malformed", A "Range: bytes=a-b\r\n\r\n",
	    WHOLE },
	{ "14.2", "for GET alone",
	    "HEAD /files/a.txt HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n",
	    STAYS(200), HAS("Content-Length: 10", "-Content-Range") },
	{ "14.2", "all of it in ranges that touch",
	    A "Range: bytes=5-9,0-4\r\n\r\n", STAYS(206),
	    HAS("Content-Range: bytes 0-9/10"), IS("0123456789") },
	{ "14.3", "that they can be had", A "\r\n", STAYS(200),
	    HAS("Accept-Ranges: bytes") },
	{ "14.4", "behind the end: 416", A "Range: bytes=10-\r\n\r\n",
	    STAYS(416), HAS("Content-Range: bytes */10") },
	{ "14.4", "nothing at all: 416", A "Range: bytes=-0\r\n\r\n",
	    STAYS(416), HAS("Content-Range: bytes */10") },
	{ "14.4", "of the coding that is sent",
	    PAGE "Accept-Encoding: gzip\r\nRange: bytes=1-2\r\n\r\n",
	    STAYS(206),
	    HAS("Content-Range: bytes 1-2/5", "Content-Encoding: gzip",
		"Vary: Accept-Encoding"),
	    IS("od") },
};
RFC_TEST(rfc9110_14_ranges, ranges)

static const struct rfc_row status[] = {
	{ "15.3.7", "206 has what a 200 would have",
	    A "Range: bytes=0-0\r\n\r\n", STAYS(206),
	    HAS("ETag: @ETAG@",
		"Content-Type: text/plain; "
		"charset=utf-8",
		"Last-Modified: @DATE@") },
	{ "15.4.5", "304 has the validators that a 200 would have",
	    A "If-None-Match: *\r\n\r\n", STAYS(304),
	    HAS("ETag: @ETAG@", "-Content-Length", "-Content-Type") },
	{ "15.4.5", "and Vary",
	    PAGE "Accept-Encoding: gzip\r\n"
		 "If-None-Match: *\r\n\r\n",
	    STAYS(304), HAS("Vary: Accept-Encoding") },
	{ "15.5.1", "400", "GET /t HTTP/1.1\r\n\r\n", CLOSES(400) },
	{ "15.5.5", "404", "GET /none HTTP/1.1\r\nHost: t\r\n\r\n",
	    STAYS(404) },
	{ "15.5.6", "405 has Allow",
	    "DELETE /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n", STAYS(405),
	    HAS("Allow: GET, HEAD, OPTIONS") },
	{ "15.5.11", "410", "GET /gone HTTP/1.1\r\nHost: t\r\n\r\n",
	    STAYS(410) },
	{ "15.5.12", "411, where 1.0 cannot say it otherwise",
	    "POST /echo HTTP/1.0\r\n\r\n", CLOSES(411) },
	{ "15.5.14", "413, before it is sent",
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1025\r\n\r\n",
	    CLOSES(413) },
	{ "15.5.18", "417", A "Expect: the-unexpected\r\n\r\n", CLOSES(417) },
	{ "15.6.2", "501", "FLY /t HTTP/1.1\r\nHost: t\r\n\r\n", CLOSES(501) },
	{ "15.6.6", "505", "GET /t HTTP/3.0\r\nHost: t\r\n\r\n", CLOSES(505) },
};
RFC_TEST(rfc9110_15_status, status)
/* clang-format on */

/* 15.5.15: a target past the bound; 431 (RFC 6585, 5): the whole head. */
START_TEST(rfc9110_15_5_15_too_long)
{
	struct daemon *d = rfc_start();
	char *long_text = scratch_alloc(70001);
	struct reply *r;

	for (int i = 0; i < 70000; i++)
		long_text[i] = 'a';
	r = client_ask(daemon_connect(d),
	    scratch_printf("GET /%s HTTP/1.1\r\nHost: t\r\n\r\n", long_text));
	ck_assert_uint_eq(r->status, 414);
	ck_assert(r->closes);
	r = client_ask(daemon_connect(d),
	    scratch_printf(
		"GET /t HTTP/1.1\r\nHost: t\r\nX: %s\r\n\r\n", long_text));
	ck_assert_uint_eq(r->status, 431);
	ck_assert(r->closes);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(rfc9110_files)
{
	TCase *tc = bt_system_case(s, "RFC 9110, 12 to 15");

	tcase_add_test(tc, rfc9110_12_negotiation);
	tcase_add_test(tc, rfc9110_13_conditions);
	tcase_add_test(tc, rfc9110_14_ranges);
	tcase_add_test(tc, rfc9110_15_status);
	tcase_add_test(tc, rfc9110_15_5_15_too_long);
}
