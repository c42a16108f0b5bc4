#ifndef BT_BASE_STR_H
#define BT_BASE_STR_H

/*
 * Spans of bytes that somebody else owns, and the few comparisons that HTTP
 * and the conf file need.  Nothing here allocates or depends on the locale.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bt_str {
	const char *p; /* may be NULL when n is 0; not NUL-terminated */
	size_t n;
};

#define BT_STR(literal) ((struct bt_str){ (literal), sizeof(literal) - 1 })
#define BT_STR_NONE ((struct bt_str){ NULL, 0 })
/* For printf("%.*s", BT_STR_ARG(s)). */
#define BT_STR_ARG(s) (int)(s).n, (s).n ? (s).p : ""

static inline struct bt_str
bt_str_of(const char *s)
{
	return (struct bt_str){ s, s ? strlen(s) : 0 };
}

static inline bool
bt_str_equal(struct bt_str a, struct bt_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
bt_str_has_prefix(struct bt_str s, struct bt_str prefix)
{
	return s.n >= prefix.n &&
	    (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline char
bt_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Compares ASCII letters without case, as field names and codings want. */
bool bt_str_equal_nocase(struct bt_str, struct bt_str);

/* The span without SP and HTAB at both ends (OWS, RFC 9110, 5.6.3). */
struct bt_str bt_str_trim(struct bt_str);

/*
 * Takes the next member of a comma list (RFC 9110, 5.6.1) off the front of
 * `*list`, trimmed, empty members skipped; commas inside quoted strings count
 * as text.
 *
 * Returns:   true with the member in `*ret`; false when the list is at its end.
 * Ownership: `*ret` points into the list.
 */
bool bt_str_list_next(struct bt_str *list, struct bt_str *ret);

/*
 * Reads decimal digits, nothing else: no sign, no space, at least one digit.
 *
 * Returns: 0 with `*ret`; -EINVAL when it is not a number, -ERANGE past 2^64-1.
 */
int bt_str_parse_u64(struct bt_str, uint64_t *ret);

/* Reads hexadecimal digits like bt_str_parse_u64(). */
int bt_str_parse_hex(struct bt_str, uint64_t *ret);

/* FNV-1a of the bytes, lower-cased when `nocase`; not for hostile keys. */
uint32_t bt_str_hash(struct bt_str, bool nocase);

#endif
