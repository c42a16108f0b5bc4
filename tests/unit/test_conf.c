/* src/conf: a conf as values: presets, inheritance, lists, the way back. */

#include "conf/conf.h"

#include "conf/tree.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bt_conf *
parse(const char *text)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *conf = NULL;
	int r = bt_conf_parse(bt_str_of(text), "t", &conf, &errors);

	ck_assert_msg(r == 0, "%s", errors.data);
	ck_assert_uint_eq(errors.len, 0);
	bt_buf_fini(&errors);
	return conf;
}

static void
check_str(struct bt_str s, const char *want)
{
	ck_assert_msg(bt_str_equal(s, bt_str_of(want)), "%.*s, not %s",
	    BT_STR_ARG(s), want);
}

START_TEST(presets)
{
	struct bt_conf *c = parse("server { route / { root /x; } }");
	char text[BT_ADDR_TEXT_MAX];

	ck_assert_str_eq(c->file, "t");
	ck_assert_uint_eq(c->workers, 0);
	ck_assert_str_eq(c->user, "www-data");
	ck_assert_ptr_null(c->pid_file);
	ck_assert_ptr_null(c->control);
	ck_assert_str_eq(c->error_log, "stderr");
	ck_assert_int_eq(c->error_log_level, BT_LOG_INFO);
	ck_assert_uint_eq(c->logs_n, 0);
	ck_assert_uint_eq(c->log_files_n, 0);
	ck_assert_int_eq(c->dispatch, BT_DISPATCH_ROUND_ROBIN);
	ck_assert_uint_eq(c->worker_connections, 16384);
	ck_assert_int_eq(c->worker_timeout_ms, 30000);
	ck_assert_uint_eq(c->offload_threads, 2);
	ck_assert_int_eq(c->drain_timeout_ms, 30000);
	ck_assert_int_eq(c->header_timeout_ms, 10000);
	ck_assert_int_eq(c->body_timeout_ms, 30000);
	ck_assert_int_eq(c->send_timeout_ms, 30000);
	ck_assert_int_eq(c->keepalive_timeout_ms, 75000);
	ck_assert_uint_eq(c->keepalive_requests, 100000);
	ck_assert_uint_eq(c->max_header_bytes, 16384);
	ck_assert_uint_eq(c->listens_n, 1);
	ck_assert_str_eq(
	    bt_addr_format(&c->listens[0].addr, text), "0.0.0.0:80");
	ck_assert_uint_eq(c->listens[0].backlog, 4096);
	ck_assert(!c->listens[0].deferred);
	ck_assert_uint_eq(c->servers_n, 1);
	ck_assert_uint_eq(c->servers[0].scope.max_body_bytes, 1048576);
	ck_assert_int_eq(c->servers[0].scope.file_cache_valid_ms, 1000);
	ck_assert_uint_eq(c->servers[0].names_n, 0);
	ck_assert_uint_eq(c->servers[0].routes_n, 1);
	ck_assert_uint_eq(c->servers[0].routes[0].index_n, 1);
	check_str(c->servers[0].routes[0].index[0], "index.html");
	bt_conf_free(c);
}
END_TEST

START_TEST(main_values)
{
	struct bt_conf *c = parse("workers 3; user nobody; pid_file /p;"
				  "control '/c d'; error_log /e debug;"
				  "access_log /a common;"
				  "dispatch least_connections;"
				  "worker_timeout 1m; header_timeout 250ms;"
				  "max_header_size 32K;"
				  "keepalive_requests 7;"
				  "worker_max_requests 8; "
				  "worker_max_memory 9m;"
				  "limit_connections 10 per_address;"
				  "limit_rate 11/s per_address burst 12;"
				  "server { route / { echo; } }");

	ck_assert_uint_eq(c->workers, 3);
	ck_assert_str_eq(c->user, "nobody");
	ck_assert_str_eq(c->pid_file, "/p");
	ck_assert_str_eq(c->control, "/c d");
	ck_assert_str_eq(c->error_log, "/e");
	ck_assert_int_eq(c->error_log_level, BT_LOG_DEBUG);
	ck_assert_uint_eq(c->log_files_n, 1);
	ck_assert_str_eq(c->log_files[0], "/a");
	check_str(c->logs[0].format->name, "common");
	ck_assert_int_eq(c->dispatch, BT_DISPATCH_LEAST_CONNECTIONS);
	ck_assert_int_eq(c->worker_timeout_ms, 60000);
	ck_assert_int_eq(c->header_timeout_ms, 250);
	ck_assert_uint_eq(c->max_header_bytes, 32768);
	ck_assert_uint_eq(c->keepalive_requests, 7);
	ck_assert_uint_eq(c->worker_max_requests, 8);
	ck_assert_uint_eq(c->worker_max_memory, 9 * 1024 * 1024);
	ck_assert_uint_eq(c->limit_connections, 10);
	ck_assert_uint_eq(c->limit_rate, 11);
	ck_assert_uint_eq(c->limit_rate_burst, 12);
	bt_conf_free(c);
}
END_TEST

