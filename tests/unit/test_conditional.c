/* Conditional requests: RFC 9110, 13. */

#include "http/conditional.h"

#include "http/date.h"

#include "tests/unit/unit.h"

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NOW INT64_C(1700000000)
#define DATE_BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define DATE_850 "Sunday, 06-Nov-94 08:49:37 GMT"
#define DATE_ASC "Sun Nov  6 08:49:37 1994"
#define DATE_AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define MODIFIED INT64_C(784111777)

#define MATCH "If-Match"
#define NONE_MATCH "If-None-Match"
#define SINCE "If-Modified-Since"
#define UNMODIFIED "If-Unmodified-Since"
#define IF_RANGE "If-Range"

#define GO BT_CONDITION_PROCEED
#define SAME BT_CONDITION_NOT_MODIFIED
#define FAIL BT_CONDITION_FAILED

#define GET BT_METHOD_GET
#define PUT BT_METHOD_PUT

static const struct bt_validators strong = { { "\"a\"", 3 }, MODIFIED };
static const struct bt_validators weak = { { "W/\"a\"", 5 }, MODIFIED };
static const struct bt_validators dated = { { NULL, 0 }, MODIFIED };
static const struct bt_validators tagged = { { "\"a\"", 3 }, -1 };
static const struct bt_validators odd = { { "\"a\\\"", 4 }, -1 };
static const struct bt_validators comma = { { "\"a,b\"", 5 }, -1 };
static const struct bt_validators bare = { { NULL, 0 }, -1 };

