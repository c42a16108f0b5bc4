/*
 * Names of servers behind us, looked up by c-ares, whose sockets and time are
 * events of the worker's loop.  Of a name's addresses each has its turn.  Those
 * of DNS are kept as long as it says (within bounds), those of /etc/hosts for a
 * while: that is a small file, read on the spot.  Worker, on the loop.
 */

#include "proxy/resolver.h"

#include "base/log.h"
#include "base/mem.h"
#include "proxy/upstream.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define SECOND_MS 1000
/* What DNS says is believed within these bounds. */
#define KEEP_LEAST_MS SECOND_MS
#define KEEP_MOST_MS (3600LL * SECOND_MS)
/* For so long what does not come from DNS. */
#define KEEP_LOCAL_MS (10LL * SECOND_MS)
/* A name that did not resolve: after so long, and each time twice that. */
#define RETRY_LEAST_MS SECOND_MS
#define RETRY_MOST_MS (8LL * SECOND_MS)
/* What c-ares waits for a server, at first, and how often it asks. */
#define ASK_MS 2000
#define ASK_TIMES 3
/* A worker that starts waits for first answers no longer than that. */
#define SETTLE_MS 1000
/* An address that failed is not the next one for so long. */
#define DOWN_MS 10000
#define ADDRESSES_MAX 64

struct known {
	struct bt_addr addr;
	int64_t down_until_ms;
};

struct bt_name {
	struct bt_resolver *resolver;
	struct bt_origin *origin;
	struct event *again;
	struct known *known;
	unsigned n, turn, version;
	int64_t retry_ms;
	bool asking; /* c-ares has it, and not called back from there */
	bool local;  /* what it said needed nobody else */
	bool answered, failing;
};

/* A socket of c-ares. */
struct watch {
	LIST_ENTRY(watch) next;
	struct bt_resolver *resolver;
	int fd;
	struct event *event;
};

struct bt_resolver {
	const struct bt_services *services;
	ares_channel channel;
	LIST_HEAD(, watch) watches;
	struct event *timer; /* of c-ares */
	struct bt_name *names;
	size_t n;
	size_t unanswered; /* of them, since the start */
};

static struct event *
event_of(struct bt_resolver *r, int fd, short events, event_callback_fn on,
    void *arg)
{
	struct event *e = event_new(r->services->loop, fd, events, on, arg);

	if (e == NULL)
		abort();
	return e;
}

static void
set_timer(struct event *timer, int64_t ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(timer, &tv);
}

/* c-ares wants to go on at some time, which each call to it may change. */
static void
rearm(struct bt_resolver *r)
{
	struct timeval tv;

	if (ares_timeout(r->channel, NULL, &tv) != NULL)
		event_add(r->timer, &tv);
	else
		event_del(r->timer);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct bt_resolver *r = arg;

	r->services->turn(r->services);
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(r);
}

static void
on_socket(evutil_socket_t fd, short events, void *arg)
{
	struct watch *w = arg;
	struct bt_resolver *r = w->resolver;

	r->services->turn(r->services);
	/* `w` may end in there */
	ares_process_fd(r->channel, events & EV_READ ? fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? fd : ARES_SOCKET_BAD);
	rearm(r);
}

static void
watch_free(struct watch *w)
{
	LIST_REMOVE(w, next);
	event_free(w->event);
	free(w);
}

/* Called by c-ares when it opens a socket, wants other events, or closes it. */
static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	short events =
	    (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	struct bt_resolver *r = arg;
	struct watch *w;

	LIST_FOREACH(w, &r->watches, next)
	if (w->fd == fd)
		break;
	if (w != NULL)
		watch_free(w);
	if (events == 0)
		return;
	w = bt_mem_zero(1, sizeof(*w));
	w->resolver = r;
	w->fd = fd;
	w->event = event_of(r, fd, (short)(events | EV_PERSIST), on_socket, w);
	LIST_INSERT_HEAD(&r->watches, w, next);
	event_add(w->event, NULL);
}

static int
compare_addrs(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->addr.len != y->addr.len)
		return x->addr.len < y->addr.len ? -1 : 1;
	return memcmp(&x->addr.ss, &y->addr.ss, x->addr.len);
}

/*
 * What was answered, sorted, each once, with the port.
 *
 * Returns: how many.
 */
static unsigned
collect(const struct bt_name *name, const struct ares_addrinfo *info,
    struct known known[static ADDRESSES_MAX])
{
	in_port_t port = htons(name->origin->conf->port);
	unsigned n = 0, each = 0;

