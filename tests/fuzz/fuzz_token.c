/*
 * Tokens and records: nothing that was not sealed is opened, what is opened is
 * what was sealed, and a record that is read is written as the same bytes.
 */

#include "app/record.h"
#include "app/token.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static const struct bt_keys *
keys(void)
{
	static const unsigned char secret[BT_KEY_BYTES] = "a secret";
	static struct bt_keys k;

	if (k.n == 0) {
		REQUIRE(bt_keys_init() == 0);
		bt_keys_of(&k, secret);
	}
	return &k;
}

static void
check_record(struct bt_str bytes)
{
	struct bt_buf b = { 0 };
	struct bt_record r;

	if (bt_record_decode(bytes, &r) < 0)
		return;
	bt_record_encode(&r, &b);
	REQUIRE(bt_str_equal(bt_buf_str(&b), bytes));
	bt_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char name[BT_NAME_BYTES];
	struct bt_arena a = { 0 };
	struct bt_str bytes, out, sealed;
	char *copy;

	if (size > 4096)
		return 0;
	copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	bytes = (struct bt_str){ copy, size };
	check_record(bytes);
	REQUIRE(bt_token_open(keys(), 1, bytes, &a, &out) < 0);
	if (bt_token_form(bytes) == BT_TOKEN_NAME &&
	    bt_token_read_name(bytes, name) == 0)
		REQUIRE(bt_str_equal(bt_token_of_name(name, &a), bytes));
	sealed = bt_token_seal(keys(), 1, bytes, &a);
	REQUIRE(bt_token_open(keys(), 1, sealed, &a, &out) == 0);
	REQUIRE(bt_str_equal(out, bytes));
	REQUIRE(bt_token_open(keys(), 2, sealed, &a, &out) < 0);
	bt_arena_fini(&a);
	free(copy);
	return 0;
}
