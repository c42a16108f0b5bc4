/*
 * What only shows when a server, or all of them, have been read: routes and
 * names that are there twice, servers that nothing can reach.  Sorted first,
 * so that a conf of thousands of servers is still checked at once.  Runs in
 * the master, or in `baton -t`.
 */

#include "conf/build.h"

#include <stdlib.h>

static int
compare_str(struct bt_str a, struct bt_str b)
{
	int r = memcmp(a.n ? a.p : "", b.n ? b.p : "", a.n < b.n ? a.n : b.n);

	return r ? r : a.n < b.n ? -1 : a.n > b.n;
}

static int
compare_routes(const void *va, const void *vb)
{
	const struct bt_conf_route *a =
	    *(const struct bt_conf_route *const *)va;
	const struct bt_conf_route *b =
	    *(const struct bt_conf_route *const *)vb;
	int r = compare_str(a->path, b->path);

	if (r == 0)
		r = (int)a->exact - (int)b->exact;
	return r ? r : a < b ? -1 : a > b; /* both are of one array */
}

void
bt_check_routes(struct bt_build *b, const struct bt_conf_server *s,
    const struct bt_server_note *note)
{
	const struct bt_conf_route **sorted =
	    bt_build_notes(b, s->routes_n, sizeof(sorted[0]));

	for (size_t i = 0; i < s->routes_n; i++)
		sorted[i] = &s->routes[i];
	qsort(sorted, s->routes_n, sizeof(sorted[0]), compare_routes);
	for (size_t i = 1; i < s->routes_n; i++) {
		const struct bt_conf_route *first = sorted[i - 1];
		const struct bt_conf_route *r = sorted[i];
		const struct bt_node *n = note->routes[r - s->routes];
		const struct bt_node *other = note->routes[first - s->routes];

		if (r->path.n == 0 || r->exact != first->exact ||
		    !bt_str_equal(r->path, first->path))
			continue;
		bt_build_error(b, n, 1,
		    "the server has this route already, at %s",
		    bt_report_place(
			b->report, n->source, other->source, other->line));
	}
}

/* A name of a server; sorted by name, then as they stand in the conf. */
struct entry {
	struct bt_str name;
	size_t server, index;
};

static int
compare_entries(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int r = compare_str(a->name, b->name);

	if (r == 0)
		r = a->server < b->server ? -1 : a->server > b->server;
	return r ? r : a->index < b->index ? -1 : a->index > b->index;
}

/* An address that both listen at; NULL: they cannot meet. */
static const struct bt_addr *
find_common(const struct bt_build *b, size_t one, size_t two)
{
	const struct bt_conf_server *s = &b->conf->servers[one];
	const struct bt_conf_server *t = &b->conf->servers[two];

	for (size_t i = 0; i < s->listens_n; i++)
		for (size_t j = 0; j < t->listens_n; j++)
			if (s->listens[i] == t->listens[j])
				return &b->conf->listens[s->listens[i]].addr;
	return NULL;
}

/* Says it when `first` is in the way of `e`. */
static bool
report_name(
    struct bt_build *b, const struct entry *e, const struct entry *first)
{
	const struct bt_server_note *note = &b->servers[e->server];
	const struct bt_node *n = note->names[e->index];
	const struct bt_node *other =
	    b->servers[first->server].names[first->index];
	const struct bt_addr *at = find_common(b, e->server, first->server);
	const char *place =
	    bt_report_place(b->report, n->source, other->source, other->line);
	char text[BT_ADDR_TEXT_MAX];

	if (e->server == first->server)
		bt_build_error(b, n, note->name_words[e->index],
		    "the server has this name already, at %s", place);
	else if (at != NULL)
		bt_build_error(b, n, note->name_words[e->index],
		    "another server at %s has this name, at %s",
		    bt_addr_format(at, text), place);
	return e->server == first->server || at != NULL;
}

static void
check_names(struct bt_build *b)
{
	struct entry *entries;
	size_t n = 0;

	for (size_t s = 0; s < b->conf->servers_n; s++)
		n += b->conf->servers[s].names_n;
	entries = bt_build_notes(b, n, sizeof(entries[0]));
	n = 0;
	for (size_t s = 0; s < b->conf->servers_n; s++)
		for (size_t i = 0; i < b->conf->servers[s].names_n; i++)
			entries[n++] = (struct entry){
				.name = b->conf->servers[s].names[i],
				.server = s,
				.index = i,
			};
	qsort(entries, n, sizeof(entries[0]), compare_entries);
	/* one that is in the way is enough: with all, it would be a square */
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j-- > 0 &&
		     bt_str_equal(entries[i].name, entries[j].name) &&
		     !report_name(b, &entries[i], &entries[j]);)
			;
}

/* A server without a name answers only where it is the default. */
static void
check_reached(struct bt_build *b, size_t server)
{
	const struct bt_conf_server *s = &b->conf->servers[server];
	char text[BT_ADDR_TEXT_MAX];

	for (size_t i = 0; i < s->listens_n; i++) {
		const struct bt_conf_listen *l =
		    &b->conf->listens[s->listens[i]];
		const struct bt_node *n = b->servers[server].listens[i];
		const struct bt_node *other =
		    b->servers[l->default_server].node;

		if (l->default_server == server)
			continue;
		bt_build_error(b, n, 0,
		    "nothing reaches this server at %s: it has no name, and "
		    "the default there is the server at %s",
		    bt_addr_format(&l->addr, text),
		    bt_report_place(
			b->report, n->source, other->source, other->line));
	}
}

/* Who may say for whom he comes has to be known. */
static void
check_proxied(struct bt_build *b)
{
	for (size_t i = 0; i < b->conf->listens_n; i++)
		if (b->notes[i].proxied != NULL && b->conf->proxies_n == 0)
			bt_build_error(b, b->notes[i].proxied, 0,
			    "proxy_protocol is taken from trusted_proxies "
			    "alone, and there are none");
}

void
bt_check_servers(struct bt_build *b)
{
	check_names(b);
	check_proxied(b);
	for (size_t s = 0; s < b->conf->servers_n; s++)
		if (b->conf->servers[s].names_n == 0 &&
		    bt_build_count(b->servers[s].node, "name", false) == 0)
			check_reached(b, s);
}
