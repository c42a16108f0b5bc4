/*
 * src/app/state.c: states of continuations, field by field.
 */

#include "handlers/reply.h"
#include "tests/unit/unit.h"

#include <baton/state.h>
#include <baton/suspend.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static unsigned char room[256];

/* What a writer wrote, in memory of just that size: ASan sees a read too far.
 */
static struct {
	unsigned char *bytes;
	size_t n;
} kept;

static void
keep(const void *bytes, size_t n)
{
	free(kept.bytes);
	ck_assert_ptr_nonnull(kept.bytes = malloc(n > 0 ? n : 1));
	memcpy(kept.bytes, bytes, n);
	kept.n = n;
}

static int
read_kept(struct baton_state_reader *r)
{
	return baton_state_read(r, kept.bytes, kept.n, 1, 1);
}

static const uint64_t numbers[] = { 0, 1, 15, 16, 127, 128, 2047, 2048, 65535,
	1 << 18, UINT32_MAX, (uint64_t)1 << 60, UINT64_MAX - 1, UINT64_MAX };

START_TEST(numbers_come_back)
{
	struct baton_state_writer w;
	struct baton_state_reader r;
	uint64_t v = numbers[_i];

	baton_state_write_to(&w, room, sizeof(room), 1);
	baton_state_put_u64(&w, v);
	baton_state_put_i64(&w, (int64_t)v);
	baton_state_put_i64(&w, -(int64_t)(v >> 1));
	ck_assert_int_eq(w.error, 0);
	keep(w.bytes, w.n);
	ck_assert_int_eq(read_kept(&r), 1);
	ck_assert_uint_eq(baton_state_get_u64(&r), v);
	ck_assert_int_eq(baton_state_get_i64(&r), (int64_t)v);
	ck_assert(!baton_state_done(&r));
	ck_assert_int_eq(baton_state_get_i64(&r), -(int64_t)(v >> 1));
	ck_assert(baton_state_done(&r));
}
END_TEST

START_TEST(extremes_of_signed_numbers)
{
	struct baton_state_writer w;
	struct baton_state_reader r;

	baton_state_write_to(&w, room, sizeof(room), 1);
	baton_state_put_i64(&w, INT64_MIN);
	baton_state_put_i64(&w, INT64_MAX);
	baton_state_put_i64(&w, -1);
	keep(w.bytes, w.n);
	read_kept(&r);
	ck_assert_int_eq(baton_state_get_i64(&r), INT64_MIN);
	ck_assert_int_eq(baton_state_get_i64(&r), INT64_MAX);
	ck_assert_int_eq(baton_state_get_i64(&r), -1);
	ck_assert(baton_state_done(&r));
}
END_TEST

static const double doubles[] = { 0.0, -0.0, 1.5, -DBL_MAX, DBL_MIN,
	DBL_TRUE_MIN, INFINITY, -INFINITY, NAN };

START_TEST(doubles_come_back_bit_by_bit)
{
	struct baton_state_writer w;
	struct baton_state_reader r;
	double v;

	baton_state_write_to(&w, room, sizeof(room), 1);
	baton_state_put_double(&w, doubles[_i]);
	keep(w.bytes, w.n);
	ck_assert_uint_eq(w.n, 1 + 1 + 8);
	read_kept(&r);
	v = baton_state_get_double(&r);
	ck_assert_mem_eq(&v, &doubles[_i], sizeof(v));
	ck_assert(baton_state_done(&r));
}
END_TEST

/* Two small numbers, of which the issue says something. */
START_TEST(states_are_small)
{
	struct baton_state_writer w;

	baton_state_write_to(&w, room, sizeof(room), 1);
	ck_assert_uint_eq(w.n, 1);
	baton_state_put_u64(&w, 42);
	baton_state_put_u64(&w, 1764);
	ck_assert_uint_eq(w.n, 5);
	baton_state_put_bool(&w, true);
	ck_assert_uint_eq(w.n, 6);
	baton_state_put_text(&w, "tea");
	ck_assert_uint_eq(w.n, 6 + 1 + 3 + 1);
}
END_TEST

