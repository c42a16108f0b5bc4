/* Targets, paths and authorities. */

#include "http/uri.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define BAD NULL

/* clang-format off: tables */
static const struct {
	const char *in, *out; /* BAD: refused */
} paths[] = {
	{ "/", "/" },
	{ "/a", "/a" },
	{ "/a/", "/a/" },
	{ "/a/b.c", "/a/b.c" },
	{ "", BAD },
	{ "a", BAD },
	{ "*", BAD },
	{ "./a", BAD },
	{ "%2Fa", BAD },
	/* names that only look like dots */
	{ "/.a", "/.a" },
	{ "/..a", "/..a" },
	{ "/...", "/..." },
	{ "/a.", "/a." },
	{ "/a..", "/a.." },
	{ "/a/.../b", "/a/.../b" },
	{ "/.well-known/x", "/.well-known/x" },
	/* dot segments */
	{ "/.", "/" },
	{ "/./", "/" },
	{ "/a/.", "/a/" },
	{ "/a/./", "/a/" },
	{ "/a/./b", "/a/b" },
	{ "/././././a", "/a" },
	{ "/a/..", "/" },
	{ "/a/../", "/" },
	{ "/a/b/..", "/a/" },
	{ "/a/b/../", "/a/" },
	{ "/a/b/../c", "/a/c" },
	{ "/a/b/../../c", "/c" },
	{ "/a/./b/./../c", "/a/c" },
	{ "/ab/cd/..", "/ab/" },
	{ "/..", BAD },
	{ "/../", BAD },
	{ "/../a", BAD },
	{ "/a/../..", BAD },
	{ "/a/../../b", BAD },
	{ "/./..", BAD },
	{ "//..", BAD },
	{ "/a//../..", BAD },
	/* slashes */
	{ "//", "/" },
	{ "///", "/" },
	{ "//a", "/a" },
	{ "/a//b", "/a/b" },
	{ "/a//", "/a/" },
	{ "/a///./b", "/a/b" },
	{ "/a//..", "/" },
	{ "/a//../b", "/b" },
	{ "/a/b//../c", "/a/c" },
	/* encoded: decoded before slashes and dots are looked at */
	{ "/%61", "/a" },
	{ "/a%20b", "/a b" },
	{ "/%c3%A4", "/\xc3\xa4" },
	{ "/%25", "/%" },
	{ "/%2525", "/%25" },
	{ "/%2561", "/%61" },
	{ "/a%2fb", "/a/b" },
	{ "/a%2Fb", "/a/b" },
	{ "/%2f", "/" },
	{ "/a%2f%2fb", "/a/b" },
	{ "/%2e", "/" },
	{ "/%2e%2e", BAD },
	{ "/.%2e", BAD },
	{ "/%2e.", BAD },
	{ "/a/%2e%2e", "/" },
	{ "/a/%2E%2e/b", "/b" },
	{ "/a%2f..", "/" },
	{ "/a%2f..%2f..", BAD },
	{ "/a%2f%2e%2e%2fb", "/b" },
	{ "/%5c..%5c", "/\\..\\" },
	{ "/%3f", "/?" },
	{ "/%23", "/#" },
	{ "/%0a", "/\n" },
	{ "/%2e%2e%2e", "/..." },
	{ "/%7f", "/\x7f" },
	{ "/%ff", "/\xff" },
	{ "/%252e%252e/", "/%2e%2e/" },
	{ "/%00", BAD },
	{ "/a%00b", BAD },
	{ "/%", BAD },
	{ "/%2", BAD },
	{ "/%zz", BAD },
	{ "/%2g", BAD },
	{ "/%g2", BAD },
	{ "/%%41", BAD },
	{ "/% 41", BAD },
	{ "/%-1", BAD },
	{ "/%u0041", BAD },
	{ "/a/%", BAD },
	{ "/%+1", BAD },
	{ "/%0x", BAD },
};

