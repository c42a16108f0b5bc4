/*
 * base/human.c: quantities as people read them.
 */

#include "base/human.h"
#include "tests/unit/unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	double bytes;
	const char *text;
} sizes[] = {
	{ 0, "0 B" },
	{ 999, "999 B" },
	{ 1000, "1.0 kB" },
	{ 9940, "9.9 kB" },
	{ 9960, "10 kB" },
	{ 123456, "123 kB" },
	{ 7.04e6, "7.0 MB" },
	{ 18e18, "18000 PB" },
};

static const struct {
	uint64_t us;
	const char *text;
} times[] = {
	{ 0, "0 \xc2\xb5s" },
	{ 850, "850 \xc2\xb5s" },
	{ 1240, "1.2 ms" },
	{ 67108864, "67 s" },
	{ 536870912, "537 s" },
};

static const struct {
	int64_t s;
	const char *text;
} ups[] = {
	{ -5, "00:00:00" },
	{ 59, "00:00:59" },
	{ 3661, "01:01:01" },
	{ 86399, "23:59:59" },
	{ 86400, "1 d 00:00:00" },
	{ INT64_C(100) * 365 * 86400, "36500 d 00:00:00" },
};

static const struct {
	double rate;
	const char *text;
} rates[] = {
	{ 0, "0.0" },
	{ 0.25, "0.2" },
	{ 9.94, "9.9" },
	{ 9.99, "10" },
	{ 1234567.8, "1234568" },
};

static char out[BT_HUMAN_MAX];

START_TEST(bytes)
{
	bt_human_bytes(sizes[_i].bytes, out);
	ck_assert_str_eq(out, sizes[_i].text);
}
END_TEST

START_TEST(us)
{
	bt_human_us(times[_i].us, out);
	ck_assert_str_eq(out, times[_i].text);
}
END_TEST

START_TEST(up)
{
	bt_human_up(ups[_i].s, out);
	ck_assert_str_eq(out, ups[_i].text);
}
END_TEST

START_TEST(rate)
{
	bt_human_rate(rates[_i].rate, out);
	ck_assert_str_eq(out, rates[_i].text);
}
END_TEST

BT_UNIT_SUITE(human)
{
	TCase *tc = bt_unit_case(s, "quantities");

	tcase_add_loop_test(tc, bytes, 0, ROWS(sizes));
	tcase_add_loop_test(tc, us, 0, ROWS(times));
	tcase_add_loop_test(tc, up, 0, ROWS(ups));
	tcase_add_loop_test(tc, rate, 0, ROWS(rates));
}
