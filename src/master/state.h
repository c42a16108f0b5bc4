#ifndef BT_MASTER_STATE_H
#define BT_MASTER_STATE_H

/*
 * The master as its own files see it: one struct, and who starts, reloads and
 * stops it.  Nobody else includes this.  Context: master, on the loop.
 */

#include "master/control.h"
#include "master/dealer.h"
#include "master/limits.h"
#include "master/listener.h"
#include "master/master.h"
#include "master/slot.h"
#include "master/trial.h"
#include "master/watch.h"

/*
 *   STARTING -> RUNNING <-> RELOADING, UPGRADING
 *                  \___________/
 *                       '-> DRAINING -> STOPPED
 */
enum bt_master_state {
	BT_MASTER_STARTING,
	BT_MASTER_RUNNING,
	BT_MASTER_RELOADING, /* a new generation takes over */
	BT_MASTER_UPGRADING, /* another program does: upgrade.c, takeover.c */
	BT_MASTER_DRAINING,
	BT_MASTER_STOPPED,
};

extern const char *const bt_master_state_names[];

/* A conf on its way to be in force. */
struct bt_reload {
	struct bt_trial trial; /* the conf is read by a child first */
	struct bt_conf *conf;  /* NULL: none is under way */
	struct bt_listeners_change listeners;
	bool logs_opened;             /* those of `conf` are in use: */
	struct bt_log_files old_logs; /* to go back to */
	unsigned workers;
	unsigned deaths;        /* of new workers, before they were ready */
	bool committed;         /* in force; the old workers acknowledge */
	bool again;             /* another one was asked for meanwhile */
	bool upgraded;          /* it is the end of an upgrade */
	struct event *patience; /* with old workers that do not answer */
};

/* Another program is tried, before we become it. */
struct bt_upgrade {
	pid_t rehearsal; /* of a child; 0: none */
	int out_fd;      /* what it says */
	struct event *readable, *patience;
	struct bt_buf said;
	bool again; /* it was asked for during a reload */
};

struct bt_takeover; /* another program's affairs, while they are not ours */

/* Levelling what the workers hold. */
struct bt_balance {
	struct event *timer; /* the next round, or patience with this one */
	int64_t due_ms;      /* round 0: when the first one begins */
	unsigned round;      /* 0: none was necessary yet */
	unsigned waiting;    /* for so many workers' answers */
	uint64_t returned_before;
};

/* A worker whose time has come, and who takes its place. */
struct bt_recycle {
	struct event *timer;
	struct bt_slot *old, *successor; /* NULL: nothing is under way */
	bool for_memory;
	int64_t not_before_ms; /* the next one */
	unsigned young;        /* in a row that did not last */
};

struct bt_master {
	const struct bt_hooks *hooks;
	enum bt_master_state state;
	char *exe;       /* our program, as it was found at the start */
	char *conf_file; /* NULL: started with -l and -r */
	struct bt_conf *conf;
	uint32_t generation; /* of the conf */
	struct event_base *base;
	struct bt_scoreboard *board;
	struct bt_slots slots;
	struct bt_dealer dealer;
	struct bt_limits limits;
	struct bt_rates *rates; /* of requests, which the workers share */
	struct bt_listeners listeners;
	struct bt_control *control;
	struct bt_reload reload;
	struct bt_upgrade upgrade;
	struct bt_takeover *takeover; /* NULL: all is ours */
	struct bt_balance balance;
	struct bt_recycle recycle;
	int signal_fd;
	struct event *signalled;
	struct event *patience; /* DRAINING: drain_timeout */
	struct event *watchdog; /* systemd's */
	struct bt_watch watch;  /* over the workers' heartbeats */
	unsigned workers;
	int resize_by;             /* asked for while it could not be done */
	unsigned long descriptors; /* that a process of ours may have */
	unsigned start_deaths;     /* of workers, while STARTING */
	bool parking;              /* DRAINING: what is idle is parked */
	bool cutting;              /* nobody is waited for any more */
	uint64_t cut;              /* connections that we ended */
	char *pid_file;            /* that we wrote, or NULL */
	int status;                /* our exit status */
};

/* master.c: the one place that changes the state. */
void bt_master_enter(struct bt_master *, enum bt_master_state);

/* Before anything else. */
void bt_master_init(struct bt_master *, const struct bt_hooks *hooks);

/* Runs to the end, and gives all back.  Returns the exit status. */
int bt_master_loop(struct bt_master *);

/* RUNNING again: what was asked for meanwhile begins. */
void bt_master_go_on(struct bt_master *);

/* Whether no slot is in use. */
bool bt_master_is_empty(const struct bt_master *);

/* Deals what is held, and accepts again when that was all. */
void bt_master_deal_held(struct bt_master *);

/* Ends as soon as what is open is finished, by drain_timeout at the latest. */
void bt_master_drain(struct bt_master *);

/* Ends now; what is open is cut. */
void bt_master_stop(struct bt_master *);

/* master.c: callbacks of the slots, and of the patience timer. */
bt_slot_news_fn bt_master_on_news;
bt_slot_back_fn bt_master_on_back;
void bt_master_on_patience_ended(int fd, short what, void *arg);

