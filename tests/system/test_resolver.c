/*
 * Names of servers behind `proxy`: looked up beside the requests, again when
 * they are over, and never in the way of a start.  The test is the DNS server
 * and what its names mean.
 */

#include "tests/system/dns.h"
#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define KEPT "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
#define CLOSED \
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"

static const char *const one[] = { "127.0.0.1", NULL };
static const char *const two[] = { "127.0.0.2", NULL };
static const char *const both[] = { "127.0.0.1", "127.0.0.2", NULL };

static struct origin origin;
static struct dns *dns;

static const char *
conf_of(const char *host, const char *block)
{
	return scratch_printf("workers 1;\n"
			      "resolver 127.0.0.1:%u;\n"
			      "server {\n"
			      "    route / { proxy http://%s:%u%s }\n"
			      "    route = /fixed { return 200 x; }\n"
			      "}\n",
	    dns_port(dns), host, origin.port, block[0] ? block : ";");
}

static struct daemon *
start(const char *block)
{
	return daemon_start(conf_of("app.test", block));
}

/* The same port of another address of this machine. */
static struct origin
origin_beside(const struct origin *first, const char *address)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)first->port) };
	struct origin o = { .port = first->port };

	ck_assert_int_eq(inet_pton(AF_INET, address, &sin.sin_addr), 1);
	o.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(o.fd, (void *)&sin, sizeof(sin)), 0);
	origin_listen(&o);
	return o;
}

/* A request that is answered by that origin, over a new connection. */
static void
expect_from(struct client *c, struct origin *o, const char *head)
{
	struct client *link;

	client_puts(c, GET);
	link = origin_accept(o);
	origin_answer(link, scratch_printf("%so", head));
	reply_wants_text(client_read(c, "GET"), "o");
	if (strstr(head, "close") != NULL)
		client_close(link);
}

START_TEST(name_is_looked_up)
{
	struct daemon *d;

	origin_start(&origin);
	dns = dns_start();
	dns_set(dns, DNS_ANSWERS, 60, one);
	d = start("");
	expect_from(daemon_connect(d), &origin, KEPT);
	daemon_stop(d);
}
END_TEST

/* Also the first request after a reload: its workers are ready with it. */
START_TEST(reload_finds_it_known)
{
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	dns = dns_start();
	dns_set(dns, DNS_ANSWERS, 60, one);
	d = start("");
	c = daemon_connect(d);
	for (int i = 0; i < 5; i++) {
		client_puts(c, GET);
		o = origin_accept(&origin);
		origin_answer(o, KEPT "o");
		reply_wants_text(client_read(c, "GET"), "o");
		daemon_reload(d);
	}
	daemon_stop(d);
}
END_TEST

static const enum dns_mood bad_moods[] = { DNS_UNKNOWN, DNS_SILENT, DNS_BROKEN,
	DNS_ANSWERS };

