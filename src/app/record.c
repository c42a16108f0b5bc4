/*
 * Records.  Numbers are little-endian; those that are mostly small are written
 * seven bits to a byte.
 */

#include "app/record.h"

#include <errno.h>

#define FORMAT 1
/* 2026-01-01: times of expiry are small numbers for some years. */
#define EPOCH_S 1767225600

static void
put_fixed(struct bt_buf *b, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		bt_buf_putc(b, (char)(value >> (8 * i)));
}

static void
put_varint(struct bt_buf *b, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		bt_buf_putc(b, (char)(value | 0x80));
	bt_buf_putc(b, (char)value);
}

void
bt_record_encode(const struct bt_record *r, struct bt_buf *b)
{
	int64_t expires = r->expires_s - EPOCH_S;

	bt_buf_putc(b, FORMAT);
	bt_buf_putc(b, (char)r->flags);
	put_fixed(b, r->app, 4);
	put_fixed(b, r->resume, 4);
	bt_buf_putc(b, (char)r->version);
	put_fixed(b, r->conversation, 8);
	put_varint(b, r->generation);
	put_varint(b, expires > 0 ? (uint64_t)expires : 0);
	if (r->flags & BT_RECORD_BOUND)
		put_fixed(b, r->bound, 8);
	if (r->flags & BT_RECORD_ONCE)
		put_fixed(b, r->salt, 8);
	bt_buf_append(b, r->state.n ? r->state.p : "", r->state.n);
}

/* What is left to be read; `bad` once something was missing. */
struct reader {
	struct bt_str rest;
	bool bad;
};

static uint64_t
get_fixed(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	if (r->rest.n < bytes) {
		r->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)(unsigned char)r->rest.p[i] << (8 * i);
	r->rest.p += bytes;
	r->rest.n -= bytes;
	return value;
}

/* At most 32 bits, in the shortest form: one number has one text. */
static uint32_t
get_varint(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint64_t byte = get_fixed(r, 1);

		value |= (byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		r->bad |= (byte == 0 && shift > 0) || value > UINT32_MAX;
		return (uint32_t)value;
	}
	r->bad = true;
	return 0;
}

int
bt_record_decode(struct bt_str bytes, struct bt_record *ret)
{
	struct reader r = { .rest = bytes };
	struct bt_record out = { 0 };

	r.bad = get_fixed(&r, 1) != FORMAT;
	out.flags = (uint8_t)get_fixed(&r, 1);
	out.app = (uint32_t)get_fixed(&r, 4);
	out.resume = (uint32_t)get_fixed(&r, 4);
	out.version = (uint8_t)get_fixed(&r, 1);
	out.conversation = get_fixed(&r, 8);
	out.generation = get_varint(&r);
	out.expires_s = (int64_t)get_varint(&r) + EPOCH_S;
	if (out.flags & BT_RECORD_BOUND)
		out.bound = get_fixed(&r, 8);
	if (out.flags & BT_RECORD_ONCE)
		out.salt = get_fixed(&r, 8);
	if (r.bad || (out.flags & ~BT_RECORD_FLAGS) ||
	    r.rest.n > BT_RECORD_STATE_MAX)
		return -EBADMSG;
	out.state = r.rest;
	*ret = out;
	return 0;
}
