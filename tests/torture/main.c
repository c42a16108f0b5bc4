/*
 * make torture: a server under real, mixed load, while its operator reloads
 * it, upgrades it, kills its workers and so on, by a schedule that a seed
 * repeats.  Every outcome is told apart and counted; what must be 0 is 0, or
 * the exit status is 1.
 *
 * One process, one loop.  In reading order: kinds.c (who asks), client.c and
 * tunnel.c (how), content.c (what), origin.c (who answers behind a proxy),
 * outcome.c (how it is counted), actions.c (what the operator does),
 * generation.c (which conf may answer), books.c (what is left behind).
 */

#include "tests/torture/actions.h"
#include "tests/torture/books.h"
#include "tests/torture/client.h"
#include "tests/torture/generation.h"
#include "tests/torture/manager.h"
#include "tests/torture/origin.h"
#include "tests/torture/say.h"
#include "tests/torture/wrk.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MAX_US 60000000
#define END_MAX_US 180000000
#define LOOK_US 20000

static struct options options;
static struct server server;
static bool is_ready, is_over, is_ended;
static struct timer look_timer;

static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		say_die("RLIMIT_NOFILE");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
}

static void
on_ready(void *arg)
{
	is_ready = true;
}

static void
start_server(void)
{
	server_init(&server, &options);
	server_write_conf(&server);
	server_start(&server, on_ready, NULL);
	loop_run(&is_ready, loop_now_us() + START_MAX_US);
	if (!is_ready) {
		say_failed("the server did not become ready");
		kill(server.pid, SIGKILL);
		server_fini(&server);
		_exit(1);
	}
	if (server.kind->is_baton)
		books_open(&server);
}

static void
start_clients(void)
{
	struct client_field field = {
		.addr = { .sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		    .sin_port = htons((uint16_t)server.port) },
		.has_files = server.kind->has_files,
		.has_echo = server.kind->has_echo,
		/* others have no such route in their confs */
		.has_proxy = server.kind->has_proxy && !options.is_comparison
	};

	generation_set_grace((int64_t)options.grace_ms * 1000);
	clients_start(&options, &field);
	if (field.has_proxy)
		origin_begin_to_leave(options.seed);
	wrk_start(&server, &options);
}

/* Everybody has come to an end? */
static void
on_look(void *arg)
{
	is_over = clients_left() == 0 && origin_tunnels() == 0 &&
	    actions_are_finished() && (wrk_is_over() || options.is_comparison);
	loop_after(&look_timer, LOOK_US);
}

static void
run_load(void)
{
	const bool never = false;
	int64_t all_us = (int64_t)options.seconds * 1000000;
	int64_t tail_us = (int64_t)options.tail_ms * 1000;
	int64_t begun_us = loop_now_us();

	start_clients();
	actions_start(&server, &options);
	loop_run(&never, begun_us + all_us - tail_us);
	actions_finish();
	loop_run(&never, begun_us + all_us);
	if (options.is_comparison)
		clients_print_comparison();
	clients_finish();
	if (server.kind->has_proxy)
		origin_stay();
	look_timer.on_time = on_look;
	loop_after(&look_timer, LOOK_US);
	loop_run(&is_over, loop_now_us() + END_MAX_US);
	if (!is_over)
		say_failed("not everything came to an end: %u clients left, "
			   "%u tunnels at the origin, actions %s, wrk %s",
		    clients_left(), origin_tunnels(),
		    actions_are_finished() ? "ended" : "did not",
		    wrk_is_over() ? "ended" : "did not");
}

static void
on_end(void *arg, int status)
{
	is_ended = true;
	if (!options.is_comparison && status != 0)
		say_failed(
		    "SIGTERM in the end: wait status %#x", (unsigned)status);
}

/* Those of ours that are left; they are ended. */
static void
reap_all(void)
{
	int64_t deadline = loop_now_us() + 10 * 1000000;
	pid_t left[PROCESS_CHILDREN_MAX];
	size_t n;

	while (process_reap() && loop_now_us() < deadline)
		usleep(LOOK_US);
	n = process_children(getpid(), left);
	if (n > 0 && !options.is_comparison)
		say_failed("%zu processes were left", n);
	for (size_t i = 0; i < n; i++)
		kill(left[i], SIGKILL);
	while (n > 0 && process_reap())
		usleep(LOOK_US);
}

static void
stop_server(void)
{
	int signo =
	    server.kind->stop_signal ? server.kind->stop_signal : SIGTERM;

	if (server.kind->is_baton && is_over)
		books_close(&server);
	actions_expect_end(on_end, NULL);
	kill(server.pid, signo);
	loop_run(&is_ended,
	    loop_now_us() +
		(options.is_comparison ? END_MAX_US / 18 : END_MAX_US));
	if (!is_ended && !options.is_comparison)
		say_failed("the server did not end at SIGTERM");
	reap_all();
	server_check_log(&server);
}

static int
judge(void)
{
	bool may_fail = options.actions == NULL ||
	    strstr(options.actions, "kill") != NULL ||
	    (strstr(options.actions, "restart") != NULL && !options.stores);

	actions_print();
	manager_print();
	generation_print();
	clients_print();
	if (server.kind->has_proxy && !options.is_comparison)
		origin_print();
	wrk_judge(&server, may_fail);
	if (!options.is_comparison)
		clients_judge();
	server_fini(&server);
	if (options.is_comparison)
		return 0;
	if (say_failures() > 0) {
		printf("torture: FAILED, %u times; seed %" PRIu64 "\n",
		    say_failures(), options.seed);
		return 1;
	}
	printf("torture: nobody's connection was closed; seed %" PRIu64 "\n",
	    options.seed);
	return 0;
}

int
main(int argc, char **argv)
{
	options_parse(&options, argc, argv);
	raise_limits();
	process_adopt_orphans();
	loop_init();
	say("torture: %s, %u s, an action every %u ms, seed %" PRIu64,
	    options.server, options.seconds, options.every_ms, options.seed);
	start_server();
	run_load();
	stop_server();
	return judge();
}
