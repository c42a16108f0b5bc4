/* http/forwarded.c: the client behind proxies, whatever it has written. */

#include "http/forwarded.h"

#include "tests/unit/unit.h"

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* clang-format off: tables */
static const struct {
	const char *peer;
	const char *lines[3];
	const char *client; /* NULL: the peer is not asked */
} rows[] = {
	{ "203.0.113.1:1", { "198.51.100.1" }, NULL },
	{ "10.0.0.1:1", { NULL }, "10.0.0.1" },
	{ "10.0.0.1:1", { "198.51.100.1" }, "198.51.100.1" },
	{ "10.0.0.1:1", { "198.51.100.1:4711" }, "198.51.100.1" },
	{ "10.0.0.1:1", { "2001:db8::7" }, "2001:db8::7" },
	{ "10.0.0.1:1", { "[2001:db8::7]" }, "2001:db8::7" },
	{ "10.0.0.1:1", { "[2001:db8::7]:80" }, "2001:db8::7" },
	{ "[2001:db8:1::5]:1", { "198.51.100.1" }, "198.51.100.1" },
	/* what the client wrote stands in front, and is not believed */
	{ "10.0.0.1:1", { "127.0.0.1, 198.51.100.1" }, "198.51.100.1" },
	{ "10.0.0.1:1", { "127.0.0.1", "198.51.100.1" }, "198.51.100.1" },
	{ "10.0.0.1:1", { "10.0.0.9, 198.51.100.1, 10.0.0.2" },
	    "198.51.100.1" },
	{ "10.0.0.1:1", { "198.51.100.1", "10.0.0.3 ,10.0.0.2" },
	    "198.51.100.1" },
	{ "10.0.0.1:1", { "10.0.0.3, 10.0.0.2" }, "10.0.0.3" },
	{ "10.0.0.1:1", { "198.51.100.1,, ," }, "198.51.100.1" },
	/* no address: the way ends at who has passed it on */
	{ "10.0.0.1:1", { "198.51.100.1, unknown" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "198.51.100.1, junk, 10.0.0.2" }, "10.0.0.2" },
	{ "10.0.0.1:1", { "198.51.100.1", "x" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "198.51.100.256" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "198.51.100.1:" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "198.51.100.1:x" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "198.51.100.1/32" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "[198.51.100.1]" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "[2001:db8::7" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "[2001:db8::7]x" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "[" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "[]" }, "10.0.0.1" },
	{ "10.0.0.1:1", { ":" }, "10.0.0.1" },
	{ "10.0.0.1:1", { "" }, "10.0.0.1" },
	{ "unix:/run/proxy.sock", { "198.51.100.1" }, "198.51.100.1" },
};
/* clang-format on */

static struct bt_request r;

static void
add(const char *name, const char *value)
{
	r.fields[r.fields_n++] =
	    (struct bt_field){ bt_str_of(name), bt_str_of(value) };
}

static size_t
trust(struct bt_addr_block out[3])
{
	const char *why;

	bt_addr_block_parse(BT_STR("10.0.0.0/8"), &out[0], &why);
	bt_addr_block_parse(BT_STR("2001:db8:1::/48"), &out[1], &why);
	bt_addr_block_parse(BT_STR("unix:"), &out[2], &why);
	return 3;
}

START_TEST(finds_the_client)
{
	struct bt_addr_block trusted[3];
	char host[BT_ADDR_TEXT_MAX];
	struct bt_addr client;
	bool https = false;
	const char *why;

	r.fields_n = 0;
	add("Host", "t");
	for (int i = 0; i < 3 && rows[_i].lines[i] != NULL; i++) {
		add("x-forwarded-FOR", rows[_i].lines[i]);
		add("X-Forwarded", "192.0.2.66");
	}
	ck_assert_int_eq(
	    bt_addr_parse(bt_str_of(rows[_i].peer), &client, &why), 0);
	ck_assert_int_eq(
	    bt_forwarded_find(&r, trusted, trust(trusted), &client, &https),
	    rows[_i].client != NULL);
	bt_addr_format_host(&client, host);
	ck_assert_str_eq(
	    host, rows[_i].client ? rows[_i].client : "203.0.113.1");
	ck_assert(!https);
}
END_TEST

static const struct {
	const char *peer, *lines[2];
	bool https;
} schemes[] = {
	{ "10.0.0.1:1", { NULL }, false },
	{ "10.0.0.1:1", { "https" }, true },
	{ "10.0.0.1:1", { "HTTPS" }, true },
	{ "10.0.0.1:1", { "http" }, false },
	{ "10.0.0.1:1", { "https, http" }, false },
	{ "10.0.0.1:1", { "http", "https" }, true },
	{ "10.0.0.1:1", { "httpsx" }, false },
	{ "203.0.113.1:1", { "https" }, false },
};

START_TEST(finds_the_scheme)
{
	struct bt_addr_block trusted[3];
	struct bt_addr client;
	bool https = false;
	const char *why;

	r.fields_n = 0;
	for (int i = 0; i < 2 && schemes[_i].lines[i] != NULL; i++)
		add("X-Forwarded-Proto", schemes[_i].lines[i]);
	ck_assert_int_eq(
	    bt_addr_parse(bt_str_of(schemes[_i].peer), &client, &why), 0);
	bt_forwarded_find(&r, trusted, trust(trusted), &client, &https);
	ck_assert_int_eq(https, schemes[_i].https);
}
END_TEST

BT_UNIT_SUITE(forwarded)
{
	TCase *tc = bt_unit_case(s, "client");

	tcase_add_loop_test(tc, finds_the_client, 0, N(rows));
	tcase_add_loop_test(tc, finds_the_scheme, 0, N(schemes));
}
