/*
 * `proxy` and `upstream`: which servers requests are handed to.  Names of hosts
 * are not looked up here; that is done when somebody asks, so that one which
 * nobody knows prevents no start.  Runs in the master, or in `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

#include <stdlib.h>

#define HOST_BYTES_MAX 253
#define WEIGHT_MAX 1000
#define CHECK_MS 5000
#define CHECK_MS_MIN 10

/* Letters, digits, `-`, `_` and `.`, as names of hosts have. */
static bool
is_host_name(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = bt_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.n > 0 && s.n <= HOST_BYTES_MAX && s.p[0] != '.';
}

/* `name[:port]` */
static const char *
parse_name(struct bt_build *b, struct bt_str s, struct bt_conf_origin *ret)
{
	const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
	struct bt_str host = s, port = BT_STR("80");
	uint64_t number;

	if (colon != NULL) {
		host.n = (size_t)(colon - s.p);
		port = (struct bt_str){ colon + 1, s.n - host.n - 1 };
	}
	if (!is_host_name(host))
		return "the host is not a name, nor an address";
	if (bt_str_parse_u64(port, &number) < 0 || number == 0 ||
	    number > UINT16_MAX)
		return "the port is a number from 1 to 65535";
	ret->host = bt_build_copy(b, host).p;
	ret->port = (uint16_t)number;
	return NULL;
}

/* Of IPv4 or IPv6, the port 80 when there is none; or a UNIX path. */
static const char *
parse_origin(struct bt_build *b, struct bt_str s, struct bt_conf_origin *ret)
{
	struct bt_str with_port = s;
	const char *why = NULL;
	bool bare = s.n > 0 &&
	    (s.p[0] == '[' ? s.p[s.n - 1] == ']'
			   : memchr(s.p, ':', s.n) == NULL &&
			bt_addr_parse_host(s, &ret->addr) == 0);

	ret->text = bt_build_copy(b, s);
	ret->weight = 1;
	if (s.n == 0)
		return "an address is missing";
	if (bare)
		with_port = bt_arena_printf(
		    &b->report->scratch, "%.*s:80", BT_STR_ARG(s));
	if (s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' &&
	    strspn(s.p, "0123456789") >= s.n)
		return "a host is missing before the port";
	if (bt_addr_parse(with_port, &ret->addr, &why) == 0)
		return with_port.p[0] == '*' ? "* is no server" : NULL;
	ret->addr = (struct bt_addr){ 0 };
	if (bt_str_has_prefix(s, BT_STR("unix:")) || s.p[0] == '[')
		return why;
	return parse_name(b, s, ret);
}

static struct bt_conf_upstream *
upstream_new(struct bt_build *b, struct bt_str name)
{
	struct bt_conf_upstream *u = bt_build_array(b, 0, sizeof(*u));

	u->name = bt_build_copy(b, name);
	u->id = b->conf->upstreams_n++;
	u->next = b->conf->upstreams;
	b->conf->upstreams = u;
	return u;
}

static struct bt_conf_upstream *
upstream_find(const struct bt_conf *conf, struct bt_str name)
{
	struct bt_conf_upstream *u = conf->upstreams;

	while (u != NULL && !bt_str_equal(u->name, name))
		u = u->next;
	return u;
}

void
bt_set_upstream(struct bt_build *b, const struct bt_node *n)
{
	struct bt_frame frame = {
		.node = n,
		.where = BT_IN_UPSTREAM,
		.scope = b->frame->scope,
	};
	size_t origins = 0;
	struct bt_conf_upstream *u;

	if (n->words_n < 2)
		return; /* was reported */
	if (!is_host_name(n->words[1].text)) {
		bt_build_error(b, n, 1,
		    "%s: the name of an upstream has letters, digits, -, _ "
		    "and .",
		    bt_build_quote(b, n, 1));
		return;
	}
	if (upstream_find(b->conf, n->words[1].text) != NULL) {
		bt_build_error(b, n, 1, "there is an upstream %s already",
		    bt_build_quote(b, n, 1));
		return;
	}
	for (const struct bt_node *c = n->children; c != NULL; c = c->next)
		origins++;
	u = upstream_new(b, n->words[1].text);
	u->named = true;
	u->origins = bt_build_array(b, origins, sizeof(u->origins[0]));
	frame.inner = u;
	bt_build_block(b, &frame);
	if (u->origins_n > BT_CONF_ORIGINS_MAX)
		bt_build_error(b, n, 0, "an upstream has at most %d servers",
		    BT_CONF_ORIGINS_MAX);
	if (u->origins_n == 0)
		bt_build_error(b, n, 0, "the upstream has no server");
}

void
bt_set_origin(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_upstream *u = b->frame->inner;
	struct bt_conf_origin *o = &u->origins[u->origins_n++];
	const char *why = parse_origin(b, n->words[1].text, o);

	if (why != NULL)
		bt_build_error(b, n, 1, "%s: %s", bt_build_quote(b, n, 1), why);
	for (unsigned i = 2; i < n->words_n; i++) {
		struct bt_str word = n->words[i].text;
		uint64_t weight;

		if (bt_str_equal(word, BT_STR("backup"))) {
			o->backup = true;
			continue;
		}
		if (!bt_str_has_prefix(word, BT_STR("weight="))) {
			bt_build_error(b, n, i,
			    "%s: behind a server stand weight=COUNT and backup",
			    bt_build_quote(b, n, i));
			continue;
		}
		word.p += 7, word.n -= 7;
		if (bt_str_parse_u64(word, &weight) < 0 || weight == 0 ||
		    weight > WEIGHT_MAX)
			bt_build_error(b, n, i,
			    "a weight is a number from 1 to %d", WEIGHT_MAX);
		else
			o->weight = (unsigned)weight;
	}
}

