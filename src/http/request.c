/*
 * Fields of a request by name.  Worker, on the loop.
 */

#include "http/request.h"

bool
bt_request_field_next(const struct bt_request *r, struct bt_str name,
    unsigned *at, struct bt_str *ret)
{
	while (*at < r->fields_n) {
		const struct bt_field *f = &r->fields[(*at)++];

		if (bt_str_equal_nocase(f->name, name)) {
			*ret = f->value;
			return true;
		}
	}
	return false;
}

struct bt_str
bt_request_field(const struct bt_request *r, struct bt_str name)
{
	struct bt_str value;
	unsigned at = 0;

	if (!bt_request_field_next(r, name, &at, &value))
		return BT_STR_NONE;
	return value;
}
