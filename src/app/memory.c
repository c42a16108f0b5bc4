/*
 * A ring of records and a hash table of where they are.
 *
 * The ring has no holes to manage and one word for its state, so that whoever
 * dies amid a change leaves either the old or the new one; what is derived from
 * it, the table and the counts, is made again from the records.  The table
 * grows by one bucket at a time (linear hashing): no operation takes long, but
 * for a repair.  Zeroed memory with a limit is an empty store.  Workers.
 */

#include "app/memory.h"

#include "app/order.h"
#include "app/record.h"

#include <errno.h>
#include <sodium.h>

/* Positions are counted in units, so that they fit 31 bits. */
#define UNIT 4u
#define UNITS_MAX ((uint32_t)(BT_MEMORY_MAX / UNIT))
#define BUCKETS_MAX (1u << 27)
#define BUCKETS_MIN 1024u

#define LIMIT_PRESET (16u * 1024 * 1024)
#define VICTIM_BYTES_MAX (1024 * 1024)
/* The tail is not searched further than that for victims. */
#define VICTIM_STEPS_MAX 8192
/* Records that are written again, and that make way, for one that is put. */
#define CHANCES_MAX 16
#define STEPS_MAX 4096

#define LIVE (1u << 31)
#define TOUCHED (1u << 30) /* looked at since it was written */
#define SPILLED (1u << 29) /* in the next store, too */
#define BYTES (SPILLED - 1)

struct slot {
	uint32_t bytes; /* of what is kept, and the flags */
	uint32_t next;  /* of its bucket: 1 + a position; 0: none */
	uint32_t expires_s;
	unsigned char name[BT_NAME_BYTES];
	char data[];
};

#define SLOT_BYTES_MAX \
	(sizeof(struct slot) + BT_RECORD_STATE_MAX + BT_RECORD_OVERHEAD + UNIT)

/* What is in use: [tail, head), or [tail, lap_end) and [0, head). */
struct ring {
	uint32_t head, tail;
	bool wrapped;
};

struct bt_memory {
	uint64_t limit;
	/* head, and the tail with the lowest bit for `wrapped` */
	uint64_t state;
	uint32_t lap_end;
	uint32_t buckets_n;
	/* what is before it is elsewhere, or on its way, if it `has_scan` */
	uint32_t scan;
	bool has_scan;
	uint64_t records, used, pinned; /* bytes; pinned: are only here */
	uint64_t lost;
	/* a record on its way from the tail to the head */
	struct move {
		uint64_t state; /* when it is done */
		uint32_t to, bytes;
		bool pending;
		_Alignas(struct slot) char copy[SLOT_BYTES_MAX];
	} move;
	uint32_t buckets[BUCKETS_MAX];
	_Alignas(4096) char data[BT_MEMORY_MAX];
};

size_t
bt_memory_bytes(void)
{
	return sizeof(struct bt_memory);
}

static uint64_t
pack(struct ring r)
{
	return (uint64_t)r.head << 32 | (uint64_t)r.tail << 1 | r.wrapped;
}

static struct ring
ring_of(const struct bt_memory *m)
{
	return (struct ring){ (uint32_t)(m->state >> 32),
		(uint32_t)m->state >> 1, m->state & 1 };
}

static struct slot *
slot_at(struct bt_memory *m, uint32_t at)
{
	return (struct slot *)(void *)(m->data + (size_t)at * UNIT);
}

/* The units that a record of so many bytes takes. */
static uint32_t
units_of(size_t bytes)
{
	return (uint32_t)((sizeof(struct slot) + bytes + UNIT - 1) / UNIT);
}

static uint32_t
slot_units(const struct slot *s)
{
	return units_of(s->bytes & BYTES);
}

void
bt_memory_init(struct bt_memory *m)
{
	m->limit = LIMIT_PRESET;
	m->buckets_n = BUCKETS_MIN;
}

void
bt_memory_set_limit(struct bt_memory *m, uint64_t bytes)
{
	m->limit = bytes < BT_MEMORY_MAX ? bytes : BT_MEMORY_MAX;
}

