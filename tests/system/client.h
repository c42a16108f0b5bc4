#ifndef BT_TESTS_CLIENT_H
#define BT_TESTS_CLIENT_H

/*
 * An HTTP/1 client that trusts nobody: it sends the bytes it is given and
 * reads answers strictly.  What is wrong with an answer fails the test, with
 * the bytes in the message.  Every wait has a deadline.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

/* A reply as it was read; belongs to the client, until its next reply. */
struct reply {
	unsigned status;
	unsigned interim;    /* 1xx answers that came before it */
	unsigned trailers;   /* lines behind the last chunk */
	const char *head;    /* status line and fields, NUL-terminated */
	const char *content; /* chunking undone; a NUL behind it */
	size_t content_n;
	bool chunked, has_length, closes; /* Connection: close */
	size_t bytes;                     /* on the wire, all of it */
};

/* Takes a connected socket. */
struct client *client_new(int *fd);
/* Connects to `host` (numeric) and `port`. */
struct client *client_tcp(const char *host, unsigned port);
/* The same with a receive buffer of about `bytes`. */
struct client *client_tcp_narrow(const char *host, unsigned port, int bytes);
struct client *client_unix(const char *path);

void client_close(struct client *);
/* Closes with a reset. */
void client_reset(struct client *);
void client_close_all(void);

/* No more will be sent. */
void client_finish_sending(struct client *);

int client_fd(const struct client *);

/* Named in the message when something fails: a table's row. */
void client_set_context(const char *);

/*
 * Sends all, and reads what comes meanwhile into the client's buffer, so that
 * no two buffers can wait for each other.
 *
 * Returns: false when the peer did not take all of it: it closed or reset.
 */
bool client_send(struct client *, const void *, size_t n);
/* The same for text; the peer has to take it. */
void client_puts(struct client *, const char *text);

/*
 * Sends until the peer takes no more for `ms`, without reading.
 *
 * Returns: how many of the `n` bytes were sent.
 */
size_t client_push(struct client *, const void *, size_t n, int64_t ms);

/*
 * Reads the reply to a request with that method: all that is wrong with it
 * fails the test, as does the end of the connection.
 */
struct reply *client_read(struct client *, const char *method);

/* The same; NULL when the connection ended, or was reset, before a byte. */
struct reply *client_try_read(struct client *, const char *method);

/* Sends the text of a request (the first of it says the method) and reads. */
struct reply *client_ask(struct client *, const char *request);
/* The same, and wants that status. */
struct reply *client_expect(
    struct client *, const char *request, unsigned status);

/* GET `target` in HTTP/1.1; `fields` are lines, or "". */
struct reply *client_get(
    struct client *, const char *target, const char *fields);

/* Reads until `n` bytes are in the buffer; returns them; they stay. */
const char *client_peek(struct client *, size_t n);
/* Reads to the end of the connection; returns what came; it stays. */
const char *client_peek_all(struct client *, size_t *ret_n);
/* Bytes in the buffer, after reading what is there already. */
size_t client_waiting(struct client *);

/* Drops `n` bytes of the buffer, after reading until they are there. */
void client_skip(struct client *, size_t n);

/* Wants the end of the connection, in order, and not one byte before. */
void client_expect_eof(struct client *);
/* The same, but a reset will do. */
void client_expect_end(struct client *);

/* The value of a field, or NULL; fails when it stands there twice. */
const char *reply_field(const struct reply *, const char *name);
/* Wants a field and its value; NULL: wants none. */
void reply_wants(const struct reply *, const char *name, const char *value);
/* Wants that content. */
void reply_wants_content(const struct reply *, const void *, size_t n);
void reply_wants_text(const struct reply *, const char *);

#endif
