/*
 * base/addr.c: addresses, text to value and back.
 */

#include "base/addr.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* 107 bytes with the slash: the longest path that fits with its NUL. */
#define P10 "0123456789"
#define P100 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10
#define P107 "/" P100 "123456"

static const struct {
	const char *text;
	const char *back; /* NULL: -EINVAL */
	int family;
	uint16_t port;
	const char *host;
} addresses[] = {
	{ "127.0.0.1:80", "127.0.0.1:80", AF_INET, 80, "127.0.0.1" },
	{ "255.255.255.255:65535", "255.255.255.255:65535", AF_INET, 65535,
	    "255.255.255.255" },
	{ "*:8080", "0.0.0.0:8080", AF_INET, 8080, "0.0.0.0" },
	{ "8080", "0.0.0.0:8080", AF_INET, 8080, "0.0.0.0" },
	{ "0", "0.0.0.0:0", AF_INET, 0, "0.0.0.0" },
	{ "[::1]:80", "[::1]:80", AF_INET6, 80, "::1" },
	{ "[::]:443", "[::]:443", AF_INET6, 443, "::" },
	{ "[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", AF_INET6, 1,
	    "2001:db8::1" },
	{ "[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80", AF_INET6, 80,
	    "::ffff:192.0.2.1" },
	{ "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", AF_INET6, 65535,
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "unix:/run/b.sock", "unix:/run/b.sock", AF_UNIX, 0, "unix:" },
	{ "unix:" P107, "unix:" P107, AF_UNIX, 0, "unix:" },
	{ "", NULL, 0, 0, NULL },
	{ ":", NULL, 0, 0, NULL },
	{ ":80", NULL, 0, 0, NULL },
	{ "127.0.0.1", NULL, 0, 0, NULL },
	{ "127.0.0.1:", NULL, 0, 0, NULL },
	{ "127.0.0.1:65536", NULL, 0, 0, NULL },
	{ "127.0.0.1:18446744073709551696", NULL, 0, 0, NULL }, /* 2^64 + 80 */
	{ "127.0.0.1:+80", NULL, 0, 0, NULL },
	{ "127.0.0.1:http", NULL, 0, 0, NULL },
	{ "127.0.0:80", NULL, 0, 0, NULL },
	{ "127.1:80", NULL, 0, 0, NULL },
	{ "256.0.0.1:80", NULL, 0, 0, NULL },
	{ "localhost:80", NULL, 0, 0, NULL },
	{ "::1:80", NULL, 0, 0, NULL },
	{ "[::1]", NULL, 0, 0, NULL },
	{ "[::1]80", NULL, 0, 0, NULL },
	{ "[]:80", NULL, 0, 0, NULL },
	{ "[:80", NULL, 0, 0, NULL },
	{ "[127.0.0.1]:80", NULL, 0, 0, NULL },
	{ "[fe80::1%lo]:80", NULL, 0, 0, NULL },
	{ "[::1::1]:80", NULL, 0, 0, NULL },
	{ "**:80", NULL, 0, 0, NULL },
	{ "65536", NULL, 0, 0, NULL },
	{ "unix:", NULL, 0, 0, NULL },
	{ "unix:relative", NULL, 0, 0, NULL },
	{ "unix:" P107 "x", NULL, 0, 0, NULL },
	{ "UNIX:/run/b.sock", NULL, 0, 0, NULL },
};

START_TEST(parses_and_formats)
{
	struct bt_addr a, untouched;
	char text[BT_ADDR_TEXT_MAX];
	const char *why = NULL;
	int r;

	memset(&a, 0x5a, sizeof(a));
	untouched = a;
	r = bt_addr_parse(bt_str_of(addresses[_i].text), &a, &why);
	if (addresses[_i].back == NULL) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_ptr_nonnull(why);
		ck_assert_mem_eq(&a, &untouched, sizeof(a));
		return;
	}
	ck_assert_msg(r == 0, "%s: %s", addresses[_i].text, why);
	ck_assert_int_eq(a.ss.ss_family, addresses[_i].family);
	ck_assert_uint_eq(bt_addr_port(&a), addresses[_i].port);
	ck_assert_str_eq(bt_addr_format(&a, text), addresses[_i].back);
	ck_assert_uint_eq(
	    bt_addr_format_host(&a, text), strlen(addresses[_i].host));
	ck_assert_str_eq(text, addresses[_i].host);
}
END_TEST

/* Octets of one, two and three digits. */
START_TEST(hosts_are_written_as_inet_ntop_does)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl((uint32_t)_i << 24 | 109u << 16 |
		    (uint32_t)(255 - _i) << 8 | (uint32_t)_i) };
	char text[BT_ADDR_TEXT_MAX], expected[INET_ADDRSTRLEN];
	struct bt_addr a = { .len = sizeof(in4) };

	memcpy(&a.ss, &in4, sizeof(in4));
	inet_ntop(AF_INET, &in4.sin_addr, expected, sizeof(expected));
	ck_assert_uint_eq(bt_addr_format_host(&a, text), strlen(expected));
	ck_assert_str_eq(text, expected);
}
END_TEST

