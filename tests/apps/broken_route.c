/* For tests: one of its routes is malformed. */

#include <baton/baton.h>

static void
answer(struct baton_exchange *x)
{
	baton_reply_text(x, 200, "never\n");
}

static const struct baton_route routes[] = {
	{ .on = "GET users", .answer = answer },
	{ 0 },
};

BATON_APP = { BATON_APP_HEAD, .name = "broken", .routes = routes };
