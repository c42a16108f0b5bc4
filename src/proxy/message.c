/*
 * Heads on their way through us.  Worker, on the loop.
 */

#include "proxy/message.h"

#include "handlers/vars.h"
#include "http/date.h"
#include "http/proxy_header.h"
#include "http/uri.h"
#include "proxy/back.h"

#include <stdio.h>

#define NAME(literal) \
	{ \
		(literal), sizeof(literal) - 1 \
	}

/* Of the connection, or written by us (RFC 9110, 7.6.1). */
static const struct bt_str hop_by_hop[] = { NAME("connection"),
	NAME("keep-alive"), NAME("proxy-connection"),
	NAME("proxy-authenticate"), NAME("te"), NAME("transfer-encoding"),
	NAME("upgrade"), NAME("content-length") };
/* … or taken for HTTP_PROXY behind a CGI, as only an attacker sends it. */
static const struct bt_str rewritten[] = { NAME("host"), NAME("expect"),
	NAME("proxy"), NAME("forwarded"), NAME("via"), NAME("x-forwarded-for"),
	NAME("x-forwarded-host"), NAME("x-forwarded-proto") };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Each field of each head is asked for: most differ in length already. */
static bool
is_one_of(struct bt_str name, const struct bt_str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].n == name.n && bt_str_equal_nocase(name, names[i]))
			return true;
	return false;
}

/* Announces what comes behind chunks: where there are none it is untrue. */
static bool
is_trailer(struct bt_str name)
{
	return bt_str_equal_nocase(name, BT_STR("trailer"));
}

/* Whether Connection names it: then it is for us alone. */
static bool
is_named_in_connection(const struct bt_request *m, struct bt_str name)
{
	struct bt_str list = bt_request_known(m, BT_FIELD_CONNECTION), option;
	unsigned at = 0;

	if (list.p == NULL)
		return false;
	/* usually it is `close` or `keep-alive`, and no list to be taken apart
	 */
	if (list.n != name.n && memchr(list.p, ',', list.n) == NULL &&
	    (m->repeated & UINT32_C(1) << BT_FIELD_CONNECTION) == 0)
		return false;
	while (bt_request_known_next(m, BT_FIELD_CONNECTION, &at, &list))
		while (bt_str_list_next(&list, &option))
			if (bt_str_equal_nocase(option, name))
				return true;
	return false;
}

static bool
stays_here(const struct bt_request *m, struct bt_str name)
{
	return is_one_of(name, hop_by_hop, COUNT(hop_by_hop)) ||
	    is_named_in_connection(m, name);
}

struct writer {
	char *at, *end;
	bool full;
};

static void
put(struct writer *w, struct bt_str s)
{
	if ((size_t)(w->end - w->at) < s.n) {
		w->full = true;
		return;
	}
	if (s.n > 0)
		memcpy(w->at, s.p, s.n);
	w->at += s.n;
}

static void
put_line(struct writer *w, struct bt_str name, struct bt_str value)
{
	put(w, name);
	put(w, BT_STR(": "));
	put(w, value);
	put(w, BT_STR("\r\n"));
}

/*
 * Whether a path has what servers resolve, each in its way: then it goes on as
 * it was routed here.
 */
static bool
is_ambiguous(struct bt_str path)
{
	static const char *const signs[] = { "//", "/.", "%2e", "%2f." };

	for (size_t i = 0; i < path.n; i++)
		for (size_t s = 0; s < COUNT(signs); s++) {
			size_t n = strlen(signs[s]);

			if (path.n - i >= n &&
			    bt_str_equal_nocase(
				(struct bt_str){ path.p + i, n },
				(struct bt_str){ signs[s], n }))
				return true;
		}
	return false;
}

