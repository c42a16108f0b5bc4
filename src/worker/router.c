/*
 * From listener, host and path to a route.  Routes stand in a hash table by
 * their path without its last slash; a lookup walks the path once, hashing, and
 * asks the table at every `/`: its cost depends on the path, not on how many
 * routes there are.  Worker, on the loop.
 */

#include "worker/router.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "handlers/stage.h"

#include <stdlib.h>

#define FNV_BASIS 2166136261u
#define FNV_PRIME 16777619u

#define CACHE_CONTROL "Cache-Control: %s\r\n"

/* What stands in the table under one path. */
struct node {
	struct bt_str key;
	uint32_t hash;
	bool used;
	const struct bt_route *exact, *exact_slash; /* = /a   = /a/ */
	const struct bt_route *plain, *slash;       /* /a     /a/ */
};

struct site { /* a server of the conf */
	struct bt_route *routes;
	size_t routes_n;
	struct node *nodes;
	size_t nodes_n;                 /* a power of two, at most half full */
	size_t longest;                 /* key */
	struct bt_conf_route none_conf; /* what no route names */
	struct bt_route none;
};

struct name {
	struct bt_str name; /* NULL: free */
	uint32_t hash;
	bool wildcard; /* `*.`, which is left out of the name */
	const struct site *site;
};

struct door { /* a listener; by its id, some ids may be without one */
	const struct site *first;
	struct name *names; /* NULL: only one server, or none is named */
	size_t names_n;
	bool expects_proxy;
};

struct bt_router {
	struct bt_route none;
	struct site *sites;
	size_t sites_n;
	struct door *doors;
	size_t doors_n;
};

static uint32_t
hash_byte(uint32_t hash, char c)
{
	return (hash ^ (unsigned char)c) * FNV_PRIME;
}

static struct node *
node_at(const struct site *s, struct bt_str key, uint32_t hash)
{
	size_t i = hash & (s->nodes_n - 1);

	while (s->nodes[i].used &&
	    (s->nodes[i].hash != hash || !bt_str_equal(s->nodes[i].key, key)))
		i = (i + 1) & (s->nodes_n - 1);
	return &s->nodes[i];
}

static void
site_add(struct site *s, const struct bt_route *route)
{
	struct bt_str key = route->conf->path;
	bool slash = key.n > 0 && key.p[key.n - 1] == '/';
	uint32_t hash = FNV_BASIS;
	struct node *node;

	if (slash)
		key.n--;
	for (size_t i = 0; i < key.n; i++)
		hash = hash_byte(hash, key.p[i]);
	node = node_at(s, key, hash);
	node->used = true;
	node->key = key;
	node->hash = hash;
	if (key.n > s->longest)
		s->longest = key.n;
	if (route->conf->exact && slash)
		node->exact_slash = route;
	else if (route->conf->exact)
		node->exact = route;
	else if (slash)
		node->slash = route;
	else
		node->plain = route;
}

/*
 * `cache_control` and `add_header` as lines: those for good answers, or those
 * for all.
 */
static struct bt_str
fields_of(const struct bt_conf_scope *scope, bool only_always)
{
	struct bt_buf b = { 0 };

	if (!only_always && scope->cache_control != NULL)
		bt_buf_printf(&b, CACHE_CONTROL, scope->cache_control);
	for (size_t i = 0; i < scope->fields_n; i++)
		if (scope->fields[i].template == NULL &&
		    (!only_always || scope->fields[i].always))
			bt_buf_printf(&b, "%.*s: %.*s\r\n",
			    BT_STR_ARG(scope->fields[i].name),
			    BT_STR_ARG(scope->fields[i].value));
	return bt_buf_str(&b); /* freed with the route */
}

static bool
has_variables(const struct bt_conf_scope *scope)
{
	for (size_t i = 0; i < scope->fields_n; i++)
		if (scope->fields[i].template != NULL)
			return true;
	return false;
}

static size_t
fresh_bytes(const struct bt_conf_scope *scope)
{
	return scope->cache_control == NULL ? 0
					    : sizeof(CACHE_CONTROL) -
		sizeof("%s") + strlen(scope->cache_control);
}