/* The format is kept: states of older daemons are read by newer ones. */
START_TEST(format_is_what_it_was)
{
	static const unsigned char wanted[] = { 0x13, 0x01, /* version 19 */
		0x2f, 0x30, 0x01,                           /* 15, 16 */
		0x5f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x0f,       /* INT64_MIN */
		0x61, 0x60, /* true, false */
		0xa2, 'o', 'k', 0, 0xc1, 0xff, 0xe2 };
	struct baton_state_writer w;

	baton_state_write_to(&w, room, sizeof(room), 19);
	baton_state_put_u64(&w, 15);
	baton_state_put_u64(&w, 16);
	baton_state_put_i64(&w, INT64_MIN);
	baton_state_put_bool(&w, true);
	baton_state_put_bool(&w, false);
	baton_state_put_text(&w, "ok");
	baton_state_put_bytes(&w, "\xff", 1);
	baton_state_put_list(&w, 2);
	ck_assert_uint_eq(w.n, sizeof(wanted));
	ck_assert_mem_eq(w.bytes, wanted, sizeof(wanted));
}
END_TEST

START_TEST(texts_and_bytes_stand_in_the_state)
{
	struct baton_state_writer w;
	struct baton_state_reader r;
	const char *text;
	const void *bytes;
	size_t n;

	baton_state_write_to(&w, room, sizeof(room), 1);
	baton_state_put_text(&w, "");
	baton_state_put_text(&w, "gr\xc3\xbc\xc3\x9f Gott, this is longer");
	baton_state_put_bytes(&w, "a\0b", 3);
	baton_state_put_bytes(&w, NULL, 0);
	keep(w.bytes, w.n);
	read_kept(&r);
	ck_assert_str_eq(baton_state_get_text(&r), "");
	text = baton_state_get_text(&r);
	ck_assert_str_eq(text, "gr\xc3\xbc\xc3\x9f Gott, this is longer");
	ck_assert((const unsigned char *)text > kept.bytes &&
	    (const unsigned char *)text < kept.bytes + kept.n);
	bytes = baton_state_get_bytes(&r, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(bytes, "a\0b", 3);
	ck_assert_ptr_nonnull(baton_state_get_bytes(&r, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(baton_state_done(&r));
}
END_TEST

static const struct {
	unsigned written, oldest, newest;
	int wanted;
} versions[] = {
	{ 1, 1, 1, 1 }, { 2, 1, 3, 2 }, { 3, 1, 3, 3 },
	{ 65535, 1, 65535, 65535 }, { 16, 16, 16, 16 }, { 1, 2, 3, -ESTALE },
	{ 300, 301, 400, -ESTALE }, { 4, 2, 3, -ENOTSUP },
	{ 65535, 1, 1, -ENOTSUP },
	{ 0, 0, 9, -EBADMSG },     /* none is written: -EINVAL */
	{ 65536, 0, 9, -EBADMSG }, /* the same */
};

START_TEST(versions_are_told_apart)
{
	struct baton_state_writer w;
	struct baton_state_reader r;
	int version;

	baton_state_write_to(&w, room, sizeof(room), versions[_i].written);
	baton_state_put_u64(&w, 7);
	keep(w.bytes, w.n);
	version = baton_state_read(
	    &r, kept.bytes, kept.n, versions[_i].oldest, versions[_i].newest);
	ck_assert_int_eq(version, versions[_i].wanted);
	if (version == -EBADMSG)
		ck_assert_int_eq(w.error, -EINVAL);
	ck_assert_int_eq(r.error, version < 0 ? version : 0);
	/* nothing is read from a state that was refused */
	ck_assert_uint_eq(baton_state_get_u64(&r), version < 0 ? 0 : 7);
	ck_assert(baton_state_done(&r) == (version > 0));
	ck_assert_int_eq(r.error, version < 0 ? version : 0);
}
END_TEST

/* --- what is not right --- */

enum kind { U64, I64, BOOL, DOUBLE, TEXT, BYTES, LIST, KINDS };

static void
put_kind(struct baton_state_writer *w, enum kind k)
{
	switch (k) {
	case U64:
		baton_state_put_u64(w, 1);
		break;
	case I64:
		baton_state_put_i64(w, -1);
		break;
	case BOOL:
		baton_state_put_bool(w, true);
		break;
	case DOUBLE:
		baton_state_put_double(w, 1);
		break;
	case TEXT:
		baton_state_put_text(w, "t");
		break;
	case BYTES:
		baton_state_put_bytes(w, "b", 1);
		break;
	case LIST:
		baton_state_put_list(w, 1);
		break;
	case KINDS:
		break;
	}
}

/* Whether it got nothing. */
static bool
get_kind(struct baton_state_reader *r, enum kind k)
{
	size_t n;

	switch (k) {
	case U64:
		return baton_state_get_u64(r) == 0;
	case I64:
		return baton_state_get_i64(r) == 0;
	case BOOL:
		return !baton_state_get_bool(r);
	case DOUBLE:
		return baton_state_get_double(r) == 0;
	case TEXT:
		return baton_state_get_text(r)[0] == '\0';
	case BYTES:
		baton_state_get_bytes(r, &n);
		return n == 0;
	case LIST:
		return baton_state_get_list(r) == 0;
	case KINDS:
		break;
	}
	return false;
}

/* Every type asked for as every other one. */
START_TEST(another_type_is_an_error)
{
	enum kind written = (enum kind)(_i / KINDS);
	enum kind asked = (enum kind)(_i % KINDS);
	struct baton_state_writer w;
	struct baton_state_reader r;

	baton_state_write_to(&w, room, sizeof(room), 1);
	put_kind(&w, written);
	baton_state_put_u64(&w, 5);
	keep(w.bytes, w.n);
	read_kept(&r);
	ck_assert(get_kind(&r, asked) == (written != asked));
	ck_assert_uint_eq(baton_state_get_u64(&r), written == asked ? 5 : 0);
	ck_assert_int_eq(r.error, written == asked ? 0 : -EBADMSG);
	ck_assert(baton_state_done(&r) == (written == asked));
	/* past the end, and ever after */
	for (int k = 0; k < KINDS; k++)
		ck_assert(get_kind(&r, (enum kind)k));
	ck_assert_int_eq(r.error, -EBADMSG);
}
END_TEST

/* Behind version 1; read as what `kind` says. */
static const struct {
	enum kind kind;
	const char *bytes;
	size_t n;
} malformed[] = {
	{ U64, "", 0 },
	{ U64, "\x30", 1 },         /* "more", and no more */
	{ U64, "\x30\x80", 2 },     /* the same */
	{ U64, "\x31\x00", 2 },     /* longer than it need be */
	{ U64, "\x31\x81\x00", 3 }, /* the same */
	{ U64, "\x3f\xff\xff\xff\xff\xff\xff\xff\xff\x1f", 10 }, /* 2^65 - 1 */
	{ U64, "\x3f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
	{ BOOL, "\x62", 1 },
	{ DOUBLE, "\x81\0\0\0\0\0\0\0\0", 9 },
	{ DOUBLE, "\x80\0\0\0\0\0\0\0", 8 },
	{ TEXT, "\xa1x", 2 },      /* no NUL */
	{ TEXT, "\xa1xy", 3 },     /* another byte in its place */
	{ TEXT, "\xa3x\0z\0", 5 }, /* a NUL within */
	{ TEXT, "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\x0fx", 11 },
	{ TEXT, "\xbe\xff\xff\xff\xff\xff\xff\xff\xff\x0fx", 11 },
	{ BYTES, "\xc2x", 2 },
	{ BYTES, "\xdf\xff\xff\xff\xff\xff\xff\xff\xff\x0fx", 11 },
	{ LIST, "\xe2\x21", 2 }, /* two entries, one byte */
	{ LIST, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0f", 10 },
};

START_TEST(malformed_is_refused)
{
	struct baton_state_reader r;
	unsigned char state[32] = { 0x01 };

	memcpy(state + 1, malformed[_i].bytes, malformed[_i].n);
	keep(state, 1 + malformed[_i].n);
	ck_assert_int_eq(read_kept(&r), 1);
	ck_assert(get_kind(&r, malformed[_i].kind));
	ck_assert_int_eq(r.error, -EBADMSG);
	ck_assert(!baton_state_done(&r));
}
END_TEST

START_TEST(no_state_at_all)
{
	struct baton_state_reader r;

	ck_assert_int_eq(baton_state_read(&r, NULL, 0, 1, 9), -EBADMSG);
	ck_assert_str_eq(baton_state_get_text(&r), "");
	ck_assert(!baton_state_done(&r));
	ck_assert_int_eq(baton_state_read(&r, "\x20", 1, 1, 9), -EBADMSG);
	ck_assert_int_eq(baton_state_read(&r, "\0\0", 2, 0, 9), -EBADMSG);
}
END_TEST

/* --- room --- */

/* With every size of room: whole, or an error and nothing. */
START_TEST(fixed_room_is_not_passed)
{
	struct baton_state_writer w;
	bool fits = false;

	for (size_t n = 0; n < 64; n++) {
		unsigned char *exact = malloc(n > 0 ? n : 1);

		baton_state_write_to(&w, exact, n, 1);
		for (int k = 0; k < KINDS; k++)
			put_kind(&w, (enum kind)k);
		ck_assert(w.error == 0 || w.error == -ENOBUFS);
		ck_assert_uint_eq(w.n, w.error == 0 ? 19 : 0);
		ck_assert((w.error == 0) == (n >= 19));
		fits = w.error == 0;
		free(exact);
	}
	ck_assert(fits);
}
END_TEST

START_TEST(grows_in_its_exchange)
{
	struct baton_exchange *x = calloc(1, sizeof(*x));
	struct baton_state_writer w;
	struct baton_state_reader r;

	baton_state_write(&w, x, 1);
	for (uint64_t i = 0; i < 10000; i++)
		baton_state_put_u64(&w, i * i);
	ck_assert_int_eq(w.error, 0);
	ck_assert_uint_le(w.room, 2 * w.n);
	keep(w.bytes, w.n);
	read_kept(&r);
	for (uint64_t i = 0; i < 10000; i++)
		ck_assert_uint_eq(baton_state_get_u64(&r), i * i);
	ck_assert(baton_state_done(&r));
	bt_arena_fini(&x->arena);
	free(x);
}
END_TEST

/* BATON_STATE_MAX is what can be suspended, to the byte. */
START_TEST(largest_state)
{
	struct baton_exchange *x = calloc(1, sizeof(*x));
	char *bytes = calloc(1, BATON_STATE_MAX + 1);
	struct baton_state_writer w;

	baton_state_write(&w, x, 1);
	baton_state_put_bytes(&w, bytes, BATON_STATE_MAX - 4);
	ck_assert_int_eq(w.error, 0);
	ck_assert_uint_eq(w.n, BATON_STATE_MAX);
	baton_state_put_bool(&w, true);
	ck_assert_int_eq(w.error, -ENOBUFS);
	ck_assert_uint_eq(w.n, 0);
	baton_state_put_bool(&w, true); /* sticks */
	ck_assert_uint_eq(w.n, 0);
	baton_state_write(&w, x, 1);
	baton_state_put_bytes(&w, bytes, SIZE_MAX);
	ck_assert_int_eq(w.error, -ENOBUFS);
	bt_arena_fini(&x->arena);
	free(x);
	free(bytes);
}
END_TEST

/* --- at random --- */

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

/* One field of a random kind and value; the same for the same seed. */
static void
put_random(struct baton_state_writer *w, uint64_t *seed)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz";
	uint64_t kind = next_random(seed) % 4;
	uint64_t v = next_random(seed) >> (next_random(seed) % 64);

	if (kind == 0)
		baton_state_put_u64(w, v);
	else if (kind == 1)
		baton_state_put_i64(w, (int64_t)v);
	else if (kind == 2)
		baton_state_put_text(w, text + v % sizeof(text));
	else
		baton_state_put_bytes(w, text, v % sizeof(text));
}

static void
want_random(struct baton_state_reader *r, uint64_t *seed)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz";
	uint64_t kind = next_random(seed) % 4;
	uint64_t v = next_random(seed) >> (next_random(seed) % 64);
	size_t n;

	if (kind == 0) {
		ck_assert_uint_eq(baton_state_get_u64(r), v);
	} else if (kind == 1) {
		ck_assert_int_eq(baton_state_get_i64(r), (int64_t)v);
	} else if (kind == 2) {
		ck_assert_str_eq(
		    baton_state_get_text(r), text + v % sizeof(text));
	} else {
		ck_assert_mem_eq(
		    baton_state_get_bytes(r, &n), text, v % sizeof(text));
		ck_assert_uint_eq(n, v % sizeof(text));
	}
}

START_TEST(random_fields_come_back)
{
	static unsigned char large[4096];

	for (uint64_t round = 1; round <= 2000; round++) {
		uint64_t seed = round * 0x9e3779b97f4a7c15, again = seed;
		unsigned fields = (unsigned)(round % 40);
		struct baton_state_writer w;
		struct baton_state_reader r;

		baton_state_write_to(&w, large, sizeof(large), 1);
		for (unsigned i = 0; i < fields; i++)
			put_random(&w, &seed);
		ck_assert_int_eq(w.error, 0);
		keep(w.bytes, w.n);
		read_kept(&r);
		for (unsigned i = 0; i < fields; i++)
			want_random(&r, &again);
		ck_assert(baton_state_done(&r));
	}
}
END_TEST

/*
 * Random bytes, read as random types to the end: whatever is accepted is
 * written as the same bytes again, so nothing has two encodings.
 */
START_TEST(random_bytes_have_one_meaning)
{
	unsigned accepted = 0;

	for (uint64_t round = 1; round <= 200000; round++) {
		uint64_t seed = round * 0x9e3779b97f4a7c15;
		unsigned char noise[24];
		struct baton_state_reader r;
		struct baton_state_writer w;
		size_t n;

		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (unsigned char)next_random(&seed);
		noise[0] = 1;
		keep(noise, 1 + next_random(&seed) % sizeof(noise));
		read_kept(&r);
		baton_state_write_to(&w, room, sizeof(room), 1);
		while (r.at < r.end) {
			const void *bytes;

			switch (*r.at >> 5) {
			case 1:
				baton_state_put_u64(
				    &w, baton_state_get_u64(&r));
				break;
			case 2:
				baton_state_put_i64(
				    &w, baton_state_get_i64(&r));
				break;
			case 3:
				baton_state_put_bool(
				    &w, baton_state_get_bool(&r));
				break;
			case 4:
				baton_state_put_double(
				    &w, baton_state_get_double(&r));
				break;
			case 5:
				baton_state_put_text(
				    &w, baton_state_get_text(&r));
				break;
			case 6:
				bytes = baton_state_get_bytes(&r, &n);
				baton_state_put_bytes(&w, bytes, n);
				break;
			default:
				baton_state_put_list(
				    &w, baton_state_get_list(&r));
				break;
			}
		}
		if (!baton_state_done(&r))
			continue;
		ck_assert_uint_eq(w.n, kept.n);
		ck_assert_mem_eq(w.bytes, kept.bytes, kept.n);
		accepted += kept.n > 1;
	}
	ck_assert_uint_gt(accepted, 1000); /* it has tried something */
}
END_TEST

/* Cut anywhere, and with a byte too many: never done. */
START_TEST(cut_states_are_not_done)
{
	struct baton_state_writer w;

	baton_state_write_to(&w, room, sizeof(room), 1);
	for (int k = 0; k < KINDS; k++)
		put_kind(&w, (enum kind)k);
	baton_state_put_u64(&w, UINT64_MAX);
	for (size_t n = 0; n <= w.n + 1; n++) {
		struct baton_state_reader r;

		keep(room, n);
		read_kept(&r);
		for (int k = 0; k < KINDS; k++)
			get_kind(&r, (enum kind)k);
		baton_state_get_u64(&r);
		ck_assert(baton_state_done(&r) == (n == w.n));
	}
}
END_TEST

static void
release(void)
{
	free(kept.bytes);
	kept.bytes = NULL;
}

BT_UNIT_SUITE(app_state)
{
	TCase *tc = bt_unit_case(s, "fields");

	tcase_add_checked_fixture(tc, NULL, release);
	tcase_add_loop_test(tc, numbers_come_back, 0, ROWS(numbers));
	tcase_add_test(tc, extremes_of_signed_numbers);
	tcase_add_loop_test(tc, doubles_come_back_bit_by_bit, 0, ROWS(doubles));
	tcase_add_test(tc, states_are_small);
	tcase_add_test(tc, format_is_what_it_was);
	tcase_add_test(tc, texts_and_bytes_stand_in_the_state);
	tcase_add_loop_test(tc, versions_are_told_apart, 0, ROWS(versions));

	tc = bt_unit_case(s, "errors");
	tcase_add_checked_fixture(tc, NULL, release);
	tcase_add_loop_test(tc, another_type_is_an_error, 0, KINDS * KINDS);
	tcase_add_loop_test(tc, malformed_is_refused, 0, ROWS(malformed));
	tcase_add_test(tc, no_state_at_all);
	tcase_add_test(tc, cut_states_are_not_done);

	tc = bt_unit_case(s, "room");
	tcase_add_checked_fixture(tc, NULL, release);
	tcase_add_test(tc, fixed_room_is_not_passed);
	tcase_add_test(tc, grows_in_its_exchange);
	tcase_add_test(tc, largest_state);

	tc = bt_unit_case(s, "random");
	tcase_add_checked_fixture(tc, NULL, release);
	tcase_add_test(tc, random_fields_come_back);
	tcase_add_test(tc, random_bytes_have_one_meaning);
}
