/*
 * Keys.  Each secret becomes three, one for each use (BLAKE2b by libsodium), so
 * that what one does never helps against another.
 */

#include "app/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LINE_BYTES_MAX 256

int
bt_keys_init(void)
{
	return sodium_init() < 0 ? -ENOSYS : 0;
}

static void
key_derive(struct bt_key *k, const unsigned char secret[static BT_KEY_BYTES])
{
	static const char context[crypto_kdf_CONTEXTBYTES] = "batoncnt";
	unsigned char id[crypto_kdf_BYTES_MIN];

	crypto_kdf_derive_from_key(k->seal, BT_KEY_BYTES, 1, context, secret);
	crypto_kdf_derive_from_key(k->name, BT_KEY_BYTES, 2, context, secret);
	crypto_kdf_derive_from_key(k->bind, BT_KEY_BYTES, 3, context, secret);
	crypto_kdf_derive_from_key(id, sizeof(id), 4, context, secret);
	k->id = id[0];
}

void
bt_keys_of(
    struct bt_keys *keys, const unsigned char secret[static BT_KEY_BYTES])
{
	keys->n = 1;
	key_derive(&keys->all[0], secret);
}

/* 64 hex digits, or base64 of 32 bytes. */
static bool
parse_key(struct bt_str text, unsigned char out[static BT_KEY_BYTES])
{
	size_t n = 0;
	const char *end;

	if (text.n == 2 * BT_KEY_BYTES)
		return sodium_hex2bin(out, BT_KEY_BYTES, text.p, text.n, NULL,
			   &n, &end) == 0 &&
		    n == BT_KEY_BYTES && end == text.p + text.n;
	return sodium_base642bin(out, BT_KEY_BYTES, text.p, text.n, NULL, &n,
		   &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    n == BT_KEY_BYTES && end == text.p + text.n;
}

static int
add_line(struct bt_keys *keys, struct bt_str line, struct bt_buf *why)
{
	unsigned char secret[BT_KEY_BYTES];
	struct bt_key *k = &keys->all[keys->n];
	int r = 0;

	if (keys->n == BT_KEYS_MAX) {
		bt_buf_printf(why, "more than %d keys", BT_KEYS_MAX);
		return -EINVAL;
	}
	if (!parse_key(line, secret)) {
		bt_buf_puts(why,
		    "not a key: 32 random bytes as base64, or as 64 hex "
		    "digits (openssl rand -base64 32)");
		return -EINVAL;
	}
	key_derive(k, secret);
	if (bt_keys_find(keys, k->id) != NULL) {
		bt_buf_puts(why,
		    "the key, or one that cannot be told from it, is there "
		    "twice: make another one");
		r = -EINVAL;
	}
	keys->n += r == 0;
	sodium_memzero(secret, sizeof(secret));
	return r;
}

/* Who may write it can make continuations of his own. */
static int
check_mode(FILE *f, struct bt_buf *why)
{
	struct stat st;

	if (fstat(fileno(f), &st) == -1)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		bt_buf_puts(why, "it is not a file");
		return -EINVAL;
	}
	if (st.st_mode & (S_IROTH | S_IWOTH)) {
		bt_buf_puts(why,
		    "everybody may read or write it: chmod o= takes that away");
		return -EPERM;
	}
	return 0;
}

int
bt_keys_read(struct bt_keys *keys, const char *path, struct bt_buf *why)
{
	FILE *f = fopen(path, "re");
	char line[LINE_BYTES_MAX];
	unsigned number = 0;
	int r;

	keys->n = 0;
	if (f == NULL) {
		r = -errno;
		bt_buf_puts(why, strerror(-r));
		return r;
	}
	r = check_mode(f, why);
	while (r == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct bt_str text = { line, strcspn(line, "\r\n") };

		number++;
		text = bt_str_trim(text);
		if (text.n == 0 || text.p[0] == '#')
			continue;
		if ((r = add_line(keys, text, why)) < 0)
			bt_buf_printf(why, ", line %u", number);
	}
	sodium_memzero(line, sizeof(line));
	fclose(f);
	if (r == 0 && keys->n == 0) {
		bt_buf_puts(why, "it has no key");
		r = -EINVAL;
	}
	return r;
}

const struct bt_key *
bt_keys_find(const struct bt_keys *keys, uint8_t id)
{
	for (unsigned i = 0; i < keys->n; i++)
		if (keys->all[i].id == id)
			return &keys->all[i];
	return NULL;
}

void
bt_keys_name(const struct bt_keys *keys, struct bt_str bytes,
    unsigned char out[static BT_NAME_BYTES])
{
	crypto_generichash(out, BT_NAME_BYTES, (const unsigned char *)bytes.p,
	    bytes.n, keys->all[0].name, BT_KEY_BYTES);
}

uint64_t
bt_keys_bind(const struct bt_key *k, struct bt_str value)
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	uint64_t out;

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)value.p,
	    value.n, k->bind, BT_KEY_BYTES);
	memcpy(&out, hash, sizeof(out));
	return out;
}
