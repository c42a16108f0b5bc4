/*
 * worker/router.c: exact before prefix, the longest prefix at a `/` boundary,
 * servers by name, and who may use a route.
 */

#include "tests/unit/unit.h"

#include "handlers/gate.h"
#include "handlers/handler.h"
#include "worker/router.h"

static struct bt_conf_route
route(const char *path, bool exact)
{
	return (struct bt_conf_route){ .path = bt_str_of(path),
		.exact = exact,
		.handler = BT_HANDLER_ECHO,
		.file = "test",
		.line = 1 };
}

#define MAX 16

struct site {
	struct bt_conf_server server;
	struct bt_conf_route routes[MAX];
	struct bt_str names[MAX];
	unsigned listens[MAX];
};

static void
add_route(struct site *site, const char *path, bool exact)
{
	site->server.routes = site->routes;
	site->routes[site->server.routes_n++] = route(path, exact);
}

static void
add_name(struct site *site, const char *name)
{
	site->server.names = site->names;
	site->names[site->server.names_n++] = bt_str_of(name);
}

static void
add_listen(struct site *site, unsigned listen)
{
	site->server.listens = site->listens;
	site->listens[site->server.listens_n++] = listen;
}

static const struct {
	const char *path, *route; /* NULL: none */
	bool exact;
} by_path[] = {
	{ "/", "/", false },
	{ "/x", "/", false },
	{ "/echo", "/echo", false },
	{ "/echo/", "/echo", false },
	{ "/echo/x/y", "/echo", false },
	{ "/echoes", "/", false },
	{ "/ech", "/", false },
	{ "/app", "/", false },
	{ "/app/", "/app/", false },
	{ "/app/x", "/app/", false },
	{ "/apple", "/", false },
	{ "/hello", "/hello", true },
	{ "/hello/", "/", false },
	{ "/hello/x", "/", false },
	{ "/both", "/both", true },
	{ "/both/", "/both", false },
	{ "/both/x", "/both", false },
	{ "/slash/", "/slash/", true },
	{ "/slash/x", "/", false },
	{ "/a/b/c", "/a/b/c", false },
	{ "/a/b/cd", "/a/b", false },
	{ "/a/b/c/d", "/a/b/c", false },
	{ "/a/x", "/", false },
	{ "*", NULL, false },
};

START_TEST(routes_by_path)
{
	struct site site = { 0 };
	struct bt_conf_listen listen = { .default_server = 0 };
	struct bt_conf conf = { .listens = &listen,
		.listens_n = 1,
		.servers = &site.server,
		.servers_n = 1 };
	struct bt_services services = { .conf = &conf };
	struct bt_router *r;
	const struct bt_route *found;

	add_listen(&site, 0);
	add_route(&site, "/", false);
	add_route(&site, "/echo", false);
	add_route(&site, "/app/", false);
	add_route(&site, "/hello", true);
	add_route(&site, "/both", true);
	add_route(&site, "/both", false);
	add_route(&site, "/slash/", true);
	add_route(&site, "/a/b", false);
	add_route(&site, "/a/b/c", false);
	r = bt_router_new(&services);
	found =
	    bt_router_find(r, 0, BT_STR("any"), bt_str_of(by_path[_i].path));
	ck_assert_ptr_nonnull(found);
	if (by_path[_i].route == NULL) {
		ck_assert_ptr_eq(found->handler, bt_handlers[BT_HANDLER_NONE]);
	} else {
		ck_assert_ptr_nonnull(found->conf);
		ck_assert_str_eq(found->conf->path.p, by_path[_i].route);
		ck_assert_int_eq(found->conf->exact, by_path[_i].exact);
	}
	bt_router_free(r);
}
END_TEST

START_TEST(without_a_root_route_nothing_fits)
{
	struct site site = { 0 };
	struct bt_conf_listen listen = { .default_server = 0 };
	struct bt_conf conf = { .listens = &listen,
		.listens_n = 1,
		.servers = &site.server,
		.servers_n = 1 };
	struct bt_services services = { .conf = &conf };
	const struct bt_route *found;
	struct bt_router *r;

	add_listen(&site, 0);
	site.server.scope.max_body_bytes = 7;
	add_route(&site, "/echo", false);
	r = bt_router_new(&services);
	found = bt_router_find(r, 0, BT_STR(""), BT_STR("/"));
	ck_assert_ptr_eq(found->handler, bt_handlers[BT_HANDLER_NONE]);
	/* but the server's bounds hold */
	ck_assert_uint_eq(found->conf->scope.max_body_bytes, 7);
	found = bt_router_find(r, 7, BT_STR(""), BT_STR("/echo"));
	ck_assert_ptr_eq(found->handler, bt_handlers[BT_HANDLER_NONE]);
	ck_assert_ptr_null(found->conf);
	bt_router_free(r);
}
END_TEST

