/*
 * For tests: another application than probe, whose functions have the same
 * names.
 */

#include <baton/baton.h>

static void
any(struct baton_exchange *x)
{
	baton_reply_text(x, 200, "other\n");
}

static void
show(struct baton_exchange *x, const void *state, size_t n)
{
	baton_reply_text(x, 200, "other was resumed\n");
}

static const struct baton_route routes[] = {
	{ .on = "GET /*path", .answer = any },
	{ 0 },
};

static const struct baton_resume resumes[] = {
	{ .name = "show", .answer = show, .version = 1 },
	{ 0 },
};

BATON_APP = {
	BATON_APP_HEAD,
	.name = "other",
	.routes = routes,
	.resumes = resumes,
};