	for (const struct ares_addrinfo_node *a = info->nodes;
	     a != NULL && n < ADDRESSES_MAX; a = a->ai_next) {
		struct known *k = &known[n];
		const void *from = a->ai_addr;
		void *sa = &k->addr.ss;

		*k = (struct known){ .addr.len = (socklen_t)a->ai_addrlen };
		if (a->ai_family == AF_INET)
			*(struct sockaddr_in *)sa = (struct sockaddr_in){
				.sin_family = AF_INET,
				.sin_addr = ((const struct sockaddr_in *)from)
						->sin_addr,
				.sin_port = port,
			};
		else if (a->ai_family == AF_INET6)
			*(struct sockaddr_in6 *)sa = (struct sockaddr_in6){
				.sin6_family = AF_INET6,
				.sin6_addr = ((const struct sockaddr_in6 *)from)
						 ->sin6_addr,
				.sin6_port = port,
			};
		else
			continue;
		n++;
	}
	qsort(known, n, sizeof(known[0]), compare_addrs);
	for (unsigned i = 0; i < n; i++)
		if (i == 0 || compare_addrs(&known[each - 1], &known[i]) != 0)
			known[each++] = known[i];
	return each;
}

static bool
are_equal(const struct bt_name *name, const struct known *known, unsigned n)
{
	if (name->n != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (compare_addrs(&name->known[i], &known[i]) != 0)
			return false;
	return true;
}

static void
learn(struct bt_name *name, const struct known *known, unsigned n)
{
	char text[BT_ADDR_TEXT_MAX];

	if (are_equal(name, known, n))
		return;
	free(name->known);
	name->known = bt_mem_new(n * sizeof(known[0]));
	memcpy(name->known, known, n * sizeof(known[0]));
	name->n = n;
	name->version++;
	name->turn %= n;
	name->origin->addr = known[0].addr;
	if (name->resolver->services->says)
		bt_log_info(NULL, 0,
		    "upstream %.*s: %u addresses, the first %s",
		    BT_STR_ARG(name->origin->conf->text), n,
		    bt_addr_format(&known[0].addr, text));
}

/* How long the answer holds. */
static int64_t
lifetime_ms(const struct bt_name *name, const struct ares_addrinfo *info)
{
	int64_t least_s = KEEP_MOST_MS / SECOND_MS;

	if (name->local)
		return KEEP_LOCAL_MS;
	for (const struct ares_addrinfo_node *a = info->nodes; a != NULL;
	     a = a->ai_next)
		if (a->ai_ttl < least_s)
			least_s = a->ai_ttl;
	for (const struct ares_addrinfo_cname *c = info->cnames; c != NULL;
	     c = c->next)
		if (c->ttl < least_s)
			least_s = c->ttl;
	return least_s * SECOND_MS < KEEP_LEAST_MS ? KEEP_LEAST_MS
						   : least_s * SECOND_MS;
}

/* Soon again; what was known is so still. */
static int64_t
lookup_failed(struct bt_name *name, int status)
{
	int64_t retry_ms = name->retry_ms;

	if (!name->failing && name->resolver->services->says)
		bt_log_warn(NULL, 0, "upstream %.*s: does not resolve: %s%s",
		    BT_STR_ARG(name->origin->conf->text), ares_strerror(status),
		    name->n > 0 ? "; its last addresses are kept" : "");
	name->failing = true;
	name->retry_ms =
	    retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : retry_ms * 2;
	return retry_ms;
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct known known[ADDRESSES_MAX];
	struct bt_name *name = arg;
	int64_t again_ms;
	unsigned n = 0;

	if (status == ARES_EDESTRUCTION)
		return;
	name->local = name->asking;
	if (status == ARES_SUCCESS && (n = collect(name, info, known)) == 0)
		status = ARES_ENODATA;
	if (status == ARES_SUCCESS) {
		learn(name, known, n);
		name->failing = false;
		name->retry_ms = RETRY_LEAST_MS;
		again_ms = lifetime_ms(name, info);
	} else {
		again_ms = lookup_failed(name, status);
	}
	if (info != NULL)
		ares_freeaddrinfo(info);
	if (!name->answered)
		name->resolver->unanswered--;
	name->answered = true;
	set_timer(name->again, again_ms);
}

static void
ask(struct bt_name *name)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT | ARES_AI_ENVHOSTS,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};

	name->asking = true;
	ares_getaddrinfo(name->resolver->channel, name->origin->conf->host,
	    NULL, &hints, on_answer, name);
	name->asking = false;
	rearm(name->resolver);
}

static void
on_again(evutil_socket_t fd, short events, void *arg)
{
	struct bt_name *name = arg;
	const struct bt_services *services = name->resolver->services;

	services->turn(services);
	ask(name);
}

