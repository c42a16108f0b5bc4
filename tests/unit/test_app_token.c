/*
 * Records, keys and tokens of continuations: what is written is read back, and
 * nothing else is.
 */

#include "app/token.h"

#include "app/record.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct bt_keys keys, others;
static struct bt_arena arena;
static const unsigned char secret[BT_KEY_BYTES] = "one secret";
static const unsigned char another[BT_KEY_BYTES] = "another secret";

static void
setup(void)
{
	ck_assert_int_eq(bt_keys_init(), 0);
	bt_keys_of(&keys, secret);
	bt_keys_of(&others, another);
}

static void
teardown(void)
{
	bt_arena_fini(&arena);
}

/* --- records --- */

static const struct bt_record records[] = {
	{ .expires_s = 1767225600 },
	{ .app = 1,
	    .resume = 2,
	    .version = 3,
	    .conversation = 4,
	    .generation = 5,
	    .expires_s = 1800000000 },
	{ .app = UINT32_MAX,
	    .resume = UINT32_MAX,
	    .version = 255,
	    .conversation = UINT64_MAX,
	    .generation = UINT32_MAX,
	    .expires_s = 1767225600LL + UINT32_MAX },
	{ .flags = BT_RECORD_ONCE, .salt = 7, .expires_s = 1800000000 },
	{ .flags = BT_RECORD_BOUND, .bound = 8, .expires_s = 1800000000 },
	{ .flags = BT_RECORD_FLAGS,
	    .bound = 8,
	    .salt = UINT64_MAX,
	    .expires_s = 1800000000,
	    .state = { "state", 5 } },
};

static struct bt_str
encode(const struct bt_record *r)
{
	struct bt_buf b = { 0 };
	struct bt_str out;

	bt_record_encode(r, &b);
	ck_assert_uint_le(b.len, r->state.n + BT_RECORD_OVERHEAD);
	out = bt_arena_copy(&arena, bt_buf_str(&b));
	bt_buf_fini(&b);
	return out;
}

START_TEST(record_is_read_back)
{
	const struct bt_record *r = &records[_i];
	struct bt_str bytes = encode(r);
	struct bt_record back;

	ck_assert_int_eq(bt_record_decode(bytes, &back), 0);
	ck_assert_uint_eq(back.app, r->app);
	ck_assert_uint_eq(back.resume, r->resume);
	ck_assert_uint_eq(back.version, r->version);
	ck_assert_uint_eq(back.flags, r->flags);
	ck_assert_uint_eq(back.generation, r->generation);
	ck_assert_uint_eq(back.conversation, r->conversation);
	ck_assert_int_eq(back.expires_s, r->expires_s);
	ck_assert_uint_eq(back.bound, r->bound);
	ck_assert_uint_eq(back.salt, r->salt);
	ck_assert(bt_str_equal(back.state, r->state));
	/* cut anywhere before the state it is none */
	for (size_t n = 0; n < bytes.n - r->state.n; n++)
		ck_assert_int_eq(
		    bt_record_decode((struct bt_str){ bytes.p, n }, &back),
		    -EBADMSG);
}
END_TEST

START_TEST(bytes_at_random_are_no_record)
{
	unsigned good = 0;

	for (unsigned i = 0; i < 100000; i++) {
		unsigned char bytes[64];
		struct bt_record r;

		randombytes_buf(bytes, sizeof(bytes));
		if (i % 2)
			bytes[0] = 1;
		good += bt_record_decode(
			    (struct bt_str){ (char *)bytes, i % sizeof(bytes) },
			    &r) == 0;
	}
	ck_assert_uint_gt(good, 0); /* it is the seal that tells */
}
END_TEST

/* --- keys --- */