/* clang-format off: tables */
static const struct {
	enum bt_method method;
	const struct bt_validators *validators;
	const char *fields[6]; /* name, value, ... */
	enum bt_condition want;
} rows[] = {
	{ GET, &strong, { NULL }, GO },
	/* If-None-Match: weak comparison */
	{ GET, &strong, { NONE_MATCH, "\"a\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, "W/\"a\"" }, SAME },
	{ GET, &weak, { NONE_MATCH, "\"a\"" }, SAME },
	{ GET, &weak, { NONE_MATCH, "W/\"a\"" }, SAME },
	{ BT_METHOD_HEAD, &strong, { NONE_MATCH, "\"a\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, "\"b\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"A\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "" }, GO },
	{ GET, &strong, { NONE_MATCH, "*" }, SAME },
	{ GET, &bare, { NONE_MATCH, "*" }, SAME },
	{ GET, &bare, { NONE_MATCH, "\"a\"" }, GO },
	{ PUT, &strong, { NONE_MATCH, "*" }, FAIL },
	{ PUT, &strong, { NONE_MATCH, "\"a\"" }, FAIL },
	{ PUT, &strong, { NONE_MATCH, "\"b\"" }, GO },
	{ BT_METHOD_POST, &strong, { NONE_MATCH, "\"a\"" }, FAIL },
	{ BT_METHOD_DELETE, &strong, { NONE_MATCH, "*" }, FAIL },
	/* lists */
	{ GET, &strong, { NONE_MATCH, "\"b\", \"a\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, "\"b\",\"a\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, "\"b\"\t, W/\"a\" , \"c\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, ",, \"b\",,\"a\"," }, SAME },
	{ GET, &strong, { NONE_MATCH, "\"b\", \"c\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"b\"", NONE_MATCH, "\"a\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, "\"b\"", NONE_MATCH, "\"c\"" }, GO },
	{ GET, &comma, { NONE_MATCH, "\"b\", \"a,b\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, "\"b,a\", \"c\"" }, GO },
	{ GET, &odd, { NONE_MATCH, "\"a\\\"" }, SAME },
	{ GET, &odd, { NONE_MATCH, "\"b\\\", \"a\\\"" }, SAME },
	{ GET, &strong, { NONE_MATCH, "\"\x80\", \"a\"" }, SAME },
	/* malformed members match nothing, nor does what is behind them */
	{ GET, &strong, { NONE_MATCH, "a" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"a" }, GO },
	{ GET, &strong, { NONE_MATCH, "a\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "w/\"a\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "W/a" }, GO },
	{ GET, &strong, { NONE_MATCH, "W/" }, GO },
	{ GET, &strong, { NONE_MATCH, "W / \"a\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"a\"x" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"b\" \"a\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "x, \"a\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"b c\", \"a\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "*, \"b\"" }, GO },
	{ GET, &strong, { NONE_MATCH, "\"*\"" }, GO },
	/* If-Modified-Since */
	{ GET, &strong, { SINCE, DATE }, SAME },
	{ GET, &strong, { SINCE, DATE_850 }, SAME },
	{ GET, &strong, { SINCE, DATE_ASC }, SAME },
	{ GET, &strong, { SINCE, DATE_AFTER }, SAME },
	{ GET, &strong, { SINCE, DATE_BEFORE }, GO },
	{ BT_METHOD_HEAD, &dated, { SINCE, DATE }, SAME },
	{ GET, &tagged, { SINCE, DATE }, GO },
	{ GET, &strong, { SINCE, "x" }, GO },
	{ GET, &strong, { SINCE, "" }, GO },
	{ GET, &strong, { SINCE, DATE "," DATE }, GO },
	{ GET, &strong, { SINCE, DATE, SINCE, DATE }, GO },
	{ PUT, &strong, { SINCE, DATE }, GO },
	{ BT_METHOD_OPTIONS, &strong, { SINCE, DATE }, GO },
	/* If-None-Match goes before it */
	{ GET, &strong, { NONE_MATCH, "\"b\"", SINCE, DATE }, GO },
	{ GET, &strong, { NONE_MATCH, "\"a\"", SINCE, DATE_BEFORE }, SAME },
	{ GET, &strong, { NONE_MATCH, "x", SINCE, DATE }, GO },
	{ GET, &dated, { NONE_MATCH, "\"a\"", SINCE, DATE }, GO },
	/* If-Match: strong comparison */
	{ GET, &strong, { MATCH, "\"a\"" }, GO },
	{ PUT, &strong, { MATCH, "\"a\"" }, GO },
	{ PUT, &strong, { MATCH, "\"b\", \"a\"" }, GO },
	{ PUT, &strong, { MATCH, "\"b\"", MATCH, "\"a\"" }, GO },
	{ PUT, &strong, { MATCH, "W/\"a\"" }, FAIL },
	{ PUT, &weak, { MATCH, "\"a\"" }, FAIL },
	{ PUT, &weak, { MATCH, "W/\"a\"" }, FAIL },
	{ PUT, &weak, { MATCH, "*" }, GO },
	{ PUT, &bare, { MATCH, "*" }, GO },
	{ PUT, &strong, { MATCH, "\"b\"" }, FAIL },
	{ GET, &strong, { MATCH, "\"b\"" }, FAIL },
	{ GET, &strong, { MATCH, "" }, FAIL },
	{ GET, &strong, { MATCH, "a" }, FAIL },
	{ GET, &bare, { MATCH, "\"a\"" }, FAIL },
	/* If-Unmodified-Since */
	{ GET, &strong, { UNMODIFIED, DATE }, GO },
	{ GET, &strong, { UNMODIFIED, DATE_AFTER }, GO },
	{ GET, &strong, { UNMODIFIED, DATE_BEFORE }, FAIL },
	{ PUT, &dated, { UNMODIFIED, DATE_BEFORE }, FAIL },
	{ PUT, &tagged, { UNMODIFIED, DATE_BEFORE }, GO },
	{ PUT, &strong, { UNMODIFIED, "x" }, GO },
	{ PUT, &strong, { UNMODIFIED, DATE_BEFORE, UNMODIFIED, DATE_BEFORE },
	    GO },
	/* If-Match goes before it, both before the others */
	{ GET, &strong, { MATCH, "\"a\"", UNMODIFIED, DATE_BEFORE }, GO },
	{ GET, &strong, { MATCH, "\"b\"", UNMODIFIED, DATE }, FAIL },
	{ GET, &strong, { MATCH, "\"a\"", NONE_MATCH, "\"a\"" }, SAME },
	{ GET, &strong, { MATCH, "\"b\"", NONE_MATCH, "\"a\"" }, FAIL },
	{ GET, &strong, { UNMODIFIED, DATE_BEFORE, NONE_MATCH, "\"a\"" },
	    FAIL },
	{ GET, &strong, { UNMODIFIED, DATE, SINCE, DATE }, SAME },
	{ GET, &strong, { MATCH, "\"a\"", UNMODIFIED, DATE, SINCE, DATE },
	    SAME },
	{ PUT, &strong, { MATCH, "\"a\"", NONE_MATCH, "*" }, FAIL },
};

static const struct {
	const struct bt_validators *validators;
	const char *fields[6];
	int64_t now;
	bool want;
} ranges[] = {
	{ &strong, { NULL }, NOW, true },
	{ &strong, { IF_RANGE, "\"a\"" }, NOW, true },
	{ &strong, { IF_RANGE, "\"b\"" }, NOW, false },
	{ &strong, { IF_RANGE, "W/\"a\"" }, NOW, false },
	{ &weak, { IF_RANGE, "W/\"a\"" }, NOW, false },
	{ &weak, { IF_RANGE, "\"a\"" }, NOW, false },
	{ &bare, { IF_RANGE, "\"a\"" }, NOW, false },
	{ &strong, { IF_RANGE, "\"a\", \"b\"" }, NOW, false },
	{ &strong, { IF_RANGE, "\"a\"x" }, NOW, false },
	{ &strong, { IF_RANGE, "\"a\"", IF_RANGE, "\"a\"" }, NOW, false },
	{ &strong, { IF_RANGE, "*" }, NOW, false },
	{ &strong, { IF_RANGE, "" }, NOW, false },
	{ &strong, { IF_RANGE, "a" }, NOW, false },
	{ &strong, { IF_RANGE, DATE }, NOW, true },
	{ &strong, { IF_RANGE, DATE_850 }, NOW, true },
	{ &dated, { IF_RANGE, DATE }, NOW, true },
	{ &dated, { IF_RANGE, DATE_AFTER }, NOW, false },
	{ &dated, { IF_RANGE, DATE_BEFORE }, NOW, false },
	{ &tagged, { IF_RANGE, DATE }, NOW, false },
	{ &dated, { IF_RANGE, DATE }, MODIFIED + 1, true },
	{ &dated, { IF_RANGE, DATE }, MODIFIED, false },
	{ &dated, { IF_RANGE, DATE, IF_RANGE, DATE }, NOW, false },
};
/* clang-format on */

static struct bt_request r;

static void
fill(enum bt_method method, const char *const fields[6])
{
	memset(&r, 0, sizeof(r));
	r.method = method;
	for (unsigned i = 0; i < 6 && fields[i] != NULL; i += 2) {
		enum bt_known_field f =
		    bt_known_field_find(bt_str_of(fields[i]));

		ck_assert_int_ne(f, BT_FIELDS_KNOWN);
		r.fields[r.fields_n].name = bt_str_of(fields[i]);
		r.fields[r.fields_n++].value = bt_str_of(fields[i + 1]);
		if (r.known[f] == 0)
			r.known[f] = (uint8_t)r.fields_n;
		else
			r.repeated |= 1u << f;
	}
}

START_TEST(evaluates)
{
	fill(rows[_i].method, rows[_i].fields);
	ck_assert_int_eq(
	    bt_condition_evaluate(&r, rows[_i].validators, NOW), rows[_i].want);
}
END_TEST

START_TEST(evaluates_if_range)
{
	fill(GET, ranges[_i].fields);
	ck_assert_int_eq(
	    bt_condition_if_range(&r, ranges[_i].validators, ranges[_i].now),
	    ranges[_i].want);
}
END_TEST

BT_UNIT_SUITE(conditional)
{
	TCase *tc = bt_unit_case(s, "conditions");

	tcase_add_loop_test(tc, evaluates, 0, N(rows));
	tcase_add_loop_test(tc, evaluates_if_range, 0, N(ranges));
}
