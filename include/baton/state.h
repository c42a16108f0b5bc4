#ifndef BATON_STATE_H
#define BATON_STATE_H

/*
 * The state of a continuation, written and read field by field.
 *
 * A state begins with the version of its schema, and each field says of what
 * type it is, so that state of an older application is recognised and migrated
 * or refused, never misread: a reader that asks for another type than was
 * written gets an error.  Two small numbers take 5 bytes.
 *
 *	struct baton_state_writer w;
 *
 *	baton_state_write(&w, x, 2);
 *	baton_state_put_u64(&w, basket->items);
 *	baton_state_put_text(&w, basket->note);
 *	url = baton_suspend(x, &(struct baton_suspension){
 *	    .resume = "pay", .state = w.bytes, .state_n = w.n });
 *
 *	struct baton_state_reader r;
 *	int version = baton_state_read(&r, state, n, 1, 2);
 *
 *	basket->items = baton_state_get_u64(&r);
 *	basket->note = version >= 2 ? baton_state_get_text(&r) : "";
 *	if (!baton_state_done(&r))
 *		baton_reply_lost(x, BATON_LOST_OUTDATED);
 *
 * Errors stick, in writers and readers: what is called after one does nothing,
 * and gives 0 or "", so that a look at the end is enough.
 *
 * The version of a resume function (app.h) says which state baton hands to it;
 * this one is the schema's, for functions that share it.  Context: any thread;
 * a writer that grows: that of its exchange.
 */

#include <baton/app.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BATON_STATE_VERSION_MAX 65535

struct baton_state_writer {
	unsigned char *bytes; /* what was written */
	size_t n;             /* of it; 0 after an error */
	/*
	 * The first error, or 0: -ENOBUFS (no room, or past BATON_STATE_MAX),
	 * -EINVAL (no such version).
	 */
	int error;
	size_t room;
	struct baton_exchange *grows_in; /* NULL: the room is fixed */
};

/*
 * Begins a state of that schema version, 1 … BATON_STATE_VERSION_MAX, in the
 * memory of an exchange, which grows up to BATON_STATE_MAX.
 *
 * Ownership: `bytes` are the exchange's; there is nothing to free.
 */
BATON_API void baton_state_write(
    struct baton_state_writer *, struct baton_exchange *, unsigned version);

/*
 * The same in `n` bytes of the caller's.
 *
 * Ownership: `bytes` are the caller's, and stay as long as they do.
 */
BATON_API void baton_state_write_to(
    struct baton_state_writer *, void *room, size_t n, unsigned version);

/* Fields, in the order in which they will be read. */
BATON_API void baton_state_put_u64(struct baton_state_writer *, uint64_t);
BATON_API void baton_state_put_i64(struct baton_state_writer *, int64_t);
BATON_API void baton_state_put_bool(struct baton_state_writer *, bool);
BATON_API void baton_state_put_double(struct baton_state_writer *, double);
BATON_API void baton_state_put_text(struct baton_state_writer *, const char *);
BATON_API void baton_state_put_bytes(
    struct baton_state_writer *, const void *, size_t n);

/* `n` entries follow, of at least one field each. */
BATON_API void baton_state_put_list(struct baton_state_writer *, size_t n);

struct baton_state_reader {
	/*
	 * The first error, or 0: -ESTALE (of an older version), -ENOTSUP (of a
	 * newer one), -EBADMSG (no state of this kind, damaged, or of another
	 * type than was asked for).
	 */
	int error;
	const unsigned char *at, *end;
};

/*
 * Begins to read a state whose schema version is `oldest` … `newest`.
 *
 * Returns:   the version that it has; or `error`, negative, and there is
 *            nothing to read.
 * Ownership: `state` stays as it is, as long as it is read, and as long as
 * texts and bytes of it are used.
 */
BATON_API int baton_state_read(struct baton_state_reader *, const void *state,
    size_t n, unsigned oldest, unsigned newest);

/*
 * The next field.  Texts and bytes stand in the state itself: a text ends with
 * NUL and has none in it.
 */
BATON_API uint64_t baton_state_get_u64(struct baton_state_reader *);
BATON_API int64_t baton_state_get_i64(struct baton_state_reader *);
BATON_API bool baton_state_get_bool(struct baton_state_reader *);
BATON_API double baton_state_get_double(struct baton_state_reader *);
BATON_API const char *baton_state_get_text(struct baton_state_reader *)
    __attribute__((returns_nonnull));
BATON_API const void *baton_state_get_bytes(struct baton_state_reader *,
    size_t *ret_n) __attribute__((returns_nonnull));

/* How many entries follow: never more than could stand in what is left. */
BATON_API size_t baton_state_get_list(struct baton_state_reader *);

/* All was read without an error, and nothing is left. */
BATON_API bool baton_state_done(const struct baton_state_reader *);

#endif
