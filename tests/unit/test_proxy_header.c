/*
 * The PROXY protocol: each header is read whole and cut at each of its bytes;
 * what is refused is so at the latest when it has come.
 */

#include "http/proxy_header.h"

#include "tests/unit/unit.h"

#include <string.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define IN4 \
	"\300\0\2\1" \
	"\300\0\2\2" \
	"\020\041" \
	"\0\120"
#define IN6_HOST "\040\001\015\270\0\0\0\0\0\0\0\0\0\0\0"
#define IN6 \
	IN6_HOST "\1" IN6_HOST "\2" \
		 "\020\041" \
		 "\0\120"
#define X8 "xxxxxxxx"
#define X72 X8 X8 X8 X8 X8 X8 X8 X8 X8
#define X216 X72 X72 X72
#define B(text) \
	{ \
		text, sizeof(text) - 1 \
	}

/* clang-format off */
static const struct {
	struct bt_str bytes;
	const char *client; /* NULL: the connection's own */
} good[] = {
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 4129 80\r\n"), "192.0.2.1:4129" },
	{ B("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
	    "255.255.255.255:65535" },
	{ B("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0:0" },
	{ B("PROXY TCP6 2001:db8::1 ::1 4129 443\r\n"), "[2001:db8::1]:4129" },
	{ B("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
	{ B("PROXY UNKNOWN\r\n"), NULL },
	{ B("PROXY UNKNOWN what ever it is \r it says\r\n"), NULL },
	/* the longest of all: 107 bytes */
	{ B("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), NULL },
	{ B(SIG "\x21\x11\0\x0c" IN4), "192.0.2.1:4129" },
	{ B(SIG "\x21\x12\0\x0c" IN4), "192.0.2.1:4129" },
	{ B(SIG "\x21\x21\0\x24" IN6), "[2001:db8::1]:4129" },
	{ B(SIG "\x21\x22\0\x24" IN6), "[2001:db8::1]:4129" },
	{ B(SIG "\x21\x31\0\xd8" X216), "unix:" },
	{ B(SIG "\x21\x32\0\xd8" X216), "unix:" },
	{ B(SIG "\x21\x11\0\x14" IN4 "\x03\0\5abcde"), "192.0.2.1:4129" },
	{ B(SIG "\x21\x21\0\x27" IN6 "\x04\0\0"), "[2001:db8::1]:4129" },
	{ B(SIG "\x21\0\0\0"), NULL },
	{ B(SIG "\x21\0\0\3abc"), NULL },
	{ B(SIG "\x21\x10\0\x0c" IN4), NULL },
	{ B(SIG "\x20\0\0\0"), NULL },
	{ B(SIG "\x20\x11\0\x0c" IN4), NULL },
	{ B(SIG "\x20\xff\0\1x"), NULL },
};

static const struct {
	struct bt_str bytes;
	const char *why;
} bad[] = {
	{ B("G"), "begins" },
	{ B("GET / HTTP/1.1\r\n"), "begins" },
	{ B("PROXYTCP4"), "begins" },
	{ B("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "begins" },
	{ B("PROXY \r\n"), "no protocol" },
	{ B("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "no protocol" },
	{ B("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n"), "neither" },
	{ B("PROXY UNKNOWNS\r\n"), "neither" },
	{ B("PROXY TCP4\r\n"), "not two" },
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), "not two" },
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"), "not two" },
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), "not two" },
	{ B("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n"), "not two" },
	{ B("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n"), "an address" },
	{ B("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n"), "an address" },
	{ B("PROXY TCP4 ::1 ::1 1 2\r\n"), "an address" },
	{ B("PROXY TCP4 192.0.2.1\t 192.0.2.2 1 2\r\n"), "an address" },
	{ B("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"), "an address" },
	{ B("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"), "an address" },
	{ B("PROXY TCP6 [::1] ::1 1 2\r\n"), "an address" },
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"), "a port" },
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n"), "a port" },
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n"), "a port" },
	{ B("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), "without CR" },
	{ B("PROXY UNKNOWN\n"), "without CR" },
	{ B("PROXY UNKNOWN a\nb\r\n"), "without CR" },
	{ B("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n"),
	    "line is too long" },
	{ B("\r\n\r\nGET"), "begins" },
	{ B("\r\n\r\n\0\r\nQUIT\r"), "begins" },
	{ B(SIG "\x11"), "version" },
	{ B(SIG "\x31"), "version" },
	{ B(SIG "\x22"), "version" },
	{ B(SIG "\x2f\0\0\0"), "version" },
	{ B(SIG "\x21\x41\0\0"), "family" },
	{ B(SIG "\x21\x13\0\x0c"), "family" },
	{ B(SIG "\x21\xf1\0\x0c"), "family" },
	{ B(SIG "\x21\x11\0\x0b"), "too short" },
	{ B(SIG "\x21\x21\0\x23"), "too short" },
	{ B(SIG "\x21\x31\0\xd7"), "too short" },
	{ B(SIG "\x21\x11\x3f\xf1"), "too long" },
	{ B(SIG "\x20\0\xff\xff"), "too long" },
};
/* clang-format on */

START_TEST(whole_and_cut)
{
	struct bt_str s = good[_i].bytes;
	char text[BT_ADDR_TEXT_MAX], behind[512];
	struct bt_proxy_header h;
	const char *why;

	for (size_t n = 0; n < s.n; n++)
		ck_assert_int_eq(
		    bt_proxy_header_parse((struct bt_str){ s.p, n }, &h, &why),
		    BT_PARSE_MORE);
	memcpy(behind, s.p, s.n);
	memset(behind + s.n, 'G', sizeof(behind) - s.n);
	for (size_t n = s.n; n < s.n + 2; n++) {
		ck_assert_int_eq(bt_proxy_header_parse(
				     (struct bt_str){ behind, n }, &h, &why),
		    BT_PARSE_DONE);
		ck_assert_uint_eq(h.bytes, s.n);
		ck_assert_int_eq(h.has_client, good[_i].client != NULL);
	}
	if (good[_i].client != NULL)
		ck_assert_str_eq(
		    bt_addr_format(&h.client, text), good[_i].client);
}
END_TEST

START_TEST(refused)
{
	struct bt_str s = bad[_i].bytes;
	enum bt_parse r = BT_PARSE_MORE;
	struct bt_proxy_header h;
	const char *why = NULL;

	/* once refused it stays so */
	for (size_t n = 0; n <= s.n; n++) {
		enum bt_parse before = r;

		r = bt_proxy_header_parse((struct bt_str){ s.p, n }, &h, &why);
		ck_assert_int_ne(r, BT_PARSE_DONE);
		ck_assert(before == BT_PARSE_MORE || r == before);
	}
	ck_assert_int_eq(r, BT_PARSE_REFUSED);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s", why);
}
END_TEST

/* clang-format off */
static const struct {
	const char *client, *server, *v1;
	struct bt_str v2;
} written[] = {
	{ "192.0.2.1:4129", "192.0.2.2:80",
	    "PROXY TCP4 192.0.2.1 192.0.2.2 4129 80\r\n",
	    B(SIG "\x21\x11\0\x0c" IN4) },
	{ "[2001:db8::1]:4129", "[2001:db8::2]:80",
	    "PROXY TCP6 2001:db8::1 2001:db8::2 4129 80\r\n",
	    B(SIG "\x21\x21\0\x24" IN6) },
	{ "192.0.2.1:4129", "[2001:db8::2]:80",
	    "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 4129 80\r\n",
	    B(SIG "\x21\x21\0\x24" "\0\0\0\0\0\0\0\0\0\0\xff\xff\300\0\2\1"
		IN6_HOST "\2" "\020\041" "\0\120") },
	{ "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1]:65535",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff2]:65534",
	    "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff2 65535 65534\r\n",
	    { NULL, 0 } },
	{ "unix:/x", "unix:/y", "PROXY UNKNOWN\r\n", B(SIG "\x21\0\0\0") },
	{ "192.0.2.1:1", "unix:/y", "PROXY UNKNOWN\r\n", B(SIG "\x21\0\0\0") },
};
/* clang-format on */

START_TEST(format)
{
	struct bt_addr client, server;
	char out[BT_PROXY_LINE_MAX + 1];
	struct bt_proxy_header h;
	const char *why;
	size_t n;

	ck_assert_int_eq(
	    bt_addr_parse(bt_str_of(written[_i].client), &client, &why), 0);
	ck_assert_int_eq(
	    bt_addr_parse(bt_str_of(written[_i].server), &server, &why), 0);
	n = bt_proxy_header_format(BT_PROXY_V1, &client, &server, out);
	ck_assert_uint_le(n, BT_PROXY_LINE_MAX);
	ck_assert(
	    bt_str_equal((struct bt_str){ out, n }, bt_str_of(written[_i].v1)));
	n = bt_proxy_header_format(BT_PROXY_V2, &client, &server, out);
	if (written[_i].v2.n > 0)
		ck_assert(
		    bt_str_equal((struct bt_str){ out, n }, written[_i].v2));
	ck_assert_int_eq(
	    bt_proxy_header_parse((struct bt_str){ out, n }, &h, &why),
	    BT_PARSE_DONE);
}
END_TEST

BT_UNIT_SUITE(proxy_header)
{
	TCase *tc = bt_unit_case(s, "headers");

	tcase_add_loop_test(tc, whole_and_cut, 0, N(good));
	tcase_add_loop_test(tc, refused, 0, N(bad));
	tcase_add_loop_test(tc, format, 0, N(written));
}
