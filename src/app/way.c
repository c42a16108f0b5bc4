/*
 * Routes of an application.  They are sorted once, so that the first which fits
 * is the most specific; an application has a few dozen at most, and comparing
 * their first segments costs less than a tree of them would.  Made in the
 * master; a worker only looks.
 */

#include "app/way.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
	const char *name;
	unsigned methods;
} methods[] = {
	/* HEAD is answered like GET, without the content */
	{ "GET", BT_METHODS_READ },
	{ "HEAD", BT_METHOD_BIT(BT_METHOD_HEAD) },
	{ "POST", BT_METHOD_BIT(BT_METHOD_POST) },
	{ "PUT", BT_METHOD_BIT(BT_METHOD_PUT) },
	{ "DELETE", BT_METHOD_BIT(BT_METHOD_DELETE) },
	{ "OPTIONS", BT_METHOD_BIT(BT_METHOD_OPTIONS) },
	{ "PATCH", BT_METHOD_BIT(BT_METHOD_PATCH) },
	{ "*", BT_METHODS_ALL & ~BT_METHOD_BIT(BT_METHOD_TRACE) },
};

static unsigned
find_method(struct bt_str name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (bt_str_equal(name, bt_str_of(methods[i].name)))
			return methods[i].methods;
	return 0;
}

static int
parse_methods(struct bt_way *w, struct bt_str list, const char **ret_why)
{
	struct bt_str name;

	while (bt_str_list_next(&list, &name)) {
		unsigned set = find_method(name);

		if (set == 0) {
			*ret_why = "it begins with no method, or with one that "
				   "is not known";
			return -EINVAL;
		}
		w->methods |= set;
	}
	return 0;
}

/* What is wrong with a segment of a pattern, or NULL. */
static const char *
why_not(const struct bt_way *w, const struct bt_segment *s, bool last)
{
	unsigned params = 0;

	if (s->kind == BT_SEGMENT_LITERAL)
		return NULL;
	if (s->text.n == 0)
		return "a parameter has no name";
	if (s->kind == BT_SEGMENT_REST && !last)
		return "what is behind `*` is never reached";
	for (unsigned i = 0; i < w->segments_n; i++) {
		const struct bt_segment *other = &w->segments[i];

		if (other->kind == BT_SEGMENT_LITERAL)
			continue;
		params++;
		if (bt_str_equal(other->text, s->text))
			return "two parameters have one name";
	}
	return params < BT_PARAMS_MAX ? NULL : "it has too many parameters";
}

static int
parse_segments(
    struct bt_way *w, struct bt_str path, struct bt_arena *a, const char **why)
{
	size_t most = 0;

	if (path.n == 0 || path.p[0] != '/') {
		*why = "the path of a route begins with /";
		return -EINVAL;
	}
	for (size_t i = 0; i < path.n; i++)
		most += path.p[i] == '/';
	w->segments = bt_arena_zero(a, most * sizeof(w->segments[0]));
	while (path.n > 0) {
		const char *begin = path.p + 1, *end = path.p + path.n,
			   *slash = memchr(begin, '/', (size_t)(end - begin));
		struct bt_segment s = { .kind = BT_SEGMENT_LITERAL };

		if (slash == NULL)
			slash = end;
		if (begin < slash && *begin == ':')
			s.kind = BT_SEGMENT_PARAM;
		else if (begin < slash && *begin == '*')
			s.kind = BT_SEGMENT_REST;
		begin += s.kind != BT_SEGMENT_LITERAL;
		s.text = (struct bt_str){ begin, (size_t)(slash - begin) };
		if ((*why = why_not(w, &s, slash == end)) != NULL)
			return -EINVAL;
		w->segments[w->segments_n++] = s;
		path = (struct bt_str){ slash, (size_t)(end - slash) };
	}
	return 0;
}

