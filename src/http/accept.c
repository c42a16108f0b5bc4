/*
 * Proactive content negotiation: Accept and Accept-Encoding are lists of what
 * the client takes, each with a weight, of which the most specific member
 * counts.  Members that are not well-formed are passed over.
 */

#include "http/accept.h"

/* Weights are in thousandths (12.4.2). */
enum { Q_MOST = 1000, Q_BAD = -1 };

/* `1`, `0.5`, `0.123`: at most three digits behind the point. */
static int
parse_weight(struct bt_str s)
{
	int q, unit = 100;

	if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') ||
	    (s.n > 1 && s.p[1] != '.'))
		return Q_BAD;
	q = (s.p[0] - '0') * Q_MOST;
	for (size_t i = 2; i < s.n; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return Q_BAD;
		q += (s.p[i] - '0') * unit;
	}
	return q <= Q_MOST ? q : Q_BAD;
}

/* Takes what stands before the next ; that is not quoted off the front. */
static struct bt_str
take_part(struct bt_str *rest)
{
	struct bt_str part = *rest;
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest->n; i++) {
		char c = rest->p[i];

		if (c == '"')
			quoted = !quoted;
		else if (quoted && c == '\\')
			i++;
		else if (!quoted && c == ';')
			break;
	}
	part.n = i < rest->n ? i : rest->n;
	i = i < rest->n ? i + 1 : rest->n;
	*rest = (struct bt_str){ rest->p + i, rest->n - i };
	return bt_str_trim(part);
}

/*
 * Splits `text/html; level=1; q=0.5` into its first part and its weight; other
 * parameters are not looked at, as nothing that is offered has any.
 *
 * Returns: the weight, or Q_BAD.
 */
static int
parse_member(struct bt_str member, struct bt_str *ret_first)
{
	int q = Q_MOST;

	*ret_first = take_part(&member);
	while (member.n > 0) {
		struct bt_str part = take_part(&member);

		if (part.n >= 2 && bt_lower(part.p[0]) == 'q' &&
		    part.p[1] == '=')
			q = parse_weight(
			    (struct bt_str){ part.p + 2, part.n - 2 });
	}
	return q;
}

/* How well a range names a type: 3 itself, 2 all of its kind, 1 all, 0 not. */
static int
match_type(struct bt_str range, struct bt_str type)
{
	const char *slash = memchr(type.p, '/', type.n);
	struct bt_str any = type;

	if (bt_str_equal_nocase(range, type))
		return 3;
	if (bt_str_equal(range, BT_STR("*/*")))
		return 1;
	if (slash == NULL)
		return 0;
	any.n = (size_t)(slash - type.p) + 1;
	return range.n == any.n + 1 && range.p[any.n] == '*' &&
		bt_str_equal_nocase((struct bt_str){ range.p, any.n }, any)
	    ? 2
	    : 0;
}

/* What the client thinks of one type: the weight of the best match, or 0. */
static int
weigh_type(const struct bt_request *r, struct bt_str type)
{
	struct bt_str line, member, range;
	int best = 0, weight = 0;
	unsigned at = 0;

	while (bt_request_known_next(r, BT_FIELD_ACCEPT, &at, &line)) {
		while (bt_str_list_next(&line, &member)) {
			int q = parse_member(member, &range);
			int match = match_type(range, type);

			if (q == Q_BAD || match <= best)
				continue;
			best = match;
			weight = q;
		}
	}
	return weight;
}

int
bt_accept_type(const struct bt_request *r, const struct bt_str *types, size_t n)
{
	int best = -1, most = 0;

	if (!r->known[BT_FIELD_ACCEPT])
		return 0;
	for (size_t i = 0; i < n; i++) {
		int q = weigh_type(r, types[i]);

		if (q > most) {
			most = q;
			best = (int)i;
		}
	}
	return best;
}

static const struct bt_str coding_names[BT_CODINGS] = {
	[BT_CODING_IDENTITY] = { "identity", 8 },
	[BT_CODING_GZIP] = { "gzip", 4 },
	[BT_CODING_ZSTD] = { "zstd", 4 },
	[BT_CODING_BR] = { "br", 2 },
};

struct bt_str
bt_coding_name(enum bt_coding c)
{
	return coding_names[c];
}

static enum bt_coding
find_coding(struct bt_str name)
{
	if (bt_str_equal_nocase(name, BT_STR("x-gzip"))) /* 8.4.1.3 */
		return BT_CODING_GZIP;
	for (unsigned c = 0; c < BT_CODINGS; c++)
		if (bt_str_equal_nocase(name, coding_names[c]))
			return (enum bt_coding)c;
	return BT_CODINGS;
}

/* What the client thinks of each; -1 for those that it does not name. */
static void
weigh_codings(const struct bt_request *r, int weights[BT_CODINGS])
{
	struct bt_str line, member, name;
	int others = Q_BAD;
	unsigned at = 0;

	for (unsigned c = 0; c < BT_CODINGS; c++)
		weights[c] = Q_BAD;
	while (bt_request_known_next(r, BT_FIELD_ACCEPT_ENCODING, &at, &line)) {
		while (bt_str_list_next(&line, &member)) {
			int q = parse_member(member, &name);
			enum bt_coding c = find_coding(name);

			if (c != BT_CODINGS)
				weights[c] = q;
			else if (bt_str_equal(name, BT_STR("*")))
				others = q;
		}
	}
	for (unsigned c = 0; c < BT_CODINGS; c++)
		if (weights[c] == Q_BAD)
			weights[c] = others;
}

enum bt_coding
bt_accept_coding(const struct bt_request *r, unsigned available)
{
	enum bt_coding best = BT_CODING_IDENTITY;
	int weights[BT_CODINGS], most;

	available &= ~BT_CODING_BIT(BT_CODING_IDENTITY);
	if (available == 0 || !r->known[BT_FIELD_ACCEPT_ENCODING])
		return BT_CODING_IDENTITY;
	weigh_codings(r, weights);
	/* it need not be named, and then any other that is comes first */
	most =
	    weights[BT_CODING_IDENTITY] > 0 ? weights[BT_CODING_IDENTITY] : 0;
	for (unsigned c = BT_CODING_GZIP; c < BT_CODINGS; c++) {
		if (!(available & BT_CODING_BIT(c)) || weights[c] <= 0 ||
		    weights[c] < most)
			continue;
		most = weights[c];
		best = (enum bt_coding)c;
	}
	return best;
}
