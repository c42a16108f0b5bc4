#ifndef BT_TORTURE_TUNNEL_H
#define BT_TORTURE_TUNNEL_H

/*
 * Clients of kind `tunnel`: each asks for another protocol, and from then on
 * what it sends must come back, every byte once and in order, whatever happens
 * between it and the origin.
 */

#include "tests/torture/client.h"

void tunnels_start(unsigned n, const struct client_field *, uint64_t seed);

/* No new ones; those that are open end when all has come back. */
void tunnels_finish(void);
unsigned tunnels_left(void);

void tunnels_print(void);

#endif
