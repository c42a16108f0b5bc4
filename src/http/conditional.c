/*
 * Conditional requests.  Entity tags are not quoted strings (a backslash in
 * them is a backslash), so their lists are read here.  Any process; no state.
 */

#include "http/conditional.h"

#include "http/date.h"

struct etag {
	struct bt_str opaque; /* with its quotes */
	bool weak;
};

/* Takes `"..."` or `W/"..."` off the front; false: it is none. */
static bool
take_etag(struct bt_str *s, struct etag *ret)
{
	size_t begin = 0, end;

	ret->weak = s->n >= 2 && s->p[0] == 'W' && s->p[1] == '/';
	if (ret->weak)
		begin = 2;
	if (begin >= s->n || s->p[begin] != '"')
		return false;
	for (end = begin + 1; end < s->n && s->p[end] != '"'; end++)
		if ((unsigned char)s->p[end] <= ' ' || s->p[end] == 0x7f)
			return false;
	if (end == s->n)
		return false;
	end++;
	ret->opaque = (struct bt_str){ s->p + begin, end - begin };
	s->p += end;
	s->n -= end;
	return true;
}

/* The next of a list; what is behind a malformed member is not read. */
static bool
next_etag(struct bt_str *list, struct etag *ret)
{
	*list = bt_str_trim(*list);
	while (list->n > 0 && list->p[0] == ',') {
		list->p++;
		list->n--;
		*list = bt_str_trim(*list);
	}
	if (!take_etag(list, ret))
		return false;
	*list = bt_str_trim(*list);
	return list->n == 0 || list->p[0] == ',';
}

/* RFC 9110, 8.8.3.2 */
static bool
equal_etags(const struct etag *a, const struct etag *b, bool strong)
{
	if (strong && (a->weak || b->weak))
		return false;
	return bt_str_equal(a->opaque, b->opaque);
}

/* Whether any line is `*`, or has a tag that is equal to ours. */
static bool
is_listed(const struct bt_request *r, enum bt_known_field f,
    const struct bt_validators *v, bool strong)
{
	struct bt_str list, text = v->etag;
	struct etag ours, theirs;
	bool has_etag = take_etag(&text, &ours);
	unsigned at = 0;

	while (bt_request_known_next(r, f, &at, &list)) {
		if (bt_str_equal(list, BT_STR("*")))
			return true;
		while (has_etag && next_etag(&list, &theirs))
			if (equal_etags(&ours, &theirs, strong))
				return true;
	}
	return false;
}

/* Whether the field is one valid date (else it is ignored) and we have one. */
static bool
has_date(const struct bt_request *r, enum bt_known_field f,
    const struct bt_validators *v, int64_t now_s, int64_t *ret)
{
	return v->modified_s >= 0 && r->known[f] != 0 &&
	    (r->repeated & UINT32_C(1) << f) == 0 &&
	    bt_date_parse(bt_request_known(r, f), now_s, ret) == 0;
}

/* Steps 1 and 2 of 13.2.2. */
static bool
is_failed(
    const struct bt_request *r, const struct bt_validators *v, int64_t now_s)
{
	int64_t date;

	if (r->known[BT_FIELD_IF_MATCH] != 0)
		return !is_listed(r, BT_FIELD_IF_MATCH, v, true);
	return has_date(r, BT_FIELD_IF_UNMODIFIED_SINCE, v, now_s, &date) &&
	    v->modified_s > date;
}

enum bt_condition
bt_condition_evaluate(
    const struct bt_request *r, const struct bt_validators *v, int64_t now_s)
{
	bool reads = r->method == BT_METHOD_GET || r->method == BT_METHOD_HEAD;
	int64_t date;

	if (is_failed(r, v, now_s))
		return BT_CONDITION_FAILED;
	if (r->known[BT_FIELD_IF_NONE_MATCH] != 0) {
		if (!is_listed(r, BT_FIELD_IF_NONE_MATCH, v, false))
			return BT_CONDITION_PROCEED;
		return reads ? BT_CONDITION_NOT_MODIFIED : BT_CONDITION_FAILED;
	}
	if (reads && has_date(r, BT_FIELD_IF_MODIFIED_SINCE, v, now_s, &date) &&
	    v->modified_s <= date)
		return BT_CONDITION_NOT_MODIFIED;
	return BT_CONDITION_PROCEED;
}

bool
bt_condition_if_range(
    const struct bt_request *r, const struct bt_validators *v, int64_t now_s)
{
	struct bt_str text = bt_request_known(r, BT_FIELD_IF_RANGE);
	struct bt_str own = v->etag;
	struct etag theirs, ours;
	int64_t date;

	if (r->known[BT_FIELD_IF_RANGE] == 0)
		return true;
	if (take_etag(&text, &theirs))
		return text.n == 0 && take_etag(&own, &ours) &&
		    (r->repeated & UINT32_C(1) << BT_FIELD_IF_RANGE) == 0 &&
		    equal_etags(&theirs, &ours, true);
	/* a date is weak while the file may change again in that second */
	return has_date(r, BT_FIELD_IF_RANGE, v, now_s, &date) &&
	    v->modified_s == date && date < now_s;
}
