/*
 * What a proxy changes of messages on their way: fields of requests that are
 * set or removed, fields of answers that are hidden.  Runs in the master, or in
 * `baton -t`.
 */

#include "conf/build.h"

/* What frames a message, or belongs to one connection, is written by us. */
static bool
is_framing(struct bt_str name)
{
	static const char *const names[] = { "Connection", "Content-Length",
		"Expect", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bt_str_equal_nocase(name, bt_str_of(names[i])))
			return true;
	return false;
}

static bool
check_name(struct bt_build *b, const struct bt_node *n, unsigned i)
{
	if (!bt_field_is_name(n->words[i].text))
		bt_build_error(
		    b, n, i, "%s is not a field name", bt_build_quote(b, n, i));
	else if (is_framing(n->words[i].text))
		bt_build_error(b, n, i,
		    "%s is baton's own: each connection has messages of its "
		    "own",
		    bt_build_quote(b, n, i));
	else
		return true;
	return false;
}

static bool
check_value(struct bt_build *b, const struct bt_node *n)
{
	struct bt_str value = n->words[2].text;
	const char *why = bt_field_why_not_value(value);

	if (why == NULL && value.n == 0 &&
	    bt_str_equal_nocase(n->words[1].text, BT_STR("Host")))
		why = "a request always has a Host";
	if (why != NULL)
		bt_build_error(b, n, 2, "%s", why);
	return why == NULL;
}

static bool
is_set(const struct bt_conf_proxy *p, struct bt_str name)
{
	for (size_t i = 0; i < p->fields_n; i++)
		if (bt_str_equal_nocase(p->fields[i].name, name))
			return true;
	return false;
}

void
bt_set_request_field(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_proxy *p = b->frame->inner;
	struct bt_template *template = NULL;

	if (!check_name(b, n, 1) || !check_value(b, n))
		return;
	if (is_set(p, n->words[1].text)) {
		bt_build_error(
		    b, n, 1, "%s is set here already", bt_build_quote(b, n, 1));
		return;
	}
	if (n->words[2].variable) {
		template = bt_build_array(b, 1, sizeof(*template));
		if (!bt_build_template(b, n, 2, template))
			return;
	}
	if (p->fields == NULL)
		p->fields = bt_build_array(b,
		    bt_build_count(b->frame->node, "set_header", false),
		    sizeof(p->fields[0]));
	p->fields[p->fields_n++] = (struct bt_conf_field){
		.name = bt_build_copy(b, n->words[1].text),
		.value = bt_build_copy(b, n->words[2].text),
		.template = template,
	};
}

void
bt_set_hidden(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_proxy *p = b->frame->inner;

	if (p->hidden == NULL)
		p->hidden = bt_build_array(b,
		    bt_build_count(b->frame->node, "hide_header", true),
		    sizeof(p->hidden[0]));
	for (unsigned i = 1; i < n->words_n; i++)
		if (check_name(b, n, i))
			p->hidden[p->hidden_n++] =
			    bt_build_copy(b, n->words[i].text);
}