START_TEST(handlers)
{
	struct bt_conf *c = parse("server {\n"
				  "route / { root /www; index a b.html; }\n"
				  "route = /r { return 200 \"\"; }\n"
				  "route /s { return 404; }\n"
				  "route '/a b' { redirect 308 /c?d=%20; }\n"
				  "route /e { echo; }\n"
				  "route /m { metrics; }\n"
				  "route /t { status; }\n"
				  "}");
	const struct bt_conf_route *r = c->servers[0].routes;

	ck_assert_uint_eq(c->servers[0].routes_n, 7);
	ck_assert_int_eq(r[0].handler, BT_HANDLER_STATIC);
	check_str(r[0].path, "/");
	check_str(r[0].root, "/www");
	ck_assert_uint_eq(r[0].index_n, 2);
	check_str(r[0].index[1], "b.html");
	ck_assert_uint_eq(r[0].line, 2);
	ck_assert(!r[0].exact);
	ck_assert(r[1].exact);
	ck_assert_int_eq(r[1].handler, BT_HANDLER_RETURN);
	ck_assert_uint_eq(r[1].status, 200);
	ck_assert(r[1].has_text);
	ck_assert_uint_eq(r[1].text.n, 0);
	ck_assert_uint_eq(r[2].status, 404);
	ck_assert(!r[2].has_text);
	ck_assert_int_eq(r[3].handler, BT_HANDLER_REDIRECT);
	ck_assert_uint_eq(r[3].status, 308);
	check_str(r[3].path, "/a b");
	check_str(r[3].text, "/c?d=%20");
	ck_assert_int_eq(r[4].handler, BT_HANDLER_ECHO);
	ck_assert_int_eq(r[5].handler, BT_HANDLER_METRICS);
	ck_assert_int_eq(r[6].handler, BT_HANDLER_STATUS);
	bt_conf_free(c);
}
END_TEST

START_TEST(inner_scopes_inherit_or_replace)
{
	struct bt_conf *c = parse("server {\n"
				  "  route /a { echo; }\n"
				  "  route /b { echo; add_header Z z always;\n"
				  "             max_body_size 0; deny all; }\n"
				  "  add_header X 1; add_header Y 2;\n"
				  "}\n"
				  "server { listen 81; route / { echo; }\n"
				  "  file_cache_valid 0; }\n"
				  "add_header M m; max_body_size 5k;\n"
				  "deny 192.0.2.1;");
	const struct bt_conf_scope *main = &c->servers[1].scope;
	const struct bt_conf_scope *server = &c->servers[0].scope;
	const struct bt_conf_scope *a = &c->servers[0].routes[0].scope;
	const struct bt_conf_scope *b = &c->servers[0].routes[1].scope;

	ck_assert_uint_eq(main->fields_n, 1);
	check_str(main->fields[0].name, "M");
	ck_assert_uint_eq(main->max_body_bytes, 5120);
	ck_assert_int_eq(main->file_cache_valid_ms, 0);
	ck_assert_int_eq(server->file_cache_valid_ms, 1000);
	ck_assert_uint_eq(server->fields_n, 2);
	check_str(server->fields[1].value, "2");
	ck_assert_uint_eq(a->fields_n, 2); /* though it is given later */
	ck_assert(!a->fields[0].always);
	ck_assert_uint_eq(a->max_body_bytes, 5120);
	ck_assert_uint_eq(b->fields_n, 1);
	ck_assert(b->fields[0].always);
	ck_assert_uint_eq(b->max_body_bytes, 0);
	ck_assert_uint_eq(b->access_n, 1);
	ck_assert_uint_eq(a->access_n, 2);
	ck_assert(!a->access[0].allow);
	bt_conf_free(c);
}
END_TEST

