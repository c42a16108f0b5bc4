/* proxy/back.c: references and cookies, as the client can follow them. */

#include "proxy/back.h"

#include "tests/unit/unit.h"

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* clang-format off: tables */
static const struct {
	const char *near, *far, *value;
	const char *mapped; /* NULL: the same */
} references[] = {
	/* without a path of its own only the address is another one */
	{ "", "", "http://10.0.0.1:9000/x?y#z", "/x?y#z" },
	{ "", "", "http://10.0.0.1:9000", "/" },
	{ "", "", "http://10.0.0.1:9000?q", "/?q" },
	{ "", "", "HTTP://APP/x", "/x" },
	{ "", "", "http://app:80/x", "/x" },
	{ "", "", "//app/x", "/x" },
	{ "", "", "http://app.example/x", NULL },
	{ "", "", "http://app:81/x", NULL },
	{ "", "", "https://app/x", NULL },
	{ "", "", "ftp://app/x", NULL },
	{ "", "", "http://user@app/x", NULL },
	{ "", "", "http://asked:8080/x", NULL },
	{ "", "", "https://elsewhere/x", NULL },
	{ "", "", "/x", NULL },
	{ "", "", "//x", NULL },
	{ "", "", "", NULL },
	{ "", "", "x/../y", NULL },
	{ "", "", "?q", NULL },
	/* what is a path there is no host here */
	{ "", "", "http://app//evil/x", "/%2Fevil/x" },
	{ "", "", "http://app/\\evil", "/%5Cevil" },
	{ "", "/api", "/api//evil", "/%2Fevil" },
	{ "", "/api", "/api", "/" },
	{ "", "/api", "/api?q", "/?q" },
	{ "", "/api", "/api/x", "/x" },
	/* one path for another */
	{ "/v1", "/api", "http://app/api/x", "/v1/x" },
	{ "/v1", "/api", "/api/x", "/v1/x" },
	{ "/v1", "/api", "/api", "/v1" },
	{ "/v1", "/api", "/api/", "/v1/" },
	{ "/v1", "/api", "/api#f", "/v1#f" },
	{ "/v1", "/api", "http://asked:8080/api/x", "http://asked:8080/v1/x" },
	{ "/v1", "/api", "https://asked:8080/api", "https://asked:8080/v1" },
	{ "/v1", "/api", "//asked:8080/api", "//asked:8080/v1" },
	{ "/v1", "/api", "http://asked/api/x", NULL },
	{ "/v1", "/api", "/apix", NULL },
	{ "/v1", "/api", "/v1/x", NULL },
	{ "/v1", "/api", "/other", NULL },
	{ "/v1", "/api", "http://app/other", NULL },
	{ "/v1", "/api", "x", NULL },
	/* the route's path is cut off: what has it needs it no more */
	{ "/api", "", "/x", "/api/x" },
	{ "/api", "", "/", "/api/" },
	{ "/api", "", "/api/x", NULL },
	{ "/api", "", "/apix", "/api/apix" },
	{ "/api", "", "http://asked:8080/api/x", NULL },
	{ "/api", "", "http://app/api/x", "/api/api/x" },
	{ "/api/v1", "/api", "/api/x", "/api/v1/x" },
	{ "/api/v1", "/api", "/api/v1/x", NULL },
	{ "/api", "/api/v1", "/api/v1/x", "/api/x" },
};

static const struct {
	const char *value, *mapped; /* /v1 for /api */
} cookies[] = {
	{ "a=b", NULL },
	{ "a=b; Path=/api", "a=b; Path=/v1" },
	{ "a=b; Path=/api/; Secure", "a=b; Path=/v1/; Secure" },
	{ "a=b;path = /api/x ;HttpOnly", "a=b;path = /v1/x ;HttpOnly" },
	{ "a=b; Path=/", NULL },
	{ "a=b; Path=/apix", NULL },
	{ "a=b; Path=", NULL },
	{ "a=b; Path", NULL },
	{ "a=b; Path=\"/api\"", NULL },
	{ "Path=/api", NULL },
	{ "a=Path=/api; Domain=x", NULL },
	{ "a=b; Path=/x; Path=/api", "a=b; Path=/x; Path=/v1" },
	{ "a=b; Path=/api; Path=/x", NULL },
	{ ";Path=/api;", ";Path=/v1;" },
	{ "", NULL },
};
/* clang-format on */

static struct bt_proxy_back
back(struct bt_arena *arena, const char *near, const char *far)
{
	return (struct bt_proxy_back){
		.near = bt_str_of(near),
		.far = bt_str_of(far),
		.asked = BT_STR("asked:8080"),
		.own = { BT_STR("10.0.0.1:9000"), BT_STR("app") },
		.arena = arena,
	};
}

static void
check(struct bt_str got, const char *value, const char *mapped)
{
	const char *want = mapped != NULL ? mapped : value;

	ck_assert_msg(bt_str_equal(got, bt_str_of(want)), "%s: %.*s", value,
	    BT_STR_ARG(got));
	if (mapped == NULL)
		ck_assert_ptr_eq(got.p, value);
}

START_TEST(maps_references)
{
	const char *value = references[_i].value;
	struct bt_arena arena = { 0 };
	struct bt_proxy_back b =
	    back(&arena, references[_i].near, references[_i].far);

	check(bt_proxy_back_reference(&b, bt_str_of(value)), value,
	    references[_i].mapped);
	bt_arena_fini(&arena);
}
END_TEST

START_TEST(maps_cookies)
{
	const char *value = cookies[_i].value;
	struct bt_arena arena = { 0 };
	struct bt_proxy_back b = back(&arena, "/v1", "/api");

	check(bt_proxy_back_cookie(&b, bt_str_of(value)), value,
	    cookies[_i].mapped);
	bt_arena_fini(&arena);
}
END_TEST

/* `route = /near` is no way to what is below it. */
START_TEST(maps_one_path)
{
	struct bt_arena arena = { 0 };
	struct bt_proxy_back b = back(&arena, "/near", "/far");

	b.exact = true;
	check(
	    bt_proxy_back_reference(&b, BT_STR("/far?q")), "/far?q", "/near?q");
	check(
	    bt_proxy_back_reference(&b, BT_STR("/far/x")), "/far/x", "/far/x");
	bt_arena_fini(&arena);
}
END_TEST

BT_UNIT_SUITE(proxy_back)
{
	TCase *tc = bt_unit_case(s, "back");

	tcase_add_loop_test(tc, maps_references, 0, N(references));
	tcase_add_loop_test(tc, maps_cookies, 0, N(cookies));
	tcase_add_test(tc, maps_one_path);
}
