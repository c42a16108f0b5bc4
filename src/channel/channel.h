#ifndef BT_CHANNEL_CHANNEL_H
#define BT_CHANNEL_CHANNEL_H

/*
 * Batons over a UNIX socketpair (SOCK_SEQPACKET): the one place that knows
 * SCM_RIGHTS.  A baton is a connection's descriptor, a fixed record, and the
 * bytes already read from it; with an answer that is only file bytes by now,
 * also the file, with a tunnel its other end.  Dealing out and handing back are
 * the same message in opposite directions.
 */

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Descriptors in one message, so connections: the kernel's SCM_MAX_FD. */
#define BT_CHANNEL_BATCH_MAX 253
/*
 * Bytes already read that travel with one connection, at most: all that a
 * worker's buffer holds, so that none has to stay for what came with it.
 */
#define BT_BATON_BYTES_MAX (80 * 1024)

enum bt_message {
	BT_MESSAGE_HANDOVER, /* connections, either way */
	BT_MESSAGE_ROOM,   /* worker: a connection of a full slot was closed */
	BT_MESSAGE_DRAIN,  /* master: finish what you have, then exit */
	BT_MESSAGE_RETIRE, /* master: hand back what you have, then exit */
	BT_MESSAGE_PARK,   /* master: the same, but finish every answer */
	BT_MESSAGE_RETIRING, /* worker: no request begins here any more */
	BT_MESSAGE_LOGS,     /* master: descriptors of the logs, reopened */
	/* master: hand back idle ones, as many as the slot says; worker: done
	 */
	BT_MESSAGE_SHED,
	BT_MESSAGE_RESCUE, /* guard: connections of its worker, who died */
	BT_MESSAGES,
};

enum bt_baton_flag {
	BT_BATON_FILE = 1,  /* it is being answered, and file bytes are left */
	BT_BATON_LAST = 2,  /* that is the last answer on it */
	BT_BATON_TAKEN = 4, /* a worker has had it before */
	/* its PROXY header was read: its client is whom that named */
	BT_BATON_PROXIED = 8,
	BT_BATON_PROXY_DUE = 16, /* with a worker: that is awaited */
	BT_BATON_TUNNEL = 32,    /* it is the client's end of one */
	/* its request comes again, whole, as no server could be reached yet */
	BT_BATON_HELD = 64,
	/* those with which a second descriptor travels */
	BT_BATON_PAIR = BT_BATON_FILE | BT_BATON_TUNNEL,
};

/*
 * What is known of a connection besides its descriptor; copied as it is.  Each
 * open connection has two, with its worker and with the guard, so what only a
 * connection on its way has is in struct bt_handover.
 */
struct bt_baton {
	int64_t accepted_us; /* bt_clock_us() of the accept */
	uint64_t id;         /* the master's number of it, from 1 */
	uint32_t requests;   /* answered on it so far */
	uint32_t bytes;      /* already read, travelling with it */
	uint16_t listen;     /* index into bt_conf.listens */
	uint16_t family;     /* AF_INET, AF_INET6, AF_UNIX */
	uint16_t port;       /* the client's, host order */
	uint16_t flags;      /* enum bt_baton_flag */
	uint8_t host[16];    /* the client's address, network order */
	uint32_t seat;       /* scoreboard/seats.h; 0: none */
	uint32_t with_fd;    /* of a tunnel, and only where the guard has it */
};

/* Whether a second descriptor travels with it: the handover's `with_fd`. */
static inline bool
bt_baton_is_pair(const struct bt_baton *b)
{
	return (b->flags & BT_BATON_PAIR) != 0;
}

/* What is known of one that is amid something, by its flags. */
union bt_amid {
	struct { /* FILE: what is still to be sent */
		uint64_t offset, rest;
	} file;
	struct {
		int64_t idle_ms; /* it ends when nothing passes for so long */
		uint32_t
		    up_bytes;    /* for the server; the rest is the client's */
		uint32_t origin; /* bt_origin_id() of the server */
	} tunnel;
	struct {
		int64_t begun_us; /* when the request came first */
	} held;
	uint64_t words[2]; /* as it travels */
};

struct bt_handover {
	int fd;
	int with_fd; /* the file, or the server's end; owned like fd */
	struct bt_baton baton;
	union bt_amid amid;
	const char *bytes; /* baton.bytes of them; NULL when none */
};

/* Closes its descriptors. */
void bt_handover_close(struct bt_handover *);

struct bt_channel; /* one end */

/*
 * Makes a connected pair, both ends close-on-exec and non-blocking.
 *
 * Returns:   0 with both ends, or negative errno.
 * Ownership: the caller's, bt_channel_free() each.
 */
int bt_channel_pair(struct bt_channel **ret_near, struct bt_channel **ret_far);

/* An end that another program made.  Ownership: takes the descriptor. */
struct bt_channel *bt_channel_adopt(int *fd);

/* Closes the end; accepts NULL. */
void bt_channel_free(struct bt_channel *);

/*
 * A number that is another one wherever messages look otherwise: who takes over
 * channels has to have the same.
 */
uint32_t bt_channel_layout(void);

/* For event loops; the channel keeps it. */
int bt_channel_fd(const struct bt_channel *);

/*
 * Sends the first `n` connections of `h` in one message, or as many of them as
 * fit into one (bytes count, and files).  Never blocks.  With BT_MESSAGE_LOGS
 * they are logs: `id` is bt_log_file_id() of an access log's path, 0 is the
 * error log.
 *
 * Returns:   how many were sent (1..n); negative errno, none: -EAGAIN full,
 *            -ETOOMANYREFS too many descriptors in flight, -EPIPE nobody there.
 * Units:     1 <= n <= BT_CHANNEL_BATCH_MAX.
 * Ownership: what was sent is the queue's, close your copies (after event_del:
 *            epoll keeps a registration while anybody holds the open file); the
 *            rest is yours.
 * Context:   master (deal) and worker (hand back), on the loop.
 */
int bt_channel_send(struct bt_channel *, enum bt_message,
    const struct bt_handover *h, size_t n);

/* How many of the first `n` that sends, if it sends any: at least one. */
size_t bt_channel_fit(const struct bt_handover *h, size_t n);

/* Sends a message without descriptors.  0, or negative errno as above. */
int bt_channel_notify(struct bt_channel *, enum bt_message);

/*
 * Receives one message.  Never blocks.
 *
 * Returns:   how many connections it brought, with the
 *            kind in `*ret_message`; -EAGAIN none there; -EPIPE the other end
 *            is gone; -EBADMSG malformed or truncated: what did arrive was
 *            closed, and `*ret_lost` says how many connections that cost.
 * Ownership: descriptors are the caller's, close-on-exec; `bytes` points into
 *            the channel until the next bt_channel_recv() on it.
 * Context:   worker (take), master (handed back, or undelivered messages taken
 *            out of the far end).
 */
int bt_channel_recv(struct bt_channel *,
    struct bt_handover h[static BT_CHANNEL_BATCH_MAX],
    enum bt_message *ret_message, unsigned *ret_lost);

/* Between a baton's address and a socket address. */
void bt_baton_set_peer(struct bt_baton *, const struct bt_addr *);
void bt_baton_peer(const struct bt_baton *, struct bt_addr *ret);

#endif
