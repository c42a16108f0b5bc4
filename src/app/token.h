#ifndef BT_APP_TOKEN_H
#define BT_APP_TOKEN_H

/*
 * What stands in a URL for a continuation: the record itself, sealed, or the
 * name of one that is kept.  One token has one text.  No I/O.
 */

#include "app/keys.h"
#include "base/arena.h"

enum bt_token_form {
	BT_TOKEN_SEALED, /* XChaCha20-Poly1305, bound to the application */
	BT_TOKEN_NAME,   /* 16 bytes; a store knows what it is */
};

/* Bytes of the text for so many of a record. */
size_t bt_token_sealed_bytes(size_t record_bytes);
#define BT_TOKEN_NAME_BYTES 23

/* Seals a record for that application; the arena's. */
struct bt_str bt_token_seal(const struct bt_keys *, uint32_t app,
    struct bt_str record, struct bt_arena *);

struct bt_str bt_token_of_name(
    const unsigned char name[static BT_NAME_BYTES], struct bt_arena *);

/*
 * Which form a text has; -EBADMSG when it is none.  It takes a constant time
 * for what matters: the seal, compared by libsodium.
 */
int bt_token_form(struct bt_str text);

/*
 * Opens a sealed one.
 *
 * Returns:   0 with the record's bytes, the arena's; -EBADMSG: it is altered,
 *            of another application, or of a key that we do not have.
 */
int bt_token_open(const struct bt_keys *, uint32_t app, struct bt_str text,
    struct bt_arena *, struct bt_str *ret);

/* 0; -EBADMSG. */
int bt_token_read_name(
    struct bt_str text, unsigned char ret[static BT_NAME_BYTES]);

#endif
