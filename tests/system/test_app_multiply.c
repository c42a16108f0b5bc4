/*
 * src/apps/multiply.c: two numbers over two pages, whatever the store is.
 */

#include "tests/system/apps.h"
#include "tests/system/visit.h"

#include <signal.h>
#include <string.h>

/* Where the state is, and how long the URL of two numbers may be. */
static const struct {
	const char *continuations;
	size_t url_max;
} stores[] = {
	{ "url", 120 },
	{ "memory 1m", 60 },
	{ "disk @DIR@/states 16m", 60 },
	{ "url 2k, memory 1m, disk @DIR@/states 16m", 120 },
};

static struct visit
start(const char *continuations)
{
	return (struct visit){
		.daemon = daemon_start(scratch_printf(
		    "user root;\ncontinuations %s;\n"
		    "server { route /multiply { app %s; } "
		    "route /shop { app %s { orders @DIR@/orders; } } }\n",
		    continuations, apps_path("multiply"), apps_path("shop"))),
	};
}

/* The URL to which the form of a page leads with that number. */
static const char *
typed(const struct visit *v, const char *number)
{
	const char *token = strstr(v->page, "name=\"c\" value=\"");

	ck_assert_msg(token != NULL, "no form: %s", v->page);
	token += strlen("name=\"c\" value=\"");
	return scratch_printf(
	    "/multiply?c=%.*s&n=%s", (int)strcspn(token, "\""), token, number);
}

START_TEST(two_numbers_over_two_pages)
{
	struct visit v = start(stores[_i].continuations);
	const char *second;

	visit_get(&v, "/multiply");
	visit_wants(&v, 200, "The first number");
	visit_get(&v, typed(&v, "6"));
	visit_wants(&v, 200, "The second number");
	second = typed(&v, "7");
	visit_get(&v, second);
	visit_wants(&v, 200, "6 &times; 7 = <strong>42<");
	ck_assert_msg(strlen(v.url) <= stores[_i].url_max, "%zu bytes: %s",
	    strlen(v.url), v.url);
	/* as often as one likes */
	visit_get(&v, v.url);
	visit_wants(&v, 200, "<strong>42<");
	visit_get(&v, second);
	visit_wants(&v, 200, "<strong>42<");
	daemon_stop(v.daemon);
}
END_TEST

/* Each page multiplies what it was shown, not what came last. */
START_TEST(back_and_two_tabs)
{
	struct visit v = start(stores[_i].continuations), other;

	visit_get(&v, "/multiply");
	other = v;
	visit_get(&v, typed(&v, "6"));
	visit_get(&other, typed(&other, "-5"));
	other.url = typed(&other, "11");
	visit_get(&v, typed(&v, "8"));
	visit_wants(&v, 200, "6 &times; 8 = <strong>48<");
	visit_get(&other, other.url);
	visit_wants(&other, 200, "-5 &times; 11 = <strong>-55<");
	daemon_stop(v.daemon);
}
END_TEST

static const struct {
	const char *a, *b;
	unsigned status;
	const char *said;
} typings[] = {
	{ "0", "-9", 200, "<strong>0<" },
	{ "%2B3", "+4", 200, "<strong>12<" }, /* +3, and 4 behind a blank */
	{ "9223372036854775807", "1", 200, "<strong>9223372036854775807<" },
	{ "9223372036854775807", "2", 200, "too large" },
	{ "6", "", 422, " is no whole number" },
	{ "6", "seven", 422, "seven is no whole number" },
	{ "6", "7.5", 422, "7.5 is no" },
	{ "6", "9223372036854775808", 422, "is no whole number" },
	{ "6", "%3Cscript%3E", 422, "&lt;script&gt; is no" },
};

START_TEST(what_is_typed)
{
	struct visit v = start("url");

	visit_get(&v, "/multiply");
	visit_get(&v, typed(&v, typings[_i].a));
	visit_get(&v, typed(&v, typings[_i].b));
	visit_wants(&v, typings[_i].status, typings[_i].said);
	if (typings[_i].status == 422) { /* asked again, with what was there */
		visit_get(&v, typed(&v, "7"));
		visit_wants(&v, 200, "<strong>42<");
	}
	daemon_stop(v.daemon);
}
END_TEST

/* Every character of a token changed; then cut; then at another application. */
START_TEST(altered_tokens)
{
	struct visit v = start(stores[_i].continuations);
	const char *good, *bad;
	size_t at;

	visit_get(&v, "/multiply");
	visit_get(&v, typed(&v, "6"));
	visit_get(&v, typed(&v, "7"));
	good = v.url;
	at = strlen("/multiply?c=");
	ck_assert_uint_gt(strlen(good), at + 20);
	for (size_t i = at; i < strlen(good); i++) {
		char *url = scratch_printf("%s", good);

		url[i] = url[i] == 'A' ? 'B' : 'A';
		visit_get(&v, url);
		ck_assert_msg(v.status == 400 || v.status == 404, "%u: %s",
		    v.status, url);
		visit_get(&v, scratch_printf("%.*s", (int)i, good));
		ck_assert_msg(v.status == 400 || v.status == 404 ||
			(i == at && v.status == 200), /* no token at all */
		    "%u: %.*s", v.status, (int)i, good);
	}
	bad = scratch_printf("/shop?c=%s", good + at);
	visit_get(&v, bad);
	ck_assert(v.status == 400 || v.status == 404);
	visit_get(&v, good);
	visit_wants(&v, 200, "<strong>42<");
	daemon_stop(v.daemon);
}
END_TEST

/* Whatever happens to the server between two pages. */
START_TEST(conversations_outlive_workers)
{
	struct visit v = start(stores[_i].continuations);
	pid_t workers[PROC_CHILDREN_MAX];
	size_t n;

	visit_get(&v, "/multiply");
	v.url = typed(&v, "6");
	n = daemon_workers(v.daemon, workers);
	for (size_t i = 0; i < n; i++)
		kill(workers[i], SIGKILL);
	visit_get(&v, v.url);
	visit_wants(&v, 200, "The second number");
	v.url = typed(&v, "7");
	daemon_reload(v.daemon);
	visit_get(&v, v.url);
	visit_wants(&v, 200, "<strong>42<");
	ck_assert_int_eq(
	    spawn_run_with("-s", "upgrade", "-c", v.daemon->conf).status, 0);
	visit_get(&v, v.url);
	visit_wants(&v, 200, "<strong>42<");
	daemon_stop(v.daemon);
}
END_TEST

BT_SYSTEM_SUITE(app_multiply)
{
	TCase *tc = bt_system_case(s, "stores");

	tcase_add_loop_test(tc, two_numbers_over_two_pages, 0, BT_ROWS(stores));
	tcase_add_loop_test(tc, back_and_two_tabs, 0, BT_ROWS(stores));
	tcase_add_loop_test(tc, what_is_typed, 0, BT_ROWS(typings));
	tcase_add_loop_test(tc, altered_tokens, 0, BT_ROWS(stores));
	tcase_add_loop_test(
	    tc, conversations_outlive_workers, 0, BT_ROWS(stores));
}
