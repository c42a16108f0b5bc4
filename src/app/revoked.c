/*
 * A table of buckets.  One that is full gives up the entry which is needed for
 * the shortest time, and remembers until when that was: what expires later than
 * that cannot be meant by an entry given up, what expires earlier may be, and
 * is refused.  Zeroed memory is an empty table.  Workers.
 */

#include "app/revoked.h"

#include "app/order.h"

#define BUCKETS (64u * 1024)
#define WAYS 8

struct entry {
	uint64_t key;
	uint32_t value;   /* 0: free */
	uint32_t until_s; /* since 1970: good until 2106 */
};

struct bucket {
	struct entry entries[WAYS];
	uint32_t floor_s; /* the latest `until_s` that was given up */
};

struct bt_revoked {
	struct bucket buckets[BUCKETS];
};

size_t
bt_revoked_bytes(void)
{
	return sizeof(struct bt_revoked);
}

/* Keys are random, or hashes. */
static struct bucket *
bucket_of(struct bt_revoked *r, uint64_t key)
{
	return &r->buckets[key % BUCKETS];
}

static struct entry *
find(struct bucket *b, uint64_t key, int64_t now_s)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (b->entries[i].value != 0 && b->entries[i].key == key &&
		    b->entries[i].until_s >= now_s)
			return &b->entries[i];
	return NULL;
}

uint32_t
bt_revoked_value(
    struct bt_revoked *r, uint64_t key, int64_t expires_s, int64_t now_s)
{
	struct bucket *b = bucket_of(r, key);
	const struct entry *e = find(b, key, now_s);

	if (e != NULL)
		return e->value;
	return expires_s <= b->floor_s ? UINT32_MAX : 0;
}

/* One that is free, or over, or else needed for the shortest time. */
static struct entry *
make_room(struct bucket *b, int64_t now_s)
{
	struct entry *first = &b->entries[0];

	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *e = &b->entries[i];

		if (e->value == 0 || e->until_s < now_s)
			return e;
		if (e->until_s < first->until_s)
			first = e;
	}
	if (first->until_s > b->floor_s)
		b->floor_s = first->until_s;
	return first;
}

void
bt_revoked_set(struct bt_revoked *r, uint64_t key, uint32_t value,
    int64_t until_s, int64_t now_s)
{
	struct bucket *b = bucket_of(r, key);
	struct entry *e = find(b, key, now_s);
	uint32_t until = until_s < UINT32_MAX ? (uint32_t)until_s : UINT32_MAX;

	if (e == NULL) {
		e = make_room(b, now_s);
		bt_in_order(); /* the floor is there before it has gone */
		e->value = 0;
		bt_in_order();
		e->key = key;
		e->until_s = until;
	} else if (e->until_s < until)
		e->until_s = until;
	bt_in_order(); /* what was revoked stays so at each of these steps */
	e->value = value;
}