/* It starts, reloads, answers what it can; and goes on when there is a name. */
START_TEST(unknown_name_prevents_nothing)
{
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	dns = dns_start();
	dns_set(dns, bad_moods[_i], 60, NULL);
	d = start(" { try_duration 0; }");
	c = daemon_connect(d);
	client_expect(c, "GET /fixed HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	client_expect(c, GET, 502);
	daemon_reload_with(d, conf_of("app.test", " { try_duration 60s; }"));
	daemon_reload(d);
	client_puts(c, GET);
	dns_wait_asked(dns, 2);
	dns_set(dns, DNS_ANSWERS, 60, one);
	o = origin_accept(&origin);
	origin_answer(o, KEPT "o");
	reply_wants_text(client_read(c, "GET"), "o");
	daemon_stop(d);
}
END_TEST

/* The kept connection is to what the name meant, and not used again. */
START_TEST(change_is_followed)
{
	struct origin other;
	struct client *c;
	struct daemon *d;

	origin_start(&origin);
	other = origin_beside(&origin, "127.0.0.2");
	dns = dns_start();
	dns_set(dns, DNS_ANSWERS, 1, one);
	d = start("");
	c = daemon_connect(d);
	expect_from(c, &origin, KEPT);
	dns_set(dns, DNS_ANSWERS, 1, two);
	/* two questions each time: the second time, the answer was taken */
	dns_wait_asked(dns, 4);
	expect_from(c, &other, KEPT);
	daemon_stop(d);
}
END_TEST

/* Whatever becomes of the DNS server. */
START_TEST(last_addresses_are_kept)
{
	struct client *c;
	struct daemon *d;

	origin_start(&origin);
	dns = dns_start();
	dns_set(dns, DNS_ANSWERS, 1, one);
	d = start("");
	c = daemon_connect(d);
	expect_from(c, &origin, CLOSED);
	dns_set(dns, bad_moods[_i], 1, NULL);
	dns_wait_asked(dns, 5);
	expect_from(c, &origin, CLOSED);
	daemon_stop(d);
}
END_TEST

START_TEST(addresses_have_turns)
{
	struct origin other;
	struct client *c;
	struct daemon *d;

	origin_start(&origin);
	other = origin_beside(&origin, "127.0.0.2");
	dns = dns_start();
	dns_set(dns, DNS_ANSWERS, 60, both);
	d = start("");
	c = daemon_connect(d);
	for (int i = 0; i < 3; i++) {
		expect_from(c, &origin, CLOSED);
		expect_from(c, &other, CLOSED);
	}
	daemon_stop(d);
}
END_TEST

/* One that nobody listens at costs no request. */
START_TEST(dead_address_is_passed_over)
{
	struct client *c;
	struct daemon *d;

	origin_start(&origin);
	dns = dns_start();
	dns_set(dns, DNS_ANSWERS, 60,
	    (const char *[]){ "127.0.0.3", "127.0.0.2", "127.0.0.1", NULL });
	d = start("");
	c = daemon_connect(d);
	for (int i = 0; i < 6; i++)
		expect_from(c, &origin, CLOSED);
	daemon_stop(d);
}
END_TEST

/* It listens at one of what localhost means. */
START_TEST(localhost)
{
	struct client *c;
	struct daemon *d;

	origin_start(&origin);
	dns = dns_start();
	d = daemon_start(conf_of("localhost", ""));
	c = daemon_connect(d);
	for (int i = 0; i < 4; i++)
		expect_from(c, &origin, CLOSED);
	daemon_stop(d);
}
END_TEST

/* The file is read again, and again. */
START_TEST(hosts_file)
{
	const char *path = scratch_text("hosts", "127.0.0.9 other\n");
	struct client *c, *o;
	struct daemon *d;

	origin_start(&origin);
	dns = dns_start();
	setenv("CARES_HOSTS", path, 1);
	d = daemon_start(conf_of("app.test", " { try_duration 60s; }"));
	c = daemon_connect(d);
	client_puts(c, GET);
	dns_wait_asked(dns, 2); /* not in there */
	scratch_text("hosts", "127.0.0.1 app.test\n");
	o = origin_accept(&origin);
	origin_answer(o, KEPT "o");
	reply_wants_text(client_read(c, "GET"), "o");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(resolver)
{
	TCase *tc = bt_system_case(s, "names");

	tcase_add_test(tc, name_is_looked_up);
	tcase_add_test(tc, reload_finds_it_known);
	tcase_add_loop_test(
	    tc, unknown_name_prevents_nothing, 0, BT_ROWS(bad_moods));
	tcase_add_test(tc, change_is_followed);
	tcase_add_loop_test(tc, last_addresses_are_kept, 0, BT_ROWS(bad_moods));
	tcase_add_test(tc, localhost);
	tcase_add_test(tc, hosts_file);
	tc = bt_system_case(s, "addresses");
	tcase_add_test(tc, addresses_have_turns);
	tcase_add_test(tc, dead_address_is_passed_over);
}
