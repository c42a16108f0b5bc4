#ifndef BT_TESTS_VISIT_H
#define BT_TESTS_VISIT_H

/*
 * A browser of the simplest kind: it keeps one cookie, follows redirects, and
 * finds the links and forms of a page by what they say.  Each request has a
 * connection of its own, so that any worker may answer it.
 */

#include "tests/system/system.h"

struct visit {
	struct daemon *daemon;
	const char *cookie; /* NAME=VALUE, or NULL */
	const char *url;    /* of the page that is shown */
	const char *page;   /* its content */
	unsigned status;
};

/* GET, or POST of a form's content; then what redirects lead to. */
void visit_get(struct visit *, const char *url);
void visit_post(struct visit *, const char *url, const char *form);

/* The same, of the last link or form that begins before that text. */
void visit_follow(struct visit *, const char *text);
void visit_submit(struct visit *, const char *text, const char *form);

/* The URL of that form. */
const char *visit_form(const struct visit *, const char *text);

/* Wants that status, and that text in the page. */
void visit_wants(const struct visit *, unsigned status, const char *text);

#endif
