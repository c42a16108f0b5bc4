#ifndef BT_TORTURE_GENERATION_H
#define BT_TORTURE_GENERATION_H

/*
 * The confs that the server was given, numbered; which one may answer a
 * request that begins now; and the processes of the old ones, how long they
 * stay.
 */

#include <stdint.h>
#include <sys/types.h>

/* What is forgiven between a verdict and the request that must feel it. */
void generation_set_grace(int64_t us);

/* The number for the next conf, from 1 on. */
unsigned generation_next(void);

/* A reload begins: all workers that there are now are old ones, once it is
 * taken. */
void generation_begin(pid_t master);

/* The server said that it is in force; forgets generation_begin() if not. */
void generation_taken(unsigned number);
void generation_refused(void);

/* A request that begins now must be answered by that one or a newer. */
unsigned generation_required(void);

/* Processes of old generations that still run. */
unsigned generation_old_left(void);

/* How long it took until the last of an old generation was gone. */
void generation_print(void);

#endif
