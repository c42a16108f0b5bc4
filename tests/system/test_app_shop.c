/*
 * src/apps/shop.c: a basket that survives Back, two tabs, crashes and upgrades;
 * an order that is placed once.
 */

#include "tests/system/apps.h"
#include "tests/system/visit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *const stores[] = {
	"url",
	"memory 1m",
	"disk @DIR@/states 16m",
};

#define ADDRESS \
	"name=Ada+L%C3%B6we&street=Am+%22Markt%22+3&town=10115+Berlin" \
	"&mail=ada%40example.org"

static struct visit
start(const char *continuations, const char *orders)
{
	struct visit v = {
		.daemon = daemon_start(scratch_printf(
		    "user root;\ncontinuations %s;\n"
		    "server { route / { app %s { orders %s; } } }\n",
		    continuations, apps_path("shop"), orders)),
	};

	visit_get(&v, "/");
	visit_wants(&v, 200, "Silver Needle");
	return v;
}

static void
add(struct visit *v, unsigned tea, const char *name)
{
	visit_submit(
	    v, scratch_printf("Add %s", name), scratch_printf("tea=%u", tea));
	visit_wants(v, 200, scratch_printf("Added %s.", name));
}

/* From the shelf to the last look. */
static void
go_to_review(struct visit *v)
{
	visit_follow(v, "To the basket");
	visit_wants(v, 200, "Your basket");
	visit_follow(v, "Delivery</a>");
	visit_wants(v, 200, "Where does it go?");
	visit_submit(v, "Look it over", ADDRESS);
	visit_wants(v, 200, "Is it all as it should be?");
}