int
bt_way_parse(
    struct bt_way *w, const char *on, struct bt_arena *a, const char **ret_why)
{
	struct bt_str text = bt_str_of(bt_arena_strdup(a, on));
	const char *blank = memchr(text.p, ' ', text.n);
	size_t n = blank ? (size_t)(blank - text.p) : 0;

	*ret_why = "it is not `METHOD PATH`";
	if (blank == NULL || memchr(blank + 1, ' ', text.n - n - 1) != NULL)
		return -EINVAL;
	w->methods = 0;
	w->segments_n = 0;
	if (parse_methods(w, (struct bt_str){ text.p, n }, ret_why) < 0)
		return -EINVAL;
	return parse_segments(
	    w, (struct bt_str){ blank + 1, text.n - n - 1 }, a, ret_why);
}

static int
compare_segments(const struct bt_segment *a, const struct bt_segment *b)
{
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
	int r;

	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	if (a->kind != BT_SEGMENT_LITERAL)
		return 0;
	r = n ? memcmp(a->text.p, b->text.p, n) : 0;
	if (r != 0)
		return r;
	return a->text.n < b->text.n ? -1 : a->text.n > b->text.n;
}

/* By their segments, from the first on; of two that are one, the longer. */
static int
compare_paths(const struct bt_way *a, const struct bt_way *b)
{
	for (unsigned i = 0; i < a->segments_n && i < b->segments_n; i++) {
		int r = compare_segments(&a->segments[i], &b->segments[i]);

		if (r != 0)
			return r;
	}
	return (int)b->segments_n - (int)a->segments_n;
}

static int
compare(const void *va, const void *vb)
{
	const struct bt_way *a = va, *b = vb;
	int r = compare_paths(a, b);

	if (r != 0)
		return r;
	/* `*` has every method, so a named one comes first */
	r = __builtin_popcount(a->methods) - __builtin_popcount(b->methods);
	return r ? r : (a->methods > b->methods) - (a->methods < b->methods);
}

void
bt_ways_sort(struct bt_way *ways, size_t n)
{
	qsort(ways, n, sizeof(ways[0]), compare);
}

bool
bt_ways_clash(const struct bt_way *a, const struct bt_way *b)
{
	unsigned all = BT_METHODS_ALL & ~BT_METHOD_BIT(BT_METHOD_TRACE);

	return compare_paths(a, b) == 0 &&
	    (a->methods == b->methods ||
		((a->methods & b->methods) && a->methods != all &&
		    b->methods != all));
}

static bool
fits(const struct bt_way *w, struct bt_str path,
    struct bt_param params[static BT_PARAMS_MAX], unsigned *ret_n)
{
	const char *at = path.p, *end = path.p + path.n;

	*ret_n = 0;
	for (unsigned i = 0; i < w->segments_n; i++) {
		const struct bt_segment *s = &w->segments[i];
		const char *slash;
		struct bt_str text;

		if (at == end)
			return false;
		at++; /* the slash */
		slash = memchr(at, '/', (size_t)(end - at));
		if (slash == NULL || s->kind == BT_SEGMENT_REST)
			slash = end;
		text = (struct bt_str){ at, (size_t)(slash - at) };
		at = slash;
		if (s->kind == BT_SEGMENT_LITERAL) {
			if (!bt_str_equal(text, s->text))
				return false;
			continue;
		}
		if (s->kind == BT_SEGMENT_PARAM && text.n == 0)
			return false;
		params[(*ret_n)++] = (struct bt_param){ s->text, text };
	}
	return at == end;
}

const struct bt_way *
bt_ways_find(const struct bt_way *ways, size_t n, enum bt_method method,
    struct bt_str path, struct bt_param params[static BT_PARAMS_MAX],
    unsigned *ret_n, unsigned *ret_methods)
{
	*ret_methods = 0;
	for (size_t i = 0; i < n; i++) {
		if (!fits(&ways[i], path, params, ret_n))
			continue;
		if (ways[i].methods & BT_METHOD_BIT(method))
			return &ways[i];
		*ret_methods |= ways[i].methods;
	}
	return NULL;
}
