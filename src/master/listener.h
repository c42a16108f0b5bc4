#ifndef BT_MASTER_LISTENER_H
#define BT_MASTER_LISTENER_H

/*
 * The listening sockets: bound once, or inherited; where connections come from.
 * A listener is known by its address, so that it can stay while confs change.
 */

#include "conf/conf.h"
#include "master/dealer.h"
#include "master/gather.h"
#include "master/limits.h"

#include <sys/types.h>

struct event;
struct event_base;
struct bt_listeners;

/* Why nothing is accepted for now; any of them holds. */
enum bt_pause {
	BT_PAUSE_START = 1,       /* the workers are not ready yet */
	BT_PAUSE_FULL = 2,        /* connections are held */
	BT_PAUSE_DESCRIPTORS = 4, /* the system has no more to give */
};

struct bt_listener {
	struct bt_listeners *set;
	struct bt_addr addr; /* as the conf has it */
	uint16_t
	    id; /* bt_baton.listen; stays while the address is listened at */
	int fd;
	struct event *acceptable;
	bool unlink; /* a UNIX socket of our making: */
	dev_t dev;   /* the file that we unlink in the end */
	ino_t ino;
};

struct bt_listeners {
	struct bt_listener **all; /* n of them */
	size_t n;
	struct event_base *base;
	struct bt_dealer *dealer;
	struct bt_limits *limits;
	struct bt_score_master *score;
	struct event *resume; /* after BT_PAUSE_DESCRIPTORS */
	unsigned paused;      /* enum bt_pause; 0: accepting */
	struct bt_gather gather;
	uint64_t last_id;       /* of a connection */
	uint16_t last_listener; /* ids begin with 1 */
};

/*
 * Opens all listeners of the conf, takes what of `inherited` fits, and begins
 * paused (BT_PAUSE_START).  The fields base, dealer and score are the caller's
 * to set first.
 *
 * Returns:   0; negative errno, logged with the address, and nothing is left.
 * Ownership: takes the `inherited` that fit and leaves -1 in their place.
 */
int bt_listeners_open(struct bt_listeners *, struct bt_conf *, int *inherited,
    size_t inherited_n);

/*
 * Begins, paused, with the listeners that another program had; the caller fills
 * in set->all[] (n of them): addr, id, fd, unlink, dev, ino.
 */
void bt_listeners_adopt(struct bt_listeners *, size_t n);

/* Makes the event of a listener that has its descriptor. */
void bt_listener_attach(struct bt_listener *);

/* The listeners that another conf wants, until it is known to be taken. */
struct bt_listeners_change {
	struct bt_listener **all; /* those that stay, and new ones, opened */
	size_t n;
};

/*
 * Opens what a new conf names and the old one does not, without accepting
 * there, and numbers the addresses of the conf (bt_conf_listen.id).
 *
 * Returns:   0 with `*ret`; negative errno, with the text in `errors`, and
 *            nothing is left of it.
 * Ownership: `*ret` goes to bt_listeners_commit() or bt_listeners_abandon().
 */
int bt_listeners_prepare(struct bt_listeners *, struct bt_conf *,
    struct bt_listeners_change *ret, struct bt_buf *errors);

/*
 * Takes the change: new ones accept, those that stay were never closed, and
 * those that are gone are closed after their backlog was accepted.
 */
void bt_listeners_commit(struct bt_listeners *, struct bt_listeners_change *);
void bt_listeners_abandon(struct bt_listeners *, struct bt_listeners_change *);

/* Accepts what is in the backlogs now, once, and deals it. */
void bt_listeners_empty(struct bt_listeners *);

/* Closes them all and removes the files of UNIX sockets. */
void bt_listeners_close(struct bt_listeners *);

void bt_listeners_pause(struct bt_listeners *, enum bt_pause);
void bt_listeners_resume(struct bt_listeners *, enum bt_pause);

/* What is bound to the address, or NULL. */
struct bt_listener *bt_listeners_find(
    struct bt_listeners *, const struct bt_addr *);

/*
 * Binds and listens at an address, non-blocking and close-on-exec.  The file of
 * a UNIX socket which nobody answers at is replaced; `mode` is the new one's.
 *
 * Returns: the descriptor; negative errno (-EADDRINUSE: somebody answers).
 */
int bt_listener_bind(const struct bt_addr *, unsigned backlog, mode_t mode);

#endif
