/*
 * `cache_control`: on good answers, once, and nowhere else.
 */

#include "tests/system/system.h"

#define SERVER \
	"cache_control max-age=1h, public;\n" \
	"server {\n" \
	"  add_header X-A b;\n" \
	"  route / { root @DIR@/site; }\n" \
	"  route /off/ { root @DIR@/site; cache_control off; }\n" \
	"  route /static/ { root @DIR@/site; cache_control max-age=365d " \
	"immutable; }\n" \
	"  route = /moved { redirect 301 /x.txt; }\n" \
	"  route = /status { status; }\n" \
	"  route = /metrics { metrics; }\n" \
	"}\n"

static const struct {
	const char *target, *fields;
	unsigned status;
	const char *want;
} rows[] = {
	{ "/x.txt", "", 200, "max-age=3600, public" },
	{ "/x.txt", "Range: bytes=0-1\r\n", 206, "max-age=3600, public" },
	{ "/x.txt", "If-None-Match: *\r\n", 304, "max-age=3600, public" },
	{ "/moved", "", 301, "max-age=3600, public" },
	{ "/none", "", 404, NULL },
	{ "/x.txt", "If-Match: \"no\"\r\n", 412, NULL },
	{ "/off/x.txt", "", 200, NULL },
	{ "/static/x.txt", "", 200, "max-age=31536000, immutable" },
	/* they say it themselves */
	{ "/status", "", 200, "no-store" },
	{ "/metrics", "", 200, "no-store" },
};

START_TEST(stands_on_good_answers)
{
	struct daemon *d;
	struct reply *r;

	scratch_text("site/x.txt", "0123456789");
	scratch_text("site/off/x.txt", "0123456789");
	scratch_text("site/static/x.txt", "0123456789");
	d = daemon_start(SERVER);
	r = client_get(daemon_connect(d), rows[_i].target, rows[_i].fields);
	ck_assert_uint_eq(r->status, rows[_i].status);
	reply_wants(r, "Cache-Control", rows[_i].want);
	reply_wants(r, "X-A", r->status < 400 ? "b" : NULL);
	daemon_stop(d);
}
END_TEST

BT_SYSTEM_SUITE(cache_control)
{
	tcase_add_loop_test(bt_system_case(s, "answers"),
	    stands_on_good_answers, 0, BT_ROWS(rows));
}
