#ifndef BT_PROXY_SPOOL_H
#define BT_PROXY_SPOOL_H

/*
 * Bytes that come faster than they are taken: a bounded number of blocks in
 * memory, and behind those an unlinked file, written and read by the offload
 * threads.  First in, first out.  Context: worker, on the loop.
 */

#include "base/offload.h"
#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bt_spool;

/*
 * `wake` is called when something in it has moved: perhaps there is room, or
 * something to be taken.  Blocks are of `pool`, and have `block_bytes`.
 */
struct bt_spool *bt_spool_new(struct bt_offload *, struct bt_pool *,
    size_t block_bytes, void (*wake)(void *), void *arg);

/* Accepts NULL.  What a thread does for it ends for nobody. */
void bt_spool_free(struct bt_spool *);

/* Where the next bytes may be put, at most `*ret_n`; NULL: it is full. */
char *bt_spool_room(struct bt_spool *, size_t *ret_n);

/* `n` bytes were put there. */
void bt_spool_add(struct bt_spool *, size_t n);

/*
 * Begins to move what is in memory to the file, so that there is room again;
 * where that is not possible it stays full until something is taken.
 */
void bt_spool_spill(struct bt_spool *);

/*
 * Why there is no file: negative errno, once; 0: there may be one.  It goes on
 * with what it has in memory.
 */
int bt_spool_take_trouble(struct bt_spool *);

/*
 * Takes the next bytes.
 *
 * Returns: their number; 0 when it is empty; -EAGAIN when they are on their way
 *          to or from the file; another negative errno, they are lost.
 */
ssize_t bt_spool_take(struct bt_spool *, char *out, size_t room);

#endif
