/*
 * What the answers of main, server and route carry: how long caches may keep
 * them, and the pages that stand for errors.  Runs in the master, or in
 * `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

/* The directives of Cache-Control (RFC 9111, 5.2.2; RFC 5861; RFC 8246). */
static const struct cache_word {
	const char *name;
	bool has_time;
} cache_words[] = {
	{ "max-age", true },
	{ "s-maxage", true },
	{ "stale-while-revalidate", true },
	{ "stale-if-error", true },
	{ "public", false },
	{ "private", false },
	{ "no-cache", false },
	{ "no-store", false },
	{ "no-transform", false },
	{ "must-revalidate", false },
	{ "proxy-revalidate", false },
	{ "must-understand", false },
	{ "immutable", false },
};

enum { CACHE_WORDS = sizeof(cache_words) / sizeof(cache_words[0]) };

/* Caches take no more than 31 bits (RFC 9111, 1.2.2). */
#define CACHE_SECONDS_MAX INT64_C(2147483647)

static const struct cache_word *
find_cache_word(
    struct bt_build *b, const struct bt_node *n, unsigned i, struct bt_str name)
{
	const char *names[CACHE_WORDS];

	for (size_t w = 0; w < CACHE_WORDS; w++) {
		names[w] = cache_words[w].name;
		if (bt_str_equal_nocase(name, bt_str_of(names[w])))
			return &cache_words[w];
	}
	bt_build_unknown_word(
	    b, n, i, "directive of Cache-Control", names, CACHE_WORDS);
	return NULL;
}

/* `max-age=1h` as `max-age=3600`, behind what is there. */
static void
add_cache_word(struct bt_build *b, const struct bt_node *n, unsigned i,
    struct bt_str member, struct bt_buf *out)
{
	const char *equals = memchr(member.p, '=', member.n), *why = NULL;
	struct bt_str name = member, value = BT_STR_NONE;
	const struct cache_word *word;
	uint64_t ms = 0;

	if (equals != NULL) {
		name.n = (size_t)(equals - member.p);
		value = (struct bt_str){ equals + 1, member.n - name.n - 1 };
	}
	if ((word = find_cache_word(b, n, i, name)) == NULL)
		return;
	if (word->has_time != (equals != NULL)) {
		bt_build_error(b, n, i,
		    word->has_time ? "%s needs a time, such as %s=1h"
				   : "%s takes no value",
		    word->name, word->name);
		return;
	}
	if (word->has_time && bt_value_parse_duration(value, &ms, &why) < 0) {
		bt_build_error(b, n, i, "%s: %s, not \"%.*s\"", word->name, why,
		    BT_STR_ARG(value));
		return;
	}
	if (ms / 1000 > CACHE_SECONDS_MAX) {
		bt_build_error(
		    b, n, i, "%s: no cache counts so far", word->name);
		return;
	}
	bt_buf_printf(out, "%s%s", out->len > 0 ? ", " : "", word->name);
	if (word->has_time)
		bt_buf_printf(out, "=%llu", (unsigned long long)(ms / 1000));
}

/*
 * Members stand between commas, blanks, or both, as they come.
 */
void
bt_set_cache_control(struct bt_build *b, const struct bt_node *n)
{
	struct bt_buf out = { 0 };
	struct bt_str member;

	b->frame->scope->cache_control = NULL;
	if (bt_str_equal(n->words[1].text, BT_STR("off"))) {
		if (n->words_n > 2)
			bt_build_error(
			    b, n, 2, "cache_control off takes nothing more");
		return;
	}
	for (unsigned i = 1; i < n->words_n; i++) {
		struct bt_str list = n->words[i].text;

		while (bt_str_list_next(&list, &member))
			add_cache_word(b, n, i, member, &out);
	}
	if (out.len > 0)
		b->frame->scope->cache_control =
		    bt_build_copy(b, bt_buf_str(&out)).p;
	else if (bt_report_count(b->report) == 0)
		bt_build_error(b, n, 1, "cache_control says nothing");
	bt_buf_fini(&out);
}

