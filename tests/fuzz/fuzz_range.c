/*
 * Ranges: what comes out is sorted, apart from each other, not empty, and
 * within the representation.  The first eight bytes of the input are its size.
 */

#include "http/range.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MAX 6

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void
check(
    enum bt_range_kind kind, const struct bt_range *r, size_t n, uint64_t size)
{
	uint64_t end = 0;

	switch (kind) {
	case BT_RANGE_NONE:
	case BT_RANGE_UNSATISFIABLE:
		REQUIRE(n == 0);
		break;
	case BT_RANGE_SINGLE:
		REQUIRE(n == 1);
		break;
	case BT_RANGE_MULTIPLE:
		REQUIRE(n >= 2 && n <= MAX);
		break;
	}
	for (size_t i = 0; i < n; i++) {
		REQUIRE(r[i].length > 0 && r[i].offset < size);
		REQUIRE(r[i].length <= size - r[i].offset);
		REQUIRE(i == 0 || r[i].offset > end);
		end = r[i].offset + r[i].length;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bt_range ranges[MAX];
	uint64_t whole;
	size_t n;
	char *copy;
	enum bt_range_kind kind;

	if (size < sizeof(whole))
		return 0;
	memcpy(&whole, data, sizeof(whole));
	size -= sizeof(whole);
	copy = malloc(size ? size : 1);
	memcpy(copy, data + sizeof(whole), size);
	kind = bt_range_parse(
	    (struct bt_str){ copy, size }, whole, ranges, MAX, &n);
	check(kind, ranges, n, whole);
	free(copy);
	return 0;
}
