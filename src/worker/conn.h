#ifndef BT_WORKER_CONN_H
#define BT_WORKER_CONN_H

/*
 * A connection, from the moment it is taken from the channel to its close.
 *
 *   IDLE ──▶ HEAD ──▶ CONTENT ◀──▶ WORK, HELD ◀──▶ SEND ──▶ IDLE …
 *                                                    ├────▶ LINGER ──▶ CLOSED
 *                                                    └────▶ TUNNEL ──▶ CLOSED
 *
 * The phase says what the connection waits for, and so which timeout runs; all
 * that can be done without waiting is done at once, whatever the phase.
 * Context: worker, on the loop.
 */

#include "channel/channel.h"
#include "http/parser.h"
#include "scoreboard/scoreboard.h"
#include "worker/times.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

struct bt_tunnel;
struct bt_worker;
struct baton_exchange;

enum bt_conn_phase {
	BT_CONN_FRESH,   /* nothing has come yet: header_timeout */
	BT_CONN_IDLE,    /* between requests: keepalive_timeout */
	BT_CONN_HEAD,    /* a head has begun: header_timeout */
	BT_CONN_CONTENT, /* the client's content: body_timeout */
	BT_CONN_WORK,    /* our work beside the loop: worker_timeout */
	BT_CONN_HELD,    /* the application: as long as its client stays */
	BT_CONN_SEND,    /* the client's receiving: send_timeout */
	BT_CONN_LINGER,  /* our side is closed, the client's is read away */
	BT_CONN_TUNNEL,  /* no HTTP any more, worker/tunnel.h: tunnel_timeout */
	BT_CONN_CLOSED,
	BT_CONN_PHASES,
};

/* Bytes that came and wait: data[at..end). */
struct bt_input {
	char *data;
	uint32_t at, end;
	uint32_t cap;  /* of data: the worker's buffer_bytes when borrowed */
	uint32_t keep; /* data[0..keep) is the head of the exchange */
};

/* Bytes that wait to be sent: data[at..end). */
struct bt_output {
	char *data;
	uint32_t at, end;
};

/* What a client has done for its deadline; see worker/pace.h. */
struct bt_window {
	uint32_t bytes;  /* CONTENT: came; SEND: went to the kernel */
	uint32_t unsent; /* SEND: what the kernel held when it began */
};

/*
 * What an idle one costs is this and the guard's record, and what libevent has
 * for a descriptor; the rest is borrowed from the worker.
 */
struct bt_conn {
	uint32_t magic;
	uint8_t phase;  /* enum bt_conn_phase */
	bool eof;       /* the client will send no more */
	bool last;      /* no request after the one in progress */
	bool linger;    /* the client may still be sending when we close */
	bool moved;     /* something got on since its deadline was set */
	uint8_t reason; /* enum bt_close_reason, once `last` */
	short watching; /* EV_READ, …: what the loop tells us of */
	int fd;
	struct bt_worker *worker;
	struct baton_exchange *x; /* NULL between requests */
	struct bt_input in;
	struct bt_output out;
	union {
		struct bt_head_scan scan; /* of the head that begins in it */
		int64_t linger_until_ms;  /* LINGER: no head is read */
		struct bt_tunnel *tunnel; /* TUNNEL */
	};
	int64_t deadline_ms;
	struct bt_window window; /* since that was set */
	TAILQ_ENTRY(bt_conn) phase_link;
	struct bt_times times;
	struct bt_baton baton;
	struct event event;
};

TAILQ_HEAD(bt_conn_list, bt_conn);

/*
 * Takes a connection over, reads from it at once, and answers what is there.
 * Ownership: takes the descriptor.
 */
void bt_conn_adopt(struct bt_worker *, struct bt_handover *);

/*
 * Closes it at once.  The connection is freed in the next turn of the loop:
 * callers up the stack may still look at it.
 */
void bt_conn_close(struct bt_conn *, enum bt_close_reason);

/*
 * It leaves the worker with its descriptor taken: nothing of it is watched any
 * more, and it is freed like one that is closed.
 */
void bt_conn_leave(struct bt_conn *);

/* No request after the one in progress; the first reason given stays. */
void bt_conn_set_last(struct bt_conn *, enum bt_close_reason);

/* Goes on with one whose reply has been described beside its callbacks. */
void bt_conn_resume(struct bt_conn *);

/* Acts on the connections whose phase has lasted too long. */
void bt_conn_expire(struct bt_worker *);

/* At a stop: closes those that are idle, and ends the others soon. */
void bt_conn_drain_all(struct bt_worker *);

/* Closes all, with that reason. */
void bt_conn_close_all(struct bt_worker *, enum bt_close_reason);

/* Frees those that were closed. */
void bt_conn_reap(struct bt_worker *);

/* Writes `conn 7 from 192.0.2.1`: for struct bt_log. */
void bt_conn_describe(const void *conn, char *out, size_t size);

#endif
