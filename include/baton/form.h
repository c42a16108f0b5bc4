#ifndef BATON_FORM_H
#define BATON_FORM_H

/*
 * Forms: routes of BATON_CONTENT_FORM get what browsers send as
 * application/x-www-form-urlencoded or multipart/form-data (RFC 7578), taken
 * apart as it comes.  Fields are kept in memory, within content_max and 1000 of
 * them; what passes that is answered with 413, another media type with 415, a
 * form that is malformed with 400.  Context: worker, on the loop.
 */

#include <baton/app.h>

/* A field's first value; or that of the `i`th field with the name, from 0. */
BATON_API const char *baton_form(struct baton_exchange *, const char *name);
BATON_API const char *baton_form_at(
    struct baton_exchange *, const char *name, unsigned i);

/* A part that has a file name, as the client says: trust none of it. */
struct baton_file {
	const char *field;    /* the name of the form's field */
	const char *filename; /* no path: use it for nothing but showing */
	const char *type;     /* of its media; "" when there is none */
	/* Without the route's file(): the content, NUL behind it. */
	const char *content;
	size_t content_n;
};

/*
 * The file that a field has, or NULL; where the route has file(), its pieces
 * went there as they came: file(x, file, piece, n), then once with n = 0.  A
 * piece is valid during the call; baton_content_pause() holds it up.
 */
BATON_API const struct baton_file *baton_form_file(
    struct baton_exchange *, const char *field);

#endif
