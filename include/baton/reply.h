#ifndef BATON_REPLY_H
#define BATON_REPLY_H

/*
 * Answering.  An answer is described by one call of baton_reply…(), the last
 * one counts; Date, Server, Content-Length and Connection are baton's.  A
 * `type` is a Content-Type, NULL for none.  Context: worker, on the loop.
 *
 * An exchange for which answer() has returned without an answer, and without
 * anything that brings one later (work.h), is answered with 500.
 */

#include <baton/app.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes; copied. */
BATON_API void baton_reply(struct baton_exchange *, unsigned status,
    const char *type, const void *bytes, size_t n);

/* The same, not copied: they stay as they are until the exchange ends. */
BATON_API void baton_reply_static(struct baton_exchange *, unsigned status,
    const char *type, const void *bytes, size_t n);

/* Text, HTML, JSON: UTF-8; copied. */
BATON_API void baton_reply_text(
    struct baton_exchange *, unsigned status, const char *text);
BATON_API void baton_reply_html(
    struct baton_exchange *, unsigned status, const char *html);
BATON_API void baton_reply_json(
    struct baton_exchange *, unsigned status, const char *json);

/*
 * What was printed so far by baton_print…(), which append to one text of the
 * exchange; _html and _json escape what stands between tags or in quotes, so
 * that nothing from outside is more than text.
 */
BATON_API void baton_print(struct baton_exchange *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
BATON_API void baton_print_html(struct baton_exchange *, const char *text);
BATON_API void baton_print_json(struct baton_exchange *, const char *text);
BATON_API void baton_reply_printed(
    struct baton_exchange *, unsigned status, const char *type);

/*
 * A part of an open file, sent from the kernel's memory.
 * Ownership: takes the descriptor, also when it fails.
 */
BATON_API void baton_reply_file(struct baton_exchange *, unsigned status,
    const char *type, int *fd, uint64_t offset, uint64_t length);

/* 301, 302, 303, 307 or 308 to that URI reference. */
BATON_API void baton_reply_redirect(
    struct baton_exchange *, unsigned status, const char *location);

/* baton's page for a status of 400 or more, or the conf's error_page. */
BATON_API void baton_reply_error(struct baton_exchange *, unsigned status);

/* 503 with Retry-After. */
BATON_API void baton_reply_busy(struct baton_exchange *);

/*
 * Adds a field; of an answer that was described or will be.
 *
 * Returns: 0; -EINVAL when it could not stand in a head (a name that is no
 *          token, a control byte in the value) or is baton's own; -ENOBUFS when
 *          the fields are past 32 KiB.  Then nothing was added.
 */
BATON_API int baton_reply_field(
    struct baton_exchange *, const char *name, const char *value);

struct baton_cookie {
	const char *name, *value;
	const char *path, *domain; /* NULL: none */
	long max_age_s;            /* 0: of the session; less: deleted */
	bool secure, http_only;
	const char *same_site; /* "Strict", "Lax", "None"; NULL: none */
};

/* Adds Set-Cookie (RFC 6265, 4.1).  0; -EINVAL as above. */
BATON_API int baton_reply_cookie(
    struct baton_exchange *, const struct baton_cookie *);

/* The status of the answer, 0: none yet; and another one. */
BATON_API unsigned baton_reply_status(struct baton_exchange *);
BATON_API void baton_reply_set_status(struct baton_exchange *, unsigned status);

/*
 * Content that is made while it is sent: `pull` is called when the client has
 * room, never ahead of it.
 *
 * It returns bytes written to `out` (1..room), 0 at the end, -EAGAIN when there
 * is nothing yet (called again after baton_go_on()), or another negative errno,
 * which cuts the answer so that it cannot seem whole.  A length that is known
 * becomes Content-Length; BATON_LENGTH_UNKNOWN is sent in chunks.
 */
typedef ssize_t baton_pull_fn(
    struct baton_exchange *, void *arg, char *out, size_t room);
#define BATON_LENGTH_UNKNOWN UINT64_MAX
BATON_API void baton_reply_stream(struct baton_exchange *, unsigned status,
    const char *type, uint64_t length, baton_pull_fn *, void *arg);

/*
 * Server-sent events (text/event-stream): begins them, then sends one, now or
 * later: `event` and `id` may be NULL, lines of `data` are told apart.  The
 * answer ends when baton_events_end() is called or the client goes.
 *
 * Returns: 0; -EAGAIN when the client is behind by more than 256 KiB: the event
 *          was not taken; -EINVAL for an LF in `event` or `id`; -EPIPE when no
 *          events were begun, or they have ended.
 */
BATON_API void baton_reply_events(struct baton_exchange *);
BATON_API int baton_event(struct baton_exchange *, const char *event,
    const char *id, const char *data);
BATON_API void baton_events_end(struct baton_exchange *);

#endif
