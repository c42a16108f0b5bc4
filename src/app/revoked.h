#ifndef BT_APP_REVOKED_H
#define BT_APP_REVOKED_H

/*
 * What must not be followed any more though it was made by us: conversations
 * that went on or ended, and continuations for once that were used.  A bounded
 * table, which never forgets too early: where it has no room left, it refuses
 * what it cannot tell from something revoked.
 *
 * Context: workers, with the lock of the segment held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bt_revoked;

size_t bt_revoked_bytes(void);

/*
 * What is known of a key: 0 when nothing is.
 *
 * `expires_s` is that of what is asked about: UINT32_MAX is the answer when
 * such a one may have been revoked, and forgotten.
 */
uint32_t bt_revoked_value(
    struct bt_revoked *, uint64_t key, int64_t expires_s, int64_t now_s);

/*
 * Sets it.  Nothing that it is about lives longer than until `until_s`, so it
 * may be forgotten then.
 */
void bt_revoked_set(struct bt_revoked *, uint64_t key, uint32_t value,
    int64_t until_s, int64_t now_s);

#endif
