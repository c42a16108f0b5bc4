#ifndef BT_MASTER_RESCUE_H
#define BT_MASTER_RESCUE_H

/*
 * Rescue after a crash, as the master sees it: the guard of a worker that died
 * hands back what can be saved, as the worker would have at a reload, while the
 * slot has its successor already.  When the guard has ended, what is not back
 * has ended with the worker.  Context: master, on the loop.
 */

#include "master/slot.h"

/*
 * The worker of the slot has ended with so many connections open; its guard is
 * at work.
 */
void bt_rescue_begin(
    struct bt_slot *, pid_t guard, pid_t worker, uint64_t open);

/* Connections that came from a guard of the slot.  The descriptors are taken.
 */
void bt_rescue_take(struct bt_slot *, struct bt_handover *, size_t n);

/* The master is told to stop: what these guards lose was lost before. */
void bt_rescue_note_stop(struct bt_slots *);

/* Reaps guards that have ended. */
void bt_rescue_reap(struct bt_slots *);

/* Ends the guards that are still at work, and settles: before an upgrade. */
void bt_rescue_finish(struct bt_slots *);

/* Ends all guards: the master ends, and its workers have. */
void bt_rescue_fini(struct bt_slots *);

/* Ends a guard, if there is one and it is one of our children, and waits for
 * that. */
void bt_rescue_end(pid_t guard);

#endif
