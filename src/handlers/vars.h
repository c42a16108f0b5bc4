#ifndef BT_HANDLERS_VARS_H
#define BT_HANDLERS_VARS_H

/*
 * The values of variables for an exchange, and texts made of them.
 * Context: worker, on the loop.
 */

#include "conf/template.h"
#include "handlers/reply.h"

#define BT_VAR_BYTES_MAX 128

/*
 * The value of a piece, empty where there is none.
 *
 * Ownership: the exchange's, or in `out`.
 */
struct bt_str bt_var_value(struct baton_exchange *, const struct bt_piece *,
    char out[static BT_VAR_BYTES_MAX]);

/* All pieces as they are, one behind the other.  The arena's. */
struct bt_str bt_template_text(
    struct baton_exchange *, const struct bt_template *);

/*
 * The same as the value of a field: control bytes, which may end it, become ?.
 */
struct bt_str bt_template_field(
    struct baton_exchange *, const struct bt_template *);

/*
 * The same as a URI reference for Location: what no URI may have is
 * percent-encoded, so that no value ends the field, or its own part of the URI;
 * and a path never begins with //, which would name a host.
 */
struct bt_str bt_template_location(
    struct baton_exchange *, const struct bt_template *);

#endif