/* The kernel's view: it takes what was parsed, with its length. */
START_TEST(binds)
{
	static const char *const texts[] = { "127.0.0.1:0", "*:0", "[::1]:0" };
	struct bt_addr a, got = { .len = sizeof(got.ss) };
	char text[BT_ADDR_TEXT_MAX];
	const char *why;
	int fd;

	snprintf(text, sizeof(text), "unix:/tmp/bt-addr-%d.sock", getpid());
	if (_i < 3)
		strcpy(text, texts[_i]);
	ck_assert_int_eq(bt_addr_parse(bt_str_of(text), &a, &why), 0);
	fd = socket(a.ss.ss_family, SOCK_STREAM, 0);
	if (fd == -1 && errno == EAFNOSUPPORT)
		return; /* a kernel without IPv6 */
	ck_assert_int_ne(fd, -1);
	if (bind(fd, (struct sockaddr *)&a.ss, a.len) == -1) {
		ck_assert_int_eq(errno, EADDRNOTAVAIL); /* no IPv6 address */
		ck_assert_int_eq(a.ss.ss_family, AF_INET6);
		close(fd);
		return;
	}
	ck_assert_int_eq(
	    getsockname(fd, (struct sockaddr *)&got.ss, &got.len), 0);
	close(fd);
	if (a.ss.ss_family == AF_UNIX) {
		unlink(text + 5);
		ck_assert(bt_addr_equal(&a, &got));
		ck_assert_str_eq(bt_addr_format(&got, text), text);
	} else {
		ck_assert_uint_ne(bt_addr_port(&got), 0);
		ck_assert_int_eq(a.len, got.len);
	}
}
END_TEST

START_TEST(rejects_nul_in_paths)
{
	const char *why = NULL;
	struct bt_addr a;

	ck_assert_int_eq(
	    bt_addr_parse(BT_STR("unix:/a\0b"), &a, &why), -EINVAL);
	ck_assert_ptr_nonnull(why);
	ck_assert_int_eq(
	    bt_addr_parse(BT_STR("127.0.0.1\0:80"), &a, &why), -EINVAL);
}
END_TEST

static const char *const distinct[] = { "127.0.0.1:80", "127.0.0.1:81",
	"127.0.0.2:80", "[::1]:80", "[::1]:81", "[::2]:80",
	"[::ffff:127.0.0.1]:80", "unix:/a", "unix:/ab", "unix:/b" };

START_TEST(equal_to_itself_alone)
{
	struct bt_addr a, b;
	const char *why;

	bt_addr_parse(bt_str_of(distinct[_i]), &a, &why);
	for (int k = 0; k < ROWS(distinct); k++) {
		memset(&b, 0x5a, sizeof(b)); /* parse sets every byte */
		bt_addr_parse(bt_str_of(distinct[k]), &b, &why);
		ck_assert_int_eq(bt_addr_equal(&a, &b), k == _i);
	}
}
END_TEST

static struct bt_addr
unix_of(const char *path, size_t n, char filler)
{
	struct bt_addr a;
	struct sockaddr_un *un = (void *)&a.ss;

	memset(&a, filler, sizeof(a));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, n);
	a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return a;
}

/*
 * As accept4() and getsockname() leave them: unnamed, abstract, not
 * terminated, and whatever was there before behind their length.
 */
START_TEST(unix_sockets_as_the_kernel_has_them)
{
	static const struct {
		const char *path;
		size_t n;
		const char *text;
	} sockets[] = {
		{ "", 0, "unix:" },
		{ "\0one", 4, "unix:@one" },
		{ "\0two", 4, "unix:@two" },
		{ "/path", 6, "unix:/path" }, /* its NUL is counted */
		{ P107 "8", 108, "unix:" P107 "8" },
	};
	char text[BT_ADDR_TEXT_MAX];

	for (int i = 0; i < ROWS(sockets); i++) {
		struct bt_addr a = unix_of(sockets[i].path, sockets[i].n, 'x');

		ck_assert_str_eq(bt_addr_format(&a, text), sockets[i].text);
		for (int k = 0; k < ROWS(sockets); k++) {
			struct bt_addr b =
			    unix_of(sockets[k].path, sockets[k].n, 'y');

			ck_assert_int_eq(bt_addr_equal(&a, &b), i == k);
		}
	}
}
END_TEST

START_TEST(none)
{
	struct bt_addr a = { 0 }, b = { 0 };
	char text[BT_ADDR_TEXT_MAX];

	ck_assert(bt_addr_equal(&a, &b));
	ck_assert_str_eq(bt_addr_format(&a, text), "-");
	ck_assert_uint_eq(bt_addr_format_host(&a, text), 1);
	ck_assert_uint_eq(bt_addr_port(&a), 0);
}
END_TEST

