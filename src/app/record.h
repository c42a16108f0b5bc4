#ifndef BT_APP_RECORD_H
#define BT_APP_RECORD_H

/*
 * A continuation as bytes: what every store keeps, and a sealed URL has in it.
 * No I/O, no state.
 */

#include "base/buf.h"

/* Only the first who resumes it does. */
#define BT_RECORD_ONCE 1u
/* Only a client with the right cookie does. */
#define BT_RECORD_BOUND 2u
#define BT_RECORD_FLAGS (BT_RECORD_ONCE | BT_RECORD_BOUND)

#define BT_RECORD_STATE_MAX (60 * 1024)
/* What encoding adds to the state at most. */
#define BT_RECORD_OVERHEAD 64

struct bt_record {
	uint32_t app;    /* bt_library_id() of the application's name */
	uint32_t resume; /* … of the function's */
	uint8_t version; /* of the state */
	uint8_t flags;
	uint32_t generation;   /* of the conversation, when it was made */
	uint64_t conversation; /* random */
	int64_t expires_s;     /* since 1970 */
	uint64_t bound;        /* BOUND: a keyed hash of the cookie */
	uint64_t salt;         /* ONCE: random, so that each is another one */
	struct bt_str state;
};

/* Appends it.  The state is at most BT_RECORD_STATE_MAX. */
void bt_record_encode(const struct bt_record *, struct bt_buf *);

/*
 * Reads all of the bytes as one record.
 *
 * Returns:   0 with `*ret`; -EBADMSG.
 * Ownership: the state points into the bytes.
 */
int bt_record_decode(struct bt_str bytes, struct bt_record *ret);

#endif