static const struct file {
	const char *text;
	int r;
	unsigned n;
	const char *why;
} files[] = {
	{ "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n", 0, 1, NULL },
	{ "# a comment\n\n  "
	  "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=  \r\n",
	    0, 1, NULL },
	{ "0011223344556677001122334455667700112233445566770011223344556677\n"
	  "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
	    0, 2, NULL },
	{ "", -EINVAL, 0, "it has no key" },
	{ "short\n", -EINVAL, 0, "not a key" },
	{ "# one\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\n", -EINVAL, 0,
	    "line 2" },
	{ "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"
	  "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n",
	    -EINVAL, 0, "twice" },
	{ "zz11223344556677001122334455667700112233445566770011223344556677\n",
	    -EINVAL, 0, "not a key" },
};

START_TEST(key_files_are_read)
{
	char path[] = "/tmp/baton-keys-XXXXXX";
	int fd = mkstemp(path);
	struct bt_buf why = { 0 };
	struct bt_keys read;
	size_t n = strlen(files[_i].text);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, files[_i].text, n), (ssize_t)n);
	ck_assert_int_eq(bt_keys_read(&read, path, &why), files[_i].r);
	if (files[_i].r == 0)
		ck_assert_uint_eq(read.n, files[_i].n);
	else
		ck_assert_msg(
		    strstr(why.data, files[_i].why) != NULL, "%s", why.data);
	/* what everybody may read is no secret */
	ck_assert_int_eq(fchmod(fd, 0644), 0);
	bt_buf_clear(&why);
	ck_assert_int_eq(bt_keys_read(&read, path, &why), -EPERM);
	close(fd);
	unlink(path);
	bt_buf_fini(&why);
}
END_TEST

/* --- tokens --- */

#define APP 4711

static int
open_text(struct bt_str text, struct bt_str *ret)
{
	return bt_token_open(&keys, APP, text, &arena, ret);
}

START_TEST(sealed_is_opened)
{
	static char bytes[BT_RECORD_STATE_MAX];
	static const size_t sizes[] = { 0, 1, 23, 511, 512, 5000,
		BT_RECORD_STATE_MAX };

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(_i % 2 ? random() : (long)i % 7);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bt_str in = { bytes, sizes[i] }, out;
		struct bt_str text = bt_token_seal(&keys, APP, in, &arena);

		ck_assert_uint_le(text.n, bt_token_sealed_bytes(in.n));
		ck_assert_int_eq(bt_token_form(text), BT_TOKEN_SEALED);
		ck_assert_int_eq(open_text(text, &out), 0);
		ck_assert(bt_str_equal(in, out));
		/* twice is two tokens: nobody sees that states are equal */
		ck_assert(
		    !bt_str_equal(text, bt_token_seal(&keys, APP, in, &arena)));
		ck_assert_int_eq(
		    bt_token_open(&keys, APP + 1, text, &arena, &out),
		    -EBADMSG);
		ck_assert_int_eq(
		    bt_token_open(&others, APP, text, &arena, &out), -EBADMSG);
	}
}
END_TEST

/* Each bit of it, each length, each other letter in front. */
START_TEST(altered_is_not_opened)
{
	struct bt_str state = BT_STR("6 * 7"), out;
	struct bt_str text = bt_token_seal(&keys, APP, state, &arena);
	char *bad = bt_arena_alloc(&arena, text.n + 2);

	for (size_t i = 0; i < text.n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bad, text.p, text.n);
			bad[i] = (char)(bad[i] ^ (1 << bit));
			ck_assert_int_eq(
			    open_text((struct bt_str){ bad, text.n }, &out),
			    -EBADMSG);
		}
		ck_assert_int_eq(
		    open_text((struct bt_str){ text.p, i }, &out), -EBADMSG);
	}
	memcpy(bad, text.p, text.n);
	for (unsigned c = 0; c < 256; c++) {
		bad[text.n] = (char)c;
		ck_assert_int_eq(
		    open_text((struct bt_str){ bad, text.n + 1 }, &out),
		    -EBADMSG);
	}
}
END_TEST