/* Those of the conf, instead of the system's. */
static int
set_servers(struct bt_resolver *r)
{
	const struct bt_conf *conf = r->services->conf;
	struct ares_addr_port_node *nodes =
	    bt_mem_zero(conf->resolvers_n + 1, sizeof(nodes[0]));
	int status;

	for (size_t i = 0; i < conf->resolvers_n; i++) {
		const struct bt_addr *a = &conf->resolvers[i];
		const void *sa = &a->ss;

		nodes[i].family = a->ss.ss_family;
		nodes[i].udp_port = nodes[i].tcp_port = bt_addr_port(a);
		if (a->ss.ss_family == AF_INET)
			memcpy(&nodes[i].addr,
			    &((const struct sockaddr_in *)sa)->sin_addr, 4);
		else
			memcpy(&nodes[i].addr,
			    &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
		if (i > 0)
			nodes[i - 1].next = &nodes[i];
	}
	status = ares_set_servers_ports(r->channel, nodes);
	free(nodes);
	return status;
}

static int
open_channel(struct bt_resolver *r)
{
	struct ares_options options = { .timeout = ASK_MS,
		.tries = ASK_TIMES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = r,
		/* whatever the system's order is: it may have no DNS */
		.lookups = (char[]){ "fb" } };
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	bool own = r->services->conf->resolvers_n > 0;
	int status;

	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = ares_init_options(&r->channel, &options,
		    own ? mask | ARES_OPT_LOOKUPS : mask);
	if (status == ARES_SUCCESS && own)
		status = set_servers(r);
	return status;
}

static size_t
find_names(const struct bt_upstreams *all, struct bt_origin **ret)
{
	size_t n = 0;

	for (unsigned u = 0; u < all->n; u++)
		for (size_t i = 0; i < all->list[u].conf->origins_n; i++) {
			struct bt_origin *o = &all->list[u].origins[i];

			if (o->conf->host == NULL)
				continue;
			if (ret != NULL)
				ret[n] = o;
			n++;
		}
	return n;
}

static void
name_init(struct bt_name *name, struct bt_resolver *r, struct bt_origin *o)
{
	name->resolver = r;
	name->origin = o;
	name->retry_ms = RETRY_LEAST_MS;
	/* workers begin with different ones */
	name->turn = r->services->worker;
	name->again = event_of(r, -1, 0, on_again, name);
	o->name = name;
}

struct bt_resolver *
bt_resolver_new(struct bt_upstreams *all)
{
	size_t n = find_names(all, NULL);
	struct bt_origin **origins;
	struct bt_resolver *r;
	int status;

	if (n == 0)
		return NULL;
	r = bt_mem_zero(1, sizeof(*r));
	r->services = all->services;
	LIST_INIT(&r->watches);
	if ((status = open_channel(r)) != ARES_SUCCESS) {
		bt_log_error(NULL, 0,
		    "names of upstreams cannot be looked up: %s",
		    ares_strerror(status));
		if (r->channel != NULL)
			ares_destroy(r->channel);
		free(r);
		return NULL;
	}
	r->timer = event_of(r, -1, 0, on_timer, r);
	origins = bt_mem_new(n * sizeof(struct bt_origin *));
	find_names(all, origins);
	r->names = bt_mem_zero(n, sizeof(r->names[0]));
	r->n = r->unanswered = n;
	for (size_t i = 0; i < n; i++)
		name_init(&r->names[i], r, origins[i]);
	free(origins);
	for (size_t i = 0; i < n; i++)
		ask(&r->names[i]);
	return r;
}

void
bt_resolver_free(struct bt_resolver *r)
{
	if (r == NULL)
		return;
	ares_destroy(r->channel); /* its sockets' watches end with them */
	for (size_t i = 0; i < r->n; i++) {
		r->names[i].origin->name = NULL;
		event_free(r->names[i].again);
		free(r->names[i].known);
	}
	event_free(r->timer);
	free(r->names);
	free(r);
	ares_library_cleanup();
}

static void
on_late(evutil_socket_t fd, short events, void *arg)
{
	*(bool *)arg = true;
}

void
bt_resolver_settle(struct bt_resolver *r)
{
	struct event *timer;
	bool late = false;

	if (r == NULL || r->unanswered == 0)
		return;
	timer = event_of(r, -1, 0, on_late, &late);
	set_timer(timer, SETTLE_MS);
	while (r->unanswered > 0 && !late)
		event_base_loop(r->services->loop, EVLOOP_ONCE);
	event_free(timer);
}

unsigned
bt_name_count(const struct bt_name *name)
{
	return name->n;
}

struct bt_name_pick
bt_name_next(struct bt_name *name)
{
	int64_t now_ms = name->resolver->services->now->ms;
	unsigned index = name->turn % name->n;

	for (unsigned i = 0; i < name->n; i++)
		if (name->known[(name->turn + i) % name->n].down_until_ms <=
		    now_ms) {
			index = (name->turn + i) % name->n;
			break;
		}
	name->turn = (index + 1) % name->n;
	name->origin->addr = name->known[index].addr;
	return (struct bt_name_pick){ name->version, index };
}

bool
bt_name_is_current(const struct bt_name *name, struct bt_name_pick pick)
{
	return name->version == pick.version;
}

void
bt_name_failed(struct bt_name *name, struct bt_name_pick pick)
{
	if (bt_name_is_current(name, pick))
		name->known[pick.index].down_until_ms =
		    name->resolver->services->now->ms + DOWN_MS;
}
