/*
 * The table of actions, and the schedule.
 */

#include "tests/torture/actions.h"

#include "tests/torture/generation.h"
#include "tests/torture/outcome.h"
#include "tests/torture/random.h"
#include "tests/torture/say.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_US 1500000
#define COST_US 1000000 /* in which clients may learn what an action cost */
#define RELOADS_AT_ONCE 3
/* So long after anything else no connection is on its way to another worker. */
#define CALM_US 1500000

/*
 * What killing a worker may cost its connections; told: behind a 502.  Idle
 * ones are rescued, but for those of a message that it was just receiving.
 */
#define COST_OF_KILL \
	(OUTCOME_BIT(OUTCOME_LOST) | OUTCOME_BIT(OUTCOME_RESET) | \
	    OUTCOME_BIT(OUTCOME_TRUNCATED) | OUTCOME_BIT(OUTCOME_STATUS) | \
	    OUTCOME_BIT(OUTCOME_TOLD) | OUTCOME_BIT(OUTCOME_IDLE_CLOSED) | \
	    OUTCOME_BIT(OUTCOME_TUNNEL))
#define COST_OF_KILL_AMID_MOVES (COST_OF_KILL | OUTCOME_BIT(OUTCOME_RESTED))
/*
 * A stop closes what is idle, and tunnels, unless descriptors are stored;
 * nobody is refused, no answer is cut.
 */
#define COST_OF_RESTART \
	(OUTCOME_BIT(OUTCOME_LOST) | OUTCOME_BIT(OUTCOME_TOLD) | \
	    OUTCOME_BIT(OUTCOME_IDLE_CLOSED) | OUTCOME_BIT(OUTCOME_TUNNEL) | \
	    OUTCOME_BIT(OUTCOME_RESTED))

struct action {
	const char *name;
	unsigned weight; /* when the list gives none */
	void (*begin)(void);
};

static void reload(void);
static void reload_by_signal(void);
static void reload_at_once(void);
static void ask_bad(void);
static void upgrade(void);
static void kill_worker(void);
static void hang_worker(void);
static void resize(void);
static void restart(void);

static const struct action table[] = {
	{ "reload", 8, reload },        /* baton -s reload */
	{ "hup", 2, reload_by_signal }, /* SIGHUP, which has no verdict */
	{ "burst", 2, reload_at_once }, /* several that come together */
	{ "bad", 1, ask_bad },          /* either, of a wrong conf */
	{ "upgrade", 2, upgrade },      /* baton -s upgrade */
	{ "kill", 2, kill_worker },     /* SIGKILL to a worker */
	{ "hang", 2, hang_worker },     /* SIGSTOP to one, for a while */
	{ "resize", 2, resize },        /* SIGTTIN and SIGTTOU */
	{ "restart", 1, restart },      /* SIGTERM, and another on the socket */
};

#define ACTIONS (sizeof(table) / sizeof(table[0]))

static struct server *server;
static const struct options *options;
static struct random pace; /* when the next one comes */
static struct random step; /* what it is; each has its own, by its number */
static unsigned steps_n;
static size_t first[ACTIONS]; /* each of the chosen ones once, shuffled */
static size_t first_n;
static unsigned weights[ACTIONS], weights_sum, counts[ACTIONS];
static bool is_running, is_late, is_finishing;
static struct timer next_timer;
static struct process_end server_end;
static void (*on_expected_end)(void *, int);
static void *expected_arg;

/* ---- the schedule */

/* Which one is next: each of them once, then by weight. */
static size_t
choose(void)
{
	uint64_t lot;
	size_t i = 0;

	step.state = random_mix(options->seed ^ random_mix(++steps_n));
	lot = random_below(&step, weights_sum);
	if (steps_n <= first_n)
		return first[steps_n - 1];
	while (lot >= weights[i])
		lot -= weights[i++];
	return i;
}

static void
begin_one(void)
{
	size_t i = choose();

	counts[i]++;
	is_running = true;
	if (options->verbose)
		say("%s", table[i].name);
	table[i].begin();
}

/* Is it time for one while another is under way, it follows at once. */
static void
on_next(void *arg)
{
	if (is_finishing)
		return;
	loop_after(&next_timer,
	    options->is_comparison
		? (int64_t)options->every_ms * 1000
		: random_around(&pace, (int64_t)options->every_ms * 1000));
	if (is_running)
		is_late = true;
	else
		begin_one();
}

static void
end_one(void)
{
	is_running = false;
	if (is_late && !is_finishing) {
		is_late = false;
		begin_one();
	}
}