/* --- the table --- */

static uint32_t *
bucket_of(struct bt_memory *m, const unsigned char name[static BT_NAME_BYTES])
{
	uint32_t half = 1u << (31 - __builtin_clz(m->buckets_n)), hash, i;

	memcpy(&hash, name, sizeof(hash)); /* of a hash: as good as another */
	i = hash & (2 * half - 1);
	if (i >= m->buckets_n)
		i &= half - 1;
	return &m->buckets[i];
}

static struct slot *
find(struct bt_memory *m, const unsigned char name[static BT_NAME_BYTES])
{
	uint32_t at = *bucket_of(m, name);

	while (at != 0) {
		struct slot *s = slot_at(m, at - 1);

		if (sodium_memcmp(s->name, name, BT_NAME_BYTES) == 0)
			return s;
		at = s->next;
	}
	return NULL;
}

static void
link_slot(struct bt_memory *m, uint32_t at)
{
	struct slot *s = slot_at(m, at);
	uint32_t *bucket = bucket_of(m, s->name);

	s->next = *bucket;
	*bucket = at + 1;
}

static void
unlink_slot(struct bt_memory *m, uint32_t at)
{
	struct slot *s = slot_at(m, at);
	uint32_t *from = bucket_of(m, s->name);

	while (*from != 0 && *from != at + 1)
		from = &slot_at(m, *from - 1)->next;
	if (*from != 0)
		*from = s->next;
}

/* One bucket more: it takes its share of the one that it was part of. */
static void
grow(struct bt_memory *m)
{
	uint32_t half, at, *old;

	if (m->records <= m->buckets_n || m->buckets_n == BUCKETS_MAX)
		return;
	half = 1u << (31 - __builtin_clz(m->buckets_n));
	old = &m->buckets[m->buckets_n - half];
	at = *old;
	*old = 0;
	m->buckets[m->buckets_n] = 0;
	m->buckets_n++;
	while (at != 0) {
		uint32_t next = slot_at(m, at - 1)->next;

		link_slot(m, at - 1);
		at = next;
	}
}

/* --- the ring --- */

static bool
is_only_here(const struct slot *s)
{
	return (s->bytes & LIVE) && !(s->bytes & SPILLED);
}

static void
count(struct bt_memory *m, const struct slot *s, int sign)
{
	uint64_t bytes = (uint64_t)slot_units(s) * UNIT;

	m->records += (uint64_t)sign;
	m->used += (uint64_t)sign * bytes;
	if (is_only_here(s))
		m->pinned += (uint64_t)sign * bytes;
}

/* It is no longer asked for; its place is free when the tail gets there. */
static void
forget(struct bt_memory *m, uint32_t at)
{
	struct slot *s = slot_at(m, at);

	unlink_slot(m, at);
	count(m, s, -1);
	s->bytes &= ~LIVE;
}

static void
pass_tail(struct bt_memory *m, struct ring r, uint32_t units)
{
	if (r.tail == m->scan)
		m->has_scan = false;
	r.tail += units;
	if (r.wrapped && r.tail == m->lap_end) {
		r.tail = 0;
		r.wrapped = false;
	}
	m->state = pack(r);
}

static void
finish_move(struct bt_memory *m)
{
	memcpy(slot_at(m, m->move.to), m->move.copy, m->move.bytes);
	bt_in_order();
	m->state = m->move.state;
	bt_in_order();
	m->move.pending = false;
	bt_in_order();
}

/*
 * From the tail to the head, where there is room for it once it has left the
 * tail.  By way of a copy: the two places may overlap.
 */
static void
rewrite(struct bt_memory *m, struct ring r)
{
	struct slot *s = slot_at(m, r.tail);
	uint32_t units = slot_units(s);
	struct ring next = r;

	if (r.tail == m->scan)
		m->has_scan = false;
	unlink_slot(m, r.tail);
	m->move.to = r.head;
	m->move.bytes = units * UNIT;
	memcpy(m->move.copy, s, m->move.bytes);
	((struct slot *)(void *)m->move.copy)->bytes &= ~TOUCHED;
	next.head += units;
	next.tail += units;
	if (next.tail == m->lap_end) {
		next.tail = 0;
		next.wrapped = false;
	}
	m->move.state = pack(next);
	bt_in_order();
	m->move.pending = true;
	bt_in_order();
	finish_move(m);
	link_slot(m, m->move.to);
}

