/*
 * From statements to values.  What is generic stands here: which directive may
 * stand where and how often, how many arguments it takes, numbers, choices
 * and paths with their ranges, presets, and what an inner block inherits.
 * Runs in the master, or in `baton -t`.
 */

#include "conf/build.h"

#include "conf/values.h"

#include <assert.h>
#include <errno.h>

static size_t
row_of(const struct bt_directive *d)
{
	return (size_t)(d - bt_directives);
}

size_t
bt_build_count(const struct bt_node *block, const char *name, bool words)
{
	const struct bt_directive *d = bt_directive_named(name);
	size_t n = 0;

	for (const struct bt_node *c = block->children; c != NULL; c = c->next)
		if (c->directive == d)
			n += words ? c->words_n - 1 : 1;
	return n;
}

void
bt_build_unknown_word(struct bt_build *b, const struct bt_node *n, unsigned i,
    const char *what, const char *const *words, size_t words_n)
{
	const char *near = bt_word_nearest(n->words[i].text, words, words_n);
	struct bt_buf list = { 0 };

	for (size_t w = 0; w < words_n; w++)
		bt_buf_printf(&list, "%s%s",
		    w == 0                ? ""
			: w + 1 < words_n ? ", "
					  : " or ",
		    words[w]);
	if (near != NULL)
		bt_build_error(b, n, i, "unknown %s %s, did you mean \"%s\"?",
		    what, bt_build_quote(b, n, i), near);
	else
		bt_build_error(b, n, i, "unknown %s %s, expected %s", what,
		    bt_build_quote(b, n, i), list.data);
	bt_buf_fini(&list);
}

bool
bt_build_find_word(struct bt_build *b, const struct bt_node *n, unsigned i,
    const char *what, const char *const *words, size_t words_n, unsigned *ret)
{
	if (n->words_n <= i)
		return true;
	for (unsigned w = 0; w < words_n; w++)
		if (bt_str_equal(n->words[i].text, bt_str_of(words[w]))) {
			*ret = w;
			return true;
		}
	bt_build_unknown_word(b, n, i, what, words, words_n);
	return false;
}

