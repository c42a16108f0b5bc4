#ifndef BT_TESTS_DAEMON_H
#define BT_TESTS_DAEMON_H

/*
 * A running baton.  The harness binds the listening socket to a free port and
 * hands it over by LISTEN_FDS, so that no port is raced for; it waits for
 * READY=1 as systemd does.
 */

#include "tests/system/client.h"
#include "tests/system/metrics.h"
#include "tests/system/spawn.h"

#include <sys/types.h>

struct daemon {
	pid_t pid;
	unsigned port; /* of the socket that it was handed on 127.0.0.1 */
	int listen_fd, notify_fd;
	const char *conf;     /* path of the conf file */
	bool refuses;         /* the test makes it refuse connections */
	struct client *admin; /* where the metrics are asked for */
	const char
	    *notified; /* what it told the service manager at its start */
};

/*
 * Starts baton with a conf, and returns when it is ready.
 *
 * In the text, every `server {` without a `listen` gets one on our port;
 * `@DIR@` is the scratch folder, `@BUILD@` the one that the program is in, and
 * `@PORT@` our port.  What the text does not
 * set is set to: 2 workers, a pid file baton.pid, a control socket baton.sock,
 * an access log access.log, stderr as error log.  A server for the metrics is
 * added at the end, on a UNIX socket admin.sock.
 */
struct daemon *daemon_start(const char *conf);

/* The same, with more listening sockets to hand over. */
struct daemon *daemon_start_with(
    const char *conf, const int *fds, size_t fds_n);

/* Starts `baton ARGS`; `@PORT@` in them is our port. No metrics, no pid file.
 */
struct daemon *daemon_start_args(const char *const *args);

/* Writes such a conf without starting anything; returns its path. */
const char *daemon_write_conf(
    const char *name, const char *conf, unsigned port);

/* Writes another conf in the place of the daemon's, expanded as at the start.
 */
void daemon_rewrite(struct daemon *, const char *conf);

/* `baton -s reload`, which has to be taken: returns after the verdict. */
void daemon_reload(struct daemon *);

/* Both: from here on every request is answered as that conf says. */
void daemon_reload_with(struct daemon *, const char *conf);

/* A socket that listens on a numeric host and a free port. */
int daemon_listener(const char *host, unsigned *ret_port);

struct client *daemon_connect(struct daemon *);

/* The workers' processes; how many. */
size_t daemon_workers(struct daemon *, pid_t ret[]);

/* What it and its workers wrote on stderr so far. */
const char *daemon_stderr(struct daemon *);

/* Reads the metrics, on a connection kept for that. */
const struct metrics *daemon_metrics(struct daemon *);

/*
 * Wants that the books balance: every connection was dealt, taken and is done,
 * but for the one that the metrics are asked on.  Close the clients first.
 */
void daemon_check_ledger(struct daemon *);

/* Closes all clients, checks the books, stops with SIGTERM, wants exit 0. */
void daemon_stop(struct daemon *);

/*
 * Kills the master alone, with SIGKILL, and wants that its workers end by
 * themselves.
 */
void daemon_kill(struct daemon *);

/*
 * Waits for its end: that exit status, no child left, nothing from a
 * sanitizer, pid file and control socket gone.
 */
void daemon_ended(struct daemon *, int exit_status);

#endif
