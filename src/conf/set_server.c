/*
 * A server: its addresses and names.  An address that several servers name is
 * one listener; the first of them, or the one that says default_server, gets
 * the requests for names that nobody has.  Runs in the master, or in
 * `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

#include <netinet/in.h>

enum {
	BACKLOG = 4096, /* preset */
	BACKLOG_MAX = 65535,
	NAME_MAX_BYTES = 253, /* of a host name */
};

void
bt_set_server(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_server *s = &b->conf->servers[b->conf->servers_n];
	struct bt_server_note *note = &b->servers[b->conf->servers_n++];
	size_t listens = bt_build_count(n, "listen", false) + 1;
	size_t names = bt_build_count(n, "name", true);
	size_t routes = bt_build_count(n, "route", false);
	struct bt_frame frame = {
		.node = n,
		.where = BT_IN_SERVER,
		.scope = &s->scope,
		.server = s,
	};

	note->node = n;
	note->listens = bt_build_notes(b, listens, sizeof(note->listens[0]));
	note->names = bt_build_notes(b, names, sizeof(note->names[0]));
	note->name_words = bt_build_notes(b, names, sizeof(unsigned));
	note->routes = bt_build_notes(b, routes, sizeof(note->routes[0]));
	s->listens = bt_build_array(b, listens, sizeof(s->listens[0]));
	s->names = bt_build_array(b, names, sizeof(s->names[0]));
	s->routes = bt_build_array(b, routes, sizeof(s->routes[0]));
	s->file = bt_arena_strdup(&b->conf->arena, n->source->name);
	s->line = n->line;
	s->scope = b->main;
	bt_build_block(b, &frame);
	bt_check_routes(b, s, note);
}

