/*
 * Directives of main that are more than one value.  Runs in the master, or in
 * `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

#include <errno.h>
#include <netinet/in.h>

#define DNS_PORT 53

void
bt_set_trusted_proxies(struct bt_build *b, const struct bt_node *n)
{
	struct bt_addr_block *blocks;
	const char *why;

	if (n->words_n == 2 && bt_str_equal(n->words[1].text, BT_STR("off")))
		return;
	blocks = bt_build_array(b, n->words_n - 1, sizeof(*blocks));
	b->conf->proxies = blocks;
	for (unsigned i = 1; i < n->words_n; i++) {
		struct bt_addr_block *block = &blocks[b->conf->proxies_n++];

		if (bt_addr_block_parse(n->words[i].text, block, &why) < 0)
			bt_build_error(
			    b, n, i, "%s: %s", bt_build_quote(b, n, i), why);
		else if (block->family == AF_UNSPEC)
			bt_build_error(b, n, i,
			    "a proxy is trusted by its address: with \"all\" "
			    "every client could be anybody");
	}
}

enum { LIMIT_MAX = 1000000 };

/* `off` alone: leaves the limit at 0.  Reports what else is there. */
static bool
is_off(struct bt_build *b, const struct bt_node *n)
{
	if (!bt_str_equal(n->words[1].text, BT_STR("off")))
		return false;
	if (n->words_n > 2)
		bt_build_error(
		    b, n, 2, "%s off takes nothing more", n->directive->name);
	return true;
}

/* Takes `suffix` off the end of the word. */
static bool
take_suffix(struct bt_str *word, struct bt_str suffix)
{
	if (word->n < suffix.n ||
	    !bt_str_equal(
		(struct bt_str){ word->p + word->n - suffix.n, suffix.n },
		suffix))
		return false;
	word->n -= suffix.n;
	return true;
}

/* A number, with `suffix` behind it in the same word. */
static bool
parse_limit(struct bt_build *b, const struct bt_node *n, unsigned i,
    struct bt_str suffix, unsigned *ret)
{
	struct bt_str word = n->words[i].text;
	const char *why;
	uint64_t value = UINT64_MAX; /* too large a number is out of range */

	if (!take_suffix(&word, suffix) ||
	    bt_value_parse_count(word, &value, &why) == -EINVAL) {
		bt_build_error(b, n, i,
		    "%s: expected a number%s%.*s, such as 100%.*s, not %s",
		    n->directive->name, suffix.n ? " and " : "",
		    BT_STR_ARG(suffix), BT_STR_ARG(suffix),
		    bt_build_quote(b, n, i));
		return false;
	}
	if (value < 1 || value > LIMIT_MAX) {
		bt_build_error(b, n, i, "%s must be from 1 to %d, not %s",
		    n->directive->name, LIMIT_MAX, bt_build_quote(b, n, i));
		return false;
	}
	*ret = (unsigned)value;
	return true;
}

/* There is no other scope yet, and the word keeps its place for one. */
static bool
is_per_address(struct bt_build *b, const struct bt_node *n)
{
	static const char *const scopes[] = { "per_address" };
	unsigned scope;

	if (n->words_n > 2)
		return bt_build_find_word(b, n, 2, "scope", scopes, 1, &scope);
	bt_build_error(b, n, 1, "%s: per_address is missing behind %s",
	    n->directive->name, bt_build_quote(b, n, 1));
	return false;
}

void
bt_set_limit_connections(struct bt_build *b, const struct bt_node *n)
{
	unsigned count;

	if (!is_off(b, n) && parse_limit(b, n, 1, BT_STR_NONE, &count) &&
	    is_per_address(b, n))
		b->conf->limit_connections = count;
}

void
bt_set_limit_rate(struct bt_build *b, const struct bt_node *n)
{
	unsigned rate, burst;

	if (is_off(b, n) || !parse_limit(b, n, 1, BT_STR("/s"), &rate) ||
	    !is_per_address(b, n))
		return;
	burst = rate;
	if (n->words_n > 3) {
		if (!bt_str_equal(n->words[3].text, BT_STR("burst")) ||
		    n->words_n != 5) {
			bt_build_error(b, n, 3,
			    "limit_rate: expected burst and a number, not %s",
			    bt_build_quote(b, n, 3));
			return;
		}
		if (!parse_limit(b, n, 4, BT_STR_NONE, &burst))
			return;
	}
	b->conf->limit_rate = rate;
	b->conf->limit_rate_burst = burst;
}

/* A DNS server's, with a port. */
static int
parse_resolver(struct bt_str s, struct bt_addr *ret)
{
	void *sa = &ret->ss;

	if (bt_addr_parse_host(s, ret) < 0)
		return -EINVAL;
	if (bt_addr_port(ret) != 0)
		return 0;
	if (ret->ss.ss_family == AF_INET)
		((struct sockaddr_in *)sa)->sin_port = htons(DNS_PORT);
	else
		((struct sockaddr_in6 *)sa)->sin6_port = htons(DNS_PORT);
	return 0;
}

void
bt_set_resolver(struct bt_build *b, const struct bt_node *n)
{
	struct bt_addr *addrs;

	if (n->words_n == 2 && bt_str_equal(n->words[1].text, BT_STR("system")))
		return;
	addrs = bt_build_array(b, n->words_n - 1, sizeof(*addrs));
	b->conf->resolvers = addrs;
	for (unsigned i = 1; i < n->words_n; i++)
		if (parse_resolver(
			n->words[i].text, &addrs[b->conf->resolvers_n++]) < 0)
			bt_build_error(b, n, i,
			    "%s: a resolver is an address of IPv4 or IPv6, "
			    "with or without a port",
			    bt_build_quote(b, n, i));
}
