/*
 * The conf as it was understood, as a conf: rows of main from the table, then
 * the servers.  What main's inherited directives say is printed in each
 * server, and in a route only where it differs.  Runs in `baton -T`.
 */

#include "conf/directives.h"
#include "conf/values.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

enum { NAME_WIDTH = 19, TAB = 4 };

/* `NAME` at its depth, padded to where the arguments begin. */
static void
begin(struct bt_buf *out, unsigned depth, const char *name)
{
	bt_buf_printf(out, "%*s%-*s ", (int)(depth * TAB), "",
	    depth == 0 ? NAME_WIDTH : 0, name);
}

static void
put_words(struct bt_buf *out, unsigned depth, const char *name,
    const struct bt_str *words, size_t n)
{
	begin(out, depth, name);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			bt_buf_putc(out, ' ');
		bt_value_append_word(out, words[i]);
	}
	bt_buf_puts(out, ";\n");
}

static void
put(struct bt_buf *out, unsigned depth, const char *name, const char *value)
{
	struct bt_str word = bt_str_of(value);

	put_words(out, depth, name, &word, 1);
}

/* The row's value in `base`, for the types that are one value. */
static void
put_field(struct bt_buf *out, unsigned depth, const struct bt_directive *d,
    const void *base)
{
	const void *field = (const char *)base + d->field;
	char text[BT_VALUE_TEXT_MAX];
	uint64_t number = 0;
	const char *word;

	switch (d->type) {
	case BT_TYPE_COUNT:
		number = *(const unsigned *)field;
		break;
	case BT_TYPE_DURATION:
		number = (uint64_t) * (const int64_t *)field;
		break;
	case BT_TYPE_SIZE:
	case BT_TYPE_RATE:
		number = *(const uint64_t *)field;
		break;
	case BT_TYPE_CHOICE:
		put(out, depth, d->name, d->choices[*(const unsigned *)field]);
		return;
	case BT_TYPE_NAME:
	case BT_TYPE_PATH:
		word = *(const char *const *)field;
		put(out, depth, d->name, word ? word : d->special);
		return;
	case BT_TYPE_CUSTOM:
	case BT_TYPE_BLOCK:
	case BT_TYPE_INCLUDE:
		return;
	}
	if (number == 0 && d->special != NULL)
		put(out, depth, d->name, d->special);
	else
		put(out, depth, d->name,
		    bt_directive_format(d, number, text, sizeof(text)));
}

static size_t
field_bytes(const struct bt_directive *d)
{
	return d->type == BT_TYPE_COUNT || d->type == BT_TYPE_CHOICE
	    ? sizeof(unsigned)
	    : sizeof(uint64_t);
}

static void
put_format(struct bt_buf *out, const struct bt_conf_format *f)
{
	if (f->built_in)
		return;
	begin(out, 0, "log_format");
	bt_value_append_word(out, f->name);
	bt_buf_puts(out, f->json ? " escape=json " : " escape=default ");
	bt_value_append_template(out, f->template.source);
	bt_buf_puts(out, ";\n");
}

static void
put_access_logs(struct bt_buf *out, unsigned depth,
    const struct bt_conf_log *logs, size_t n)
{
	if (n == 0)
		put(out, depth, "access_log", "off");
	for (size_t i = 0; i < n; i++) {
		struct bt_str words[2] = { bt_str_of(logs[i].path),
			logs[i].format->name };

		put_words(out, depth, "access_log", words, 2);
	}
}

static void
put_logs(struct bt_buf *out, const struct bt_conf *conf)
{
	struct bt_str words[2] = { bt_str_of(conf->error_log),
		bt_str_of(bt_log_level_names[conf->error_log_level]) };

	put_words(out, 0, "error_log", words, 2);
	for (size_t i = 0; i < conf->formats_n; i++)
		put_format(out, &conf->formats[i]);
	put_access_logs(out, 0, conf->logs, conf->logs_n);
}

static void
put_keys(struct bt_buf *out, const struct bt_conf *conf)
{
	put(out, 0, "continuation_keys",
	    conf->continuation_keys ? conf->continuation_keys : "off");
}

static void
put_limits(struct bt_buf *out, const struct bt_conf *conf)
{
	if (conf->limit_connections > 0) {
		begin(out, 0, "limit_connections");
		bt_buf_printf(
		    out, "%u per_address;\n", conf->limit_connections);
	} else {
		put(out, 0, "limit_connections", "off");
	}
	if (conf->limit_rate > 0) {
		begin(out, 0, "limit_rate");
		bt_buf_printf(out, "%u/s per_address burst %u;\n",
		    conf->limit_rate, conf->limit_rate_burst);
	} else {
		put(out, 0, "limit_rate", "off");
	}
}

