/*
 * The shelf, and the basket.
 */

#include "page.h"
#include "shop.h"

#include <stdio.h>
#include <stdlib.h>

static const char tin[] =
    "<svg viewBox=\"50 10 100 108\" aria-hidden=\"true\" fill=\"currentColor\">"
    "<rect x=\"68\" y=\"36\" width=\"64\" height=\"72\" rx=\"6\"/>"
    "<rect x=\"64\" y=\"22\" width=\"72\" height=\"18\" rx=\"5\" "
    "opacity=\".75\"/><rect x=\"76\" y=\"56\" width=\"48\" height=\"34\" "
    "rx=\"3\" fill=\"#fff\" opacity=\".85\"/><path d=\"M100 60c10 6 11 18 0 "
    "26c-11-8-10-20 0-26zm0 4v19\" stroke=\"currentColor\" "
    "stroke-width=\"1.5\" opacity=\".9\"/></svg>";

static void
print_tea(struct page *p, const struct tea *tea, const char *add_url)
{
	struct baton_exchange *x = p->x;

	baton_print(x,
	    "<li class=\"tea\" id=\"tea%u\">%s<div><h2>%s</h2><p "
	    "class=\"kind\">%s</p>"
	    "<p>%s</p>",
	    tea->id, tin, tea->name, tea->kind, tea->taste);
	/* the fragment outlives the redirect: the page stays where it is */
	page_form(p, baton_printf(x, "%s#tea%u", add_url, tea->id), "");
	baton_print(x, "<span>");
	page_money(x, tea->cents);
	baton_print(x,
	    "</span><button name=\"tea\" value=\"%u\" aria-label=\"Add %s\">"
	    "Add</button></form></div></li>\n",
	    tea->id, tea->name);
}

static void
show_shelf(struct baton_exchange *x, const struct trip *t)
{
	struct page p = { .x = x, .trip = t };
	unsigned items = trip_items(t);
	/* one for all of them: the button says which */
	const char *add_url = page_url(&p, trip_suspension(x, "add", t));

	page_begin(&p, "Tea");
	page_main(&p, 0, "Eight teas, and no more");
	baton_print(x,
	    "<p class=\"soft\">Each in a tin of 100&nbsp;g, packed "
	    "when it is ordered. Delivery is free from ");
	page_money(x, FREE_FROM);
	baton_print(x, ".</p>\n<ul class=\"shelf\">\n");
	for (size_t i = 0; i < TEAS_N; i++)
		print_tea(&p, &teas[i], add_url);
	baton_print(x, "</ul>\n");
	if (items > 0) {
		baton_print(x, "<div class=\"bar\"><div>");
		page_notice(&p, "soft");
		baton_print(x, "<p>%u tin%s, ", items, items == 1 ? "" : "s");
		page_money(x, trip_goods(t));
		baton_print(x, "</p></div>");
		page_link(&p, "basket", " class=\"button\"", "To the basket");
		baton_print(x, "</div>\n");
	}
	page_end(&p, 200);
}

void
start(struct baton_exchange *x)
{
	struct trip t = no_trip;

	trip_give_cookie(x);
	show_shelf(x, &t);
}

void
shelf(struct baton_exchange *x, const void *state, size_t n)
{
	struct trip t;

	if (trip_read(x, state, n, &t))
		show_shelf(x, &t);
}

void
add(struct baton_exchange *x, const void *state, size_t n)
{
	const char *id = baton_form(x, "tea");
	struct trip t;
	size_t i;

	if (!trip_read(x, state, n, &t))
		return;
	i = tea_find(id != NULL ? strtoull(id, NULL, 10) : 0);
	if (i == TEAS_N) {
		baton_reply_error(x, 400);
		return;
	}
	if (t.count[i] >= EACH_MAX) {
		trip_go(x, "shelf", &t, "That is all that we have of it.");
		return;
	}
	t.count[i]++;
	trip_go(x, "shelf", &t, baton_printf(x, "Added %s.", teas[i].name));
}

static void
print_step(struct baton_exchange *x, const struct tea *tea, unsigned count,
    const char *sign, const char *label)
{
	baton_print(x,
	    "<button class=\"plain\" name=\"set\" value=\"%u %u\" "
	    "aria-label=\"%s %s\"%s>%s</button>",
	    tea->id, count, label, tea->name,
	    count > EACH_MAX ? " disabled" : "", sign);
}

static void
print_line(struct baton_exchange *x, size_t i, unsigned count, bool changes)
{
	baton_print(x, "<tr><th scope=\"row\">%s</th><td>", teas[i].name);
	if (changes) {
		baton_print(x, "<div class=\"many\">");
		print_step(x, &teas[i], count - 1, "\u2212", "One less of");
		baton_print(x, "<span>%u</span>", count);
		print_step(x, &teas[i], count + 1, "+", "One more of");
		baton_print(x, "</div>");
	} else {
		baton_print(x, "%u&nbsp;\u00d7", count);
	}
	baton_print(x, "</td><td>");
	page_money(x, count * teas[i].cents);
	baton_print(x, "</td></tr>\n");
}

void
page_basket(struct page *p, bool changes)
{
	struct baton_exchange *x = p->x;
	const struct trip *t = p->trip;

	baton_print(x, "<div class=\"box\"><table>\n");
	for (size_t i = 0; i < TEAS_N; i++)
		if (t->count[i] > 0)
			print_line(x, i, t->count[i], changes);
	baton_print(x, "<tr><th scope=\"row\" colspan=\"2\">Delivery</th><td>");
	if (trip_postage(t) > 0)
		page_money(x, trip_postage(t));
	else
		baton_print(x, "free");
	baton_print(x,
	    "</td></tr>\n<tr class=\"sum\"><th scope=\"row\" colspan=\"2\">"
	    "Total</th><td id=\"total\">");
	page_money(x, trip_goods(t) + trip_postage(t));
	baton_print(x, "</td></tr>\n</table></div>\n");
}

void
basket(struct baton_exchange *x, const void *state, size_t n)
{
	struct trip t;
	struct page p = { .x = x, .trip = &t };

	if (!trip_read(x, state, n, &t))
		return;
	page_begin(&p, "Basket");
	page_main(&p, 1, "Your basket");
	page_notice(&p, "notice");
	if (trip_items(&t) == 0) {
		baton_print(x, "<p>It is empty.</p><p class=\"next\">");
		page_link(&p, "shelf", " class=\"button\"", "To the shelf");
		baton_print(x, "</p>\n");
	} else {
		page_form(
		    &p, page_url(&p, trip_suspension(x, "change", &t)), "");
		page_basket(&p, true);
		baton_print(x, "</form><p class=\"next\">");
		page_link(&p, "shelf", "", "Look for more");
		page_link(&p, "address", " class=\"button\"", "Delivery");
		baton_print(x, "</p>\n");
	}
	page_end(&p, 200);
}

/* A button says `ID COUNT`. */
void
change(struct baton_exchange *x, const void *state, size_t n)
{
	const char *set = baton_form(x, "set");
	unsigned id, count;
	struct trip t;
	size_t i;

	if (!trip_read(x, state, n, &t))
		return;
	if (set == NULL || sscanf(set, "%5u %5u", &id, &count) != 2 ||
	    (i = tea_find(id)) == TEAS_N || count > EACH_MAX) {
		baton_reply_error(x, 400);
		return;
	}
	t.count[i] = count;
	trip_go(x, "basket", &t, "");
}