static void
put_target(struct writer *w, const struct bt_proxying *p)
{
	struct baton_exchange *x = p->x;
	const struct bt_request *r = &x->request;
	struct bt_str path = r->raw_path, rest = r->path;
	struct bt_str route = x->route->conf->path;

	if (p->conf->prefix.p != NULL) {
		put(w, p->conf->prefix);
		rest.p += route.n;
		rest.n -= route.n;
		/* /api/ and /v1 without its slash are still two segments */
		if (p->conf->prefix.p[p->conf->prefix.n - 1] == '/' &&
		    rest.n > 0 && rest.p[0] == '/')
			rest.p++, rest.n--;
		path = bt_path_encode(rest, &x->arena);
	} else if (is_ambiguous(r->raw_path)) {
		path = bt_path_encode(r->path, &x->arena);
	}
	put(w, path);
	if (r->has_query) {
		put(w, BT_STR("?"));
		put(w, r->query);
	}
}

/* Who is asked, with the port: Host, or what stood for it in the target. */
static struct bt_str
authority_of(const struct bt_request *r)
{
	const char *begin, *slash;
	struct bt_str rest;

	if (r->target.p[0] == '/' || r->target.p[0] == '*')
		return bt_request_known(r, BT_FIELD_HOST);
	begin = memmem(r->target.p, r->target.n, "//", 2);
	if (begin == NULL)
		return bt_request_known(r, BT_FIELD_HOST);
	rest.p = begin + 2;
	rest.n = r->target.n - (size_t)(rest.p - r->target.p);
	for (slash = rest.p; slash < rest.p + rest.n; slash++)
		if (*slash == '/' || *slash == '?')
			break;
	return (struct bt_str){ rest.p, (size_t)(slash - rest.p) };
}

/* What others have said goes on only where the peer is trusted to say it. */
static void
put_earlier(struct writer *w, const struct bt_proxying *p, struct bt_str name)
{
	const struct bt_request *r = &p->x->request;
	struct bt_str value;
	unsigned at = 0;

	if (p->x->baton == p->x->peer)
		return;
	while (bt_request_field_next(r, name, &at, &value)) {
		put(w, value);
		put(w, BT_STR(", "));
	}
}

/* Whether the conf says what it is: then nobody else does. */
static bool
is_set(const struct bt_conf_proxy *conf, struct bt_str name)
{
	for (size_t i = 0; i < conf->fields_n; i++)
		if (bt_str_equal_nocase(conf->fields[i].name, name))
			return true;
	return false;
}

/* `set_header`; a value that is empty removes the field. */
static void
put_set(struct writer *w, const struct bt_proxying *p)
{
	for (size_t i = 0; i < p->conf->fields_n; i++) {
		const struct bt_conf_field *f = &p->conf->fields[i];
		struct bt_str value = f->template != NULL
		    ? bt_template_field(p->x, f->template)
		    : f->value;

		if (value.n > 0 &&
		    !bt_str_equal_nocase(f->name, BT_STR("host")))
			put_line(w, f->name, value);
	}
}

/* What the conf says, or the client; a request always has one. */
static struct bt_str
host_for(const struct bt_proxying *p, struct bt_str asked)
{
	for (size_t i = 0; i < p->conf->fields_n; i++) {
		const struct bt_conf_field *f = &p->conf->fields[i];
		struct bt_str value = f->value;

		if (!bt_str_equal_nocase(f->name, BT_STR("host")))
			continue;
		if (f->template != NULL)
			value = bt_template_field(p->x, f->template);
		if (value.n > 0)
			return value;
	}
	return asked.n > 0 ? asked : p->upstream->conf->name;
}

static void
put_node(struct writer *w, const struct bt_addr *addr)
{
	char text[BT_ADDR_TEXT_MAX];

	bt_addr_format_host(addr, text);
	put(w,
	    addr->ss.ss_family == AF_UNIX ? BT_STR("unknown")
					  : bt_str_of(text));
}

/* RFC 7239, 4 */
static void
put_forwarded(struct writer *w, const struct bt_proxying *p,
    const struct bt_addr *addr, struct bt_str host)
{
	bool v6 = addr->ss.ss_family == AF_INET6;

	put(w, BT_STR("Forwarded: "));
	put_earlier(w, p, BT_STR("forwarded"));
	put(w, v6 ? BT_STR("for=\"[") : BT_STR("for="));
	put_node(w, addr);
	put(w, v6 ? BT_STR("]\";proto=") : BT_STR(";proto="));
	put(w, p->x->https ? BT_STR("https") : BT_STR("http"));
	if (host.n > 0) {
		put(w, BT_STR(";host=\""));
		put(w, host);
		put(w, BT_STR("\""));
	}
	put(w, BT_STR("\r\n"));
}

