#ifndef BT_TORTURE_CLIENT_H
#define BT_TORTURE_CLIENT_H

/*
 * The clients.  Each has a connection, asks, looks at every byte of the answer,
 * pauses, and asks again; when its connection has ended it makes another.
 *
 * A client that is `away` is as far as half a round trip: what it sends arrives
 * that much later, and that a connection was closed it learns that much later.
 * What it has sent meanwhile is lost, as on a real network.
 */

#include "tests/torture/options.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct client_field {
	struct sockaddr_in addr;
	bool has_files, has_echo, has_proxy;
};

/* Makes them all; they start over the first second. */
void clients_start(const struct options *, const struct client_field *);

/*
 * Nothing new is begun: idle ones close, others as soon as they are answered.
 * clients_left() becomes 0.
 */
void clients_finish(void);
unsigned clients_left(void);

/* What happened to them. */
void clients_print(void);
/* One row of Markdown cells: asked, lost by kind, closed, told, old. */
void clients_print_comparison(void);
/* Says what is not 0. */
void clients_judge(void);

#endif