/* verbs.c: what the control socket understands. */
extern const struct bt_control_verb bt_master_verbs[];

/*
 * signals.c: begins to take signals, or, at a second call, all of them: with
 * `children_only` the others stay pending.  0, or negative errno.
 */
int bt_master_watch_signals(struct bt_master *, bool children_only);

/*
 * start.c: all that is there before the loop runs.
 *
 * Returns: 0; negative errno, logged, and some of it may be there.
 */
int bt_master_start(struct bt_master *);

/* Parts of it: limits and the loop; tables of clients; slots, dealer; timers.
 */
int bt_master_make_loop(struct bt_master *);
int bt_master_make_limits(struct bt_master *);
void bt_master_make_slots(struct bt_master *);
void bt_master_start_timers(struct bt_master *);

/* Gives all of it back; the conf, too. */
void bt_master_finish(struct bt_master *);

/* How many workers a conf means. */
unsigned bt_master_count_workers(const struct bt_conf *);

/* 0; -ENOENT when the process is root and the conf's user does not exist. */
int bt_master_check_user(const struct bt_conf *);

/* What a slot may have: worker_connections, or what descriptors allow. */
unsigned bt_master_connections_max(
    const struct bt_master *, const struct bt_conf *);

/* logs.c: opens them at the start. 0; negative errno, logged. */
int bt_master_open_logs(struct bt_master *);

/*
 * Opens the access logs of a conf.
 *
 * Returns:   0 with `*ret`; negative errno, and the path in `*ret_path`.
 * Ownership: the caller's, bt_log_files_close().
 */
int bt_log_files_open(
    const struct bt_conf *, struct bt_log_files *ret, const char **ret_path);

/* Closes them, and leaves none. */
void bt_log_files_close(struct bt_log_files *);

/*
 * Opens the logs again, after logrotate, and passes them on.
 *
 * Returns: 0; negative errno, logged, with the file in `*ret_path`, and the old
 *          ones go on.
 */
int bt_master_reopen_logs(struct bt_master *, const char **ret_path);

/*
 * reload.c: reads the conf file again and, if it is good, has a new generation
 * of workers take over.  The verdict goes to who waits for BT_WAIT_RELOAD (or
 * _NEXT_RELOAD, when one is under way: then another one follows), and to the
 * log.
 */
void bt_reload_begin(struct bt_master *);

/* What the slots say while it is under way. */
void bt_reload_on_ready(struct bt_master *);
void bt_reload_on_death(struct bt_master *, const struct bt_slot *);
void bt_reload_on_retreat(struct bt_master *);

/* Drops what is under way: the master stops. */
void bt_reload_abandon(struct bt_master *);

/* The same at the end of a takeover, which has its own verdict. */
void bt_reload_take_over(struct bt_master *);

/*
 * Reads and checks the conf file; without one, `in_force`, if any.  0; negative
 * errno, with the text in `errors`.
 */
int bt_reload_read_conf(struct bt_master *, const struct bt_buf *in_force,
    struct bt_conf **ret, struct bt_buf *errors);

/*
 * upgrade.c: becomes the program that is installed now, if that is ready for
 * it.  The verdict goes to who waits for BT_WAIT_UPGRADE, and to the log.
 */
void bt_upgrade_begin(struct bt_master *);
void bt_upgrade_refuse(struct bt_master *, struct bt_str why);
void bt_upgrade_abandon(struct bt_master *);

/* The path of the program that we are, the caller's; NULL: unknown. */
char *bt_upgrade_find_program(void);

/*
 * resize.c: that many workers more, or fewer, now or as soon as nothing else is
 * under way; from 1 to BT_CONF_WORKERS_MAX.
 */
void bt_resize_by(struct bt_master *, int by);

/* Nothing else is under way any more. */
void bt_resize_go_on(struct bt_master *);

/* A slot in which a worker can be started, or NULL. */
struct bt_slot *bt_resize_find_empty(const struct bt_master *);

/*
 * recycle.c: begins or ends to look for workers that are past a limit, as the
 * conf says.
 */
void bt_recycle_watch(struct bt_master *);

/* A worker is ready, perhaps one that shall take another one's place. */
void bt_recycle_on_ready(struct bt_master *, const struct bt_slot *);

/* What is under way is forgotten: a successor is a worker like any other. */
void bt_recycle_cancel(struct bt_master *);

/*
 * balance.c: the workers have changed: idle connections are moved, after a
 * while, until all hold the same, within one or 1 %.  Of two beginnings the
 * later one counts.  Nothing happens but in RUNNING.
 */
void bt_balance_begin(struct bt_master *, int64_t after_ms);

/* A worker was asked to shed some and has done so, or it has ended. */
void bt_balance_on_answer(struct bt_master *, struct bt_slot *);

/*
 * How many connections each of `n` workers has to give, so that all hold the
 * same.  Returns: their sum; 0 when they are level enough, and `ret_excess` is
 * not filled.
 */
uint64_t bt_balance_plan(
    const uint64_t *loads, unsigned n, uint64_t *ret_excess);

#endif
