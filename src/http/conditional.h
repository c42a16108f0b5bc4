#ifndef BT_HTTP_CONDITIONAL_H
#define BT_HTTP_CONDITIONAL_H

/* Conditional requests (RFC 9110, 13). */

#include "http/request.h"

struct bt_validators {
	struct bt_str etag; /* with its quotes, and W/ if weak; empty: none */
	int64_t modified_s; /* -1: none */
};

enum bt_condition {
	BT_CONDITION_PROCEED,      /* answer as if there were no condition */
	BT_CONDITION_NOT_MODIFIED, /* 304 */
	BT_CONDITION_FAILED,       /* 412 */
};

/*
 * Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since
 * in the order of 13.2.2.  Several lines of a field count as one list.
 */
enum bt_condition bt_condition_evaluate(
    const struct bt_request *, const struct bt_validators *, int64_t now_s);

/* Whether Range may be honoured: no If-Range, or it holds (13.1.5). */
bool bt_condition_if_range(
    const struct bt_request *, const struct bt_validators *, int64_t now_s);

#endif
