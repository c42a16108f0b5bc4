#ifndef BT_APP_SHARED_H
#define BT_APP_SHARED_H

/*
 * What the workers of all generations share for continuations: one segment of
 * memory, which the master makes before the first fork and keeps across reload
 * and upgrade.  It holds a key, what was revoked, and the store in memory; one
 * lock is for all of it, held for microseconds.
 */

#include "app/keys.h"

#include <pthread.h>
#include <stdatomic.h>

struct bt_memory;
struct bt_revoked;

struct bt_shared {
	uint32_t magic, version;
	uint64_t bytes;
	unsigned char secret[BT_KEY_BYTES]; /* for who has no key file */
	pthread_mutex_t lock;               /* robust */
	/* the longest that a continuation was made for, seconds */
	_Atomic uint32_t lifetime_max_s;
	_Atomic uint64_t repairs; /* after who died with the lock */
	/* of the disk store: files there are, and what they take */
	_Atomic uint64_t disk_files, disk_bytes;
	uint64_t revoked_at, memory_at; /* offsets into the segment */
};

/*
 * Makes a segment.
 *
 * Returns:   0 with `*ret` and the descriptor, close-on-exec; negative errno.
 * Ownership: the caller's, bt_shared_close(); the memory is there only where it
 *            was touched.
 * Context:   master, before it forks.
 */
int bt_shared_new(struct bt_shared **ret, int *ret_fd);

/*
 * Maps the one that another program has made.  -EPROTO: it has another layout.
 */
int bt_shared_open(int fd, struct bt_shared **ret);
void bt_shared_close(struct bt_shared *);

/*
 * The lock.  Who gets it after somebody died with it repairs first what may be
 * half done.
 */
void bt_shared_lock(struct bt_shared *);
void bt_shared_unlock(struct bt_shared *);

struct bt_revoked *bt_shared_revoked(struct bt_shared *);
struct bt_memory *bt_shared_memory(struct bt_shared *);

#endif
