/*
 * For tests: a later release of probe.  It has a newer version of the state of
 * "forward", none that is as old as that of "show", and no "finish".
 */

#include <baton/baton.h>

static void
any(struct baton_exchange *x)
{
	baton_reply_text(x, 200, "next\n");
}

static void
resumed(struct baton_exchange *x, const void *state, size_t n)
{
	baton_print(
	    x, "next, version %u, %zu bytes\n", baton_resume_version(x), n);
	baton_reply_printed(x, 200, "text/plain");
}

static const struct baton_route routes[] = {
	{ .on = "GET /*path", .answer = any },
	{ 0 },
};

static const struct baton_resume resumes[] = {
	{ .name = "show", .answer = resumed, .version = 3, .oldest = 2 },
	{ .name = "forward", .answer = resumed, .version = 1 },
	{ 0 },
};

BATON_APP = {
	BATON_APP_HEAD,
	.name = "probe",
	.routes = routes,
	.resumes = resumes,
};
