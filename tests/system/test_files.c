/*
 * `root`: files, and nothing but the files beneath the root.
 */

#include "tests/system/system.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVER "server { route / { root @DIR@/site; } }\n"

enum { BIG = 30 * 1024 * 1024, MIDDLE = 200000 };

/* A site with a bit of everything; what is outside must stay outside. */
static struct daemon *
start_site(const char *conf)
{
	scratch_text("outside/secret.txt", "SECRET\n");
	scratch_text("site/index.html", "<p>index\n");
	scratch_text("site/hello.txt", "0123456789");
	scratch_text("site/empty.txt", "");
	scratch_text("site/dir/index.html", "<p>dir\n");
	scratch_text("site/bare/file.css", "p{}\n");
	scratch_text("site/a b%.txt", "odd name\n");
	scratch_text("site/.hidden", "hidden\n");
	scratch_text("site/dir/.git/config", "hidden\n");
	scratch_text("site/.well-known/security.txt", "seen\n");
	scratch_text("site/dir/.well-known/x", "hidden\n");
	scratch_text("site/dir/a.b.txt", "seen\n");
	return daemon_start(conf);
}

static const struct {
	const char *target;
	unsigned status;
	const char *content, *type;
} rows[] = {
	{ "/", 200, "<p>index\n", "text/html; charset=utf-8" },
	{ "/index.html", 200, "<p>index\n", "text/html; charset=utf-8" },
	{ "/hello.txt", 200, "0123456789", "text/plain; charset=utf-8" },
	{ "/hello.txt?v=2", 200, "0123456789", NULL },
	{ "/hell%6F.txt", 200, "0123456789", NULL },
	{ "/dir/../hello.txt", 200, "0123456789", NULL },
	{ "//hello.txt", 200, "0123456789", NULL },
	{ "/empty.txt", 200, "", NULL },
	{ "/dir/", 200, "<p>dir\n", NULL },
	{ "/bare/file.css", 200, "p{}\n", "text/css; charset=utf-8" },
	{ "/a%20b%25.txt", 200, "odd name\n", NULL },
	{ "/none", 404, NULL, NULL },
	{ "/none/", 404, NULL, NULL },
	{ "/hello.txt/", 404, NULL, NULL },
	{ "/hello.txt/x", 404, NULL, NULL },
	{ "/HELLO.txt", 404, NULL, NULL },
	{ "/bare/", 403, NULL, NULL },
	/* dot files */
	{ "/.hidden", 404, NULL, NULL },
	{ "/%2ehidden", 404, NULL, NULL },
	{ "/dir/.git/config", 404, NULL, NULL },
	{ "/dir/.git/", 404, NULL, NULL },
	{ "/dir/.git", 404, NULL, NULL },
	{ "/.well-known/security.txt", 200, "seen\n", NULL },
	{ "/.well-known", 404, NULL, NULL },
	{ "/.well-known/.x", 404, NULL, NULL },
	{ "/dir/.well-known/x", 404, NULL, NULL },
	{ "/dir/a.b.txt", 200, "seen\n", NULL },
};

START_TEST(tree)
{
	struct daemon *d = start_site(SERVER);
	struct client *c = daemon_connect(d);

	/* twice: the second time from the cache */
	for (int i = 0; i < 2 * BT_ROWS(rows); i++) {
		int row = i % BT_ROWS(rows);
		struct reply *r;

		client_set_context(rows[row].target);
		r = client_get(c, rows[row].target, "");
		ck_assert_msg(r->status == rows[row].status, "%s: %u",
		    rows[row].target, r->status);
		if (rows[row].content != NULL)
			reply_wants_text(r, rows[row].content);
		if (rows[row].type != NULL)
			reply_wants(r, "Content-Type", rows[row].type);
		if (r->status == 200) {
			ck_assert_ptr_nonnull(reply_field(r, "Last-Modified"));
			ck_assert_int_eq(*reply_field(r, "ETag"), '"');
			ck_assert(r->has_length);
		}
	}
	daemon_stop(d);
}
END_TEST

