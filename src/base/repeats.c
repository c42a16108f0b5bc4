/*
 * Counting what is said again.  A flood of texts that all differ is not held
 * up: numbers belong into the context of a line, which is no part of its text.
 * Any process, the loop's thread.
 */

#include "base/repeats.h"

#include "base/str.h"

#include <stdio.h>

static bool
is_over(const struct bt_repeat *r, int64_t now_ms)
{
	return now_ms - r->since_ms >= BT_REPEATS_MS;
}

/* One that is over and owes nothing, or a new one; NULL: there is no room. */
static struct bt_repeat *
find_place(struct bt_repeats *all, int64_t now_ms)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->all[i].more == 0 && is_over(&all->all[i], now_ms))
			return &all->all[i];
	return all->n < BT_REPEATS_KEPT ? &all->all[all->n++] : NULL;
}

static struct bt_repeat *
find(struct bt_repeats *all, unsigned level, int err, uint32_t hash,
    int64_t now_ms)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct bt_repeat *r = &all->all[i];

		if (r->hash == hash && r->level == level && r->err == err &&
		    (r->more > 0 || !is_over(r, now_ms)))
			return r;
	}
	return NULL;
}

bool
bt_repeats_take(struct bt_repeats *all, unsigned level, int err,
    const char *text, int64_t now_ms)
{
	uint32_t hash = bt_str_hash(bt_str_of(text), false);
	struct bt_repeat *r = find(all, level, err, hash, now_ms);

	if (r != NULL && r->said == BT_REPEATS_SAID) {
		all->counting += r->more++ == 0;
		return false;
	}
	if (r == NULL) {
		if ((r = find_place(all, now_ms)) == NULL)
			return true;
		*r = (struct bt_repeat){ .level = level,
			.err = err,
			.hash = hash,
			.since_ms = now_ms };
		snprintf(r->text, sizeof(r->text), "%s", text);
	}
	r->said++;
	return true;
}

bool
bt_repeats_next(struct bt_repeats *all, int64_t now_ms, struct bt_repeat *ret)
{
	if (all->counting == 0)
		return false;
	for (unsigned i = 0; i < all->n; i++) {
		struct bt_repeat *r = &all->all[i];

		if (r->more == 0 || !is_over(r, now_ms))
			continue;
		*ret = *r;
		*r = all->all[--all->n];
		all->counting--;
		return true;
	}
	return false;
}