static const struct {
	unsigned listen;
	const char *host;
	unsigned server;
} by_host[] = {
	{ 0, "one.example", 0 }, { 0, "ONE.Example", 0 },
	{ 0, "one.example.", 0 }, { 0, "two.example", 1 },
	{ 0, "www.two.example", 1 },
	{ 0, "wild.example", 0 }, /* the wildcard wants a label */
	{ 0, "a.wild.example", 2 }, { 0, "a.b.wild.example", 2 },
	{ 0, "x.wild.example", 1 }, /* exact before wildcard */
	{ 0, "nobody", 0 }, { 0, "", 0 }, { 0, ".", 0 },
	{ 1, "one.example", 2 }, /* alone there */
};

START_TEST(servers_by_host)
{
	struct site sites[3] = { 0 };
	struct bt_conf_server servers[3];
	struct bt_conf_listen listens[2] = { { .id = 0, .default_server = 0 },
		{ .id = 1, .default_server = 2 } };
	struct bt_conf conf = { .listens = listens,
		.listens_n = 2,
		.servers = servers,
		.servers_n = 3 };
	struct bt_services services = { .conf = &conf };
	const struct bt_route *found;
	struct bt_router *r;

	add_listen(&sites[0], 0);
	add_name(&sites[0], "one.example");
	add_listen(&sites[1], 0);
	add_name(&sites[1], "two.example");
	add_name(&sites[1], "www.two.example");
	add_name(&sites[1], "x.wild.example");
	add_listen(&sites[2], 0);
	add_listen(&sites[2], 1);
	add_name(&sites[2], "*.wild.example");
	for (unsigned i = 0; i < 3; i++) {
		add_route(&sites[i], "/", false);
		sites[i].routes[0].line = i;
		servers[i] = sites[i].server;
	}
	r = bt_router_new(&services);
	found = bt_router_find(
	    r, by_host[_i].listen, bt_str_of(by_host[_i].host), BT_STR("/x"));
	ck_assert_ptr_nonnull(found->conf);
	ck_assert_uint_eq(found->conf->line, by_host[_i].server);
	bt_router_free(r);
}
END_TEST

static const struct {
	const char *rules[3]; /* `+block` allows, `-block` denies */
	const char *client;
	bool allowed;
} access_rows[] = {
	{ { "+127.0.0.1" }, "127.0.0.1:1", true },
	{ { "+127.0.0.1", "-all" }, "127.0.0.2:1", false },
	{ { "-10.0.0.0/8" }, "10.1.2.3:1", false },
	{ { "-10.0.0.0/8" }, "11.1.2.3:1", true },
	{ { "-10.0.0.1", "+10.0.0.0/8" }, "10.0.0.1:1", false },
	{ { "-10.0.0.1", "+10.0.0.0/8" }, "10.0.0.2:1", true },
	{ { "-10.0.0.1", "+10.0.0.0/8", "-all" }, "11.0.0.2:1", false },
	{ { "-all" }, "[::1]:1", false },
	{ { "+::1", "-all" }, "[::1]:1", true },
};

START_TEST(access_by_client)
{
	struct bt_conf_access access[3];
	struct bt_conf_route conf = { .scope.access = access };
	struct bt_route r = { .conf = &conf };
	struct bt_baton baton = { 0 };
	struct bt_addr addr;
	const char *why, *rule;
	size_t n = 0;

	for (; n < 3 && (rule = access_rows[_i].rules[n]) != NULL; n++) {
		access[n].allow = rule[0] == '+';
		ck_assert_int_eq(bt_addr_block_parse(bt_str_of(rule + 1),
				     &access[n].block, &why),
		    0);
	}
	conf.scope.access_n = n;
	ck_assert_int_eq(
	    bt_addr_parse(bt_str_of(access_rows[_i].client), &addr, &why), 0);
	bt_baton_set_peer(&baton, &addr);
	ck_assert_int_eq(bt_route_allows(&r, &baton), access_rows[_i].allowed);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

BT_UNIT_SUITE(router)
{
	TCase *tc = bt_unit_case(s, "routes");

	tcase_add_loop_test(tc, routes_by_path, 0, ROWS(by_path));
	tcase_add_test(tc, without_a_root_route_nothing_fits);
	tcase_add_loop_test(tc, servers_by_host, 0, ROWS(by_host));
	tcase_add_loop_test(tc, access_by_client, 0, ROWS(access_rows));
}
