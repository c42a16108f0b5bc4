#ifndef SHOP_TRIP_H
#define SHOP_TRIP_H

/*
 * A trip: what a customer has done so far, which is the state of each link and
 * form.
 */

#include <baton/baton.h>

#define TEAS_N 8
#define EACH_MAX 20 /* of one tea */
#define FREE_FROM 4000

struct tea {
	unsigned id; /* in states and orders: never given to another tea */
	unsigned cents;
	const char *name, *kind, *taste;
};

extern const struct tea teas[TEAS_N];

/* Its place in `teas`, or TEAS_N: it is not sold any more. */
size_t tea_find(uint64_t id);

struct trip {
	unsigned count[TEAS_N];
	const char *name, *street, *town, *mail; /* "" at first */
	const char *order;                       /* its number, or "" */
	const char *notice; /* what this page has to say first, or "" */
};

/* One that has not begun. */
extern const struct trip no_trip;

/* Tins in the basket; cents for them, and for bringing them. */
unsigned trip_items(const struct trip *);
unsigned trip_goods(const struct trip *);
unsigned trip_postage(const struct trip *);
bool trip_has_address(const struct trip *);

/* The trip that a page was left with.  False: it is answered. */
bool trip_read(
    struct baton_exchange *, const void *state, size_t n, struct trip *);

/*
 * What goes on by that function, with that trip.  Once there is an address in
 * it, it is for this browser alone.
 */
struct baton_suspension trip_suspension(
    struct baton_exchange *, const char *resume, const struct trip *);

/* Goes on by a redirect, to a page which has that to say first. */
void trip_go(struct baton_exchange *, const char *resume, const struct trip *,
    const char *notice);

/* The secret of this browser, to which addresses are bound. */
void trip_give_cookie(struct baton_exchange *);

#endif
