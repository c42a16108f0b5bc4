/*
 * Conditionals, entity tags and dates.  Each line of the input is a field: its
 * first byte chooses which, the rest is the value; the first line is our ETag.
 */

#include "http/conditional.h"
#include "http/date.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW INT64_C(1700000000)

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static const enum bt_known_field chosen[] = {
	BT_FIELD_IF_MATCH,
	BT_FIELD_IF_NONE_MATCH,
	BT_FIELD_IF_MODIFIED_SINCE,
	BT_FIELD_IF_UNMODIFIED_SINCE,
	BT_FIELD_IF_RANGE,
};

/* A value in memory of its own, which ends where it does. */
static struct bt_str
tight(struct bt_str s)
{
	char *copy = malloc(s.n ? s.n : 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return (struct bt_str){ copy, s.n };
}

static void
add(struct bt_request *r, struct bt_str line)
{
	enum bt_known_field f;

	if (line.n == 0 || r->fields_n == BT_FIELDS_MAX)
		return;
	f = chosen[(unsigned char)line.p[0] %
	    (sizeof(chosen) / sizeof(chosen[0]))];
	r->fields[r->fields_n].name = bt_known_field_name(f);
	r->fields[r->fields_n++].value =
	    tight(bt_str_trim((struct bt_str){ line.p + 1, line.n - 1 }));
	if (r->known[f] == 0)
		r->known[f] = (uint8_t)r->fields_n;
	else
		r->repeated |= UINT32_C(1) << f;
}

static struct bt_str
next_line(struct bt_str *rest)
{
	const char *lf = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n = lf ? (size_t)(lf - rest->p) : rest->n;
	struct bt_str line = { rest->p, n };

	n += lf != NULL;
	rest->p += n;
	rest->n -= n;
	return line;
}

/* A date that is read, written, and read again is the same. */
static void
check_date(struct bt_str s)
{
	char text[BT_DATE_BYTES + 1];
	int64_t seconds, again;

	if (bt_date_parse(s, NOW, &seconds) < 0 || seconds < 0)
		return;
	bt_date_format(seconds, text);
	if (text[BT_DATE_BYTES] != '\0')
		abort();
	/* a leap second at the end of 9999 is in the year 10000 */
	if (seconds < INT64_C(253402300800)) {
		REQUIRE(bt_date_parse(bt_str_of(text), NOW, &again) == 0);
		REQUIRE(again == seconds);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bt_request r;
	struct bt_str rest = { (const char *)data, size };
	struct bt_validators v;
	bool reads;

	memset(&r, 0, offsetof(struct bt_request, fields));
	if (size < 2)
		return 0;
	r.method = (enum bt_method)(data[0] % BT_METHODS);
	v.modified_s = data[1] == 0 ? -1 : 784111777 + data[1] % 3 - 1;
	rest = (struct bt_str){ (const char *)data + 2, size - 2 };
	v.etag = tight(next_line(&rest));
	while (rest.n > 0)
		add(&r, next_line(&rest));
	reads = r.method == BT_METHOD_GET || r.method == BT_METHOD_HEAD;
	switch (bt_condition_evaluate(&r, &v, NOW)) {
	case BT_CONDITION_PROCEED:
		break;
	case BT_CONDITION_NOT_MODIFIED:
		REQUIRE(reads);
		break;
	case BT_CONDITION_FAILED:
		REQUIRE(r.fields_n > 0);
		break;
	}
	if (!bt_condition_if_range(&r, &v, NOW))
		REQUIRE(r.known[BT_FIELD_IF_RANGE] != 0);
	for (unsigned i = 0; i < r.fields_n; i++) {
		check_date(r.fields[i].value);
		free((void *)(uintptr_t)r.fields[i].value.p);
	}
	free((void *)(uintptr_t)v.etag.p);
	return 0;
}