/* Has a byte that no path or name has? */
static bool
has_control(struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

bool
bt_build_check_path(
    struct bt_build *b, const struct bt_node *n, unsigned i, size_t max)
{
	struct bt_str path = n->words[i].text;

	if (path.n == 0 || path.p[0] != '/')
		bt_build_error(b, n, i,
		    "%s is not an absolute path, it must begin with /",
		    bt_build_quote(b, n, i));
	else if (path.n > max)
		bt_build_error(b, n, i,
		    "the path has %zu bytes, it may have %zu", path.n, max);
	else if (has_control(path))
		bt_build_error(b, n, i, "a path has no control bytes");
	else
		return true;
	return false;
}

bool
bt_build_check_variables(
    struct bt_build *b, const struct bt_node *n, unsigned i)
{
	if (!n->words[i].variable)
		return true;
	bt_build_error(b, n, i,
	    "%s has no variables; in quotes, \\$ is a dollar sign",
	    n->directive->name);
	return false;
}

/* Nothing is sent with what is only known when all is sent. */
static bool
check_early(struct bt_build *b, const struct bt_node *n, unsigned i,
    const struct bt_template *t)
{
	for (size_t p = 0; p < t->n; p++) {
		const struct bt_variable *v = bt_variable_of(t->pieces[p].var);

		if (v == NULL || !v->late)
			continue;
		bt_build_error(b, n, i,
		    "$%s is known when the answer is over, in log_format",
		    v->name);
		return false;
	}
	return true;
}

bool
bt_build_template(struct bt_build *b, const struct bt_node *n, unsigned i,
    struct bt_template *ret)
{
	const struct bt_token *word = &n->words[i];
	char why[160];

	if (!word->variable) { /* each $ is one */
		*ret = (struct bt_template){ .source =
						 bt_build_copy(b, word->text) };
		ret->pieces = bt_build_array(b, 1, sizeof(ret->pieces[0]));
		ret->pieces[0].text = ret->source;
		ret->n = 1;
		return true;
	}
	if (word->dollar)
		bt_build_error(
		    b, n, i, "a text with variables has no \\$ beside them");
	else if (bt_template_parse(
		     word->text, &b->conf->arena, ret, why, sizeof(why)) < 0)
		bt_build_error(b, n, i, "%s", why);
	else
		return check_early(b, n, i, ret);
	return false;
}

static void
report_range(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_directive *d = n->directive;
	char min[BT_VALUE_TEXT_MAX], max[BT_VALUE_TEXT_MAX];

	bt_build_error(b, n, 1, "%s must be %s%sfrom %s to %s, not %s", d->name,
	    d->special ? d->special : "", d->special ? " or " : "",
	    bt_directive_format(d, d->min, min, sizeof(min)),
	    bt_directive_format(d, d->max, max, sizeof(max)),
	    bt_build_quote(b, n, 1));
}

/* The number of the first argument, within the row's range. */
static bool
parse_number(struct bt_build *b, const struct bt_node *n, uint64_t *ret)
{
	const struct bt_directive *d = n->directive;
	struct bt_str word = n->words[1].text;
	const char *why = NULL;
	int r;

	if (d->special && bt_str_equal(word, bt_str_of(d->special))) {
		*ret = 0;
		return true;
	}
	if (d->type == BT_TYPE_DURATION)
		r = bt_value_parse_duration(word, ret, &why);
	else if (d->type == BT_TYPE_SIZE)
		r = bt_value_parse_size(word, ret, &why);
	else if (d->type == BT_TYPE_RATE)
		r = bt_value_parse_rate(word, ret, &why);
	else
		r = bt_value_parse_count(word, ret, &why);
	if (r == 0 && *ret >= d->min && *ret <= d->max)
		return true;
	if (r == -EINVAL)
		bt_build_error(b, n, 1, "%s: %s%s%s, not %s", d->name, why,
		    d->special ? " or " : "", d->special ? d->special : "",
		    bt_build_quote(b, n, 1));
	else
		report_range(b, n);
	return false;
}

static void
set_number(struct bt_build *b, const struct bt_node *n, void *field)
{
	uint64_t value;

	if (!parse_number(b, n, &value))
		return;
	if (n->directive->type == BT_TYPE_COUNT)
		*(unsigned *)field = (unsigned)value;
	else if (n->directive->type == BT_TYPE_DURATION)
		*(int64_t *)field = (int64_t)value;
	else
		*(uint64_t *)field = value;
}

static void
set_choice(struct bt_build *b, const struct bt_node *n, void *field)
{
	const char *const *choices = n->directive->choices;
	unsigned i = 0;

	for (; choices[i] != NULL; i++)
		if (bt_str_equal(n->words[1].text, bt_str_of(choices[i]))) {
			*(unsigned *)field = i;
			return;
		}
	bt_build_unknown_word(b, n, 1, n->directive->name, choices, i);
}

static void
set_text(struct bt_build *b, const struct bt_node *n, void *field)
{
	const struct bt_directive *d = n->directive;
	struct bt_str word = n->words[1].text;

	if (d->special && bt_str_equal(word, bt_str_of(d->special))) {
		*(const char **)field = NULL;
		return;
	}
	if (d->type == BT_TYPE_PATH) {
		if (!bt_build_check_path(b, n, 1, d->max))
			return;
	} else if (word.n < d->min || word.n > d->max || has_control(word)) {
		bt_build_error(
		    b, n, 1, "%s is not a name", bt_build_quote(b, n, 1));
		return;
	}
	*(const char **)field = bt_build_copy(b, word).p;
}

static void
apply(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_directive *d = n->directive;
	char *base = d->inherited ? (char *)b->frame->scope
	    : b->frame->inner     ? b->frame->inner
				  : (char *)b->conf;
	void *field = base + d->field;

	switch (d->type) {
	case BT_TYPE_COUNT:
	case BT_TYPE_DURATION:
	case BT_TYPE_SIZE:
	case BT_TYPE_RATE:
		set_number(b, n, field);
		break;
	case BT_TYPE_CHOICE:
		set_choice(b, n, field);
		break;
	case BT_TYPE_NAME:
	case BT_TYPE_PATH:
		set_text(b, n, field);
		break;
	case BT_TYPE_CUSTOM:
	case BT_TYPE_BLOCK:
		d->set(b, n);
		break;
	case BT_TYPE_INCLUDE: /* was expanded */
		break;
	}
}

/* An unknown name: what may have been meant. */
static void
report_unknown(struct bt_build *b, const struct bt_node *n)
{
	struct bt_str name = n->words[0].text;
	const struct bt_directive *near =
	    bt_directive_nearest(name, b->frame->where);
	const struct bt_directive *nginx = bt_directive_from_nginx(name);
	const char *quoted = bt_build_quote(b, n, 0);

	if (bt_str_equal(name, BT_STR("http")) && n->has_block)
		bt_build_error(b, n, 0,
		    "unknown directive \"http\": servers stand in the file "
		    "itself, without a block around them");
	else if (nginx != NULL)
		bt_build_error(b, n, 0,
		    "unknown directive %s: what nginx calls so is \"%s\" here",
		    quoted, nginx->name);
	else if (near != NULL)
		bt_build_error(b, n, 0,
		    "unknown directive %s, did you mean \"%s\"?", quoted,
		    near->name);
	else
		bt_build_error(b, n, 0, "unknown directive %s", quoted);
}

static bool
check_place(struct bt_build *b, const struct bt_node *n)
{
	static const char *const here[] = {
		[BT_IN_MAIN] = "outside of all blocks",
		[BT_IN_SERVER] = "in a server",
		[BT_IN_ROUTE] = "in a route",
		[BT_IN_PROXY] = "in a proxy",
		[BT_IN_UPSTREAM] = "in an upstream",
	};
	char where[64];

	if (n->directive->where & b->frame->where)
		return true;
	bt_build_error(b, n, 0, "%s cannot stand %s, only in %s",
	    n->directive->name, here[b->frame->where],
	    bt_where_format(n->directive->where, where, sizeof(where)));
	return false;
}

static bool
check_once(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_node **seen = &b->frame->seen[row_of(n->directive)];

	if (*seen != NULL && !n->directive->repeats) {
		bt_build_error(b, n, 0, "%s was already given at %s",
		    n->directive->name,
		    bt_report_place(
			b->report, n->source, (*seen)->source, (*seen)->line));
		return false;
	}
	*seen = n;
	return true;
}

static bool
check_block(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_directive *d = n->directive;

	if (d->type == BT_TYPE_BLOCK && !n->has_block)
		bt_report_add(b->report, n->source, n->end,
		    "%s needs a block: %s %s", d->name, d->name, d->syntax);
	else if (d->type != BT_TYPE_BLOCK && !d->may_open && n->has_block)
		bt_report_add(b->report, n->source, n->open,
		    "%s has no block; is a \";\" missing before the {?",
		    d->name);
	else
		return true;
	return false;
}

static bool
check_arguments(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_directive *d = n->directive;
	size_t args = n->words_n - 1;

	if (d->type == BT_TYPE_INCLUDE)
		return true;
	if (args < d->args_min)
		bt_report_add(b->report, n->source, n->end,
		    "too few arguments: %s %s", d->name, d->syntax);
	else if (args > d->args_max && d->args_max == 0)
		bt_build_error(
		    b, n, 1, "too many arguments: %s takes none", d->name);
	else if (args > d->args_max)
		bt_build_error(b, n, d->args_max + 1,
		    "too many arguments: %s %s", d->name, d->syntax);
	else
		return true;
	return false;
}

/* A route has one handler, whatever is wrong with it otherwise. */
static bool
check_handler(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_node *other = b->frame->handler;

	if (!n->directive->handler)
		return true;
	if (other == NULL) {
		b->frame->handler = n;
		return true;
	}
	bt_build_error(b, n, 0,
	    "a route has one handler; this one has %s, at %s",
	    other->directive->name,
	    bt_report_place(b->report, n->source, other->source, other->line));
	return false;
}

static void
build_statement(struct bt_build *b, const struct bt_node *n)
{
	if (n->words_n == 0)
		return; /* a block without a name: was reported */
	if (n->directive == NULL ||
	    !bt_str_equal(n->words[0].text, bt_str_of(n->directive->name))) {
		if (!n->bad)
			report_unknown(b, n);
		if (n->directive == NULL || n->directive->set == NULL ||
		    (n->directive->where & b->frame->where) == 0)
			return;
		n->directive->set(b, n); /* a block guessed: look inside */
		return;
	}
	if (!check_place(b, n) || !check_handler(b, n) || !check_once(b, n))
		return;
	if (n->bad && n->directive->type != BT_TYPE_BLOCK)
		return;
	if (n->bad || (check_block(b, n) && check_arguments(b, n)))
		apply(b, n);
}

void
bt_build_preset(struct bt_build *b, const struct bt_directive *d)
{
	struct bt_arena *a = &b->report->scratch;
	struct bt_str text = bt_arena_printf(a, "%s %s;", d->name, d->preset);
	struct bt_tree tree;
	struct bt_node *n;

	bt_tree_init(&tree, b->report);
	bt_tree_read(&tree,
	    bt_source_of(b->report,
		bt_arena_printf(a, "the preset of %s", d->name).p, text),
	    &tree.root);
	n = tree.root.children;
	assert(n != NULL && n->directive == d);
	n->parent = NULL;
	apply(b, n);
}

/*
 * Presets of what was not given.  Those of inherited directives are main's;
 * `index` has one only where there is a root.
 */
static void
build_presets(struct bt_build *b)
{
	unsigned where = b->frame->where;

	for (unsigned i = 0; i < bt_directives_n; i++) {
		const struct bt_directive *d = &bt_directives[i];

		if (d->preset == NULL || b->frame->seen[i] != NULL ||
		    (d->where & where) == 0 || (d->where & (where - 1)) != 0)
			continue;
		if (where == BT_IN_ROUTE &&
		    (b->frame->handler == NULL ||
			b->frame->handler->directive->set != bt_set_root))
			continue;
		bt_build_preset(b, d);
	}
}

/*
 * The statements of the frame's block.  Blocks come last, so that it does not
 * matter where in the outer block a thing stands that they inherit.
 */
void
bt_build_block(struct bt_build *b, struct bt_frame *f)
{
	f->outer = b->frame;
	b->frame = f;
	for (int blocks = 0; blocks < 2; blocks++) {
		for (const struct bt_node *n = f->node->children; n != NULL;
		     n = n->next)
			if (blocks ==
			    (n->directive != NULL &&
				n->directive->type == BT_TYPE_BLOCK))
				build_statement(b, n);
		if (blocks > 0)
			continue;
		build_presets(b);
		bt_scope_finish(b);
	}
	b->frame = f->outer;
}

/* Addresses that servers may name in all: each statement, or the preset. */
static size_t
count_listens(const struct bt_node *main)
{
	size_t n = 0;

	for (const struct bt_node *c = main->children; c != NULL; c = c->next)
		n += 1 + bt_build_count(c, "listen", false);
	return n;
}

void
bt_build_run(struct bt_build *b, const struct bt_tree *tree,
    const struct bt_source *main)
{
	size_t servers = bt_build_count(&tree->root, "server", false);
	size_t listens = count_listens(&tree->root);
	struct bt_frame frame = {
		.node = &tree->root,
		.where = BT_IN_MAIN,
		.scope = &b->main,
	};

	b->conf->servers =
	    bt_build_array(b, servers, sizeof(b->conf->servers[0]));
	b->servers = bt_build_notes(b, servers, sizeof(b->servers[0]));
	b->conf->listens =
	    bt_build_array(b, listens, sizeof(b->conf->listens[0]));
	b->notes = bt_build_notes(b, listens, sizeof(b->notes[0]));
	b->root = &tree->root;
	bt_build_block(b, &frame);
	bt_check_logs(b);
	bt_check_servers(b);
	bt_check_apps(b);
	bt_check_proxies(b);
	if (b->conf->servers_n == 0 && bt_report_count(b->report) == 0)
		bt_report_add(b->report, main, 0,
		    "there is no server, nothing would be served");
}