START_TEST(random_is_not_opened)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				     "mnopqrstuvwxyz0123456789-_";
	struct bt_arena a = { 0 };

	for (unsigned i = 0; i < 100000; i++) {
		unsigned char name[BT_NAME_BYTES];
		char text[200];
		size_t n = 2 + (size_t)random() % 198;
		struct bt_str s = { text, n }, out;

		for (size_t k = 0; k < n; k++)
			text[k] = digits[random() % 64];
		text[0] = "szr"[i % 3];
		if (i % 3 < 2)
			ck_assert(
			    bt_token_open(&keys, APP, s, &a, &out) == -EBADMSG);
		else
			(void)bt_token_read_name(s, name);
		bt_arena_reset(&a);
	}
	bt_arena_fini(&a);
}
END_TEST

/* What is small in the URL stays small: there is no bomb to be made. */
START_TEST(grows_within_bounds)
{
	enum { BOMB = 8 * 1024 * 1024 };
	char *zeros = calloc(1, BOMB);
	struct bt_str text, out;

	ck_assert_ptr_nonnull(zeros);
	text =
	    bt_token_seal(&keys, APP, (struct bt_str){ zeros, BOMB }, &arena);
	ck_assert_uint_lt(text.n, 64 * 1024); /* a good seal, and yet */
	ck_assert_int_eq(open_text(text, &out), -EBADMSG);
	free(zeros);
}
END_TEST

START_TEST(names_have_one_text)
{
	unsigned char name[BT_NAME_BYTES], back[BT_NAME_BYTES];
	struct bt_str text;
	char bad[BT_TOKEN_NAME_BYTES];

	bt_keys_name(&keys, BT_STR("a record"), name);
	text = bt_token_of_name(name, &arena);
	ck_assert_uint_eq(text.n, BT_TOKEN_NAME_BYTES);
	ck_assert_int_eq(bt_token_form(text), BT_TOKEN_NAME);
	ck_assert_int_eq(bt_token_read_name(text, back), 0);
	ck_assert_mem_eq(name, back, BT_NAME_BYTES);
	bt_keys_name(&others, BT_STR("a record"), back);
	ck_assert_mem_ne(name, back, BT_NAME_BYTES);
	/* of the last character two bits count */
	memcpy(bad, text.p, sizeof(bad));
	for (unsigned c = 0, good = 0; c <= 255; c++) {
		bad[sizeof(bad) - 1] = (char)c;
		good += bt_token_read_name(
			    (struct bt_str){ bad, sizeof(bad) }, back) == 0;
		if (c == 255)
			ck_assert_uint_eq(good, 4);
	}
}
END_TEST

/* An old key still opens, the new one seals. */
START_TEST(keys_are_changed)
{
	struct bt_str old = bt_token_seal(&keys, APP, BT_STR("x"), &arena);
	struct bt_keys both = others;
	struct bt_str out;

	both.all[both.n++] = keys.all[0];
	ck_assert_int_eq(bt_token_open(&both, APP, old, &arena, &out), 0);
	ck_assert_int_eq(
	    bt_token_open(&others, APP,
		bt_token_seal(&both, APP, BT_STR("x"), &arena), &arena, &out),
	    0);
	ck_assert_int_eq(
	    bt_token_open(&others, APP, old, &arena, &out), -EBADMSG);
}
END_TEST

BT_UNIT_SUITE(app_token)
{
	TCase *tc = bt_unit_case(s, "records");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, record_is_read_back, 0, N(records));
	tcase_add_test(tc, bytes_at_random_are_no_record);
	tcase_add_loop_test(tc, key_files_are_read, 0, N(files));
	tc = bt_unit_case(s, "tokens");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, sealed_is_opened, 0, 2);
	tcase_add_test(tc, altered_is_not_opened);
	tcase_add_test(tc, random_is_not_opened);
	tcase_add_test(tc, grows_within_bounds);
	tcase_add_test(tc, names_have_one_text);
	tcase_add_test(tc, keys_are_changed);
}