/* A status from `min` to 599 behind `prefix`. */
static bool
parse_status(struct bt_build *b, const struct bt_node *n, unsigned i,
    struct bt_str prefix, unsigned min, unsigned *ret)
{
	struct bt_str word = n->words[i].text;
	uint64_t status = 0;

	if (bt_str_has_prefix(word, prefix)) {
		word.p += prefix.n;
		word.n -= prefix.n;
		if (word.n == 3 && bt_str_parse_u64(word, &status) == 0 &&
		    status >= min && status <= 599) {
			*ret = (unsigned)status;
			return true;
		}
	}
	bt_build_error(b, n, i, "expected %s from %s%u to %s599, not %s",
	    min < 400 ? "another status" : "the status of an error", prefix.p,
	    min, prefix.p, bt_build_quote(b, n, i));
	return false;
}

static bool
has_page(const struct bt_conf_scope *scope, unsigned status)
{
	for (size_t i = 0; i < scope->pages_n; i++)
		if (scope->pages[i].status == status)
			return true;
	return false;
}

static void
add_page(struct bt_build *b, const struct bt_node *n, unsigned i,
    const struct bt_conf_page *page)
{
	struct bt_frame *f = b->frame;

	if (f->pages == NULL) {
		f->pages = bt_build_array(b,
		    bt_build_count(f->node, "error_page", true),
		    sizeof(f->pages[0]));
		f->scope->pages = f->pages;
		f->scope->pages_n = 0;
	}
	if (has_page(f->scope, page->status))
		bt_build_error(
		    b, n, i, "%u has an error_page here already", page->status);
	else
		f->pages[f->scope->pages_n++] = *page;
}

void
bt_set_error_page(struct bt_build *b, const struct bt_node *n)
{
	unsigned last = (unsigned)n->words_n - 1, end = last;
	struct bt_str path = n->words[last].text;
	struct bt_conf_page page = { 0 };
	const char *why = bt_route_why_not_path(path);

	if (why != NULL) {
		bt_build_error(
		    b, n, last, "%s: %s", bt_build_quote(b, n, last), why);
		return;
	}
	if (!bt_build_check_variables(b, n, last))
		return;
	page.path = bt_build_copy(b, path);
	if (bt_str_has_prefix(n->words[last - 1].text, BT_STR("="))) {
		end--;
		if (!parse_status(b, n, end, BT_STR("="), 200, &page.answers))
			return;
	}
	if (end == 1)
		bt_build_error(b, n, 1, "of which status?  error_page 404 %.*s",
		    BT_STR_ARG(path));
	for (unsigned i = 1; i < end; i++)
		if (parse_status(b, n, i, BT_STR(""), 400, &page.status))
			add_page(b, n, i, &page);
}

/* `type/subtype`, or `type` and a slash and a star. */
static bool
is_media_type(struct bt_str s)
{
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;

	for (size_t i = 0; i < s.n; i++) {
		char c = bt_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c == '*' && i + 1 == s.n && s.p + i == slash + 1) &&
		    (c == '\0' || strchr("/+-.", c) == NULL))
			return false;
	}
	return slash != NULL && slash > s.p && slash + 1 < s.p + s.n &&
	    memchr(slash + 1, '/', (size_t)(s.p + s.n - slash - 1)) == NULL;
}

void
bt_set_gzip_types(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_scope *scope = b->frame->scope;
	struct bt_str *types =
	    bt_build_array(b, n->words_n - 1, sizeof(*types));

	scope->gzip_types = types;
	scope->gzip_types_n = n->words_n - 1;
	for (unsigned i = 1; i < n->words_n; i++) {
		if (!is_media_type(n->words[i].text))
			bt_build_error(b, n, i, "%s is not a media type",
			    bt_build_quote(b, n, i));
		types[i - 1] = bt_build_copy(b, n->words[i].text);
	}
}
