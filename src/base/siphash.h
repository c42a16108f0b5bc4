#ifndef BT_BASE_SIPHASH_H
#define BT_BASE_SIPHASH_H

/*
 * SipHash-2-4 with 128 bits: a short hash that nobody can aim at without its
 * key, of what comes from outside.
 */

#include "base/str.h"

struct bt_sip_key {
	uint64_t k[2];
};

struct bt_sip_hash {
	uint64_t h[2];
};

/* A key from the kernel's random numbers.  0, or negative errno. */
int bt_sip_key_make(struct bt_sip_key *);

struct bt_sip_hash bt_siphash(const struct bt_sip_key *, struct bt_str);

#endif