/* RFC 9110, 7.6.3: behind those who had it before. */
static void
put_via(struct writer *w, const struct bt_request *r)
{
	struct bt_str value;
	unsigned at = 0;

	put(w, BT_STR("Via: "));
	while (bt_request_field_next(r, BT_STR("via"), &at, &value)) {
		put(w, value);
		put(w, BT_STR(", "));
	}
	put(w, r->minor ? BT_STR("1.1 baton\r\n") : BT_STR("1.0 baton\r\n"));
}

/* Who asks, for whom, and what for: unless the conf says it. */
static void
put_way(struct writer *w, const struct bt_proxying *p, struct bt_str host)
{
	const struct baton_exchange *x = p->x;
	struct bt_addr addr;

	bt_baton_peer(x->peer, &addr);
	if (!is_set(p->conf, BT_STR("x-forwarded-for"))) {
		put(w, BT_STR("X-Forwarded-For: "));
		put_earlier(w, p, BT_STR("x-forwarded-for"));
		put_node(w, &addr);
		put(w, BT_STR("\r\n"));
	}
	if (!is_set(p->conf, BT_STR("x-forwarded-proto")))
		put_line(w, BT_STR("X-Forwarded-Proto"),
		    x->https ? BT_STR("https") : BT_STR("http"));
	if (host.n > 0 && !is_set(p->conf, BT_STR("x-forwarded-host")))
		put_line(w, BT_STR("X-Forwarded-Host"), host);
	if (!is_set(p->conf, BT_STR("forwarded")))
		put_forwarded(w, p, &addr, host);
	if (!is_set(p->conf, BT_STR("via")))
		put_via(w, &x->request);
}

static void
put_framing(struct writer *w, const struct bt_proxying *p)
{
	const struct bt_request *r = &p->x->request;
	char digits[32];
	int n;

	if (p->for_page)
		return;
	if (r->chunked) {
		put(w, BT_STR("Transfer-Encoding: chunked\r\n"));
	} else if (r->known[BT_FIELD_CONTENT_LENGTH]) {
		n = snprintf(digits, sizeof(digits), "%llu",
		    (unsigned long long)r->content_length);
		put_line(w, BT_STR("Content-Length"),
		    (struct bt_str){ digits, (size_t)n });
	}
}

static bool
is_for_server(const struct bt_proxying *p, struct bt_str name)
{
	return name.n > 0 && !stays_here(&p->x->request, name) &&
	    !is_one_of(name, rewritten, COUNT(rewritten)) &&
	    !is_set(p->conf, name);
}

/* In front of the request: for whom the connection is. */
static void
put_proxy_header(struct writer *w, const struct bt_proxying *p)
{
	const struct bt_services *services = p->x->services;
	char text[BT_PROXY_LINE_MAX + 1];
	struct bt_addr client, here;

	bt_baton_peer(p->x->baton, &client);
	services->local(p->x, &here);
	put(w,
	    ((struct bt_str){ text,
		bt_proxy_header_format(
		    (enum bt_proxy_version)p->conf->send_proxy, &client, &here,
		    text) }));
}

/* Whether a protocol is one that HTTP would go on in. */
static bool
is_http(struct bt_str protocol)
{
	static const struct bt_str names[] = { NAME("h2c"), NAME("h2"),
		NAME("http"), NAME("tls") };
	const char *slash = memchr(protocol.p, '/', protocol.n);

	if (slash != NULL)
		protocol.n = (size_t)(slash - protocol.p);
	return is_one_of(protocol, names, COUNT(names));
}