START_TEST(slash_redirect)
{
	struct daemon *d = start_site(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r;

	r = client_get(c, "/dir", "");
	ck_assert_uint_eq(r->status, 301);
	reply_wants(r, "Location", "/dir/");
	r = client_get(c, "/dir?a=b&c", "");
	ck_assert_uint_eq(r->status, 301);
	reply_wants(r, "Location", "/dir/?a=b&c");
	/* never to another host */
	r = client_get(c, "//dir", "");
	reply_wants(r, "Location", "/dir/");
	r = client_get(c, "/bare/..//dir?//evil.example", "");
	reply_wants(r, "Location", "/dir/?//evil.example");
	daemon_stop(d);
}
END_TEST

START_TEST(head_is_get_without_content)
{
	struct daemon *d = start_site(SERVER);
	struct client *c = daemon_connect(d);
	struct reply *r = client_get(c, "/hello.txt", "");
	const char *etag = reply_field(r, "ETag");
	const char *modified = reply_field(r, "Last-Modified");

	r = client_expect(
	    c, "HEAD /hello.txt HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	reply_wants(r, "Content-Length", "10");
	reply_wants(r, "Content-Type", "text/plain; charset=utf-8");
	reply_wants(r, "ETag", etag);
	reply_wants(r, "Last-Modified", modified);
	reply_wants_text(client_get(c, "/hello.txt", ""), "0123456789");
	daemon_stop(d);
}
END_TEST

/* @E and @M stand for the file's ETag and Last-Modified. */
static const struct {
	const char *fields;
	unsigned status;
	const char *content, *range;
} conditions[] = {
	{ "If-None-Match: @E\r\n", 304, "", NULL },
	{ "If-None-Match: W/@E\r\n", 304, "", NULL },
	{ "If-None-Match: \"x\", @E\r\n", 304, "", NULL },
	{ "If-None-Match: \"x\"\r\nIf-None-Match: @E\r\n", 304, "", NULL },
	{ "If-None-Match: *\r\n", 304, "", NULL },
	{ "If-None-Match: \"x\"\r\n", 200, "0123456789", NULL },
	{ "If-None-Match: \"x\"\r\nIf-Modified-Since: @M\r\n", 200,
	    "0123456789", NULL },
	{ "If-Modified-Since: @M\r\n", 304, "", NULL },
	{ "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200,
	    "0123456789", NULL },
	{ "If-Modified-Since: nonsense\r\n", 200, "0123456789", NULL },
	{ "If-Match: @E\r\n", 200, "0123456789", NULL },
	{ "If-Match: *\r\n", 200, "0123456789", NULL },
	{ "If-Match: \"x\"\r\n", 412, NULL, NULL },
	{ "If-Match: W/@E\r\n", 412, NULL, NULL }, /* strong comparison */
	{ "If-Unmodified-Since: @M\r\n", 200, "0123456789", NULL },
	{ "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 412, NULL,
	    NULL },
	{ "If-Match: @E\r\nIf-None-Match: @E\r\n", 304, "", NULL },
	/* ranges */
	{ "Range: bytes=0-3\r\n", 206, "0123", "bytes 0-3/10" },
	{ "Range: bytes=4-\r\n", 206, "456789", "bytes 4-9/10" },
	{ "Range: bytes=-3\r\n", 206, "789", "bytes 7-9/10" },
	{ "Range: bytes=-30\r\n", 206, "0123456789", "bytes 0-9/10" },
	{ "Range: bytes=9-100\r\n", 206, "9", "bytes 9-9/10" },
	{ "Range: bytes=0-0\r\n", 206, "0", "bytes 0-0/10" },
	{ "Range: bytes=10-\r\n", 416, NULL, "bytes */10" },
	{ "Range: bytes=-0\r\n", 416, NULL, "bytes */10" },
	{ "Range: bytes=5-4\r\n", 200, "0123456789", NULL },
	{ "Range: lines=1-2\r\n", 200, "0123456789", NULL },
	{ "Range: bytes=x-y\r\n", 200, "0123456789", NULL },
	{ "Range: bytes=0-3\r\nIf-Range: @E\r\n", 206, "0123", "bytes 0-3/10" },
	{ "Range: bytes=0-3\r\nIf-Range: \"x\"\r\n", 200, "0123456789", NULL },
	{ "Range: bytes=0-3\r\nIf-Range: W/@E\r\n", 200, "0123456789", NULL },
	{ "Range: bytes=0-3\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
	    200, "0123456789", NULL },
	{ "Range: bytes=0-3\r\nIf-None-Match: @E\r\n", 304, "", NULL },
	{ "Range: bytes=20-\r\nIf-Match: \"x\"\r\n", 412, NULL, NULL },
};

static char *
with_validators(const char *fields, const char *etag, const char *modified)
{
	char *out = scratch_printf("%s", "");

	for (; *fields != '\0'; fields++)
		if (fields[0] == '@' && (fields[1] == 'E' || fields[1] == 'M'))
			out = scratch_printf(
			    "%s%s", out, *++fields == 'E' ? etag : modified);
		else
			out = scratch_printf("%s%c", out, *fields);
	return out;
}

/* What a date in the past needs: the file is old. */
static void
make_old(const char *name)
{
	struct timespec then[2] = { { .tv_sec = 1700000000 },
		{ .tv_sec = 1700000000 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, scratch_path(name), then, 0), 0);
}

START_TEST(conditions_and_ranges)
{
	struct daemon *d;
	struct client *c;
	struct reply *r;
	const char *etag, *modified;

	scratch_text("site/hello.txt", "0123456789");
	make_old("site/hello.txt");
	d = daemon_start(SERVER);
	c = daemon_connect(d);
	r = client_get(c, "/hello.txt", "");
	etag = reply_field(r, "ETag");
	modified = reply_field(r, "Last-Modified");
	ck_assert_str_eq(modified, "Tue, 14 Nov 2023 22:13:20 GMT");
	for (int i = 0; i < BT_ROWS(conditions); i++) {
		client_set_context(conditions[i].fields);
		r = client_get(c, "/hello.txt",
		    with_validators(conditions[i].fields, etag, modified));
		ck_assert_msg(r->status == conditions[i].status, "%s%u, not %u",
		    conditions[i].fields, r->status, conditions[i].status);
		if (conditions[i].content != NULL)
			reply_wants_text(r, conditions[i].content);
		reply_wants(r, "Content-Range", conditions[i].range);
		if (r->status == 304 || r->status == 206)
			reply_wants(r, "ETag", etag);
	}
	daemon_stop(d);
}
END_TEST

/* Without a body, Range has no meaning. */
START_TEST(head_ignores_range)
{
	struct daemon *d = start_site(SERVER);
	struct reply *r = client_expect(daemon_connect(d),
	    "HEAD /hello.txt HTTP/1.1\r\nHost: t\r\nRange: bytes=0-3\r\n\r\n",
	    200);

	reply_wants(r, "Content-Length", "10");
	daemon_stop(d);
}
END_TEST

static const char *const escapes[] = { "/../outside/secret.txt",
	"/%2e%2e/outside/secret.txt", "/..%2foutside/secret.txt",
	"/dir/../../outside/secret.txt",
	"/dir/%2E%2E/%2e%2e/outside/secret.txt", "/..%5coutside%5csecret.txt",
	"/dir/..%2f..%2foutside%2fsecret.txt", "/link",
	"/folder-link/secret.txt", "/absolute-link", "/folder-link/",
	"/folder-link", "/up/outside/secret.txt",
	"/%252e%252e/outside/secret.txt" };

START_TEST(nothing_outside)
{
	struct daemon *d;
	struct client *c;

	scratch_text("site/x", "");
	ck_assert_int_eq(
	    symlink("../outside/secret.txt", scratch_path("site/link")), 0);
	ck_assert_int_eq(
	    symlink("../outside", scratch_path("site/folder-link")), 0);
	ck_assert_int_eq(symlink("..", scratch_path("site/up")), 0);
	ck_assert_int_eq(symlink(scratch_path("outside/secret.txt"),
			     scratch_path("site/absolute-link")),
	    0);
	d = start_site(SERVER);
	for (int i = 0; i < BT_ROWS(escapes); i++) {
		struct reply *r;

		client_set_context(escapes[i]);
		c = daemon_connect(d);
		r = client_get(c, escapes[i], "");
		ck_assert_msg(
		    r->status == 400 || r->status == 403 || r->status == 404,
		    "%s: %u", escapes[i], r->status);
		ck_assert_ptr_null(strstr(r->content, "SECRET"));
	}
	daemon_stop(d);
}
END_TEST

/* A link that stays inside is as good as a file. */
START_TEST(link_inside)
{
	struct daemon *d;

	scratch_text("site/x", "");
	ck_assert_int_eq(symlink("hello.txt", scratch_path("site/alias")), 0);
	d = start_site(SERVER);
	reply_wants_text(
	    client_get(daemon_connect(d), "/alias", ""), "0123456789");
	daemon_stop(d);
}
END_TEST

/* What would block, or is no file at all, is not opened. */
START_TEST(no_files)
{
	static const char *const targets[] = { "/fifo", "/socket", "/loop" };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct daemon *d;
	struct client *c;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	scratch_text("site/x", "");
	ck_assert_int_eq(mkfifo(scratch_path("site/fifo"), 0644), 0);
	ck_assert_int_eq(symlink("loop", scratch_path("site/loop")), 0);
	strcpy(un.sun_path, scratch_path("site/socket"));
	ck_assert_int_eq(bind(fd, (void *)&un, sizeof(un)), 0);
	d = start_site("workers 1;\n" SERVER);
	c = daemon_connect(d);
	for (int i = 0; i < BT_ROWS(targets); i++) {
		unsigned status = client_get(c, targets[i], "")->status;

		ck_assert_msg(status == 404 || status == 403, "%s: %u",
		    targets[i], status);
	}
	daemon_stop(d);
	close(fd);
}
END_TEST

/* A file that the workers may not read. */
START_TEST(forbidden)
{
	struct daemon *d;

	if (getuid() != 0)
		return;
	scratch_text("site/private", "SECRET");
	ck_assert_int_eq(chmod(scratch_path("site/private"), 0600), 0);
	d = start_site("user nobody;\n" SERVER);
	ck_assert_uint_eq(
	    client_get(daemon_connect(d), "/private", "")->status, 403);
	daemon_stop(d);
}
END_TEST

START_TEST(large)
{
	char *noise = scratch_alloc(BIG);
	struct daemon *d;
	struct client *c;
	struct reply *r;

	scratch_noise(noise, BIG, 1);
	scratch_file("site/big.bin", noise, BIG);
	d = start_site(SERVER);
	c = daemon_connect(d);
	r = client_get(c, "/big.bin", "");
	reply_wants(r, "Content-Type", "application/octet-stream");
	reply_wants_content(r, noise, BIG);
	r = client_get(c, "/big.bin", "Range: bytes=1000000-2999999\r\n");
	ck_assert_uint_eq(r->status, 206);
	reply_wants_content(r, noise + 1000000, 2000000);
	/* pipelined, large and small, in order */
	for (int i = 0; i < 3; i++)
		client_puts(c,
		    "GET /big.bin HTTP/1.1\r\nHost: t\r\n"
		    "Range: bytes=-500000\r\n\r\n"
		    "GET /hello.txt HTTP/1.1\r\nHost: t\r\n\r\n"
		    "HEAD /big.bin HTTP/1.1\r\nHost: t\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		reply_wants_content(
		    client_read(c, "GET"), noise + BIG - 500000, 500000);
		reply_wants_text(client_read(c, "GET"), "0123456789");
		client_read(c, "HEAD");
	}
	daemon_stop(d);
}
END_TEST

/* Past what 32 bits hold, wherever it is asked for. */
START_TEST(ten_gib)
{
	const off_t size = (off_t)10 << 30;
	char *path = scratch_text("site/huge.bin", "");
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct daemon *d;
	struct client *c;
	struct reply *r;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(pwrite(fd, "middle", 6, (off_t)5 << 30), 6);
	ck_assert_int_eq(pwrite(fd, "end", 3, size - 3), 3);
	close(fd);
	d = daemon_start(SERVER);
	c = daemon_connect(d);
	r = client_expect(c, "HEAD /huge.bin HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	reply_wants(r, "Content-Length", "10737418240");
	r = client_get(c, "/huge.bin", "Range: bytes=-3\r\n");
	reply_wants_text(r, "end");
	reply_wants(
	    r, "Content-Range", "bytes 10737418237-10737418239/10737418240");
	r = client_get(
	    c, "/huge.bin", "Range: bytes=5368709120-5368709125\r\n");
	reply_wants_text(r, "middle");
	r = client_get(c, "/huge.bin", "Range: bytes=10737418240-\r\n");
	ck_assert_uint_eq(r->status, 416);
	/* who asks for all of it may stop anywhere */
	client_puts(c, "GET /huge.bin HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 1000000);
	client_reset(c);
	daemon_stop(d);
}
END_TEST

/* A narrow window, emptied a little at a time; others are served meanwhile. */
START_TEST(slow_reader)
{
	char *noise = scratch_alloc(MIDDLE * 10);
	struct daemon *d;
	struct client *slow, *other;

	scratch_noise(noise, MIDDLE * 10, 2);
	scratch_file("site/middle", noise, MIDDLE * 10);
	d = start_site("workers 1;\n" SERVER);
	slow = client_tcp_narrow("127.0.0.1", d->port, 2048);
	other = daemon_connect(d);
	client_puts(slow,
	    "GET /middle HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	for (size_t n = 1; n < MIDDLE * 10; n += 40000) {
		client_peek(slow, n);
		client_get(other, "/hello.txt", "");
	}
	reply_wants_content(client_read(slow, "GET"), noise, MIDDLE * 10);
	client_expect_eof(slow);
	daemon_stop(d);
}
END_TEST

struct await_content {
	struct client *client;
	const char *target, *text;
};

static bool
has_content(void *arg)
{
	struct await_content *a = arg;
	struct reply *r = client_get(a->client, a->target, "");

	return r->status == 200 && strcmp(r->content, a->text) == 0;
}

/*
 * A replaced file is noticed after file_cache_valid, and its strong validator
 * is another: also when its size and time of change are the same, as they are
 * where builds are reproducible, or two changes fall into one tick of the
 * clock.
 */
START_TEST(replaced_file)
{
	struct daemon *d =
	    start_site("workers 1; file_cache_valid 100ms;\n" SERVER);
	struct client *c = daemon_connect(d);
	struct await_content a = { c, "/old.txt", "replaced!!" };
	struct reply *r;
	const char *etag;

	scratch_text("site/old.txt", "0123456789");
	make_old("site/old.txt");
	r = client_get(c, "/old.txt", "");
	etag = reply_field(r, "ETag");
	reply_wants_text(r, "0123456789");
	scratch_text("site/new", "replaced!!");
	make_old("site/new");
	ck_assert_int_eq(
	    rename(scratch_path("site/new"), scratch_path("site/old.txt")), 0);
	wait_until(has_content, &a, "the new content");
	r = client_get(
	    c, "/old.txt", scratch_printf("If-None-Match: %s\r\n", etag));
	ck_assert_msg(r->status == 200,
	    "two contents with the same strong ETag %s", etag);
	daemon_stop(d);
}
END_TEST

static bool
is_gone(void *arg)
{
	return client_get(arg, "/hello.txt", "")->status == 404;
}

/* The same for a file that is removed, and one that appears. */
START_TEST(removed_and_new_file)
{
	struct daemon *d =
	    start_site("workers 1; file_cache_valid 100ms;\n" SERVER);
	struct client *c = daemon_connect(d);
	struct await_content a = { c, "/late.txt", "late" };

	reply_wants_text(client_get(c, "/hello.txt", ""), "0123456789");
	ck_assert_uint_eq(client_get(c, "/late.txt", "")->status, 404);
	unlink(scratch_path("site/hello.txt"));
	scratch_text("site/late.txt", "late");
	wait_until(is_gone, c, "404 for a removed file");
	wait_until(has_content, &a, "a new file");
	daemon_stop(d);
}
END_TEST

/* Truncated while it is sent: the connection ends, it does not lie or hang. */
START_TEST(truncated_amid_the_answer)
{
	char *noise = scratch_alloc(BIG);
	struct daemon *d;
	struct client *c;
	size_t n;

	scratch_noise(noise, BIG, 3);
	scratch_file("site/big.bin", noise, BIG);
	d = start_site("workers 1;\n" SERVER);
	c = client_tcp_narrow("127.0.0.1", d->port, 4096);
	client_puts(c, "GET /big.bin HTTP/1.1\r\nHost: t\r\n\r\n");
	client_peek(c, 1000);
	ck_assert_int_eq(truncate(scratch_path("site/big.bin"), 1000), 0);
	client_peek_all(c, &n);
	ck_assert_uint_lt(n, BIG);
	client_skip(c, n);
	client_get(daemon_connect(d), "/hello.txt", "");
	daemon_stop(d);
}
END_TEST

START_TEST(other_index)
{
	struct daemon *d;
	struct client *c;

	scratch_text("site/home.htm", "home");
	scratch_text("site/dir/index.html", "dir");
	d = daemon_start("server { route / { root @DIR@/site; "
			 "index home.htm index.html; } }\n");
	c = daemon_connect(d);
	reply_wants_text(client_get(c, "/", ""), "home");
	reply_wants_text(client_get(c, "/dir/", ""), "dir");
	daemon_stop(d);
}
END_TEST

/* Far more files than one would keep open. */
START_TEST(many_files)
{
	enum { N = 3000 };
	struct daemon *d;
	struct client *c;
	char *text = scratch_alloc(70001);

	memset(text, 'x', 70000);
	for (int i = 0; i < N; i += 10)
		scratch_text(scratch_printf("site/f%d", i), text);
	for (int i = 0; i < N; i++)
		if (i % 10)
			scratch_text(scratch_printf("site/f%d", i),
			    scratch_printf("file %d", i));
	d = daemon_start("workers 1;\n" SERVER);
	c = daemon_connect(d);
	for (int j = 0; j < 2; j++)
		for (int i = 0; i < N; i++)
			reply_wants_text(
			    client_get(c, scratch_printf("/f%d", i), ""),
			    i % 10 ? scratch_printf("file %d", i) : text);
	daemon_stop(d);
}
END_TEST

/* Its holder has 45 s to give a lease up: others are answered meanwhile. */
START_TEST(leased)
{
	struct daemon *d = start_site("workers 1;\n" SERVER);
	struct client *c = daemon_connect(d);
	int fd = open(scratch_path("site/hello.txt"), O_RDWR);

	signal(SIGIO, SIG_IGN); /* we are asked to give it up, and do not */
	ck_assert_int_eq(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	ck_assert_uint_eq(client_get(c, "/hello.txt", "")->status, 503);
	reply_wants_text(client_get(c, "/", ""), "<p>index\n");
	close(fd);
	reply_wants_text(client_get(c, "/hello.txt", ""), "0123456789");
	daemon_stop(d);
}
END_TEST

static void
link_site(const char *to)
{
	unlink(scratch_path("new"));
	ck_assert_int_eq(symlink(to, scratch_path("new")), 0);
	ck_assert_int_eq(
	    rename(scratch_path("new"), scratch_path("current")), 0);
}

/* A site is put in place by the rename of a symlink, as deploying tools do. */
START_TEST(root_is_replaced)
{
	struct daemon *d;
	struct client *c;

	scratch_text("one/index.html", "one\n");
	scratch_text("one/only.txt", "only\n");
	scratch_text("two/index.html", "two\n");
	link_site("one");
	d = daemon_start("workers 1; file_cache_valid 0;\n"
			 "server { route / { root @DIR@/current; } }\n");
	c = daemon_connect(d);
	reply_wants_text(client_get(c, "/", ""), "one\n");
	reply_wants_text(client_get(c, "/only.txt", ""), "only\n");
	link_site("two");
	reply_wants_text(client_get(c, "/", ""), "two\n");
	ck_assert_uint_eq(client_get(c, "/only.txt", "")->status, 404);
	/* while there is none, what was there is still served */
	link_site("none");
	reply_wants_text(client_get(c, "/", ""), "two\n");
	link_site("one");
	reply_wants_text(client_get(c, "/", ""), "one\n");
	daemon_stop(d);
}
END_TEST

/* A folder as deep as its index file can be. */
START_TEST(deep_index)
{
	struct daemon *d = start_site(SERVER);
	struct client *c = daemon_connect(d);
	const char *path = "";

	for (int i = 0; i < 8; i++)
		path = scratch_printf("%s/%0200d", path, i);
	scratch_text(scratch_printf("site%s/index.html", path), "deep\n");
	reply_wants_text(
	    client_get(c, scratch_printf("%s/", path), ""), "deep\n");
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(files)
{
	TCase *tc = bt_system_case(s, "answers");

	tcase_add_test(tc, tree);
	tcase_add_test(tc, slash_redirect);
	tcase_add_test(tc, head_is_get_without_content);
	tcase_add_test(tc, conditions_and_ranges);
	tcase_add_test(tc, head_ignores_range);
	tcase_add_test(tc, other_index);
	tcase_add_test(tc, deep_index);
	tcase_add_test(tc, leased);
	tc = bt_system_case(s, "fence");
	tcase_add_test(tc, nothing_outside);
	tcase_add_test(tc, link_inside);
	tcase_add_test(tc, no_files);
	tcase_add_test(tc, forbidden);
	tc = bt_system_case(s, "sending");
	tcase_add_test(tc, large);
	tcase_add_test(tc, ten_gib);
	tcase_add_test(tc, slow_reader);
	tcase_add_test(tc, truncated_amid_the_answer);
	tc = bt_system_case(s, "cache");
	tcase_add_test(tc, replaced_file);
	tcase_add_test(tc, root_is_replaced);
	tcase_add_test(tc, removed_and_new_file);
	tcase_add_test(tc, many_files);
}
