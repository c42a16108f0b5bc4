/*
 * A site that says which conf is in force.
 */

#include "tests/system/site.h"

#include "tests/system/scratch.h"

#include <check.h>

enum { FRESH = 6 };

const char *
site_conf(const char *globals, const char *text)
{
	return scratch_printf("%s\n"
			      "server { route = / { return 200 \"%s\"; } "
			      "route /echo { echo; } "
			      "route /files { root @DIR@/site; } }\n",
	    globals, text);
}

char *
site_make_big(void)
{
	char *noise = scratch_alloc(SITE_BIG);

	scratch_noise(noise, SITE_BIG, 7);
	scratch_file("site/files/big", noise, SITE_BIG);
	return noise;
}

void
site_wants(struct client *c, const char *text)
{
	struct reply *r = client_expect(c, GET, 200);

	reply_wants_text(r, text);
	ck_assert_msg(!r->closes, "the connection is to end: %s", r->head);
}

unsigned long
site_load(struct daemon *d, struct client **kept, int kept_n, const char *text)
{
	unsigned long n = 0;

	for (int i = 0; i < kept_n; i++)
		client_puts(kept[i], i % 2 ? GET : GET GET GET);
	for (int i = 0; i < kept_n; i++)
		for (int k = 0; k < (i % 2 ? 1 : 3); k++, n++)
			reply_wants_text(client_read(kept[i], "GET"), text);
	for (int i = 0; i < FRESH; i++, n++) {
		struct client *once = daemon_connect(d);

		client_puts(once,
		    "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
		reply_wants_text(client_read(once, "GET"), text);
		client_expect_eof(once);
		client_close(once);
	}
	return n;
}
