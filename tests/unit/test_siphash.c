/* base/siphash.c, against the vectors of its authors. */

#include "base/siphash.h"

#include "tests/unit/unit.h"

/* Key 00 01 ... 0f; of the bytes 00, 01, ... as many as `n`. */
static const struct {
	size_t n;
	struct bt_sip_hash want;
} rows[] = {
	{ 0,
	    { { UINT64_C(0xe6a825ba047f81a3),
		UINT64_C(0x930255c71472f66d) } } },
	{ 1,
	    { { UINT64_C(0x44af996bd8c187da),
		UINT64_C(0x45fc229b11597634) } } },
};

START_TEST(vectors)
{
	struct bt_sip_key key = { { UINT64_C(0x0706050403020100),
	    UINT64_C(0x0f0e0d0c0b0a0908) } };
	struct bt_sip_hash got;
	char bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	got = bt_siphash(&key, (struct bt_str){ bytes, rows[_i].n });
	ck_assert_uint_eq(got.h[0], rows[_i].want.h[0]);
	ck_assert_uint_eq(got.h[1], rows[_i].want.h[1]);
}
END_TEST

/* Each length, and each byte of it, makes another hash. */
START_TEST(every_byte_counts)
{
	struct bt_sip_key key;
	char bytes[24] = { 0 };

	ck_assert_int_eq(bt_sip_key_make(&key), 0);
	for (size_t n = 0; n < sizeof(bytes); n++) {
		struct bt_sip_hash a =
		    bt_siphash(&key, (struct bt_str){ bytes, n });
		struct bt_sip_hash longer =
		    bt_siphash(&key, (struct bt_str){ bytes, n + 1 });

		ck_assert(a.h[0] != longer.h[0] && a.h[1] != longer.h[1]);
		for (size_t i = 0; i < n; i++) {
			struct bt_sip_hash b;

			bytes[i] = 1;
			b = bt_siphash(&key, (struct bt_str){ bytes, n });
			ck_assert(a.h[0] != b.h[0] && a.h[1] != b.h[1]);
			bytes[i] = 0;
		}
	}
}
END_TEST

BT_UNIT_SUITE(siphash)
{
	TCase *tc = bt_unit_case(s, "hash");

	tcase_add_loop_test(
	    tc, vectors, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, every_byte_counts);
}
