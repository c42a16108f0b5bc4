#ifndef BATON_REQUEST_H
#define BATON_REQUEST_H

/*
 * Reading a request.  All texts end with NUL, contain none, and are valid until
 * the exchange ends; a function that finds nothing returns NULL, and a value
 * which has a NUL in it is not found.  Context: worker, on the loop.
 */

#include <baton/app.h>

/* `GET`, as it was sent. */
BATON_API const char *baton_method(struct baton_exchange *);

/* The request target as it was sent (RFC 9112, 3.2). */
BATON_API const char *baton_target(struct baton_exchange *);

/*
 * The path: decoded, slashes merged, dot segments resolved; begins with a
 * slash.  The whole one, and what is behind the path of the conf's route.
 */
BATON_API const char *baton_path(struct baton_exchange *);
BATON_API const char *baton_rest(struct baton_exchange *);

/* A parameter of the route's pattern. */
BATON_API const char *baton_param(struct baton_exchange *, const char *name);

/* The first value of that name in the query, decoded. */
BATON_API const char *baton_query(struct baton_exchange *, const char *name);

/*
 * The value of a field, the name in any case; of several lines the first.
 * baton_field_next() goes through all lines: `*at` begins with 0.
 */
BATON_API const char *baton_field(struct baton_exchange *, const char *name);
BATON_API const char *baton_field_next(
    struct baton_exchange *, const char *name, unsigned *at);

/* The value of a cookie (RFC 6265, 5.4). */
BATON_API const char *baton_cookie(struct baton_exchange *, const char *name);

/* Who is asked, without port; "" when a request of HTTP/1.0 names nobody. */
BATON_API const char *baton_host(struct baton_exchange *);

/* `http`, or `https` where a trusted proxy says so. */
BATON_API const char *baton_scheme(struct baton_exchange *);

/* The client's address, without port; behind a trusted proxy: who it names. */
BATON_API const char *baton_client(struct baton_exchange *);

/* Who has proved to be that (basic_auth). */
BATON_API const char *baton_user(struct baton_exchange *);

/* The $request_id of logs and error pages. */
BATON_API const char *baton_request_id(struct baton_exchange *);

/*
 * The content of a BATON_CONTENT_WHOLE route, `*n` bytes of it with a NUL
 * behind; "" without any.
 */
BATON_API const char *baton_content(struct baton_exchange *, size_t *n);

/*
 * BATON_CONTENT_STREAM: the piece being looked at is the last for now; the
 * client's sending is held up, not our memory.  baton_content_go_on() ends
 * that.
 */
BATON_API void baton_content_pause(struct baton_exchange *);
BATON_API void baton_content_go_on(struct baton_exchange *);

#endif