static bool
is_chosen(const char *name, unsigned weight, const char *list, unsigned *ret)
{
	size_t n = strlen(name);

	*ret = weight;
	while (*list != '\0') {
		size_t word = strcspn(list, ",");

		if (strncmp(list, name, n) == 0 &&
		    (word == n || list[n] == '=')) {
			if (list[n] == '=')
				*ret =
				    (unsigned)strtoul(list + n + 1, NULL, 10);
			return true;
		}
		list += word + (list[word] == ',');
	}
	return false;
}

static void
on_server_end(void *arg, int status)
{
	if (on_expected_end != NULL)
		on_expected_end(expected_arg, status);
	else {
		say_failed("the server ended by itself, wait status %#x",
		    (unsigned)status);
		actions_finish();
	}
}

/* The actions of the list, their weights, and the order of the first round. */
static void
take_list(const char *list)
{
	for (size_t i = 0; i < ACTIONS; i++) {
		size_t at;

		if (!is_chosen(
			table[i].name, table[i].weight, list, &weights[i]))
			weights[i] = 0;
		if (weights[i] == 0)
			continue;
		weights_sum += weights[i];
		at = random_below(&pace, first_n + 1);
		first[first_n++] = first[at];
		first[at] = i;
	}
}

void
actions_start(struct server *s, const struct options *o)
{
	static const char preset[] = "reload,hup,burst,bad,upgrade,kill,hang,"
				     "resize,restart";
	const char *list = o->actions ? o->actions : preset;

	server = s;
	options = o;
	pace.state = o->seed;
	take_list(list);
	process_await(&server_end, s->pid, on_server_end, NULL);
	next_timer.on_time = on_next;
	if (weights_sum > 0)
		loop_after(&next_timer, FIRST_US);
}

void
actions_expect_end(void (*on_end)(void *, int), void *arg)
{
	on_expected_end = on_end;
	expected_arg = arg;
}

void
actions_print(void)
{
	const char *comma = "";

	printf("actions:");
	for (size_t i = 0; i < ACTIONS; i++)
		if (counts[i] > 0) {
			printf("%s %s %u", comma, table[i].name, counts[i]);
			comma = ",";
		}
	printf("%s\n", *comma ? "" : " none");
}

/* ---- reload and upgrade */

/* Is it on the list? */
static bool
is_possible(void (*begin)(void))
{
	for (size_t i = 0; i < ACTIONS; i++)
		if (table[i].begin == begin)
			return weights[i] > 0;
	return false;
}

static struct process_end asked[RELOADS_AT_ONCE];
static unsigned asked_n;
static bool is_bad;

static void
on_verdict(void *arg, int status)
{
	const char *verb = arg;

	if (is_bad != (status != 0))
		say_failed("%s of a %s conf, generation %u: wait status %#x",
		    verb, is_bad ? "wrong" : "good", server->generation,
		    (unsigned)status);
	if (--asked_n > 0)
		return;
	if (is_bad || status != 0)
		generation_refused();
	else
		generation_taken(server->generation);
	if (is_bad) /* what a reload by signal would find */
		server_write_conf(server);
	is_bad = false;
	end_one();
}

static void
ask(const char *verb, pid_t pid)
{
	static char words[2][8] = { "reload", "upgrade" };

	process_await(&asked[asked_n++], pid, on_verdict,
	    words[strcmp(verb, "upgrade") == 0]);
}

static void
reload(void)
{
	pid_t pid;

	server_write_conf(server);
	generation_begin(server->pid);
	pid = server_reload(server);
	if (pid > 0) {
		ask("reload", pid);
		return;
	}
	generation_taken(server->generation);
	end_one();
}

static void
reload_by_signal(void)
{
	server_write_conf(server);
	kill(server->pid, SIGHUP);
	end_one();
}

static void
reload_at_once(void)
{
	pid_t pids[RELOADS_AT_ONCE];

	server_write_conf(server);
	generation_begin(server->pid);
	kill(server->pid, SIGHUP);
	for (int i = 0; i < RELOADS_AT_ONCE; i++)
		pids[i] = server_ask(server, "reload");
	for (int i = 0; i < RELOADS_AT_ONCE; i++)
		ask("reload", pids[i]);
}

static void
ask_bad(void)
{
	const char *verb = is_possible(upgrade) && random_below(&step, 2)
	    ? "upgrade"
	    : "reload";

	is_bad = true;
	server_write_bad_conf(server);
	ask(verb, server_ask(server, verb));
}

