/*
 * The status: a page that loads nothing from elsewhere, the same as JSON, and
 * as a table in the terminal; and what went wrong lately stands in all three.
 */

#include "tests/system/origin.h"
#include "tests/system/system.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
#define SERVER \
	"server { route = / { return 200 \"x\"; }" \
	" route = /status { status; } }\n"

/* --- JSON: whether it is, and single values --- */

static const char *skip_value(const char *at);

static const char *
skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *
skip_string(const char *at)
{
	ck_assert_int_eq(*at, '"');
	for (at++; *at != '"'; at++) {
		ck_assert_msg((unsigned char)*at >= 0x20, "a bare control");
		if (*at == '\\')
			at++;
	}
	return at + 1;
}

static const char *
skip_members(const char *at, char end)
{
	at = skip_space(at + 1);
	while (*at != end) {
		if (end == '}') {
			at = skip_space(skip_string(at));
			ck_assert_int_eq(*at, ':');
			at++;
		}
		at = skip_space(skip_value(at));
		if (*at == end)
			break;
		ck_assert_msg(*at == ',', "no comma: %.40s", at);
		at = skip_space(at + 1);
		ck_assert_int_ne(*at, end);
	}
	return at + 1;
}

static const char *
skip_value(const char *at)
{
	at = skip_space(at);
	if (*at == '{')
		return skip_members(at, '}');
	if (*at == '[')
		return skip_members(at, ']');
	if (*at == '"')
		return skip_string(at);
	ck_assert_msg(isdigit((unsigned char)*at), "no value: %.40s", at);
	return at + strspn(at, "0123456789");
}

static struct reply *
json(struct client *c)
{
	struct reply *r =
	    client_get(c, "/status", "Accept: application/json\r\n");

	ck_assert_uint_eq(r->status, 200);
	reply_wants(r, "Content-Type", "application/json");
	reply_wants(r, "Vary", "Accept");
	reply_wants(r, "Cache-Control", "no-store");
	ck_assert_str_eq(skip_space(skip_value(r->content)), "");
	return r;
}

/* The number of that name, behind the first `section` of that name. */
static unsigned long long
number(const struct reply *r, const char *section, const char *name)
{
	const char *at = strstr(r->content, scratch_printf("\"%s\":", section));

	ck_assert_msg(at != NULL, "no %s", section);
	at = strstr(at, scratch_printf("\"%s\":", name));
	ck_assert_msg(at != NULL, "no %s", name);
	return strtoull(strchr(at, ':') + 1, NULL, 10);
}

