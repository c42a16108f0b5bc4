/*
 * Variables of an exchange.  Worker, on the loop.
 */

#include "handlers/vars.h"

#include "base/clock.h"
#include "handlers/request_id.h"
#include "handlers/stamp.h"
#include "http/uri.h"

static struct bt_str
format_u64(char out[static BT_VAR_BYTES_MAX], uint64_t n)
{
	char *end = out + BT_VAR_BYTES_MAX, *at = end;

	do
		*--at = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return (struct bt_str){ at, (size_t)(end - at) };
}

/* `12.034` */
static struct bt_str
format_ms(char out[static BT_VAR_BYTES_MAX], int64_t ms)
{
	char text[BT_VAR_BYTES_MAX];
	struct bt_str s = format_u64(text, (uint64_t)(ms > 0 ? ms : 0) / 1000);
	unsigned rest = (unsigned)(ms > 0 ? ms % 1000 : 0);

	memcpy(out, s.p, s.n);
	out[s.n++] = '.';
	out[s.n++] = (char)('0' + rest / 100);
	out[s.n++] = (char)('0' + rest / 10 % 10);
	out[s.n++] = (char)('0' + rest % 10);
	return (struct bt_str){ out, s.n };
}

/* The address that the client reached us at, or NULL. */
static const struct bt_addr *
listen_of(const struct baton_exchange *x)
{
	const struct bt_conf *conf = x->services->conf;

	for (size_t i = 0; i < conf->listens_n; i++)
		if (conf->listens[i].id == x->baton->listen)
			return &conf->listens[i].addr;
	return NULL;
}

static struct bt_str
server_name(const struct baton_exchange *x, char out[static BT_VAR_BYTES_MAX])
{
	const struct bt_conf_server *s = x->route ? x->route->server : NULL;
	const struct bt_addr *addr;

	if (s != NULL && s->names_n > 0)
		return s->names[0];
	if ((addr = listen_of(x)) == NULL)
		return BT_STR_NONE;
	return (struct bt_str){ out, bt_addr_format_host(addr, out) };
}

static struct bt_str
server_addr(const struct baton_exchange *x, char out[static BT_VAR_BYTES_MAX])
{
	const struct bt_addr *addr = listen_of(x);

	if (addr == NULL)
		return BT_STR_NONE;
	return (struct bt_str){ out, bt_addr_format_host(addr, out) };
}

static struct bt_str
remote_addr(const struct baton_exchange *x, char out[static BT_VAR_BYTES_MAX])
{
	struct bt_addr peer;

	bt_baton_peer(x->baton, &peer);
	return (struct bt_str){ out, bt_addr_format_host(&peer, out) };
}

/* From the path to the end of the target; the path of `http://h?q` is /. */
static struct bt_str
request_uri(struct baton_exchange *x)
{
	const struct bt_request *r = &x->request;
	struct bt_str s = r->raw_path;

	if (!r->has_query)
		return s;
	if (s.p + s.n + 1 != r->query.p)
		return bt_arena_printf(&x->arena, "%.*s?%.*s", BT_STR_ARG(s),
		    BT_STR_ARG(r->query));
	s.n += 1 + r->query.n;
	return s;
}

/* The value of the first `name=` of the query. */
static struct bt_str
arg(struct bt_str query, struct bt_str name)
{
	const char *end = query.p + query.n, *p = query.p, *next;

	for (; p < end; p = next + 1) {
		next = memchr(p, '&', (size_t)(end - p));
		if (next == NULL)
			next = end;
		if ((size_t)(next - p) > name.n && p[name.n] == '=' &&
		    memcmp(p, name.p, name.n) == 0)
			return (struct bt_str){ p + name.n + 1,
				(size_t)(next - p) - name.n - 1 };
	}
	return BT_STR_NONE;
}

static struct bt_str
field(const struct bt_request *r, struct bt_str name)
{
	enum bt_known_field known = bt_known_field_find(name);

	return known == BT_FIELDS_KNOWN ? bt_request_field(r, name)
					: bt_request_known(r, known);
}