static void
put_listen(struct bt_buf *out, const struct bt_conf *conf, unsigned server,
    unsigned listen)
{
	const struct bt_conf_listen *l = &conf->listens[listen];
	char text[BT_ADDR_TEXT_MAX];

	begin(out, 1, "listen");
	bt_value_append_word(out, bt_str_of(bt_addr_format(&l->addr, text)));
	bt_buf_printf(out, " backlog=%u%s%s%s;\n", l->backlog,
	    l->deferred ? " deferred" : "",
	    l->proxy_protocol ? " proxy_protocol" : "",
	    l->default_server == server ? " default_server" : "");
}

enum { BLOCK_TEXT_MAX = INET6_ADDRSTRLEN + sizeof("/255") };

/* `all`, `unix:`, or ADDRESS/BITS. */
static const char *
format_block(const struct bt_addr_block *block, char text[BLOCK_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "";

	if (block->family == AF_UNSPEC) {
		strcpy(text, "all");
	} else if (block->family == AF_UNIX) {
		strcpy(text, "unix:");
	} else {
		inet_ntop(block->family, block->bytes, host, sizeof(host));
		snprintf(text, BLOCK_TEXT_MAX, "%s/%u", host, block->bits);
	}
	return text;
}

static void
put_access(struct bt_buf *out, unsigned depth, const struct bt_conf_access *a)
{
	char text[BLOCK_TEXT_MAX];

	put(out, depth, a->allow ? "allow" : "deny",
	    format_block(&a->block, text));
}

static void
put_proxies(struct bt_buf *out, const struct bt_conf *conf)
{
	char text[BLOCK_TEXT_MAX];

	begin(out, 0, "trusted_proxies");
	for (size_t i = 0; i < conf->proxies_n; i++)
		bt_buf_printf(out, "%s%s", i ? " " : "",
		    format_block(&conf->proxies[i], text));
	bt_buf_puts(out, conf->proxies_n ? ";\n" : "off;\n");
}

static void
put_resolvers(struct bt_buf *out, const struct bt_conf *conf)
{
	char text[BT_ADDR_TEXT_MAX];

	begin(out, 0, "resolver");
	for (size_t i = 0; i < conf->resolvers_n; i++)
		bt_buf_printf(out, "%s%s", i ? " " : "",
		    bt_addr_format(&conf->resolvers[i], text));
	bt_buf_puts(out, conf->resolvers_n ? ";\n" : "system;\n");
}

static void
put_header(struct bt_buf *out, unsigned depth, const char *name,
    const struct bt_conf_field *f)
{
	begin(out, depth, name);
	bt_value_append_word(out, f->name);
	bt_buf_putc(out, ' ');
	if (f->template != NULL)
		bt_value_append_template(out, f->value);
	else
		bt_value_append_word(out, f->value);
	bt_buf_puts(out, f->always ? " always;\n" : ";\n");
}

static void
put_page(struct bt_buf *out, unsigned depth, const struct bt_conf_page *p)
{
	begin(out, depth, "error_page");
	bt_buf_printf(out, "%u ", p->status);
	if (p->answers > 0)
		bt_buf_printf(out, "=%u ", p->answers);
	bt_value_append_word(out, p->path);
	bt_buf_puts(out, ";\n");
}

/* The members are plain words. */
static void
put_stores(
    struct bt_buf *out, unsigned depth, const struct bt_conf_scope *scope)
{
	char text[BT_VALUE_TEXT_MAX];

	begin(out, depth, "continuations");
	for (size_t i = 0; i < scope->stores_n; i++) {
		const struct bt_conf_store *s = &scope->stores[i];

		bt_buf_puts(out, i > 0 ? ", " : "");
		if (s->kind == BT_STORE_DISK) {
			bt_buf_puts(out, "disk ");
			bt_value_append_word(out, bt_str_of(s->folder));
		} else {
			bt_buf_puts(
			    out, s->kind == BT_STORE_URL ? "url" : "memory");
		}
		bt_buf_printf(out, " %s", bt_value_format_size(s->bytes, text));
		if (s->kind == BT_STORE_DISK)
			bt_buf_printf(
			    out, " %llu", (unsigned long long)s->records);
	}
	bt_buf_puts(out, scope->stores_n > 0 ? ";\n" : "off;\n");
}

static void
put_cache_control(struct bt_buf *out, unsigned depth, const char *value)
{
	begin(out, depth, "cache_control");
	bt_buf_printf(out, "%s;\n", value ? value : "off");
}

static void
put_auth(struct bt_buf *out, unsigned depth, const struct bt_conf_auth *auth)
{
	struct bt_str words[2];

	if (auth == NULL) {
		put(out, depth, "basic_auth", "off");
		return;
	}
	words[0] = auth->realm;
	words[1] = bt_str_of(auth->file);
	put_words(out, depth, "basic_auth", words, 2);
}

/* What differs from the outer scope; all of it when that is NULL. */
static void
put_scope(struct bt_buf *out, unsigned depth, const struct bt_conf_scope *scope,
    const struct bt_conf_scope *outer)
{
	for (unsigned i = 0; i < bt_directives_n; i++) {
		const struct bt_directive *d = &bt_directives[i];

		if (d->inherited &&
		    (outer == NULL ||
			memcmp((const char *)scope + d->field,
			    (const char *)outer + d->field,
			    field_bytes(d)) != 0))
			put_field(out, depth, d, scope);
	}
	if (outer == NULL || scope->access != outer->access)
		for (size_t i = 0; i < scope->access_n; i++)
			put_access(out, depth, &scope->access[i]);
	if (outer == NULL || scope->fields != outer->fields)
		for (size_t i = 0; i < scope->fields_n; i++)
			put_header(out, depth, "add_header", &scope->fields[i]);
	if (outer == NULL || scope->auth != outer->auth)
		put_auth(out, depth, scope->auth);
	if (outer == NULL || scope->logs != outer->logs)
		put_access_logs(out, depth, scope->logs, scope->logs_n);
	if (outer == NULL || scope->cache_control != outer->cache_control)
		put_cache_control(out, depth, scope->cache_control);
	if (outer == NULL || scope->gzip_types != outer->gzip_types)
		put_words(out, depth, "gzip_types", scope->gzip_types,
		    scope->gzip_types_n);
	if (outer == NULL || scope->stores != outer->stores ||
	    scope->stores_n != outer->stores_n)
		put_stores(out, depth, scope);
	if (outer == NULL || scope->pages != outer->pages)
		for (size_t i = 0; i < scope->pages_n; i++)
			put_page(out, depth, &scope->pages[i]);
}

static void
put_status(struct bt_buf *out, const char *name, const struct bt_conf_route *r)
{
	struct bt_str words[2] = { BT_STR_NONE, r->text };
	char text[16];

	snprintf(text, sizeof(text), "%u", r->status);
	words[0] = bt_str_of(text);
	if (!r->has_variables) {
		put_words(out, 2, name, words,
		    r->handler == BT_HANDLER_REDIRECT || r->has_text ? 2 : 1);
		return;
	}
	bt_buf_printf(out, "        %s %s ", name, text);
	bt_value_append_template(out, r->text);
	bt_buf_puts(out, ";\n");
}

static void
put_tries(struct bt_buf *out, const struct bt_conf_route *r)
{
	if (r->tries_n == 0)
		return;
	bt_buf_puts(out, "        try_files");
	for (size_t i = 0; i < r->tries_n; i++) {
		bt_buf_putc(out, ' ');
		bt_value_append_template(out, r->tries[i].source);
	}
	bt_buf_printf(out, " =%u;\n", r->tries_status);
}

static void
put_app(struct bt_buf *out, const struct bt_conf_app *app)
{
	begin(out, 2, "app");
	bt_value_append_word(out, bt_str_of(app->file));
	if (app->settings_n == 0) {
		bt_buf_puts(out, ";\n");
		return;
	}
	bt_buf_puts(out, " {\n");
	for (size_t i = 0; i < app->settings_n; i++)
		put(out, 3, app->settings[i].name, app->settings[i].value);
	bt_buf_puts(out, "        }\n");
}

/* The directives that may stand in such a block, of what it fills. */
static void
put_inner(struct bt_buf *out, unsigned depth, unsigned where, const void *inner)
{
	for (unsigned i = 0; i < bt_directives_n; i++)
		if (bt_directives[i].where == where)
			put_field(out, depth, &bt_directives[i], inner);
}

static void
put_proxy(struct bt_buf *out, const struct bt_conf_proxy *p)
{
	begin(out, 2, "proxy");
	bt_value_append_word(out, p->target);
	bt_buf_puts(out, " {\n");
	put_inner(out, 3, BT_IN_PROXY, p);
	for (size_t i = 0; i < p->fields_n; i++)
		put_header(out, 3, "set_header", &p->fields[i]);
	for (size_t i = 0; i < p->hidden_n; i++)
		put_words(out, 3, "hide_header", &p->hidden[i], 1);
	bt_buf_puts(out, "        }\n");
}

static void
put_upstream(struct bt_buf *out, const struct bt_conf_upstream *u)
{
	char text[BT_VALUE_TEXT_MAX];

	bt_buf_puts(out, "\nupstream ");
	bt_value_append_word(out, u->name);
	bt_buf_puts(out, " {\n");
	for (size_t i = 0; i < u->origins_n; i++) {
		const struct bt_conf_origin *o = &u->origins[i];

		begin(out, 1, "server");
		bt_value_append_word(out, o->text);
		if (o->weight != 1)
			bt_buf_printf(out, " weight=%u", o->weight);
		bt_buf_puts(out, o->backup ? " backup;\n" : ";\n");
	}
	if (u->check != NULL) {
		begin(out, 1, "check");
		bt_value_append_word(out, bt_str_of(u->check));
		bt_buf_printf(out, " every %s;\n",
		    bt_value_format_duration(
			(uint64_t)u->check_interval_ms, text));
	}
	put_inner(out, 1, BT_IN_UPSTREAM, u);
	bt_buf_puts(out, "}\n");
}

static void
put_handler(struct bt_buf *out, const struct bt_conf_route *r)
{
	switch (r->handler) {
	case BT_HANDLER_RETURN:
		put_status(out, "return", r);
		break;
	case BT_HANDLER_REDIRECT:
		put_status(out, "redirect", r);
		break;
	case BT_HANDLER_ECHO:
		bt_buf_puts(out, "        echo;\n");
		break;
	case BT_HANDLER_STATIC:
		put_words(out, 2, "root", &r->root, 1);
		put_words(out, 2, "index", r->index, r->index_n);
		put_tries(out, r);
		break;
	case BT_HANDLER_METRICS:
		bt_buf_puts(out, "        metrics;\n");
		break;
	case BT_HANDLER_STATUS:
		bt_buf_puts(out, "        status;\n");
		break;
	case BT_HANDLER_APP:
		put_app(out, r->app);
		break;
	case BT_HANDLER_PROXY:
		put_proxy(out, r->proxy);
		break;
	case BT_HANDLER_NONE:
	case BT_HANDLER_KINDS:
		break;
	}
}

static void
put_server(struct bt_buf *out, const struct bt_conf *conf, unsigned server)
{
	const struct bt_conf_server *s = &conf->servers[server];

	bt_buf_puts(out, "\nserver {\n");
	for (size_t i = 0; i < s->listens_n; i++)
		put_listen(out, conf, server, s->listens[i]);
	if (s->names_n > 0)
		put_words(out, 1, "name", s->names, s->names_n);
	put_scope(out, 1, &s->scope, NULL);
	for (size_t i = 0; i < s->routes_n; i++) {
		const struct bt_conf_route *r = &s->routes[i];

		bt_buf_puts(out, r->exact ? "\n    route = " : "\n    route ");
		bt_value_append_word(out, r->path);
		bt_buf_puts(out, " {\n");
		put_handler(out, r);
		put_scope(out, 2, &r->scope, &s->scope);
		bt_buf_puts(out, "    }\n");
	}
	bt_buf_puts(out, "}\n");
}

void
bt_conf_dump(const struct bt_conf *conf, struct bt_buf *out)
{
	if (conf->file != NULL)
		bt_buf_printf(out, "# %s\n", conf->file);
	for (unsigned i = 0; i < bt_directives_n; i++)
		if (bt_directives[i].where == BT_IN_MAIN)
			put_field(out, 0, &bt_directives[i], conf);
	put_logs(out, conf);
	put_limits(out, conf);
	put_keys(out, conf);
	put_proxies(out, conf);
	put_resolvers(out, conf);
	for (const struct bt_conf_upstream *u = conf->upstreams; u; u = u->next)
		if (u->named)
			put_upstream(out, u);
	for (unsigned s = 0; s < conf->servers_n; s++)
		put_server(out, conf, s);
}
