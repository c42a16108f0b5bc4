#ifndef BT_APP_ORDER_H
#define BT_APP_ORDER_H

/*
 * For memory that outlives the process which changes it, as that may be killed
 * between any two stores.
 */

#include <stdatomic.h>

/*
 * What stands before it is in memory before what stands behind it, for whoever
 * repairs.  The kernel orders the processors when a process has died; without
 * this a compiler moves stores, and leaves out those that only the dead would
 * have shown.
 *
 * Context: worker, on the loop or an offload thread, with the lock held.
 */
static inline void
bt_in_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

#endif