/* Lines of the file of orders. */
static unsigned
orders(void)
{
	const char *text = scratch_read("orders", NULL);
	unsigned n = 0;

	for (; text != NULL && (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

START_TEST(ordered_once)
{
	struct visit v = start(stores[_i], "@DIR@/orders");
	const char *shelf, *review, *place, *thanks, *text;
	size_t n;

	add(&v, 2, "Old Harbour");
	shelf = v.url;
	add(&v, 7, "Silver Needle");
	add(&v, 2, "Old Harbour");
	go_to_review(&v);
	visit_wants(&v, 200, "41.10&nbsp;");
	visit_wants(&v, 200, "Ada L\xc3\xb6we");
	visit_wants(&v, 200, "Am &quot;Markt&quot; 3");
	review = v.url;
	place = visit_form(&v, "Order, and pay");
	ck_assert_uint_eq(orders(), 0);
	visit_post(&v, place, "");
	visit_wants(&v, 200, "Your order is");
	thanks = v.url;
	ck_assert_uint_eq(orders(), 1);
	text = scratch_read("orders", &n);
	ck_assert_ptr_nonnull(strstr(text,
	    "\"cents\":4110,\"teas\":{\"2\":2,\"7\":1},\"name\":\"Ada "
	    "L\xc3\xb6we\",\"street\":\"Am \\\"Markt\\\" 3\""));
	/* nothing of it orders again; its thanks stay */
	visit_post(&v, place, ""); /* whatever its store has by now */
	visit_wants(&v, 410, "To the shelf");
	visit_get(&v, review);
	visit_wants(&v, 410, "This order was placed");
	visit_get(&v, shelf);
	visit_wants(&v, 410, "This order was placed");
	visit_get(&v, thanks);
	visit_wants(&v, 200, "Your order is");
	ck_assert_uint_eq(orders(), 1);
	daemon_stop(v.daemon);
}
END_TEST

START_TEST(back_and_two_tabs)
{
	struct visit v = start(stores[_i], "@DIR@/orders"), other;
	const char *harbour;

	add(&v, 2, "Old Harbour");
	harbour = v.url;
	other = v; /* the same page in another tab */
	add(&v, 7, "Silver Needle");
	add(&other, 8, "Garden Mint");
	visit_follow(&other, "To the basket");
	visit_wants(&other, 200, "22.30&nbsp;"); /* 9.80 + 7.60 + 4.90 */
	ck_assert_ptr_null(strstr(other.page, "Silver Needle"));
	visit_follow(&v, "To the basket");
	visit_wants(&v, 200, "36.20&nbsp;"); /* 9.80 + 21.50 + 4.90 */
	ck_assert_ptr_null(strstr(v.page, "Garden Mint"));
	/* Back: the basket is again what that page shows */
	visit_get(&v, harbour);
	visit_wants(&v, 200, "1 tin, 9.80&nbsp;");
	add(&v, 2, "Old Harbour");
	visit_wants(&v, 200, "2 tins, 19.60&nbsp;");
	daemon_stop(v.daemon);
}
END_TEST

/* Workers are killed, the conf reloaded, the program upgraded: on each page. */
START_TEST(trips_outlive_the_server)
{
	struct visit v = start(stores[_i], "@DIR@/orders");
	pid_t workers[PROC_CHILDREN_MAX];
	size_t n;

	add(&v, 5, "Half Moon");
	n = daemon_workers(v.daemon, workers);
	for (size_t i = 0; i < n; i++)
		kill(workers[i], SIGKILL);
	add(&v, 5, "Half Moon");
	daemon_reload(v.daemon);
	add(&v, 5, "Half Moon");
	ck_assert_int_eq(
	    spawn_run_with("-s", "upgrade", "-c", v.daemon->conf).status, 0);
	go_to_review(&v);
	visit_wants(&v, 200, "50.70&nbsp;");
	visit_submit(&v, "Order, and pay", "");
	visit_wants(&v, 200, "Your order is");
	ck_assert_uint_eq(orders(), 1);
	daemon_stop(v.daemon);
}
END_TEST

START_TEST(baskets_are_changed)
{
	struct visit v = start("url", "@DIR@/orders");

	for (int i = 0; i < 20; i++)
		add(&v, 6, "Roasted Stem");
	visit_submit(&v, "Add Roasted Stem", "tea=6");
	visit_wants(&v, 200, "That is all that we have of it.");
	visit_follow(&v, "To the basket");
	visit_wants(&v, 200, "178.00&nbsp;");
	visit_submit(&v, "One less of", "set=6+3");
	visit_wants(&v, 200, "26.70&nbsp;");
	visit_post(&v, visit_form(&v, "One less of"), "set=6+21");
	visit_wants(&v, 400, "");
	visit_get(&v, "/");
	add(&v, 6, "Roasted Stem");
	visit_follow(&v, "To the basket");
	visit_submit(&v, "One less of", "set=6+0");
	visit_wants(&v, 200, "It is empty.");
	daemon_stop(v.daemon);
}
END_TEST

static const struct {
	const char *form, *said;
} addresses[] = {
	{ "", "Who is it for?" },
	{ "name=+&street=s&town=t&mail=a%40b.c", "Who is it for?" },
	{ "name=n&street=s&town=t&mail=ab.c", "We write to you" },
	{ "name=n&street=s&town=t&mail=a%40bc", "We write to you" },
	{ "name=n&street=s&town=t&mail=%40b.c", "We write to you" },
	{ "name=n&street=s&town=t&mail=a+b%40c.d", "We write to you" },
	{ "name=n%0As&street=s&town=t&mail=a%40b.c", "Who is it for?" },
	{ "name=n&street=%FF&town=t&mail=a%40b.c", "Where does the parcel" },
	{ "name=n&street=%E2%82&town=t&mail=a%40b.c", "Where does the parcel" },
	{ "name=%3Ci%3E&street=&town=t&mail=a%40b.c", "value=\"&lt;i&gt;\"" },
};

START_TEST(addresses_are_checked)
{
	struct visit v = start("url", "@DIR@/orders");

	add(&v, 1, "First Flush");
	visit_follow(&v, "To the basket");
	visit_follow(&v, "Delivery</a>");
	visit_submit(&v, "Look it over", addresses[_i].form);
	visit_wants(&v, 422, addresses[_i].said);
	visit_submit(&v, "Look it over", ADDRESS);
	visit_wants(&v, 200, "Is it all as it should be?");
	daemon_stop(v.daemon);
}
END_TEST

/* A URL that somebody else was given shows nobody's address. */
START_TEST(addresses_are_bound_to_their_browser)
{
	struct visit v = start("url", "@DIR@/orders"), thief;

	add(&v, 1, "First Flush");
	go_to_review(&v);
	thief = v;
	thief.cookie = NULL;
	visit_get(&thief, v.url);
	visit_wants(&thief, 400, "This link is damaged");
	ck_assert_ptr_null(strstr(thief.page, "Ada"));
	thief.cookie = "shop=00000000000000000000000000000000";
	visit_get(&thief, v.url);
	visit_wants(&thief, 400, "This link is damaged");
	visit_get(&v, v.url);
	visit_wants(&v, 200, "Ada");
	daemon_stop(v.daemon);
}
END_TEST

/* Told so, and can be tried again; a link that is opened orders nothing. */
START_TEST(orders_that_cannot_be_written)
{
	struct visit v = start("url", "@DIR@/missing/orders");

	add(&v, 1, "First Flush");
	go_to_review(&v);
	visit_get(&v, visit_form(&v, "Order, and pay"));
	visit_wants(&v, 200, "Your basket");
	visit_follow(&v, "Delivery</a>");
	visit_submit(&v, "Look it over", ADDRESS);
	visit_submit(&v, "Order, and pay", "");
	visit_wants(&v, 503, "Nothing was ordered");
	ck_assert_ptr_nonnull(
	    strstr(daemon_stderr(v.daemon), "No such file or directory"));
	scratch_text("missing/else", "");
	visit_submit(&v, "Order, and pay", "");
	visit_wants(&v, 200, "Your order is");
	ck_assert(scratch_exists("missing/orders"));
	daemon_stop(v.daemon);
}
END_TEST

/* To the form by which a tea is added; a content of `n` fields. */
static const struct {
	const char *type;
	unsigned fields;
	const char *field;
	unsigned status;
} forms[] = {
	{ "application/x-www-form-urlencoded", 1, "tea=1", 303 },
	{ "Application/X-WWW-Form-Urlencoded ; charset=utf-8", 1, "tea=1",
	    303 },
	{ "application/x-www-form-urlencoded", 999, "x&tea=1", 413 },
	{ "application/x-www-form-urlencoded", 400, "x=1&tea=1", 303 },
	{ "application/x-www-form-urlencoded", 1, "tea=%00", 400 },
	{ "application/x-www-form-urlencoded", 1, "tea=9", 400 },
	{ "application/x-www-form-urlencoded", 1, "tee=1", 400 },
	{ "application/x-www-form-urlencoded", 900, "x=aaaaaaaaaaaaaaaaa",
	    413 }, /* past 16 KiB */
	{ "application/json", 1, "{}", 415 },
	{ "", 1, "tea=1", 415 },
};

START_TEST(forms_are_read_or_refused)
{
	struct visit v = start("url", "@DIR@/orders");
	struct client *c = daemon_connect(v.daemon);
	char *form = scratch_alloc(1), *head;

	for (unsigned i = 0; i < forms[_i].fields; i++)
		form = scratch_printf(
		    "%s%s%s", form, i ? "&" : "", forms[_i].field);
	head = scratch_printf("POST %s HTTP/1.1\r\nHost: t\r\nContent-Type: "
			      "%s\r\nContent-Length: %zu\r\n\r\n",
	    visit_form(&v, "Add First"), forms[_i].type, strlen(form));
	client_send(c, head, strlen(head));
	client_send(c, form, strlen(form));
	ck_assert_uint_eq(client_read(c, "POST")->status, forms[_i].status);
	daemon_stop(v.daemon);
}
END_TEST

BT_SYSTEM_SUITE(app_shop)
{
	TCase *tc = bt_system_case(s, "trips");

	tcase_add_loop_test(tc, ordered_once, 0, BT_ROWS(stores));
	tcase_add_loop_test(tc, back_and_two_tabs, 0, BT_ROWS(stores));
	tcase_add_loop_test(tc, trips_outlive_the_server, 0, BT_ROWS(stores));
	tcase_add_test(tc, baskets_are_changed);
	tcase_add_loop_test(tc, addresses_are_checked, 0, BT_ROWS(addresses));
	tcase_add_loop_test(tc, forms_are_read_or_refused, 0, BT_ROWS(forms));
	tcase_add_test(tc, addresses_are_bound_to_their_browser);
	tcase_add_test(tc, orders_that_cannot_be_written);
}
