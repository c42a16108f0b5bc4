/*
 * Walking through the pages of an application.
 */

#include "tests/system/visit.h"

#include <stdio.h>
#include <string.h>

/* The cookie that an answer sets, without its attributes. */
static void
keep_cookie(struct visit *v, const struct reply *r)
{
	const char *set = reply_field(r, "Set-Cookie");

	if (set != NULL)
		v->cookie = scratch_printf("%.*s", (int)strcspn(set, ";"), set);
}

/* One request; what it redirects to, or NULL. */
static const char *
ask(struct visit *v, const char *method, const char *url, const char *form)
{
	struct client *c = daemon_connect(v->daemon);
	const char *cookie =
	    v->cookie ? scratch_printf("Cookie: %s\r\n", v->cookie) : "";
	const char *content = form
	    ? scratch_printf(
		  "Content-Type: application/x-www-form-urlencoded\r\n"
		  "Content-Length: %zu\r\n\r\n%s",
		  strlen(form), form)
	    : "\r\n";
	const char *to;
	struct reply *r;

	client_puts(c,
	    scratch_printf("%s %s HTTP/1.1\r\nHost: t\r\n%s%s", method, url,
		cookie, content));
	r = client_read(c, method);
	keep_cookie(v, r);
	v->status = r->status;
	v->url = scratch_printf("%s", url);
	v->page = scratch_join(r->content, r->content_n, "");
	to = reply_field(r, "Location");
	to = to ? scratch_printf("%s", to) : NULL;
	client_close(c);
	return to;
}

void
visit_get(struct visit *v, const char *url)
{
	for (int hops = 0; url != NULL; hops++) {
		ck_assert_int_lt(hops, 5);
		url = ask(v, "GET", url, NULL);
	}
}

void
visit_post(struct visit *v, const char *url, const char *form)
{
	const char *to = ask(v, "POST", url, form);

	if (to != NULL)
		ck_assert_uint_eq(v->status, 303);
	visit_get(v, to);
}

/* The part of a page that is worth reading, for a message. */
static const char *
main_part(const struct visit *v)
{
	const char *at = strstr(v->page, "<main>");

	return scratch_printf("%.2000s", at ? at : v->page);
}

/* The last attribute `name="` before `end`; NULL: there is none. */
static const char *
last_before(const char *page, const char *end, const char *name)
{
	const char *found = NULL;

	for (const char *at = page; (at = strstr(at, name)) != NULL && at < end;
	     at += strlen(name))
		found = at + strlen(name);
	return found;
}

static const char *
url_before(const struct visit *v, const char *text, const char *name)
{
	const char *end = strstr(v->page, text), *url;

	ck_assert_msg(end != NULL, "no \"%s\" in: %s", text, main_part(v));
	url = last_before(v->page, end, name);
	ck_assert_ptr_nonnull(url);
	return scratch_printf("%.*s", (int)strcspn(url, "\"#"), url);
}

const char *
visit_form(const struct visit *v, const char *text)
{
	return url_before(v, text, "action=\"");
}

void
visit_follow(struct visit *v, const char *text)
{
	visit_get(v, url_before(v, text, "href=\""));
}

void
visit_submit(struct visit *v, const char *text, const char *form)
{
	visit_post(v, visit_form(v, text), form);
}

void
visit_wants(const struct visit *v, unsigned status, const char *text)
{
	ck_assert_msg(v->status == status && strstr(v->page, text) != NULL,
	    "%s: %u, not %u with \"%s\": %s", v->url, v->status, status, text,
	    main_part(v));
}
