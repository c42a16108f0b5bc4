/*
 * The byte guard: finds the end of a head, line by line, and refuses what a
 * parser might be lenient about.  Looks at every byte once.  Worker, on the
 * loop.
 */

#include "http/parser.h"

/* Empty lines before a request line (RFC 9112, 2.2), in bytes. */
#define EMPTY_BYTES_MAX 8

static enum bt_parse
refuse(unsigned status, unsigned *ret_status)
{
	*ret_status = status;
	return BT_PARSE_REFUSED;
}

/* ` HTTP/d.d` at the end of the request line. */
static unsigned
check_version(const char *line, size_t n)
{
	const char *v = line + n - 9;

	if (n < 9 + 3 || memcmp(v, " HTTP/", 6) != 0 || v[6] < '0' ||
	    v[6] > '9' || v[7] != '.' || v[8] < '0' || v[8] > '9')
		return 400;
	if (v[6] != '1' || v[8] > '1')
		return 505;
	return 0;
}

enum bt_parse
bt_head_find(struct bt_head_scan *scan, struct bt_str bytes, size_t max,
    struct bt_str *ret, unsigned *ret_status)
{
	for (;;) {
		const char *line = bytes.p + scan->at, *lf;
		size_t rest = bytes.n - scan->at, n;
		unsigned status;

		lf = rest ? memchr(line, '\n', rest) : NULL;
		if (lf == NULL) {
			if (bytes.n - scan->begin > max)
				return refuse(
				    scan->in_fields ? 431 : 414, ret_status);
			/* a CR can only be the last byte so far */
			if (rest > 1 && memchr(line, '\r', rest - 1) != NULL)
				return refuse(400, ret_status);
			return BT_PARSE_MORE;
		}
		n = (size_t)(lf - line);
		if (n == 0 || line[n - 1] != '\r' ||
		    memchr(line, '\r', n - 1) != NULL ||
		    memchr(line, '\0', n) != NULL)
			return refuse(400, ret_status);
		n--;
		if (scan->at + n + 2 - scan->begin > max)
			return refuse(scan->in_fields ? 431 : 414, ret_status);
		scan->at += n + 2;
		if (n == 0 && !scan->in_fields) {
			scan->begin = scan->at;
			if (scan->begin > EMPTY_BYTES_MAX)
				return refuse(400, ret_status);
		} else if (n == 0) {
			*ret = (struct bt_str){ bytes.p + scan->begin,
				scan->at - scan->begin };
			return BT_PARSE_DONE;
		} else if (!scan->in_fields) {
			if ((status = check_version(line, n)) != 0)
				return refuse(status, ret_status);
			scan->in_fields = true;
		} else if (line[0] == ' ' || line[0] == '\t') {
			return refuse(400, ret_status); /* folding */
		}
	}
}
