/* The byte guard: limits, ends and verdicts, whatever the cuts. */

#include "http/parser.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define LINE "GET / HTTP/1.1\r\n" /* 16 bytes */

/* clang-format off: a table */
static const struct {
	const char *in;
	size_t max;
	enum bt_parse verdict;
	unsigned status;
	const char *head; /* where it is complete */
} rows[] = {
	{ LINE "\r\n", 18, BT_PARSE_DONE, 0, LINE "\r\n" },
	{ LINE "\r\n", 17, BT_PARSE_REFUSED, 431, NULL },
	{ LINE "\r\n", 16, BT_PARSE_REFUSED, 431, NULL },
	{ LINE "\r\n", 15, BT_PARSE_REFUSED, 414, NULL },
	{ LINE "\r\n", 0, BT_PARSE_REFUSED, 414, NULL },
	{ LINE "\r\nrest", 18, BT_PARSE_DONE, 0, LINE "\r\n" },
	{ LINE "A: b\r\n\r\n", 24, BT_PARSE_DONE, 0, LINE "A: b\r\n\r\n" },
	{ LINE "A: b\r\n\r\n", 23, BT_PARSE_REFUSED, 431, NULL },
	{ "GET /aaaaaaaaaaaaaaaaaaaa", 24, BT_PARSE_REFUSED, 414, NULL },
	{ "GET /aaaaaaaaaaaaaaaaaaaa", 25, BT_PARSE_MORE, 0, NULL },
	{ LINE "A: bbbbbbbbbbbbbbbb", 24, BT_PARSE_REFUSED, 431, NULL },
	/* what is wrong behind the limit is not seen: 431, in any cut */
	{ LINE "A: b\n\r\n", 20, BT_PARSE_REFUSED, 431, NULL },
	{ LINE "A: b\n\r\n", 21, BT_PARSE_REFUSED, 400, NULL },
	/* empty lines before it do not count */
	{ "\r\n\r\n" LINE "\r\n", 18, BT_PARSE_DONE, 0, LINE "\r\n" },
	{ "\r\n\r\n\r\n\r\n" LINE "\r\n", 18, BT_PARSE_DONE, 0, LINE "\r\n" },
	{ "\r\n\r\n\r\n\r\n\r\n" LINE "\r\n", 18, BT_PARSE_REFUSED, 400, NULL },
	{ "\r\n\r\n\r\n\r\n\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "\r\n\r\n\r\n\r\n", 100, BT_PARSE_MORE, 0, NULL },
	/* line ends */
	{ "\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "\r", 100, BT_PARSE_MORE, 0, NULL },
	{ "\rG", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "\r\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "A: b\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "A: b\rc\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "GET / HTTP/1.1\n", 100, BT_PARSE_REFUSED, 400, NULL },
	/* starts of lines */
	{ LINE " A: b\r\n\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "\tA: b\r\n\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "A: b\r\n c\r\n\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "A:\r\n\tc\r\n\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE ": c\r\n\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE " \r\n\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ " " LINE "\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	/* HTAB belongs to values; what does not is llhttp's to refuse */
	{ LINE "A:\tb\t\tc\t\r\n\r\n", 100, BT_PARSE_DONE, 0,
	    LINE "A:\tb\t\tc\t\r\n\r\n" },
	/* control bytes, at once */
	{ "\x01", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "\x16\x03\x01", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "GET /\x1f", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "A: \x08", 100, BT_PARSE_REFUSED, 400, NULL },
	{ LINE "A: \x80\xff\x7f\r\n\r\n", 100, BT_PARSE_DONE, 0,
	    LINE "A: \x80\xff\x7f\r\n\r\n" },
	/* versions, as soon as the line is complete */
	{ "GET / HTTP/1.0\r\n", 100, BT_PARSE_MORE, 0, NULL },
	{ "GET / HTTP/2.0\r\n", 100, BT_PARSE_REFUSED, 505, NULL },
	{ "GET / HTTP/1.2\r\n", 100, BT_PARSE_REFUSED, 505, NULL },
	{ "GET / HTTP/0.9\r\n", 100, BT_PARSE_REFUSED, 505, NULL },
	{ "GET / HTTP/9.9\r\n", 100, BT_PARSE_REFUSED, 505, NULL },
	{ "GET / HTTP/1.\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "GET / HTTP/:.1\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "GET / HTTP/1./\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "GET /\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "GET\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "G\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
	{ "GET /HTTP/1.1\r\n", 100, BT_PARSE_REFUSED, 400, NULL },
};
/* clang-format on */

/* Grows by `step` in a buffer that ends where the bytes do. */
static void
check(int row, size_t first, size_t step)
{
	size_t n = strlen(rows[row].in), have = first;
	struct bt_head_scan scan = { 0 };
	struct bt_str head = { 0 };
	unsigned status = 0;
	enum bt_parse verdict;
	char *copy;

	for (;; have += step) {
		if (have > n)
			have = n;
		copy = malloc(have ? have : 1);
		memcpy(copy, rows[row].in, have);
		verdict = bt_head_find(&scan, (struct bt_str){ copy, have },
		    rows[row].max, &head, &status);
		if (verdict != BT_PARSE_MORE || have == n)
			break;
		free(copy);
	}
	ck_assert_msg(verdict == rows[row].verdict, "verdict %d at %zu/%zu",
	    verdict, first, step);
	if (verdict == BT_PARSE_REFUSED)
		ck_assert_uint_eq(status, rows[row].status);
	if (verdict == BT_PARSE_DONE)
		ck_assert(bt_str_equal(head, bt_str_of(rows[row].head)));
	free(copy);
}

START_TEST(finds_the_end)
{
	size_t n = strlen(rows[_i].in);

	check(_i, n, n);
	for (size_t step = 1; step <= 9; step++)
		check(_i, step, step);
	for (size_t at = 0; at < n; at++)
		check(_i, at, n);
}
END_TEST

/* Each length of a line, so that each way through the words is taken. */
START_TEST(finds_control_bytes_anywhere)
{
	for (size_t length = 0; length < 70; length++)
		for (size_t at = 0; at < length; at++) {
			char *in = malloc(length);
			struct bt_head_scan scan = { 0 };
			struct bt_str head;
			unsigned status = 0;

			memset(in, 0xff, length);
			ck_assert_int_eq(
			    bt_head_find(&scan, (struct bt_str){ in, length },
				1000, &head, &status),
			    BT_PARSE_MORE);
			ck_assert_uint_eq(scan.at, length);
			in[at] = (char)(at % 9); /* 0 to 8, none of them HTAB */
			memset(&scan, 0, sizeof(scan));
			ck_assert_int_eq(
			    bt_head_find(&scan, (struct bt_str){ in, length },
				1000, &head, &status),
			    BT_PARSE_REFUSED);
			free(in);
		}
}
END_TEST

/* O(new bytes): what was looked at could be gone. */
START_TEST(does_not_look_back)
{
	char in[] = LINE "Abcdefgh: ijklmnop\r\n\r\n";
	struct bt_head_scan scan = { 0 };
	struct bt_str head;
	unsigned status;

	for (size_t have = 0; have < sizeof(in) - 1; have++) {
		size_t before = scan.at;

		ck_assert_int_eq(
		    bt_head_find(&scan, (struct bt_str){ in, have }, 100, &head,
			&status),
		    BT_PARSE_MORE);
		ck_assert_uint_ge(scan.at, before);
		ck_assert_uint_le(
		    have - scan.at, 1); /* a CR waits for its LF */
	}
}
END_TEST

BT_UNIT_SUITE(head)
{
	TCase *tc = bt_unit_case(s, "guard");

	tcase_add_loop_test(tc, finds_the_end, 0, N(rows));
	tcase_add_test(tc, finds_control_bytes_anywhere);
	tcase_add_test(tc, does_not_look_back);
}