static const struct {
	const char *block;
	const char *in[3], *out[4]; /* both NULL: -EINVAL */
} blocks[] = {
	{ "all", { "127.0.0.1:1", "[::1]:1", "unix:/a" }, { NULL } },
	{ "unix:", { "unix:/a" }, { "127.0.0.1:1", "[::1]:1" } },
	{ "192.0.2.1", { "192.0.2.1:1", "[::ffff:192.0.2.1]:1" },
	    { "192.0.2.2:1", "[::192.0.2.1]:1", "unix:/a" } },
	{ "192.0.2.1/32", { "192.0.2.1:1" }, { "192.0.2.0:1" } },
	{ "192.0.2.0/24", { "192.0.2.0:1", "192.0.2.255:1" },
	    { "192.0.3.0:1", "192.0.1.255:1", "[c000:200::]:1" } },
	{ "192.0.2.128/25", { "192.0.2.128:1" }, { "192.0.2.127:1" } },
	{ "192.0.0.0/15", { "192.1.255.255:1" }, { "192.2.0.0:1" } },
	{ "0.0.0.0/0", { "1.2.3.4:1", "[::ffff:1.2.3.4]:1" },
	    { "[::1]:1", "unix:/a" } },
	{ "2001:db8::/32", { "[2001:db8:ffff::1]:1" },
	    { "[2001:db9::]:1", "32.1.13.184:1" } },
	{ "2001:db8::/33", { "[2001:db8:7fff::]:1" },
	    { "[2001:db8:8000::]:1" } },
	{ "::1", { "[::1]:1" }, { "[::2]:1", "127.0.0.1:1" } },
	{ "::/0", { "[::1]:1" }, { "127.0.0.1:1" } },
	{ "::ffff:0:0/96", { "[::ffff:1.2.3.4]:1" }, { "[::1]:1" } },
	{ "", { NULL }, { NULL } },
	{ "/", { NULL }, { NULL } },
	{ "/24", { NULL }, { NULL } },
	{ "ALL", { NULL }, { NULL } },
	{ "192.0.2.0/", { NULL }, { NULL } },
	{ "192.0.2.0/33", { NULL }, { NULL } },
	{ "192.0.2.0/18446744073709551640", { NULL }, { NULL } },
	{ "192.0.2.0/-1", { NULL }, { NULL } },
	{ "192.0.2.0/24/24", { NULL }, { NULL } },
	{ "192.0.2.1/24", { NULL }, { NULL } }, /* bits behind the prefix */
	{ "192.0.2.64/25", { NULL }, { NULL } },
	{ "2001:db8::1/64", { NULL }, { NULL } },
	{ "2001:db8::/129", { NULL }, { NULL } },
	{ "0.0.0.1/0", { NULL }, { NULL } },
	{ "192.0.2.0:80", { NULL }, { NULL } },
	{ "example.org", { NULL }, { NULL } },
};

static struct bt_addr
addr_of(const char *text)
{
	struct bt_addr a = { 0 };
	const char *why = "";

	ck_assert_msg(bt_addr_parse(bt_str_of(text), &a, &why) == 0, "%s", why);
	return a;
}

START_TEST(blocks_have)
{
	struct bt_addr_block block;
	const char *why = NULL;
	int r = bt_addr_block_parse(bt_str_of(blocks[_i].block), &block, &why);

	if (blocks[_i].in[0] == NULL) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_ptr_nonnull(why);
		return;
	}
	ck_assert_msg(r == 0, "%s: %s", blocks[_i].block, why);
	for (int i = 0; i < 3 && blocks[_i].in[i] != NULL; i++) {
		struct bt_addr a = addr_of(blocks[_i].in[i]);

		ck_assert_msg(bt_addr_block_has(&block, &a), "%s lacks %s",
		    blocks[_i].block, blocks[_i].in[i]);
	}
	for (int i = 0; i < 4 && blocks[_i].out[i] != NULL; i++) {
		struct bt_addr a = addr_of(blocks[_i].out[i]);

		ck_assert_msg(!bt_addr_block_has(&block, &a), "%s has %s",
		    blocks[_i].block, blocks[_i].out[i]);
	}
}
END_TEST

BT_UNIT_SUITE(addr)
{
	TCase *tc = bt_unit_case(s, "addresses");

	tcase_add_loop_test(tc, parses_and_formats, 0, ROWS(addresses));
	tcase_add_loop_test(tc, hosts_are_written_as_inet_ntop_does, 0, 256);
	tcase_add_loop_test(tc, binds, 0, 4);
	tcase_add_test(tc, rejects_nul_in_paths);
	tcase_add_loop_test(tc, equal_to_itself_alone, 0, ROWS(distinct));
	tcase_add_test(tc, unix_sockets_as_the_kernel_has_them);
	tcase_add_test(tc, none);
	tc = bt_unit_case(s, "blocks");
	tcase_add_loop_test(tc, blocks_have, 0, ROWS(blocks));
}
