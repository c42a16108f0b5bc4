#ifndef BT_TORTURE_ORIGIN_H
#define BT_TORTURE_ORIGIN_H

/*
 * The server behind `proxy`, in our own loop: it answers with content that the
 * client can check, echoes what comes through a tunnel, and now and then goes
 * away for a while, as an application does that is restarted: nobody listens
 * then, and connections that wait for a request are closed.  What was asked is
 * answered all the same, and tunnels stay.
 *
 *	GET /get/NUMBER/BYTES   content_fill() of them
 *	POST /post/NUMBER       its content; the same number twice fails the run
 *	Upgrade: …              101, then an echo
 */

#include <stdbool.h>
#include <stdint.h>

/* Listens.  Returns: its port on 127.0.0.1, which it keeps. */
unsigned origin_start(void);

/* From now on it goes away by the seed's schedule. */
void origin_begin_to_leave(uint64_t seed);
void origin_stay(void);

/* Tunnels that are open. */
unsigned origin_tunnels(void);

/* What it had to do. */
void origin_print(void);

#endif
