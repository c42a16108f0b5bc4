#ifndef BT_APP_KEYS_H
#define BT_APP_KEYS_H

/*
 * The keys of continuations: the first one seals, all of them open, so that
 * they can be changed.  Read by the master, with the conf; workers have them by
 * fork.
 */

#include "base/buf.h"

#define BT_KEYS_MAX 16
#define BT_KEY_BYTES 32

struct bt_key {
	uint8_t id; /* stands in tokens */
	unsigned char seal[BT_KEY_BYTES];
	unsigned char name[BT_KEY_BYTES]; /* of records, by what is in them */
	unsigned char bind[BT_KEY_BYTES]; /* to cookies */
};

struct bt_keys {
	unsigned n;
	struct bt_key all[BT_KEYS_MAX];
};

/* Once in a process, before anything else here.  0; -ENOSYS. */
int bt_keys_init(void);

/* The one key that is made of that secret. */
void bt_keys_of(
    struct bt_keys *, const unsigned char secret[static BT_KEY_BYTES]);

/*
 * Reads a file: a key on each line, 32 bytes as 64 hex digits or as base64;
 * empty lines and those that begin with # are left out.
 *
 * Returns: 0; negative errno, and `why` has a line for people, without LF.
 */
int bt_keys_read(struct bt_keys *, const char *path, struct bt_buf *why);

/* The key of that id, or NULL. */
const struct bt_key *bt_keys_find(const struct bt_keys *, uint8_t id);

/* A name for bytes, which nobody can make without the key. */
#define BT_NAME_BYTES 16
void bt_keys_name(const struct bt_keys *, struct bt_str bytes,
    unsigned char out[static BT_NAME_BYTES]);

/* What stands for a cookie's value in a record of the key. */
uint64_t bt_keys_bind(const struct bt_key *, struct bt_str value);

#endif
