#ifndef BT_CONF_TEMPLATE_H
#define BT_CONF_TEMPLATE_H

/*
 * Texts with variables: `https://$host$uri`, `${method}s`.  They are taken
 * apart when the conf is read; handlers/vars.h gives the values.
 */

#include "base/arena.h"

enum bt_var {
	BT_VAR_TEXT, /* no variable: the piece's text */
	BT_VAR_ARG,  /* $arg_NAME, by the piece's text */
	BT_VAR_BODY_BYTES_SENT,
	BT_VAR_BYTES_SENT,
	BT_VAR_CONNECTION,
	BT_VAR_CONNECTION_REQUESTS,
	BT_VAR_HOST,
	BT_VAR_HTTP, /* $http_NAME, by the piece's text: the field's name */
	BT_VAR_METHOD,
	BT_VAR_MSEC,
	BT_VAR_PROTOCOL,
	BT_VAR_QUERY,
	BT_VAR_REMOTE_ADDR,
	BT_VAR_REMOTE_PORT,
	BT_VAR_REMOTE_USER,
	BT_VAR_REQUEST,
	BT_VAR_REQUEST_ID,
	BT_VAR_REQUEST_TIME,
	BT_VAR_REQUEST_URI,
	BT_VAR_ROUTE,
	BT_VAR_SCHEME,
	BT_VAR_SERVER_ADDR,
	BT_VAR_SERVER_NAME,
	BT_VAR_SERVER_PORT,
	BT_VAR_STATUS,
	BT_VAR_TIME_ISO8601,
	BT_VAR_TIME_LOCAL,
	BT_VAR_URI,
	BT_VAR_WORKER,
	BT_VARS,
};

/* A row of the table of variables. */
struct bt_variable {
	const char *name;  /* with a _ at its end a name follows */
	const char *nginx; /* other names, between blanks; or NULL */
	enum bt_var var;
	const char *sample; /* what a value may look like, for checks */
	bool in_host;       /* may stand in the host of a URI */
	bool is_uri;        /* text of a URI as it came: is not encoded again */
	bool late;          /* known when the answer is over: for logs */
	const char *help;
};

extern const struct bt_variable bt_variables[];
extern const unsigned bt_variables_n;

/* The row of a variable; of TEXT there is none. */
const struct bt_variable *bt_variable_of(enum bt_var);

struct bt_piece {
	enum bt_var var;
	struct bt_str text;
};

struct bt_template {
	struct bt_str source; /* as it stands in the conf, without quotes */
	struct bt_piece *pieces;
	size_t n;
};

/*
 * Takes a text apart.
 *
 * Returns:   0 with `*ret`; -EINVAL, and `why` says what is wrong.
 * Ownership: the arena's.
 */
int bt_template_parse(struct bt_str, struct bt_arena *, struct bt_template *ret,
    char *why, size_t why_size);

#endif
