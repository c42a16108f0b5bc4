#ifndef BT_APP_CHAIN_H
#define BT_APP_CHAIN_H

/*
 * Continuations and their stores, as a worker has them: from a record to the
 * token that stands for it, and back.  Worker, on the loop.
 */

#include "app/disk.h"
#include "app/record.h"
#include "app/shared.h"
#include "base/arena.h"
#include "handlers/handler.h"

#include <baton/app.h>

struct bt_stores;

/* Of the conf that the services have, which has applications. */
struct bt_stores *bt_stores_new(const struct bt_services *);
void bt_stores_free(struct bt_stores *);

/* Now and then: what has expired on disk goes, and counters are set. */
void bt_stores_tick(struct bt_stores *);

const struct bt_keys *bt_stores_keys(const struct bt_stores *);
/* The store on disk, NULL: none.  For offload threads. */
struct bt_disk *bt_stores_disk(const struct bt_stores *);

/* What has still to be written before the token may be given away. */
struct bt_chain_write {
	bool needed;
	struct bt_disk_record record; /* its bytes are the arena's */
};

/*
 * Keeps a record in the first store of the scope's chain that can take it.
 *
 * Returns:   0 with the token, the arena's, and whether it has to be written;
 *            -ENOSPC when no store can.
 */
int bt_chain_put(struct bt_stores *, const struct bt_conf_scope *,
    const struct bt_record *, struct bt_arena *, struct bt_str *ret_token,
    struct bt_chain_write *ret_write);

/* What a token led to. */
struct bt_chain_found {
	struct bt_record record;           /* of bytes of the arena's */
	unsigned char name[BT_NAME_BYTES]; /* of those bytes */
	bool kept;                         /* in a store, under that name */
};

/*
 * Finds the record of a token.
 *
 * Returns: 0; -EAGAIN: perhaps it is on disk, under `ret->name`, where a thread
 *          has to look; -EBADMSG: it is no token of that application; -ENOENT;
 *          -EALREADY: it was for once, and was used.
 */
int bt_chain_get(struct bt_stores *, uint32_t app, struct bt_str token,
    struct bt_arena *, struct bt_chain_found *ret);

/* The name is of one that was for once, and was used. */
bool bt_chain_is_used(
    struct bt_stores *, const unsigned char name[static BT_NAME_BYTES]);

/* bt_chain_get() for bytes that were read from the disk. */
int bt_chain_decode(uint32_t app, struct bt_str bytes, struct bt_arena *,
    struct bt_chain_found *ret);

/*
 * Whether what was found may be followed now; one for once is used up by that.
 *
 * Returns: 0; or a negative enum baton_lost, minus one.
 */
int bt_chain_follow(struct bt_stores *, const struct bt_chain_found *);

/*
 * Ends what a conversation has had so far, up to the generation.
 *
 * Returns: the generation of what it has from now on.
 */
uint32_t bt_chain_revoke(
    struct bt_stores *, uint64_t conversation, uint32_t generation);

#endif
