/*
 * RFC 9112, HTTP/1.1, section by section.  Not ours: what clients, proxies and
 * gateways have to do (3.2.2 forwarding, 7.6 of 9110, 9.3 to 9.5 for clients);
 * 8 for responses; 10, 12, 13.  Cuts, joins and byte by byte: test_framing.c.
 * What two servers could read differently: test_smuggling.c.
 *
 * Stricter than it must be, since llhttp is: a tab beside the value of
 * Content-Length and Transfer-Encoding (5.1), and an extension of a chunk
 * behind one that has a value (7.1.1), are refused.
 */

#include "tests/system/rfc.h"

#include <string.h>

#define G "GET /t HTTP/1.1\r\nHost: t\r\n"
#define P "POST /echo HTTP/1.1\r\nHost: t\r\n"
#define CHUNKED P "Transfer-Encoding: chunked\r\n\r\n"
#define SHUT .status = 400, .then = RFC_CLOSES

/* clang-format off: tables */
static const struct rfc_row message[] = {
	{ "2.2", "empty lines before the request line are passed over",
	    "\r\n\r\n" G "\r\n", .status = 200, .then = RFC_STAYS },
	{ "2.2", "a line ends with CR LF", "GET /t HTTP/1.1\nHost: t\n\n",
	    SHUT },
	{ "2.2", "a bare CR is not a line end", G "X: a\rb\r\n\r\n", SHUT },
	{ "2.2", "blanks before the first field",
	    "GET /t HTTP/1.1\r\n Host: t\r\n\r\n", SHUT },
	{ "2.2", "what is not HTTP", "\x16\x03\x01\x02\r\n\r\n", SHUT },
	{ "2.3", "a minor version that is higher",
	    "GET /t HTTP/1.2\r\n"
	    "Host: t\r\n\r\n",
	    .status = 505, .then = RFC_CLOSES },
	{ "2.3", "a major version that is higher",
	    "GET /t HTTP/2.0\r\n"
	    "Host: t\r\n\r\n",
	    .status = 505, .then = RFC_CLOSES },
	{ "2.3", "the name is case-sensitive",
	    "GET /t http/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "2.3", "a version has one digit",
	    "GET /t HTTP/1.10\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "2.3", "no version at all", "GET /t\r\nHost: t\r\n\r\n", SHUT },
	{ "2.3", "the answer to 1.0 is one that it understands",
	    "GET /t HTTP/1.0\r\n\r\n", .status = 200, .then = RFC_CLOSES,
	    .fields = { "-Transfer-Encoding" }, .content = "x" },
};
RFC_TEST(rfc9112_2_message, message)

static const struct rfc_row request_line[] = {
	{ "3", "one blank between the parts",
	    "GET  /t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "3", "a tab is not a blank", "GET\t/t HTTP/1.1\r\nHost: t\r\n\r\n",
	    SHUT },
	{ "3", "a blank behind the line", "GET /t HTTP/1.1 \r\nHost: t\r\n\r\n",
	    SHUT },
	{ "3", "a blank in the target", "GET /t t HTTP/1.1\r\nHost: t\r\n\r\n",
	    SHUT },
	{ "3.1", "the method is case-sensitive",
	    "get /t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    .status = 501, .then = RFC_CLOSES },
	{ "3.1", "a method that is not known",
	    "BREW /t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    .status = 501, .then = RFC_CLOSES },
	{ "3.2", "no Host in 1.1", "GET /t HTTP/1.1\r\n\r\n", SHUT },
	{ "3.2", "two Hosts", "GET /t HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n",
	    SHUT },
	{ "3.2", "a Host that is none", "GET /t HTTP/1.1\r\nHost: a b\r\n\r\n",
	    SHUT },
	{ "3.2", "a Host with userinfo", "GET /t HTTP/1.1\r\nHost: a@t\r\n\r\n",
	    SHUT },
	{ "3.2", "a Host with a path", "GET /t HTTP/1.1\r\nHost: t/x\r\n\r\n",
	    SHUT },
	{ "3.2", "a Host with a port", "GET /t HTTP/1.1\r\nHost: t:80\r\n\r\n",
	    .status = 200, .then = RFC_STAYS },
	{ "3.2", "an IPv6 Host", "GET /t HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
	    .status = 200, .then = RFC_STAYS },
	{ "3.2.1", "origin-form with a query",
	    "GET /t?a=b&c HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    .status = 200, .then = RFC_STAYS },
	{ "3.2.1", "a path begins with a slash",
	    "GET t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "3.2.1", "a target has no fragment",
	    "GET /t#a HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "3.2.1", "an escape that is none",
	    "GET /%zz HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "3.2.2", "absolute-form is for every server",
	    "GET http://t/t HTTP/1.1\r\nHost: t\r\n\r\n", .status = 200,
	    .then = RFC_STAYS, .content = "x" },
	{ "3.2.2", "its host goes before Host's",
	    "GET http://t/t HTTP/1.1\r\nHost: other\r\n\r\n", .status = 200,
	    .then = RFC_STAYS },
	{ "3.2.2", "its scheme in any case",
	    "GET HTTP://t/t HTTP/1.1\r\nHost: t\r\n\r\n", .status = 200,
	    .then = RFC_STAYS },
	{ "3.2.2", "another scheme",
	    "GET ftp://t/t HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "3.2.2", "Host is needed all the same",
	    "GET http://t/t HTTP/1.1\r\n\r\n", SHUT },
	{ "3.2.3", "authority-form is for CONNECT, and that for proxies",
	    "CONNECT t:80 HTTP/1.1\r\nHost: t:80\r\n\r\n", .status = 501,
	    .then = RFC_CLOSES },
	{ "3.2.3", "with no other method",
	    "GET t:80 HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
	{ "3.2.4", "asterisk-form is for OPTIONS",
	    "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", .status = 204,
	    .then = RFC_STAYS },
	{ "3.2.4", "with no other method",
	    "GET * HTTP/1.1\r\n"
	    "Host: t\r\n\r\n",
	    SHUT },
};
RFC_TEST(rfc9112_3_request_line, request_line)

static const struct rfc_row fields[] = {
	{ "5", "no blank before the colon", G "X : y\r\n\r\n", SHUT },
	{ "5", "no tab before the colon", G "X\t: y\r\n\r\n", SHUT },
	{ "5", "a field has a colon", G "X\r\n\r\n", SHUT },
	{ "5", "a name has a byte at least", G ": y\r\n\r\n", SHUT },
	{ "5", "a name is a token", G "X(: y\r\n\r\n", SHUT },
	{ "5", "names are in any case", "GET /t HTTP/1.1\r\nhOsT: t\r\n\r\n",
	    .status = 200, .then = RFC_STAYS },
	{ "5.1", "blanks around a value are not of it",
	    "GET /files/a.txt HTTP/1.1\r\nHost:t\r\nRange: \t bytes=0-1\t "
	    "\r\n\r\n",
	    .status = 206, .then = RFC_STAYS, .content = "01" },
	{ "5.1", "a value may be empty", G "X:\r\n\r\n", .status = 200,
	    .then = RFC_STAYS },
	{ "5.2", "a folded line", G "X: a\r\n b\r\n\r\n", SHUT },
	{ "5.2", "folded with a tab", G "X: a\r\n\tb\r\n\r\n", SHUT },
};
RFC_TEST(rfc9112_5_fields, fields)

static const struct rfc_row content[] = {
	{ "6.1", "a coding that is not known",
	    P "Transfer-Encoding: gzip, "
	      "chunked\r\n\r\n0\r\n\r\n",
	    .status = 501, .then = RFC_CLOSES },
	{ "6.1", "codings are in any case",
	    P "Transfer-Encoding: CHUNKED\r\n"
	      "\r\n2\r\nab\r\n0\r\n\r\n",
	    .status = 200, .then = RFC_STAYS, .content = "ab" },
	{ "6.1", "chunked is not in 1.0",
	    "POST /echo HTTP/1.0\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    SHUT },
	{ "6.2", "no coding and no length: no content", P "\r\n", .status = 200,
	    .then = RFC_STAYS, .fields = { "Content-Length: 0" },
	    .content = "" },
	{ "6.3", "both lengths",
	    P "Content-Length: 3\r\n"
	      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    SHUT },
	{ "6.3", "chunked is not the last",
	    P "Transfer-Encoding: chunked, "
	      "gzip\r\n\r\n0\r\n\r\n",
	    SHUT },
	{ "6.3", "a length that is none", P "Content-Length: 1a\r\n\r\na",
	    SHUT },
	{ "6.3", "two lengths",
	    P "Content-Length: 1\r\nContent-Length: 2\r\n"
	      "\r\nab",
	    SHUT },
	{ "6.3", "a list of lengths", P "Content-Length: 2, 2\r\n\r\nab",
	    SHUT },
	{ "6.3", "the content of a GET is read, and is not the next request",
	    G "Content-Length: 4\r\n\r\nGET ", .status = 200, .then = RFC_STAYS,
	    .content = "x" },
	{ "6.3", "a length in 1.0",
	    "POST /echo HTTP/1.0\r\n"
	    "Content-Length: 2\r\n\r\nab",
	    .status = 200, .then = RFC_CLOSES, .content = "ab" },
};
RFC_TEST(rfc9112_6_content, content)

static const struct rfc_row chunks[] = {
	{ "7.1", "chunks", CHUNKED "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
	    .status = 200, .then = RFC_STAYS, .content = "abcde" },
	{ "7.1", "sizes are hexadecimal, in any case, with zeros in front",
	    CHUNKED "00a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n",
	    .status = 200, .then = RFC_STAYS,
	    .content = "01234567890123456789a" },
	{ "7.1", "a size that is none", CHUNKED "x\r\n", SHUT },
	{ "7.1", "a size with a sign", CHUNKED "+2\r\nab\r\n0\r\n\r\n", SHUT },
	{ "7.1", "0x is no size", CHUNKED "0x2\r\nab\r\n0\r\n\r\n", SHUT },
	{ "7.1", "a blank before the size", CHUNKED " 2\r\nab\r\n0\r\n\r\n",
	    SHUT },
	{ "7.1", "a size past 64 bits", CHUNKED "10000000000000000\r\n", SHUT },
	{ "7.1.1", "extensions are passed over",
	    CHUNKED "2;a;b;c=\"d;\"\r\nab\r\n0;x\r\n\r\n", .status = 200,
	    .then = RFC_STAYS, .content = "ab" },
	{ "7.1.1", "an extension has no LF alone",
	    CHUNKED "2;a\nab\r\n0\r\n\r\n", SHUT },
	{ "7.1.2", "trailers are read and not taken for fields",
	    CHUNKED "2\r\nab\r\n0\r\nX: y\r\nConnection: close\r\n\r\n",
	    .status = 200, .then = RFC_STAYS, .content = "ab" },
	{ "7.1.2", "a trailer may not frame",
	    CHUNKED "0\r\n"
		    "Content-Length: 5\r\n\r\n",
	    SHUT },
	{ "7.1.2", "a trailer is a field", CHUNKED "0\r\nX y\r\n\r\n", SHUT },
};
RFC_TEST(rfc9112_7_chunks, chunks)

static const struct rfc_row connection[] = {
	{ "9.3", "1.1 stays", G "\r\n", .status = 200, .then = RFC_STAYS,
	    .fields = { "-Connection" } },
	{ "9.3", "1.0 does not", "GET /t HTTP/1.0\r\nHost: t\r\n\r\n",
	    .status = 200, .then = RFC_CLOSES },
	{ "9.3", "1.0 with keep-alive does",
	    "GET /t HTTP/1.0\r\nHost: t\r\n"
	    "Connection: keep-alive\r\n\r\n",
	    .status = 200, .then = RFC_STAYS,
	    .fields = { "Connection: keep-alive" } },
	{ "9.6", "close is the last", G "Connection: close\r\n\r\n",
	    .status = 200, .then = RFC_CLOSES,
	    .fields = { "Connection: close" } },
	{ "9.6", "close in a list, in any case",
	    G "Connection: x, CLOSE\r\n\r\n", .status = 200,
	    .then = RFC_CLOSES },
	{ "9.6", "close goes before keep-alive",
	    G "Connection: keep-alive\r\nConnection: close\r\n\r\n",
	    .status = 200, .then = RFC_CLOSES },
};
RFC_TEST(rfc9112_9_connection, connection)
/* clang-format on */

/* 9.3.2: answers in the order of the requests. */
START_TEST(rfc9112_9_3_2_pipelining)
{
	struct daemon *d = rfc_start();
	struct client *c = daemon_connect(d);

	client_puts(c,
	    "GET /t HTTP/1.1\r\nHost: t\r\n\r\n"
	    "GET /none HTTP/1.1\r\nHost: t\r\n\r\n"
	    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nab"
	    "HEAD /t HTTP/1.1\r\nHost: t\r\n\r\n"
	    "GET /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n"
	    "GET /t HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
	    "GET /t HTTP/1.1\r\nHost: t\r\n\r\n");
	reply_wants_text(client_read(c, "GET"), "x");
	ck_assert_uint_eq(client_read(c, "GET")->status, 404);
	reply_wants_text(client_read(c, "POST"), "ab");
	ck_assert_uint_eq(client_read(c, "HEAD")->status, 200);
	reply_wants_text(client_read(c, "GET"), "0123456789");
	ck_assert(client_read(c, "GET")->closes);
	/* 9.6: nothing behind a close is answered */
	client_expect_end(c);
	daemon_stop(d);
}
END_TEST

static const char *const cut[] = {
	"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab",
	"POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
	"5\r\nab",
	"POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
	"2\r\nab\r\n",
	"POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
	"2\r\nab\r\n0\r\n",
	"GET /t HTTP/1.1\r\nHost: t\r\n",
};

/* 6.3 and 8: a message that its end comes before is never a whole one. */
START_TEST(rfc9112_8_incomplete)
{
	struct daemon *d = rfc_start();

	for (int i = 0; i < BT_ROWS(cut); i++) {
		struct client *c = daemon_connect(d);
		const char *bytes;
		size_t n;

		client_set_context(cut[i]);
		client_puts(c, cut[i]);
		client_finish_sending(c);
		bytes = client_peek_all(c, &n);
		/* an error, or an answer that is cut: not one that is whole */
		ck_assert(n == 0 || strstr(bytes, "HTTP/1.1 400") == bytes ||
		    strstr(bytes, "\r\n0\r\n\r\n") == NULL);
		ck_assert_ptr_null(strstr(bytes, "Content-Length: 2"));
		client_close(c);
	}
	daemon_stop(d);
}
END_TEST

/* 9.6: half-closed by the client is no reason to cut the answer. */
START_TEST(rfc9112_9_6_half_closed)
{
	struct daemon *d = rfc_start();
	struct client *c = daemon_connect(d);

	client_puts(c,
	    "GET /files/a.txt HTTP/1.1\r\nHost: t\r\n\r\n"
	    "GET /t HTTP/1.1\r\nHost: t\r\n\r\n");
	client_finish_sending(c);
	reply_wants_text(client_read(c, "GET"), "0123456789");
	reply_wants_text(client_read(c, "GET"), "x");
	client_expect_eof(c);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(rfc9112)
{
	TCase *tc = bt_system_case(s, "RFC 9112");

	tcase_add_test(tc, rfc9112_2_message);
	tcase_add_test(tc, rfc9112_3_request_line);
	tcase_add_test(tc, rfc9112_5_fields);
	tcase_add_test(tc, rfc9112_6_content);
	tcase_add_test(tc, rfc9112_7_chunks);
	tcase_add_test(tc, rfc9112_8_incomplete);
	tcase_add_test(tc, rfc9112_9_connection);
	tcase_add_test(tc, rfc9112_9_3_2_pipelining);
	tcase_add_test(tc, rfc9112_9_6_half_closed);
}