static void
route_start(struct bt_route *route, const struct bt_conf_route *conf,
    const struct bt_conf_server *server, const struct bt_services *services)
{
	int r;

	*route = (struct bt_route){ .conf = conf,
		.server = server,
		.handler = bt_handlers[conf->handler],
		.services = services,
		.fields = fields_of(&conf->scope, false),
		.fields_always = fields_of(&conf->scope, true),
		.varies = has_variables(&conf->scope),
		.fresh_bytes = fresh_bytes(&conf->scope) };
	bt_line_init(&route->line, route);
	if (route->handler->start == NULL)
		return;
	if ((r = route->handler->start(route)) < 0 && services->says)
		bt_log_warn(NULL, r, "%s:%u: route %.*s: %s %.*s", conf->file,
		    conf->line, BT_STR_ARG(conf->path), route->handler->name,
		    BT_STR_ARG(conf->root));
}

static void
site_init(struct site *s, const struct bt_conf_server *conf,
    const struct bt_services *services)
{
	/* who is let in, fields and bounds of the server hold there, too */
	s->none_conf =
	    (struct bt_conf_route){ .scope = conf->scope, .file = conf->file };
	route_start(&s->none, &s->none_conf, conf, services);
	s->routes_n = conf->routes_n;
	s->routes = bt_mem_zero(s->routes_n, sizeof(*s->routes));
	for (s->nodes_n = 8; s->nodes_n < 2 * s->routes_n; s->nodes_n *= 2)
		;
	s->nodes = bt_mem_zero(s->nodes_n, sizeof(*s->nodes));
	for (size_t i = 0; i < s->routes_n; i++) {
		route_start(&s->routes[i], &conf->routes[i], conf, services);
		site_add(s, &s->routes[i]);
	}
}

static struct name *
name_at(const struct door *d, struct bt_str name, bool wildcard)
{
	uint32_t hash = bt_str_hash(name, true);
	size_t i = (hash + wildcard) & (d->names_n - 1);

	while (d->names[i].site != NULL &&
	    (d->names[i].hash != hash || d->names[i].wildcard != wildcard ||
		!bt_str_equal_nocase(d->names[i].name, name)))
		i = (i + 1) & (d->names_n - 1);
	return &d->names[i];
}

static bool
listens_at(const struct bt_conf_server *server, unsigned listen)
{
	for (size_t i = 0; i < server->listens_n; i++)
		if (server->listens[i] == listen)
			return true;
	return false;
}

static void
door_add(struct door *d, struct bt_str name, const struct site *site)
{
	bool wildcard = bt_str_has_prefix(name, BT_STR("*."));
	struct name *slot;

	if (wildcard) {
		name.p += 2;
		name.n -= 2;
	}
	slot = name_at(d, name, wildcard);
	if (slot->site == NULL)
		*slot = (struct name){ name, bt_str_hash(name, true), wildcard,
			site };
}

static void
door_init(struct door *d, const struct bt_router *r, const struct bt_conf *conf,
    unsigned listen)
{
	size_t names_n = 0, servers_n = 0;

	for (size_t i = 0; i < conf->servers_n; i++) {
		if (!listens_at(&conf->servers[i], listen))
			continue;
		servers_n++;
		names_n += conf->servers[i].names_n;
	}
	d->first = &r->sites[conf->listens[listen].default_server];
	d->expects_proxy = conf->listens[listen].proxy_protocol;
	if (servers_n < 2)
		return;
	for (d->names_n = 8; d->names_n < 2 * names_n; d->names_n *= 2)
		;
	d->names = bt_mem_zero(d->names_n, sizeof(*d->names));
	for (size_t i = 0; i < conf->servers_n; i++)
		if (listens_at(&conf->servers[i], listen))
			for (size_t n = 0; n < conf->servers[i].names_n; n++)
				door_add(
				    d, conf->servers[i].names[n], &r->sites[i]);
}

