#ifndef BT_PROXY_PROXYING_H
#define BT_PROXY_PROXYING_H

/*
 * One exchange on its way through another server:
 *
 *   HELD ──▶ CONNECT ──▶ DOUBT ──▶ ASK ──▶ ANSWER ──▶ OVER
 *     ▲─────────┴──────────┴────────┘
 *
 * What was not sent may be tried again, on the same server or another one; what
 * was sent only where its method is idempotent and nothing of an answer came
 * (RFC 9110, 9.2.2).  So nothing is taken from the client before there is a
 * connection for it, but what may be held (holding.h), and what was taken is
 * kept until the answer begins, as far as a block has room.  Context: worker,
 * on the loop.
 */

#include "http/response.h"
#include "proxy/upstream.h"

enum bt_proxy_step {
	BT_PROXY_HELD,    /* no server yet */
	BT_PROXY_CONNECT, /* to one of them */
	BT_PROXY_DOUBT,   /* connected: it is seen whether that lasts */
	BT_PROXY_ASK,     /* the request goes out, the answer is waited for */
	BT_PROXY_ANSWER,  /* the answer's content comes */
	BT_PROXY_OVER,    /* it has come, or we gave up */
};

/* Bytes that wait: data[at..end), of a block. */
struct bt_proxy_bytes {
	char *data;
	uint32_t at, end;
};

struct bt_spool;

/* Content that was taken while it waited: bt_holding's. */
struct bt_proxy_held {
	struct bt_spool *spool; /* NULL: none */
	uint64_t bytes;         /* in it */
	bool over;              /* the content ends behind them */
};

struct bt_proxying {
	struct baton_exchange *x;
	struct bt_upstream *upstream;
	const struct bt_conf_proxy *conf;
	struct bt_link *link; /* CONNECT, DOUBT, ASK, ANSWER */
	enum bt_proxy_step step;
	TAILQ_ENTRY(bt_proxying) held_next;
	/* bt_upstream's: it is in the queue; ever was; is counted as one that
	 * waits; has a claim (standing.h), of that epoch */
	bool is_held, was_held, waits, claimed;
	uint32_t epoch;
	bool for_refused;       /* it is the error page of what was refused */
	bool for_page;          /* an error page: it has no content */
	bool repeatable;        /* its method is idempotent */
	bool has_failed;        /* a connection did, since it waited */
	bool timed_out;         /* the last one that did, by that */
	bool head_made;         /* the request's is in `out` */
	unsigned broken_n;      /* connections, after it was sent on them */
	bool hinted;            /* an interim answer came */
	bool sent;              /* a byte of the request */
	bool lost;              /* bytes of `out` that were sent are gone */
	bool chunked;           /* its content, on the way to the server */
	bool complete;          /* all of it is in `out` */
	bool wants_more;        /* of the answer: the client has taken all */
	bool filled;            /* by the last read: junk may lie behind it */
	uint64_t tried;         /* origins, in this round */
	int64_t until_ms;       /* it is held no longer than that */
	struct bt_str upgrade;  /* protocols that it asks to switch to */
	struct bt_spool *spool; /* `buffering on`, in ANSWER and OVER */
	int broken;             /* behind what is in it: negative errno */
	struct bt_proxy_held held;
	struct bt_proxy_bytes out, in;
	struct bt_head_scan scan; /* of the answer's head in `in` */
	struct bt_parser parser;  /* of the answer */
	struct bt_response response;
	struct bt_end end;
};

/* Asked twice it does the same as once (RFC 9110, 9.2.2). */
bool bt_proxying_is_repeatable(enum bt_method);

/* The link has events: sets the exchange going. */
void bt_proxying_on_event(struct bt_proxying *, short events);

/* Begins, or begins again: on the first server that can be connected to. */
void bt_proxying_try(struct bt_proxying *);

/* It was held for long enough: answers 502 or 504, and sets it going. */
void bt_proxying_give_up(struct bt_proxying *);

/*
 * Amid an answer that is buffered: no more of it will come.  Says what the
 * server did; the client gets what there is, and then the cut.
 */
void bt_proxying_break_off(struct bt_proxying *, int error, const char *what);

/* What was held of the content is gone: 500, or the answer is cut. */
void bt_proxying_lose(struct bt_proxying *, int error);

/*
 * Sends what is in `out`, as far as the server takes it.
 *
 * Returns: false where that is not all, or the link is broken.
 */
bool bt_proxying_flush(struct bt_proxying *);

/* All of the answer has come: gives the link back, unless `junk` follows. */
void bt_proxying_finish(struct bt_proxying *, bool junk);

/* Room behind the bytes in `out`, and `reserve` more; 0 when there is none. */
size_t bt_proxying_room(struct bt_proxying *, size_t reserve);

#endif
