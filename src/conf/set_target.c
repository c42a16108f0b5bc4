/*
 * Where clients are sent, and which files answer: URIs and paths, with
 * variables.  A redirect whose host a client could choose is an error of the
 * conf.  Runs in the master, or in `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

static const char *
why_not_reference(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return "a target has no line breaks or other control "
			       "bytes";
		if (c == ' ' || c >= 0x80 || strchr("\"<>\\^`{|}", c) != NULL)
			return "percent-encode what a URI cannot have";
		if (c == '%' && !bt_value_is_escape(s, i))
			return "a % in a URI is followed by two hexadecimal "
			       "digits";
	}
	return NULL;
}

/* Why clients cannot be sent there; NULL: they can. */
static const char *
why_not_target(struct bt_str s)
{
	struct bt_str rest = s;

	if (bt_str_has_prefix(s, BT_STR("//")))
		return "a target that begins with // names a host; write "
		       "http:// or https:// before it";
	if (bt_str_has_prefix(s, BT_STR("/")))
		return why_not_reference(s);
	if (bt_str_has_prefix(s, BT_STR("http://")))
		rest.p += 7, rest.n -= 7;
	else if (bt_str_has_prefix(s, BT_STR("https://")))
		rest.p += 8, rest.n -= 8;
	else
		return "a target begins with /, http:// or https://";
	if (rest.n == 0 || strchr("/?#:@", rest.p[0]) != NULL)
		return "the host is missing";
	return why_not_reference(s);
}

/*
 * Writes an example of what a text with variables becomes, for the same checks
 * that a fixed one has to pass.  The host ends at the first slash.
 *
 * Returns: NULL; or what is wrong with a variable where it stands.
 */
static const char *
make_sample(const struct bt_template *t, struct bt_buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct bt_variable *v = bt_variable_of(t->pieces[i].var);
		const char *host;

		if (v == NULL) {
			bt_buf_append(
			    out, t->pieces[i].text.p, t->pieces[i].text.n);
			continue;
		}
		host = out->len > 0 ? strstr(out->data, "://") : NULL;
		if (host != NULL && strpbrk(host + 3, "/?#") == NULL &&
		    !v->in_host && v->sample[0] != '/')
			return "only $host, $server_name and $server_port may "
			       "stand in the host; is a / missing?";
		bt_buf_puts(out, v->sample);
	}
	return NULL;
}

static const char *
why_not_template(const struct bt_template *t)
{
	struct bt_buf sample = { 0 };
	const char *why = make_sample(t, &sample);

	if (why == NULL)
		why =
		    why_not_target((struct bt_str){ sample.data, sample.len });
	bt_buf_fini(&sample);
	return why;
}

void
bt_set_redirect(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_route *r = b->frame->route;
	const char *why;

	if (!bt_build_status(b, n, &r->status))
		return;
	if (r->status < 301 || r->status > 308 ||
	    (r->status > 303 && r->status < 307)) {
		bt_build_error(b, n, 1,
		    "a redirect is 301, 302, 303, 307 or 308, not %u",
		    r->status);
		return;
	}
	if (!bt_build_template(b, n, 2, &r->template))
		return;
	why = why_not_template(&r->template);
	if (why != NULL) {
		bt_build_error(b, n, 2, "%s: %s", bt_build_quote(b, n, 2), why);
		return;
	}
	r->handler = BT_HANDLER_REDIRECT;
	r->has_variables = n->words[2].variable;
	r->text = r->template.source;
}

/* `=404`, as the last word. */
static bool
is_status(const struct bt_node *n, unsigned i, unsigned *ret)
{
	struct bt_str s = n->words[i].text;
	uint64_t status;

	if (s.n != 4 || s.p[0] != '=' || i + 1 < n->words_n || i == 1 ||
	    bt_str_parse_u64((struct bt_str){ s.p + 1, 3 }, &status) < 0 ||
	    status < 400 || status > 599)
		return false;
	*ret = (unsigned)status;
	return true;
}

static const char *
why_not_candidate(const struct bt_template *t)
{
	const struct bt_piece *first = &t->pieces[0];

	if (t->n > 0 && first->var == BT_VAR_TEXT && first->text.n > 0 &&
	    (first->text.p[0] == '=' || first->text.p[0] == '@'))
		return "behind the paths there may be = and a status from 400 "
		       "to 599, nothing else";
	if (t->n == 0 ||
	    !(first->var == BT_VAR_URI ||
		(first->text.n > 0 && first->text.p[0] == '/')))
		return "a path begins with / or $uri; it is looked for "
		       "beneath root";
	return NULL;
}

void
bt_set_try_files(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_route *r = b->frame->route;
	struct bt_template *tries =
	    bt_build_array(b, n->words_n, sizeof(tries[0]));
	const char *why;

	r->tries = tries;
	r->tries_status = 404;
	for (unsigned i = 1; i < n->words_n; i++) {
		if (is_status(n, i, &r->tries_status))
			return;
		if (!bt_build_template(b, n, i, &tries[r->tries_n]))
			return;
		why = why_not_candidate(&tries[r->tries_n++]);
		if (why != NULL)
			bt_build_error(
			    b, n, i, "%s: %s", bt_build_quote(b, n, i), why);
	}
}
