/*
 * The byte guard: finds where a head ends, and refuses what makes two parsers
 * disagree about that, before llhttp sees a byte.  In a worker, on the loop.
 *
 * llhttp in strict mode takes an LF alone after the request line and after the
 * section, folded lines, requests without a version, and RTSP.  Here a line
 * ends with CR LF and with nothing else, so what llhttp gets has one meaning.
 *
 * One pass looks for bytes below SP, eight bytes at a time; in a good head
 * those are the line ends and a rare HTAB.  (Three memchr() for CR, LF and NUL
 * cost twice that on lines as short as those of a head.)  A position once
 * looked at is not looked at again, however the bytes arrive, and the verdict
 * does not depend on how they were cut.
 */

#include "http/response.h"

#include <endian.h>

/* Empty lines before a request, which RFC 9112, 2.2 wants to be forgiven. */
#define EMPTY_LINES_MAX 4

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Flags the bytes below SP; only the lowest flag is exact (borrows go up). */
static inline uint64_t
controls(uint64_t word)
{
	return (word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);
}

static inline uint64_t
load_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

/* The position of the first byte below SP in [i, n), or `n`. */
static inline size_t
find_control(const char *p, size_t i, size_t n)
{
	uint64_t hits;

	for (; n - i >= 16; i += 16) {
		hits = controls(load_word(p + i));
		if (hits == 0) {
			i += 8;
			hits = controls(load_word(p + i));
			if (hits == 0) {
				i -= 8;
				continue;
			}
		}
		return i + (size_t)__builtin_ctzll(hits) / 8;
	}
	for (; n - i >= 8; i += 8)
		if ((hits = controls(load_word(p + i))) != 0)
			return i + (size_t)__builtin_ctzll(hits) / 8;
	if (i < n && n >= 8) { /* the last word; zeros shifted in stop it */
		hits = controls(load_word(p + n - 8) >> (64 - (n - i) * 8));
		return i + (size_t)__builtin_ctzll(hits) / 8;
	}
	while (i < n && (unsigned char)p[i] >= 0x20)
		i++;
	return i;
}

/* Whether the line ends in ` HTTP/d.d`, and in one that is spoken here. */
static inline unsigned
check_version(struct bt_str line)
{
	const char *v = line.p + line.n - 9;

	if (line.n < 9 || memcmp(v, " HTTP/", 6) != 0)
		return 400;
	if (v[6] == '1' && v[7] == '.' && (v[8] == '1' || v[8] == '0'))
		return 0;
	if (v[6] < '0' || v[6] > '9' || v[7] != '.' || v[8] < '0' || v[8] > '9')
		return 400;
	return 505;
}

/* Whether the line begins with `HTTP/1.d ddd`, and a blank or nothing. */
static bool
is_status_line(struct bt_str line)
{
	const char *p = line.p;

	if (line.n < 12 || memcmp(p, "HTTP/1.", 7) != 0 ||
	    (p[7] != '0' && p[7] != '1') || p[8] != ' ')
		return false;
	for (unsigned i = 9; i < 12; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return line.n == 12 || p[12] == ' ';
}

/* Takes note of a complete line; false when it is refused. */
static inline bool
take_request_line(struct bt_head_scan *s, struct bt_str line, unsigned *status)
{
	if (line.n == 0) {
		s->begin += 2;
		*status = s->begin > 2 * EMPTY_LINES_MAX ? 400 : 0;
		return *status == 0;
	}
	s->in_fields = true;
	*status = check_version(line);
	return *status == 0;
}

/* A fold, or blanks before the first field, or a field without a name. */
static inline bool
is_bad_start(char c)
{
	return c == ' ' || c == '\t' || c == ':';
}

static inline size_t
scan_end(const struct bt_head_scan *s, size_t n, size_t max)
{
	return n - s->begin > max ? s->begin + max : n;
}

static enum bt_parse
refuse(unsigned status, unsigned *ret_status)
{
	*ret_status = status;
	return BT_PARSE_REFUSED;
}

static inline enum bt_parse
find(struct bt_head_scan *s, struct bt_str bytes, size_t max, bool response,
    struct bt_str *ret, unsigned *ret_status)
{
	const char *p = bytes.p;
	size_t i = s->at, end = scan_end(s, bytes.n, max);

	while ((i = find_control(p, i, end)) < end) {
		struct bt_str line = { p + s->line, i - s->line };

		if (p[i] == '\t') {
			i++;
			continue;
		}
		if (p[i] != '\r' || (i + 1 < end && p[i + 1] != '\n'))
			return refuse(400, ret_status);
		if (i + 1 == end)
			break; /* the CR is looked at again */
		i += 2;
		s->line = i;
		if (line.n > 0 && is_bad_start(line.p[0]))
			return refuse(400, ret_status);
		if (!s->in_fields && response) {
			if (!is_status_line(line))
				return refuse(502, ret_status);
			s->in_fields = true;
		} else if (!s->in_fields) {
			if (!take_request_line(s, line, ret_status))
				return BT_PARSE_REFUSED;
			end = scan_end(s, bytes.n, max);
		} else if (line.n == 0) {
			*ret = (struct bt_str){ p + s->begin, i - s->begin };
			return BT_PARSE_DONE;
		}
	}
	s->at = i;
	if (bytes.n - s->begin > max)
		return refuse(s->in_fields ? 431 : 414, ret_status);
	return BT_PARSE_MORE;
}

enum bt_parse
bt_head_find(struct bt_head_scan *s, struct bt_str bytes, size_t max,
    struct bt_str *ret, unsigned *ret_status)
{
	return find(s, bytes, max, false, ret, ret_status);
}

enum bt_parse
bt_response_find(
    struct bt_head_scan *s, struct bt_str bytes, size_t max, struct bt_str *ret)
{
	unsigned status;

	return find(s, bytes, max, true, ret, &status);
}
