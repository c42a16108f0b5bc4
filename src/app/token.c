/*
 * Tokens: a letter for the form, then base64url without padding.  A sealed one
 * is {key id, nonce, ciphertext, tag}; the letter, the key id and the
 * application are authenticated with it.  Large states are compressed first,
 * and say so by their letter; how far they may grow again is bounded.
 */

#include "app/token.h"

#include "app/record.h"
#include "base/mem.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <zlib.h>

#define LETTER_SEALED 's'
#define LETTER_PACKED 'z' /* compressed, then sealed */
#define LETTER_NAME 'r'

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_BYTES (1 + NONCE_BYTES)
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* Less is not worth it. */
#define PACK_BYTES_MIN 512
/* What a record can be; nothing grows to more. */
#define RECORD_BYTES_MAX (BT_RECORD_STATE_MAX + BT_RECORD_OVERHEAD)

static size_t
base64_bytes(size_t n)
{
	return sodium_base64_ENCODED_LEN(n, VARIANT) - 1; /* without its NUL */
}

size_t
bt_token_sealed_bytes(size_t record_bytes)
{
	return 1 + base64_bytes(HEAD_BYTES + record_bytes + TAG_BYTES);
}

/* Compressed, if that is worth it; the arena's. */
static bool
pack(struct bt_str record, struct bt_arena *a, struct bt_str *ret)
{
	uLongf n = record.n - record.n / 8;
	char *out;

	if (record.n < PACK_BYTES_MIN)
		return false;
	out = bt_arena_alloc(a, n);
	if (compress2((Bytef *)out, &n, (const Bytef *)record.p, record.n, 6) !=
	    Z_OK)
		return false;
	*ret = (struct bt_str){ out, n };
	return true;
}

static int
unpack(struct bt_str packed, struct bt_arena *a, struct bt_str *ret)
{
	uLongf n = RECORD_BYTES_MAX;
	char *out = bt_mem_try(n);
	int r = -ENOMEM;

	if (out == NULL)
		return r;
	r = uncompress((Bytef *)out, &n, (const Bytef *)packed.p, packed.n) ==
		Z_OK
	    ? 0
	    : -EBADMSG;
	if (r == 0)
		*ret = bt_arena_copy(a, (struct bt_str){ out, n });
	free(out);
	return r;
}

/* What is authenticated beside the record. */
struct context {
	unsigned char bytes[6];
};

static struct context
context_of(char letter, uint8_t key, uint32_t app)
{
	return (struct context){ { (unsigned char)letter, key,
	    (unsigned char)app, (unsigned char)(app >> 8),
	    (unsigned char)(app >> 16), (unsigned char)(app >> 24) } };
}

static struct bt_str
text_of(char letter, const unsigned char *bytes, size_t n, struct bt_arena *a)
{
	size_t text_n = base64_bytes(n);
	char *text = bt_arena_alloc(a, text_n + 2);

	text[0] = letter;
	sodium_bin2base64(text + 1, text_n + 1, bytes, n, VARIANT);
	return (struct bt_str){ text, text_n + 1 };
}

/* libsodium 1.0.18 takes some bytes beyond ASCII for digits. */
static bool
is_base64url(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], low = bt_lower(c);

		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_')
			return false;
	}
	return true;
}

/* The bytes behind the letter, if the text is the one that they have. */
static bool
bytes_of(struct bt_str text, unsigned char *out, size_t room, size_t *ret_n)
{
	const char *end;

	return text.n > 1 && is_base64url(text) &&
	    sodium_base642bin(out, room, text.p + 1, text.n - 1, NULL, ret_n,
		&end, VARIANT) == 0 &&
	    end == text.p + text.n;
}

struct bt_str
bt_token_seal(const struct bt_keys *keys, uint32_t app, struct bt_str record,
    struct bt_arena *a)
{
	const struct bt_key *k = &keys->all[0];
	char letter = pack(record, a, &record) ? LETTER_PACKED : LETTER_SEALED;
	struct context context = context_of(letter, k->id, app);
	unsigned char *bytes =
	    bt_arena_alloc(a, HEAD_BYTES + record.n + TAG_BYTES);

	bytes[0] = k->id;
	randombytes_buf(bytes + 1, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + HEAD_BYTES, NULL,
	    (const unsigned char *)record.p, record.n, context.bytes,
	    sizeof(context.bytes), NULL, bytes + 1, k->seal);
	return text_of(letter, bytes, HEAD_BYTES + record.n + TAG_BYTES, a);
}

struct bt_str
bt_token_of_name(
    const unsigned char name[static BT_NAME_BYTES], struct bt_arena *a)
{
	return text_of(LETTER_NAME, name, BT_NAME_BYTES, a);
}

int
bt_token_form(struct bt_str text)
{
	if (text.n < 2)
		return -EBADMSG;
	switch (text.p[0]) {
	case LETTER_SEALED:
	case LETTER_PACKED:
		return BT_TOKEN_SEALED;
	case LETTER_NAME:
		return BT_TOKEN_NAME;
	default:
		return -EBADMSG;
	}
}

int
bt_token_open(const struct bt_keys *keys, uint32_t app, struct bt_str text,
    struct bt_arena *a, struct bt_str *ret)
{
	size_t room = HEAD_BYTES + RECORD_BYTES_MAX + TAG_BYTES, n;
	const struct bt_key *k;
	struct context context;
	unsigned char *bytes;
	struct bt_str record;

	if (text.n > 1 + base64_bytes(room))
		return -EBADMSG;
	room = text.n; /* more than what it stands for */
	bytes = bt_arena_alloc(a, room);
	if (!bytes_of(text, bytes, room, &n) || n < HEAD_BYTES + TAG_BYTES ||
	    (k = bt_keys_find(keys, bytes[0])) == NULL)
		return -EBADMSG;
	context = context_of(text.p[0], k->id, app);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes + HEAD_BYTES, NULL,
		NULL, bytes + HEAD_BYTES, n - HEAD_BYTES, context.bytes,
		sizeof(context.bytes), bytes + 1, k->seal) != 0)
		return -EBADMSG;
	record = (struct bt_str){ (char *)bytes + HEAD_BYTES,
		n - HEAD_BYTES - TAG_BYTES };
	if (text.p[0] == LETTER_PACKED)
		return unpack(record, a, ret);
	*ret = record;
	return 0;
}

int
bt_token_read_name(struct bt_str text, unsigned char ret[static BT_NAME_BYTES])
{
	size_t n;

	return bytes_of(text, ret, BT_NAME_BYTES, &n) && n == BT_NAME_BYTES
	    ? 0
	    : -EBADMSG;
}
