#ifndef BT_HANDLERS_REPLY_H
#define BT_HANDLERS_REPLY_H

/*
 * An exchange, one request and its reply, as a handler sees it; and the ways
 * to describe the reply.  The description is data: the worker writes the head
 * and pulls the content at the speed of the client.
 */

#include "channel/channel.h"
#include "handlers/handler.h"
#include "http/parser.h"

#include <sys/types.h>

struct bt_conn;
struct bt_origin;
struct bt_work;

/*
 * Produces content for a stream.
 *
 * Returns: bytes written to `out` (1..room); 0 at the end, and then again if it
 *          is asked again; -EAGAIN when there
 *          is nothing yet (asked again after content(), content_end(), or
 *          when the exchange's work is done);
 *          another negative errno cuts the answer and the connection.
 */
typedef ssize_t bt_pull_fn(struct baton_exchange *, char *out, size_t room);

enum bt_body_kind {
	BT_BODY_NONE,
	BT_BODY_BYTES,
	BT_BODY_FILE,
	BT_BODY_STREAM,
	BT_BODY_TUNNEL, /* none: the connection becomes a tunnel behind 101 */
};

#define BT_LENGTH_UNKNOWN UINT64_MAX

struct bt_reply {
	unsigned status; /* 0: not described yet */
	enum bt_body_kind kind;
	bool close;      /* the connection ends with it */
	bool forwarded;  /* another server's: has Date and Server itself */
	bool says_fresh; /* has Cache-Control itself */
	bool is_page; /* ours, of bt_reply_error(): another may stand for it */
	struct bt_str page_fields; /* what any page for that error has to say */
	/*
	 * Whole lines, CRLF included, without Date, Server, Content-Length,
	 * Connection.  Valid until the exchange ends.
	 */
	struct bt_str fields;
	uint64_t length; /* of the content, BT_LENGTH_UNKNOWN for streams */
	/* BYTES, TUNNEL (what came behind the head): until the exchange ends */
	struct bt_str bytes;
	int fd; /* FILE: borrowed until then; TUNNEL: the server, owned */
	struct bt_origin *origin; /* TUNNEL: has it busy, or NULL */
	int64_t idle_ms;          /* TUNNEL: so long at most */
	uint64_t offset;          /* FILE: of its first byte */
	bt_pull_fn *pull;         /* STREAM */
	struct bt_str trailers;   /* lines behind its last chunk; set by pull */
	/* Called once when the exchange ends, however it ends; may be NULL. */
	void (*release)(void *);
	void *release_arg;
};

/* Who wants to know that an exchange has ended; of its arena. */
struct bt_end {
	struct bt_end *next;
	void (*fn)(struct baton_exchange *, enum baton_end, void *arg);
	void *arg;
};

/* An error for which the conf has a page of its own. */
struct bt_error {
	unsigned status;  /* 0: none */
	unsigned answers; /* with that status instead; 0: with its own */
	struct bt_str fields;
	bool close;
	bool over; /* the page is the reply, or could not be */
};

struct baton_exchange {
	const struct bt_services *services;
	const struct bt_route *route;
	void *state; /* the handler's, usually of the arena */
	bool wants_content;
	struct bt_str user; /* who has proved to be that (basic_auth) */
	/* those that it passes through (handlers/stage.h) */
	const struct bt_line *line;
	uint32_t stages; /* that are before it */
	uint32_t behind; /* its answer comes back through */
	void (*then)(struct baton_exchange *); /* what is behind them */
	bool stages_wait;
	bool leaves; /* it was answered: `stages` are those of its reply … */
	bool leave_waits;     /* … of which one says so */
	struct bt_work *work; /* beside the loop, which it waits for */
	struct bt_end *ends;  /* the last one first */
	/* it ends when the client goes away while it waits */
	bool watch_gone;
	/*
	 * Its handler only waits, and nobody has anything of it yet: where this
	 * worker retires, another one can begin it anew.
	 */
	bool may_move;
	struct bt_reply reply;
	struct bt_error error;
	struct bt_arena arena;
	/*
	 * The connection: its client, its number.  Behind a trusted proxy it is
	 * a copy that has the client which the proxy names.
	 */
	const struct bt_baton *baton;
	bool https;                  /* between that client and the proxy */
	const struct bt_baton *peer; /* the connection's own, always */
	struct bt_parser parser;
	struct bt_request request;

	/* the worker's part */
	struct bt_conn *conn;
	bool head_written, reply_over;
	bool content_begun, content_over, continue_sent;
	bool handed_over;     /* another worker began it */
	bool refused;         /* what its handler said does not count */
	bool again;           /* another worker had let it in, and gave it up */
	bool moves;           /* it ends, as another worker begins it anew */
	bool cut;             /* not answered, though over */
	int64_t begun_us;     /* its head was complete first: bt_clock_us() */
	uint32_t asked_bytes; /* of its head, in front of what `keep` says */
	uint64_t sent;        /* content bytes given to the output so far */
	uint32_t head_bytes;  /* of the answer */
	uint64_t ready;       /* FILE: so many are known to be in memory */
};

/* The reply is those bytes, with these fields; both borrowed. */
void bt_reply_bytes(struct baton_exchange *, unsigned status,
    struct bt_str fields, struct bt_str bytes);

/* The reply is that part of an open file. */
void bt_reply_file(struct baton_exchange *, unsigned status,
    struct bt_str fields, int fd, uint64_t offset, uint64_t length);

/* The reply's content is pulled; `length` or BT_LENGTH_UNKNOWN. */
void bt_reply_stream(struct baton_exchange *, unsigned status,
    struct bt_str fields, uint64_t length, bt_pull_fn *);

/*
 * 101: from then on bytes go between the client and the server, `behind` first;
 * it ends when none did for `idle_ms`.
 * Ownership: the descriptor and a busy one of `origin` (may be NULL) are the
 *            reply's; those that nobody took, bt_reply_on_release() has to end.
 */
void bt_reply_tunnel(struct baton_exchange *, struct bt_str fields,
    struct bt_str behind, int *server_fd, struct bt_origin *origin,
    int64_t idle_ms);

/* What to do when the exchange ends, e.g. give back a file. */
void bt_reply_on_release(struct baton_exchange *, void (*)(void *), void *arg);

/* Its Cache-Control is in its fields: the conf's is not added. */
void bt_reply_says_fresh(struct baton_exchange *);

/* Takes back what was described, and gives back what it holds. */
void bt_reply_drop(struct baton_exchange *);

/* A short page for a status of 300 or more, with extra fields (may be none). */
void bt_reply_error(
    struct baton_exchange *, unsigned status, struct bt_str fields);

/* 503 with Retry-After: there is too much to do already. */
void bt_reply_busy(struct baton_exchange *);

/* 405 with Allow for that set of methods. */
void bt_reply_not_allowed(struct baton_exchange *, unsigned methods);

/* 3xx with Location; the location is used as it is. */
void bt_reply_redirect(
    struct baton_exchange *, unsigned status, struct bt_str location);

/* `GET, HEAD, OPTIONS` for a set of methods, in the arena. */
struct bt_str bt_methods_format(unsigned methods, struct bt_arena *);

#endif
