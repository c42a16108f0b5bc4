/*
 * Messages whose end two servers could see in different places.  Each is
 * refused, the connection is closed, and what stands behind it is not served.
 */

#include "tests/system/system.h"

#include <string.h>

/* What an attacker hides behind the message. */
#define HIDDEN "GET /hidden HTTP/1.1\r\nHost: t\r\n\r\n"
#define POST "POST /echo HTTP/1.1\r\nHost: t\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define ZERO "0\r\n\r\n"

struct row {
	const char *label;
	const char *bytes;
	size_t n;
	unsigned status; /* 0: 400 or 501 */
	bool begun;      /* the answer may have begun: cut, not refused */
};

#define ROW(l, b) \
	{ \
		.label = l, .bytes = b, .n = sizeof(b) - 1 \
	}
#define ROW_AS(s, l, b) \
	{ \
		.label = l, .bytes = b, .n = sizeof(b) - 1, .status = s \
	}
#define ROW_CUT(l, b) \
	{ \
		.label = l, .bytes = b, .n = sizeof(b) - 1, .begun = true \
	}

static const struct row rows[] = {
	/* two lengths */
	ROW_AS(400, "CL and TE",
	    POST
	    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" ZERO),
	ROW_AS(400, "TE and CL",
	    POST
	    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" ZERO),
	ROW_AS(400, "CL twice",
	    POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
	ROW_AS(400, "CL twice, equal",
	    POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
	ROW_AS(400, "CL list", POST "Content-Length: 5, 5\r\n\r\nhello"),
	ROW_AS(400, "CL then empty TE",
	    POST "Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello"),
	ROW_AS(400, "empty TE then CL",
	    POST "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello"),
	ROW("empty TE alone", POST "Transfer-Encoding:\r\n\r\n"),
	/* lengths that are none */
	ROW_AS(400, "CL +5", POST "Content-Length: +5\r\n\r\nhello"),
	ROW_AS(400, "CL -5", POST "Content-Length: -5\r\n\r\nhello"),
	ROW_AS(400, "CL 0x5", POST "Content-Length: 0x5\r\n\r\nhello"),
	ROW_AS(400, "CL 5 5", POST "Content-Length: 5 5\r\n\r\nhello"),
	ROW_AS(400, "CL quoted", POST "Content-Length: \"5\"\r\n\r\nhello"),
	ROW_AS(400, "CL empty", POST "Content-Length:\r\n\r\nhello"),
	ROW_AS(400, "CL 5.0", POST "Content-Length: 5.0\r\n\r\nhello"),
	ROW_AS(400, "CL over 64 bits",
	    POST "Content-Length: 18446744073709551621\r\n\r\nhello"),
	/* codings */
	ROW_AS(400, "TE in 1.0",
	    "POST /echo HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: "
	    "chunked\r\n\r\n" ZERO),
	ROW_AS(400, "TE in 1.0, keep-alive",
	    "POST /echo HTTP/1.0\r\nHost: t\r\nConnection: keep-alive\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n" ZERO),
	ROW("gzip, chunked",
	    POST "Transfer-Encoding: gzip, chunked\r\n\r\n" ZERO),
	ROW("identity, chunked",
	    POST "Transfer-Encoding: identity, chunked\r\n\r\n" ZERO),
	ROW("x and chunked on two lines",
	    POST
	    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n" ZERO),
	ROW("chunked on two lines",
	    POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
		 "\r\n" ZERO),
	ROW("chunked then empty",
	    POST
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n" ZERO),
	ROW("chunked, gzip",
	    POST "Transfer-Encoding: chunked, gzip\r\n\r\n" ZERO),
	ROW("chunked, chunked",
	    POST "Transfer-Encoding: chunked, chunked\r\n\r\n" ZERO),
	ROW("chunked with a parameter",
	    POST "Transfer-Encoding: chunked;q=1\r\n\r\n" ZERO),
	ROW("chunked quoted",
	    POST "Transfer-Encoding: \"chunked\"\r\n\r\n" ZERO),
	ROW("chunke", POST "Transfer-Encoding: chunke\r\n\r\n" ZERO),
	ROW("xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n" ZERO),
	ROW("identity", POST "Transfer-Encoding: identity\r\n\r\n"),
	/* line ends */
	ROW_AS(400, "LF ends the request line",
	    "GET /a HTTP/1.1\nHost: t\r\n\r\n"),
	ROW_AS(
	    400, "LF ends a field", "GET /a HTTP/1.1\r\nHost: t\nX: y\r\n\r\n"),
	ROW_AS(400, "LF ends the head", "GET /a HTTP/1.1\r\nHost: t\r\n\n"),
	ROW_AS(400, "all LF", "GET /a HTTP/1.1\nHost: t\n\n"),
	ROW_AS(400, "CR and a byte end the head",
	    "GET /a HTTP/1.1\r\nHost: t\r\n\rX"),
	ROW_AS(400, "empty value, CR, field (CVE-2023-30589)",
	    POST "X:\rTransfer-Encoding: chunked\r\n\r\n" ZERO),
	ROW_AS(400, "bare CR in a value",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX: a\rb\r\n\r\n"),
	ROW_AS(400, "bare CR in the target",
	    "GET /a\rb HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "CR CR LF", "GET /a HTTP/1.1\r\nHost: t\r\r\n\r\n"),
	ROW_AS(400, "NUL in a value",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX: a\0b\r\n\r\n"),
	ROW_AS(400, "NUL in a name",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX\0Y: b\r\n\r\n"),
	ROW_AS(
	    400, "NUL in the target", "GET /a\0b HTTP/1.1\r\nHost: t\r\n\r\n"),
	/* folding */
	ROW_AS(400, "folded value",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n"),
	ROW_AS(400, "folded with HTAB",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX: a\r\n\tb\r\n\r\n"),
	ROW_AS(400, "folded CL (CVE-2024-27982)",
	    POST "X: a\r\n Content-Length: 38\r\n\r\n"),
	ROW_AS(400, "folded chunked",
	    POST "Transfer-Encoding:\r\n chunked\r\n\r\n" ZERO),
	ROW_AS(400, "folded 5", POST "Content-Length:\r\n 5\r\n\r\nhello"),
	ROW_AS(400, "space before the first field",
	    "GET /a HTTP/1.1\r\n X: y\r\nHost: t\r\n\r\n"),
	/* names */
	ROW_AS(400, "empty name", "GET /a HTTP/1.1\r\nHost: t\r\n: v\r\n\r\n"),
	ROW_AS(400, "space in a name",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX Y: v\r\n\r\n"),
	ROW_AS(400, "space behind a name",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX : v\r\n\r\n"),
	ROW_AS(400, "Host with a space", "GET /a HTTP/1.1\r\nHost : t\r\n\r\n"),
	ROW_AS(400, "CL with a space", POST "Content-Length : 5\r\n\r\nhello"),
	ROW_AS(400, "TE with a space",
	    POST "Transfer-Encoding : chunked\r\n\r\n" ZERO),
	ROW_AS(400, "TE with a tab",
	    POST "Transfer-Encoding\t: chunked\r\n\r\n" ZERO),
	ROW_AS(
	    400, "no colon", "GET /a HTTP/1.1\r\nHost: t\r\nnonsense\r\n\r\n"),
	ROW_AS(400, "DEL in a value",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX: a\x7f\r\n\r\n"),
	/* chunks, where the answer has begun already */
	ROW_CUT("chunk data too long", CHUNKED "5\r\nhelloXX0\r\n\r\n"),
	ROW_CUT("CR and a byte behind a size", CHUNKED "5\rXhello\r\n" ZERO),
	ROW_CUT("CR and a byte behind an extension",
	    CHUNKED "5;a=\rXhello\r\n" ZERO),
	ROW_CUT("LF behind a size", CHUNKED "5\nhello\r\n" ZERO),
	ROW_CUT("LF in an extension", CHUNKED "5;a\nb\r\nhello\r\n" ZERO),
	ROW_CUT("LF ends the trailer", CHUNKED "0\r\n\n"),
	ROW_CUT("CR and a byte end the trailer", CHUNKED "0\r\n\rX"),
	ROW_CUT("folded trailer", CHUNKED "0\r\nX: a\r\n b\r\n\r\n"),
	ROW_CUT("CL in the trailer", CHUNKED "0\r\nContent-Length: 5\r\n\r\n"),
	ROW_CUT("TE in the trailer",
	    CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	ROW_CUT("size +5", CHUNKED "+5\r\nhello\r\n" ZERO),
	ROW_CUT("size -5", CHUNKED "-5\r\nhello\r\n" ZERO),
	ROW_CUT("size 0x5", CHUNKED "0x5\r\nhello\r\n" ZERO),
	ROW_CUT("size with a space before", CHUNKED " 5\r\nhello\r\n" ZERO),
	ROW_CUT("no size", CHUNKED "\r\nhello\r\n" ZERO),
	ROW_CUT(
	    "size over 64 bits", CHUNKED "10000000000000005\r\nhello\r\n" ZERO),
	ROW_CUT("size is a word", CHUNKED "five\r\nhello\r\n" ZERO),
	/* versions and protocols */
	ROW_AS(400, "no version", "GET /a\r\n"),
	ROW_AS(400, "no version, with fields", "GET /a\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "HTTP/1.10", "GET /a HTTP/1.10\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "http/1.1", "GET /a http/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "junk behind the version",
	    "GET /a HTTP/1.1 x\r\nHost: t\r\n\r\n"),
	ROW("RTSP", "GET /a RTSP/1.0\r\nHost: t\r\n\r\n"),
	ROW("ICE", "SOURCE /a ICE/1.0\r\nHost: t\r\n\r\n"),
	/* Host */
	ROW_AS(400, "no Host", "GET /a HTTP/1.1\r\n\r\n"),
	ROW_AS(
	    400, "Host twice", "GET /a HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "Host twice in 1.0",
	    "GET /a HTTP/1.0\r\nHost: t\r\nHost: u\r\n\r\n"),
	ROW_AS(400, "Host with a path", "GET /a HTTP/1.1\r\nHost: t/x\r\n\r\n"),
	ROW_AS(400, "Host with a user", "GET /a HTTP/1.1\r\nHost: u@t\r\n\r\n"),
	ROW_AS(400, "Host with a bad port",
	    "GET /a HTTP/1.1\r\nHost: t:8x\r\n\r\n"),
	ROW_AS(400, "Host list", "GET /a HTTP/1.1\r\nHost: t, u\r\n\r\n"),
	ROW_AS(400, "Host is nonsense", "GET /a HTTP/1.1\r\nHost: t t\r\n\r\n"),
	/* targets */
	ROW_AS(400, "GET *", "GET * HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "OPTIONS *x", "OPTIONS *x HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "http:///x", "GET http:///x HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(
	    400, "userinfo", "GET http://u:p@t/a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "port is nonsense",
	    "GET http://t:80x/a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "fragment", "GET /a#b HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "%zz", "GET /a%zz HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "%00", "GET /a%00 HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "half a percent", "GET /a%4 HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "above the root", "GET /../a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "above the root, encoded",
	    "GET /%2e%2E/a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(
	    400, "quote in the target", "GET /a\" HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "brackets in the target",
	    "GET /<a> HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "braces in the target",
	    "GET /{a} HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "backslash in the target",
	    "GET /\\a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(
	    400, "caret in the target", "GET /^a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "bar in the target", "GET /|a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "backquote in the target",
	    "GET /`a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(
	    400, "HTAB in the target", "GET /a\tb HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(
	    400, "FF in the target", "GET /a\fb HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "a byte over 0x7f in the target",
	    "GET /\xe9 HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(
	    400, "space in the target", "GET /a b HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW_AS(400, "relative", "GET a HTTP/1.1\r\nHost: t\r\n\r\n"),
	/* methods */
	ROW("CONNECT host", "CONNECT t:80 HTTP/1.1\r\nHost: t:80\r\n\r\n"),
	ROW("CONNECT with a length",
	    "CONNECT t:80 HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"),
	ROW("CONNECT /path", "CONNECT /a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("CONNECT without a port", "CONNECT t HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("space before the method", " GET /a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("lower case", "get /a HTTP/1.1\r\nHost: t\r\n\r\n"),
};

#define SERVER \
	"server { route = /hidden { return 200 \"HIDDEN\"; } " \
	"route /echo { echo; } route / { return 200 \"x\"; } }\n"

static void
wants_refusal(struct client *c, const struct row *row)
{
	struct reply *r = client_read(c, "POST");
	bool right = row->status ? r->status == row->status
				 : r->status == 400 || r->status == 501;

	ck_assert_msg(right, "%s: %u, not %u (0: 400 or 501)", row->label,
	    r->status, row->status);
	ck_assert_msg(
	    r->closes, "%s: no Connection: close in %s", row->label, r->head);
}

/* An answer that had begun breaks off where its framing shows it. */
static void
wants_cut(struct client *c, const struct row *row)
{
	size_t n;
	const char *text;

	client_peek(c, 12);
	if (strncmp(client_peek(c, 12), "HTTP/1.1 200", 12) != 0) {
		wants_refusal(c, row);
		return;
	}
	text = client_peek_all(c, &n);
	ck_assert_msg(memmem(text, n, "\r\n0\r\n\r\n", 7) == NULL,
	    "%s: the answer looks complete", row->label);
	ck_assert_msg(memmem(text, n, "HIDDEN", 6) == NULL,
	    "%s: the hidden request was served", row->label);
	client_skip(c, n);
}

static void
try_row(struct daemon *d, const struct row *row, const char *before)
{
	struct client *c = daemon_connect(d);
	size_t n = row->n + strlen(HIDDEN);

	client_puts(c, before);
	client_send(c, scratch_join(row->bytes, row->n, HIDDEN), n);
	if (*before != '\0')
		reply_wants_text(client_read(c, "GET"), "x");
	if (row->begun)
		wants_cut(c, row);
	else
		wants_refusal(c, row);
	client_expect_eof(c);
	client_close(c);
}

/* On a new connection, and behind a good request. */
START_TEST(refused)
{
	const struct row *row = &rows[_i];
	struct daemon *d = daemon_start(SERVER);

	client_set_context(row->label);
	try_row(d, row, "");
	try_row(d, row, "GET /first HTTP/1.1\r\nHost: t\r\n\r\n");
	daemon_stop(d);
}
END_TEST

/* What looks odd and is right: it must not be refused. */
static const struct row good[] = {
	ROW("empty lines first", "\r\n\r\nGET /a HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("no space behind the colon", "GET /a HTTP/1.1\r\nHost:t\r\n\r\n"),
	ROW("blanks around a value",
	    "GET /a HTTP/1.1\r\nHost: \t t \t\r\n\r\n"),
	ROW("empty value", "GET /a HTTP/1.1\r\nHost: t\r\nX:\r\n\r\n"),
	ROW("a byte over 0x7f in a value",
	    "GET /a HTTP/1.1\r\nHost: t\r\nX: \xe9\r\n\r\n"),
	ROW("CL with zeros", POST "Content-Length: 0005\r\n\r\nhello"),
	ROW("CL 0", POST "Content-Length: 0\r\n\r\n"),
	ROW("GET with content",
	    "GET /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"),
	ROW("chunked in capitals",
	    POST "Transfer-Encoding: CHUNKED\r\n\r\n" ZERO),
	ROW("chunk extension", CHUNKED "5;a=b\r\nhello\r\n" ZERO),
	ROW("quoted chunk extension", CHUNKED "5;a=\"b;c\"\r\nhello\r\n" ZERO),
	ROW("zeros before a size", CHUNKED "0005\r\nhello\r\n000\r\n\r\n"),
	ROW("absolute-form, other Host",
	    "GET http://t:80/a HTTP/1.1\r\nHost: other\r\n\r\n"),
	ROW("absolute-form without a path",
	    "GET http://t HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("Host with a port", "GET /a HTTP/1.1\r\nHost: t:8080\r\n\r\n"),
	ROW("IPv6 Host", "GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
	ROW("dot segments", "GET /b/../a/./ HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("encoded", "GET /%61?q=%20 HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n"),
	ROW("Upgrade is ignored",
	    "GET /a HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n"),
	ROW("Upgrade with content",
	    POST
	    "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\n"
	    "hello"),
};

START_TEST(accepted)
{
	const struct row *row = &good[_i];
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_set_context(row->label);
	ck_assert(client_send(c, row->bytes, row->n));
	client_puts(c, HIDDEN);
	r = client_read(c, "GET");
	ck_assert_msg(r->status == 200 || r->status == 204, "%s: %u",
	    row->label, r->status);
	if (memmem(row->bytes, row->n, "hello", 5) != NULL)
		reply_wants_text(r, "hello");
	reply_wants_text(client_read(c, "GET"), "HIDDEN");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(smuggling)
{
	tcase_add_loop_test(
	    bt_system_case(s, "refused"), refused, 0, BT_ROWS(rows));
	tcase_add_loop_test(
	    bt_system_case(s, "accepted"), accepted, 0, BT_ROWS(good));
}
