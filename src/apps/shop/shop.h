#ifndef SHOP_SHOP_H
#define SHOP_SHOP_H

/* The functions by which a trip goes on; shop.c says what each is for. */

#include <baton/baton.h>

/* shelf.c */
void start(struct baton_exchange *);
void shelf(struct baton_exchange *, const void *state, size_t n);
void add(struct baton_exchange *, const void *state, size_t n);
void basket(struct baton_exchange *, const void *state, size_t n);
void change(struct baton_exchange *, const void *state, size_t n);

/* address.c */
void address(struct baton_exchange *, const void *state, size_t n);
void deliver(struct baton_exchange *, const void *state, size_t n);

/* order.c */
void review(struct baton_exchange *, const void *state, size_t n);
void place(struct baton_exchange *, const void *state, size_t n);
void thanks(struct baton_exchange *, const void *state, size_t n);

#endif
