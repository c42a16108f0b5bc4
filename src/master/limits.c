/*
 * Limits by client address, at accept.  Master, on the loop.
 */

#include "master/limits.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SEATS_MAX (1u << 20) /* more connections than that are not counted */
#define SEATS_FIRST 1024
#define ADDRESSES_FIRST 1024
#define BUCKETS (1u << 16)
#define NOBODY UINT16_MAX
/* Whoever was in that slot is dead, and its successor has others. */
#define DEAD(slot) ((uint16_t)(0x8000u | (slot)))

struct bt_limits_seat {
	uint64_t id;   /* the connection's */
	uint32_t next; /* of the same address, or of those that are free */
	uint16_t slot; /* that has it; DEAD(); NOBODY: the master */
};

struct bt_limits_address {
	uint64_t key;   /* 0: none */
	uint32_t first; /* of its seats */
	uint32_t n;     /* of them, those that were left not yet taken off */
};

int
bt_limits_init(struct bt_limits *l)
{
	int r;

	l->used = 1; /* 0 is no seat */
	l->sweep_at = SEATS_FIRST;
	if ((r = bt_rates_new(BUCKETS, &l->rates)) < 0)
		return r;
	return bt_seats_new(SEATS_MAX, &l->shared);
}

void
bt_limits_fini(struct bt_limits *l)
{
	bt_rates_free(l->rates);
	bt_seats_free(l->shared);
	free(l->seats);
	free(l->addresses);
}

void
bt_limits_set(struct bt_limits *l, const struct bt_conf *conf)
{
	l->connections = conf->limit_connections;
	l->proxies = conf->proxies;
	l->proxies_n = conf->proxies_n;
	l->rate.per_s = conf->limit_rate;
	l->rate.burst = conf->limit_rate_burst;
	l->on = l->connections > 0 || l->rate.per_s > 0;
}

/* --- addresses: open addressing, at most half full --- */

static struct bt_limits_address *
place_of(const struct bt_limits *l, uint64_t key)
{
	uint32_t at = (uint32_t)key & (l->addresses_cap - 1);

	while (l->addresses[at].key != 0 && l->addresses[at].key != key)
		at = (at + 1) & (l->addresses_cap - 1);
	return &l->addresses[at];
}

/* Takes the seats that were left off the address's list. */
static void
prune(struct bt_limits *l, struct bt_limits_address *a)
{
	uint32_t *link = &a->first;

	while (*link != 0) {
		uint32_t seat = *link;
		struct bt_limits_seat *s = &l->seats[seat];

		if (atomic_load_explicit(
			&l->shared->taken[seat], memory_order_relaxed)) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		a->n--;
		s->slot = NOBODY;
		s->next = l->free;
		l->free = seat;
	}
}

/*
 * Looks at all seats, and makes a new table of the addresses that have any.
 * The bounds that call for it next are twice what is in use: so it costs O(1)
 * for each connection that came since.
 */
static void
sweep(struct bt_limits *l)
{
	struct bt_limits_address *old = l->addresses;
	uint32_t old_cap = l->addresses_cap, cap = ADDRESSES_FIRST, n = 0;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < old_cap; i++) {
		prune(l, &old[i]);
		n += old[i].n > 0;
		taken += old[i].n;
	}
	while (cap < 4 * n)
		cap *= 2;
	l->addresses = bt_mem_zero(cap, sizeof(*l->addresses));
	l->addresses_cap = cap;
	l->addresses_n = n;
	for (uint32_t i = 0; i < old_cap; i++)
		if (old[i].n > 0)
			*place_of(l, old[i].key) = old[i];
	free(old);
	l->sweep_at = 2 * taken > SEATS_FIRST ? 2 * taken : SEATS_FIRST;
}

static struct bt_limits_address *
find_address(struct bt_limits *l, uint64_t key)
{
	struct bt_limits_address *a;

	if (2 * (l->addresses_n + 1) > l->addresses_cap)
		sweep(l);
	a = place_of(l, key);
	if (a->key == 0) {
		a->key = key;
		l->addresses_n++;
	}
	return a;
}

/* --- seats --- */

