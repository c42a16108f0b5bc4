#ifndef BT_HANDLERS_FETCH_H
#define BT_HANDLERS_FETCH_H

/*
 * Bringing a part of a file into memory beside the loop, for an exchange that
 * sends it next.
 */

#include "handlers/reply.h"

/*
 * Begins it; the exchange goes on when it is done, as its `ready` says then:
 * sent + n.  Where there is too much to do already that is so at once, and who
 * reads waits for the disk after all.  `fd` is borrowed.
 *
 * Context: worker, on the loop; the exchange has no other work under way.
 */
void bt_fetch_start(struct baton_exchange *, int fd, uint64_t offset, size_t n);

#endif