/* Why no request can have the path; NULL: one can. */
static const char *
why_not_prefix(struct bt_str path)
{
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL)
			return "percent-encode what a path cannot have";
		if (c == '?' || c == '#')
			return "such a path has no query and no fragment";
		if (c == '%' && !bt_value_is_escape(path, i))
			return "a % in a path is followed by two hexadecimal "
			       "digits";
	}
	return NULL;
}

void
bt_set_check(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_upstream *u = b->frame->inner;
	struct bt_str path = n->words[1].text;
	const char *query = path.n > 0 ? memchr(path.p, '?', path.n) : NULL;
	uint64_t ms = CHECK_MS;
	const char *why = NULL;

	if (query != NULL)
		path.n = (size_t)(query - path.p);
	if (path.n == 0 || path.p[0] != '/')
		why = "a check asks for a path, which begins with /";
	else if ((why = why_not_prefix(path)) == NULL && query != NULL)
		why = why_not_prefix((struct bt_str){
		    query + 1, n->words[1].text.n - path.n - 1 });
	if (why != NULL) {
		bt_build_error(b, n, 1, "%s: %s", bt_build_quote(b, n, 1), why);
		return;
	}
	path = n->words[1].text;
	if (n->words_n > 2 &&
	    (n->words_n != 4 ||
		!bt_str_equal(n->words[2].text, BT_STR("every")))) {
		bt_build_error(
		    b, n, 2, "behind the path of a check stands: every TIME");
		return;
	}
	if (n->words_n == 4 &&
	    (bt_value_parse_duration(n->words[3].text, &ms, &why) < 0 ||
		ms < CHECK_MS_MIN)) {
		bt_build_error(b, n, 3, "%s: %s", bt_build_quote(b, n, 3),
		    why != NULL ? why : "a check comes every 10ms at most");
		return;
	}
	u->check = bt_build_copy(b, path).p;
	u->check_interval_ms = (int64_t)ms;
}

void
bt_set_proxy(struct bt_build *b, const struct bt_node *n)
{
	struct bt_frame frame = {
		.node = n,
		.where = BT_IN_PROXY,
		.scope = b->frame->scope,
	};
	struct bt_conf_proxy *p = bt_build_array(b, 0, sizeof(*p));
	struct bt_proxy_note *note = bt_build_notes(b, 0, sizeof(*note));
	struct bt_str target = n->words[1].text;
	const char *slash, *why;

	p->target = bt_build_copy(b, target);
	frame.inner = p;
	bt_build_block(b, &frame);
	if (!bt_build_check_variables(b, n, 1))
		return;
	if (bt_str_has_prefix(target, BT_STR("https://"))) {
		bt_build_error(b, n, 1,
		    "https:// to other servers is not built yet: it comes in a "
		    "later version");
		return;
	}
	if (bt_str_has_prefix(target, BT_STR("ws://")) ||
	    bt_str_has_prefix(target, BT_STR("wss://"))) {
		bt_build_error(b, n, 1,
		    "%s: the server is named by http://, WebSockets go through "
		    "without being told",
		    bt_build_quote(b, n, 1));
		return;
	}
	if (bt_str_has_prefix(target, BT_STR("http://"))) {
		target.p += 7, target.n -= 7;
		slash = target.n > 0 ? memchr(target.p, '/', target.n) : NULL;
		if (slash != NULL) {
			p->prefix = bt_build_copy(b,
			    ((struct bt_str){ slash,
				target.n - (size_t)(slash - target.p) }));
			target.n = (size_t)(slash - target.p);
			why = why_not_prefix(p->prefix);
			if (why != NULL)
				bt_build_error(b, n, 1, "%s: %s",
				    bt_build_quote(b, n, 1), why);
		}
	}
	note->proxy = p;
	note->node = n;
	note->name = target;
	note->next = b->proxies;
	b->proxies = note;
	b->frame->route->handler = BT_HANDLER_PROXY;
	b->frame->route->proxy = p;
}

/* A server that a proxy names itself: the same one for all that do. */
static struct bt_conf_upstream *
upstream_of_address(struct bt_build *b, const struct bt_proxy_note *note)
{
	struct bt_frame frame = { .node = note->node, .where = BT_IN_UPSTREAM };
	struct bt_conf_origin *o = bt_build_array(b, 1, sizeof(*o));
	const char *why = parse_origin(b, note->name, o);
	struct bt_conf_upstream *u;

	if (why != NULL) {
		bt_build_error(b, note->node, 1, "%s: %s",
		    bt_build_quote(b, note->node, 1), why);
		return NULL;
	}
	u = upstream_new(b, note->name);
	u->origins = o;
	u->origins_n = 1;
	frame.inner = u;
	frame.outer = b->frame;
	b->frame = &frame;
	for (unsigned i = 0; i < bt_directives_n; i++)
		if (bt_directives[i].where == BT_IN_UPSTREAM &&
		    bt_directives[i].preset != NULL)
			bt_build_preset(b, &bt_directives[i]);
	b->frame = frame.outer;
	return u;
}

void
bt_check_proxies(struct bt_build *b)
{
	for (struct bt_proxy_note *p = b->proxies; p != NULL; p = p->next) {
		struct bt_conf_upstream *u = upstream_find(b->conf, p->name);

		p->proxy->upstream = u != NULL ? u : upstream_of_address(b, p);
	}
}