/* The old master of nginx is gone: we wait for the end of the new one. */
static void
on_old_gone(void *arg, int status)
{
	on_expected_end = NULL;
	process_await(&server_end, server->pid, on_server_end, NULL);
}

static void
on_upgraded(void *arg)
{
	generation_taken(server->generation);
	end_one();
}

static void
upgrade(void)
{
	server_write_conf(server);
	generation_begin(server->pid);
	if (!server->kind->is_baton) {
		actions_expect_end(on_old_gone, NULL);
		server_upgrade_nginx(server, on_upgraded, NULL);
		return;
	}
	ask("upgrade", server_ask(server, "upgrade"));
}

/* ---- workers */

/* A descriptor of one of its workers; -1 when there is none. */
static int
choose_worker(void)
{
	pid_t pids[PROCESS_CHILDREN_MAX];
	uint64_t lot = random_next(&step);
	size_t n = process_children(server->pid, pids);

	if (n == 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, pids[lot % n], 0);
}

static void
send_to(int process_fd, int signo)
{
	syscall(SYS_pidfd_send_signal, process_fd, signo, NULL, 0);
}

static void
kill_now(unsigned cost)
{
	int fd = choose_worker();
	struct outcome_window *window;
	struct pollfd gone = { .fd = fd, .events = POLLIN };

	if (fd == -1) {
		end_one();
		return;
	}
	window = outcome_allow(cost);
	send_to(fd, SIGKILL);
	if (poll(&gone, 1, 10000) != 1)
		say_failed("a worker survived SIGKILL for 10 s");
	outcome_allow_until(window, COST_US);
	close(fd);
	end_one();
}

static struct timer calm_timer;

static void
on_calm(void *arg)
{
	kill_now(COST_OF_KILL);
}

/* At once, or when nothing moves: then it may cost no tunnel that rests. */
static void
kill_worker(void)
{
	if (random_below(&step, 2)) {
		kill_now(COST_OF_KILL_AMID_MOVES);
		return;
	}
	calm_timer.on_time = on_calm;
	loop_after(&calm_timer, CALM_US);
}

static int hanging_fd = -1;
static struct outcome_window *hanging_cost;
static struct timer hanging_timer;

static void
wake_worker(void *arg)
{
	if (hanging_fd == -1)
		return;
	send_to(hanging_fd, SIGCONT);
	close(hanging_fd);
	hanging_fd = -1;
	outcome_allow_until(hanging_cost, COST_US);
}

/*
 * Others may come while it hangs.  A reload does not wait for it longer than a
 * second, so that it may answer by its conf when it wakes.
 */
static void
hang_worker(void)
{
	int64_t us = random_around(&step, 1000000);
	int fd = choose_worker();

	wake_worker(NULL);
	if (fd != -1) {
		hanging_cost = outcome_allow(OUTCOME_BIT(OUTCOME_OLD_CONF));
		hanging_fd = fd;
		send_to(fd, SIGSTOP);
		hanging_timer.on_time = wake_worker;
		loop_after(&hanging_timer, us);
	}
	end_one();
}

static bool is_resized; /* the next reload does as the conf says again */

static void
resize(void)
{
	bool more = random_below(&step, 2) == 0;

	is_resized = true;
	kill(server->pid, more ? SIGTTIN : SIGTTOU);
	end_one();
}

/* ---- restart: the socket stays, the server does not */

static struct outcome_window *restart_cost;

static void
on_restarted(void *arg)
{
	outcome_allow_until(restart_cost, COST_US);
	generation_taken(server->generation);
	process_await(&server_end, server->pid, on_server_end, NULL);
	end_one();
}

static void
on_stopped(void *arg, int status)
{
	on_expected_end = NULL;
	if (status != 0)
		say_failed(
		    "stopped by SIGTERM: wait status %#x", (unsigned)status);
	server_start(server, on_restarted, NULL);
}

static void
restart(void)
{
	wake_worker(NULL);
	server_write_conf(server);
	generation_begin(server->pid);
	restart_cost = outcome_allow(options->stores ? 0 : COST_OF_RESTART);
	actions_expect_end(on_stopped, NULL);
	kill(server->pid, SIGTERM);
}

/* ---- the end */

void
actions_finish(void)
{
	is_finishing = true;
	loop_cancel(&next_timer);
}

bool
actions_are_finished(void)
{
	if (is_running)
		return false;
	wake_worker(NULL);
	if (is_resized) {
		is_resized = false;
		is_running = true;
		reload();
		return false;
	}
	return true;
}