struct bt_str
bt_proxy_upgrade(struct baton_exchange *x)
{
	const struct bt_request *r = &x->request;
	struct bt_str list, protocol, all = BT_STR("");
	unsigned at = 0;

	if (!r->known[BT_FIELD_UPGRADE] || r->minor == 0 || !x->content_over ||
	    !is_named_in_connection(r, BT_STR("upgrade")))
		return all;
	while (bt_request_known_next(r, BT_FIELD_UPGRADE, &at, &list))
		while (bt_str_list_next(&list, &protocol))
			if (protocol.n > 0 && !is_http(protocol))
				all = bt_arena_printf(&x->arena, "%.*s%s%.*s",
				    BT_STR_ARG(all), all.n > 0 ? ", " : "",
				    BT_STR_ARG(protocol));
	return all;
}

static bool
list_has(struct bt_str list, struct bt_str member)
{
	struct bt_str s;

	while (bt_str_list_next(&list, &s))
		if (bt_str_equal_nocase(s, member))
			return true;
	return false;
}

bool
bt_proxy_switches(const struct bt_proxying *p)
{
	const struct bt_request *m = &p->response.message;
	struct bt_str list, protocol;
	unsigned at = 0, n = 0;

	while (bt_request_known_next(m, BT_FIELD_UPGRADE, &at, &list))
		while (bt_str_list_next(&list, &protocol)) {
			if (!list_has(p->upgrade, protocol))
				return false;
			n++;
		}
	return n > 0 && is_named_in_connection(m, BT_STR("upgrade"));
}

size_t
bt_proxy_write_request(const struct bt_proxying *p, char *out, size_t size)
{
	const struct bt_request *r = &p->x->request;
	struct writer w = { out, out + size, false };
	struct bt_str host = authority_of(r);

	if (p->conf->send_proxy != BT_PROXY_OFF)
		put_proxy_header(&w, p);
	put(&w, r->method_text);
	put(&w, BT_STR(" "));
	put_target(&w, p);
	put(&w, BT_STR(" HTTP/1.1\r\n"));
	put_line(&w, BT_STR("Host"), host_for(p, host));
	for (unsigned i = 0; i < r->fields_n; i++) {
		const struct bt_field *f = &r->fields[i];

		if (is_for_server(p, f->name) &&
		    ((r->chunked && !p->for_page) || !is_trailer(f->name)))
			put_line(&w, f->name, f->value);
	}
	put_way(&w, p, host);
	put_set(&w, p);
	put_framing(&w, p);
	if (p->upgrade.n > 0) {
		put_line(&w, BT_STR("Connection"), BT_STR("upgrade"));
		put_line(&w, BT_STR("Upgrade"), p->upgrade);
	}
	put(&w, BT_STR("\r\n"));
	return w.full ? 0 : (size_t)(w.at - out);
}

static bool
is_hidden(const struct bt_conf_proxy *conf, struct bt_str name)
{
	for (size_t i = 0; i < conf->hidden_n; i++)
		if (bt_str_equal_nocase(conf->hidden[i], name))
			return true;
	return false;
}

static bool
is_for_client(const struct bt_proxying *p, struct bt_str name)
{
	return !stays_here(&p->response.message, name) &&
	    !is_hidden(p->conf, name);
}

/* The lines of an answer that are for the client too, and ours. */
static void
put_answer(struct writer *w, struct bt_proxying *p, bool interim)
{
	const struct bt_request *m = &p->response.message;
	char date[BT_DATE_BYTES + 1];
	bool chunks = m->chunked && p->x->request.minor > 0;
	bool dated = interim;

	for (unsigned i = 0; i < m->fields_n; i++) {
		const struct bt_field *f = &m->fields[i];

		if (!is_for_client(p, f->name) ||
		    (!chunks && is_trailer(f->name)))
			continue;
		dated |= bt_str_equal_nocase(f->name, BT_STR("date"));
		if (!interim &&
		    bt_str_equal_nocase(f->name, BT_STR("cache-control")))
			bt_reply_says_fresh(p->x);
		put_line(w, f->name, f->value);
	}
	if (!dated) { /* RFC 9110, 6.6.1 */
		bt_date_format(p->x->services->now->wall_s, date);
		put_line(w, BT_STR("Date"), bt_str_of(date));
	}
	/* the Connection that names it is the worker's */
	if (p->response.status == 101)
		put_line(w, BT_STR("Upgrade"),
		    bt_request_known(m, BT_FIELD_UPGRADE));
	put_line(w, BT_STR("Via"),
	    m->minor ? BT_STR("1.1 baton") : BT_STR("1.0 baton"));
}

