/* Content negotiation: RFC 9110, 12.5. */

#include "http/accept.h"

#include "tests/unit/unit.h"

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct bt_str types[] = {
	{ "text/html", 9 },
	{ "application/json", 16 },
	{ "text/plain", 10 },
};
enum { NOTHING = -1, HTML, JSON, TEXT };

/* clang-format off: tables */
static const struct {
	const char *lines[3];
	int want;
} type_rows[] = {
	{ { NULL }, HTML },
	{ { "*/*" }, HTML },
	{ { "application/json" }, JSON },
	{ { "Application/JSON" }, JSON },
	{ { "application/*" }, JSON },
	{ { "text/*" }, HTML },
	{ { "text/plain, */*;q=0.1" }, TEXT },
	{ { "text/plain;q=0.5, text/html;q=0.4" }, TEXT },
	{ { "text/html, application/xhtml+xml, */*;q=0.8" }, HTML },
	/* the most specific one counts, in whatever order */
	{ { "text/*;q=0.9, text/html;q=0.1, application/json;q=0.5" }, TEXT },
	{ { "*/*, text/html;q=0" }, JSON },
	{ { "text/html;q=0, */*" }, JSON },
	{ { "application/json;q=0.5", "text/plain" }, TEXT },
	/* parameters */
	{ { "application/json; charset=utf-8" }, JSON },
	{ { "application/json; x=\"a,b;q=0\";q=0.7, text/html;q=0.6" }, JSON },
	{ { "text/html ; Q=0.2 , text/plain ;q=0.3" }, TEXT },
	{ { "text/html;q=0.001, text/plain;q=0.01" }, TEXT },
	{ { "text/html;q=1.000" }, HTML },
	/* malformed members are passed over */
	{ { "text/html;q=2, text/plain;q=0.1" }, TEXT },
	{ { "text/html;q=-1, text/plain;q=0.1" }, TEXT },
	{ { "text/html;q=0.1234, text/plain;q=0.1" }, TEXT },
	{ { "text/html;q=1.001, text/plain;q=0.1" }, TEXT },
	{ { "text/html;q=, text/plain;q=0.1" }, TEXT },
	{ { "text/html;q=x, text/plain;q=0.1" }, TEXT },
	{ { "text/html;q=0x1, text/plain;q=0.1" }, TEXT },
	{ { "text, text/, /html, *, text/plain;q=0.1" }, TEXT },
	{ { ",, ,text/plain" }, TEXT },
	{ { "text/html;q=0.5;\"" }, HTML },
	/* nothing of ours */
	{ { "" }, NOTHING },
	{ { "image/png" }, NOTHING },
	{ { "text/html;q=0, text/plain;q=0.000" }, NOTHING },
	{ { "*/*;q=0" }, NOTHING },
};

#define NO BT_CODING_IDENTITY
#define GZ BT_CODING_GZIP
#define ZS BT_CODING_ZSTD
#define BR BT_CODING_BR
#define GZ_ONLY BT_CODING_BIT(GZ)
#define ALL (BT_CODING_BIT(GZ) | BT_CODING_BIT(ZS) | BT_CODING_BIT(BR))

static const struct {
	const char *lines[3];
	unsigned available;
	enum bt_coding want;
} coding_rows[] = {
	{ { NULL }, ALL, NO },
	{ { "" }, ALL, NO },
	{ { "gzip" }, 0, NO },
	{ { "gzip" }, BT_CODING_BIT(NO), NO },
	{ { "gzip" }, ALL, GZ },
	{ { "x-gzip" }, ALL, GZ },
	{ { "GZIP" }, ALL, GZ },
	{ { "gzip, deflate, br, zstd" }, ALL, BR },
	{ { "gzip, deflate, br, zstd" }, GZ_ONLY, GZ },
	{ { "gzip, zstd" }, ALL, ZS },
	{ { "gzip;q=1.0, br;q=0.5" }, ALL, GZ },
	{ { "gzip;q=0" }, GZ_ONLY, NO },
	{ { "gzip;q=0.001" }, GZ_ONLY, GZ },
	{ { "deflate, compress" }, ALL, NO },
	{ { "*" }, ALL, BR },
	{ { "*" }, GZ_ONLY, GZ },
	{ { "*;q=0" }, ALL, NO },
	{ { "br;q=0, *" }, ALL, ZS },
	{ { "*, br;q=0" }, ALL, ZS },
	{ { "gzip", "br;q=0.2" }, ALL, GZ },
	/* without any coding, if it is liked better */
	{ { "identity;q=1, gzip;q=0.5" }, ALL, NO },
	{ { "identity, gzip" }, ALL, GZ },
	{ { "identity;q=0, gzip;q=0.1" }, ALL, GZ },
	{ { "identity;q=0" }, ALL, NO },
	{ { "identity;q=0.5, *;q=0.1" }, ALL, NO },
	{ { "gzip;q=2, br;q=0.1" }, ALL, BR },
};
/* clang-format on */

static struct bt_request r;

static void
fill(enum bt_known_field f, const char *const lines[3])
{
	memset(&r, 0, sizeof(r));
	for (unsigned i = 0; i < 3 && lines[i] != NULL; i++) {
		r.fields[r.fields_n].name = bt_known_field_name(f);
		r.fields[r.fields_n++].value = bt_str_of(lines[i]);
		if (r.known[f] == 0)
			r.known[f] = (uint8_t)r.fields_n;
		else
			r.repeated |= 1u << f;
	}
}

START_TEST(negotiates_type)
{
	fill(BT_FIELD_ACCEPT, type_rows[_i].lines);
	ck_assert_int_eq(
	    bt_accept_type(&r, types, N(types)), type_rows[_i].want);
}
END_TEST

START_TEST(negotiates_coding)
{
	fill(BT_FIELD_ACCEPT_ENCODING, coding_rows[_i].lines);
	ck_assert_int_eq(bt_accept_coding(&r, coding_rows[_i].available),
	    coding_rows[_i].want);
}
END_TEST

START_TEST(names_codings)
{
	ck_assert(bt_str_equal(bt_coding_name(BT_CODING_BR), BT_STR("br")));
	ck_assert(bt_str_equal(bt_coding_name(BT_CODING_GZIP), BT_STR("gzip")));
	ck_assert(bt_str_equal(bt_coding_name(BT_CODING_ZSTD), BT_STR("zstd")));
}
END_TEST

BT_UNIT_SUITE(accept)
{
	TCase *tc = bt_unit_case(s, "negotiation");

	tcase_add_loop_test(tc, negotiates_type, 0, N(type_rows));
	tcase_add_loop_test(tc, negotiates_coding, 0, N(coding_rows));
	tcase_add_test(tc, names_codings);
}
