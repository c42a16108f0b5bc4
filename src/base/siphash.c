/*
 * SipHash (Aumasson and Bernstein, 2012), the variant of 128 bits.
 */

#include "base/siphash.h"

#include <endian.h>
#include <errno.h>
#include <sys/random.h>

int
bt_sip_key_make(struct bt_sip_key *key)
{
	ssize_t n;

	do
		n = getrandom(key->k, sizeof(key->k), 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -errno;
	return n == sizeof(key->k) ? 0 : -EIO;
}

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void
absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

struct bt_sip_hash
bt_siphash(const struct bt_sip_key *key, struct bt_str s)
{
	uint64_t v[4] = { key->k[0] ^ UINT64_C(0x736f6d6570736575),
		key->k[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		key->k[0] ^ UINT64_C(0x6c7967656e657261),
		key->k[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t word, last = (uint64_t)s.n << 56;
	struct bt_sip_hash ret;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&word, s.p + i, 8);
		absorb(v, le64toh(word));
	}
	for (unsigned shift = 0; i < s.n; i++, shift += 8)
		last |= (uint64_t)(unsigned char)s.p[i] << shift;
	absorb(v, last);
	v[2] ^= 0xee;
	rounds(v, 4);
	ret.h[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	rounds(v, 4);
	ret.h[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
	return ret;
}