/*
 * Takes the oldest away, or writes it again.
 *
 * Returns: false when it has to stay: it is nowhere else.
 */
static bool
make_way(struct bt_memory *m, struct ring r, int64_t now_s, bool spills,
    unsigned *chances)
{
	struct slot *s = slot_at(m, r.tail);
	uint32_t units = slot_units(s);

	if ((s->bytes & LIVE) && s->expires_s >= now_s) {
		if ((s->bytes & TOUCHED) && r.wrapped && *chances > 0) {
			--*chances;
			rewrite(m, r);
			return true;
		}
		if (spills && !(s->bytes & SPILLED))
			return false;
		m->lost += !(s->bytes & SPILLED);
	}
	if (s->bytes & LIVE)
		forget(m, r.tail);
	pass_tail(m, r, units);
	return true;
}

/* Room at the head for so many units, with the ring as it is then. */
static int
make_room(struct bt_memory *m, uint32_t units, int64_t now_s, bool spills,
    struct ring *ret)
{
	uint32_t end = (uint32_t)(m->limit / UNIT);
	unsigned chances = CHANCES_MAX;

	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		struct ring r = ring_of(m);
		uint32_t free_to = end;

		if (!r.wrapped && r.head == r.tail) /* empty: from the start */
			r.head = r.tail = 0;
		*ret = r;
		if (r.wrapped && r.tail < end) /* else it was larger before */
			free_to = r.tail;
		if (r.head + units <= free_to)
			return 0;
		if (!r.wrapped) { /* the next lap */
			m->lap_end = r.head;
			bt_in_order();
			m->state = pack((struct ring){ 0, r.tail, true });
			continue;
		}
		if (!make_way(m, r, now_s, spills, &chances))
			break;
	}
	return -ENOSPC;
}

int
bt_memory_put(struct bt_memory *m,
    const unsigned char name[static BT_NAME_BYTES], struct bt_str bytes,
    int64_t expires_s, int64_t now_s, bool spills)
{
	uint32_t units = units_of(bytes.n);
	struct slot *s = find(m, name);
	struct ring r;
	int error;

	if (s != NULL) {
		s->bytes |= TOUCHED;
		return 0;
	}
	if (bytes.n > SLOT_BYTES_MAX - sizeof(*s) - UNIT ||
	    (uint64_t)units * UNIT > m->limit / 4)
		return -E2BIG;
	if ((error = make_room(m, units, now_s, spills, &r)) < 0)
		return error;
	s = slot_at(m, r.head);
	s->bytes = (uint32_t)bytes.n | LIVE;
	s->expires_s = (uint32_t)expires_s;
	memcpy(s->name, name, BT_NAME_BYTES);
	memcpy(s->data, bytes.p, bytes.n);
	bt_in_order(); /* whole, or not there */
	m->state = pack((struct ring){ r.head + units, r.tail, r.wrapped });
	count(m, s, 1);
	link_slot(m, r.head);
	grow(m);
	return 0;
}

int
bt_memory_get(struct bt_memory *m,
    const unsigned char name[static BT_NAME_BYTES], int64_t now_s,
    struct bt_buf *ret)
{
	struct slot *s = find(m, name);

	if (s == NULL || s->expires_s < now_s)
		return -ENOENT;
	s->bytes |= TOUCHED;
	bt_buf_append(ret, s->data, s->bytes & BYTES);
	return 0;
}

int
bt_memory_remove(
    struct bt_memory *m, const unsigned char name[static BT_NAME_BYTES])
{
	struct slot *s = find(m, name);

	if (s == NULL)
		return -ENOENT;
	forget(m, (uint32_t)(((char *)s - m->data) / UNIT));
	return 0;
}

