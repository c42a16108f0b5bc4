#ifndef BT_APP_MEMORY_H
#define BT_APP_MEMORY_H

/*
 * The store in memory, shared by all workers.  Records stand one behind the
 * other in a ring, the oldest is at its tail; what was looked at since it was
 * written is written again before it would go (least recently used goes first).
 *
 * Context: workers, with the lock of the segment held, but for the bounds.
 */

#include "app/keys.h"

struct bt_memory;

/* Of the whole of it: as much as may ever be asked for, used or not. */
#define BT_MEMORY_MAX (8ULL * 1024 * 1024 * 1024)
size_t bt_memory_bytes(void);

void bt_memory_init(struct bt_memory *);

/*
 * From now on at most so many bytes for records.  What has them stays until its
 * place is needed.
 */
void bt_memory_set_limit(struct bt_memory *, uint64_t bytes);

/*
 * Keeps bytes under a name until then; the same under the same name once.
 *
 * With `spills` nothing that still may be asked for makes way unless it is
 * somewhere else by now (bt_memory_spilled()).
 *
 * Returns: 0; -ENOSPC; -E2BIG when it is larger than a quarter of the store.
 */
int bt_memory_put(struct bt_memory *,
    const unsigned char name[static BT_NAME_BYTES], struct bt_str bytes,
    int64_t expires_s, int64_t now_s, bool spills);

/*
 * Appends what is kept under the name.
 *
 * Returns: 0; -ENOENT.
 */
int bt_memory_get(struct bt_memory *,
    const unsigned char name[static BT_NAME_BYTES], int64_t now_s,
    struct bt_buf *ret);

/* Forgets it.  0; -ENOENT. */
int bt_memory_remove(
    struct bt_memory *, const unsigned char name[static BT_NAME_BYTES]);

/* A record on its way to the next store. */
struct bt_memory_victim {
	unsigned char name[BT_NAME_BYTES];
	int64_t expires_s;
	struct bt_str bytes; /* in the buffer */
	uint64_t at;
};

/* It is so full that the oldest ones should be elsewhere soon. */
bool bt_memory_is_high(const struct bt_memory *);

/*
 * Copies the oldest that are nowhere else, nor on their way there, up to `n` of
 * them and 1 MiB.  They stay where they are.
 *
 * Returns:   how many.
 * Ownership: bytes are `copy`'s.
 */
size_t bt_memory_victims(struct bt_memory *, int64_t now_s,
    struct bt_memory_victim *, size_t n, struct bt_buf *copy);

/* They are elsewhere now: they make way when room is needed. */
void bt_memory_spilled(
    struct bt_memory *, const struct bt_memory_victim *, size_t n);

/* They are not, after all: the next victims are from the oldest on again. */
void bt_memory_not_spilled(struct bt_memory *);

struct bt_memory_counts {
	uint64_t records, bytes; /* that are there; the ring's bytes in use */
	uint64_t lost;           /* made way and are nowhere else */
};
struct bt_memory_counts bt_memory_counts(const struct bt_memory *);

/* Makes it consistent after somebody died amid a change. */
void bt_memory_repair(struct bt_memory *);

#endif