static const struct {
	const char *list;
	const char *lines; /* a: allow, d: deny; * for all */
} lists[] = {
	{ "", "" },
	{ "allow 127.0.0.1;", "ad*" },
	{ "deny 127.0.0.1;", "da*" },
	{ "allow 127.0.0.1; deny all;", "ad*" },
	{ "allow ::1; allow unix:;", "aad*" },
	{ "deny 10.0.0.1; allow 10.0.0.0/8;", "dad*" },
	{ "allow 10.0.0.0/8; deny 10.0.0.1;", "ada*" },
	{ "allow all;", "a*" },
};

START_TEST(access_lists_decide_about_all)
{
	const struct bt_conf_scope *scope;
	struct bt_conf *c;
	char text[256];
	size_t at = 0;

	snprintf(text, sizeof(text), "server { route / { echo; %s } }",
	    lists[_i].list);
	c = parse(text);
	scope = &c->servers[0].routes[0].scope;
	for (size_t i = 0; i < scope->access_n; i++) {
		text[at++] = scope->access[i].allow ? 'a' : 'd';
		if (scope->access[i].block.family == AF_UNSPEC)
			text[at++] = '*';
	}
	text[at] = '\0';
	ck_assert_str_eq(text, lists[_i].lines);
	bt_conf_free(c);
}
END_TEST

START_TEST(listens_are_shared)
{
	struct bt_conf *c = parse(
	    "server { listen 80; listen 127.0.0.1:81 backlog=7; name A.x; "
	    "         route / { echo; } }"
	    "server { listen *:80 deferred; listen [::]:80; name b; "
	    "         route / { echo; } }"
	    "server { listen 0.0.0.0:80 default_server; listen unix:/s;"
	    "         route / { echo; } }");

	ck_assert_uint_eq(c->listens_n, 4);
	ck_assert_uint_eq(c->listens[0].default_server, 2);
	ck_assert(c->listens[0].deferred);
	ck_assert_uint_eq(c->listens[1].default_server, 0);
	ck_assert_uint_eq(c->listens[1].backlog, 7);
	ck_assert_uint_eq(c->listens[2].default_server, 1);
	ck_assert(c->listens[2].ipv6_only);
	ck_assert(!c->listens[0].ipv6_only);
	ck_assert_uint_eq(c->listens[3].default_server, 2);
	ck_assert_uint_eq(c->servers[1].listens_n, 2);
	ck_assert_uint_eq(c->servers[1].listens[0], 0);
	ck_assert_uint_eq(c->servers[1].listens[1], 2);
	check_str(c->servers[0].names[0], "a.x");
	bt_conf_free(c);
}
END_TEST

static const char *const round_trips[] = {
	"server { route / { echo; } }",
	"user off; workers 256; control /a; pid_file /b; error_log /e warn;"
	"access_log '/a b' common; dispatch least_connections;"
	"drain_timeout 1500ms; keepalive_timeout 1d; max_header_size 1025;"
	"server { route / { root '/x;y'; index 'a b' c; } }",
	"limit_connections 5 per_address; limit_rate 1000000/s per_address;"
	"worker_max_requests 1; worker_max_memory 1g;"
	"server { route / { echo; } }",
	"log_format a 'x $status \"$request\"' '${uri}y'; access_log /a a;"
	"access_log stdout json; log_format b escape=json '{\"h\":\"$host\"}';"
	"server { route / { echo; } access_log off; route /b { echo;"
	"access_log /b b; access_log /a; } }"
	"server { name x; route / { echo; } }",
	"add_header A $request_id; server { route / { echo; add_header B "
	"\"${host}x y\" always; add_header C 'a$'; } }",
	"max_body_size 0; allow 10.0.0.0/8; allow unix:; add_header A b;"
	"file_cache_valid 0; server { route / { echo; } "
	"route /b { echo; deny 2001:db8::/32; add_header C \"d'\\\"e\\$f\" "
	"always; } }",
	"gzip on; gzip_types text/*; server { gzip_min_size 5;"
	"route / { echo; } route /b { echo; gzip off; gzip_types a/b c/d; } }",
	"server { route / { proxy http://h/p { set_header A \"$host b\";"
	"set_header B ''; set_header C 'd;'; hide_header X Y;"
	"hide_header Z; } } }",
	"trusted_proxies ::1; server { listen 80 proxy_protocol;"
	"route / { echo; } }",
	"resolver 10.0.0.1 [::1]:5353; server { route / { echo; } }",
	"trusted_proxies 10.0.0.0/8 ::1 unix:; server { route / { echo; } }",
	"basic_auth 'a b' /u; server { route / { echo; } "
	"route /x { echo; basic_auth off; } }",
	"cache_control max-age=1h, public; error_page 404 500 =200 '/a b';"
	"server { route / { echo; } route /b { echo; cache_control off;"
	"error_page 404 /y; } route /c { echo; cache_control no-store "
	"s-maxage=5; } }",
	"server { listen 80; listen [::1]:80 deferred; listen unix:/a\xc3\xbc;"
	"name a *.b; route = '/{ }' { return 200 \"a\\nb\\t\\\\\"; }"
	"route /r { redirect 302 https://h/p?q#f; } route /n { return 404; }"
	"route /e { return 403 ''; } }"
	"server { listen 80 default_server backlog=9; name c;"
	"route / { status; } route /m { metrics; max_body_size 20m; } }",
};

