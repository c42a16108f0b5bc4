/*
 * X-Forwarded-For, from its end.  RFC 7239's Forwarded is not read: who trusts
 * a proxy that writes one of the two would let clients write the other.
 */

#include "http/forwarded.h"

static bool
is_trusted(
    const struct bt_addr_block *trusted, size_t n, const struct bt_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (bt_addr_block_has(&trusted[i], addr))
			return true;
	return false;
}

/* Takes the last member of a list off its end. */
static struct bt_str
take_last(struct bt_str *list)
{
	const char *comma = list->n ? memrchr(list->p, ',', list->n) : NULL;
	struct bt_str last = *list;

	if (comma == NULL) {
		list->n = 0;
		return bt_str_trim(last);
	}
	list->n = (size_t)(comma - list->p);
	last.p = comma + 1;
	last.n -= list->n + 1;
	return bt_str_trim(last);
}

/* Goes back through one line; false: the way ends in it. */
static bool
go_back(struct bt_str line, const struct bt_addr_block *trusted, size_t n,
    struct bt_addr *client)
{
	struct bt_addr addr;

	while (line.n > 0) {
		struct bt_str member = take_last(&line);

		if (member.n == 0)
			continue;
		if (bt_addr_parse_host(member, &addr) < 0)
			return false;
		*client = addr;
		if (!is_trusted(trusted, n, client))
			return false;
	}
	return true;
}

static bool
says_https(const struct bt_request *r)
{
	const struct bt_str name = BT_STR("X-Forwarded-Proto");
	struct bt_str value, last = BT_STR_NONE;
	unsigned at = 0;

	while (bt_request_field_next(r, name, &at, &value))
		last = value;
	return bt_str_equal_nocase(take_last(&last), BT_STR("https"));
}

bool
bt_forwarded_find(const struct bt_request *r,
    const struct bt_addr_block *trusted, size_t n, struct bt_addr *client,
    bool *ret_https)
{
	const struct bt_str name = BT_STR("X-Forwarded-For");

	if (!is_trusted(trusted, n, client))
		return false;
	for (size_t i = r->fields_n; i-- > 0;)
		if (bt_str_equal_nocase(r->fields[i].name, name) &&
		    !go_back(r->fields[i].value, trusted, n, client))
			break;
	*ret_https = says_https(r);
	return true;
}
