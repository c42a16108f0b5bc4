/* Known names and looking fields up. */

#include "http/request.h"

#include "tests/unit/unit.h"

#include <ctype.h>

static const char *const names[BT_FIELDS_KNOWN] = {
	[BT_FIELD_ACCEPT] = "accept",
	[BT_FIELD_ACCEPT_ENCODING] = "accept-encoding",
	[BT_FIELD_AUTHORIZATION] = "authorization",
	[BT_FIELD_CONNECTION] = "connection",
	[BT_FIELD_CONTENT_LENGTH] = "content-length",
	[BT_FIELD_CONTENT_TYPE] = "content-type",
	[BT_FIELD_COOKIE] = "cookie",
	[BT_FIELD_EXPECT] = "expect",
	[BT_FIELD_HOST] = "host",
	[BT_FIELD_IF_MATCH] = "if-match",
	[BT_FIELD_IF_MODIFIED_SINCE] = "if-modified-since",
	[BT_FIELD_IF_NONE_MATCH] = "if-none-match",
	[BT_FIELD_IF_RANGE] = "if-range",
	[BT_FIELD_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
	[BT_FIELD_RANGE] = "range",
	[BT_FIELD_REFERER] = "referer",
	[BT_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
	[BT_FIELD_UPGRADE] = "upgrade",
	[BT_FIELD_USER_AGENT] = "user-agent",
};

START_TEST(knows_names_in_any_case)
{
	char text[32];
	size_t n = strlen(names[_i]);
	struct bt_str name = { text, n };

	for (unsigned variant = 0; variant < 3; variant++) {
		for (size_t i = 0; i < n; i++)
			text[i] = (char)(variant == 1 || (variant == 2 && i % 2)
				? toupper((unsigned char)names[_i][i])
				: names[_i][i]);
		ck_assert_int_eq((int)bt_known_field_find(name), _i);
	}
	ck_assert(bt_str_equal(bt_known_field_name((enum bt_known_field)_i),
	    bt_str_of(names[_i])));
}
END_TEST

/* One byte changed, dropped or added, and it is another name. */
START_TEST(knows_no_others)
{
	char text[32];
	size_t n = strlen(names[_i]);

	for (size_t i = 0; i < n; i++) {
		memcpy(text, names[_i], n);
		text[i] = text[i] == 'x' ? 'y' : 'x';
		ck_assert_int_eq(
		    bt_known_field_find((struct bt_str){ text, n }),
		    BT_FIELDS_KNOWN);
		text[i] = '_';
		ck_assert_int_eq(
		    bt_known_field_find((struct bt_str){ text, n }),
		    BT_FIELDS_KNOWN);
	}
	memcpy(text, names[_i], n);
	text[n] = 's';
	ck_assert_int_eq(bt_known_field_find((struct bt_str){ text, n + 1 }),
	    BT_FIELDS_KNOWN);
	ck_assert_int_eq(bt_known_field_find((struct bt_str){ text, n - 1 }),
	    BT_FIELDS_KNOWN);
}
END_TEST

START_TEST(ignores_lengths_without_names)
{
	char text[64];

	memset(text, 'a', sizeof(text));
	for (size_t n = 0; n < sizeof(text); n++)
		ck_assert_int_eq(
		    bt_known_field_find((struct bt_str){ text, n }),
		    BT_FIELDS_KNOWN);
}
END_TEST

static struct bt_request r;

static void
add(const char *name, const char *value)
{
	enum bt_known_field f = bt_known_field_find(bt_str_of(name));

	r.fields[r.fields_n].name = bt_str_of(name);
	r.fields[r.fields_n++].value = bt_str_of(value);
	if (f != BT_FIELDS_KNOWN && r.known[f] == 0)
		r.known[f] = (uint8_t)r.fields_n;
	else if (f != BT_FIELDS_KNOWN)
		r.repeated |= 1u << f;
}

static void
ck_span(struct bt_str s, const char *want)
{
	ck_assert(bt_str_equal(s, bt_str_of(want)));
}

START_TEST(finds_lines_in_order)
{
	struct bt_str value;
	unsigned at = 0;

	memset(&r, 0, sizeof(r));
	add("X-A", "1");
	add("Cookie", "2");
	add("x-a", "3");
	add("Range", "4");
	add("COOKIE", "5");
	add("X-A", "");
	ck_span(bt_request_field(&r, BT_STR("x-A")), "1");
	ck_assert_ptr_null(bt_request_field(&r, BT_STR("x-b")).p);
	ck_assert_ptr_null(bt_request_field(&r, BT_STR("")).p);
	ck_assert(bt_request_field_next(&r, BT_STR("x-a"), &at, &value));
	ck_span(value, "1");
	ck_assert(bt_request_field_next(&r, BT_STR("x-a"), &at, &value));
	ck_span(value, "3");
	ck_assert(bt_request_field_next(&r, BT_STR("x-a"), &at, &value));
	ck_span(value, "");
	ck_assert(!bt_request_field_next(&r, BT_STR("x-a"), &at, &value));
	ck_assert(!bt_request_field_next(&r, BT_STR("x-a"), &at, &value));
}
END_TEST

START_TEST(finds_known_lines_in_order)
{
	struct bt_str value;
	unsigned at = 0;

	memset(&r, 0, sizeof(r));
	add("X", "1");
	add("Cookie", "2");
	add("Range", "4");
	add("COOKIE", "5");
	ck_assert(bt_request_known_next(&r, BT_FIELD_COOKIE, &at, &value));
	ck_span(value, "2");
	ck_assert(bt_request_known_next(&r, BT_FIELD_COOKIE, &at, &value));
	ck_span(value, "5");
	ck_assert(!bt_request_known_next(&r, BT_FIELD_COOKIE, &at, &value));
	at = 0;
	ck_assert(bt_request_known_next(&r, BT_FIELD_RANGE, &at, &value));
	ck_span(value, "4");
	ck_assert(!bt_request_known_next(&r, BT_FIELD_RANGE, &at, &value));
	at = 0;
	ck_assert(!bt_request_known_next(&r, BT_FIELD_HOST, &at, &value));
	ck_span(bt_request_known(&r, BT_FIELD_COOKIE), "2");
	ck_assert_ptr_null(bt_request_known(&r, BT_FIELD_HOST).p);
}
END_TEST

BT_UNIT_SUITE(request)
{
	TCase *tc = bt_unit_case(s, "fields");

	tcase_add_loop_test(tc, knows_names_in_any_case, 0, BT_FIELDS_KNOWN);
	tcase_add_loop_test(tc, knows_no_others, 0, BT_FIELDS_KNOWN);
	tcase_add_test(tc, ignores_lengths_without_names);
	tcase_add_test(tc, finds_lines_in_order);
	tcase_add_test(tc, finds_known_lines_in_order);
}
