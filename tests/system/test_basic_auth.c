/*
 * `basic_auth`: who has the password comes in, nobody else does, and those who
 * guess do not keep the others from their files.
 */

#include "tests/system/system.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#define SERVER \
	"server {\n" \
	"  route / { root @DIR@/site; }\n" \
	"  route /staff/ { root @DIR@/site; basic_auth \"staff only\" " \
	"@DIR@/users; }\n" \
	"  route /echo { echo; basic_auth staff @DIR@/users; }\n" \
	"  route /open/ { root @DIR@/site; basic_auth staff @DIR@/users; " \
	"deny all; error_page 403 /x.txt; }\n" \
	"}\n"

/* `Authorization: Basic ...` */
static const char *
credentials(const char *user, const char *password)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *text = scratch_printf("%s:%s", user, password);
	size_t n = strlen(text), at = 0;
	char *out = scratch_alloc(n * 2 + 8);

	for (size_t i = 0; i < n; i += 3) {
		unsigned w = (unsigned)(unsigned char)text[i] << 16;

		if (i + 1 < n)
			w |= (unsigned)(unsigned char)text[i + 1] << 8;
		if (i + 2 < n)
			w |= (unsigned char)text[i + 2];
		for (size_t k = 0; k < 4; k++)
			out[at++] =
			    i + k > n ? '=' : digits[w >> (18 - 6 * k) & 63];
	}
	return scratch_printf("Authorization: Basic %s\r\n", out);
}

static const char *
hash(const char *password, const char *prefix, unsigned long count)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *made;

	ck_assert_ptr_nonnull(crypt_gensalt_rn(
	    prefix, count, "0123456789abcdef", 16, salt, sizeof(salt)));
	made = crypt(password, salt);
	ck_assert_ptr_nonnull(made);
	return scratch_printf("%s", made);
}

static struct daemon *
start_with(const char *main)
{
	const char *users = scratch_printf("# people\n"
					   "ada:%s\n"
					   "\n"
					   "grace:%s:a comment\r\n"
					   "\xc3\xa4nne:%s\n",
	    hash("lovelace", "$2b$", 4), hash("hopper:1", "$y$", 1),
	    hash("", "$6$", 1000));

	scratch_text("users", users);
	scratch_text("site/x.txt", "open\n");
	scratch_text("site/staff/x.txt", "secret\n");
	return daemon_start(scratch_printf("%s%s", main, SERVER));
}

static struct daemon *
start(void)
{
	return start_with("");
}

static const struct {
	const char *user, *password;
	unsigned status;
} rows[] = {
	{ "ada", "lovelace", 200 },
	{ "grace", "hopper:1", 200 },
	{ "\xc3\xa4nne", "", 200 },
	{ "ada", "Lovelace", 401 },
	{ "ada", "", 401 },
	{ "ada", "hopper:1", 401 },
	{ "Ada", "lovelace", 401 },
	{ "nobody", "lovelace", 401 },
	{ "", "lovelace", 401 },
	{ "# people", "", 401 },
};

START_TEST(verifies)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	const char *field = credentials(rows[_i].user, rows[_i].password);

	/* twice: the second time it may be known */
	for (int i = 0; i < 2; i++) {
		struct reply *r = client_get(c, "/staff/x.txt", field);

		ck_assert_uint_eq(r->status, rows[_i].status);
		if (r->status == 200)
			reply_wants_text(r, "secret\n");
		else
			reply_wants(r, "WWW-Authenticate",
			    "Basic realm=\"staff only\", charset=\"UTF-8\"");
	}
	reply_wants_text(client_get(c, "/x.txt", ""), "open\n");
	daemon_stop(d);
}
END_TEST

START_TEST(asks)
{
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	const char *ada = credentials("ada", "lovelace");

	ck_assert_uint_eq(client_get(c, "/staff/x.txt", "")->status, 401);
	ck_assert_uint_eq(client_get(c, "/staff/none", "")->status, 401);
	ck_assert_uint_eq(
	    client_get(c, "/staff/x.txt", "Authorization: Bearer x\r\n")
		->status,
	    401);
	/* two of them: which one would it be? */
	ck_assert_uint_eq(
	    client_get(c, "/staff/x.txt", scratch_printf("%s%s", ada, ada))
		->status,
	    401);
	ck_assert_uint_eq(client_get(c, "/staff/none", ada)->status, 404);
	/* the address is asked first, and the page is not asked for one */
	reply_wants_text(client_get(c, "/open/x.txt", ada), "open\n");
	client_expect(c, "HEAD /staff/x.txt HTTP/1.1\r\nHost: t\r\n\r\n", 401);
	client_get(c, "/x.txt", "");
	daemon_stop(d);
}
END_TEST

/* What the client sends waits until it is known whose it is. */
START_TEST(content_is_kept)
{
	enum { N = 300000 };
	struct daemon *d = start();
	struct client *c = daemon_connect(d);
	char *bytes = scratch_alloc(N);
	struct reply *r;

	scratch_noise(bytes, N, 1);
	for (int i = 0; i < 2; i++) {
		client_puts(c,
		    scratch_printf("POST /echo HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: %d\r\n%s\r\n",
			N, credentials("ada", "lovelace")));
		client_send(c, bytes, N);
		r = client_read(c, "POST");
		ck_assert_uint_eq(r->status, 200);
		reply_wants_content(r, bytes, N);
	}
	/* and nobody is asked for content that will not be taken */
	r = client_expect(c,
	    scratch_printf("POST /echo HTTP/1.1\r\nHost: t\r\n"
			   "Expect: 100-continue\r\n"
			   "Content-Length: 3\r\n%s\r\n",
		credentials("ada", "wrong")),
	    401);
	ck_assert_uint_eq(r->interim, 0);
	daemon_stop(d);
}
END_TEST

