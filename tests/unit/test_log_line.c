/*
 * worker/log_line.c: formats to the byte, and nothing from outside that could
 * end a line, a quote or a string.
 */

#include "tests/unit/unit.h"

#include "worker/log_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WHEN 1700000000 /* 14 Nov 2023 22:13:20 UTC */
#define ROOM (16 * 1024)

static struct baton_exchange *x;
static struct bt_baton baton;
static struct bt_scoreboard board;
static struct bt_conf conf;
static struct bt_arena arena;
static const struct bt_now now = { .us = 12345678, .wall_s = WHEN };
static struct bt_services services = {
	.conf = &conf, .board = &board, .now = &now, .worker = 3
};

static void
make_exchange(void)
{
	struct bt_addr addr;
	const char *why;

	setenv("TZ", "UTC", 1);
	tzset();
	ck_assert_int_eq(
	    bt_addr_parse(BT_STR("192.0.2.7:5000"), &addr, &why), 0);
	baton = (struct bt_baton){ .id = 88121, .requests = 4 };
	bt_baton_set_peer(&baton, &addr);
	x = calloc(1, sizeof(*x));
	ck_assert_ptr_nonnull(x);
	x->services = &services;
	x->baton = &baton;
	x->request.line = BT_STR("GET /a%20b?q=1 HTTP/1.1");
	x->request.method_text = BT_STR("GET");
	x->request.minor = 1;
	x->request.target = BT_STR("/a%20b?q=1");
	x->request.path = BT_STR("/a b");
	x->request.raw_path = (struct bt_str){ x->request.target.p, 6 };
	x->request.query = (struct bt_str){ x->request.target.p + 7, 3 };
	x->request.has_query = true;
	x->request.host = BT_STR("example.org");
	x->reply.status = 200;
	x->sent = 1234;
	x->head_bytes = 100;
	x->begun_us = 12345678 - 1034567;
}

static void
free_exchange(void)
{
	bt_arena_fini(&x->arena);
	bt_arena_fini(&arena);
	free(x);
}

static void
add_field(enum bt_known_field known, const char *name, struct bt_str value)
{
	struct bt_request *r = &x->request;

	r->fields[r->fields_n].name = bt_str_of(name);
	r->fields[r->fields_n].value = value;
	r->known[known] = (uint8_t)++r->fields_n;
}

static const char *
line_of(const char *text, bool json, size_t room)
{
	static char out[ROOM + 1];
	struct bt_conf_format f = { .json = json };
	char why[200];
	size_t n;

	ck_assert_msg(bt_template_parse(bt_str_of(text), &arena, &f.template,
			  why, sizeof(why)) == 0,
	    "%s", why);
	n = bt_log_line(x, &f, out, room);
	ck_assert_uint_le(n, room);
	out[n] = '\0';
	ck_assert_ptr_eq(strchr(out, '\n'), out + n - 1);
	out[n - 1] = '\0';
	return out;
}

static const struct {
	const char *text, *line;
} lines[] = {
	{ "", "" },
	{ "fixed", "fixed" },
	{ "$remote_addr:$remote_port", "192.0.2.7:5000" },
	{ "$remote_user", "-" },
	{ "[$time_local]", "[14/Nov/2023:22:13:20 +0000]" },
	{ "$time_iso8601", "2023-11-14T22:13:20+00:00" },
	{ "\"$request\"", "\"GET /a%20b?q=1 HTTP/1.1\"" },
	{ "$method ${uri} $query $request_uri", "GET /a b q=1 /a%20b?q=1" },
	{ "$request_method $args $server_protocol", "GET q=1 HTTP/1.1" },
	{ "$status $body_bytes_sent $bytes_sent", "200 1234 1334" },
	{ "$request_time", "1.034" },
	{ "$connection $connection_requests $worker", "88121 5 3" },
	{ "$host $scheme", "example.org http" },
	{ "$http_user_agent,$http_referer", "-,-" },
	{ "$arg_q$arg_r", "1-" },
};

START_TEST(values)
{
	ck_assert_str_eq(line_of(lines[_i].text, false, ROOM), lines[_i].line);
}
END_TEST

START_TEST(request_id)
{
	char first[40];

	strcpy(first, line_of("$request_id", false, ROOM));
	ck_assert_uint_eq(strspn(first, "0123456789abcdef"), 32);
	ck_assert_uint_eq(strlen(first), 32);
	ck_assert_str_eq(line_of("$request_id", true, ROOM), first);
	baton.requests++;
	ck_assert_str_ne(line_of("$request_id", false, ROOM), first);
}
END_TEST

START_TEST(a_clock_that_went_back_is_no_time)
{
	x->begun_us = now.us + 5000;
	ck_assert_str_eq(line_of("$request_time", false, ROOM), "0.000");
}
END_TEST

