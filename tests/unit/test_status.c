/* Status lines, for each code there can be. */

#include "http/status.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	unsigned status;
	const char *reason;
} rows[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 199, "Informational" },
	{ 200, "OK" },
	{ 206, "Partial Content" },
	{ 299, "Successful" },
	{ 301, "Moved Permanently" },
	{ 304, "Not Modified" },
	{ 308, "Permanent Redirect" },
	{ 399, "Redirection" },
	{ 400, "Bad Request" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" },
	{ 418, "Client Error" },
	{ 499, "Client Error" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
	{ 599, "Server Error" },
};

START_TEST(names_reasons)
{
	ck_assert(bt_str_equal(
	    bt_status_reason(rows[_i].status), bt_str_of(rows[_i].reason)));
}
END_TEST

START_TEST(has_a_line_for_each)
{
	for (unsigned status = 100; status <= 599; status++) {
		struct bt_str reason = bt_status_reason(status);
		struct bt_str line = bt_status_line(status);
		char want[128];
		int n = snprintf(want, sizeof(want), "HTTP/1.1 %u %.*s\r\n",
		    status, BT_STR_ARG(reason));

		ck_assert_uint_gt(reason.n, 0);
		ck_assert_uint_eq(line.n, (size_t)n);
		ck_assert_mem_eq(line.p, want, line.n);
	}
}
END_TEST

START_TEST(survives_what_is_none)
{
	static const unsigned none[] = { 0, 99, 600, 1000, -1u };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert(
		    bt_str_equal(bt_status_line(none[i]), bt_status_line(500)));
}
END_TEST

START_TEST(knows_which_have_content)
{
	for (unsigned status = 100; status <= 599; status++)
		ck_assert_int_eq(bt_status_has_content(status),
		    status >= 200 && status != 204 && status != 304);
}
END_TEST

BT_UNIT_SUITE(status)
{
	TCase *tc = bt_unit_case(s, "statuses");

	tcase_add_loop_test(tc, names_reasons, 0, N(rows));
	tcase_add_test(tc, has_a_line_for_each);
	tcase_add_test(tc, survives_what_is_none);
	tcase_add_test(tc, knows_which_have_content);
}