START_TEST(log_has_the_user)
{
	struct daemon *d = start();
	const char *log;

	client_get(
	    daemon_connect(d), "/staff/x.txt", credentials("ada", "lovelace"));
	client_get(
	    daemon_connect(d), "/staff/x.txt", credentials("grace", "wrong"));
	daemon_stop(d);
	log = scratch_read("access.log", NULL);
	ck_assert_ptr_nonnull(strstr(log, " - ada ["));
	ck_assert_ptr_null(strstr(log, "grace"));
	ck_assert_ptr_null(strstr(log, "Basic"));
}
END_TEST

/*
 * A flood of guesses, many more than may wait: each is answered, with 401 or
 * with 503, and files which a thread has to open are served all the while.
 */
START_TEST(guesses_starve_nobody)
{
	enum { GUESSES = 200 };
	struct daemon *d = start_with("workers 1; file_cache_valid 0;\n");
	struct client *guess[GUESSES], *c = daemon_connect(d);
	unsigned refused = 0, busy = 0;

	for (int i = 0; i < GUESSES; i++) {
		guess[i] = daemon_connect(d);
		client_puts(guess[i],
		    scratch_printf("GET /staff/x.txt HTTP/1.1\r\nHost: t\r\n"
				   "%s\r\n",
			credentials("grace", scratch_printf("%d", i))));
	}
	for (int i = 0; i < 20; i++)
		reply_wants_text(client_get(c, "/x.txt", ""), "open\n");
	for (int i = 0; i < GUESSES; i++) {
		unsigned status = client_read(guess[i], "GET")->status;

		refused += status == 401;
		busy += status == 503;
	}
	ck_assert_uint_eq(refused + busy, GUESSES);
	ck_assert_uint_ge(refused, 64);
	ck_assert_uint_eq(
	    client_get(c, "/staff/x.txt", credentials("ada", "lovelace"))
		->status,
	    200);
	daemon_stop(d);
}
END_TEST

/* Those who go while they wait leave nothing behind. */
START_TEST(clients_that_go)
{
	struct daemon *d = start_with("workers 1;\n");

	for (int i = 0; i < 40; i++) {
		struct client *c = daemon_connect(d);

		client_puts(c,
		    scratch_printf("GET /staff/x.txt HTTP/1.1\r\nHost: t\r\n"
				   "%s\r\n",
			credentials("ada", scratch_printf("%d", i))));
		client_reset(c);
	}
	ck_assert_uint_eq(client_get(daemon_connect(d), "/staff/x.txt",
			      credentials("ada", "lovelace"))
			      ->status,
	    200);
	daemon_stop(d);
}
END_TEST

/* Another password holds from the reload on. */
START_TEST(reload_reads_the_file)
{
	struct daemon *d = start();

	ck_assert_uint_eq(client_get(daemon_connect(d), "/staff/x.txt",
			      credentials("ada", "lovelace"))
			      ->status,
	    200);
	scratch_text(
	    "users", scratch_printf("ada:%s\n", hash("byron", "$2b$", 4)));
	daemon_reload(d);
	ck_assert_uint_eq(client_get(daemon_connect(d), "/staff/x.txt",
			      credentials("ada", "lovelace"))
			      ->status,
	    401);
	ck_assert_uint_eq(client_get(daemon_connect(d), "/staff/x.txt",
			      credentials("ada", "byron"))
			      ->status,
	    200);
	daemon_stop(d);
}
END_TEST

static const struct {
	const char *users, *error; /* NULL: no such file */
} files[] = {
	{ NULL, "No such file or directory" },
	{ "ada:$6$abcdefgh$x\nada\n", "users:2: expected NAME:HASH" },
	{ "# x\n\nada:$apr1$12345678$abcdefghijklmnopqrstuv\n",
	    "users:3: MD5 is too weak" },
	{ "ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n",
	    "users:1: SHA-1 is too weak" },
	{ "ada:secret\n", "users:1: the password is not hashed" },
	{ "ada:$2b$99$x\n", "users:1: the hash is malformed" },
	{ ":$6$a$b\n", "users:1: expected NAME:HASH" },
	{ "a:$6$abcdefgh$x\nb:$6$abcdefgh$x\na:$6$abcdefgh$x\n",
	    "\"a\" is there twice" },
};

START_TEST(wrong_files_are_told)
{
	const char *conf = daemon_write_conf("baton.conf", SERVER, 1);
	struct spawn_result r;

	if (files[_i].users != NULL)
		scratch_text("users", files[_i].users);
	r = spawn_run_with("-t", "-c", conf);
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.err, files[_i].error) != NULL, "%s", r.err);
	/* and no hash is shown */
	ck_assert_ptr_null(strstr(r.err, "$2b$"));
	ck_assert_ptr_null(strstr(r.err, "W6ph5"));
}
END_TEST

BT_SYSTEM_SUITE(basic_auth)
{
	TCase *tc = bt_system_case(s, "credentials");

	tcase_add_loop_test(tc, verifies, 0, BT_ROWS(rows));
	tcase_add_test(tc, asks);
	tcase_add_test(tc, content_is_kept);
	tcase_add_test(tc, log_has_the_user);
	tc = bt_system_case(s, "life");
	tcase_add_test(tc, guesses_starve_nobody);
	tcase_add_test(tc, clients_that_go);
	tcase_add_test(tc, reload_reads_the_file);
	tc = bt_system_case(s, "files");
	tcase_add_loop_test(tc, wrong_files_are_told, 0, BT_ROWS(files));
}