START_TEST(dump_can_be_read_back)
{
	struct bt_buf first = { 0 }, second = { 0 };
	struct bt_conf *c = parse(round_trips[_i]), *again;

	bt_conf_dump(c, &first);
	again = parse(first.data);
	bt_conf_dump(again, &second);
	ck_assert_str_eq(first.data, second.data);
	/* what the dump might leave out both times */
	ck_assert_uint_eq(again->listens_n, c->listens_n);
	ck_assert_uint_eq(again->servers_n, c->servers_n);
	for (size_t s = 0; s < c->servers_n; s++) {
		const struct bt_conf_server *a = &c->servers[s];
		const struct bt_conf_server *b = &again->servers[s];

		ck_assert_uint_eq(a->routes_n, b->routes_n);
		ck_assert_uint_eq(a->names_n, b->names_n);
		for (size_t r = 0; r < a->routes_n; r++) {
			const struct bt_conf_route *p = &a->routes[r];
			const struct bt_conf_route *q = &b->routes[r];

			ck_assert(bt_str_equal(p->path, q->path));
			ck_assert(bt_str_equal(p->text, q->text));
			ck_assert(bt_str_equal(p->root, q->root));
			ck_assert_int_eq(p->has_text, q->has_text);
			ck_assert_int_eq(p->exact, q->exact);
			ck_assert_int_eq(p->handler, q->handler);
			ck_assert_uint_eq(p->scope.access_n, q->scope.access_n);
			ck_assert_uint_eq(p->scope.fields_n, q->scope.fields_n);
			ck_assert_uint_eq(p->scope.pages_n, q->scope.pages_n);
			ck_assert_int_eq(p->scope.cache_control != NULL,
			    q->scope.cache_control != NULL);
			ck_assert_uint_eq(
			    p->scope.max_body_bytes, q->scope.max_body_bytes);
		}
	}
	bt_conf_free(c);
	bt_conf_free(again);
	bt_buf_fini(&first);
	bt_buf_fini(&second);
}
END_TEST