static const struct {
	const char *in;
	int form;                             /* -1: refused */
	const char *authority, *path, *query; /* query NULL: none */
} targets[] = {
	{ "/", BT_TARGET_ORIGIN, "", "/", NULL },
	{ "/a/b", BT_TARGET_ORIGIN, "", "/a/b", NULL },
	{ "/a?b", BT_TARGET_ORIGIN, "", "/a", "b" },
	{ "/a?", BT_TARGET_ORIGIN, "", "/a", "" },
	{ "/?a?b=/c", BT_TARGET_ORIGIN, "", "/", "a?b=/c" },
	{ "/??", BT_TARGET_ORIGIN, "", "/", "?" },
	{ "//a/b", BT_TARGET_ORIGIN, "", "//a/b", NULL },
	{ "/%41?%42", BT_TARGET_ORIGIN, "", "/%41", "%42" },
	{ "/a[0]?b[]=1", BT_TARGET_ORIGIN, "", "/a[0]", "b[]=1" },
	{ "/-._~!$&'()*+,;=:@", BT_TARGET_ORIGIN, "", "/-._~!$&'()*+,;=:@",
	    NULL },
	{ "/http://a", BT_TARGET_ORIGIN, "", "/http://a", NULL },
	{ "/?%00", BT_TARGET_ORIGIN, "", "/", "%00" },
	{ "*", BT_TARGET_ASTERISK, "", "*", NULL },
	{ "http://a", BT_TARGET_ABSOLUTE, "a", "/", NULL },
	{ "http://a/", BT_TARGET_ABSOLUTE, "a", "/", NULL },
	{ "http://a?b", BT_TARGET_ABSOLUTE, "a", "/", "b" },
	{ "http://a:80/b?c", BT_TARGET_ABSOLUTE, "a:80", "/b", "c" },
	{ "HTTP://A/", BT_TARGET_ABSOLUTE, "A", "/", NULL },
	{ "https://[::1]:443/b", BT_TARGET_ABSOLUTE, "[::1]:443", "/b", NULL },
	{ "http://a//b", BT_TARGET_ABSOLUTE, "a", "//b", NULL },
	{ "http://a/b@c", BT_TARGET_ABSOLUTE, "a", "/b@c", NULL },
	{ "", -1, NULL, NULL, NULL },
	{ "a", -1, NULL, NULL, NULL },
	{ "**", -1, NULL, NULL, NULL },
	{ "*/", -1, NULL, NULL, NULL },
	{ "?a", -1, NULL, NULL, NULL },
	{ "a:80", -1, NULL, NULL, NULL },
	{ "/#", -1, NULL, NULL, NULL },
	{ "/a#b", -1, NULL, NULL, NULL },
	{ "/?#", -1, NULL, NULL, NULL },
	{ "http://a#b", -1, NULL, NULL, NULL },
	{ "/ ", -1, NULL, NULL, NULL },
	{ "/a b", -1, NULL, NULL, NULL },
	{ "/\t", -1, NULL, NULL, NULL },
	{ "/\r", -1, NULL, NULL, NULL },
	{ "/\x01", -1, NULL, NULL, NULL },
	{ "/\x7f", -1, NULL, NULL, NULL },
	{ "/\x80", -1, NULL, NULL, NULL },
	{ "/\xff", -1, NULL, NULL, NULL },
	{ "/\"", -1, NULL, NULL, NULL },
	{ "/<", -1, NULL, NULL, NULL },
	{ "/>", -1, NULL, NULL, NULL },
	{ "/\\", -1, NULL, NULL, NULL },
	{ "/^", -1, NULL, NULL, NULL },
	{ "/`", -1, NULL, NULL, NULL },
	{ "/{", -1, NULL, NULL, NULL },
	{ "/|", -1, NULL, NULL, NULL },
	{ "/}", -1, NULL, NULL, NULL },
	{ "/?|", -1, NULL, NULL, NULL },
	{ "/%", -1, NULL, NULL, NULL },
	{ "/%4", -1, NULL, NULL, NULL },
	{ "/%4g", -1, NULL, NULL, NULL },
	{ "/?%", -1, NULL, NULL, NULL },
	{ "/?%g0", -1, NULL, NULL, NULL },
	{ "http:", -1, NULL, NULL, NULL },
	{ "http:/", -1, NULL, NULL, NULL },
	{ "http://", -1, NULL, NULL, NULL },
	{ "http:///", -1, NULL, NULL, NULL },
	{ "http://?", -1, NULL, NULL, NULL },
	{ "http://:80/", -1, NULL, NULL, NULL },
	{ "http://@a/", -1, NULL, NULL, NULL },
	{ "http://u@a/", -1, NULL, NULL, NULL },
	{ "http://u:p@a/", -1, NULL, NULL, NULL },
	{ "http://a:b/", -1, NULL, NULL, NULL },
	{ "http://a\\b/", -1, NULL, NULL, NULL },
	{ "http://a/%", -1, NULL, NULL, NULL },
	{ "ftp://a/", -1, NULL, NULL, NULL },
	{ "ws://a/", -1, NULL, NULL, NULL },
	{ "httpx://a/", -1, NULL, NULL, NULL },
	{ "javascript:x", -1, NULL, NULL, NULL },
};

