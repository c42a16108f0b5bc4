/*
 * Targets, paths, authorities: what is accepted has the form that it is said to
 * have, and a path that was decoded and encoded again is the same path.
 */

#include "http/uri.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* Whether no segment of it could mean another place. */
static bool
is_normal(struct bt_str path)
{
	size_t begin = 1;

	if (path.n == 0 || path.p[0] != '/')
		return false;
	for (size_t i = 1; i <= path.n; i++) {
		size_t n = i - begin;

		if (i < path.n && path.p[i] == '\0')
			return false;
		if (i < path.n && path.p[i] != '/')
			continue;
		if ((n == 0 && i < path.n) ||
		    (n == 1 && path.p[begin] == '.') ||
		    (n == 2 && memcmp(path.p + begin, "..", 2) == 0))
			return false;
		begin = i + 1;
	}
	return true;
}

static void
check_path(struct bt_str s)
{
	struct bt_arena arena = { 0 };
	struct bt_str path, encoded, again;

	if (bt_path_decode(s, &arena, &path) == 0) {
		REQUIRE(is_normal(path) && path.n <= s.n);
		encoded = bt_path_encode(path, &arena);
		REQUIRE(bt_path_decode(encoded, &arena, &again) == 0);
		REQUIRE(bt_str_equal(path, again));
	}
	/* any bytes at all can be put into a Location */
	encoded = bt_path_encode(s, &arena);
	for (size_t i = 0; i < encoded.n; i++)
		REQUIRE(encoded.p[i] > ' ' && encoded.p[i] < 0x7f);
	REQUIRE(!bt_str_has_prefix(encoded, BT_STR("//")));
	bt_arena_fini(&arena);
}

static void
check_target(struct bt_str s)
{
	struct bt_target t;
	struct bt_str host;

	if (bt_target_parse(s, &t) < 0)
		return;
	REQUIRE(t.path.n > 0);
	for (size_t i = 0; i < s.n; i++)
		REQUIRE(s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '#');
	if (t.form == BT_TARGET_ABSOLUTE) {
		REQUIRE(bt_authority_parse(t.authority, &host) == 0);
		REQUIRE(memchr(t.authority.p, '@', t.authority.n) == NULL);
	} else {
		REQUIRE(t.path.n + t.query.n + t.has_query == s.n);
	}
	if (t.form != BT_TARGET_ASTERISK)
		check_path(t.path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct bt_str s = { copy, size }, host;

	if (size > 0)
		memcpy(copy, data, size);
	check_target(s);
	check_path(s);
	if (bt_authority_parse(s, &host) == 0)
		REQUIRE(host.n > 0 && host.n <= size && host.p == copy);
	free(copy);
	return 0;
}