static struct bt_str
without_slash(struct bt_str path)
{
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

static void
learn_back(const struct bt_proxying *p, struct bt_proxy_back *ret)
{
	struct baton_exchange *x = p->x;
	const struct bt_conf_route *route = x->route->conf;

	*ret = (struct bt_proxy_back){
		.near = BT_STR(""),
		.far = BT_STR(""),
		.asked = authority_of(&x->request),
		.arena = &x->arena,
	};
	ret->own[0] = p->link->origin->conf->text;
	ret->own[1] = p->upstream->conf->name;
	ret->own[2] = host_for(p, ret->asked);
	if (p->conf->prefix.p == NULL)
		return;
	ret->near = bt_path_encode(route->path, &x->arena);
	ret->far = p->conf->prefix;
	ret->exact = route->exact;
	if (!ret->exact) {
		ret->near = without_slash(ret->near);
		ret->far = without_slash(ret->far);
	}
}

/* What the server says of itself becomes what its client can follow. */
static void
map_back(struct bt_proxying *p)
{
	struct bt_request *m = &p->response.message;
	struct bt_proxy_back back = { .arena = NULL };

	for (unsigned i = 0; i < m->fields_n; i++) {
		struct bt_field *f = &m->fields[i];
		bool cookie =
		    bt_str_equal_nocase(f->name, BT_STR("set-cookie"));

		if (!cookie &&
		    !bt_str_equal_nocase(f->name, BT_STR("location")) &&
		    !bt_str_equal_nocase(f->name, BT_STR("content-location")))
			continue;
		if (back.arena == NULL)
			learn_back(p, &back);
		f->value = cookie ? bt_proxy_back_cookie(&back, f->value)
				  : bt_proxy_back_reference(&back, f->value);
	}
}

struct bt_str
bt_proxy_answer_fields(struct bt_proxying *p)
{
	const struct bt_request *m = &p->response.message;
	size_t size = 128;
	struct writer w;
	char *out;

	if (p->conf->maps_back)
		map_back(p);
	for (unsigned i = 0; i < m->fields_n; i++)
		size += m->fields[i].name.n + m->fields[i].value.n + 4;
	out = bt_arena_alloc(&p->x->arena, size);
	w = (struct writer){ out, out + size, false };
	put_answer(&w, p, false);
	return (struct bt_str){ out, (size_t)(w.at - out) };
}

size_t
bt_proxy_write_interim(struct bt_proxying *p, char *out, size_t size)
{
	struct writer w = { out, out + size, false };

	put_answer(&w, p, true);
	return w.full ? 0 : (size_t)(w.at - out);
}

/* Lines of a section that `goes` lets pass; the guard has seen each byte. */
static size_t
write_trailers(const struct bt_proxying *p, const struct bt_trailers *t,
    bool (*goes)(const struct bt_proxying *, struct bt_str), char *out)
{
	struct bt_str section = { t->bytes, t->n }, name, line;
	size_t n = 0;

	while (bt_trailer_next(&section, &name, &line)) {
		if (!bt_trailer_is_allowed(name) || !goes(p, name))
			continue;
		memcpy(out + n, line.p, line.n);
		n += line.n;
	}
	return n;
}

size_t
bt_proxy_write_trailers(const struct bt_proxying *p, char *out)
{
	return write_trailers(p, &p->x->parser.trailers, is_for_server, out);
}

struct bt_str
bt_proxy_answer_trailers(struct bt_proxying *p)
{
	const struct bt_trailers *t = &p->parser.trailers;
	char *out;

	if (t->n == 0)
		return BT_STR_NONE;
	out = bt_arena_alloc(&p->x->arena, t->n);
	return (struct bt_str){ out, write_trailers(p, t, is_for_client, out) };
}
