/*
 * The smallest application: `/` says hello, all else is not found.
 */

#include <baton/baton.h>

static void
hello(struct baton_exchange *x)
{
	baton_reply_static(
	    x, 200, "text/plain; charset=utf-8", "hello, world\n", 13);
}

static const struct baton_route routes[] = {
	{ .on = "GET /", .answer = hello },
	{ 0 },
};

BATON_APP = {
	BATON_APP_HEAD,
	.name = "hello",
	.version = "1",
	.routes = routes,
};
