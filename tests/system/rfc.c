/*
 * Checking rows of requirements.
 */

#include "tests/system/rfc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONF \
	"workers 1;\n" \
	"server { max_body_size 1k; name t;\n" \
	"  route = /t { return 200 x; }\n" \
	"  route = /old { redirect 301 /t; }\n" \
	"  route = /gone { return 410; }\n" \
	"  route /echo { echo; }\n" \
	"  route /files { root @DIR@/site; }\n" \
	"}\n"

struct daemon *
rfc_start(void)
{
	const struct timespec then[2] = { { 1700000000, 0 },
		{ 1700000000, 0 } };
	const char *a = scratch_text("site/files/a.txt", "0123456789");
	const char *page = scratch_text("site/files/page.html", "<p>page\n");

	ck_assert_int_eq(utimensat(AT_FDCWD, a, then, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, page, then, 0), 0);
	scratch_text("site/files/page.html.gz", "coded");
	scratch_text("site/files/dir/index.html", "<p>dir\n");
	return daemon_start(CONF);
}

/* Each `name` in it becomes `value`. */
static char *
replace(const char *text, const char *name, const char *value)
{
	const char *at = strstr(text, name);

	if (at == NULL)
		return scratch_printf("%s", text);
	return scratch_printf("%.*s%s%s", (int)(at - text), text, value,
	    replace(at + strlen(name), name, value));
}

static void
check_field(
    const struct reply *r, const char *text, const char *etag, const char *date)
{
	const char *field =
	    replace(replace(text, "@ETAG@", etag), "@DATE@", date);
	const char *colon = strchr(field, ':');
	char *name;

	if (field[0] == '-') {
		reply_wants(r, field + 1, NULL);
		return;
	}
	ck_assert_ptr_nonnull(colon);
	name = scratch_printf("%.*s", (int)(colon - field), field);
	reply_wants(r, name, colon + 2);
}

/* A complete response, whatever its status (RFC 9110, 6.6.1 and 8.6). */
static void
check_common(const struct reply *r)
{
	ck_assert_ptr_nonnull(reply_field(r, "Date"));
	if (r->status == 204 || r->status == 304) {
		ck_assert_ptr_null(reply_field(r, "Content-Length"));
		ck_assert_ptr_null(reply_field(r, "Transfer-Encoding"));
	}
	if (r->status == 405)
		ck_assert_ptr_nonnull(reply_field(r, "Allow"));
}

static void
check_row(struct daemon *d, const struct rfc_row *row, const char *etag,
    const char *date)
{
	struct client *c = daemon_connect(d);
	struct reply *r;

	client_set_context(scratch_printf("%s: %s", row->section, row->what));
	r = client_ask(
	    c, replace(replace(row->request, "@ETAG@", etag), "@DATE@", date));
	ck_assert_msg(r->status == row->status, "%s: %s: %u, not %u",
	    row->section, row->what, r->status, row->status);
	check_common(r);
	for (int i = 0; i < 4 && row->fields[i] != NULL; i++)
		check_field(r, row->fields[i], etag, date);
	if (row->content != NULL)
		reply_wants_text(r, row->content);
	ck_assert_msg(r->closes == (row->then == RFC_CLOSES),
	    "%s: %s: Connection: %s", row->section, row->what,
	    reply_field(r, "Connection"));
	if (row->then == RFC_CLOSES)
		client_expect_end(c);
	else
		client_expect(c, "GET /t HTTP/1.1\r\nHost: t\r\n\r\n", 200);
	client_close(c);
}

void
rfc_check(struct daemon *d, const struct rfc_row *rows, size_t n)
{
	struct client *c = daemon_connect(d);
	const char *etag, *date;

	etag = scratch_printf(
	    "%s", reply_field(client_get(c, "/files/a.txt", ""), "ETag"));
	date = scratch_printf("%s",
	    reply_field(client_get(c, "/files/a.txt", ""), "Last-Modified"));
	client_close(c);
	for (size_t i = 0; i < n; i++)
		check_row(d, &rows[i], etag, date);
}