/* --- on the way to the next store --- */

bool
bt_memory_is_high(const struct bt_memory *m)
{
	return m->pinned > m->limit / 8 * 7;
}

/* Goes through the records from the tail on; false at the head. */
static bool
next_slot(struct bt_memory *m, struct ring *r, uint32_t *ret)
{
	if (r->wrapped && r->tail == m->lap_end) {
		r->tail = 0;
		r->wrapped = false;
	}
	if (!r->wrapped && r->tail == r->head)
		return false;
	*ret = r->tail;
	r->tail += slot_units(slot_at(m, r->tail));
	return true;
}

size_t
bt_memory_victims(struct bt_memory *m, int64_t now_s,
    struct bt_memory_victim *victims, size_t n, struct bt_buf *copy)
{
	struct ring r = ring_of(m);
	size_t found = 0, offset = 0;
	uint32_t at;

	if (m->has_scan) {
		r.wrapped &= m->scan >= r.tail;
		r.tail = m->scan;
	}

	for (unsigned i = 0; i < VICTIM_STEPS_MAX && found < n &&
	     copy->len < VICTIM_BYTES_MAX && next_slot(m, &r, &at);
	     i++) {
		struct slot *s = slot_at(m, at);
		struct bt_memory_victim *v = &victims[found];

		if (!is_only_here(s) || s->expires_s < now_s)
			continue;
		memcpy(v->name, s->name, BT_NAME_BYTES);
		v->expires_s = s->expires_s;
		v->at = at;
		v->bytes.n = s->bytes & BYTES;
		bt_buf_append(copy, s->data, v->bytes.n);
		found++;
	}
	m->scan = r.tail;
	m->has_scan = true;
	for (size_t i = 0; i < found; i++) { /* the buffer has stopped moving */
		victims[i].bytes.p = copy->data + offset;
		offset += victims[i].bytes.n;
	}
	return found;
}

void
bt_memory_spilled(
    struct bt_memory *m, const struct bt_memory_victim *victims, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slot *s = find(m, victims[i].name);

		if (s == NULL || (s->bytes & SPILLED))
			continue;
		m->pinned -= (uint64_t)slot_units(s) * UNIT;
		s->bytes |= SPILLED;
	}
}

void
bt_memory_not_spilled(struct bt_memory *m)
{
	m->has_scan = false;
}

struct bt_memory_counts
bt_memory_counts(const struct bt_memory *m)
{
	return (struct bt_memory_counts){ m->records, m->used, m->lost };
}

/* --- after a crash --- */

/* Whether a record of that size can stand there. */
static bool
is_within(struct bt_memory *m, struct ring r, uint32_t at)
{
	uint32_t end = r.wrapped ? m->lap_end : r.head;

	return end <= UNITS_MAX && at < end &&
	    (slot_at(m, at)->bytes & BYTES) <= SLOT_BYTES_MAX &&
	    slot_units(slot_at(m, at)) <= end - at;
}

void
bt_memory_repair(struct bt_memory *m)
{
	struct ring r;
	uint32_t at;

	m->has_scan = false;
	if (m->move.pending)
		finish_move(m);
	memset(m->buckets, 0, (size_t)m->buckets_n * sizeof(m->buckets[0]));
	m->records = m->used = m->pinned = 0;
	r = ring_of(m);
	for (;;) {
		bool more = r.wrapped || r.tail != r.head;

		if (r.wrapped && r.tail == m->lap_end) {
			r.tail = 0;
			r.wrapped = false;
			continue;
		}
		if (more &&
		    !is_within(m, r, r.tail)) { /* nothing of it is left */
			memset(m->buckets, 0,
			    (size_t)m->buckets_n * sizeof(m->buckets[0]));
			m->records = m->used = m->pinned = 0;
			m->state = 0;
			return;
		}
		if (!next_slot(m, &r, &at))
			return;
		if (!(slot_at(m, at)->bytes & LIVE))
			continue;
		count(m, slot_at(m, at), 1);
		link_slot(m, at);
	}
}
