/*
 * Conditional requests, in the order of RFC 9110, 13.2.2.  Worker, on the loop.
 */

#include "http/conditional.h"

#include "http/date.h"

static bool
is_weak(struct bt_str etag)
{
	return bt_str_has_prefix(etag, BT_STR("W/"));
}

/* RFC 9110, 8.8.3.2 */
static bool
etags_match(struct bt_str a, struct bt_str b, bool strong)
{
	if (strong && (is_weak(a) || is_weak(b)))
		return false;
	if (is_weak(a))
		a = (struct bt_str){ a.p + 2, a.n - 2 };
	if (is_weak(b))
		b = (struct bt_str){ b.p + 2, b.n - 2 };
	return bt_str_equal(a, b);
}

/* Whether one of the list, on all lines of the field, is the validator. */
static bool
list_has(const struct bt_request *r, struct bt_str name,
    const struct bt_validators *v, bool strong)
{
	struct bt_str list, etag;
	unsigned at = 0;

	while (bt_request_field_next(r, name, &at, &list))
		while (bt_str_list_next(&list, &etag)) {
			if (bt_str_equal(etag, BT_STR("*")))
				return true;
			if (v->etag.n > 0 && etags_match(etag, v->etag, strong))
				return true;
		}
	return false;
}

/* The date of a field, when it has one that can be read, and only one. */
static bool
date_of(const struct bt_request *r, enum bt_known_field f, int64_t now_s,
    int64_t *ret)
{
	return r->known[f] && !(r->repeated & (1u << f)) &&
	    bt_date_parse(bt_request_known(r, f), now_s, ret) == 0;
}

enum bt_condition
bt_condition_evaluate(
    const struct bt_request *r, const struct bt_validators *v, int64_t now_s)
{
	bool reads = r->method == BT_METHOD_GET || r->method == BT_METHOD_HEAD;
	int64_t date;

	if (r->known[BT_FIELD_IF_MATCH]) {
		if (!list_has(r, BT_STR("if-match"), v, true))
			return BT_CONDITION_FAILED;
	} else if (v->modified_s >= 0 &&
	    date_of(r, BT_FIELD_IF_UNMODIFIED_SINCE, now_s, &date) &&
	    v->modified_s > date) {
		return BT_CONDITION_FAILED;
	}
	if (r->known[BT_FIELD_IF_NONE_MATCH]) {
		if (list_has(r, BT_STR("if-none-match"), v, false))
			return reads ? BT_CONDITION_NOT_MODIFIED
				     : BT_CONDITION_FAILED;
	} else if (reads && v->modified_s >= 0 &&
	    date_of(r, BT_FIELD_IF_MODIFIED_SINCE, now_s, &date) &&
	    v->modified_s <= date) {
		return BT_CONDITION_NOT_MODIFIED;
	}
	return BT_CONDITION_PROCEED;
}

bool
bt_condition_if_range(
    const struct bt_request *r, const struct bt_validators *v, int64_t now_s)
{
	struct bt_str value = bt_request_known(r, BT_FIELD_IF_RANGE);
	int64_t date;

	if (!r->known[BT_FIELD_IF_RANGE])
		return true;
	if (r->repeated & (1u << BT_FIELD_IF_RANGE))
		return false;
	if (value.n > 0 && (value.p[0] == '"' || is_weak(value)))
		return v->etag.n > 0 && etags_match(value, v->etag, true);
	/* an exact match, and old enough to be a strong validator (8.8.2.2) */
	return bt_date_parse(value, now_s, &date) == 0 &&
	    v->modified_s == date && date + 1 < now_s;
}
