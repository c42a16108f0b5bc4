/*
 * The lists that main, server and route may have: who is let in, and which
 * fields are added.  A list in an inner block replaces the outer one whole, as
 * in nginx.  Runs in the master, or in `baton -t`.
 */

#include "conf/build.h"

/* Of a list of fields: a head has to fit into a worker's buffer. */
#define FIELDS_BYTES_MAX (16 * 1024)

void
bt_set_access(struct bt_build *b, const struct bt_node *n)
{
	struct bt_frame *f = b->frame;
	struct bt_conf_access a = {
		.allow = n->directive == bt_directive_named("allow"),
	};
	const char *why = NULL;

	if (bt_addr_block_parse(n->words[1].text, &a.block, &why) < 0) {
		bt_build_error(b, n, 1, "%s: %s", bt_build_quote(b, n, 1), why);
		return;
	}
	if (f->access == NULL) {
		size_t n_max = bt_build_count(f->node, "allow", false) +
		    bt_build_count(f->node, "deny", false) + 1;

		f->access = bt_build_array(b, n_max, sizeof(a));
		f->scope->access = f->access;
		f->scope->access_n = 0;
	}
	f->access[f->scope->access_n++] = a;
}

/*
 * Who is in no line of the list gets the opposite of its last line: a list
 * that ends with `allow` is the list of those who may.  (In nginx it would
 * let in everybody, unless `deny all` follows.)
 */
void
bt_scope_finish(struct bt_build *b)
{
	struct bt_conf_scope *scope = b->frame->scope;
	struct bt_conf_access rest = { 0 };

	if (b->frame->access == NULL)
		return;
	rest.block.family = AF_UNSPEC;
	rest.allow = !b->frame->access[scope->access_n - 1].allow;
	if (b->frame->access[scope->access_n - 1].block.family != AF_UNSPEC)
		b->frame->access[scope->access_n++] = rest;
}

/* token (RFC 9110, 5.6.2) */
bool
bt_field_is_name(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = bt_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return s.n > 0;
}

/* Fields that frame or describe the answer: a second one would be a lie. */
static bool
is_own(struct bt_str name)
{
	static const char *const own[] = { "Accept-Ranges", "Allow",
		"Connection", "Content-Encoding", "Content-Length",
		"Content-Range", "Content-Type", "Date", "ETag", "Keep-Alive",
		"Last-Modified", "Location", "Proxy-Connection", "Server", "TE",
		"Trailer", "Transfer-Encoding", "Upgrade" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (bt_str_equal_nocase(name, bt_str_of(own[i])))
			return true;
	return false;
}

const char *
bt_field_why_not_value(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return "a field's value has no line breaks or other "
			       "control bytes";
	if (s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' '))
		return "a field's value does not begin or end with a blank";
	return NULL;
}

static bool
check_field(struct bt_build *b, const struct bt_node *n)
{
	static const char *const always = "always";
	const char *why = bt_field_why_not_value(n->words[2].text);

	if (!bt_field_is_name(n->words[1].text))
		bt_build_error(
		    b, n, 1, "%s is not a field name", bt_build_quote(b, n, 1));
	else if (is_own(n->words[1].text))
		bt_build_error(b, n, 1,
		    "%s cannot be added: baton sets that field itself",
		    bt_build_quote(b, n, 1));
	else if (why != NULL)
		bt_build_error(b, n, 2, "%s", why);
	else if (n->words_n > 3 &&
	    !bt_str_equal(n->words[3].text, bt_str_of(always)))
		bt_build_unknown_word(b, n, 3, "option", &always, 1);
	else
		return true;
	return false;
}

/* The value's variables, if it has any.  False: they are wrong. */
static bool
take_variables(
    struct bt_build *b, const struct bt_node *n, const struct bt_template **ret)
{
	struct bt_template *t;

	if (!n->words[2].variable)
		return true;
	t = bt_build_array(b, 1, sizeof(*t));
	*ret = t;
	return bt_build_template(b, n, 2, t);
}

void
bt_set_field(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_template *template = NULL;
	struct bt_frame *f = b->frame;

	if (!check_field(b, n) || !take_variables(b, n, &template))
		return;
	f->fields_bytes += n->words[1].text.n + n->words[2].text.n + 4;
	if (f->fields_bytes > FIELDS_BYTES_MAX) {
		bt_build_error(b, n, 0,
		    "the fields added here have more than %d bytes",
		    FIELDS_BYTES_MAX);
		return;
	}
	if (f->fields == NULL) {
		f->fields = bt_build_array(b,
		    bt_build_count(f->node, "add_header", false),
		    sizeof(f->fields[0]));
		f->scope->fields = f->fields;
		f->scope->fields_n = 0;
	}
	f->fields[f->scope->fields_n++] = (struct bt_conf_field){
		.name = bt_build_copy(b, n->words[1].text),
		.value = bt_build_copy(b, n->words[2].text),
		.template = template,
		.always = n->words_n > 3,
	};
}