START_TEST(dump_shows_presets)
{
	struct bt_conf *c = parse("server { route / { root /x; } }");
	struct bt_buf out = { 0 };

	bt_conf_dump(c, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "workers             auto;\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "control             off;\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "keepalive_timeout   75s;\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "error_log           stderr"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "listen 0.0.0.0:80 backlog=4096"));
	ck_assert_ptr_nonnull(strstr(out.data, "max_body_size 1m;\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "index index.html;\n"));
	bt_buf_fini(&out);
	bt_conf_free(c);
}
END_TEST

START_TEST(installed_conf_is_right)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *c = NULL;

	ck_assert_msg(bt_conf_read("conf/baton.conf", &c, &errors) == 0, "%s",
	    errors.data);
	ck_assert_str_eq(c->control, "/run/baton/baton.sock");
	ck_assert_uint_eq(c->listens_n, 2);
	check_str(c->servers[0].routes[0].root, "/usr/share/baton/www");
	bt_conf_free(c);
	bt_buf_fini(&errors);
}
END_TEST

START_TEST(quick_serves_a_folder)
{
	struct bt_buf errors = { 0 }, text = { 0 };
	char cwd[PATH_MAX], want[PATH_MAX + 8];
	struct bt_conf *c = NULL;

	ck_assert_msg(bt_conf_quick("127.0.0.1:0", "src", &c, &errors) == 0,
	    "%s", errors.data);
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "%s/src", cwd);
	check_str(c->servers[0].routes[0].root, want);
	ck_assert_ptr_null(c->file);
	ck_assert_ptr_null(c->user);
	ck_assert_ptr_null(c->pid_file);
	ck_assert_ptr_null(c->control);
	ck_assert_uint_eq(c->log_files_n, 0);
	ck_assert_str_eq(c->error_log, "stderr");
	bt_conf_dump(c, &text);
	bt_conf_free(c);
	bt_conf_free(parse(text.data));
	bt_buf_fini(&text);
}
END_TEST

START_TEST(quick_says_what_is_wrong)
{
	static const struct {
		const char *listen, *root, *error;
		int r;
	} rows[] = {
		{ "nowhere", "src", "baton: -l nowhere: ", -EINVAL },
		{ "127.0.0.1:70000", "src",
		    "baton: -l 127.0.0.1:70000: ", -EINVAL },
		{ "80", "no/such", "baton: -r no/such: No such file", -ENOENT },
		{ "80", "Makefile", "baton: -r Makefile: Not a directory",
		    -ENOTDIR },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bt_buf errors = { 0 };
		struct bt_conf *c = NULL;

		ck_assert_int_eq(
		    bt_conf_quick(rows[i].listen, rows[i].root, &c, &errors),
		    rows[i].r);
		ck_assert_ptr_null(c);
		ck_assert_msg(bt_str_has_prefix(bt_buf_str(&errors),
				  bt_str_of(rows[i].error)),
		    "%s", errors.data);
		bt_buf_fini(&errors);
	}
}
END_TEST

/* The nearest list holds; the same path is one file; formats may follow. */
START_TEST(logs_are_inherited)
{
	struct bt_conf *c =
	    parse("access_log /a mine; log_format mine '$status';"
		  "server { name a; route / { echo; }"
		  " route /off { echo; access_log off; }"
		  " route /two { echo; access_log /b; access_log /a json; } }"
		  "server { name b; access_log stderr; route / { echo; } }"
		  "server { name c; access_log off; route / { echo; } }");
	const struct bt_conf_route *r = c->servers[0].routes;

	ck_assert_uint_eq(c->log_files_n, 3);
	ck_assert_str_eq(c->log_files[0], "/a");
	ck_assert_str_eq(c->log_files[1], "/b");
	ck_assert_str_eq(c->log_files[2], "stderr");
	ck_assert_uint_eq(c->logs_n, 1);
	check_str(c->logs[0].format->name, "mine");
	ck_assert_ptr_eq(r[0].scope.logs, c->logs);
	ck_assert_uint_eq(r[1].scope.logs_n, 0);
	ck_assert_uint_eq(r[2].scope.logs_n, 2);
	ck_assert_uint_eq(r[2].scope.logs[0].file, 1);
	check_str(r[2].scope.logs[0].format->name, "combined");
	ck_assert_uint_eq(r[2].scope.logs[1].file, 0);
	check_str(r[2].scope.logs[1].format->name, "json");
	ck_assert_uint_eq(c->servers[1].routes[0].scope.logs[0].file, 2);
	ck_assert_uint_eq(c->servers[2].routes[0].scope.logs_n, 0);
	bt_conf_free(c);
}
END_TEST

START_TEST(many_servers_are_checked_at_once)
{
	struct bt_buf text = { 0 };
	struct bt_conf *c;

	for (int i = 0; i < 3000; i++)
		bt_buf_printf(&text,
		    "server { name h%d.example www.h%d.example;"
		    "route /a { echo; } route /b { echo; } }\n",
		    i, i);
	c = parse(text.data);
	ck_assert_uint_eq(c->servers_n, 3000);
	ck_assert_uint_eq(c->listens_n, 1);
	bt_conf_free(c);
	bt_buf_fini(&text);
}
END_TEST

BT_UNIT_SUITE(conf)
{
	TCase *tc = bt_unit_case(s, "values");

	tcase_add_test(tc, presets);
	tcase_add_test(tc, main_values);
	tcase_add_test(tc, handlers);
	tcase_add_test(tc, inner_scopes_inherit_or_replace);
	tcase_add_loop_test(tc, access_lists_decide_about_all, 0,
	    (int)(sizeof(lists) / sizeof(lists[0])));
	tcase_add_test(tc, listens_are_shared);
	tcase_add_test(tc, logs_are_inherited);
	tcase_add_test(tc, many_servers_are_checked_at_once);
	tc = bt_unit_case(s, "dump");
	tcase_add_loop_test(tc, dump_can_be_read_back, 0,
	    (int)(sizeof(round_trips) / sizeof(round_trips[0])));
	tcase_add_test(tc, dump_shows_presets);
	tc = bt_unit_case(s, "whole");
	tcase_add_test(tc, installed_conf_is_right);
	tcase_add_test(tc, quick_serves_a_folder);
	tcase_add_test(tc, quick_says_what_is_wrong);
}