static const struct {
	const char *value;
	size_t n;
	const char *text, *json;
} escapes[] = {
	{ "a b~", sizeof("a b~") - 1, "a b~", "a b~" },
	{ "", sizeof("") - 1, "-", "" },
	{ "\"\\", sizeof("\"\\") - 1, "\\x22\\x5C", "\\\"\\\\" },
	{ "\r\n\t\x1b[31m\x7f", sizeof("\r\n\t\x1b[31m\x7f") - 1,
	    "\\x0D\\x0A\\x09\\x1B[31m\\x7F",
	    "\\u000D\\u000A\\u0009\\u001B[31m\\u007F" },
	{ "a\0b", sizeof("a\0b") - 1, "a\\x00b", "a\\u0000b" },
	{ "\xc3\xa9\xe2\x82\xac", sizeof("\xc3\xa9\xe2\x82\xac") - 1,
	    "\\xC3\\xA9\\xE2\\x82\\xAC", "\xc3\xa9\xe2\x82\xac" },
	/* no UTF-8: a byte alone, cut short, a surrogate; and a C1 control */
	{ "\xff", sizeof("\xff") - 1, "\\xFF", "\\\\xFF" },
	{ "x\xe2\x82", sizeof("x\xe2\x82") - 1, "x\\xE2\\x82",
	    "x\\\\xE2\\\\x82" },
	{ "\xed\xa0\x80", sizeof("\xed\xa0\x80") - 1, "\\xED\\xA0\\x80",
	    "\\\\xED\\\\xA0\\\\x80" },
	{ "\xc2\x9b", sizeof("\xc2\x9b") - 1, "\\xC2\\x9B", "\\\\xC2\\\\x9B" },
	{ "</script>'", sizeof("</script>'") - 1, "</script>'", "</script>'" },
};

START_TEST(nothing_escapes)
{
	char wanted[200];

	add_field(BT_FIELD_USER_AGENT, "User-Agent",
	    (struct bt_str){ escapes[_i].value, escapes[_i].n });
	snprintf(wanted, sizeof(wanted), "\"%s\"", escapes[_i].text);
	ck_assert_str_eq(line_of("\"$http_user_agent\"", false, ROOM), wanted);
	snprintf(wanted, sizeof(wanted), "\"%s\"", escapes[_i].json);
	ck_assert_str_eq(line_of("\"$http_user_agent\"", true, ROOM), wanted);
}
END_TEST

/* A user stands without quotes around it. */
START_TEST(a_user_is_one_word)
{
	x->user = BT_STR("a b\"");
	ck_assert_str_eq(
	    line_of("- $remote_user [", false, ROOM), "- a\\x20b\\x22 [");
	ck_assert_str_eq(line_of("$remote_user", true, ROOM), "a b\\\"");
}
END_TEST

static const char *const fillers[] = { "x", "\n", "\xe2\x82\xac", "\"" };

/* Long values are cut, all of them, so that what is around them stays. */
START_TEST(a_line_fits)
{
	static char text[20000];
	const char *filler = fillers[_i / 4], *line;
	size_t room = _i / 2 % 2 ? ROOM : BT_LOG_LINE_LEAST;
	bool json = _i % 2;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = filler[i % strlen(filler)];
	add_field(BT_FIELD_USER_AGENT, "User-Agent",
	    (struct bt_str){ text, sizeof(text) });
	add_field(
	    BT_FIELD_REFERER, "Referer", (struct bt_str){ text, sizeof(text) });
	line = line_of("a$http_user_agent|b$http_referer|c$status", json, room);
	ck_assert_uint_gt(strlen(line), room / 8);
	ck_assert_int_eq(line[0], 'a');
	ck_assert_ptr_nonnull(strstr(line, "|b"));
	ck_assert_str_eq(strstr(line, "|c"), "|c200");
	/* and nothing is cut in its middle */
	if (json && filler[0] == '"')
		ck_assert_uint_eq(strspn(line + 1, "\\\"") % 2, 0);
	if (json && filler[0] == '\xe2')
		ck_assert_uint_eq(strspn(line + 1, filler) % 3, 0);
}
END_TEST

/* The most that a format may be: text, and as many variables. */
START_TEST(the_largest_format_fits)
{
	char text[BT_CONF_FORMAT_BYTES_MAX * 4] = "";
	const size_t n = BT_CONF_FORMAT_BYTES_MAX / 2 - 1;

	for (size_t i = 0; i < n; i++)
		memcpy(text + 8 * i, "$status,", 8);
	x->reply.status = 599;
	ck_assert_uint_ge(strlen(line_of(text, false, BT_LOG_LINE_LEAST)), n);
}
END_TEST

BT_UNIT_SUITE(log_line)
{
	TCase *tc = bt_unit_case(s, "lines");

	tcase_add_checked_fixture(tc, make_exchange, free_exchange);
	tcase_add_loop_test(
	    tc, values, 0, (int)(sizeof(lines) / sizeof(lines[0])));
	tcase_add_test(tc, request_id);
	tcase_add_test(tc, a_clock_that_went_back_is_no_time);
	tcase_add_loop_test(tc, nothing_escapes, 0,
	    (int)(sizeof(escapes) / sizeof(escapes[0])));
	tcase_add_test(tc, a_user_is_one_word);
	tcase_add_loop_test(tc, a_line_fits, 0, 4 * 4);
	tcase_add_test(tc, the_largest_format_fits);
}
