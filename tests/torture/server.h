#ifndef BT_TORTURE_SERVER_H
#define BT_TORTURE_SERVER_H

/*
 * The server under test, baton or another, in a folder of its own.  baton gets
 * its listening socket from us, by LISTEN_FDS, and says READY=1 (manager.h); of
 * others we wait until they can be connected to.
 */

#include "tests/torture/options.h"
#include "tests/torture/process.h"

#include <signal.h>
#include <stdbool.h>

struct server_kind {
	const char *name, *program;
	const char *argv[10];   /* @CONF@ and so on are replaced */
	const char *reload[10]; /* a command, or a signal to the master */
	int reload_signal, stop_signal;
	bool is_baton, has_files, has_echo, has_proxy;
};

struct server {
	const struct server_kind *kind;
	const struct options *options;
	char dir[64];
	unsigned port, origin_port;
	int listen_fd;
	pid_t pid;
	unsigned generation; /* of the conf that was written last */
	/* a start or an upgrade that is under way */
	struct timer probe;
	void (*on_ready)(void *arg);
	void *arg;
};

/* Makes the folder, the files and the sockets; nothing runs yet. */
void server_init(struct server *, const struct options *);

/* Writes a conf with the next generation's number; whole, by rename(2). */
void server_write_conf(struct server *);
/* One that must be refused: it has that number, and an error. */
void server_write_bad_conf(struct server *);

/* Starts it; calls when it is ready. The end of the process is the caller's. */
void server_start(struct server *, void (*on_ready)(void *), void *arg);

/* Starts `baton -s VERB`. */
pid_t server_ask(const struct server *, const char *verb);
/* Starts another server's command to reload; 0: sent the signal instead. */
pid_t server_reload(const struct server *);

/*
 * nginx's upgrade, by USR2 to the old master and QUIT when the new one has its
 * workers; `pid` is the new one's from then on.
 */
void server_upgrade_nginx(
    struct server *, void (*on_upgraded)(void *), void *arg);

/* Fails the run when it said what it must not, such as a sanitizer's report. */
void server_check_log(const struct server *);

/* Removes the folder; leaves it, and says so, after a run that failed. */
void server_fini(struct server *);

#endif
