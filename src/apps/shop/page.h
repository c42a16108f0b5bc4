#ifndef SHOP_PAGE_H
#define SHOP_PAGE_H

/* A page that is being printed. */

#include "trip.h"

struct page {
	struct baton_exchange *x;
	const struct trip *trip;
	bool failed; /* a continuation could not be made: 503 stands */
};

/* Its head; then the step at which it is, from 0. */
void page_begin(struct page *, const char *title);
void page_main(struct page *, unsigned at, const char *title);

/* What the trip has to say, if anything. */
void page_notice(struct page *, const char *class);

/* Answers with it. */
void page_end(struct page *, unsigned status);

/* An amount. */
void page_money(struct baton_exchange *, unsigned cents);

/* The URL of a way on; "" when none can be made, and the answer is 503. */
const char *page_url(struct page *, struct baton_suspension);

/* A link to a function with this page's trip; a form that is posted to `url`.
 */
void page_link(struct page *, const char *resume, const char *attributes,
    const char *text);
void page_form(struct page *, const char *url, const char *attributes);

/* shelf.c: the basket as a table; `changes`: with buttons. */
void page_basket(struct page *, bool changes);

#endif
