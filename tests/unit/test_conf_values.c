/* src/conf/values.c: numbers, durations, sizes, and words written back. */

#include "conf/values.h"
#include "tests/unit/unit.h"

#include <errno.h>

struct row {
	const char *text;
	int r;
	uint64_t value;
	const char *back; /* as it is written, NULL: as it was read */
};

static const struct row durations[] = {
	{ "0", 0, 0, "0ms" },
	{ "1", 0, 1000, "1s" },
	{ "75", 0, 75000, "75s" },
	{ "500ms", 0, 500, NULL },
	{ "1500ms", 0, 1500, NULL },
	{ "30s", 0, 30000, NULL },
	{ "60s", 0, 60000, "1m" },
	{ "5m", 0, 300000, NULL },
	{ "1h30m", 0, 5400000, "90m" },
	{ "1d2h3m4s5ms", 0, 93784005, "93784005ms" },
	{ "1d", 0, 86400000, NULL },
	{ "18446744073709551615ms", 0, UINT64_MAX, NULL },
	{ "", -EINVAL, 0, NULL },
	{ "s", -EINVAL, 0, NULL },
	{ "5x", -EINVAL, 0, NULL },
	{ "5 s", -EINVAL, 0, NULL },
	{ "-5s", -EINVAL, 0, NULL },
	{ "1.5s", -EINVAL, 0, NULL },
	{ "5M", -EINVAL, 0, NULL },
	{ "30m1h", -EINVAL, 0, NULL },
	{ "1s1s", -EINVAL, 0, NULL },
	{ "1h30", -EINVAL, 0, NULL },
	{ "18446744073709551615", -ERANGE, 0, NULL },
	{ "18446744073709551616ms", -ERANGE, 0, NULL },
	{ "18446744073709551615h", -ERANGE, 0, NULL },
	{ "213503982334d1000h", -ERANGE, 0, NULL },
};

static const struct row sizes[] = {
	{ "0", 0, 0, NULL },
	{ "1", 0, 1, NULL },
	{ "1000", 0, 1000, NULL },
	{ "1024", 0, 1024, "1k" },
	{ "16k", 0, 16384, NULL },
	{ "16K", 0, 16384, "16k" },
	{ "1m", 0, 1048576, NULL },
	{ "3M", 0, 3145728, "3m" },
	{ "2g", 0, 2147483648, NULL },
	{ "1025k", 0, 1049600, NULL },
	{ "18446744073709551615", 0, UINT64_MAX, NULL },
	{ "", -EINVAL, 0, NULL },
	{ "k", -EINVAL, 0, NULL },
	{ "1kb", -EINVAL, 0, NULL },
	{ "1t", -EINVAL, 0, NULL },
	{ "-1", -EINVAL, 0, NULL },
	{ "1.5m", -EINVAL, 0, NULL },
	{ "1k1", -EINVAL, 0, NULL },
	{ "18446744073709551616", -ERANGE, 0, NULL },
	{ "17179869184g", -ERANGE, 0, NULL },
};

static const struct row rates[] = {
	{ "1/s", 0, 1, NULL },
	{ "240/s", 0, 240, NULL },
	{ "1K/s", 0, 1024, "1k/s" },
	{ "2048/s", 0, 2048, "2k/s" },
	{ "1m/s", 0, 1048576, NULL },
	{ "", -EINVAL, 0, NULL },
	{ "/s", -EINVAL, 0, NULL },
	{ "1", -EINVAL, 0, NULL },
	{ "1/", -EINVAL, 0, NULL },
	{ "1s", -EINVAL, 0, NULL },
	{ "1/m", -EINVAL, 0, NULL },
	{ "1/s/s", -EINVAL, 0, NULL },
	{ "17179869184g/s", -ERANGE, 0, NULL },
};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void
check_row(const struct row *row,
    int (*parse)(struct bt_str, uint64_t *, const char **),
    const char *(*format)(uint64_t, char *))
{
	char text[BT_VALUE_TEXT_MAX];
	const char *why = NULL;
	uint64_t value = 42;
	int r = parse(bt_str_of(row->text), &value, &why);

	ck_assert_msg(r == row->r, "%s: %d", row->text, r);
	if (r < 0) {
		ck_assert_ptr_nonnull(why);
		return;
	}
	ck_assert_msg(value == row->value, "%s: %llu", row->text,
	    (unsigned long long)value);
	ck_assert_str_eq(
	    format(value, text), row->back ? row->back : row->text);
}

START_TEST(duration)
{
	check_row(
	    &durations[_i], bt_value_parse_duration, bt_value_format_duration);
}
END_TEST

START_TEST(size)
{
	check_row(&sizes[_i], bt_value_parse_size, bt_value_format_size);
}
END_TEST

START_TEST(rate)
{
	check_row(&rates[_i], bt_value_parse_rate, bt_value_format_rate);
}
END_TEST

static const struct {
	const char *word, *written;
} words[] = {
	{ "plain", "plain" },
	{ "/a/b-c_d.e?f=g&h", "/a/b-c_d.e?f=g&h" },
	{ "*.example.org", "*.example.org" },
	{ "a#b", "a#b" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "", "\"\"" },
	{ "#a", "\"#a\"" },
	{ "a b", "\"a b\"" },
	{ "a;b", "\"a;b\"" },
	{ "{}", "\"{}\"" },
	{ "a\nb\tc\rd", "\"a\\nb\\tc\\rd\"" },
	{ "a\"b'c\\d", "\"a\\\"b'c\\\\d\"" },
	{ "it's", "\"it's\"" },
	{ "$5", "\"\\$5\"" },
};

START_TEST(word)
{
	struct bt_buf out = { 0 };

	bt_value_append_word(&out, bt_str_of(words[_i].word));
	ck_assert_str_eq(out.data, words[_i].written);
	bt_buf_fini(&out);
}
END_TEST

BT_UNIT_SUITE(conf_values)
{
	TCase *tc = bt_unit_case(s, "values");

	tcase_add_loop_test(tc, duration, 0, COUNT(durations));
	tcase_add_loop_test(tc, size, 0, COUNT(sizes));
	tcase_add_loop_test(tc, rate, 0, COUNT(rates));
	tcase_add_loop_test(tc, word, 0, COUNT(words));
}
