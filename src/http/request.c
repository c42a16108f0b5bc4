/*
 * Field lines of a request: which names are known, and looking others up.  In a
 * worker; what is here only reads, so offload threads may call it, too.
 *
 * A known name is recognized by its length, first and last letter, which no two
 * of them share, and then by one comparison, eight bytes at a time.
 */

#include "http/request.h"

#define NAME_BYTES_MIN 4
#define NAME_BYTES_MAX 19

/* Lower case, padded with zeros, so that words can be loaded. */
static const struct {
	char name[24];
	uint8_t n;
} names[BT_FIELDS_KNOWN] = {
#define NAME(text) \
	{ \
		text, sizeof(text) - 1 \
	}
	[BT_FIELD_ACCEPT] = NAME("accept"),
	[BT_FIELD_ACCEPT_ENCODING] = NAME("accept-encoding"),
	[BT_FIELD_AUTHORIZATION] = NAME("authorization"),
	[BT_FIELD_CONNECTION] = NAME("connection"),
	[BT_FIELD_CONTENT_LENGTH] = NAME("content-length"),
	[BT_FIELD_CONTENT_TYPE] = NAME("content-type"),
	[BT_FIELD_COOKIE] = NAME("cookie"),
	[BT_FIELD_EXPECT] = NAME("expect"),
	[BT_FIELD_HOST] = NAME("host"),
	[BT_FIELD_IF_MATCH] = NAME("if-match"),
	[BT_FIELD_IF_MODIFIED_SINCE] = NAME("if-modified-since"),
	[BT_FIELD_IF_NONE_MATCH] = NAME("if-none-match"),
	[BT_FIELD_IF_RANGE] = NAME("if-range"),
	[BT_FIELD_IF_UNMODIFIED_SINCE] = NAME("if-unmodified-since"),
	[BT_FIELD_RANGE] = NAME("range"),
	[BT_FIELD_REFERER] = NAME("referer"),
	[BT_FIELD_TRANSFER_ENCODING] = NAME("transfer-encoding"),
	[BT_FIELD_UPGRADE] = NAME("upgrade"),
	[BT_FIELD_USER_AGENT] = NAME("user-agent"),
#undef NAME
};

/* The only known name with that length and those first and last letters. */
static enum bt_known_field
candidate(size_t n, char first, char last)
{
	switch (n) {
	case 4:
		return BT_FIELD_HOST;
	case 5:
		return BT_FIELD_RANGE;
	case 6:
		return first == 'a' ? BT_FIELD_ACCEPT
		    : first == 'c'  ? BT_FIELD_COOKIE
				    : BT_FIELD_EXPECT;
	case 7:
		return first == 'r' ? BT_FIELD_REFERER : BT_FIELD_UPGRADE;
	case 8:
		return last == 'h' ? BT_FIELD_IF_MATCH : BT_FIELD_IF_RANGE;
	case 10:
		return first == 'u' ? BT_FIELD_USER_AGENT : BT_FIELD_CONNECTION;
	case 12:
		return BT_FIELD_CONTENT_TYPE;
	case 13:
		return first == 'i' ? BT_FIELD_IF_NONE_MATCH
				    : BT_FIELD_AUTHORIZATION;
	case 14:
		return BT_FIELD_CONTENT_LENGTH;
	case 15:
		return BT_FIELD_ACCEPT_ENCODING;
	case 17:
		return first == 'i' ? BT_FIELD_IF_MODIFIED_SINCE
				    : BT_FIELD_TRANSFER_ENCODING;
	case 19:
		return BT_FIELD_IF_UNMODIFIED_SINCE;
	}
	return BT_FIELDS_KNOWN;
}

/*
 * Whether eight (four) bytes are equal without case.  Setting 0x20 maps nothing
 * of a token (RFC 9110, 5.6.2) to a letter or `-` but letters and `-`.
 */
static inline bool
equal_8(const char *token, const char *lower)
{
	uint64_t a, b;

	memcpy(&a, token, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | UINT64_C(0x2020202020202020)) == b;
}

static inline bool
equal_4(const char *token, const char *lower)
{
	uint32_t a, b;

	memcpy(&a, token, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | UINT32_C(0x20202020)) == b;
}

static inline bool
equal_token(const char *token, const char *lower, size_t n)
{
	if (n < 8)
		return equal_4(token, lower) &&
		    equal_4(token + n - 4, lower + n - 4);
	return equal_8(token, lower) && equal_8(token + n - 8, lower + n - 8) &&
	    (n <= 16 || equal_8(token + 8, lower + 8));
}

enum bt_known_field
bt_known_field_find(struct bt_str token)
{
	enum bt_known_field f;

	if (token.n < NAME_BYTES_MIN || token.n > NAME_BYTES_MAX)
		return BT_FIELDS_KNOWN;
	f = candidate(token.n, (char)(token.p[0] | 0x20),
	    (char)(token.p[token.n - 1] | 0x20));
	if (f == BT_FIELDS_KNOWN ||
	    !equal_token(token.p, names[f].name, token.n))
		return BT_FIELDS_KNOWN;
	return f;
}

struct bt_str
bt_known_field_name(enum bt_known_field f)
{
	return (struct bt_str){ names[f].name, names[f].n };
}

struct bt_str
bt_request_field(const struct bt_request *r, struct bt_str name)
{
	struct bt_str value;
	unsigned at = 0;

	return bt_request_field_next(r, name, &at, &value) ? value
							   : BT_STR_NONE;
}

bool
bt_request_field_next(const struct bt_request *r, struct bt_str name,
    unsigned *at, struct bt_str *ret)
{
	for (unsigned i = *at; i < r->fields_n; i++)
		if (bt_str_equal_nocase(r->fields[i].name, name)) {
			*at = i + 1;
			*ret = r->fields[i].value;
			return true;
		}
	*at = r->fields_n;
	return false;
}

bool
bt_request_known_next(const struct bt_request *r, enum bt_known_field f,
    unsigned *at, struct bt_str *ret)
{
	if (r->known[f] == 0)
		return false;
	if (*at == 0) {
		*at = r->known[f];
		*ret = r->fields[*at - 1].value;
		return true;
	}
	return (r->repeated & UINT32_C(1) << f) != 0 &&
	    bt_request_field_next(r, bt_known_field_name(f), at, ret);
}