START_TEST(json_has_the_numbers)
{
	struct daemon *d = daemon_start("workers 1;\n" SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	for (int i = 0; i < 5; i++)
		client_expect(c, GET, 200);
	r = json(c);
	ck_assert_uint_eq(number(r, "ledger", "lost"), 0);
	ck_assert_uint_eq(
	    number(r, "ledger", "accepted"), number(r, "ledger", "dealt"));
	ck_assert_uint_eq(number(r, "ledger", "open"), 1);
	ck_assert_uint_eq(number(r, "responses", "2xx"), 5);
	ck_assert_uint_eq(number(r, "totals", "requests"), 6);
	ck_assert_uint_eq(number(r, "queue", "count"), 1);
	ck_assert_uint_eq(number(r, "answer", "count"), 5);
	ck_assert_uint_eq(number(r, "workers", "generation"), 1);
	ck_assert_uint_gt(number(r, "workers", "memory_bytes"), 0);
	ck_assert_ptr_nonnull(strstr(r->content, "\"state\":\"running\""));
	daemon_stop(d);
}
END_TEST

static const char *
nonce_of(const struct reply *r)
{
	const char *policy = reply_field(r, "Content-Security-Policy");
	const char *at = policy ? strstr(policy, "'nonce-") : NULL;

	ck_assert_msg(at != NULL, "no nonce in the policy");
	at += strlen("'nonce-");
	return scratch_printf("%.*s", (int)strcspn(at, "'"), at);
}

static bool
is_held(void *arg)
{
	return number(json(arg), "proxy", "held") == 1;
}

/* All three forms tell of servers behind, and of who waits for them. */
START_TEST(tells_of_a_proxy)
{
	struct origin origin;
	struct client *c, *held;
	struct spawn_result s;
	struct daemon *d;
	struct reply *r;

	origin_reserve(&origin);
	d = daemon_start(scratch_printf(
	    "upstream app { server 127.0.0.1:%u; fall 1; }\n"
	    "server { route / { proxy app; } route = /status { status; } "
	    "route = /metrics { metrics; } }\n",
	    origin.port));
	held = daemon_connect(d);
	client_puts(held, GET);
	c = daemon_connect(d);
	wait_until(is_held, c, "one that waits");
	r = json(c);
	ck_assert_uint_eq(number(r, "proxy", "waited"), 1);
	ck_assert_ptr_nonnull(strstr(r->content,
	    scratch_printf("{\"upstream\":\"app\",\"server\":"
			   "\"127.0.0.1:%u\",\"state\":\"down\"}",
		origin.port)));
	r = client_get(c, "/status", "");
	ck_assert_ptr_nonnull(strstr(r->content,
	    scratch_printf("<tr class=\"down\"><td>app<td class=\"text\">"
			   "127.0.0.1:%u<td class=\"state\">down",
		origin.port)));
	ck_assert_ptr_nonnull(
	    strstr(r->content, "held <b id=\"proxy-held\">1</b>"));
	r = client_get(c, "/metrics", "");
	ck_assert_ptr_nonnull(strstr(r->content,
	    scratch_printf("baton_upstream_server_up{upstream=\"app\","
			   "server=\"127.0.0.1:%u\"} 0\n",
		origin.port)));
	s = spawn_run_with("-s", "status", "-c", d->conf);
	ck_assert_ptr_nonnull(strstr(s.out, "\nwaited 1 = held 1 + "));
	daemon_stop(d);
}
END_TEST

START_TEST(page_allows_only_its_own)
{
	static const char *const foreign[] = { "http://",
		"src=", "href=", "style=", "onclick", "onload", "@import",
		"url(" };
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, "/status", "Accept: text/html\r\n");
	const char *nonce = nonce_of(r), *policy, *text;

	ck_assert_uint_eq(r->status, 200);
	reply_wants(r, "Content-Type", "text/html; charset=utf-8");
	reply_wants(r, "Vary", "Accept");
	reply_wants(r, "Cache-Control", "no-store");
	policy = reply_field(r, "Content-Security-Policy");
	ck_assert_int_eq(strncmp(policy, "default-src 'none';", 19), 0);
	ck_assert_ptr_null(strstr(policy, "unsafe"));
	text = r->content;
	ck_assert_uint_ge(strlen(nonce), 22);
	ck_assert_ptr_nonnull(
	    strstr(text, scratch_printf("<style nonce=\"%s\">", nonce)));
	ck_assert_ptr_nonnull(
	    strstr(text, scratch_printf("<script nonce=\"%s\">", nonce)));
	/* the name of SVG is not loaded */
	text = scratch_join(text,
	    (size_t)(strstr(text, "http://www.w3.org") - text),
	    strstr(text, "http://www.w3.org") + strlen("http://"));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		ck_assert_msg(strstr(text, foreign[i]) == NULL,
		    "the page has %s", foreign[i]);
	r = client_get(c, "/status", "");
	ck_assert_str_ne(nonce_of(r), nonce);
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *accept, *type;
} accepts[] = {
	{ "", "text/html; charset=utf-8" },
	{ "Accept: */*\r\n", "text/html; charset=utf-8" },
	{ "Accept: application/json\r\n", "application/json" },
	{ "Accept: application/*\r\n", "application/json" },
	{ "Accept: text/html;q=0.5, application/json;q=0.9\r\n",
	    "application/json" },
	{ "Accept: text/html, application/json;q=0.9\r\n",
	    "text/html; charset=utf-8" },
	{ "Accept: image/png\r\n", "text/html; charset=utf-8" },
};

