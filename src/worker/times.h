#ifndef BT_WORKER_TIMES_H
#define BT_WORKER_TIMES_H

/*
 * How long answers take, for the histograms of the scoreboard.  Answers that go
 * out with one send have their times together, and the clock is read once for
 * them.  Context: worker, on the loop.
 */

#include <stddef.h>
#include <stdint.h>

struct bt_baton;
struct bt_conn;
struct bt_worker;

/* Answers in a connection's output whose exchanges began at the same time. */
struct bt_times {
	int64_t begun_us;
	uint32_t heads; /* that wait for their first byte to be sent */
	uint32_t ends;  /* that wait for their last one */
};

/* The head of the exchange's answer is in the output. */
void bt_times_head(struct bt_conn *);

/* The exchange's answer is over: in the output, or sent already. */
void bt_times_end(struct bt_conn *);

/* Something was sent: reads the clock, and counts what is out by now. */
void bt_times_sent(struct bt_conn *);

/* The connection was taken: how long has it waited for that? */
void bt_times_taken(struct bt_worker *, const struct bt_baton *);

#endif
