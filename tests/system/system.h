#ifndef BT_TESTS_SYSTEM_H
#define BT_TESTS_SYSTEM_H

/*
 * System tests: the real daemon, over real sockets.  A file for each promise
 * names its suite and is found by itself:
 *
 *	START_TEST(answers)
 *	{
 *		struct daemon *d = daemon_start("server { route / { echo; } }");
 *		struct client *c = daemon_connect(d);
 *
 *		client_expect(c, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", 200);
 *		daemon_stop(d);
 *	}
 *	END_TEST
 *
 *	BT_SYSTEM_SUITE(echo)
 *	{
 *		tcase_add_test(bt_system_case(s, "plain"), answers);
 *	}
 *
 * Check forks for each test, so a test owns its process: its scratch folder,
 * its daemon, its clients; all of them end with it.
 */

#include "tests/system/client.h"
#include "tests/system/daemon.h"
#include "tests/system/metrics.h"
#include "tests/system/proc.h"
#include "tests/system/scratch.h"
#include "tests/system/wait.h"

#include <check.h>

typedef void bt_system_fill_fn(Suite *s);

/* Called before main() by BT_SYSTEM_SUITE. */
void bt_system_register(const char *name, bt_system_fill_fn *);

/* A new case of the suite: time to live, and a scratch folder that goes. */
TCase *bt_system_case(Suite *, const char *name);

#define BT_SYSTEM_SUITE(name) \
	static void fill_##name(Suite *); \
	__attribute__((constructor)) static void register_##name(void) \
	{ \
		bt_system_register(#name, fill_##name); \
	} \
	static void fill_##name(Suite *s)

/* The number of elements of a table, for tcase_add_loop_test(). */
#define BT_ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#endif