static const struct {
	const char *in, *host; /* BAD: refused */
} authorities[] = {
	{ "a", "a" },
	{ "example.org", "example.org" },
	{ "EXAMPLE.org", "EXAMPLE.org" },
	{ "example.org.", "example.org." },
	{ "a:80", "a" },
	{ "a:", "a" },
	{ "a:0", "a" },
	{ "a:65535", "a" },
	{ "a:00080", "a" },
	{ "127.0.0.1", "127.0.0.1" },
	{ "127.0.0.1:8080", "127.0.0.1" },
	{ "999.1.1.1", "999.1.1.1" },
	{ "a_b~c-d", "a_b~c-d" },
	{ "!$&'()*+,;=", "!$&'()*+,;=" },
	{ "%41", "%41" },
	{ "[::]", "[::]" },
	{ "[::1]", "[::1]" },
	{ "[::1]:80", "[::1]" },
	{ "[::1]:", "[::1]" },
	{ "[2001:DB8::aB]:443", "[2001:DB8::aB]" },
	{ "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]" },
	{ "[1111:2222:3333:4444:5555:6666:255.255.255.255]",
	    "[1111:2222:3333:4444:5555:6666:255.255.255.255]" },
	{ "", BAD },
	{ ":", BAD },
	{ ":80", BAD },
	{ " ", BAD },
	{ " a", BAD },
	{ "a ", BAD },
	{ "a b", BAD },
	{ "a/", BAD },
	{ "a?", BAD },
	{ "a#", BAD },
	{ "a@b", BAD },
	{ "@", BAD },
	{ "a\\", BAD },
	{ "a\"", BAD },
	{ "<a>", BAD },
	{ "a^", BAD },
	{ "a|", BAD },
	{ "a`", BAD },
	{ "{a}", BAD },
	{ "a\t", BAD },
	{ "a\x7f", BAD },
	{ "\xc3\xa4", BAD },
	{ "%", BAD },
	{ "a%4", BAD },
	{ "a%zz", BAD },
	{ "a:65536", BAD },
	{ "a:99999999999999999999", BAD },
	{ "a:-1", BAD },
	{ "a:+1", BAD },
	{ "a:8o", BAD },
	{ "a:80:80", BAD },
	{ "a: 80", BAD },
	{ "a::", BAD },
	{ "::1", BAD },
	{ "[", BAD },
	{ "]", BAD },
	{ "[]", BAD },
	{ "[::1", BAD },
	{ "::1]", BAD },
	{ "[::1]a", BAD },
	{ "[::1]80", BAD },
	{ "[::1]]", BAD },
	{ "[[::1]]", BAD },
	{ "[1.2.3.4]", BAD },
	{ "[::g]", BAD },
	{ "[:::]", BAD },
	{ "[1:2:3]", BAD },
	{ "[::1%25eth0]", BAD },
	{ "[::1%eth0]", BAD },
	{ "[v1.a]", BAD },
	{ "[a]", BAD },
	{ "a[::1]", BAD },
	{ "[::1 ]", BAD },
	{ "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", BAD },
};

static const struct {
	const char *in, *out;
} encodings[] = {
	{ "/", "/" },
	{ "/a/b", "/a/b" },
	{ "/a b", "/a%20b" },
	{ "/%", "/%25" },
	{ "/?", "/%3F" },
	{ "/#", "/%23" },
	{ "/\xc3\xa4", "/%C3%A4" },
	{ "/\r\nX: y", "/%0D%0AX:%20y" },
	{ "/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@" },
	{ "/\"<>\\^`{|}", "/%22%3C%3E%5C%5E%60%7B%7C%7D" },
	{ "/[]", "/%5B%5D" },
	{ "//a", "/%2Fa" },
	{ "///a", "/%2F/a" },
	{ "/a//b", "/a//b" },
	{ "/\\a", "/%5Ca" },
	{ "/\x7f", "/%7F" },
	{ "", "" },
};
/* clang-format on */