/* One that nobody has, or 0. */
static uint32_t
take_free(struct bt_limits *l)
{
	uint32_t seat = l->free;

	if (seat != 0) {
		l->free = l->seats[seat].next;
		return seat;
	}
	if (l->used == SEATS_MAX)
		return 0;
	if (l->used == l->cap || l->cap == 0) {
		l->cap = l->cap ? 2 * l->cap : SEATS_FIRST;
		l->seats = bt_mem_resize(l->seats, l->cap, sizeof(*l->seats));
	}
	return l->used++;
}

static void
give_seat(struct bt_limits *l, struct bt_baton *b, uint64_t key)
{
	struct bt_limits_address *a;
	uint32_t seat;

	if (l->free == 0 && l->used >= l->sweep_at)
		sweep(l);
	if ((seat = take_free(l)) == 0)
		return;
	a = find_address(l, key);
	l->seats[seat] = (struct bt_limits_seat){
		.id = b->id, .next = a->first, .slot = NOBODY
	};
	a->first = seat;
	a->n++;
	atomic_store_explicit(&l->shared->taken[seat], 1, memory_order_relaxed);
	b->seat = seat;
}

static bool
is_full(struct bt_limits *l, uint64_t key)
{
	struct bt_limits_address *a = find_address(l, key);

	if (a->n >= l->connections)
		prune(l, a);
	return a->n >= l->connections;
}

/* A proxy comes for many clients: their requests are counted, not it. */
static bool
is_proxy(const struct bt_limits *l, const struct bt_baton *b)
{
	struct bt_addr addr;

	if (b->flags & BT_BATON_PROXIED)
		return true;
	if (l->proxies_n == 0)
		return false;
	bt_baton_peer(b, &addr);
	for (size_t i = 0; i < l->proxies_n; i++)
		if (bt_addr_block_has(&l->proxies[i], &addr))
			return true;
	return false;
}

bool
bt_limits_admit(struct bt_limits *l, struct bt_baton *b)
{
	uint64_t key = bt_rates_key(l->rates, b->family, b->host);

	if (key == 0 || is_proxy(l, b))
		return true;
	if (l->connections > 0 && is_full(l, key)) {
		bt_score_add(&l->score->refused_for_connections, 1);
		return false;
	}
	if (l->rate.per_s > 0 &&
	    bt_rates_take(l->rates, key, l->rate, bt_clock_ms()) > 0) {
		bt_score_add(&l->score->refused_for_rate, 1);
		return false;
	}
	if (l->connections > 0)
		give_seat(l, b, key);
	return true;
}

static struct bt_limits_seat *
seat_of(struct bt_limits *l, const struct bt_baton *b)
{
	if (b->seat == 0 || b->seat >= l->used || l->seats[b->seat].id != b->id)
		return NULL;
	return &l->seats[b->seat];
}

void
bt_limits_return(struct bt_limits *l, struct bt_baton *b)
{
	struct bt_limits_seat *s = seat_of(l, b);
	uint64_t key;

	if (s != NULL) {
		s->slot = NOBODY;
		return;
	}
	b->seat = 0;
	if (l->connections > 0 && !is_proxy(l, b) &&
	    (key = bt_rates_key(l->rates, b->family, b->host)) != 0)
		give_seat(l, b, key);
}

void
bt_limits_deal(struct bt_limits *l, const struct bt_baton *b, unsigned slot)
{
	struct bt_limits_seat *s = seat_of(l, b);

	if (s != NULL)
		s->slot = (uint16_t)slot;
}

static void
leave_all(struct bt_limits *l, unsigned slot)
{
	for (uint32_t i = 1; i < l->used; i++)
		if (l->seats[i].slot == slot)
			bt_seats_leave(l->shared, i);
}

void
bt_limits_end(struct bt_limits *l, unsigned slot, bool rescue)
{
	if (!rescue) {
		leave_all(l, slot);
		return;
	}
	for (uint32_t i = 1; i < l->used; i++)
		if (l->seats[i].slot == slot)
			l->seats[i].slot = DEAD(slot);
}

void
bt_limits_settle(struct bt_limits *l, unsigned slot)
{
	leave_all(l, DEAD(slot));
}