START_TEST(form_by_accept)
{
	struct daemon *d = daemon_start(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, "/status", accepts[_i].accept);

	ck_assert_uint_eq(r->status, 200);
	reply_wants(r, "Content-Type", accepts[_i].type);
	daemon_stop(d);
}
END_TEST

struct wanted {
	struct daemon *d;
	const char *text;
};

static bool
is_told(void *arg)
{
	struct wanted *w = arg;
	struct client *c = daemon_connect(w->d);
	bool told = strstr(json(c)->content, w->text) != NULL;

	client_close(c);
	return told;
}

/* In all three forms. */
static void
expect_event(struct daemon *d, const char *text, const char *html)
{
	struct wanted w = { d, text };

	wait_until(is_told, &w, text);
	ck_assert_ptr_nonnull(strstr(
	    client_get(daemon_connect(d), "/status", "")->content, html));
	ck_assert_ptr_nonnull(
	    strstr(spawn_run_with("-s", "status", "-c", d->conf).out, text));
}

START_TEST(tells_what_happened)
{
	struct daemon *d = daemon_start("workers 2;\n" SERVER);
	pid_t workers[PROC_CHILDREN_MAX];
	const char *text;

	ck_assert_uint_eq(daemon_workers(d, workers), 2);
	kill(workers[0], SIGKILL);
	text = scratch_printf(
	    "worker 0, pid %d, was ended by SIGKILL", (int)workers[0]);
	expect_event(d, text, text);
	daemon_reload(d);
	expect_event(d, "reloaded, generation 2", "reloaded, generation 2");
	daemon_rewrite(d, "workers <b>;\n" SERVER);
	kill(d->pid, SIGHUP);
	expect_event(d, "the conf is not taken: ", "&lt;b&gt;");
	ck_assert_ptr_null(strstr(
	    client_get(daemon_connect(d), "/status", "")->content, "<b>;"));
	daemon_stop(d);
}
END_TEST

/* Characters of a line. */
static size_t
width_of(const char *line)
{
	size_t n = 0;

	for (; *line != '\n'; line++)
		n += ((unsigned char)*line & 0xc0) != 0x80;
	return n;
}

/* Each row of the workers' table ends where its title does. */
START_TEST(terminal_table_is_aligned)
{
	struct daemon *d = daemon_start("workers 3;\n" SERVER);
	struct client *c = daemon_connect(d);
	const char *out, *line;
	size_t title_n, rows = 0;

	for (int i = 0; i < 1500; i++)
		client_expect(c, GET, 200);
	out = spawn_run_with("-s", "status", "-c", d->conf).out;
	line = strstr(out, "\nworker ");
	ck_assert_msg(line != NULL, "no table: %s", out);
	line++;
	title_n = width_of(line);
	for (line += strcspn(line, "\n") + 1; *line != '\n'; rows++) {
		ck_assert_msg(width_of(line) == title_n, "%s", out);
		line += strcspn(line, "\n") + 1;
	}
	ck_assert_uint_eq(rows, 3);
	ck_assert_ptr_nonnull(strstr(out, "request to first byte"));
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(status)
{
	TCase *tc = bt_system_case(s, "status");

	tcase_add_test(tc, json_has_the_numbers);
	tcase_add_test(tc, tells_of_a_proxy);
	tcase_add_test(tc, page_allows_only_its_own);
	tcase_add_loop_test(
	    tc, form_by_accept, 0, (int)(sizeof(accepts) / sizeof(accepts[0])));
	tcase_add_test(tc, tells_what_happened);
	tcase_add_test(tc, terminal_table_is_aligned);
}