struct bt_router *
bt_router_new(const struct bt_services *services)
{
	struct bt_router *r = bt_mem_zero(1, sizeof(*r));
	const struct bt_conf *conf = services->conf;

	r->none.handler = bt_handlers[BT_HANDLER_NONE];
	r->none.services = services;
	r->sites_n = conf->servers_n;
	r->sites = bt_mem_zero(r->sites_n, sizeof(*r->sites));
	for (size_t i = 0; i < r->sites_n; i++)
		site_init(&r->sites[i], &conf->servers[i], services);
	for (size_t i = 0; i < conf->listens_n; i++)
		if (conf->listens[i].id >= r->doors_n)
			r->doors_n = conf->listens[i].id + 1u;
	r->doors = bt_mem_zero(r->doors_n, sizeof(*r->doors));
	for (size_t i = 0; i < conf->listens_n; i++)
		door_init(&r->doors[conf->listens[i].id], r, conf, (unsigned)i);
	return r;
}

static void
route_stop(struct bt_route *route)
{
	if (route->handler->stop != NULL)
		route->handler->stop(route);
	free((void *)(uintptr_t)route->fields.p);
	free((void *)(uintptr_t)route->fields_always.p);
}

static void
site_fini(struct site *s)
{
	for (size_t i = 0; i < s->routes_n; i++)
		route_stop(&s->routes[i]);
	route_stop(&s->none);
	free(s->routes);
	free(s->nodes);
}

void
bt_router_free(struct bt_router *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->sites_n; i++)
		site_fini(&r->sites[i]);
	for (size_t i = 0; i < r->doors_n; i++)
		free(r->doors[i].names);
	free(r->sites);
	free(r->doors);
	free(r);
}

static const struct site *
find_site(const struct door *d, struct bt_str host)
{
	const struct name *found;
	const char *dot;

	if (d->names == NULL || host.n == 0)
		return d->first;
	if (host.p[host.n - 1] == '.')
		host.n--;
	if ((found = name_at(d, host, false))->site != NULL)
		return found->site;
	while ((dot = memchr(host.p, '.', host.n)) != NULL) {
		host.n -= (size_t)(dot + 1 - host.p);
		host.p = dot + 1;
		if ((found = name_at(d, host, true))->site != NULL)
			return found->site;
	}
	return d->first;
}

/* The best prefix so far, given what stands at `path[0..i)`. */
static const struct bt_route *
prefix_of(const struct node *node, bool at_slash, const struct bt_route *best)
{
	if (at_slash && node->slash != NULL)
		return node->slash;
	return node->plain != NULL ? node->plain : best;
}

static const struct bt_route *
exact_of(const struct node *node, struct bt_str path, size_t i)
{
	if (i == path.n)
		return node->exact;
	return i + 1 == path.n ? node->exact_slash : NULL;
}

bool
bt_router_knows(const struct bt_router *r, unsigned listen)
{
	return listen < r->doors_n && r->doors[listen].first != NULL;
}

bool
bt_router_expects_proxy(const struct bt_router *r, unsigned listen)
{
	return listen < r->doors_n && r->doors[listen].expects_proxy;
}

const struct bt_route *
bt_router_default(const struct bt_router *r, unsigned listen)
{
	return bt_router_knows(r, listen) ? &r->doors[listen].first->none
					  : &r->none;
}

const struct bt_route *
bt_router_find(const struct bt_router *r, unsigned listen, struct bt_str host,
    struct bt_str path)
{
	const struct site *s;
	const struct bt_route *best, *exact;
	uint32_t hash = FNV_BASIS;

	if (!bt_router_knows(r, listen))
		return &r->none;
	s = find_site(&r->doors[listen], host);
	best = &s->none;
	if (path.n == 1 && path.p[0] == '*') /* OPTIONS * asks the server */
		return best;
	for (size_t i = 0; i <= path.n && i <= s->longest; i++) {
		bool at_slash = i < path.n && path.p[i] == '/';

		if (at_slash || i == path.n) {
			const struct node *node =
			    node_at(s, (struct bt_str){ path.p, i }, hash);

			if (node->used) {
				if ((exact = exact_of(node, path, i)) != NULL)
					return exact;
				best = prefix_of(node, at_slash, best);
			}
		}
		if (i < path.n)
			hash = hash_byte(hash, path.p[i]);
	}
	return best;
}