struct bt_str
bt_var_value(struct baton_exchange *x, const struct bt_piece *p,
    char out[static BT_VAR_BYTES_MAX])
{
	const struct bt_request *r = &x->request;
	const struct bt_addr *addr;

	switch (p->var) {
	case BT_VAR_TEXT:
		return p->text;
	case BT_VAR_ARG:
		return arg(r->query, p->text);
	case BT_VAR_BODY_BYTES_SENT:
		return format_u64(out, x->sent);
	case BT_VAR_BYTES_SENT:
		return format_u64(out, x->head_bytes + x->sent);
	case BT_VAR_CONNECTION:
		return format_u64(out, x->baton->id);
	case BT_VAR_CONNECTION_REQUESTS:
		return format_u64(out, x->baton->requests + UINT64_C(1));
	case BT_VAR_HOST:
		return r->host.n > 0 ? r->host : server_name(x, out);
	case BT_VAR_HTTP:
		return field(r, p->text);
	case BT_VAR_METHOD:
		return r->method_text;
	case BT_VAR_MSEC:
		return format_ms(out, bt_clock_wall_ms());
	case BT_VAR_PROTOCOL:
		return r->minor ? BT_STR("HTTP/1.1") : BT_STR("HTTP/1.0");
	case BT_VAR_QUERY:
		return r->query;
	case BT_VAR_REMOTE_ADDR:
		return remote_addr(x, out);
	case BT_VAR_REMOTE_PORT:
		return format_u64(out, x->baton->port);
	case BT_VAR_REMOTE_USER:
		return x->user;
	case BT_VAR_REQUEST:
		return r->line;
	case BT_VAR_REQUEST_ID:
		bt_request_id_format(x, out);
		return (struct bt_str){ out, BT_REQUEST_ID_BYTES };
	case BT_VAR_REQUEST_TIME:
		return format_ms(
		    out, (x->services->now->us - x->begun_us) / 1000);
	case BT_VAR_REQUEST_URI:
		return request_uri(x);
	case BT_VAR_ROUTE:
		return x->route && x->route->conf ? x->route->conf->path
						  : BT_STR_NONE;
	case BT_VAR_SCHEME:
		return x->https ? BT_STR("https") : BT_STR("http");
	case BT_VAR_SERVER_ADDR:
		return server_addr(x, out);
	case BT_VAR_SERVER_NAME:
		return server_name(x, out);
	case BT_VAR_SERVER_PORT:
		addr = listen_of(x);
		return format_u64(out, addr ? bt_addr_port(addr) : 0);
	case BT_VAR_STATUS:
		return format_u64(out, x->reply.status);
	case BT_VAR_TIME_ISO8601:
		return bt_stamp_iso8601(x->services->now->wall_s);
	case BT_VAR_TIME_LOCAL:
		return bt_stamp_local(x->services->now->wall_s);
	case BT_VAR_URI:
		return r->path;
	case BT_VAR_WORKER:
		return format_u64(out, x->services->worker);
	case BT_VARS:
		break;
	}
	return BT_STR_NONE;
}

struct bt_str
bt_template_text(struct baton_exchange *x, const struct bt_template *t)
{
	char scratch[BT_VAR_BYTES_MAX], *text;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < t->n; i++)
		n += bt_var_value(x, &t->pieces[i], scratch).n;
	text = bt_arena_alloc(&x->arena, n + 1);
	for (size_t i = 0; i < t->n; i++) {
		struct bt_str s = bt_var_value(x, &t->pieces[i], scratch);

		if (s.n > 0)
			memcpy(text + at, s.p, s.n);
		at += s.n;
	}
	return (struct bt_str){ text, n };
}

struct bt_str
bt_template_field(struct baton_exchange *x, const struct bt_template *t)
{
	struct bt_str s = bt_template_text(x, t);
	char *p = (char *)(uintptr_t)s.p; /* the arena's, and just made */

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			p[i] = '?';
	return s;
}

/* What is known to be text of a URI stays; other values become it. */
static struct bt_str
as_uri(struct baton_exchange *x, const struct bt_piece *p, struct bt_str value)
{
	const struct bt_variable *v = bt_variable_of(p->var);

	if (v == NULL || v->is_uri || v->in_host)
		return value;
	return bt_path_encode(value, &x->arena);
}

struct bt_str
bt_template_location(struct baton_exchange *x, const struct bt_template *t)
{
	char scratch[BT_VAR_BYTES_MAX];
	struct bt_str text = BT_STR_NONE;

	for (size_t i = 0; i < t->n; i++) {
		struct bt_str s = bt_var_value(x, &t->pieces[i], scratch);

		s = as_uri(x, &t->pieces[i], s);
		text = bt_arena_printf(
		    &x->arena, "%.*s%.*s", BT_STR_ARG(text), BT_STR_ARG(s));
	}
	if (text.n > 1 && text.p[0] == '/' && text.p[1] == '/')
		text = bt_arena_printf(
		    &x->arena, "/%%2F%.*s", (int)text.n - 2, text.p + 2);
	return text;
}
