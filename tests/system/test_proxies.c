/*
 * `trusted_proxies`: the client that a proxy names is who is logged, let in and
 * limited; nobody else can name one.
 */

#include "tests/system/system.h"

#include <string.h>

#define SERVER \
	"server {\n" \
	"  route / { return 200 \"in\"; deny 198.51.100.0/24; }\n" \
	"}\n"

#define TRUSTING "trusted_proxies 127.0.0.0/8;\n" SERVER

static const struct {
	const char *conf, *fields;
	unsigned status;
	const char *log; /* the line begins so */
} rows[] = {
	{ TRUSTING, "", 200, "127.0.0.1 - " },
	{ TRUSTING, "X-Forwarded-For: 192.0.2.7\r\n", 200, "192.0.2.7 - " },
	{ TRUSTING, "X-Forwarded-For: 198.51.100.7\r\n", 403,
	    "198.51.100.7 - " },
	{ TRUSTING, "X-Forwarded-For: 192.0.2.7, 198.51.100.7\r\n", 403,
	    "198.51.100.7 - " },
	{ TRUSTING, "X-Forwarded-For: 198.51.100.7, 2001:db8::1\r\n", 200,
	    "2001:db8::1 - " },
	{ TRUSTING, "X-Forwarded-For: x\r\n", 200, "127.0.0.1 - " },
	{ "trusted_proxies 10.0.0.0/8;\n" SERVER,
	    "X-Forwarded-For: 198.51.100.7\r\n", 200, "127.0.0.1 - " },
	{ SERVER, "X-Forwarded-For: 198.51.100.7\r\n", 200, "127.0.0.1 - " },
};

START_TEST(names_the_client)
{
	struct daemon *d = daemon_start(rows[_i].conf);
	struct client *c = daemon_connect(d);
	const char *log, *line;

	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(client_get(c, "/", rows[_i].fields)->status,
		    rows[_i].status);
	daemon_stop(d);
	log = scratch_read("access.log", NULL);
	line = strstr(log, "\"GET / ");
	ck_assert_msg(line != NULL, "%s", log);
	while (line > log && line[-1] != '\n')
		line--;
	ck_assert_msg(
	    strncmp(line, rows[_i].log, strlen(rows[_i].log)) == 0, "%s", log);
}
END_TEST

/* Each request on one connection may be another client's. */
START_TEST(limits_go_by_the_client)
{
	struct daemon *d = daemon_start(
	    "limit_rate 1/s per_address burst 2; workers 1;\n" TRUSTING);
	struct client *c = daemon_connect(d);
	const char *one = "X-Forwarded-For: 192.0.2.1\r\n";
	unsigned limited = 0;

	for (int i = 0; i < 10; i++)
		limited += client_get(c, "/", one)->status == 429;
	ck_assert_uint_ge(limited, 1);
	for (int i = 2; i < 30; i++)
		ck_assert_uint_eq(
		    client_get(c, "/",
			scratch_printf("X-Forwarded-For: 192.0.2.%d\r\n", i))
			->status,
		    200);
	daemon_stop(d);
}
END_TEST

/* A proxy has as many connections as it likes. */
START_TEST(proxies_are_not_limited)
{
	struct daemon *d =
	    daemon_start("limit_connections 2 per_address;\n"
			 "limit_rate 2/s per_address;\n" TRUSTING);

	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(
		    client_get(daemon_connect(d), "/",
			scratch_printf("X-Forwarded-For: 192.0.2.%d\r\n", i))
			->status,
		    200);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(proxies)
{
	TCase *tc = bt_system_case(s, "clients");

	tcase_add_loop_test(tc, names_the_client, 0, BT_ROWS(rows));
	tcase_add_test(tc, limits_go_by_the_client);
	tcase_add_test(tc, proxies_are_not_limited);
}