/* In a buffer that ends where the text does. */
static struct bt_str
tight(const char *text)
{
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);

	memcpy(copy, text, n);
	return (struct bt_str){ copy, n };
}

static void
tight_free(struct bt_str s)
{
	free((void *)(uintptr_t)s.p);
}

static void
ck_span(struct bt_str s, const char *want)
{
	ck_assert_msg(bt_str_equal(s, bt_str_of(want)), "'%.*s' is not '%s'",
	    BT_STR_ARG(s), want);
}

START_TEST(decodes_paths)
{
	struct bt_arena arena = { 0 };
	struct bt_str in = tight(paths[_i].in), out, again;
	int r = bt_path_decode(in, &arena, &out);

	if (paths[_i].out == BAD) {
		ck_assert_int_eq(r, -EINVAL);
	} else {
		ck_assert_int_eq(r, 0);
		ck_span(out, paths[_i].out);
		/* no copy where there is nothing to do */
		if (strcmp(paths[_i].in, paths[_i].out) == 0) {
			ck_assert_ptr_eq(out.p, in.p);
			ck_assert_ptr_null(arena.blocks);
		}
		/* what was encoded comes back */
		ck_assert_int_eq(
		    bt_path_decode(bt_path_encode(out, &arena), &arena, &again),
		    0);
		ck_span(again, paths[_i].out);
	}
	bt_arena_fini(&arena);
	tight_free(in);
}
END_TEST

START_TEST(splits_targets)
{
	struct bt_str in = tight(targets[_i].in);
	struct bt_target t;
	int r = bt_target_parse(in, &t);

	ck_assert_int_eq(r, targets[_i].form < 0 ? -EINVAL : 0);
	if (r == 0) {
		ck_assert_int_eq((int)t.form, targets[_i].form);
		ck_span(t.authority, targets[_i].authority);
		ck_span(t.path, targets[_i].path);
		ck_assert_int_eq(t.has_query, targets[_i].query != NULL);
		ck_span(t.query, targets[_i].query ? targets[_i].query : "");
	}
	tight_free(in);
}
END_TEST

START_TEST(checks_authorities)
{
	struct bt_str in = tight(authorities[_i].in), host;
	int r = bt_authority_parse(in, &host);

	ck_assert_int_eq(r, authorities[_i].host == BAD ? -EINVAL : 0);
	if (r == 0)
		ck_span(host, authorities[_i].host);
	tight_free(in);
}
END_TEST

/* NUL cannot stand in the tables. */
START_TEST(refuses_nul)
{
	struct bt_arena arena = { 0 };
	struct bt_target t;
	struct bt_str host, path;

	ck_assert_int_eq(
	    bt_path_decode(BT_STR("/a\0b"), &arena, &path), -EINVAL);
	bt_arena_fini(&arena);
	ck_assert_int_eq(bt_target_parse(BT_STR("/\0"), &t), -EINVAL);
	ck_assert_int_eq(bt_authority_parse(BT_STR("a\0b"), &host), -EINVAL);
	ck_assert_int_eq(bt_authority_parse(BT_STR("[::1\0]"), &host), -EINVAL);
	ck_assert_int_eq(bt_authority_parse(BT_STR_NONE, &host), -EINVAL);
	ck_assert_int_eq(bt_target_parse(BT_STR_NONE, &t), -EINVAL);
}
END_TEST

START_TEST(encodes_paths)
{
	struct bt_arena arena = { 0 };

	ck_span(bt_path_encode(bt_str_of(encodings[_i].in), &arena),
	    encodings[_i].out);
	bt_arena_fini(&arena);
}
END_TEST

BT_UNIT_SUITE(uri)
{
	TCase *tc = bt_unit_case(s, "paths");

	tcase_add_loop_test(tc, decodes_paths, 0, N(paths));
	tcase_add_loop_test(tc, encodes_paths, 0, N(encodings));

	tc = bt_unit_case(s, "targets");
	tcase_add_loop_test(tc, splits_targets, 0, N(targets));
	tcase_add_loop_test(tc, checks_authorities, 0, N(authorities));
	tcase_add_test(tc, refuses_nul);
}
