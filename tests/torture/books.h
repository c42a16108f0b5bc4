#ifndef BT_TORTURE_BOOKS_H
#define BT_TORTURE_BOOKS_H

/*
 * What has to be as before when all clients have left: the ledger, the
 * master's descriptors and memory, the number of its workers.  baton alone.
 */

#include "tests/torture/server.h"

/* Right after the start. */
void books_open(const struct server *);

/* All clients have left: waits until all is as before, or says what is not. */
void books_close(const struct server *);

#endif
