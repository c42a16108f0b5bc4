/*
 * What is sold, and what a customer has done so far.
 */

#include "trip.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SCHEMA 1
#define POSTAGE 490
#define COOKIE "shop"

const struct tea teas[TEAS_N] = {
	{ 1, 1240, "First Flush", "Darjeeling \u00b7 spring",
	    "Muscat grapes and a cool morning at two thousand metres." },
	{ 2, 980, "Old Harbour", "Assam \u00b7 summer",
	    "Malt, dark honey; stands up to milk and to Mondays." },
	{ 3, 1490, "Shaded Garden", "Gyokuro \u00b7 Uji",
	    "Grown under straw mats. Sea air, green and sweet." },
	{ 4, 1120, "Slow Smoke", "Lapsang \u00b7 Wuyi",
	    "Dried over pine embers. A campfire, from a distance." },
	{ 5, 1690, "Half Moon", "Oolong \u00b7 Alishan",
	    "Orchids and warm milk, through seven infusions." },
	{ 6, 890, "Roasted Stem", "Hojicha \u00b7 Kyoto",
	    "Toasted nuts, hardly any caffeine: one for the evening." },
	{ 7, 2150, "Silver Needle", "White \u00b7 Fuding",
	    "Unopened buds, picked on two days of the year." },
	{ 8, 760, "Garden Mint", "Herbal \u00b7 Nana",
	    "Cut this week. Hot with honey, or cold with lime." },
};

size_t
tea_find(uint64_t id)
{
	size_t i = 0;

	while (i < TEAS_N && teas[i].id != id)
		i++;
	return i;
}

const struct trip no_trip = { { 0 }, "", "", "", "", "", "" };

unsigned
trip_items(const struct trip *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < TEAS_N; i++)
		n += t->count[i];
	return n;
}

unsigned
trip_goods(const struct trip *t)
{
	unsigned cents = 0;

	for (size_t i = 0; i < TEAS_N; i++)
		cents += t->count[i] * teas[i].cents;
	return cents;
}

unsigned
trip_postage(const struct trip *t)
{
	return trip_goods(t) >= FREE_FROM ? 0 : POSTAGE;
}

bool
trip_has_address(const struct trip *t)
{
	return t->mail[0] != '\0';
}

static void
write_trip(
    struct baton_state_writer *w, const struct trip *t, const char *notice)
{
	size_t kinds = 0;

	for (size_t i = 0; i < TEAS_N; i++)
		kinds += t->count[i] > 0;
	baton_state_put_list(w, kinds);
	for (size_t i = 0; i < TEAS_N; i++) {
		if (t->count[i] == 0)
			continue;
		baton_state_put_u64(w, teas[i].id);
		baton_state_put_u64(w, t->count[i]);
	}
	baton_state_put_text(w, notice);
	baton_state_put_bool(w, trip_has_address(t));
	if (!trip_has_address(t))
		return;
	baton_state_put_text(w, t->name);
	baton_state_put_text(w, t->street);
	baton_state_put_text(w, t->town);
	baton_state_put_text(w, t->mail);
	baton_state_put_text(w, t->order);
}

static void
read_basket(struct baton_state_reader *r, struct trip *t)
{
	for (size_t n = baton_state_get_list(r); n > 0; n--) {
		size_t i = tea_find(baton_state_get_u64(r));
		uint64_t count = baton_state_get_u64(r);

		if (i < TEAS_N)
			t->count[i] =
			    count <= EACH_MAX ? (unsigned)count : EACH_MAX;
		else
			t->notice = "A tea of your basket is sold out.";
	}
}

bool
trip_read(struct baton_exchange *x, const void *state, size_t n, struct trip *t)
{
	struct baton_state_reader r;
	const char *notice;

	*t = no_trip;
	baton_state_read(&r, state, n, SCHEMA, SCHEMA);
	read_basket(&r, t);
	notice = baton_state_get_text(&r);
	if (t->notice[0] == '\0')
		t->notice = notice;
	if (baton_state_get_bool(&r)) {
		t->name = baton_state_get_text(&r);
		t->street = baton_state_get_text(&r);
		t->town = baton_state_get_text(&r);
		t->mail = baton_state_get_text(&r);
		t->order = baton_state_get_text(&r);
	}
	if (baton_state_done(&r))
		return true;
	baton_reply_lost(x, BATON_LOST_OUTDATED);
	return false;
}

static struct baton_suspension
suspension(struct baton_exchange *x, const char *resume, const struct trip *t,
    const char *notice)
{
	struct baton_state_writer w;

	baton_state_write(&w, x, SCHEMA);
	write_trip(&w, t, notice);
	return (struct baton_suspension){
		.resume = resume,
		.state = w.bytes,
		.state_n = w.n,
		.cookie = trip_has_address(t) && baton_cookie(x, COOKIE) != NULL
		    ? COOKIE
		    : NULL,
	};
}

struct baton_suspension
trip_suspension(
    struct baton_exchange *x, const char *resume, const struct trip *t)
{
	return suspension(x, resume, t, "");
}

void
trip_go(struct baton_exchange *x, const char *resume, const struct trip *t,
    const char *notice)
{
	struct baton_suspension s = suspension(x, resume, t, notice);

	baton_suspend_redirect(x, &s);
}

void
trip_give_cookie(struct baton_exchange *x)
{
	unsigned char secret[16];
	char text[2 * sizeof(secret) + 1];
	struct baton_cookie cookie = {
		.name = COOKIE,
		.value = text,
		.path = "/",
		.secure = strcmp(baton_scheme(x), "https") == 0,
		.http_only = true,
		.same_site = "Lax",
	};

	if (baton_cookie(x, COOKIE) != NULL ||
	    getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return;
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(text + 2 * i, 3, "%02x", secret[i]);
	baton_reply_cookie(x, &cookie);
}
