#ifndef BT_PROXY_RESOLVER_H
#define BT_PROXY_RESOLVER_H

/*
 * Names of servers behind us, as one worker knows them: looked up when it
 * starts, and again when what was answered is over.  A name that does not
 * resolve stops nobody: its server is one that cannot be connected to, and is
 * asked for again soon.  What was known stays until something else is.
 *
 * Context: worker, on the loop.
 */

#include "base/addr.h"

struct bt_resolver;
struct bt_upstreams;

/* The addresses of one origin's name. */
struct bt_name;

/* One of them; `version` grows when they are others. */
struct bt_name_pick {
	unsigned version, index;
};

/*
 * Looks up the names of all origins that have one and no address.
 *
 * Returns: NULL: there is none.  It has to go before the upstreams do.
 */
struct bt_resolver *bt_resolver_new(struct bt_upstreams *);

/* Accepts NULL. */
void bt_resolver_free(struct bt_resolver *);

/*
 * Turns the loop until each name has had an answer, whichever, or a moment is
 * over: so that a reload, whose old workers knew the addresses, fails nobody.
 * Accepts NULL.
 */
void bt_resolver_settle(struct bt_resolver *);

/* How many addresses there are; 0: nobody knows any. */
unsigned bt_name_count(const struct bt_name *);

/*
 * The next one in turn, which becomes that of the origin; one that failed
 * lately only when all did.  There is one.
 */
struct bt_name_pick bt_name_next(struct bt_name *);

/* It could not be connected to. */
void bt_name_failed(struct bt_name *, struct bt_name_pick);

/* Whether what was picked is of the addresses that the name has now. */
bool bt_name_is_current(const struct bt_name *, struct bt_name_pick);

#endif