static bool
is_any(const struct bt_addr *a)
{
	const void *sa = &a->ss;

	if (a->ss.ss_family == AF_INET)
		return ((const struct sockaddr_in *)sa)->sin_addr.s_addr ==
		    INADDR_ANY;
	return a->ss.ss_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(
		&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

/* Would the kernel refuse to bind one beside the other? */
static bool
overlap(const struct bt_addr *a, const struct bt_addr *b)
{
	return a->ss.ss_family == b->ss.ss_family && bt_addr_port(a) != 0 &&
	    bt_addr_port(a) == bt_addr_port(b) && is_any(a) != is_any(b);
}

static const char *
place_of(
    struct bt_build *b, const struct bt_node *from, const struct bt_node *other)
{
	return bt_report_place(
	    b->report, from->source, other->source, other->line);
}

/* The listener of the address, added when it is new; -1: cannot be. */
static int
find_listen(struct bt_build *b, const struct bt_node *n, struct bt_addr addr)
{
	struct bt_conf *conf = b->conf;
	char text[BT_ADDR_TEXT_MAX], other[BT_ADDR_TEXT_MAX];

	for (size_t i = 0; i < conf->listens_n; i++) {
		if (bt_addr_equal(&conf->listens[i].addr, &addr))
			return (int)i;
		if (!overlap(&conf->listens[i].addr, &addr))
			continue;
		bt_build_error(b, n, n->words_n > 1,
		    "%s cannot be bound beside %s, at %s: all addresses have "
		    "it already, or would",
		    bt_addr_format(&addr, text),
		    bt_addr_format(&conf->listens[i].addr, other),
		    place_of(b, n, b->notes[i].first));
		return -1;
	}
	if (conf->listens_n == BT_CONF_LISTENS_MAX) {
		bt_build_error(
		    b, n, 0, "more than %d addresses", BT_CONF_LISTENS_MAX);
		return -1;
	}
	conf->listens[conf->listens_n] = (struct bt_conf_listen){
		.addr = addr,
		.backlog = BACKLOG,
		.ipv6_only = addr.ss.ss_family == AF_INET6,
		.default_server = (unsigned)conf->servers_n - 1,
	};
	b->notes[conf->listens_n].first = n;
	return (int)conf->listens_n++;
}

static void
set_backlog(
    struct bt_build *b, const struct bt_node *n, unsigned word, unsigned listen)
{
	struct bt_str number = n->words[word].text;
	struct bt_listen_note *note = &b->notes[listen];
	uint64_t value;

	number.p += strlen("backlog=");
	number.n -= strlen("backlog=");
	if (bt_str_parse_u64(number, &value) < 0 || value < 1 ||
	    value > BACKLOG_MAX) {
		bt_build_error(
		    b, n, word, "backlog must be from 1 to %d", BACKLOG_MAX);
		return;
	}
	if (note->backlog != NULL &&
	    b->conf->listens[listen].backlog != value) {
		bt_build_error(b, n, word,
		    "this address has another backlog, at %s",
		    place_of(b, n, note->backlog));
		return;
	}
	b->conf->listens[listen].backlog = (unsigned)value;
	note->backlog = n;
}

static void
set_preferred(
    struct bt_build *b, const struct bt_node *n, unsigned word, unsigned listen)
{
	struct bt_listen_note *note = &b->notes[listen];

	if (note->preferred != NULL) {
		bt_build_error(b, n, word,
		    "this address has a default_server already, at %s",
		    place_of(b, n, note->preferred));
		return;
	}
	b->conf->listens[listen].default_server =
	    (unsigned)b->conf->servers_n - 1;
	note->preferred = n;
}

static void
set_option(
    struct bt_build *b, const struct bt_node *n, unsigned i, unsigned listen)
{
	static const char *const options[] = { "backlog=COUNT", "deferred",
		"default_server", "proxy_protocol" };
	struct bt_str word = n->words[i].text;

	if (bt_str_has_prefix(word, BT_STR("backlog="))) {
		set_backlog(b, n, i, listen);
	} else if (bt_str_equal(word, BT_STR("default_server"))) {
		set_preferred(b, n, i, listen);
	} else if (bt_str_equal(word, BT_STR("deferred"))) {
		if (b->conf->listens[listen].addr.ss.ss_family == AF_UNIX)
			bt_build_error(
			    b, n, i, "deferred is for TCP, not for unix:");
		b->conf->listens[listen].deferred = true;
	} else if (bt_str_equal(word, BT_STR("proxy_protocol"))) {
		b->conf->listens[listen].proxy_protocol = true;
		b->notes[listen].proxied = n;
	} else if (bt_str_equal(word, BT_STR("ssl")) ||
	    bt_str_equal(word, BT_STR("http2")) ||
	    bt_str_equal(word, BT_STR("quic"))) {
		bt_build_error(b, n, i,
		    "%s is not built yet: it comes in a later version",
		    bt_build_quote(b, n, i));
	} else {
		bt_build_unknown_word(b, n, i, "option", options, 4);
	}
}

void
bt_set_listen(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_server *s = b->frame->server;
	const struct bt_node *known = bt_build_known(b, n);
	const char *why = NULL;
	struct bt_addr addr;
	int listen;

	if (bt_addr_parse(n->words[1].text, &addr, &why) < 0) {
		bt_build_error(b, n, 1, "%s: %s", bt_build_quote(b, n, 1), why);
		return;
	}
	listen = find_listen(b, known, addr);
	if (listen < 0)
		return;
	for (size_t i = 0; i < s->listens_n; i++)
		if (s->listens[i] == (unsigned)listen) {
			bt_build_error(b, n, 1,
			    "this server listens at %s already, at %s",
			    bt_build_quote(b, n, 1),
			    place_of(b, n, bt_build_note(b)->listens[i]));
			return;
		}
	bt_build_note(b)->listens[s->listens_n] = known;
	s->listens[s->listens_n++] = (unsigned)listen;
	for (unsigned i = 2; i < n->words_n; i++)
		set_option(b, n, i, (unsigned)listen);
}

static bool
is_host_byte(char c)
{
	c = bt_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '.' || c == '_';
}

/* `[2001:db8::1]`, as clients send it in Host. */
static bool
is_ipv6(struct bt_str name)
{
	struct bt_addr_block block;
	const char *why;

	return name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']' &&
	    memchr(name.p, '/', name.n) == NULL &&
	    bt_addr_block_parse(
		(struct bt_str){ name.p + 1, name.n - 2 }, &block, &why) == 0 &&
	    block.family == AF_INET6;
}

/* Why a host can not be called that; NULL: it can. */
static const char *
why_not_host(struct bt_str name)
{
	if (name.n == 0)
		return "a name cannot be empty; a server without a name "
		       "answers as the default of its address";
	if (name.p[0] == '~')
		return "names are not regular expressions here; there is "
		       "*.HOST";
	if (name.p[0] == '.')
		return "write HOST *.HOST for a host and all below it";
	if (name.p[0] == '[')
		return is_ipv6(name) ? NULL : "not an IPv6 address in brackets";
	if (bt_str_has_prefix(name, BT_STR("*."))) {
		name.p += 2;
		name.n -= 2;
	}
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '*')
			return "* stands only first, as in *.example.org";
		if (name.p[i] == ':')
			return "a name is written without the port";
		if ((unsigned char)name.p[i] >= 0x80)
			return "write names in ASCII (xn--...)";
		if (!is_host_byte(name.p[i]))
			return "a name has only letters, digits, - . and _";
		if (name.p[i] == '.' &&
		    (i == 0 || i + 1 == name.n || name.p[i + 1] == '.'))
			return "a part of the name is empty";
	}
	return name.n == 0            ? "a part of the name is empty"
	    : name.n > NAME_MAX_BYTES ? "a name has at most 253 bytes"
				      : NULL;
}

void
bt_set_name(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_server *s = b->frame->server;
	struct bt_server_note *note = bt_build_note(b);

	for (unsigned i = 1; i < n->words_n; i++) {
		struct bt_str word = n->words[i].text;
		const char *why = why_not_host(word);
		char *lower;

		if (why != NULL) {
			bt_build_error(
			    b, n, i, "%s: %s", bt_build_quote(b, n, i), why);
			continue;
		}
		lower = bt_build_array(b, word.n, 1);
		for (size_t c = 0; c < word.n; c++)
			lower[c] = bt_lower(word.p[c]);
		note->names[s->names_n] = n;
		note->name_words[s->names_n] = i;
		s->names[s->names_n++] = (struct bt_str){ lower, word.n };
	}
}
