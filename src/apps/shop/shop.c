/*
 * A shop for tea: a conversation of several pages.
 *
 *	GET /     the shelf, with an empty basket
 *	shelf     the shelf again           add      a tea into the basket
 *	basket    what is in it             change   more of it, or less
 *	address   where it goes             deliver  was typed; checked
 *	review    all of it, and the price  place    ordered: once, and no more
 *	thanks    the number of the order
 *
 * What the customer has done so far, the trip, is the state of each link and
 * form.  So a page is about the basket that it shows, whatever else was clicked
 * since, after Back and in another tab; no worker knows any customer, so it may
 * crash, and the server be upgraded, in the middle of it.  What was posted is
 * answered by a redirect, so that a refresh repeats nothing.  When an order is
 * placed, all of the conversation is forgotten: no page of it orders a second
 * time; and the order is on the disk before it is acknowledged.
 *
 *	app /usr/lib/baton/shop.so { orders /var/lib/shop/orders.jsonl; }
 */

#include "shop.h"
#include "page.h"

static void
lost(struct baton_exchange *x, enum baton_lost why)
{
	static const char *const said[][2] = {
		[BATON_LOST_BAD] = { "This link is damaged",
		    "Perhaps it was cut when it was copied, or it belongs to "
		    "another browser." },
		[BATON_LOST_UNKNOWN] = { "This page is gone",
		    "We do not remember it any more." },
		[BATON_LOST_EXPIRED] = { "This page was left too long",
		    "What was in the basket has gone back on the shelf." },
		[BATON_LOST_REVOKED] = { "This order was placed",
		    "Its pages are closed, so that nothing is ordered twice. "
		    "We confirm it by e-mail." },
		[BATON_LOST_USED] = { "This order was placed",
		    "Its button works once, so that nothing is ordered twice. "
		    "We confirm it by e-mail." },
		[BATON_LOST_OUTDATED] = { "The shop has changed",
		    "This page is from before that." },
	};
	struct page p = { .x = x, .trip = &no_trip };

	page_begin(&p, said[why][0]);
	baton_print(x,
	    "</header>\n<main><h1>%s</h1><p>%s</p><p class=\"next\">"
	    "<a class=\"button\" href=\"?\">To the shelf</a></p>\n",
	    said[why][0], said[why][1]);
	page_end(&p,
	    why == BATON_LOST_BAD           ? 400
		: why == BATON_LOST_UNKNOWN ? 404
					    : 410);
}

static const struct baton_route routes[] = {
	{ .on = "GET /", .answer = start },
	{ 0 },
};

#define VERSION .version = 1, .oldest = 1
#define POSTED .mode = BATON_CONTENT_FORM, .content_max = 16 * 1024

static const struct baton_resume resumes[] = {
	{ .name = "shelf", .answer = shelf, VERSION },
	{ .name = "add", .answer = add, VERSION, POSTED },
	{ .name = "basket", .answer = basket, VERSION },
	{ .name = "change", .answer = change, VERSION, POSTED },
	{ .name = "address", .answer = address, VERSION },
	{ .name = "deliver", .answer = deliver, VERSION, POSTED },
	{ .name = "review", .answer = review, VERSION },
	{ .name = "place", .answer = place, VERSION, POSTED },
	{ .name = "thanks", .answer = thanks, VERSION },
	{ 0 },
};

static const struct baton_setting settings[] = {
	{ .name = "orders", .type = BATON_PATH }, /* appended to, by workers */
	{ 0 },
};

BATON_APP = {
	BATON_APP_HEAD,
	.name = "shop",
	.version = "1",
	.routes = routes,
	.resumes = resumes,
	.settings = settings,
	.lost = lost,
};
